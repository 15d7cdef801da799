/* Records and their rows in the feed. */
#include "storage/document_apply.h"
#include "storage/document_internal.h"
#include "storage/faults.h"
#include "storage/record.h"
#include "storage/resolve_inside.h"

enum { FEED_VALUE_LEN = DOC_ID_LEN + 1 + 8 };

void document_writer_begin(struct document_writer *w, struct shelf_index *index,
			   uint64_t group)
{
	document_writer_continue(w, index, group, 0);
}

void document_writer_continue(struct document_writer *w,
			      struct shelf_index *index, uint64_t group,
			      uint16_t leaves)
{
	w->index = index;
	w->group = group;
	w->earlier = w->leaves = leaves;
	w->first = w->last = (struct seq){0};
}

struct err document_writer_end(struct document_writer *w, struct txn *txn)
{
	return w->last.n ? shelf_sequence_put(txn, w->index) : ERR_NONE;
}

/* ---- shelves of heads ---- */

static bool labels_eq(const struct document *a, const struct document_head *x,
		      const struct document *b, const struct document_head *y)
{
	struct digest la[DOCUMENT_STANDS_MAX], lb[DOCUMENT_STANDS_MAX];
	size_t n = document_labels(a, x, la);

	return n == document_labels(b, y, lb) &&
	       memcmp(la, lb, n * sizeof(la[0])) == 0;
}

/* A head of the old document on the same labels saves a look-up. */
static uint32_t shelf_before(const struct document *old,
			     const struct document *doc,
			     const struct document_head *head)
{
	if (!old || old->condition != doc->condition)
		return SHELF_NONE;
	for (size_t i = 0; i < old->heads_count; i++)
		if (old->heads[i].shelf != SHELF_NONE &&
		    labels_eq(old, &old->heads[i], doc, head))
			return old->heads[i].shelf;
	return SHELF_NONE;
}

static struct err number_shelves(struct document_writer *w, struct txn *txn,
				 const struct document *old,
				 struct document *doc)
{
	struct digest labels[DOCUMENT_STANDS_MAX];
	struct err e;

	for (size_t i = 0; i < doc->heads_count; i++) {
		struct document_head *h = &doc->heads[i];

		if (h->shelf != RESOLVE_SHELF_WANTED)
			continue;
		h->shelf = shelf_before(old, doc, h);
		if (h->shelf != SHELF_NONE)
			continue;
		e = shelf_intern(txn, w->index, doc->opening.space, labels,
				 document_labels(doc, h, labels),
				 doc->condition, &h->shelf);
		if (failed(e))
			return e;
	}
	return ERR_NONE;
}

struct err document_find_shelves(struct txn *txn, const struct document *old,
				 struct resolve_result *result)
{
	struct digest labels[DOCUMENT_STANDS_MAX];
	struct document *doc = &result->doc;
	struct err e = ERR_NONE;

	for (size_t i = 0; i < doc->heads_count && !failed(e); i++) {
		struct document_head *h = &doc->heads[i];

		if (h->shelf != RESOLVE_SHELF_WANTED)
			continue;
		h->shelf = shelf_before(old, doc, h);
		if (h->shelf != SHELF_NONE)
			continue;
		e = shelf_find(txn, doc->opening.space, labels,
			       document_labels(doc, h, labels), doc->condition,
			       &h->shelf);
		if (e.code == ERR_NOT_FOUND) {
			h->shelf = RESOLVE_SHELF_WANTED;
			e = ERR_NONE;
		}
	}
	return e;
}

/* ---- rows ---- */

static struct err row_put(struct txn *txn, const struct document *doc,
			  const struct document_row *row)
{
	uint8_t value[FEED_VALUE_LEN];

	memcpy(value, doc->id.at, DOC_ID_LEN);
	value[DOC_ID_LEN] = row->gone;
	for (int i = 0; i < 8; i++)
		value[DOC_ID_LEN + 1 + i] =
			(uint8_t)(row->time >> (56 - 8 * i));
	return txn_put(txn, TABLE_FEED, key_feed(row->shelf, row->seq),
		       SPAN_OBJ(value));
}

static bool on_shelf(const struct document *doc, uint32_t shelf)
{
	for (size_t i = 0; i < doc->heads_count; i++)
		if (doc->heads[i].shelf == shelf)
			return true;
	return false;
}

static bool head_same(const struct document_head *a,
		      const struct document_head *b)
{
	return digest_eq(a->digest, b->digest) &&
	       a->seals_count == b->seals_count && a->shelf == b->shelf;
}

/* Whether every head of `a` on the shelf is one of `b`'s, unchanged. */
static bool heads_within(const struct document *a, const struct document *b,
			 uint32_t shelf)
{
	for (size_t i = 0; i < a->heads_count; i++) {
		bool found = a->heads[i].shelf != shelf;

		for (size_t j = 0; !found && j < b->heads_count; j++)
			found = head_same(&a->heads[i], &b->heads[j]);
		if (!found)
			return false;
	}
	return true;
}

/* Whether readers of a shelf that the document is still on must be told. */
static bool is_touched(const struct document *old, const struct document *doc,
		       uint32_t shelf)
{
	return old->statements_count != doc->statements_count ||
	       !heads_within(old, doc, shelf) || !heads_within(doc, old, shelf);
}

static struct document_row *row_of(struct document *doc, uint32_t shelf)
{
	for (size_t i = 0; i < doc->rows_count; i++)
		if (doc->rows[i].shelf == shelf)
			return &doc->rows[i];
	return NULL;
}

/* Room for one more: the oldest gone row goes, and its shelf's floor says
 * so. */
static struct err make_room(struct document_writer *w, struct txn *txn,
			    struct document *doc)
{
	size_t oldest = SIZE_MAX;
	struct document_row row;
	struct err e;

	if (doc->rows_count < DOCUMENT_ROWS_MAX)
		return ERR_NONE;
	for (size_t i = 0; i < doc->rows_count; i++)
		if (doc->rows[i].gone &&
		    (oldest == SIZE_MAX ||
		     doc->rows[i].seq.n < doc->rows[oldest].seq.n))
			oldest = i;
	if (oldest == SIZE_MAX)
		return err_make(ERR_TOO_LARGE,
				"a document on too many shelves");
	row = doc->rows[oldest];
	memmove(&doc->rows[oldest], &doc->rows[oldest + 1],
		(doc->rows_count - oldest - 1) * sizeof(row));
	doc->rows_count--;
	e = txn_del(txn, TABLE_FEED, key_feed(row.shelf, row.seq));
	if (!failed(e))
		e = shelf_raise_floor(txn, w->index, row.shelf, row.seq);
	return e;
}

/* A new sequence for the row of a shelf; the row before is removed. */
static struct err move_row(struct document_writer *w, struct txn *txn,
			   struct document *doc, uint32_t shelf, bool gone,
			   uint64_t now)
{
	struct document_row *row = row_of(doc, shelf);
	struct err e = ERR_NONE;
	size_t at = 0;

	if (row) {
		if (!FAULT(row_stays))
			e = txn_del(txn, TABLE_FEED, key_feed(shelf, row->seq));
	} else {
		e = make_room(w, txn, doc);
		while (at < doc->rows_count && doc->rows[at].shelf < shelf)
			at++;
		row = &doc->rows[at];
		if (!failed(e)) {
			memmove(row + 1, row,
				(doc->rows_count - at) * sizeof(*row));
			doc->rows_count++;
		}
	}
	if (failed(e))
		return e;
	*row = (struct document_row){
		.shelf = shelf,
		.gone = gone,
		.seq = FAULT(row_shared) && w->last.n
			       ? w->last
			       : shelf_next_seq(w->index, shelf),
		.time = gone ? now : 0,
	};
	if (!w->first.n)
		w->first = row->seq;
	w->last = row->seq;
	return row_put(txn, doc, row);
}

static struct err apply_rows(struct document_writer *w, struct txn *txn,
			     const struct document *old, struct document *doc,
			     uint64_t now)
{
	uint32_t left[DOCUMENT_ROWS_MAX];
	uint64_t before = 0;
	size_t left_count = 0;
	struct err e = ERR_NONE;

	for (size_t i = 0; i < doc->rows_count; i++)
		if (doc->rows[i].seq.n > before)
			before = doc->rows[i].seq.n;
	for (size_t i = 0; i < doc->rows_count; i++)
		if (!doc->rows[i].gone && !on_shelf(doc, doc->rows[i].shelf))
			left[left_count++] = doc->rows[i].shelf;
	for (size_t i = 0;
	     !failed(e) && i < left_count && !FAULT(gone_unwritten); i++)
		e = move_row(w, txn, doc, left[i], true, now);
	for (size_t i = 0; !failed(e) && i < doc->heads_count; i++) {
		uint32_t shelf = doc->heads[i].shelf;
		const struct document_row *row;
		bool again = shelf == SHELF_NONE;

		for (size_t j = 0; j < i; j++)
			again |= doc->heads[j].shelf == shelf;
		if (again)
			continue;
		row = row_of(doc, shelf);
		if (!row || row->gone || is_touched(old, doc, shelf))
			e = move_row(w, txn, doc, shelf, false, now);
	}
	/* A delete or recall goes to everyone who ever held it. */
	if (old && doc->state != DOCUMENT_LIVE &&
	    doc->statements_count != old->statements_count)
		for (size_t i = 0; !failed(e) && i < doc->rows_count; i++)
			if (doc->rows[i].gone && doc->rows[i].seq.n <= before)
				e = move_row(w, txn, doc, doc->rows[i].shelf,
					     true, now);
	return e;
}

/* ---- leaves ---- */

/* The place in the group, wherever the new seal stands. */
static void give_leaf(struct document_writer *w, struct resolve_result *r)
{
	struct document *doc = &r->doc;

	for (size_t i = 0; i < doc->heads_count; i++) {
		struct document_seal *s = &doc->heads[i].seals[0];

		if (digest_eq(doc->heads[i].digest, r->digest)) {
			s->group = w->group;
			s->leaf = w->leaves;
		}
	}
	for (size_t i = 0; i < doc->statements_count; i++) {
		struct document_seal *s = &doc->statements[i].seal;

		if (digest_eq(doc->statements[i].digest, r->digest)) {
			s->group = w->group;
			s->leaf = w->leaves;
			/* Statement 1 is sealed as the revision it is. */
			if (doc->statements[i].number == 1)
				for (size_t j = 0; j < doc->heads_count; j++)
					if (digest_eq(doc->heads[j].digest,
						      r->digest))
						*s = doc->heads[j].seals[0];
		}
	}
	w->cores[w->leaves++ - w->earlier] = r->core;
}

struct err document_apply(struct document_writer *w, struct txn *txn,
			  const struct document *old,
			  struct resolve_result *result, uint64_t now,
			  struct seq *last)
{
	struct document_row rows[DOCUMENT_ROWS_MAX];
	struct document *doc = &result->doc;
	struct seq before = w->last;
	struct err e;

	if (result->outcome != RESOLVE_ACCEPTED)
		return err_make(ERR_INTERNAL, "only what is accepted is kept");
	if (result->needs_leaf && w->leaves == SEAL_LEAVES)
		return err_make(ERR_BUSY, "the group is full");
	/* The rows are changed here, not in what resolve borrowed from. */
	if (doc->rows_count)
		memcpy(rows, doc->rows, doc->rows_count * sizeof(rows[0]));
	doc->rows = rows;
	e = number_shelves(w, txn, old, doc);
	if (!failed(e))
		e = apply_rows(w, txn, old, doc, now);
	if (!failed(e) && result->needs_leaf)
		give_leaf(w, result);
	if (!failed(e))
		e = document_put_internal(txn, doc);
	if (!failed(e) && last)
		*last = w->last.n != before.n ? w->last : (struct seq){0};
	doc->rows = NULL;
	doc->rows_count = 0;
	return e;
}
