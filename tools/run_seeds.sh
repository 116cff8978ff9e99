#!/bin/bash
# Plays the seeds that .ci/run plays: the same ones each time, small worlds with every kind of fault
# and attacker, every third chain with stakes that move, a tenth of them twice for the trace. Prints
# each that fails with the command that replays it; the last line counts. Exits with 1 when one
# failed.
#
# usage: tools/run_seeds.sh PROGRAM [COUNT] [JOBS]
set -eu
program=${1:?the program, build/meshchain}
exec "$program" sim --small --stakes --seed 1 --runs "${2:-300}" --sample 10 --jobs "${3:-$(nproc)}"
