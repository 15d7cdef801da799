/* Rows of several shelves in one order. */
#include <stdlib.h>

#include "storage/feed_merge.h"
#include "storage/record.h"

struct feed_merge {
	struct txn_cursor *cursor;
	struct seq upto;
	/* Where the cursor stands; shelf 0: nowhere. */
	uint32_t at_shelf;
	struct seq at_seq;
	size_t count;
	size_t room;
	struct feed_entry *heap; /* least sequence first */
};

struct err feed_entry_decode(const struct txn_row *row, struct feed_entry *out)
{
	struct span_reader r = span_read(row->value);
	struct feed_entry entry;
	uint8_t gone;
	struct err e;

	e = key_feed_decode(row->key, &entry.shelf, &entry.seq);
	if (failed(e))
		return err_make(ERR_CORRUPT, "a feed row's key is malformed");
	entry.id = record_read_doc_id(&r);
	gone = span_read_u8(&r);
	entry.gone = gone;
	entry.time = span_read_u64(&r);
	if (gone > 1)
		r.bad = true;
	e = record_read_end(&r, "a feed row is malformed");
	if (!failed(e))
		*out = entry;
	return e;
}

static void swap(struct feed_entry *a, struct feed_entry *b)
{
	struct feed_entry c = *a;

	*a = *b;
	*b = c;
}

static void sift_up(struct feed_merge *m, size_t i)
{
	for (; i > 0 && m->heap[i].seq.n < m->heap[(i - 1) / 2].seq.n;
	     i = (i - 1) / 2)
		swap(&m->heap[i], &m->heap[(i - 1) / 2]);
}

static void sift_down(struct feed_merge *m, size_t i)
{
	for (;;) {
		size_t least = i;

		for (size_t c = 2 * i + 1; c <= 2 * i + 2; c++)
			if (c < m->count &&
			    m->heap[c].seq.n < m->heap[least].seq.n)
				least = c;
		if (least == i)
			return;
		swap(&m->heap[i], &m->heap[least]);
		i = least;
	}
}

/* The first row of the shelf above `after`; false if there is none. */
static struct err fetch(struct feed_merge *m, uint32_t shelf, struct seq after,
			struct feed_entry *out, bool *found)
{
	struct txn_row row;
	struct err e;

	if (m->at_shelf == shelf && m->at_seq.n == after.n)
		e = txn_cursor_next(m->cursor, &row);
	else
		e = txn_cursor_seek(m->cursor,
				    key_feed(shelf, (struct seq){after.n + 1}),
				    &row);
	m->at_shelf = SHELF_NONE;
	*found = false;
	if (e.code == ERR_NOT_FOUND)
		return ERR_NONE;
	if (!failed(e))
		e = feed_entry_decode(&row, out);
	if (failed(e))
		return e;
	m->at_shelf = out->shelf;
	m->at_seq = out->seq;
	*found = out->shelf == shelf && out->seq.n <= m->upto.n;
	return ERR_NONE;
}

static struct err push(struct feed_merge *m, const struct feed_entry *entry)
{
	if (m->count == m->room) {
		size_t room = m->room ? 2 * m->room : 16;
		struct feed_entry *heap =
			realloc(m->heap, room * sizeof(*heap));

		if (!heap)
			return err_make(ERR_NO_MEMORY, "no memory to merge");
		m->heap = heap;
		m->room = room;
	}
	m->heap[m->count] = *entry;
	sift_up(m, m->count++);
	return ERR_NONE;
}

static struct seq after_of(const struct feed_merge_span *span, uint32_t shelf)
{
	return span->late_after.n > span->after.n &&
			       shelf_set_has(span->late, shelf)
		       ? span->late_after
		       : span->after;
}

struct err feed_merge_new(struct txn *txn, const struct shelf_index *index,
			  const struct feed_merge_span *span,
			  struct feed_merge **out)
{
	struct feed_merge *m = calloc(1, sizeof(*m));
	struct feed_entry entry;
	bool found;
	struct err e;

	if (!m)
		return err_make(ERR_NO_MEMORY, "no memory to merge");
	m->upto = span->upto;
	e = txn_cursor_open(txn, TABLE_FEED, key_empty(), &m->cursor);
	for (uint32_t n = 0;
	     !failed(e) && (n = shelf_set_next(span->shelves, n));) {
		struct seq after = after_of(span, n);

		if (shelf_last(index, n).n <= after.n)
			continue;
		e = fetch(m, n, after, &entry, &found);
		if (!failed(e) && found)
			e = push(m, &entry);
	}
	if (failed(e))
		feed_merge_free(m);
	else
		*out = m;
	return e;
}

void feed_merge_free(struct feed_merge *m)
{
	if (!m)
		return;
	txn_cursor_close(m->cursor);
	free(m->heap);
	free(m);
}

const struct feed_entry *feed_merge_next(const struct feed_merge *m)
{
	return m->count ? &m->heap[0] : NULL;
}

struct err feed_merge_take(struct feed_merge *m)
{
	struct feed_entry next;
	bool found;
	struct err e;

	e = fetch(m, m->heap[0].shelf, m->heap[0].seq, &next, &found);
	if (failed(e))
		return e;
	if (found)
		m->heap[0] = next;
	else
		m->heap[0] = m->heap[--m->count];
	sift_down(m, 0);
	return ERR_NONE;
}
