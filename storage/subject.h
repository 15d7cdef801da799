/*
 * Subjects: the people (or posts) of this nation that devices belong to, with
 * clearance, rights and spaces.  Set by operators; local to each nation.
 */
#ifndef STORAGE_SUBJECT_H
#define STORAGE_SUBJECT_H

#include "proto/base/arena.h"
#include "storage/txn.h"

enum {
	SUBJECT_NAME_MAX = 64,
	SUBJECT_SPACES_MAX = 1024,
	SUBJECT_CLEARANCE_MAX = 64 << 10,
};

/* Rights, as bits; the order of exchange/me.h. */
enum subject_right {
	SUBJECT_WRITE = 1,
	SUBJECT_LABEL = 2,
	SUBJECT_DELETE = 4,
	SUBJECT_RECALL = 8,
};

struct subject {
	struct span name; /* UTF-8, 1..SUBJECT_NAME_MAX */
	unsigned rights;
	struct span clearance; /* STANAG 4774 clearance XML, as received */
	const struct span *spaces;
	size_t space_count;
};

/* ERR_MALFORMED unless `name` may name a subject: printable, no '/'. */
struct err subject_name_check(struct span name);

/* Makes or replaces. */
struct err subject_put(struct txn *txn, const struct subject *subject);
/* Copied into `arena`.  ERR_NOT_FOUND. */
struct err subject_get(struct txn *txn, struct span name, struct arena *arena,
		       struct subject *out);
/* ERR_NOT_FOUND. */
struct err subject_del(struct txn *txn, struct span name);
/* The next subject after `out->name`, which a first call sets empty.
 * ERR_NOT_FOUND at the end. */
struct err subject_next(struct txn *txn, struct arena *arena,
			struct subject *out);

#endif
