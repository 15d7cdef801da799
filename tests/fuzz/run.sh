#!/bin/sh
# Runs fuzz targets, two at a time, each for FUZZ_SECONDS (default 5), on
# seeds that it makes itself; says how many inputs each took.
#
#   tests/fuzz/run.sh build/fuzz/tests/fuzz/fuzz_json ...
#
# What a target finds stands in build/fuzz/found/<target>/, and what it says
# in build/fuzz/found/<target>.log; give that file to the target as its
# argument to see it again.
set -u
FUZZ_SECONDS=${FUZZ_SECONDS:-5}
FUZZ_TARGET_MEMORY_MB=${FUZZ_TARGET_MEMORY_MB:-2048}
work=build/fuzz
export FUZZ_SECONDS FUZZ_TARGET_MEMORY_MB work
mkdir -p "$work/found" "$work/corpus"

one='
name=${1##*/}
mkdir -p "$work/corpus/$name" "$work/found/$name"
log=$work/found/$name.log
ENTENTE_FUZZ_SEEDS=$work/corpus/$name "$1" "$work/corpus/$name" \
	-max_total_time="$FUZZ_SECONDS" -timeout=20 \
	-rss_limit_mb="$FUZZ_TARGET_MEMORY_MB" -print_final_stats=1 \
	-artifact_prefix="$work/found/$name/" >"$log" 2>&1
rc=$?
runs=$(sed -n "s/^stat::number_of_executed_units: *//p" "$log")
if [ $rc = 0 ]; then
	echo "fuzz: $name: ${runs:-0} inputs, nothing found"
else
	echo "fuzz: $name: FOUND (exit $rc), see $log"
	grep -E "ERROR|SUMMARY|runtime error|does not hold|artifact" "$log" |
		head -n 6
	exit 1
fi'
printf '%s\n' "$@" | xargs -n 1 -P 2 sh -c "$one" sh
