/*
 * The limit of a sync: LMDB alone, merging the feed rows of some shelves by
 * sequence and copying each row and its document's record, in the store's own
 * file.  No MAC is checked, nothing is decoded, decided or answered.
 */
#ifndef TESTS_BENCH_RAW_MERGE_H
#define TESTS_BENCH_RAW_MERGE_H

#include "tests/bench/figure.h"

#include <stddef.h>
#include <stdint.h>

struct raw_merge {
	size_t rows, bytes;	  /* came to, and copied */
	struct figure_cost first; /* with the map just made: the first touch */
	struct figure_cost again; /* the median of some more; both medians */
};

/* `records`: the folder of the environment, which no process has open. */
struct raw_merge raw_merge_run(const char *records, const uint32_t *shelves,
			       size_t count);

#endif
