#!/usr/bin/env bash
# Makes a Debian package and a tar archive of each program, checks them, and puts them into
# target/package: nothing is there before every check has passed.
#
# usage: scripts/package.sh [--reproduce]
#
# The same commit gives the same bytes with the same compiler: times come from the commit, paths of
# this machine are kept out, and archives are sorted. --reproduce shows it: it packages the last commit
# once more, in another place, and compares.
#
# Environment: DEBFULLNAME and DEBEMAIL name the maintainer, CARGO_DEB a cargo-deb to use,
# SOURCE_DATE_EPOCH the time of every file where there is no git.
set -euo pipefail
cd "$(dirname "$0")/.."

programs=(tcp-server tcp-client udp-server udp-client)
cargo_deb_version=3.8.0
target=$(realpath -m "${CARGO_TARGET_DIR:-target}")
package=$target/package
export CARGO_TARGET_DIR=$package/build
release=$CARGO_TARGET_DIR/release
scratch=$(mktemp -d)
made=$scratch/made
trap 'rm -rf "$scratch"' EXIT

fail() {
    echo "package: $*" >&2
    exit 1
}

# What a check cannot do for want of a tool is said, and is no failure.
has() {
    command -v "$1" > /dev/null || { echo "package: no $1 here: $2" >&2 && return 1; }
}

# cargo-deb is no part of the workspace: cargo alone builds and tests the programs.
find_cargo_deb() {
    cargo_deb=${CARGO_DEB:-$target/tools/bin/cargo-deb}
    if [[ -z ${CARGO_DEB:-} && $("$cargo_deb" --version 2> /dev/null) != *"$cargo_deb_version" ]]; then
        echo "package: installing cargo-deb $cargo_deb_version into $target/tools (once, some minutes)" >&2
        env --unset=CARGO_TARGET_DIR \
            cargo install --quiet --locked --root "$target/tools" --version "$cargo_deb_version" cargo-deb
    fi
}

# Where two prefixes fit, rustc takes the last; \x1f stands between arguments, as paths may have spaces.
build() {
    SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct)}
    export SOURCE_DATE_EPOCH
    local flags=("--remap-path-prefix=${CARGO_HOME:-$HOME/.cargo}=/cargo"
        "--remap-path-prefix=$PWD=/source" "--remap-path-prefix=$CARGO_TARGET_DIR=/build")
    CARGO_ENCODED_RUSTFLAGS=$(IFS=$'\x1f' && echo "${flags[*]}") \
        cargo build --release --locked "${programs[@]/#/--package=}"
}

# The files that the programs write about themselves, where Cargo.toml tells cargo-deb to look.
generate() {
    local assets=$release/assets/$1
    mkdir -p "$assets"
    "$release/$1" --generate man > "$assets/$1.1"
    gzip --no-name --best --keep --force "$assets/$1.1"
    "$release/$1" --generate bash > "$assets/$1.bash"
    "$release/$1" --generate zsh > "$assets/_$1"
    "$release/$1" --generate fish > "$assets/$1.fish"
}

make_deb() {
    "$cargo_deb" --package "$1" --no-build --no-strip --locked --output "$made" \
        --maintainer "${DEBFULLNAME:-The authors} <${DEBEMAIL:-nobody@localhost}>" > /dev/null
}

make_tar() {
    local root=$scratch/tar/$1-$version-$host
    mkdir -p "$root/man" "$root/completions"
    install -m 755 "$release/$1" "$root/"
    install -m 644 LICENSE README.md CHANGELOG.md "$root/"
    install -m 644 "$release/assets/$1/$1.1" "$root/man/"
    install -m 644 "$release/assets/$1/"{"$1.bash","_$1","$1.fish"} "$root/completions/"
    local kind
    for kind in service socket; do
        [[ ! -e crates/$1/systemd/$kind ]] \
            || install -D -m 644 "crates/$1/systemd/$kind" "$root/systemd/$1.$kind"
    done
    tar --create --format=ustar --sort=name --mtime="@$SOURCE_DATE_EPOCH" --owner=0 --group=0 \
        --numeric-owner --mode='u=rwX,go=rX' --directory "$scratch/tar" "${root##*/}" \
        | gzip --no-name --best > "$made/${root##*/}.tar.gz"
}

# Runs the binary and reads the man page, as they come out of a package.
check_files() {
    local binary=$2 page=$3 rendered
    [[ $("$binary" --version) == "$1 $version" ]] || fail "$binary does not say version $version"
    if grep --quiet --text --fixed-strings -e "$PWD" -e "$HOME" "$binary"; then
        fail "$binary holds a path of this machine"
    fi
    if has man "man pages are not rendered"; then
        rendered=$(MANROFFOPT=-ww man --warnings --local-file "$page" 2>&1) || fail "$rendered"
        [[ $rendered == *"EXIT STATUS"* && $rendered != *warning* ]] || fail "$page: $rendered"
    fi
}

check_tar() {
    local name=$1-$version-$host
    tar --extract --file "$made/$name.tar.gz" --directory "$scratch"
    check_files "$1" "$scratch/$name/$1" "$scratch/$name/man/$1.1"
}

check_deb() {
    local deb root=$scratch/root
    deb=$(echo "$made/$1_$version"-*.deb)
    has dpkg-deb "Debian packages are not checked" || return 0
    dpkg-deb --extract "$deb" "$root"
    check_files "$1" "$root/usr/bin/$1" "$root/usr/share/man/man1/$1.1.gz"
    [[ $(dpkg-deb --field "$deb" Depends) == *libc6* ]] || fail "$deb does not depend on libc6"
    local file
    for file in "bash-completion/completions/$1" "zsh/vendor-completions/_$1" \
        "fish/vendor_completions.d/$1.fish" "doc/$1/copyright"; do
        [[ -s $root/usr/share/$file ]] || fail "$deb has no usr/share/$file"
    done
}

# The units name /usr/bin, where the binaries of this build need not be.
check_units() {
    local units=$scratch/root/usr/lib/systemd/system
    local found=("$units"/*.service "$units"/*.socket)
    [[ ${#found[@]} == 4 ]] || fail "a service and a socket for each server, but not: ${found[*]}"
    if has systemd-analyze "units are not verified"; then
        sed --in-place "s|ExecStart=|&$scratch/root|" "$units"/*.service
        local complaints
        # The exit code tells of these units alone; other units of this machine may have faults, too.
        complaints=$(systemd-analyze verify --man=no --recursive-errors=no "${found[@]}" 2>&1) \
            || fail "$complaints"
    fi
}

# Packages the last commit in another place, and demands the same bytes.
reproduce() {
    local place=$scratch/another/place file
    git clone --quiet . "$place"
    (cd "$place" && CARGO_DEB=$cargo_deb env --unset=CARGO_TARGET_DIR scripts/package.sh > /dev/null)
    for file in "$made"/*; do
        cmp "$file" "$place/target/package/${file##*/}" || fail "another build gives other bytes"
    done
    echo "package: a build in another place gave the same bytes" >&2
}

case ${1:-} in
    "") ;;
    --reproduce) git diff --quiet HEAD || fail "$1 takes the last commit, but there are changes since" ;;
    *) fail "usage: scripts/package.sh [--reproduce]" ;;
esac
mkdir -p "$made" "$package"
rm -f "$package"/*.deb "$package"/*.tar.gz "$package"/SHA256SUMS
find_cargo_deb
build
version=$(cargo pkgid --package "${programs[0]}")
version=${version##*[#@]}
host=$(rustc --version --verbose | sed -n 's/^host: //p')
for program in "${programs[@]}"; do
    generate "$program"
    make_deb "$program"
    make_tar "$program"
    check_tar "$program"
    check_deb "$program"
done
if has dpkg-deb "units are not checked"; then
    check_units
fi
(cd "$made" && sha256sum ./*.deb ./*.tar.gz > SHA256SUMS)
if [[ -n ${1:-} ]]; then
    reproduce
fi
mv "$made"/* "$package/"
cat "$package/SHA256SUMS"
