#!/usr/bin/env bash
# Measures the four programs side by side with what people use today; says where the results are.
#
# usage: scripts/bench.sh [--quick] [--record] [--only WORD] [--against WORD] [--rounds N] [--seconds S]
#
# --quick ends within two minutes once everything is built. --record writes to benchmarks/, for the
# repository; without it everything goes to target/bench/. What is not installed is left out and named.
set -euo pipefail
cd "$(dirname "$0")/.."

if ! command -v cargo > /dev/null; then
    echo "bench: cargo is not installed; get Rust, which brings it, from https://rustup.rs" >&2
    exit 1
fi
for peer in socat ncat nc python3 iperf3 sockperf; do
    if ! command -v "$peer" > /dev/null; then
        echo "bench: $peer is not installed; the results will do without it" >&2
    fi
done

echo "bench: building (the first time takes some minutes)" >&2
cargo build --release --locked --quiet --workspace --bins
exec "${CARGO_TARGET_DIR:-target}/release/bench" "$@"
