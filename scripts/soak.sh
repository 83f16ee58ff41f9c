#!/usr/bin/env bash
# The tests of tcp-server that take too long for every run: 200,000 visits, thousands of hostile clients.
set -euo pipefail
cd "$(dirname "$0")/.."

cargo test --locked --package end-to-end -- --ignored --nocapture --test-threads 1 scale::
