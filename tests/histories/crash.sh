#!/bin/sh
# The long run of tests/histories: HISTORIES (100000) random histories in two
# processes, then every planted fault looked for among as many.
#
#   crash.sh PROGRAM [SEED]     from seed SEED on (1)
set -u
program=$1
first=${2:-1}
count=${HISTORIES:-100000}
half=$((count / 2))
unset SEED
echo "histories: seeds $first to $((first + count - 1))"
FIRST=$first HISTORIES=$half "$program" &
one=$!
FIRST=$((first + half)) HISTORIES=$((count - half)) "$program" || exit 1
wait $one || exit 1
FAULTS=$count FIRST=1 "$program"
