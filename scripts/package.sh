#!/usr/bin/env bash
# Makes a Debian package and a tar archive of each program, and an archive of all four linked statically,
# checks them, and puts them into target/package: nothing is there before every check has passed.
#
# usage: scripts/package.sh [--release] [--reproduce]
#
# The same commit gives the same bytes with the same compiler: times come from the commit, paths of
# this machine are kept out, and archives are sorted. --reproduce shows it: it packages the last commit
# once more, in another place, and compares. --release refuses what is for tries alone: a package without
# a maintainer, and the placeholder for the project's address in Cargo.toml.
#
# Environment: DEBFULLNAME and DEBEMAIL name the maintainer, CARGO_DEB a cargo-deb to use,
# SOURCE_DATE_EPOCH the time of every file where there is no git.
set -euo pipefail
cd "$(dirname "$0")/.."

programs=(tcp-server tcp-client udp-server udp-client)
cargo_deb_version=3.8.0
# Older than any revision of a distribution, which would begin with 1.
revision=0upstream1
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

# The value of a key of workspace.package.
workspace_value() {
    sed -n "s/^$1 = \"\(.*\)\"$/\1/p" Cargo.toml
}

check_release() {
    [[ -n ${DEBFULLNAME:-} && -n ${DEBEMAIL:-} ]] \
        || fail "--release: DEBFULLNAME and DEBEMAIL have to name the maintainer"
    local key
    for key in homepage repository; do
        [[ $(workspace_value "$key") != *example.* ]] \
            || fail "--release: Cargo.toml has a placeholder for the project's $key"
    done
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
    debian_changelog "$1" | gzip --no-name --best > "$assets/changelog.Debian.gz"
    copyright "$1" > "$assets/copyright"
}

# In the form of deb-changelog(5).
debian_changelog() {
    cat << END
$1 ($version-$revision) unstable; urgency=medium

  * What is new in version $version is in NEWS.gz.

 -- $maintainer  $(date --utc --rfc-email --date="@$SOURCE_DATE_EPOCH")
END
}

# In the machine-readable form, https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/.
copyright() {
    cat << END
Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/
Upstream-Name: $1
Source: $(workspace_value repository)

Files: *
Copyright: $(sed -n 's/^Copyright (c) //p' LICENSE)
License: Expat

License: Expat
$(sed --quiet '/^Permission/,$ { s/^$/./; s/^/ /; p }' LICENSE)
END
}

make_deb() {
    "$cargo_deb" --package "$1" --no-build --no-strip --locked --output "$made" \
        --deb-revision "$revision" --maintainer "$maintainer" > /dev/null
    add_md5sums "$(echo "$made/$1_$version"-*.deb)"
}

# debsums(1) compares them with what is installed; cargo-deb makes none.
add_md5sums() {
    local tree=$scratch/tree
    has dpkg-deb "Debian packages get no md5sums" || return 0
    dpkg-deb --raw-extract "$1" "$tree"
    (cd "$tree" && find usr -type f -print0 | LC_ALL=C sort --zero-terminated \
        | xargs --null md5sum > DEBIAN/md5sums)
    dpkg-deb --root-owner-group --build "$tree" "$1" > /dev/null
    rm -r "$tree"
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

# The programs for an image that holds nothing else, with what docs/deploy/Containerfile needs. Build
# scripts and macros cannot be static: naming the host as the target keeps them apart.
make_static() {
    local root=$scratch/static/static-$version-$host program
    local flags=("--remap-path-prefix=${CARGO_HOME:-$HOME/.cargo}=/cargo"
        "--remap-path-prefix=$PWD=/source" "--remap-path-prefix=$CARGO_TARGET_DIR=/build"
        --codegen=target-feature=+crt-static)
    CARGO_ENCODED_RUSTFLAGS=$(IFS=$'\x1f' && echo "${flags[*]}") \
        cargo build --release --locked --target "$host" "${programs[@]/#/--package=}"
    mkdir -p "$root"
    for program in "${programs[@]}"; do
        install -m 755 "$CARGO_TARGET_DIR/$host/release/$program" "$root/"
        [[ $(ldd "$root/$program" 2>&1) =~ statically|not\ a\ dynamic ]] || fail "$program is not static"
        [[ $("$root/$program" --version) == "$program $version" ]] || fail "$program does not run"
    done
    install -m 644 LICENSE docs/deploy/Containerfile docs/deploy/kubernetes.yaml "$root/"
    install -m 755 docs/deploy/check-every-address "$root/"
    tar --create --format=ustar --sort=name --mtime="@$SOURCE_DATE_EPOCH" --owner=0 --group=0 \
        --numeric-owner --mode='u=rwX,go=rX' --directory "$scratch/static" "${root##*/}" \
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
    if has mandoc "man pages are not linted"; then
        rendered=$(mandoc -T lint -W warning "$page") || fail "$rendered"
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
    local file
    for file in "bash-completion/completions/$1" "zsh/vendor-completions/_$1" \
        "fish/vendor_completions.d/$1.fish" "doc/$1/"{copyright,changelog.Debian.gz,NEWS.gz}; do
        [[ -s $root/usr/share/$file ]] || fail "$deb has no usr/share/$file"
    done
    check_libraries "$deb" "$root/usr/bin/$1"
    check_hardening "$root/usr/bin/$1"
    lint "$deb"
}

# dpkg-shlibdeps(1) reads the name of the package from debian/control.
check_libraries() {
    local source=$scratch/source needed package depends
    has dpkg-shlibdeps "libraries are not compared" || return 0
    mkdir -p "$source/debian"
    touch "$source/debian/control"
    needed=$(cd "$source" && dpkg-shlibdeps -O "$2" 2> /dev/null)
    depends=" $(dpkg-deb --field "$1" Depends),"
    IFS=, read -ra packages <<< "${needed#shlibs:Depends=}"
    for package in "${packages[@]}"; do
        [[ $depends == *" ${package# },"* ]] || fail "$1 does not depend on $package"
    done
}

# What rustc gives without being asked: addresses by chance, relocations that are read-only once they are
# done, no code on the stack.
check_hardening() {
    local headers
    has readelf "hardening is not checked" || return 0
    headers=$(readelf --wide --program-headers --dynamic "$1")
    [[ $headers == *"NOW PIE"* && $headers == *GNU_RELRO* && $headers =~ GNU_STACK[^$'\n']*\ RW\  ]] \
        || fail "$1 is not hardened: $headers"
}

# A package that is no release may be without a real maintainer.
lint() {
    local tries=("--suppress-tags=bogus-mail-host,bogus-mail-host-in-debian-changelog") complaints
    has lintian "packages are not linted" || return 0
    [[ -z $is_release ]] || tries=()
    complaints=$(lintian --allow-root "${tries[@]}" "$1" 2>&1) || true
    [[ -z $complaints ]] || fail "$complaints"
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

is_release="" reproduces=""
for argument; do
    case $argument in
        --release) is_release=yes && check_release ;;
        --reproduce)
            reproduces=yes
            git diff --quiet HEAD || fail "$argument takes the last commit, but there are changes since"
            ;;
        *) fail "usage: scripts/package.sh [--release] [--reproduce]" ;;
    esac
done
maintainer="${DEBFULLNAME:-The authors} <${DEBEMAIL:-nobody@localhost}>"
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
make_static
if has dpkg-deb "units are not checked"; then
    check_units
fi
(cd "$made" && sha256sum ./*.deb ./*.tar.gz > SHA256SUMS)
if [[ -n $reproduces ]]; then
    reproduce
fi
# The sums come last: with them the set is whole.
mv "$made"/*.deb "$made"/*.tar.gz "$package/"
mv "$made/SHA256SUMS" "$package/"
cat "$package/SHA256SUMS"
