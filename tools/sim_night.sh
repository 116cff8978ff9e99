#!/bin/bash
# Plays fresh seeds of the simulated world until it is stopped. What fails is kept as the text of
# its scenario, with its seed in the first line, as tests/regress/ wants it.
#
# usage: tools/sim_night.sh PROGRAM JOBS [FOLDER]
set -eu
program=${1:?the program, build/meshchain}
jobs=${2:?how many at once}
folder=${3:-build/sim-night}
mkdir -p "$folder"
seed=$(($(date +%s) * 1000))
played=0
failed=0
trap 'echo; echo "$played runs, $failed failed; what failed is in $folder"; exit 0' INT TERM
while true; do
    report=$("$program" sim --seed "$seed" --runs 50 --sample 10 --jobs "$jobs") || true
    while read -r bad; do
        { echo "# seed $bad"; "$program" sim --seed "$bad" --show; } >"$folder/seed-$bad.scenario"
        failed=$((failed + 1))
    done < <(sed -nE 's/^! seed ([0-9]+):.*/\1/p' <<<"$report")
    grep -E '^!|^  replay' <<<"$report" || true
    tail -n 1 <<<"$report" | grep -q ' runs, ' || { echo "$report"; exit 1; }
    played=$((played + 50))
    seed=$((seed + 50))
    echo "$played runs, $failed failed"
done
