/*
 * The feed of a million documents on 200 shelves: the first sync of a reader
 * who may see two of them, beside a raw merge of LMDB over the same rows; and
 * ten visible changes behind as many invisible ones.
 */
#include "proto/exchange/changes.h"
#include "relay/guard/core/state.h"
#include "tests/bench/bench.h"
#include "tests/bench/bench_readers.h"
#include "tests/bench/figure.h"
#include "tests/bench/raw_merge.h"
#include "tests/bench/stock.h"

#include <stdio.h>
#include <stdlib.h>

enum {
	DOCUMENTS = 1000000,
	VISIBLE_SHELVES = 2,
	NEW_VISIBLE = 10,
	TIMES = 7,
	NEXT_TIMES = 201,
};

static const char carol[] = "the certificate of carol";

struct cursor_text {
	char at[CHANGES_CURSOR_MAX + 1];
};

static size_t wanted_documents(void)
{
	const char *text = getenv("DOCUMENTS");
	long n = text ? atol(text) : 0;

	return n >= 1000 ? (size_t)n : DOCUMENTS;
}

/* One page over the core; false when nothing more is there. */
static bool page(struct core *core, struct span certificate,
		 struct cursor_text *since, size_t *rows, size_t *bytes,
		 struct figure_cost *took)
{
	char target[CHANGES_CURSOR_MAX + 128];
	struct core_request request = {
		.listener = CORE_DEVICE,
		.certificate = certificate,
		.method = span_str("GET"),
		.authority = span_str("GBR.device:443"),
		.target = span_of(target, 0),
	};
	struct changes_page out;
	struct arena arena;
	struct figure_cost began;
	struct job *job;
	bool more;

	request.target.len = (size_t)
		snprintf(target, sizeof(target),
			 "/v1/changes?ask=AAAAAAAAAAAAAAAAAAAAAA&since=%s",
			 since->at);
	began = figure_cost_begin();
	world_must(core_job_new(core, &request, &job));
	if (core_check(job) == CORE_NEXT_WRITE)
		core_write(core, &job, 1);
	figure_cost_add(took, began);
	place_expect(job, 200);
	arena_init(&arena, CHANGES_ARENA_MAX);
	world_must(changes_page_decode(core_answer(job)->body, &arena, &out));
	*rows += out.rows_count;
	*bytes += core_answer(job)->body.len;
	more = out.more;
	snprintf(since->at, sizeof(since->at), "%.*s", (int)out.cursor.len,
		 (const char *)out.cursor.at);
	arena_clear(&arena);
	job_free(job);
	return more;
}

struct sync {
	size_t rows, bytes;
	struct figure_cost first, again;
};

/* All pages from `since` on, several times; `last` is the cursor after. */
static struct sync sync_all(struct core *core, struct span certificate,
			    const struct cursor_text *since, size_t times,
			    struct cursor_text *last)
{
	struct figure_cost took[NEXT_TIMES] = {0};
	struct sync out = {0};

	for (size_t i = 0; i <= times; i++) {
		struct figure_cost *sum = i ? &took[i - 1] : &out.first;

		out.rows = out.bytes = 0;
		*last = *since;
		while (page(core, certificate, last, &out.rows, &out.bytes,
			    sum))
			;
	}
	out.again = figure_cost_median(took, times);
	return out;
}

/* ---- the feed alone: rows found, their MACs checked, records decoded ---- */

struct counted {
	size_t rows, bytes;
};

static struct err count_row(void *self, const struct feed_row *row, bool *full)
{
	struct counted *c = self;

	*full = false;
	c->rows++;
	return ERR_NONE;
}

/* One page of storage after `*at` (incarnation 0: none). */
static bool feed_once(struct core *core, const struct reader_name *name,
		      struct view *view, struct txn *txn, struct cursor *at,
		      struct counted *c)
{
	struct feed_sink sink = {count_row, c};
	struct feed_request request = {.reader = *name,
				       .view = view,
				       .cursor = at->incarnation ? at : NULL};
	struct feed_page out;
	bool more;

	world_must(feed_page(txn, core->shelves, &request, &sink, &out));
	*at = out.cursor;
	more = out.more;
	feed_page_clear(&out);
	return more;
}

/* The reader's view in a transaction of its own. */
struct looking {
	struct job *job;
	struct reader_name name;
	struct txn *txn;
	struct view *view;
};

static void look(struct core *core, struct span certificate,
		 struct looking *out)
{
	struct core_request request = {
		.listener = CORE_DEVICE,
		.certificate = certificate,
		.method = span_str("GET"),
		.authority = span_str("GBR.device:443"),
		.target = span_str("/v1/me"),
	};

	*out = (struct looking){0};
	world_must(core_job_new(core, &request, &out->job));
	if (core_check(out->job) != CORE_NEXT_ANSWER)
		abort();
	out->name = out->job->asker.name;
	world_must(txn_begin_read(core->store, STORE_RECORDS, &out->txn));
	world_must(policing_view(out->job->policing, out->job->reader, out->txn,
				 &out->view));
}

static void look_away(struct looking *l)
{
	view_free(l->view);
	txn_abort(&l->txn);
	job_free(l->job);
}

/* All rows, without an answer being made of them: with the store just opened,
 * and again. */
static void feed_alone(struct place *p, struct span certificate, size_t want,
		       struct figure_cost out[2])
{
	struct figure_cost took[2][TIMES] = {0};

	for (size_t i = 0; i < 2 * (size_t)TIMES; i++) {
		struct figure_cost began;
		struct counted c = {0};
		struct cursor at = {0};
		struct looking l;

		if (i % 2 == 0) {
			world_close(&p->w, p->relay);
			world_open(&p->w, p->relay);
		}
		look(p->relay->core, certificate, &l);
		began = figure_cost_begin();
		while (feed_once(p->relay->core, &l.name, l.view, l.txn, &at,
				 &c))
			;
		figure_cost_add(&took[i % 2][i / 2], began);
		look_away(&l);
		if (c.rows == want)
			continue;
		fprintf(stderr, "bench: %zu rows instead of %zu\n", c.rows,
			want);
		exit(EXIT_FAILURE);
	}
	out[0] = figure_cost_median(took[0], TIMES);
	out[1] = figure_cost_median(took[1], TIMES);
}

/* Cursor steps and reads of the page after `since`. */
static struct txn_steps steps(struct core *core, struct span certificate,
			      const struct cursor_text *since)
{
	struct counted c = {0};
	struct cursor at = {0};
	struct txn_steps did;
	struct looking l;

	look(core, certificate, &l);
	if (since->at[0])
		world_must(cursor_open(core->ring, &l.name,
				       store_header(core->store)->incarnation,
				       span_str(since->at), &at));
	did = txn_steps(l.txn);
	feed_once(core, &l.name, l.view, l.txn, &at, &c);
	did.steps = txn_steps(l.txn).steps - did.steps;
	did.reads = txn_steps(l.txn).reads - did.reads;
	look_away(&l);
	return did;
}

/* ---- the figures ---- */

static void add_carol(struct place *p)
{
	char space[STOCK_NAME_MAX];
	const char *const spaces[] = {space};
	struct batch batch;
	struct buf clearance;

	stock_space(0, space);
	world_file("docs/policy/clearances/gbr-restricted.xml", &clearance);
	world_subject(&p->w, p->relay, "carol", buf_span(&clearance), 0, spaces,
		      1);
	buf_clear(&clearance);
	world_must(batch_begin(p->relay->core, true, 0, &batch));
	stock_device(p, batch.txn, span_str(carol), "carol");
	world_must(batch_commit(&batch));
}

/* LMDB alone, in the store's own file, which is closed meanwhile. */
static struct raw_merge raw(struct place *p, struct span certificate)
{
	uint32_t shelves[STOCK_SHELVES];
	struct raw_merge out;
	struct looking l;
	char path[256];
	size_t n = 0;

	look(p->relay->core, certificate, &l);
	for (uint32_t s = 0; (s = view_next(l.view, s)) && n < STOCK_SHELVES;)
		shelves[n++] = s;
	look_away(&l);
	world_close(&p->w, p->relay);
	snprintf(path, sizeof(path), "%s/store/records", p->relay->folder);
	out = raw_merge_run(path, shelves, n);
	world_open(&p->w, p->relay);
	return out;
}

static void show(const char *what, double rows, struct figure_cost took,
		 struct figure_cost limit)
{
	char name[96];

	snprintf(name, sizeof(name), "feed.first.%s/raw merge", what);
	figure_put(name, rows / took.wall, "rows/s", rows / limit.wall);
	snprintf(name, sizeof(name), "feed.first.%s.cpu/raw merge", what);
	figure_put(name, took.cpu / rows * 1e6, "us/row",
		   limit.cpu / rows * 1e6);
}

/* With the store just opened, so that no page of it is mapped, and again. */
static struct sync sync_opened(struct place *p, struct cursor_text *last)
{
	struct figure_cost first[TIMES] = {0}, again[TIMES] = {0};
	struct cursor_text none = {0};
	struct sync out = {0};

	/* Once for the ledger: a first answer is written down. */
	sync_all(p->relay->core, span_str(carol), &none, 1, last);
	for (size_t i = 0; i < TIMES; i++) {
		world_close(&p->w, p->relay);
		world_open(&p->w, p->relay);
		out = sync_all(p->relay->core, span_str(carol), &none, 1, last);
		first[i] = out.first;
		again[i] = out.again;
	}
	out.first = figure_cost_median(first, TIMES);
	out.again = figure_cost_median(again, TIMES);
	return out;
}

static void first_sync(struct place *p, struct cursor_text *last)
{
	struct raw_merge alone = raw(p, span_str(carol));
	struct sync sync = sync_opened(p, last);
	struct figure_cost storage[2];
	double n = (double)sync.rows;

	if (sync.rows != alone.rows) {
		fprintf(stderr, "bench: %zu rows, the raw merge %zu\n",
			sync.rows, alone.rows);
		exit(EXIT_FAILURE);
	}
	feed_alone(p, span_str(carol), sync.rows, storage);
	figure_say("first sync of %zu rows, %zu bytes on the wire, %zu in the "
		   "store",
		   sync.rows, sync.bytes, alone.bytes);
	show("pages", n, sync.first, alone.first);
	show("storage", n, storage[0], alone.first);
	show("pages.again", n, sync.again, alone.again);
	show("storage.again", n, storage[1], alone.again);
}

static void ten_new(struct place *p, struct stock *s, size_t invisible,
		    const struct cursor_text *since, struct cursor_text *last,
		    struct sync *out, struct txn_steps *did)
{
	struct core *core = p->relay->core;

	if (invisible)
		stock_add(s, invisible, VISIBLE_SHELVES, STOCK_SHELVES);
	stock_add(s, NEW_VISIBLE, 0, VISIBLE_SHELVES);
	*did = steps(core, span_str(carol), since);
	*out = sync_all(core, span_str(carol), since, NEXT_TIMES - 1, last);
	if (out->rows != NEW_VISIBLE) {
		fprintf(stderr, "bench: %zu new rows\n", out->rows);
		exit(EXIT_FAILURE);
	}
}

void bench_feed(const char *folder)
{
	size_t documents = wanted_documents();
	struct cursor_text a, b, c;
	struct txn_steps few, many;
	struct sync alone, behind;
	struct stock *stock;
	struct place p;
	double began = figure_wall();

	place_new(&p, folder, "feed");
	stock = stock_new(&p);
	stock_add(stock, documents, 0, STOCK_SHELVES);
	add_carol(&p);
	stock_free(stock);
	figure_say("%zu documents on %d shelves made in %.0f s", documents,
		   STOCK_SHELVES, figure_wall() - began);

	first_sync(&p, &a);
	stock = stock_new(&p); /* the store was opened anew */
	ten_new(&p, stock, 0, &a, &b, &alone, &few);
	ten_new(&p, stock, documents, &b, &c, &behind, &many);
	figure_put("feed.ten-new.after-invisible/after-none",
		   behind.again.wall * 1e3, "ms", alone.again.wall * 1e3);
	figure_put("feed.ten-new.cpu.after-invisible/after-none",
		   behind.again.cpu * 1e3, "ms", alone.again.cpu * 1e3);
	figure_put("feed.ten-new.steps.after-invisible/after-none",
		   (double)many.steps, "steps", (double)few.steps);
	figure_put("feed.ten-new.reads.after-invisible/after-none",
		   (double)many.reads, "reads", (double)few.reads);
	stock_free(stock);
	bench_readers(&p);
	place_free(&p);
}
