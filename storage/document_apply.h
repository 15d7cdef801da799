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

/* One batch: one transaction, and one group or a part of it. */
struct document_writer {
	struct shelf_index *index;
	uint64_t group;	  /* number that this commit's group has */
	uint16_t earlier; /* leaves that earlier commits gave to it */
	uint16_t leaves;  /* those, and what was given since */
	struct digest cores[SEAL_LEAVES]; /* of this commit, in order */
	struct seq first, last;		  /* rows written; last < first: none */
};

/* `group` is group_last + 1. */
void document_writer_begin(struct document_writer *w, struct shelf_index *index,
			   uint64_t group);
/* `group` is an unsigned group that has `leaves` already. */
void document_writer_continue(struct document_writer *w,
			      struct shelf_index *index, uint64_t group,
			      uint16_t leaves);

/*
 * The shelves that the result's heads stand on, where they exist already: on
 * any thread, in any snapshot that `old` was read in, so that document_apply
 * need not look.
 */
struct err document_find_shelves(struct txn *txn, const struct document *old,
				 struct resolve_result *result);

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
