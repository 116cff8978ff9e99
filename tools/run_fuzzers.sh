#!/bin/sh
# Runs every fuzzer built in a folder, each from its seed corpus.
#
#   tools/run_fuzzers.sh BUILD_FOLDER SECONDS_EACH [JOBS]
#
# What libFuzzer discovers stays in BUILD_FOLDER/corpus, an input that fails in
# BUILD_FOLDER/<fuzzer>-crash-*. One that taught us something belongs into tests/corpus.
set -u

[ $# -ge 2 ] || { echo "usage: $0 BUILD_FOLDER SECONDS_EACH [JOBS]" >&2; exit 2; }
root=$(cd "$(dirname "$0")/.." && pwd)

# What xargs runs, one of JOBS at a time: says how the fuzzer of one source fared.
if [ "$1" = --one ]; then
    build=$2 seconds=$3 name=$(basename "$4" .cpp)
    seeds=$root/tests/corpus/$name
    found=$build/corpus/$name
    log=$build/$name.log
    if [ -z "$(ls "$seeds" 2>/dev/null)" ]; then
        echo "$name: FAILED; no seed corpus in tests/corpus/$name"
    elif [ ! -x "$build/$name" ]; then
        echo "$name: FAILED; not built"
    elif mkdir -p "$found" && "$build/$name" -max_total_time="$seconds" -timeout=10 \
        -rss_limit_mb=2048 -artifact_prefix="$build/$name-" "$found" "$seeds" >"$log" 2>&1; then
        echo "$name: $(tail -n 1 "$log")"
    else
        cat "$log" >&2
        echo "$name: FAILED; the input is in $build/$name-*"
    fi
    exit 0
fi

results=$(printf '%s\n' "$root"/src/*/*_fuzz.cpp |
    xargs -n 1 -P "${3:-1}" "$0" --one "$1" "$2")
echo "$results"
failed=$(echo "$results" | grep -c ': FAILED; ')
ran=$(echo "$results" | grep -vc ': FAILED; ')
echo "$ran fuzzers passed, $failed failed"
[ "$failed" -eq 0 ] && [ "$ran" -gt 0 ]
