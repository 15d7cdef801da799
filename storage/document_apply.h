/*
 * Write what resolve worked out: the record and its rows in the feed, in the
 * writer's transaction.
 *
 *	document_writer_begin -> document_apply (each) -> document_writer_end
 *	-> txn_commit
 *
 * Each row has its own sequence; a row that is replaced is removed in the
 * same commit; a shelf that the document leaves gets a "gone" row.
 */
#ifndef STORAGE_DOCUMENT_APPLY_H
#define STORAGE_DOCUMENT_APPLY_H

#include "storage/resolve.h"

/* One batch: one transaction and one group. */
struct document_writer {
	struct shelf_index *index;
	uint64_t group;	 /* number that this commit's group will get */
	uint16_t leaves; /* given so far */
	struct digest cores[SEAL_LEAVES]; /* for seal_group_build, in order */
	struct seq first, last;		  /* rows written; last < first: none */
};

/* `group` is group_last + 1. */
void document_writer_begin(struct document_writer *w, struct shelf_index *index,
			   uint64_t group);

/*
 * Write an accepted result.  `old` is what resolve was given, read in this
 * transaction (or NULL).  In a nested transaction that may abort, save `*w`
 * before and put it back after the abort.  ERR_BUSY when the group has its
 * 256 leaves.  `last` (may be NULL) is the sequence of its newest row.
 */
struct err document_apply(struct document_writer *w, struct txn *txn,
			  const struct document *old,
			  struct resolve_result *result, uint64_t now,
			  struct seq *last);

/* Before the commit, once: writes the sequence counter.  Without rows it does
 * nothing. */
struct err document_writer_end(struct document_writer *w, struct txn *txn);

#endif
