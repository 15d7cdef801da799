/* Shelves that a peer took from us. */
#include <stdlib.h>

#include "federation/forget.h"
#include "storage/feed_merge.h"

struct budget {
	size_t rows, documents;
};

/* Ids of what stands on the shelf from `at` on; `*end` at the shelf's. */
static struct err list(struct txn *txn, uint32_t shelf, struct seq *at,
		       struct budget *left, struct doc_id *out, size_t *count,
		       bool *end)
{
	struct txn_cursor *cursor = NULL;
	struct feed_entry entry;
	struct txn_row row;
	struct err e;

	*count = 0;
	*end = false;
	e = txn_cursor_open(txn, TABLE_FEED, key_empty(), &cursor);
	if (!failed(e))
		e = txn_cursor_seek(cursor,
				    key_feed(shelf, (struct seq){at->n + 1}),
				    &row);
	while (!failed(e) && left->rows && left->documents) {
		e = feed_entry_decode(&row, &entry);
		if (failed(e))
			break;
		*end = entry.shelf != shelf;
		if (*end)
			break;
		left->rows--;
		*at = entry.seq;
		if (!entry.gone) {
			left->documents--;
			out[(*count)++] = entry.id;
		}
		e = txn_cursor_next(cursor, &row);
	}
	txn_cursor_close(cursor);
	if (e.code != ERR_NOT_FOUND)
		return e;
	*end = true;
	return ERR_NONE;
}

static struct err forget_one(struct import *in, uint32_t shelf,
			     struct forget_place *at, struct budget *left,
			     struct doc_id *ids, bool *end)
{
	size_t count;
	struct err e = list(in->txn, shelf, &at->seq, left, ids, &count, end);

	for (size_t i = 0; !failed(e) && i < count; i++)
		e = import_unshown(in, ids[i], shelf);
	return e;
}

struct err forget_shelves(struct import *in, const struct digest *shelves,
			  size_t count, struct forget_place *at, bool *done)
{
	struct doc_id *ids = calloc(FORGET_DOCUMENTS, sizeof(*ids));
	struct budget left = {FORGET_ROWS, FORGET_DOCUMENTS};
	size_t i = 0;
	struct err e = ERR_NONE;

	*done = false;
	if (!ids)
		return err_make(ERR_NO_MEMORY, "no memory to forget");
	/* On from where it was, if that is still asked for. */
	for (size_t j = 0; j < count; j++)
		if (digest_eq(shelves[j], at->shelf))
			i = j;
	for (; !failed(e) && i < count && left.rows && left.documents; i++) {
		uint32_t shelf;
		bool end;

		if (!digest_eq(at->shelf, shelves[i]))
			*at = (struct forget_place){.shelf = shelves[i]};
		e = shelf_by_name(in->txn, shelves[i], &shelf);
		if (e.code == ERR_NOT_FOUND) {
			e = ERR_NONE; /* nothing of it ever came */
			continue;
		}
		if (!failed(e))
			e = forget_one(in, shelf, at, &left, ids, &end);
		if (!failed(e) && !end)
			break;
	}
	free(ids);
	*done = i == count;
	if (*done)
		*at = (struct forget_place){0};
	return e;
}
