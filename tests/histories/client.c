/* A reader that may lose answers and repeat cursors. */
#include <stdlib.h>

#include "storage/faults.h"
#include "tests/histories/client.h"

bool relay_check(struct relay *r, bool good, const char *what)
{
	if (!good && !r->wrong)
		r->wrong = what;
	return good;
}

static bool went_well(struct relay *r, struct err e)
{
	return relay_check(r, !failed(e), e.detail ? e.detail : "an error");
}

/* ---- a page ---- */

struct sink {
	struct client *client;
	struct relay *relay;
	struct client_page *page;
	unsigned room;
};

/* Nobody is shown what he may not see: asked of the model, head by head. */
static bool may_be_shown(const struct sink *s, const struct document *doc,
			 const struct document_head *h)
{
	const struct paper *p = papers_find(&s->relay->papers, doc->id);
	const struct paper_revision *r = p ? paper_find(p, h->digest) : NULL;

	if (s->client->rights.nation)
		for (size_t i = 0; i < doc->rows_count; i++)
			if (doc->rows[i].shelf == h->shelf &&
			    doc->rows[i].seq.n > s->relay->signed_upto.n)
				return false;
	return r && papers_see(&s->relay->papers, p, r, &s->client->rights);
}

static struct err take_row(void *self, const struct feed_row *row, bool *full)
{
	struct sink *s = self;
	const struct document *doc = &row->read->doc;
	struct client_page *page = s->page;
	struct client_row *to = &page->rows[page->rows_count];

	*full = page->rows_count == s->room && page->rows_count > 0;
	if (*full)
		return ERR_NONE;
	if (page->rows_count == CLIENT_ROWS_MAX)
		return err_make(ERR_TOO_LARGE, "a page of too many rows");
	*to = (struct client_row){.id = row->id};
	for (size_t h = 0; h < doc->heads_count; h++) {
		if (!row->read->visible[h])
			continue;
		if (!may_be_shown(s, doc, &doc->heads[h]))
			return err_make(ERR_NOT_RELEASABLE,
					"shown what is not released");
		to->heads[to->heads_count++] =
			(struct held){row->id, doc->heads[h].digest,
				      doc->heads[h].shelf, false};
	}
	page->rows_count++;
	return ERR_NONE;
}

static struct err read_page(struct client *c, struct relay *r,
			    const struct cursor *since, unsigned rows,
			    unsigned room, struct client_page *out,
			    struct feed_page *page)
{
	struct sink sink = {c, r, out, room};
	struct feed_sink feed_sink = {take_row, &sink};
	struct feed_request request = {
		.reader = c->name,
		.cursor = since,
		.rows = rows,
		.has_upto = c->rights.nation,
		.upto = r->signed_upto,
	};
	struct view *view = NULL;
	struct txn *txn = NULL;
	struct err e = txn_begin_read(r->temp->store, STORE_RECORDS, &txn);

	out->rows_count = 0;
	if (!failed(e))
		e = book_view(r->papers.book, &c->rights, r->index, txn,
			      c->view, &view);
	request.view = view;
	if (!failed(e))
		e = feed_page(txn, r->index, &request, &feed_sink, page);
	txn_abort(&txn);
	if (!failed(e)) {
		view_free(c->view);
		c->view = view;
	} else {
		view_free(view);
	}
	return e;
}

/* What the page needs written, before it leaves. */
static struct err write_ledger(struct relay *r, struct feed_page *page,
			       enum client_ask how)
{
	struct txn *txn = NULL;
	struct err e = txn_begin_write(r->temp->store, STORE_RECORDS, &txn);

	if (!failed(e))
		e = ledger_apply(txn, &page->change, &page->cursor);
	if (!failed(e) && how != CLIENT_ASK_CUT)
		e = txn_commit(&txn);
	txn_abort(&txn);
	return e;
}

static struct err seal(struct client *c, struct relay *r,
		       const struct feed_page *page, struct client_page *out)
{
	out->fresh = page->fresh;
	out->more = page->more;
	out->unchanged = page->unchanged;
	out->fills = page->cursor.target != 0;
	out->plain = page->cursor;
	out->forget_count = 0;
	for (uint32_t n = 0; (n = shelf_set_next(&page->forget, n));)
		if (out->forget_count < CLIENT_HOLD_MAX)
			out->forget[out->forget_count++] = n;
	out->next.keys = r->keys;
	out->next.stores = r->stores;
	return cursor_seal(r->temp->ring, &c->name, &page->cursor,
			   out->next.text);
}

/* A cursor is refused only after another incarnation or two new keys. */
static bool may_be_gone(const struct relay *r, const struct kept_cursor *k)
{
	return k->stores != r->stores || k->keys + 1 < r->keys;
}

static bool open_cursor(struct client *c, struct relay *r,
			const struct kept_cursor *since, struct cursor *out,
			bool *gone)
{
	struct err e = cursor_open(r->temp->ring, &c->name,
				   store_header(r->temp->store)->incarnation,
				   span_str(since->text), out);

	*gone = e.code == ERR_GONE;
	if (*gone)
		return relay_check(r, may_be_gone(r, since),
				   "a good cursor was refused");
	return went_well(r, e);
}

bool client_ask(struct client *c, struct relay *r,
		const struct kept_cursor *since, unsigned rows, unsigned room,
		enum client_ask how, struct client_page *out)
{
	struct feed_page page = {0};
	struct cursor cursor;
	struct err e;

	out->refused = false;
	if (since && !open_cursor(c, r, since, &cursor, &out->refused))
		return false;
	if (out->refused)
		return true;
	for (int tries = 0; tries < 2; tries++) {
		feed_page_clear(&page);
		e = read_page(c, r, since ? &cursor : NULL, rows, room, out,
			      &page);
		if (!failed(e) && page.change.needed)
			e = write_ledger(r, &page, how);
		if (e.code != ERR_CONFLICT)
			break;
	}
	if (since && e.code == ERR_GONE) {
		out->refused = true;
		feed_page_clear(&page);
		return relay_check(r, may_be_gone(r, since),
				   "a good cursor was refused");
	}
	if (!failed(e) && page.unchanged)
		relay_check(r, since && cursor_eq(&cursor, &page.cursor),
			    "nothing new, and another cursor");
	if (!failed(e))
		e = seal(c, r, &page, out);
	/* An answer whose ledger is lost never leaves. */
	if (how == CLIENT_ASK_CUT && page.change.needed && !FAULT(ledger_late))
		out->refused = true;
	feed_page_clear(&page);
	return went_well(r, e);
}

bool client_ask_twice(struct client *c, struct relay *r,
		      const struct rights *then, struct client_page *out,
		      struct client_page *other)
{
	struct feed_page first = {0}, second = {0};
	struct cursor cursor;
	bool gone, good;
	struct err e;

	good = open_cursor(c, r, &c->cursors[0], &cursor, &gone);
	out->refused = other->refused = gone;
	if (!good || gone)
		goto out;
	e = read_page(c, r, &cursor, 3, 3, out, &first);
	c->rights = *then;
	if (!failed(e))
		e = read_page(c, r, &cursor, 3, 3, other, &second);
	if (!failed(e) && second.change.needed)
		e = write_ledger(r, &second, CLIENT_ASK);
	if (!failed(e))
		e = seal(c, r, &second, other);
	if (!failed(e) && first.change.needed)
		e = write_ledger(r, &first, CLIENT_ASK);
	/* It would be read again, and answered as the second was. */
	if (e.code == ERR_CONFLICT) {
		e = ERR_NONE;
		out->refused = true;
	}
	if (!failed(e) && !out->refused)
		e = seal(c, r, &first, out);
	good = went_well(r, e);
out:
	feed_page_clear(&first);
	feed_page_clear(&second);
	return good;
}

bool client_confirm(struct client *c, struct relay *r)
{
	struct txn *txn = NULL;
	struct cursor cursor;
	bool changed, gone;
	struct err e;

	if (!open_cursor(c, r, &c->cursors[0], &cursor, &gone))
		return false;
	if (gone)
		return true;
	e = txn_begin_write(r->temp->store, STORE_RECORDS, &txn);
	if (!failed(e))
		e = ledger_confirm(txn, &c->name, &cursor, &changed);
	if (!failed(e))
		e = txn_commit(&txn);
	txn_abort(&txn);
	return went_well(r, e);
}

/* ---- what it holds ---- */

static void drop(struct client *c, size_t i)
{
	c->hold[i] = c->hold[--c->hold_count];
}

static void drop_document(struct client *c, struct doc_id id)
{
	for (size_t i = c->hold_count; i-- > 0;)
		if (doc_id_eq(c->hold[i].id, id))
			drop(c, i);
}

static void drop_shelf(struct client *c, uint32_t shelf)
{
	for (size_t i = c->hold_count; i-- > 0;)
		if (c->hold[i].shelf == shelf)
			drop(c, i);
}

static void keep_cursor(struct client *c, const struct client_page *page)
{
	memmove(&c->cursors[1], &c->cursors[0],
		(CLIENT_CURSORS - 1) * sizeof(c->cursors[0]));
	c->cursors[0] = page->next;
	if (c->cursor_count < CLIENT_CURSORS)
		c->cursor_count++;
}

void client_take(struct client *c, struct relay *r,
		 const struct client_page *page, bool keep)
{
	if (page->fresh && keep) {
		/* Marks are of one start; no cursor of before goes on. */
		c->sweeps = true;
		c->cursor_count = 0;
		for (size_t i = 0; i < c->hold_count; i++)
			c->hold[i].marked = true;
	}
	for (size_t i = 0; i < page->forget_count; i++)
		drop_shelf(c, page->forget[i]);
	for (size_t i = 0; i < page->rows_count; i++) {
		drop_document(c, page->rows[i].id);
		for (size_t h = 0; h < page->rows[i].heads_count; h++)
			if (c->hold_count < CLIENT_HOLD_MAX)
				c->hold[c->hold_count++] =
					page->rows[i].heads[h];
	}
	if (!keep)
		return;
	keep_cursor(c, page);
	c->whole = !page->more;
	if (page->more || !c->sweeps)
		return;
	c->sweeps = c->unsure = false;
	for (size_t i = c->hold_count; i-- > 0;)
		if (c->hold[i].marked)
			drop(c, i);
}

static bool holds(const struct client *c, const struct paper *p,
		  const struct paper_revision *r)
{
	for (size_t i = 0; i < c->hold_count; i++)
		if (doc_id_eq(c->hold[i].id, p->id) &&
		    digest_eq(c->hold[i].digest, r->digest))
			return true;
	return false;
}

bool client_is_true(const struct client *c, const struct relay *r)
{
	size_t want = 0;

	for (int i = 0; i < PAPERS; i++) {
		const struct paper *p = &r->papers.paper[i];

		for (unsigned n = 0; n < p->revisions_count; n++) {
			if (!papers_see(&r->papers, p, &p->revisions[n],
					&c->rights))
				continue;
			want++;
			if (!holds(c, p, &p->revisions[n]))
				return false;
		}
	}
	return want == c->hold_count;
}

bool client_is_known(const struct client *c, struct relay *r)
{
	struct shelf_set may = {0};
	struct txn *txn = NULL;
	bool good = true;
	struct err e = txn_begin_read(r->temp->store, STORE_RECORDS, &txn);

	if (!failed(e))
		e = ledger_may_hold(txn, &c->name, &may);
	for (size_t i = 0; i < c->hold_count; i++)
		good &= shelf_set_has(&may, c->hold[i].shelf);
	txn_abort(&txn);
	shelf_set_clear(&may);
	return went_well(r, e) && good;
}
