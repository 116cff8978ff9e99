#!/bin/sh
# Runs every fuzzer built in a folder, each from its seed corpus.
#
#   tools/run_fuzzers.sh BUILD_FOLDER SECONDS_EACH
#
# What libFuzzer discovers stays in BUILD_FOLDER/corpus, an input that fails in
# BUILD_FOLDER/<fuzzer>-crash-*. One that taught us something belongs into tests/corpus.
set -eu

[ $# -eq 2 ] || { echo "usage: $0 BUILD_FOLDER SECONDS_EACH" >&2; exit 2; }
build=$1
seconds=$2
root=$(dirname "$0")/..

ran=0
failed=0
for source in "$root"/src/*/*_fuzz.cpp; do
    [ -e "$source" ] || break
    name=$(basename "$source" .cpp)
    seeds=$root/tests/corpus/$name
    found=$build/corpus/$name
    log=$build/$name.log
    if [ -z "$(ls "$seeds" 2>/dev/null)" ]; then
        echo "$name: no seed corpus in tests/corpus/$name" >&2
        failed=$((failed + 1))
        continue
    fi
    if [ ! -x "$build/$name" ]; then
        echo "$name: not built" >&2
        failed=$((failed + 1))
        continue
    fi
    mkdir -p "$found"
    if "$build/$name" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 \
        -artifact_prefix="$build/$name-" "$found" "$seeds" >"$log" 2>&1; then
        echo "$name: $(tail -n 1 "$log")"
        ran=$((ran + 1))
    else
        cat "$log" >&2
        echo "$name: FAILED; the input is in $build/$name-*" >&2
        failed=$((failed + 1))
    fi
done

echo "$ran fuzzers passed, $failed failed"
[ "$failed" -eq 0 ] && [ "$ran" -gt 0 ]
