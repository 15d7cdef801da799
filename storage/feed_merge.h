/*
 * A merge of the feed's rows over several shelves, by sequence.
 *
 * One cursor of LMDB serves all shelves; a heap holds the next row of each
 * that has news.  Cost grows with rows taken and shelves that have news.
 */
#ifndef STORAGE_FEED_MERGE_H
#define STORAGE_FEED_MERGE_H

#include "storage/shelf.h"

/* One row of table `feed`. */
struct feed_entry {
	uint32_t shelf;
	struct seq seq;
	struct doc_id id;
	bool gone;
	uint64_t time; /* UTC seconds when it went */
};

struct err feed_entry_decode(const struct txn_row *row, struct feed_entry *out);

struct feed_merge;

/* Which rows: of `shelves` above `after`, but of those that are `late` too
 * only above `late_after`; up to `upto`. */
struct feed_merge_span {
	const struct shelf_set *shelves;
	struct seq after;
	const struct shelf_set *late;
	struct seq late_after;
	struct seq upto;
};

/* Owns: feed_merge_free. */
struct err feed_merge_new(struct txn *txn, const struct shelf_index *index,
			  const struct feed_merge_span *span,
			  struct feed_merge **out);
void feed_merge_free(struct feed_merge *m);
/* The next row, or NULL; it stays the next until it is taken. */
const struct feed_entry *feed_merge_next(const struct feed_merge *m);
struct err feed_merge_take(struct feed_merge *m);

#endif
