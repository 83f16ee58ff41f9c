#!/usr/bin/env bash
# How many datagrams of one burst are printed, and how many are lost: udp-server against socat.
#
# usage: scripts/bench-udp.sh [ROUNDS]
#
# One udp-client sends DATAGRAMS (500000) of SIZE (64) bytes, as fast as it can, to each receiver in
# turn, ROUNDS (5) times; all write to a file. The table has medians, and in brackets the extremes.
set -euo pipefail
cd "$(dirname "$0")/.."

rounds=${1:-5}
datagrams=${DATAGRAMS:-500000}
size=${SIZE:-64}
bin=target/release
receivers=(udp-server udp-server-raw socat socat-4MiB)

work=$(mktemp -d)
receiver=
cleanup() {
    if [ -n "$receiver" ]; then kill "$receiver" 2>/dev/null || true; fi
    rm -rf "$work"
}
trap cleanup EXIT

cargo build --release --locked --quiet -p udp-server -p udp-client
if ! command -v socat >/dev/null; then
    echo "socat is not installed: udp-server alone is measured" >&2
    receivers=(udp-server udp-server-raw)
fi

# A port that was free a moment ago; socat cannot say which one it got.
free_port() {
    "$bin/udp-server" 127.0.0.1:0 --time 1ms --json | sed -n 's/.*"listening".*:\([0-9]*\)"}/\1/p'
}

listens() {
    grep -qi "0100007F:$(printf %04X "$1") " /proc/net/udp
}

start() {
    local name=$1 port=$2
    case $name in
    udp-server) exec "$bin/udp-server" "127.0.0.1:$port" ;;
    udp-server-raw) exec "$bin/udp-server" "127.0.0.1:$port" --raw ;;
    # It ends after a second of silence: a signal would not let it read what is in its socket.
    socat) exec socat -u -T 1 "UDP-RECV:$port,bind=127.0.0.1" - ;;
    socat-4MiB) exec socat -u -T 1 "UDP-RECV:$port,bind=127.0.0.1,rcvbuf=4194304" - ;;
    esac
}

count() {
    case $1 in
    udp-server) grep -c '^\[+\] Mensaje enviado por el cliente: ' "$2" || true ;;
    *) echo $(($(stat -c %s "$2") / size)) ;;
    esac
}

# One round with one receiver: appends "printed sent-per-second" to its results.
measure() {
    local name=$1 port begin end
    port=$(free_port)
    LC_ALL=C start "$name" "$port" >"$work/output" 2>"$work/errors" &
    receiver=$!
    until listens "$port"; do kill -0 "$receiver"; done
    begin=${EPOCHREALTIME/./}
    "$bin/udp-client" "127.0.0.1:$port" --lines -f "$work/burst"
    end=${EPOCHREALTIME/./}
    case $name in udp-server*) kill -INT "$receiver" ;; esac
    wait "$receiver"
    receiver=
    echo "$(count "$name" "$work/output") $((datagrams * 1000000 / (end - begin)))" >>"$work/$name"
}

# Median, least and most of a column of a file.
spread() {
    sort -n -k "$2,$2" "$1" | awk -v column="$2" '
        { value[NR] = $column }
        END {
            middle = NR % 2 ? value[(NR + 1) / 2] : (value[NR / 2] + value[NR / 2 + 1]) / 2
            printf "%d (%d-%d)", middle, value[1], value[NR]
        }'
}

payload=$(printf "%${size}s" "" | tr ' ' x)
yes "$payload" | head -n "$datagrams" >"$work/burst" || true
for ((round = 1; round <= rounds; round++)); do
    for name in "${receivers[@]}"; do measure "$name"; done
done

echo "$datagrams datagrams of $size bytes, $rounds rounds; receive buffers up to $(cat /proc/sys/net/core/rmem_max) bytes"
printf '%-16s %-26s %-26s %-9s %s\n' receiver 'sent per second' printed 'lost (%)' 'printed per second'
for name in "${receivers[@]}"; do
    awk -v all="$datagrams" '{ print 100 * (all - $1) / all, int($1 * $2 / all) }' "$work/$name" >"$work/shares"
    lost=$(sort -n "$work/shares" | awk '{ value[NR] = $1 } END { printf "%.1f", value[int((NR + 1) / 2)] }')
    printf '%-16s %-26s %-26s %-9s %s\n' "$name" "$(spread "$work/$name" 2)" "$(spread "$work/$name" 1)" \
        "$lost" "$(spread "$work/shares" 2)"
done
