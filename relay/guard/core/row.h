/*
 * A document as a reader sees it, as a row of the feed on the wire.
 */
#ifndef RELAY_GUARD_CORE_ROW_H
#define RELAY_GUARD_CORE_ROW_H

#include "proto/exchange/changes.h"
#include "relay/guard/core/state.h"

/*
 * Originator control: a nation gets documents of this nation, and edits of
 * its own documents; those of third nations only by their home's transit
 * rule, which is none so far.  Devices get what their view shows.
 */
bool row_may_pass(const struct job *job, const struct document *doc);

/* The shelves that the rows of one page name, each once. */
struct row_shelves {
	struct shelf_set set;
	struct document_seal_cache seals; /* of the one transaction */
};

/*
 * Fill `out` from what may be shown; everything lives in `arena`.  For
 * nations with statements and foreign seals, and only heads whose group is
 * signed.  Adds the shelves it names.
 */
struct err row_make(struct core *core, struct txn *txn, const struct view *view,
		    bool nation, const struct document_read *read,
		    struct arena *arena, struct row_shelves *shelves,
		    struct changes_row *out);

/* The shelves as the page describes them. */
struct err row_shelves_list(struct core *core,
			    const struct row_shelves *shelves,
			    struct arena *arena,
			    const struct changes_shelf **out, size_t *count);
void row_shelves_clear(struct row_shelves *shelves);

/* Heads and statement in force, as the members of a 412. */
void row_conflict_members(const struct document_read *read, struct buf *out);

#endif
