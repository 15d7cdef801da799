/*
 * Documents that their home has withdrawn while edits made here were still on
 * their way to it: off every device's view at once, kept for the home nation
 * until its own cursor says that it has them.
 */
#ifndef STORAGE_RETURNING_H
#define STORAGE_RETURNING_H

#include "storage/txn.h"

struct returning {
	struct doc_id doc;
	struct nation home;
	struct seq seq; /* of the newest row of it: told when passed */
};

/* Makes or replaces. */
struct err returning_put(struct txn *txn, const struct returning *r);
/* Not there: nothing. */
struct err returning_del(struct txn *txn, struct doc_id doc);
/* The next after `out->doc` (zero at first).  ERR_NOT_FOUND at the end. */
struct err returning_next(struct txn *txn, struct returning *out);

#endif
