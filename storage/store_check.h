/*
 * A store walked through whole: for `entented` in the role `store`, which
 * looks at a store that no guard has open.  (A page header damaged on purpose
 * can end whoever reads it: so it does it in a process of its own.)
 *
 * Looked at, of what lies in both environments and the ring:
 *	records    the MAC of each; its form; its key against its value
 *	documents  manifests and statements against their digests, the id
 *	           against its opening, labels, authors, shelves, seals
 *	           against the groups they name, keys against the ring
 *	feed       one row a document and shelf, as the document says it;
 *	           no sequence twice, none beyond the counter
 *	groups     the tree of each built again; its root, its signature
 *	content    tables against manifests, segments against tables
 *	counters   against the rows that they count
 *	audit      the chain
 *
 * What is wrong is handed out, not an error: a store that is a heap of faults
 * is looked at to the end.
 */
#ifndef STORAGE_STORE_CHECK_H
#define STORAGE_STORE_CHECK_H

#include "storage/ring.h"
#include "storage/txn.h"

enum store_check_grade {
	/* Something is lost or was changed by something else than a guard. */
	CHECK_FAULT,
	/* What a crash leaves, and the next start takes away by itself. */
	CHECK_LEFT,
};

struct store_finding {
	enum store_check_grade grade;
	enum table table;
	struct span key; /* as it stands on the disk; empty: the whole table */
	const char *what;
	const char *mend;
};

struct store_check_order {
	/* The store's; NULL: nothing that needs its keys is looked at. */
	struct ring *ring;
	/* Neither may be NULL.  `progress` comes every CHECK_PROGRESS_EVERY
	 * records, with how many rows both environments have. */
	void (*finding)(void *self, const struct store_finding *finding);
	void (*progress)(void *self, uint64_t records, uint64_t total);
	void *self;
};

enum { CHECK_PROGRESS_EVERY = 4096 };

struct store_check {
	uint64_t records; /* looked at, of both environments */
	uint64_t documents, feed_rows, groups, signatures, audit, segments;
	uint64_t bytes; /* of segments */
	uint64_t faults, left;
	enum table first; /* the table of the first fault, if any */
};

/* A long read of both environments.  ERR_NO_MEMORY; ERR_IO. */
struct err store_check(struct store *store,
		       const struct store_check_order *order,
		       struct store_check *out);

#endif
