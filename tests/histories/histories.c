/* Random histories. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "storage/file.h"
#include "tests/histories/client.h"
#include "tests/histories/histories.h"

enum {
	CLIENTS = 3, /* two devices and a nation */
	SETTLE_MAX = 400,
	STORE_BYTES_MAX = 64 << 20,
	/* Keys made in a folder leave their mark there. */
	HISTORIES_OF_A_FOLDER = 2000,
};

struct histories {
	struct book *book;
	struct tempstore temp;
	struct buf empty; /* the store before anything was written */
	unsigned ran;
};

/* One history under way.  Every second is narrow: one client, documents with
 * one head, and little else than puts, relabels, rights and pages. */
struct run {
	bool narrow;
	struct relay relay;
	struct chance chance;
	struct client clients[CLIENTS];
	unsigned client_count;
	/* A backup of the store, with what the model knew then. */
	bool backed_up;
	struct buf backup;
	struct papers then;
	struct client_page page, other; /* large */
};

static void data_path(const struct tempstore *t, char out[2 * TEMPSTORE_PATH])
{
	must(file_join(out, 2 * TEMPSTORE_PATH, t->path, "records/data.mdb"));
}

static void read_data(const struct tempstore *t, struct buf *out)
{
	char path[2 * TEMPSTORE_PATH];

	data_path(t, path);
	buf_reset(out);
	must(file_read(path, out));
}

/* Between store_close and store_open. */
static void write_data(const struct tempstore *t, const struct buf *bytes)
{
	char path[2 * TEMPSTORE_PATH];
	FILE *f;

	data_path(t, path);
	f = fopen(path, "wb");
	if (!f || fwrite(bytes->at, 1, bytes->len, f) != bytes->len ||
	    fclose(f) != 0)
		abort();
}

/* The store alone: the ring stays open. */
static void open_store(struct tempstore *t)
{
	struct store_options o = tempstore_options(t);

	must(store_open(&o, &t->store));
}

static void open_relay(struct relay *r, const struct buf *data)
{
	shelf_index_close(r->index);
	r->index = NULL;
	store_close(r->temp->store);
	r->temp->store = NULL;
	if (data)
		write_data(r->temp, data);
	open_store(r->temp);
	must(shelf_index_open(r->temp->store, &r->index));
	r->expiry = (struct feed_expiry){0};
}

/* TRACE=1: what happened, for whoever looks into one seed. */
[[gnu::format(printf, 1, 2)]] static void trace(const char *fmt, ...)
{
	va_list args;

	if (!getenv("TRACE"))
		return;
	va_start(args, fmt);
	vprintf(fmt, args);
	va_end(args);
}

static void trace_page(const struct run *run, const struct client *c,
		       const struct client_page *p)
{
	trace("  client %d%s:%s%s%s%s forget", (int)(c - run->clients),
	      c->rights.nation ? " (nation)" : "", p->refused ? " refused" : "",
	      p->fresh ? " fresh" : "", p->more ? " more" : "",
	      p->unchanged ? " unchanged" : "");
	for (size_t i = 0; i < p->forget_count; i++)
		trace(" %u", p->forget[i]);
	trace(" rows");
	for (size_t i = 0; i < p->rows_count; i++) {
		trace(" %02x:", p->rows[i].id.at[15]);
		for (size_t h = 0; h < p->rows[i].heads_count; h++)
			trace("%02x@%u ", p->rows[i].heads[h].digest.at[31],
			      p->rows[i].heads[h].shelf);
	}
	trace(" S %llu C %llu T %llu b %u/%llu U %llu loss %llu N %u\n",
	      (unsigned long long)p->plain.seq.n,
	      (unsigned long long)p->plain.complete,
	      (unsigned long long)p->plain.target, p->plain.fill_shelf,
	      (unsigned long long)p->plain.fill_seq.n,
	      (unsigned long long)p->plain.fill_end.n,
	      (unsigned long long)p->plain.loss, p->plain.shelves);
}

static void trace_truth(const struct run *run, const struct client *c)
{
	const struct papers *papers = &run->relay.papers;

	trace("holds");
	for (size_t i = 0; i < c->hold_count; i++)
		trace(" %02x:%02x@%u", c->hold[i].id.at[15],
		      c->hold[i].digest.at[31], c->hold[i].shelf);
	trace("\nought to hold");
	for (int i = 0; i < PAPERS; i++)
		for (unsigned n = 0; n < papers->paper[i].revisions_count; n++)
			if (papers_see(papers, &papers->paper[i],
				       &papers->paper[i].revisions[n],
				       &c->rights))
				trace(" %02x:%02x", papers->paper[i].id.at[15],
				      papers->paper[i]
					      .revisions[n]
					      .digest.at[31]);
	trace("\n");
}

/* ---- clients ---- */

static struct rights draw_rights(struct run *run, bool nation)
{
	return (struct rights){
		.nation = nation,
		.policy = run->relay.policy,
		.clearance = chance_below(&run->chance, BOOK_CLEARANCES),
		.spaces = chance_below(&run->chance, BOOK_SPACE_SETS),
	};
}

static void begin_clients(struct run *run)
{
	/* The last one is a nation, and so is one in three of those alone. */
	run->client_count = run->narrow ? 1 : CLIENTS;
	for (unsigned i = 0; i < run->client_count; i++) {
		struct client *c = &run->clients[i];
		struct key_id device = {{(uint8_t)(i + 1)}};
		bool nation = run->narrow ? chance_percent(&run->chance, 33)
					  : i == CLIENTS - 1;

		c->rights = draw_rights(run, nation);
		c->name = nation ? reader_nation((struct nation){{"FRA"}})
				 : reader_device(device);
	}
}

static struct client *some_client(struct run *run)
{
	return &run->clients[chance_below(&run->chance, run->client_count)];
}

static void unsettle(struct run *run)
{
	for (unsigned i = 0; i < run->client_count; i++)
		run->clients[i].steady = false;
}

/* What must be so of a page that followed the newest cursor. */
static void check_page(struct run *run, struct client *c,
		       const struct client_page *page, bool kept_before)
{
	struct relay *r = &run->relay;

	if (page->fresh)
		for (size_t i = 0; i < page->rows_count; i++)
			relay_check(r, page->rows[i].heads_count > 0,
				    "a fresh start told of what is gone");
	relay_check(r,
		    !page->fills ||
			    page->plain.fill_seq.n <= page->plain.fill_end.n,
		    "a fill beyond its end");
	if (kept_before && c->steady && c->whole)
		relay_check(r, !page->fills && page->forget_count == 0,
			    "a fill or a loss without a cause");
}

/* After a page was taken. */
static void check_client(struct run *run, struct client *c)
{
	struct relay *r = &run->relay;

	if (!c->unsure)
		relay_check(r, client_is_known(c, r),
			    "held, and the ledger does not know");
	if (c->whole && !c->rights.nation)
		relay_check(r, client_is_true(c, r),
			    "a whole sync, and not what the model gives");
}

static void confirm(struct run *run, struct client *c)
{
	if (!c->cursor_count)
		return;
	client_confirm(c, &run->relay);
	if (!c->unsure)
		relay_check(&run->relay, client_is_known(c, &run->relay),
			    "held, and the ledger does not know");
}

static bool take(struct run *run, struct client *c,
		 const struct client_page *page, bool newest, bool keep)
{
	if (page->refused) { /* afresh, next time */
		c->cursor_count = 0;
		c->steady = c->whole = false;
		return true;
	}
	check_page(run, c, page, newest);
	client_take(c, &run->relay, page, keep);
	c->steady = newest && keep;
	if (keep)
		check_client(run, c);
	return !run->relay.wrong;
}

static void sync_some(struct run *run)
{
	struct client *c = some_client(run);
	struct chance *chance = &run->chance;
	unsigned rows = 1 + chance_below(chance, 3), room = rows;
	const struct kept_cursor *since = NULL;
	struct kept_cursor used;
	bool newest = chance_percent(chance, 80), lost, half, cut;
	struct client_page *page = &run->page;

	if (chance_percent(chance, 20))
		room = 1 + chance_below(chance, 2);
	if (c->cursor_count && !chance_percent(chance, 4)) {
		unsigned back = newest || c->cursor_count < 2 ? 0 : 1;

		used = c->cursors[back];
		since = &used;
		newest = back == 0;
	}
	lost = chance_percent(chance, 30);
	half = lost && chance_percent(chance, 50);
	cut = chance_percent(chance, 5);
	if (!client_ask(c, &run->relay, since, rows, room,
			cut ? CLIENT_ASK_CUT : CLIENT_ASK, page))
		return;
	trace_page(run, c, page);
	if (page->refused && cut) {
		/* No answer came. */
	} else if (!lost) {
		take(run, c, page, newest && since, true);
		/* Keys are asked for after a page, and carry the cursor. */
		if (c->cursor_count && chance_percent(chance, 20))
			confirm(run, c);
	} else {
		c->steady = false;
		if (half && !page->refused)
			take(run, c, page, false, false);
	}
	if (cut) {
		open_relay(&run->relay, NULL);
		c->steady = false;
	}
}

static void ask_twice(struct run *run)
{
	struct client *c = some_client(run);
	struct rights then = draw_rights(run, c->rights.nation);

	if (!c->cursor_count)
		return;
	c->steady = false;
	if (!client_ask_twice(c, &run->relay, &then, &run->page, &run->other))
		return;
	trace_page(run, c, &run->other);
	trace_page(run, c, &run->page);
	/* The first answer arrives late: true of the rights before. */
	if (!run->other.refused && chance_percent(&run->chance, 50))
		client_take(c, &run->relay, &run->other, false);
	if (!run->page.refused)
		client_take(c, &run->relay, &run->page, true);
	c->steady = c->whole = false;
	if (!c->unsure)
		relay_check(&run->relay, client_is_known(c, &run->relay),
			    "held, and the ledger does not know");
}

/* A cursor of somebody else is none. */
static void borrow_cursor(struct run *run)
{
	unsigned a = chance_below(&run->chance, CLIENTS);
	struct client *from = &run->clients[a];
	struct client *to = &run->clients[(a + 1) % CLIENTS];
	struct cursor cursor;
	struct relay *r = &run->relay;
	struct err e;

	if (!from->cursor_count)
		return;
	e = cursor_open(r->temp->ring, &to->name,
			store_header(r->temp->store)->incarnation,
			span_str(from->cursors[0].text), &cursor);
	relay_check(r, failed(e), "the cursor of another reader was taken");
}

/* ---- the relay ---- */

static void change_rights(struct run *run, unsigned what)
{
	struct client *c = some_client(run);
	struct rights next = draw_rights(run, c->rights.nation);

	if (what < 20) {
		run->relay.policy = chance_below(&run->chance, BOOK_POLICIES);
		for (unsigned i = 0; i < run->client_count; i++)
			run->clients[i].rights.policy = run->relay.policy;
		unsettle(run);
		return;
	}
	if (what < 75)
		next.spaces = c->rights.spaces;
	else
		next.clearance = c->rights.clearance;
	c->rights = next;
	c->steady = false;
}

static void sign(struct run *run)
{
	struct txn *txn = NULL;

	must(txn_begin_read(run->relay.temp->store, STORE_RECORDS, &txn));
	must(shelf_sequence(txn, &run->relay.signed_upto));
	txn_abort(&txn);
}

static void expire(struct run *run)
{
	struct relay *r = &run->relay;
	struct txn *txn = NULL;

	sign(run); /* what is 400 days old is signed */
	must(txn_begin_write(r->temp->store, STORE_RECORDS, &txn));
	must(feed_expire(txn, r->index, 2000,
			 1 + chance_below(&run->chance, 20), &r->expiry));
	must(txn_commit(&txn));
	unsettle(run);
}

static void back_up(struct run *run)
{
	read_data(run->relay.temp, &run->backup);
	run->then = run->relay.papers;
	run->backed_up = true;
}

/* The backup comes back, as another incarnation. */
static void restore(struct run *run)
{
	struct relay *r = &run->relay;
	uint64_t names = r->papers.names;
	struct replica replica = store_header(r->temp->store)->replica;

	if (!run->backed_up)
		return;
	open_relay(r, &run->backup);
	replica.number++;
	must(store_promote(r->temp->store, replica));
	r->papers = run->then;
	r->papers.names = names;
	r->stores++;
	sign(run);
	for (unsigned i = 0; i < run->client_count; i++) {
		run->clients[i].steady = run->clients[i].whole = false;
		run->clients[i].unsure = true;
		/* Views are of the store that was. */
		view_free(run->clients[i].view);
		run->clients[i].view = NULL;
	}
}

static void write_some(struct run *run, bool cut)
{
	struct relay *r = &run->relay;
	struct err e = papers_write(&r->papers, r->temp->store, r->index, cut);

	relay_check(r, !failed(e), e.detail ? e.detail : "a write failed");
}

static void step_narrow(struct run *run)
{
	unsigned e = chance_below(&run->chance, 1000);

	if (e < 20 && run->clients[0].cursor_count)
		confirm(run, &run->clients[0]);
	else if (e < 480)
		write_some(run, false);
	else if (e < 640)
		change_rights(run, 20 + chance_below(&run->chance, 60));
	else if (e < 950)
		sync_some(run);
	else if (e < 970)
		expire(run);
	else
		sign(run);
}

static void step(struct run *run)
{
	unsigned e = chance_below(&run->chance, 990);

	trace("step %u\n", e);
	if (e < 400)
		write_some(run, false);
	else if (e < 410)
		write_some(run, true);
	else if (e < 540)
		change_rights(run, chance_below(&run->chance, 100));
	else if (e < 850)
		sync_some(run);
	else if (e < 880)
		ask_twice(run);
	else if (e < 900)
		open_relay(&run->relay, NULL);
	else if (e < 930)
		expire(run);
	else if (e < 960)
		sign(run);
	else if (e < 970)
		back_up(run);
	else if (e < 980)
		restore(run);
	else if (e < 985)
		borrow_cursor(run);
	else {
		must(ring_key_rotate(run->relay.temp->ring, RING_CURSOR));
		run->relay.keys++;
	}
}

/* ---- the end ---- */

static void settle(struct run *run, struct client *c)
{
	unsigned rows = 1 + chance_below(&run->chance, 3);
	struct relay *r = &run->relay;
	bool more = true;

	for (int i = 0; more && i < SETTLE_MAX && !r->wrong; i++) {
		struct kept_cursor used = c->cursors[0];
		const struct kept_cursor *since =
			c->cursor_count ? &used : NULL;

		if (!client_ask(c, r, since, rows, 3, CLIENT_ASK, &run->page))
			return;
		more = run->page.refused || run->page.more;
		trace_page(run, c, &run->page);
		take(run, c, &run->page, since != NULL, true);
	}
	trace_truth(run, c);
	relay_check(r, !more, "a sync without an end");
	relay_check(r, client_is_true(c, r),
		    "at the end, and not what the model gives");
}

/* With nothing new, and with news that it does not see, it is told nothing
 * and its cursor is the same. */
static void rest(struct run *run, struct client *c)
{
	struct relay *r = &run->relay;

	for (int i = 0; i < 3 && !r->wrong; i++) {
		struct kept_cursor used = c->cursors[0];
		struct client before = *c;

		if (!client_ask(c, r, &used, 3, 3, CLIENT_ASK, &run->page))
			return;
		trace_page(run, c, &run->page);
		relay_check(r,
			    run->page.unchanged && run->page.rows_count == 0 &&
				    strcmp(used.text, run->page.next.text) == 0,
			    "told again what it knows");
		before.view = c->view;
		*c = before;
		write_some(run, false);
		sign(run);
		if (!papers_hidden(&r->papers, &r->papers.paper[r->papers.last],
				   &c->rights))
			return;
	}
}

static void end(struct run *run)
{
	struct relay *r = &run->relay;

	sign(run);
	for (unsigned i = 0; i < run->client_count && !r->wrong; i++) {
		settle(run, &run->clients[i]);
		rest(run, &run->clients[i]);
	}
	relay_check(r, papers_rows_agree(&r->papers, r->temp->store),
		    "a row that its document does not have");
}

struct histories *histories_new(void)
{
	struct histories *h = calloc(1, sizeof(*h));

	if (!h)
		abort();
	h->book = book_new();
	buf_init(&h->empty, STORE_BYTES_MAX);
	return h;
}

void histories_free(struct histories *h)
{
	if (!h)
		return;
	if (h->ran)
		tempstore_free(&h->temp);
	buf_clear(&h->empty);
	book_free(h->book);
	free(h);
}

static void new_folder(struct histories *h)
{
	if (h->ran++ % HISTORIES_OF_A_FOLDER)
		return;
	if (h->ran > 1)
		tempstore_free(&h->temp);
	tempstore_new(&h->temp, false);
	read_data(&h->temp, &h->empty);
}

const char *histories_run(struct histories *h, uint64_t seed)
{
	struct run *run = calloc(1, sizeof(*run));
	const char *wrong;
	unsigned steps;

	if (!run)
		abort();
	new_folder(h);
	run->chance.state = seed;
	run->narrow = seed % 2;
	run->relay.temp = &h->temp;
	run->relay.papers = (struct papers){.book = h->book,
					    .chance = &run->chance,
					    .plain = run->narrow};
	buf_init(&run->backup, STORE_BYTES_MAX);
	open_relay(&run->relay, &h->empty);
	begin_clients(run);
	steps = 5 + chance_below(&run->chance, 60);
	while (steps-- && !run->relay.wrong) {
		if (run->narrow)
			step_narrow(run);
		else
			step(run);
	}
	if (!run->relay.wrong)
		end(run);
	wrong = run->relay.wrong;
	for (unsigned i = 0; i < run->client_count; i++)
		view_free(run->clients[i].view);
	shelf_index_close(run->relay.index);
	buf_clear(&run->backup);
	free(run);
	return wrong;
}
