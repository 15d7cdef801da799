/* One page of the changes feed. */
#include <stdlib.h>

#include "storage/faults.h"
#include "storage/feed.h"
#include "storage/feed_merge.h"

enum {
	SCAN_MAX = 4 * FEED_ROWS_MAX, /* rows looked at for one page */
	SEEN_SLOTS = 4096,	      /* a power of two, beyond twice a page */
};

/* Documents that this page has answered. */
struct seen {
	struct doc_id id;
	bool used;
};

/* A page being worked out; names as in the models. */
struct work {
	struct txn *txn;
	const struct shelf_index *index;
	const struct feed_request *request;
	const struct feed_sink *sink;
	struct feed_page *page;
	struct ledger ledger;
	const struct shelf_set *w; /* the view */
	struct shelf_set h;	   /* the view answered last */
	struct shelf_set c, t, m;
	struct shelf_set g; /* being filled: of t, not yet of c */
	bool filling;	    /* t is there */
	struct seq s, upto, fill_seq, fill_end;
	uint32_t fill_shelf;
	size_t rows_max, scanned;
	bool full;	 /* the page ended early */
	uint32_t newest; /* highest shelf that anything answered stands on */
	struct seen *seen;
};

static struct err gone(const char *why)
{
	return err_make(ERR_GONE, why);
}

/* ---- what came with the cursor ---- */

static struct err set_of(struct work *k, uint64_t number, struct shelf_set *out)
{
	struct err e = view_by_number(k->txn, number, out);

	return e.code == ERR_NOT_FOUND ? gone("a cursor of an unknown set") : e;
}

/* The newest row that this reader may be told of. */
static struct err newest(const struct work *k, struct seq *out)
{
	struct err e = shelf_sequence(k->txn, out);

	if (!failed(e) && out->n > k->upto.n)
		*out = k->upto;
	return e;
}

/*
 * What a reader without a cursor may still hold and may not see: lost now, to
 * cursors from before too, and told at once, so that the cursor of this page
 * never speaks of losses that wait for the sweep.
 */
static struct err lose_afresh(struct work *k)
{
	struct shelf_set *lost = &k->page->change.lost;
	struct err e = ERR_NONE;

	shelf_set_copy(lost, &k->h);
	if (k->ledger.told < k->ledger.losses)
		e = ledger_lost_since(k->txn, &k->request->reader,
				      k->ledger.told, lost);
	shelf_set_minus(lost, k->w);
	if (!FAULT(fresh_untold))
		shelf_set_copy(&k->page->forget, lost);
	return failed(e) ? e : shelf_set_check(lost);
}

static struct err begin_fresh(struct work *k)
{
	struct err e = newest(k, &k->s);

	if (failed(e))
		return e;
	k->page->fresh = true;
	k->filling = true;
	k->fill_end = k->s;
	shelf_set_copy(&k->t, k->w);
	if (FAULT(fresh_unrecorded))
		return ERR_NONE;
	return lose_afresh(k);
}

static struct err begin_cursor(struct work *k, const struct cursor *cursor)
{
	struct err e;

	if (cursor->incarnation !=
		    store_header(txn_store(k->txn))->incarnation &&
	    !FAULT(incarnation_any))
		return gone("a cursor of another incarnation");
	if (cursor->loss > k->ledger.losses)
		return gone("a cursor of another ledger");
	e = set_of(k, cursor->complete, &k->c);
	if (!failed(e))
		e = set_of(k, cursor->target, &k->t);
	if (failed(e))
		return e;
	k->s = cursor->seq;
	k->filling = cursor->target != 0;
	k->fill_shelf = cursor->fill_shelf;
	k->fill_seq = cursor->fill_seq;
	k->fill_end = cursor->fill_end;
	/* Shelves made since had no row when the cursor was made. */
	if (!FAULT(join_none))
		shelf_set_join_above(&k->c, k->w, cursor->shelves);
	if (FAULT(complete_is_view))
		shelf_set_copy(&k->c, k->w);
	if (FAULT(target_moves) && k->filling)
		shelf_set_copy(&k->t, k->w);
	return ERR_NONE;
}

/* Shelves whose gone rows were dropped after the cursor, or after the fill of
 * the shelf began. */
static void add_floored(struct work *k, struct shelf_set *lost)
{
	struct shelf_set known = {0};

	shelf_set_copy(&known, &k->c);
	shelf_set_join(&known, &k->t);
	for (uint32_t n = 0; (n = shelf_set_next(&known, n));)
		if ((shelf_set_has(&k->c, n) ? k->s.n : k->fill_end.n) <
			    shelf_floor(k->index, n).n &&
		    !FAULT(floor_ignored))
			shelf_set_add(lost, n);
	lost->bad |= known.bad;
	shelf_set_clear(&known);
}

/*
 * What the reader must forget: what it lost since the cursor, what it loses
 * now, and what was answered before but is not in the cursor.
 */
static struct err find_lost(struct work *k, const struct cursor *cursor)
{
	struct shelf_set *lost = &k->page->change.lost;
	struct shelf_set again = {0};
	struct err e = ERR_NONE;

	if (FAULT(no_ledger)) {
		shelf_set_copy(lost, &k->c);
		shelf_set_join(lost, &k->t);
		shelf_set_minus(lost, k->w);
		goto out;
	}
	shelf_set_copy(&again, &k->h);
	shelf_set_meet(&again, k->w);
	shelf_set_minus(&again, &k->c);
	shelf_set_minus(&again, &k->t);
	shelf_set_copy(lost, &k->h);
	shelf_set_minus(lost, k->w);
	if (!FAULT(again_kept))
		shelf_set_join(lost, &again);
	if (cursor->loss < k->ledger.losses && !FAULT(loss_uncompared))
		e = ledger_lost_since(k->txn, &k->request->reader, cursor->loss,
				      lost);
	add_floored(k, lost);
out:
	shelf_set_copy(&k->page->forget, lost);
	if (!FAULT(loss_keeps)) {
		shelf_set_minus(&k->c, lost);
		shelf_set_minus(&k->t, lost);
	}
	if (FAULT(loss_number_kept)) {
		shelf_set_copy(lost, &k->h);
		shelf_set_minus(lost, k->w);
		shelf_set_join(lost, &again);
	}
	shelf_set_clear(&again);
	return failed(e) ? e : shelf_set_check(&k->page->forget);
}

/* True if `a` holds something that `b` does not. */
static bool exceeds(const struct shelf_set *a, const struct shelf_set *b)
{
	for (size_t i = 0; i < a->count; i++)
		if (a->words[i] & ~(i < b->count ? b->words[i] : 0))
			return true;
	return false;
}

static struct err begin(struct work *k)
{
	const struct cursor *cursor = k->request->cursor;
	struct err e;

	e = ledger_get(k->txn, &k->request->reader, &k->ledger);
	if (!failed(e))
		e = view_by_number(k->txn, k->ledger.answered, &k->h);
	if (e.code == ERR_NOT_FOUND)
		e = err_make(ERR_CORRUPT, "a ledger names an unknown set");
	if (!failed(e))
		e = cursor ? begin_cursor(k, cursor) : begin_fresh(k);
	if (!failed(e) && cursor)
		e = find_lost(k, cursor);
	if (failed(e))
		return e;
	shelf_set_meet(&k->c, k->w);
	shelf_set_meet(&k->t, k->w);
	if (!k->filling && exceeds(k->w, &k->c)) {
		k->filling = true;
		shelf_set_copy(&k->t, k->w);
		k->fill_shelf = 0;
		k->fill_seq = (struct seq){0};
		e = newest(k, &k->fill_end);
		if (failed(e))
			return e;
	}
	shelf_set_copy(&k->m, &k->c);
	shelf_set_join(&k->m, &k->t);
	shelf_set_copy(&k->g, &k->t);
	shelf_set_minus(&k->g, &k->c);
	e = shelf_set_check(&k->m);
	if (!failed(e))
		e = shelf_set_check(&k->g);
	return failed(e) ? e : shelf_set_check(&k->c);
}

/* ---- rows ---- */

/* True if the document was answered on this page; else it is noted. */
static bool seen_before(struct work *k, struct doc_id id)
{
	size_t i = 0;

	/* The last bytes of an id come from a hash. */
	for (size_t j = 8; j < DOC_ID_LEN; j++)
		i = i * 31 + id.at[j];
	for (i %= SEEN_SLOTS; k->seen[i].used; i = (i + 1) % SEEN_SLOTS)
		if (doc_id_eq(k->seen[i].id, id))
			return true;
	k->seen[i] = (struct seen){id, true};
	return false;
}

/* The last sequence that a head's shelf told of the document. */
static struct seq told_at(const struct document *doc, uint32_t shelf)
{
	for (size_t i = 0; i < doc->rows_count; i++)
		if (doc->rows[i].shelf == shelf)
			return doc->rows[i].seq;
	return (struct seq){0};
}

/* What the merge holds of the document.  What is not signed yet is left out,
 * and has a row to come; if nothing else is there, the document is gone until
 * then: that row may come on a shelf that the reader has lost meanwhile. */
static void look(const struct work *k, bool gone, struct document_read *read)
{
	const struct shelf_set *m =
		FAULT(row_of_view) || (FAULT(gone_of_view) && gone) ? k->w
								    : &k->m;

	for (size_t i = 0; i < read->doc.heads_count; i++) {
		uint32_t shelf = read->doc.heads[i].shelf;

		if (shelf == SHELF_NONE || !shelf_set_has(m, shelf))
			continue;
		if (told_at(&read->doc, shelf).n > k->upto.n)
			continue;
		read->visible[i] = true;
		read->visible_count++;
	}
	read->winner = read->visible_count
			       ? document_winner(&read->doc, read->visible)
			       : SIZE_MAX;
}

static bool head_is_theirs(const struct document_head *h, struct nation n)
{
	return nation_eq(h->from, n) ||
	       nation_eq(h->seals[0].dot.replica.nation, n);
}

/* Whether a nation knows all of this, having brought it itself. */
static bool is_theirs(const struct document_read *read, struct nation n)
{
	const struct document *doc = &read->doc;
	size_t first, count = document_in_force(doc, &first);
	bool statement = true; /* in force, and theirs */

	for (size_t i = 0; i < count; i++)
		statement &= nation_eq(doc->statements[first + i].from, n);
	if (read->visible_count == 0)
		return (doc->state == DOCUMENT_WITHDRAWN &&
			nation_eq(doc->home, n)) ||
		       (doc->state != DOCUMENT_LIVE && count && statement);
	for (size_t i = 0; i < doc->heads_count; i++)
		if (read->visible[i] &&
		    !(head_is_theirs(&doc->heads[i], n) &&
		      (statement ||
		       doc->heads[i].statement == document_number(doc))))
			return false;
	return true;
}

/* Hand the document to the sink, once a page. */
static struct err say(struct work *k, const struct feed_entry *entry)
{
	struct feed_row row = {.id = entry->id};
	struct document_read read = {.winner = SIZE_MAX};
	struct span record;
	struct arena arena;
	bool full = false;
	struct err e;

	arena_init(&arena, DOCUMENT_ARENA_MAX);
	e = txn_get(k->txn, TABLE_DOCUMENTS, key_document(entry->id), &record);
	if (e.code == ERR_NOT_FOUND)
		e = err_make(ERR_CORRUPT, "a feed row without its document");
	if (!failed(e))
		e = document_decode(record, &arena, &read.doc);
	if (failed(e))
		goto out;
	look(k, entry->gone, &read);
	if (FAULT(unsigned_waits) && !read.visible_count &&
	    k->request->has_upto)
		for (size_t i = 0; i < read.doc.heads_count; i++)
			if (shelf_set_has(&k->m, read.doc.heads[i].shelf))
				goto out;
	if (k->request->exclude && is_theirs(&read, k->request->exclude_nation))
		goto out;
	if (FAULT(gone_passed) && entry->gone && read.visible_count)
		goto out;
	if (FAULT(hidden_counts) && !shelf_set_has(&k->m, entry->shelf)) {
		k->page->rows++;
		goto out;
	}
	if (seen_before(k, entry->id))
		goto out;
	row.read = &read;
	e = k->sink->row(k->sink->self, &row, &full);
	if (!failed(e) && full && k->page->rows == 0)
		e = err_make(ERR_TOO_LARGE, "a row that fits no page");
	if (failed(e) || full)
		goto out;
	k->page->rows++;
	for (size_t i = 0; i < read.doc.heads_count; i++)
		if (read.visible[i] && read.doc.heads[i].shelf > k->newest)
			k->newest = read.doc.heads[i].shelf;
out:
	k->full |= full;
	arena_clear(&arena);
	return e;
}

static bool has_room(const struct work *k)
{
	return !k->full && k->page->rows + FAULT(page_empty) < k->rows_max &&
	       k->scanned < SCAN_MAX;
}

/*
 * Live rows: a gone row is never passed over.  Of a shelf being filled only
 * what came after the fill began: what stands there comes with the fill, and
 * of what had gone before, the reader never knew.
 */
static struct err live(struct work *k)
{
	struct feed_merge_span span = {&k->m, k->s, &k->g,
				       k->filling ? k->fill_end : k->s,
				       k->upto};
	const struct feed_entry *entry;
	struct feed_merge *merge = NULL;
	struct shelf_set all = {0};
	struct err e;

	if (FAULT(merge_all) || FAULT(hidden_counts)) {
		for (uint32_t n = 1; n <= view_upto(k->request->view); n++)
			shelf_set_add(&all, n);
		span.shelves = &all;
	}
	if (FAULT(fill_too_late))
		span.late_after = k->s;
	e = feed_merge_new(k->txn, k->index, &span, &merge);
	while (!failed(e) && (entry = feed_merge_next(merge)) && has_room(k)) {
		k->scanned++;
		e = say(k, entry);
		if (failed(e) || k->full)
			break;
		k->s = entry->seq;
		if (entry->shelf > k->newest)
			k->newest = entry->shelf;
		e = feed_merge_take(merge);
	}
	if (!failed(e) && feed_merge_next(merge))
		k->page->more = true;
	if (!failed(e) &&
	    (FAULT(seq_runs) || (FAULT(hidden_moves) && !k->page->more)))
		e = newest(k, &k->s);
	feed_merge_free(merge);
	shelf_set_clear(&all);
	return e;
}

/* One shelf of the fill from where it is; `*done` at its end. */
static struct err fill_shelf(struct work *k, struct txn_cursor *cursor,
			     uint32_t shelf, bool *done)
{
	struct seq from = {shelf == k->fill_shelf ? k->fill_seq.n + 1 : 1};
	struct feed_entry entry;
	struct txn_row row;
	struct err e;

	*done = false;
	e = txn_cursor_seek(cursor, key_feed(shelf, from), &row);
	while (!failed(e)) {
		e = feed_entry_decode(&row, &entry);
		if (failed(e))
			return e;
		if (entry.shelf != shelf ||
		    (entry.seq.n > k->fill_end.n && !FAULT(fill_unbounded)))
			break;
		if (!has_room(k))
			return ERR_NONE;
		k->scanned++;
		if (!entry.gone || FAULT(fill_sends_gone))
			e = say(k, &entry);
		if (failed(e) || k->full)
			return e;
		if (!FAULT(position_lost)) {
			k->fill_shelf = shelf;
			k->fill_seq = entry.seq;
		}
		e = txn_cursor_next(cursor, &row);
	}
	*done = true;
	return e.code == ERR_NOT_FOUND ? ERR_NONE : e;
}

/*
 * The fill, shelf by shelf: any fixed order of rows serves, for rows up to
 * its end never come, they only go, and whatever moves comes live.
 */
static struct err fill(struct work *k)
{
	struct txn_cursor *cursor = NULL;
	uint32_t n = k->fill_shelf ? k->fill_shelf - 1 : 0;
	bool done = true;
	struct err e;

	e = txn_cursor_open(k->txn, TABLE_FEED, key_empty(), &cursor);
	while (!failed(e) && done && (n = shelf_set_next(&k->g, n)))
		e = fill_shelf(k, cursor, n, &done);
	if (!failed(e) && (done || FAULT(complete_early))) {
		shelf_set_copy(&k->c, &k->m);
		shelf_set_clear(&k->t);
		k->filling = false;
		/* Live rows came first: all up to here has been told. */
		if (k->fill_end.n > k->s.n && !FAULT(fill_end_lost))
			k->s = k->fill_end;
	}
	txn_cursor_close(cursor);
	return e;
}

/* ---- the cursor that leaves ---- */

/* W, as far as the cursor's sets knew shelves, was answered before. */
static bool answered_before(const struct work *k, uint32_t upto)
{
	for (uint32_t n = 0; (n = shelf_set_next(k->w, n)) && n <= upto;)
		if (!shelf_set_has(&k->h, n))
			return false;
	return true;
}

/*
 * Every shelf made since the cursor is in the view.  One that is not may have
 * rows below the new S that nobody was told of; then N must move with S, or
 * the cursor would count that shelf as complete when it is gained.
 */
static bool sees_all_since(const struct work *k, uint32_t shelves)
{
	for (uint32_t n = shelves + 1; n <= view_upto(k->request->view); n++)
		if (!shelf_set_has(k->w, n) && !FAULT(join_blind))
			return false;
	return true;
}

/* The sets of the cursor need no other names, only S moves. */
static bool is_light(const struct work *k)
{
	const struct cursor *cursor = k->request->cursor;

	return cursor && !cursor->target && !k->filling &&
	       shelf_set_empty(&k->page->forget) &&
	       (k->newest <= cursor->shelves || FAULT(newest_ignored)) &&
	       (k->s.n == cursor->seq.n ||
		sees_all_since(k, cursor->shelves)) &&
	       answered_before(k, cursor->shelves);
}

static struct err name_sets(struct work *k)
{
	struct ledger_change *change = &k->page->change;
	struct cursor *cursor = &k->page->cursor;
	struct err e;

	change->reader = k->request->reader;
	change->before = k->ledger;
	change->answers = !FAULT(no_ledger) && !shelf_set_eq(&k->h, k->w);
	if (FAULT(no_ledger))
		shelf_set_clear(&change->lost);
	shelf_set_copy(&change->answer, k->w);
	shelf_set_copy(&change->complete, &k->c);
	if (k->filling && !FAULT(target_lost))
		shelf_set_copy(&change->target, &k->t);
	e = view_number(k->txn, &k->c, &cursor->complete);
	if (!failed(e))
		e = view_number(k->txn, &change->target, &cursor->target);
	if (failed(e))
		return e;
	change->needed = change->answers || !shelf_set_empty(&change->lost) ||
			 (!cursor->complete && !shelf_set_empty(&k->c)) ||
			 (!cursor->target && !shelf_set_empty(&change->target));
	e = shelf_set_check(&change->answer);
	if (!failed(e))
		e = shelf_set_check(&change->complete);
	return failed(e) ? e : shelf_set_check(&change->target);
}

static struct err finish(struct work *k)
{
	const struct cursor *old = k->request->cursor;
	struct feed_page *page = k->page;

	page->more |= k->filling || exceeds(k->w, &k->c);
	if (is_light(k)) {
		struct seq now = k->s;
		struct err e = FAULT(poll_wakes) ? newest(k, &now) : ERR_NONE;

		if (failed(e))
			return e;
		page->cursor = *old;
		page->cursor.seq = k->s;
		page->unchanged =
			k->s.n == old->seq.n && now.n == k->s.n && !page->more;
		return ERR_NONE;
	}
	page->cursor = (struct cursor){
		.incarnation = store_header(txn_store(k->txn))->incarnation,
		.seq = k->s,
		.loss = k->ledger.losses,
		.shelves = view_upto(k->request->view),
	};
	if (k->filling) {
		page->cursor.fill_shelf = k->fill_shelf;
		page->cursor.fill_seq = k->fill_seq;
		page->cursor.fill_end = k->fill_end;
	}
	return name_sets(k);
}

static struct err check_view(struct work *k)
{
	uint32_t count;
	struct err e = shelf_count(k->txn, &count);

	if (!failed(e) && view_upto(k->request->view) < count)
		e = err_make(ERR_CONFLICT, "the view is older than the store");
	return e;
}

struct err feed_page(struct txn *txn, const struct shelf_index *index,
		     const struct feed_request *request,
		     const struct feed_sink *sink, struct feed_page *out)
{
	struct work k = {
		.txn = txn,
		.index = index,
		.request = request,
		.sink = sink,
		.page = out,
		.w = view_set(request->view),
		.upto = request->has_upto ? request->upto
					  : (struct seq){UINT64_MAX},
		.rows_max = request->rows && request->rows < FEED_ROWS_MAX
				    ? request->rows
				    : FEED_ROWS_MAX,
	};
	struct err e;

	*out = (struct feed_page){0};
	k.seen = calloc(SEEN_SLOTS, sizeof(*k.seen));
	if (!k.seen)
		return err_make(ERR_NO_MEMORY, "no memory for a page");
	e = check_view(&k);
	if (!failed(e))
		e = begin(&k);
	if (!failed(e))
		e = live(&k);
	if (!failed(e) && k.filling && has_room(&k))
		e = fill(&k);
	if (!failed(e))
		e = finish(&k);
	free(k.seen);
	shelf_set_clear(&k.h);
	shelf_set_clear(&k.c);
	shelf_set_clear(&k.t);
	shelf_set_clear(&k.m);
	shelf_set_clear(&k.g);
	return e;
}

void feed_page_clear(struct feed_page *page)
{
	shelf_set_clear(&page->forget);
	ledger_change_clear(&page->change);
}
