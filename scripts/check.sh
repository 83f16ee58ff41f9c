#!/usr/bin/env bash
# What has to hold before a change lands: format, lints, tests (which check the promised Rust version
# against the dependencies), documentation.
set -euo pipefail
cd "$(dirname "$0")/.."

cargo fmt --all --check
cargo clippy --workspace --all-targets --locked -- -D warnings
cargo test --workspace --locked
RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --locked
if command -v shellcheck > /dev/null; then
    shellcheck scripts/*.sh docs/deploy/check_echo docs/deploy/check-every-address
fi
