/*
 * What was refused from a peer, and why: by id, digest and reason, without
 * its key.  Shown to operators; never stops the rest.
 */
#ifndef STORAGE_QUARANTINE_H
#define STORAGE_QUARANTINE_H

#include "proto/base/arena.h"
#include "storage/txn.h"

enum { QUARANTINE_DETAIL_MAX = 160, QUARANTINE_MAX = 10000 };

struct quarantined {
	struct nation from;
	struct digest digest; /* of the manifest or statement; zero: the row */
	struct doc_id doc;
	enum err_code code;
	uint64_t time; /* UTC seconds */
	struct span detail;
};

/* The same digest again replaces.  Beyond QUARANTINE_MAX entries of one
 * nation nothing is added, only counted. */
struct err quarantine_put(struct txn *txn, const struct quarantined *q);
/* The next after (from, digest), zero at first; copied into `arena`.
 * ERR_NOT_FOUND at the end. */
struct err quarantine_next(struct txn *txn, struct arena *arena,
			   struct quarantined *out);
/* How many of one nation. */
struct err quarantine_count(struct txn *txn, struct nation from, uint64_t *out);

#endif
