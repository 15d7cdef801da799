/*
 * A view: the set of shelves that one reader may see.
 *
 * Reading for somebody takes a view, and the only way to a view is the
 * decision: view_new_decided asks it once for each shelf.  A view is never
 * changed; it may be shared by threads and requests.
 *
 * Table `views` gives sets numbers, for cursors and ledgers.  A number names
 * one set for life.  A shelf made later joins the views that may see it
 * without a refill: nothing stood on it when a cursor was made that does not
 * know it, so that cursor is complete for it (see cursor.h, `shelves`).
 */
#ifndef STORAGE_VIEW_H
#define STORAGE_VIEW_H

#include "storage/shelf.h"

struct view;

/* The decision: may the reader see what stands on this shelf?  Pure. */
struct view_decider {
	bool (*releases)(void *self, const struct shelf_row *shelf);
	void *self;
	/* Where `releases` says that it could not decide: then there is no
	 * view.  NULL: it always can. */
	const struct err *why;
};

/*
 * The view of a reader over all shelves of the transaction's snapshot.
 *
 * `profile` is a digest of everything that decides (reader, policy, rules):
 * two views of one profile decide alike.  `base` (or NULL) is an earlier view;
 * of the same profile its decisions stand and only shelves made since are
 * asked for, and when there are none `out` is `base` once more.  A view must
 * be made with the transaction it is used in, or a later one.
 *
 * Owns: release with view_free.  Safe from several threads.
 */
struct err view_new_decided(const struct shelf_index *index, struct txn *txn,
			    struct digest profile, struct view *base,
			    const struct view_decider *decider,
			    struct view **out);
/* One more owner. */
struct view *view_keep(struct view *view);
void view_free(struct view *view);

bool view_has(const struct view *view, uint32_t shelf);
/* The next shelf above `after` (0 at first); 0 at the end. */
uint32_t view_next(const struct view *view, uint32_t after);
size_t view_size(const struct view *view);
/* Of memory. */
size_t view_bytes(const struct view *view);
struct digest view_profile(const struct view *view);
/* Decided for shelves up to this number. */
uint32_t view_upto(const struct view *view);
/* Borrowed. */
const struct shelf_set *view_set(const struct view *view);
/* The last sequence of any shelf of the view: a parked reader whose cursor
 * has seen it need not be asked again. */
struct seq view_last(const struct view *view, const struct shelf_index *index);
/* True if the view has a shelf with this label (`GET /v1/labels/`).  It looks
 * at all of the view and at nothing else: what others keep under the label
 * costs nothing here. */
bool view_has_label(const struct view *view, const struct shelf_index *index,
		    struct digest label);

/* ---- numbers of sets ---- */

/* The number of a set; 0 if it has none yet.  The empty set's is 0 too. */
struct err view_number(struct txn *txn, const struct shelf_set *set,
		       uint64_t *out);
/* The same, given a number in this write transaction if need be. */
struct err view_number_make(struct txn *txn, const struct shelf_set *set,
			    uint64_t *out);
/* The set of a number; ERR_NOT_FOUND. `out` is cleared by the caller. */
struct err view_by_number(struct txn *txn, uint64_t number,
			  struct shelf_set *out);

#endif
