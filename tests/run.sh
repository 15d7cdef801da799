#!/bin/sh
# Runs test programs; prints what failed, what was skipped, and a summary.
#
# Two at a time (TEST_JOBS), but programs of tests/daemon/, which start whole
# daemons, come after the others and alone; those of them that do little but
# wait (for a slow client to be given up, for a minute to be over) run beside
# all of it.  Each may take TEST_TIMEOUT seconds (600).
set -u
TEST_TIMEOUT=${TEST_TIMEOUT:-600}
results=$(mktemp -d)
trap 'rm -rf "$results"' EXIT
export TEST_TIMEOUT results

one='
name=$(echo "${1#build/}" | tr / -)
timeout -k 10 "$TEST_TIMEOUT" "$1" >"$results/$name.out" 2>&1 </dev/null
rc=$?
if [ $rc = 0 ]; then
	: >"$results/$name.passed"
else
	: >"$results/$name.failed"
	why="exit $rc"
	[ $rc != 124 ] || why="no end within $TEST_TIMEOUT seconds"
	{
		echo "FAIL $1 ($why)"
		grep -vE "^\[ *(RUN|OK) *\]" "$results/$name.out" >"$results/$name.cut"
		# The first thing that went wrong, and the end.
		head -n 25 "$results/$name.cut"
		sed 1,25d "$results/$name.cut" | tail -n 25
	} >"$results/$name.told"
	cat "$results/$name.told"
fi
grep "^skipped: " "$results/$name.out" | sed "s|^|${1##*/}: |" |
	tee "$results/$name.skipped"
exit 0'

among=
alone=
waiting=
for t in "$@"; do
	case $t in
	*/daemon/test_limits | */daemon/test_federation) waiting="$waiting $t" ;;
	*/tests/daemon/*) alone="$alone $t" ;;
	*) among="$among $t" ;;
	esac
done
[ -z "$waiting" ] ||
	printf '%s\n' $waiting | xargs -n 1 -P 1 sh -c "$one" sh &
[ -z "$among" ] ||
	printf '%s\n' $among | xargs -n 1 -P "${TEST_JOBS:-2}" sh -c "$one" sh
[ -z "$alone" ] ||
	printf '%s\n' $alone | xargs -n 1 -P 1 sh -c "$one" sh

wait

count() {
	find "$results" -name "*.$1" | wc -l
}
failed=$(count failed)
notes=$(cat "$results"/*.skipped 2>/dev/null | wc -l)
[ "$notes" = 0 ] || echo "notes of skipped cases: $notes"
echo "tests: $(count passed) passed, $failed failed"
[ "$failed" = 0 ] && [ $# -gt 0 ]
