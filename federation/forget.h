/*
 * A shelf that a peer took from us: what we have from it there goes, as if
 * each document had come without the heads that stand on it.
 */
#ifndef FEDERATION_FORGET_H
#define FEDERATION_FORGET_H

#include "federation/import.h"

enum { FORGET_DOCUMENTS = 1000, FORGET_ROWS = 20000 }; /* of one commit */

/* Where a long one has come to; zeroed at first. */
struct forget_place {
	struct digest shelf;
	struct seq seq; /* rows up to here were looked at */
};

/*
 * Forget these shelves, by their names, in in->txn; at most FORGET_DOCUMENTS
 * and FORGET_ROWS at a time.  `*done` false: commit, and call again with the
 * same shelves and `at`.
 */
struct err forget_shelves(struct import *in, const struct digest *shelves,
			  size_t count, struct forget_place *at, bool *done);

#endif
