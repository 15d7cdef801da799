#!/bin/sh
# Sums gcov's figures by folder: tests/cover.sh build/cover
set -eu
build=$1
find "$build" -name '*.gcda' ! -path '*/tests/*' | sort |
	while read -r data; do
		gcov -n -o "${data%/*}" "${data%.gcda}.o" 2>/dev/null
	done |
	awk '
/^File / {
	file = $2
	gsub("\047", "", file)
	next
}
/^Lines executed:/ && file != "" {
	split($0, part, /[:% ]+/)
	folder = file
	sub("/[^/]*$", "", folder)
	# Ours only; a header counts where it was compiled first.
	if (folder !~ "^/" && !(file in seen)) {
		seen[file] = 1
		all[folder] += part[5]
		run[folder] += part[3] * part[5] / 100
	}
	file = ""
}
END {
	for (f in all) {
		printf "%-32s %5.1f %% of %6d lines\n", f, 100 * run[f] / all[f], all[f] | "sort"
		n += all[f]
		r += run[f]
	}
	close("sort")
	if (n)
		printf "%-32s %5.1f %% of %6d lines\n", "together", 100 * r / n, n
}'
