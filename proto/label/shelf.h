/*
 * A shelf: what a head stands on, as a value: space, the sorted set of label
 * digests, condition.  The unit of index, view and feed.  storage/shelf interns
 * them; this file only names them.
 */
#ifndef PROTO_LABEL_SHELF_H
#define PROTO_LABEL_SHELF_H

#include "proto/base/buf.h"
#include "proto/base/id.h"
#include "proto/label/bound.h"

enum {
	SHELF_LABEL_MAX = 16,
	SHELF_ENCODED_MAX =
		8 + 2 + SPACE_NAME_MAX + 2 + SHELF_LABEL_MAX * DIGEST_LEN,
};

/* Condition 0 is none.  Others are numbered when they exist; whoever does not
 * know a condition does not release what stands under it. */
enum {
	SHELF_CONDITION_NONE = 0,
	/* Withdrawn by its home while edits made here were on their way there:
	 * for nations alone (and of them, by originator control, the home). */
	SHELF_CONDITION_RETURNING = 1,
};

struct shelf {
	char space[SPACE_NAME_MAX + 1];
	struct digest labels[SHELF_LABEL_MAX]; /* rising, distinct */
	size_t label_count;		       /* at least 1 */
	uint64_t condition;
};

/* Make a shelf: sorts the labels and drops duplicates.  ERR_MALFORMED for a
 * space not of its form or no label, ERR_TOO_LARGE for too many labels. */
struct err shelf_make(struct span space, const struct digest *labels,
		      size_t label_count, uint64_t condition,
		      struct shelf *out);

bool shelf_eq(const struct shelf *a, const struct shelf *b);

/* H(E("entente shelf v1", space, label digests, condition)). */
struct err shelf_name(const struct shelf *shelf, struct digest *out);

/* E without its domain string: for storage.  Decode refuses what shelf_make
 * would not have made (ERR_MALFORMED). */
void shelf_encode(const struct shelf *shelf, struct buf *out);
struct err shelf_decode(struct span bytes, struct shelf *out);

/* A shelf as the decision sees it: its labels bound, in any order.  A label
 * that cannot be had is NULL, and then nothing is released. */
struct shelf_view {
	struct span space;
	const struct bound *const *labels;
	size_t label_count;
	uint64_t condition;
};

#endif
