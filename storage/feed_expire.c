/* Gone rows are kept 400 days; then the shelf's floor says that they were. */
#include <stdlib.h>

#include "storage/document_internal.h"
#include "storage/feed.h"
#include "storage/feed_merge.h"

enum { EXPIRE_MAX = 256 }; /* rows dropped in one call */

static struct err drop(struct txn *txn, struct shelf_index *index,
		       const struct feed_entry *entry)
{
	struct document doc;
	struct arena arena;
	struct err e;

	arena_init(&arena, DOCUMENT_ARENA_MAX);
	e = document_read_internal(txn, entry->id, &arena, &doc);
	if (failed(e))
		goto out;
	for (size_t i = 0; i < doc.rows_count; i++)
		if (doc.rows[i].shelf == entry->shelf &&
		    doc.rows[i].seq.n == entry->seq.n) {
			memmove(&doc.rows[i], &doc.rows[i + 1],
				(doc.rows_count - i - 1) * sizeof(*doc.rows));
			doc.rows_count--;
			break;
		}
	e = document_put_internal(txn, &doc);
	if (!failed(e))
		e = txn_del(txn, TABLE_FEED,
			    key_feed(entry->shelf, entry->seq));
	if (!failed(e))
		e = shelf_raise_floor(txn, index, entry->shelf, entry->seq);
out:
	arena_clear(&arena);
	return e;
}

/* Look at rows; what has expired goes to `out`. */
static struct err scan(struct txn *txn, uint64_t before, unsigned budget,
		       struct feed_expiry *at, struct feed_entry *out,
		       size_t *count)
{
	struct txn_cursor *c = NULL;
	struct feed_entry entry;
	struct txn_row row;
	struct err e;

	*count = 0;
	e = txn_cursor_open(txn, TABLE_FEED, key_empty(), &c);
	if (!failed(e))
		e = txn_cursor_seek(c, key_feed(at->shelf, at->seq), &row);
	while (!failed(e) && budget-- && *count < EXPIRE_MAX) {
		e = feed_entry_decode(&row, &entry);
		if (failed(e))
			break;
		if (entry.gone && entry.time < before)
			out[(*count)++] = entry;
		*at = (struct feed_expiry){entry.shelf, {entry.seq.n + 1}};
		e = txn_cursor_next(c, &row);
	}
	txn_cursor_close(c);
	if (e.code != ERR_NOT_FOUND)
		return e;
	*at = (struct feed_expiry){0};
	return ERR_NONE;
}

struct err feed_expire(struct txn *txn, struct shelf_index *index,
		       uint64_t before, unsigned budget, struct feed_expiry *at)
{
	struct feed_entry *found = calloc(EXPIRE_MAX, sizeof(*found));
	size_t count;
	struct err e;

	if (!found)
		return err_make(ERR_NO_MEMORY, "no memory to expire rows");
	e = scan(txn, before, budget, at, found, &count);
	for (size_t i = 0; !failed(e) && i < count; i++)
		e = drop(txn, index, &found[i]);
	free(found);
	return e;
}
