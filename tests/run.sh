#!/bin/sh
# Runs test programs one after another; prints what failed, and a summary.
set -u
passed=0 failed=0 skipped=0
for t in "$@"; do
	out=$(mktemp)
	if timeout "${TEST_TIMEOUT:-600}" "$t" >"$out" 2>&1; then
		passed=$((passed + 1))
	else
		failed=$((failed + 1))
		echo "FAIL $t"
		tail -n 60 "$out"
	fi
	grep -h '^skipped: ' "$out" | sed "s|^|${t##*/}: |"
	skipped=$((skipped + $(grep -c '^skipped: ' "$out")))
	rm -f "$out"
done
echo "$passed test programs passed, $failed failed, $skipped notes of skipped cases"
[ "$failed" = 0 ]
