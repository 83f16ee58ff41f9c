#!/usr/bin/env bash
# Measures the four programs side by side with what people use today, or with another build of them.
#
# usage: scripts/bench.sh [--quick] [--record] [--json] [--only WORD] [--against PATH] [--rounds N] [--seconds S]
#
# The table goes to standard output, the chart to target/bench. --quick ends within two minutes once
# everything is built; --record writes both to docs; --against PATH/TO/tcp-server compares with the
# programs of that build, in place of the peers.
set -euo pipefail
cd "$(dirname "$0")/.."

if ! command -v cargo > /dev/null; then
    echo "bench: cargo is not installed; get Rust, which brings it, from https://rustup.rs" >&2
    exit 1
fi

# The first line with a number that a tool prints about itself.
version() {
    { "$@" 2>&1 || true; } < /dev/null | grep --max-count=1 '[0-9]' || echo "$1: not installed"
}

machine=$(
    echo "$(date --utc --iso-8601), commit $(git describe --always --dirty):" \
        "$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -1), $(nproc) cores, Linux $(uname -r | cut -d- -f1)"
    echo
    echo "Load before: $(cut -d' ' -f1-3 /proc/loadavg). TCP: $(cat /proc/sys/net/ipv4/tcp_congestion_control)."
    for tool in "rustc --version" "socat -V" "ncat --version" "nc -h" "python3 --version" \
        "iperf3 --version" "sockperf --version"; do
        # shellcheck disable=SC2086 # a command and its option
        echo "- $(version $tool)"
    done
)

echo "bench: building (the first time takes some minutes)" >&2
cargo build --release --locked --quiet --workspace --bins
exec "${CARGO_TARGET_DIR:-target}/release/bench" --machine "$machine" "$@"
