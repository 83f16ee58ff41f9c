#!/usr/bin/env bash
# Builds the packages of the last commit twice, in two places, and demands the same bytes.
set -euo pipefail
cd "$(dirname "$0")/.."

places=$(mktemp -d)
trap 'rm -rf "$places"' EXIT
tool=$PWD/target/tools/bin/cargo-deb
[[ ! -x $tool ]] || export CARGO_DEB=${CARGO_DEB:-$tool}
unset CARGO_TARGET_DIR

# Both first: a commit made meanwhile must not come between them.
for place in one another/place; do
    git clone --quiet . "$places/$place"
done
for place in one another/place; do
    (cd "$places/$place" && scripts/package.sh > /dev/null)
    # The tool is no part of what is compared.
    export CARGO_DEB=${CARGO_DEB:-$places/$place/target/tools/bin/cargo-deb}
done
cd "$places/one/target/package"
for file in *.deb *.tar.gz; do
    cmp "$file" "$places/another/place/target/package/$file"
done
cat SHA256SUMS
