/*
 * The ledger: per reader, the view last answered, what it lost and when; so,
 * what it may still hold.
 *
 * One row per reader and one per shelf it ever lost, with the number of the
 * latest loss.  A cursor with an older number counts that shelf as not held.
 * A change is worked out while reading (feed_page) and written by the writer
 * BEFORE the answer leaves; if the ledger has moved meanwhile, ERR_CONFLICT:
 * read the page again.
 */
#ifndef STORAGE_LEDGER_H
#define STORAGE_LEDGER_H

#include "storage/cursor.h"
#include "storage/view.h"

struct ledger {
	uint64_t answered; /* number of the set last answered */
	uint64_t losses;   /* the latest loss number */
	uint64_t told;	   /* losses up to this the reader confirmed, signed */
	uint64_t version;  /* rises with every change */
};

/* Zeroed for a reader never answered. */
struct err ledger_get(struct txn *txn, const struct reader_name *reader,
		      struct ledger *out);

/* Adds the shelves whose latest loss number is above `number`. */
struct err ledger_lost_since(struct txn *txn, const struct reader_name *reader,
			     uint64_t number, struct shelf_set *out);

/* What a page needs written before it leaves. */
struct ledger_change {
	bool needed;
	bool answers; /* the set last answered changes */
	struct reader_name reader;
	struct ledger before;	 /* compared */
	struct shelf_set answer; /* the view answered now */
	struct shelf_set lost;	 /* given the next loss number, if any */
	struct shelf_set complete, target; /* sets that the cursor names */
};
void ledger_change_clear(struct ledger_change *change);

/*
 * Write the change and put the numbers it makes into `cursor`.  ERR_CONFLICT,
 * and nothing written, if the ledger is no longer as it was read.
 */
struct err ledger_apply(struct txn *txn, const struct ledger_change *change,
			struct cursor *cursor);

/*
 * The reader's own signed request carried this cursor: what it lost up to
 * there it no longer holds.  Needs no write (`*changed` false) if told before.
 */
struct err ledger_confirm(struct txn *txn, const struct reader_name *reader,
			  const struct cursor *cursor, bool *changed);

/* What the reader may hold: the set last answered and what it lost without
 * having confirmed it. */
struct err ledger_may_hold(struct txn *txn, const struct reader_name *reader,
			   struct shelf_set *out);

/* The reader is no more and said so, or is known to be wiped. */
struct err ledger_forget(struct txn *txn, const struct reader_name *reader);

#endif
