#!/bin/sh
# Formatting, static analysis and the rules of the house. Changes nothing.
#
#   tools/lint.sh [JOBS]
#
# Every check runs even when an earlier one fails, so that one run shows all there is to mend.
set -u
cd "$(dirname "$0")/.." || exit 1
jobs=${1:-$(nproc)}
failures=0

check() {
    title=$1
    shift
    if "$@"; then
        echo "ok      $title"
    else
        echo "FAILED  $title"
        failures=$((failures + 1))
    fi
}

formatting() {
    git ls-files -z -co --exclude-standard -- '*.h' '*.cpp' |
        xargs -0 -r clang-format-19 --dry-run -Werror
}

# clang-tidy needs clang's flags, so it gets a configured but never compiled folder of its own. Most
# of its time goes into the standard library, which joined sources show it once for eight.
analysis() {
    cmake --preset lint >/dev/null &&
        run-clang-tidy-19 -clang-tidy-binary clang-tidy-19 -p build-lint -quiet -j "$jobs" \
            '/(src|apps)/.*(?<!_fuzz)[.]c(pp|xx)$' >build-lint/tidy.log 2>&1
    result=$?
    [ $result -eq 0 ] || grep -E -A 6 '(error|warning):' build-lint/tidy.log
    return $result
}

check "formatting (mend it with: make format)" formatting
check "clang-tidy" analysis
check "layers" python3 tests/check_layers.py
check "bans and style" python3 tests/check_bans.py
check "features" python3 tests/check_features.py
check "docs" python3 tests/check_docs.py
[ $failures -eq 0 ]
