#!/bin/sh
# Installs the library of a build into a new prefix, and builds and runs a program against it: by
# find_package, and by pkg-config. Nothing of the source tree is on its path.
#
#   tests/consumer/check.sh BUILD_FOLDER WORK_FOLDER CMAKE_BUILD_TYPE VERSION
set -eu
source=$(cd "$(dirname "$0")" && pwd)
build=$1
work=$2
type=$3
version=$4

fail() {
    echo "consumer: $*" >&2
    exit 1
}

rm -rf "$work"
mkdir -p "$work/program"
# Another root than the prefix: nothing installed may remember either.
DESTDIR="$work/root" cmake --install "$build" --prefix /opt/meshchain --component development \
    >"$work/install.log"
prefix="$work/root/opt/meshchain"
cp "$source/CMakeLists.txt" "$source/Makefile" "$source/main.cpp" "$work/program"
(cd "$prefix/include/meshchain" && find . -mindepth 2 -name '*.h' | sort |
    sed 's|^\./\(.*\)|#include "\1"|') >"$work/program/every_header.cpp"

configure() {
    cmake -S "$work/program" -B "$work/$1" -DCMAKE_PREFIX_PATH="$prefix" \
        -DCMAKE_BUILD_TYPE="$type" -DCMAKE_CXX_FLAGS="-Wall -Wextra -Werror" \
        -DWANTED_VERSION="$2" >"$work/$1.log" 2>&1
}
if configure refused 99.0; then
    fail "find_package took version $version for 99.0"
fi
grep -q 'compatible with requested version "99.0"' "$work/refused.log" ||
    fail "find_package refused 99.0 for another reason: $(cat "$work/refused.log")"

configure built "$version" || fail "find_package: $(cat "$work/built.log")"
cmake --build "$work/built"
"$work/built/consumer" "$work/nodes"

export PKG_CONFIG_PATH="$prefix/lib/pkgconfig:$prefix/lib/x86_64-linux-gnu/pkgconfig"
pkg-config --exists "meshchain = $version" || fail "pkg-config knows no meshchain $version"
if pkg-config --exists "meshchain >= 99"; then
    fail "pkg-config took version $version for 99"
fi
make -C "$work/program" --no-print-directory
"$work/program/consumer" "$work/nodes-too"
