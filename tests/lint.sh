#!/bin/sh
# Layout, layers, static analysis; says what is wrong and where.
#
#   tests/lint.sh [file.c ...]
#
# With files, only they are looked at.  Layout is .clang-format's, applied by
# `make format`; analysis is clang-tidy's with the checks of .clang-tidy.  A
# file that has not changed since it was found clean is not analysed again.
set -u
cd "$(dirname "$0")/.." || exit 1
bad=0
stamps=build/lint
mkdir -p "$stamps"

if [ $# -gt 0 ]; then
	files=$*
else
	files=$(git ls-files '*.c' '*.h')
fi

wrong=
for f in $files; do
	[ -f "$f" ] || continue
	clang-format "$f" | cmp -s - "$f" || wrong="$wrong $f"
done
if [ -n "$wrong" ]; then
	echo "lint: not laid out as .clang-format says (make format):"
	printf '  %s\n' $wrong
	bad=1
else
	echo "layout: ok"
fi

tests/check_layers.sh || bad=1

# What a file says once its own headers are read; so a header counts too.
one='
f=$1
flags="-std=gnu2x -I. -I/usr/include/libxml2"
sum=$( { cat .clang-tidy; gcc -E $flags "$f"; } 2>/dev/null | cksum | tr " " -)
stamp=$stamps/$(echo "$f" | tr / -).$sum
[ -e "$stamp" ] && exit 0
rm -f "$stamps/$(echo "$f" | tr / -)".*
if out=$(clang-tidy --quiet "$f" -- $flags 2>&1) &&
	! echo "$out" | grep -qE "(warning|error):"; then
	: >"$stamp"
else
	echo "$out" | grep -vE "^[0-9]+ warnings? generated|^Suppressed|^Use "
	exit 1
fi'
export stamps
if printf '%s\n' $files | grep -E '^(proto|storage|federation|relay|client)/.*\.c$' |
	xargs -r -n 1 -P 2 sh -c "$one" sh; then
	echo "analysis: ok"
else
	echo "lint: clang-tidy has something to say, above"
	bad=1
fi
exit $bad
