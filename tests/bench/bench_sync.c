/*
 * A reader who may see 200 of 20,000 documents: first sync; then ten new
 * visible changes, once alone and once with 10,000 new invisible ones before
 * them.  Each page is asked for many times; the median counts.
 */
#include "proto/base/base64.h"
#include "proto/exchange/changes.h"
#include "relay/guard/core/state.h"
#include "tests/bench/bench.h"
#include "tests/bench/figure.h"
#include "tests/bench/place.h"

#include <stdio.h>
#include <stdlib.h>

enum {
	DOCUMENTS = 20000,
	VISIBLE = DOCUMENTS / 100,
	NEW_VISIBLE = 10,
	NEW_INVISIBLE = 10000,
	CONTENT = 1024,
	FIRST_TIMES = 21,
	NEXT_TIMES = 201,
};

struct cursor_text {
	char at[CHANGES_CURSOR_MAX + 1];
};

/* Invisible documents lie on several shelves. */
static void fill_invisible(struct place *p, size_t count)
{
	struct span labels[] = {buf_span(&p->restricted), buf_span(&p->narrow)};
	const char *const spaces[] = {"GBR/ops", "GBR/log", "GBR/med"};

	for (size_t i = 0; i < 6; i++)
		place_fill(p, labels[i % 2], spaces[i % 3], CONTENT,
			   count / 6 + (i < count % 6));
}

/* What a page took: of the wall, and of the processor, which other work on
 * the machine disturbs less. */
struct cost {
	double wall, cpu;
};

/* One page; its rows are counted, its cursor becomes the next `since`. */
static bool page(struct place *p, struct cursor_text *since, size_t *rows,
		 struct cost *cost)
{
	double wall, cpu;
	char target[CHANGES_CURSOR_MAX + 128];
	struct changes_page out;
	struct arena arena;
	struct job *job;
	bool more;

	snprintf(target, sizeof(target),
		 "/v1/changes?ask=AAAAAAAAAAAAAAAAAAAAAA&since=%s", since->at);
	job = place_job(p, p->reader, "GET", target, NULL, 0, span_str(""));
	wall = figure_wall();
	cpu = figure_thread_cpu();
	if (core_check(job) == CORE_NEXT_WRITE)
		core_write(p->relay->core, &job, 1);
	cost->wall += figure_wall() - wall;
	cost->cpu += figure_thread_cpu() - cpu;
	place_expect(job, 200);
	arena_init(&arena, CHANGES_ARENA_MAX);
	world_must(changes_page_decode(core_answer(job)->body, &arena, &out));
	*rows += out.rows_count;
	more = out.more;
	snprintf(since->at, sizeof(since->at), "%.*s", (int)out.cursor.len,
		 (const char *)out.cursor.at);
	arena_clear(&arena);
	job_free(job);
	return more;
}

/* All pages from a cursor on; the first time apart, the ledger knows the
 * reader's view and nothing is written. */
static struct cost median(struct place *p, const struct cursor_text *since,
			  size_t want, size_t times, struct cursor_text *last)
{
	double wall[NEXT_TIMES], cpu[NEXT_TIMES];

	for (size_t i = 0; i < times; i++) {
		struct cost cost = {0};
		size_t rows = 0;

		*last = *since;
		while (page(p, last, &rows, &cost))
			;
		wall[i] = cost.wall;
		cpu[i] = cost.cpu;
		if (rows == want)
			continue;
		fprintf(stderr, "bench: %zu rows instead of %zu\n", rows, want);
		exit(EXIT_FAILURE);
	}
	return (struct cost){figure_quantile(wall, times, 0.5),
			     figure_quantile(cpu, times, 0.5)};
}

/* ---- rows that the feed comes to ---- */

static struct err count_row(void *self, const struct feed_row *row, bool *full)
{
	*full = false;
	return ERR_NONE;
}

/* Rows that cursors come to, and records read, for the page after `since`. */
static struct txn_steps steps(struct place *p, const struct cursor_text *since)
{
	struct core *core = p->relay->core;
	struct reader_name name = reader_device(crypto_public_id(
		crypto_key_public(engine_identity(p->reader->engine)->author)));
	struct feed_sink sink = {count_row, NULL};
	struct feed_request request = {.reader = name};
	struct feed_page out = {0};
	struct cursor cursor;
	struct view *view = NULL;
	struct txn *txn = NULL;
	struct txn_steps did;
	struct job *job;

	job = place_job(p, p->reader, "GET", "/v1/me", NULL, 0, span_str(""));
	if (core_check(job) != CORE_NEXT_ANSWER)
		abort();
	world_must(txn_begin_read(core->store, STORE_RECORDS, &txn));
	world_must(policing_view(job->policing, job->reader, txn, &view));
	request.view = view;
	if (since->at[0]) {
		world_must(cursor_open(core->ring, &name,
				       store_header(core->store)->incarnation,
				       span_str(since->at), &cursor));
		request.cursor = &cursor;
	}
	world_must(feed_page(txn, core->shelves, &request, &sink, &out));
	did = txn_steps(txn);
	feed_page_clear(&out);
	view_free(view);
	txn_abort(&txn);
	job_free(job);
	return did;
}

/* The same documents read by id, and nothing else: what any index must do. */
static double read_alone(struct place *p, size_t count)
{
	struct core *core = p->relay->core;
	static struct doc_id ids[VISIBLE];
	double took[FIRST_TIMES];
	struct txn_cursor *cursor = NULL;
	struct txn *txn = NULL;
	struct txn_row row;

	world_must(txn_begin_read(core->store, STORE_RECORDS, &txn));
	world_must(
		txn_cursor_open(txn, TABLE_FEED, key_feed_shelf(1), &cursor));
	for (size_t i = 0; i < count; i++) {
		world_must(txn_cursor_next(cursor, &row));
		memcpy(&ids[i], row.value.at, sizeof(ids[i]));
	}
	txn_cursor_close(cursor);
	for (size_t t = 0; t < FIRST_TIMES; t++) {
		double began = figure_wall();

		for (size_t i = 0; i < count; i++) {
			struct span value;

			world_must(txn_get(txn, TABLE_DOCUMENTS,
					   key_document(ids[i]), &value));
		}
		took[t] = figure_wall() - began;
	}
	txn_abort(&txn);
	return figure_quantile(took, FIRST_TIMES, 0.5);
}

void bench_sync(const char *folder)
{
	struct cursor_text none = {0}, a, b, c;
	struct txn_steps few, many, first;
	struct cost alone, cost;
	double took;
	struct place p;

	place_new(&p, folder, "sync");
	took = figure_wall();
	/* The first shelf made is the one that the reader sees. */
	place_fill(&p, buf_span(&p.open), "GBR/ops", CONTENT, VISIBLE / 2);
	fill_invisible(&p, DOCUMENTS - VISIBLE);
	place_fill(&p, buf_span(&p.open), "GBR/ops", CONTENT,
		   VISIBLE - VISIBLE / 2);
	figure_say("%d documents made and written in %.0f s", DOCUMENTS,
		   figure_wall() - took);

	first = steps(&p, &none);
	cost = median(&p, &none, VISIBLE, FIRST_TIMES, &a);
	figure_put("sync.first/reading the records", cost.wall * 1e3, "ms",
		   read_alone(&p, VISIBLE) * 1e3);
	figure_put("sync.first.feed-rows/visible", (double)first.steps, "rows",
		   VISIBLE);
	took = figure_wall();
	world_must(world_sync(&p.w, p.reader));
	figure_put("sync.first.whole-device", (figure_wall() - took) * 1e3,
		   "ms", 0);

	place_fill(&p, buf_span(&p.open), "GBR/ops", CONTENT, NEW_VISIBLE);
	few = steps(&p, &a);
	alone = median(&p, &a, NEW_VISIBLE, NEXT_TIMES, &b);
	figure_put("sync.ten-new.after-0", alone.wall * 1e3, "ms", 0);

	fill_invisible(&p, NEW_INVISIBLE);
	place_fill(&p, buf_span(&p.open), "GBR/ops", CONTENT, NEW_VISIBLE);
	many = steps(&p, &b);
	cost = median(&p, &b, NEW_VISIBLE, NEXT_TIMES, &c);
	figure_put("sync.ten-new.after-10000/after-0", cost.wall * 1e3, "ms",
		   alone.wall * 1e3);
	figure_put("sync.ten-new.cpu.after-10000/after-0", cost.cpu * 1e3, "ms",
		   alone.cpu * 1e3);
	figure_put("sync.ten-new.feed-rows.after-10000/after-0",
		   (double)many.steps, "rows", (double)few.steps);
	figure_put("sync.ten-new.reads.after-10000/after-0", (double)many.reads,
		   "reads", (double)few.reads);
	place_free(&p);
}
