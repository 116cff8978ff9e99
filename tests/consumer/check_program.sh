#!/bin/sh
# Installs the program of a build under another root, as a package would, and looks at it.
#
#   tests/consumer/check_program.sh BUILD_FOLDER WORK_FOLDER VERSION
set -eu
build=$1
work=$2
version=$3

fail() {
    echo "install: $*" >&2
    exit 1
}

rm -rf "$work"
mkdir -p "$work"
DESTDIR="$work/root" cmake --install "$build" --prefix /opt/mesh --component runtime \
    >"$work/install.log"
[ "$("$work/root/opt/mesh/bin/meshchain" --version)" = "meshchain $version" ] ||
    fail "the program says another version than $version"

unit="$work/root/opt/mesh/lib/systemd/system/meshchain.service"
grep -q '^ExecStart=/opt/mesh/bin/meshchain node run --data /var/lib/meshchain$' "$unit" ||
    fail "the unit does not start the installed program"
for line in DynamicUser=yes NoNewPrivileges=yes ProtectSystem=strict MemoryDenyWriteExecute=yes \
    CapabilityBoundingSet= LimitCORE=0; do
    grep -qx "$line" "$unit" || fail "the unit lacks $line"
done
# Whatever systemd has against it, but that this root is not the machine's.
if command -v systemd-analyze >/dev/null 2>&1; then
    complaints=$(systemd-analyze verify "$unit" 2>&1 | grep 'meshchain.service' |
        grep -vE 'is not executable|man meshchain' || true)
    [ -z "$complaints" ] || fail "$complaints"
fi
if find "$work/root" -name '*.a' -o -name '*.h' | grep -q .; then
    fail "the program's part brings the library along"
fi
