#!/bin/sh
# Installs the Debian 12 packages that MeshChain is made with. This is the only list of them.
#
#   tools/install_dependencies.sh [build] [test] [bench] [lint] [fuzz]
#
# Without a group, all are installed. Quick when nothing is missing; needs root or sudo otherwise.
set -eu

packages_of() {
    case $1 in
        build) echo g++ cmake make ninja-build pkg-config ccache libsodium-dev libboost1.81-dev \
            nlohmann-json3-dev libcli11-dev libspdlog-dev libsqlite3-dev libssl-dev \
            libqrencode-dev libutf8proc-dev prometheus-cpp-dev nanopb libnanopb-dev \
            libmosquitto-dev libhwy-dev ;;
        test) echo python3 python3-jsonschema python3-prometheus-client libgtest-dev libgmock-dev \
            mosquitto ;;
        bench) echo libbenchmark-dev liblmdb-dev libfaiss-dev ;;
        lint) echo python3 clang-format-19 clang-tidy-19 clang-19 ;;
        fuzz) echo clang-19 libclang-rt-19-dev lld-19 ;;
        *)
            echo "install_dependencies: no group '$1'; choose from build test bench lint fuzz" >&2
            return 2 ;;
    esac
}

fail() {
    echo "install_dependencies: $*" >&2
    exit 1
}

[ $# -gt 0 ] || set -- build test bench lint fuzz
wanted=
for group in "$@"; do
    wanted="$wanted $(packages_of "$group")"
done

command -v dpkg-query >/dev/null 2>&1 ||
    fail "only Debian 12 and its relatives are known; please install by hand:$wanted"

# dpkg-query exits with 1 when it knows nothing of a package: that one is missing.
# shellcheck disable=SC2086
installed=$(dpkg-query --show --showformat '${Package} ${db:Status-Status}\n' $wanted 2>/dev/null |
    sed -n 's/ installed$//p') || true
missing=
for package in $wanted; do
    case "
$installed
" in
        *"
$package
"*) ;;
        *) missing="$missing $package" ;;
    esac
done
[ -n "$missing" ] || exit 0

echo "Installing:$missing" >&2
as_root=
if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null 2>&1 ||
        fail "neither root nor sudo; as root, run: apt-get install$missing"
    as_root=sudo
fi

apt() {
    $as_root env DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=300 "$@" \
        </dev/null >&2
}
apt update -q || fail "the package lists could not be fetched; check the network and the sources"
# shellcheck disable=SC2086
apt install -q -y --no-install-recommends $missing || fail "could not install:$missing"
