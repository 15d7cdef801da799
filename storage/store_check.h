/*
 * Every record's MAC, walked through: for `entented` in the role `store` and
 * for the child that looks at a store before the guard opens it (a page
 * header damaged on purpose can end whoever reads it).
 */
#ifndef STORAGE_STORE_CHECK_H
#define STORAGE_STORE_CHECK_H

#include "storage/txn.h"

struct store_check {
	uint64_t records; /* looked at */
	uint64_t corrupt; /* that fail their MAC */
	enum table first; /* the table of the first such, if any */
};

/* Both environments, each in one snapshot: a long read.  Corrupt records are
 * counted, not an error; ERR_CORRUPT if LMDB itself finds its file damaged. */
struct err store_check(struct store *store, struct store_check *out);

#endif
