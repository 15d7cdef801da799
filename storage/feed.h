/*
 * The changes feed: one page of what changed for a reader.
 *
 * A page is read in a read transaction and needs a write only when the
 * reader's ledger or a number of a set of shelves is new:
 *
 *	view_new_decided -> feed_page (rows go to the sink) ->
 *	[ledger_apply in the writer's transaction, before the answer leaves]
 *	-> cursor_seal(page.cursor)
 *
 * Rules of cursor and ledger were checked by models (tests/storage/
 * test_models.c runs them against this code): a gone row is never passed
 * over; a fill sends neither gone nor deleted rows; a loss voids older
 * cursors; a row is answered with all that the reader's merge holds of the
 * document.  Nothing here reveals what the view does not hold.
 */
#ifndef STORAGE_FEED_H
#define STORAGE_FEED_H

#include "storage/document.h"
#include "storage/ledger.h"

enum {
	FEED_ROWS_MAX = 1000,
	FEED_PAGE_BYTES = 256 << 10,
	FEED_GONE_DAYS = 400,
};

/* One row for the reader: it replaces what the reader holds of the document.
 * Lives until the sink returns. */
struct feed_row {
	struct doc_id id;
	const struct document_read *read; /* no visible head: gone */
};

/* Takes a row; `*full` true: it did not fit, the page ends before it (the
 * first row of a page must fit).  An error ends the page. */
struct feed_sink {
	struct err (*row)(void *self, const struct feed_row *row, bool *full);
	void *self;
};

struct feed_request {
	struct reader_name reader;
	const struct view *view;     /* made in this transaction */
	const struct cursor *cursor; /* opened; NULL: none, start afresh */
	size_t rows;		     /* at most; 0: FEED_ROWS_MAX */
	bool has_upto; /* nations: end at group_last_signed; heads not yet
			  signed are left out, and come later */
	struct seq upto;
	bool exclude; /* nations: leave out rows that hold nothing which did
			 not come from `exclude_nation` */
	struct nation exclude_nation;
};

struct feed_page {
	bool fresh; /* the reader came without a cursor: mark and sweep */
	bool more;
	bool unchanged;		 /* nothing new: the same cursor; answer 204 */
	size_t rows;		 /* given to the sink */
	struct shelf_set forget; /* told before the rows; names by shelf_get */
	struct cursor cursor;	 /* final if !change.needed */
	struct ledger_change change;
};

/*
 * Work out one page.  `out` is cleared by the caller with feed_page_clear in
 * any case.  ERR_GONE for a cursor of another incarnation or of an unknown
 * set: the reader starts afresh.  ERR_CONFLICT if the view is older than the
 * transaction.
 */
struct err feed_page(struct txn *txn, const struct shelf_index *index,
		     const struct feed_request *request,
		     const struct feed_sink *sink, struct feed_page *out);
void feed_page_clear(struct feed_page *page);

/*
 * Drop gone rows older than `before` (UTC seconds), at most `budget` rows
 * looked at, from `*at` on (zeroed at first; put back to zero at the end).
 * In the writer's transaction.
 */
struct feed_expiry {
	uint32_t shelf;
	struct seq seq;
};
struct err feed_expire(struct txn *txn, struct shelf_index *index,
		       uint64_t before, unsigned budget,
		       struct feed_expiry *at);

#endif
