#!/usr/bin/env bash
# Builds the four programs, lets each client talk to its server on a free port, and shows what was
# said. Exit code 0 only if every message arrived and every reply was right.
set -euo pipefail
cd "$(dirname "$0")/.."

if ! command -v cargo > /dev/null; then
    echo "demo: cargo is not installed; get Rust, which brings it, from https://rustup.rs" >&2
    exit 1
fi

echo "demo: building (the first time takes a minute)" >&2
cargo build --release --locked --quiet -p tcp-server -p tcp-client -p udp-server -p udp-client
programs=${CARGO_TARGET_DIR:-target}/release

# Runs a command in sight.
show() {
    echo "\$ $*"
    "$programs/$1" "${@:2}"
}

# Starts a server in sight; its lines come from descriptor $lines, its port is in $port.
start() {
    echo "\$ $* &"
    exec {lines}< <(exec "$programs/$1" "${@:2}")
    server=$!
    port=
    until [[ -n $port ]]; do
        IFS= read -r -t 30 line <&"$lines"
        echo "$line"
        [[ $line =~ :([0-9]+)$ ]] && port=${BASH_REMATCH[1]}
    done
}

# Stops the server as a service manager does, shows the rest of what it said, and demands that it hold a text.
stop_and_expect() {
    kill "$server"
    local rest
    rest=$(cat <&"$lines")
    exec {lines}<&-
    echo "$rest"
    if [[ $rest != *"$1"* ]]; then
        echo "demo: the server never said '$1'" >&2
        exit 1
    fi
}

trap 'kill "${server:-}" 2> /dev/null || true' EXIT

start tcp-server --port 0
show tcp-client --port "$port" --expect-echo
show tcp-client --port "$port" --expect-echo --message '¿Qué tal?'
stop_and_expect ': 127.0.0.1:'

echo
start udp-server --port 0 --echo
show udp-client --port "$port" --timeout 5s
stop_and_expect 'Hola se está tensando muchísimo'

trap - EXIT
echo
echo "demo: every message arrived and every reply was right"
