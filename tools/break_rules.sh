#!/bin/bash
# Breaks one rule after the other on purpose (tests/broken/*.patch), in a copy of the tree, and
# plays seeds of the simulated world there until one fails: 200 small ones, then 200 as they are
# drawn; or what the patch itself asks for in a line `plays: --scenario NAME`. A program that stops
# at an assertion has found it too.
#
# usage: tools/break_rules.sh JOBS [NAME...]     all patches, or those with these names
#        tools/break_rules.sh --check            only whether each still applies
set -eu
cd "$(dirname "$0")/.."

if [ "${1:-}" = --check ]; then
    for patch in tests/broken/*.patch; do
        git apply --check "$patch" || { echo "$patch does not apply: make it anew"; exit 1; }
    done
    exit 0
fi

jobs=${1:?how many at once}
shift
copy=build/broken
mkdir -p "$copy"
git ls-files -z | tar --create --null --files-from=- | tar --extract --directory="$copy"
cmake -S "$copy" -B "$copy/build" -G Ninja -DCMAKE_BUILD_TYPE=Release \
    -DCMAKE_CXX_FLAGS_RELEASE=-O2 -DMESHCHAIN_JOIN=ON -DMESHCHAIN_TESTS=OFF -DMESHCHAIN_BENCH=OFF \
    -DCMAKE_CXX_COMPILER_LAUNCHER="$(command -v ccache || true)" >/dev/null
play_with() { "$1" sim --seed 1 --runs 200 --jobs "$jobs" --stop "${@:2}" 2>&1; }
play() { play_with "$copy/build/meshchain" "$@"; }
# What would be found without breaking anything was not found by breaking something.
cmake --build "$copy/build" --parallel "$jobs" --target meshchain >/dev/null
sound=$copy/build/meshchain-sound
cp "$copy/build/meshchain" "$sound"
found=$(play --small) || { echo "BROKEN  nothing, and yet: $(tail -n 3 <<<"$found")"; exit 1; }
# The copy lies within the repository, and is none.
in_copy() { GIT_CEILING_DIRECTORIES=$PWD/build git -C "$copy" apply "${@:1:$#-1}" "$PWD/${!#}"; }
missed=0
for patch in tests/broken/*.patch; do
    name=$(basename "$patch" .patch)
    [ $# -eq 0 ] || [[ " $* " == *" $name "* ]] || continue
    plays=$(sed -n 's/^plays: //p' "$patch")
    # shellcheck disable=SC2086  # several words
    if [ -n "$plays" ] && ! found=$(play_with "$sound" $plays); then
        missed=$((missed + 1))
        echo "UNSURE  $name: without it, too: $(grep -m1 -E '^!|assertion' <<<"$found")"
        continue
    fi
    in_copy "$patch"
    cmake --build "$copy/build" --parallel "$jobs" --target meshchain >/dev/null
    # shellcheck disable=SC2086  # several words
    if found=$(play ${plays:---small}) && { [ -n "$plays" ] || found=$(play); }; then
        missed=$((missed + 1))
        echo "MISSED  $name: no seed found it"
    elif ! grep -qE '^!|assertion' <<<"$found"; then
        missed=$((missed + 1))
        echo "FAILED  $name: $(tail -n 1 <<<"$found")"
    else
        echo "caught  $name: $(grep -m1 -E '^!|assertion' <<<"$found")"
    fi
    in_copy --reverse "$patch"
done
[ "$missed" -eq 0 ]
