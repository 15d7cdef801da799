/* GET /v1/changes: one page of what changed for the asker. */
#include <stdio.h>

#include "relay/guard/core/ops/ops.h"
#include "relay/guard/core/pulls.h"
#include "relay/guard/core/row.h"

struct changes_state {
	uint8_t ask[PAGE_ASK_LEN];
	struct span since;
	bool has_cursor;
	struct cursor cursor;
	struct feed_page page;
	struct changes_writer writer;
	struct row_shelves shelves;
	struct txn *txn;
};

struct sink {
	struct job *job;
	struct changes_state *state;
	const struct view *view;
};

static struct err take_row(void *self, const struct feed_row *row, bool *full)
{
	struct sink *sink = self;
	struct job *job = sink->job;
	struct changes_state *s = sink->state;
	struct changes_row out;
	struct arena arena;
	struct err e;

	*full = false;
	if (!row_may_pass(job, &row->read->doc))
		return ERR_NONE;
	arena_init(&arena, DOCUMENT_ARENA_MAX);
	e = row_make(job->core, s->txn, sink->view,
		     job->asker.kind == ASKER_NATION, row->read, &arena,
		     &s->shelves, &out);
	if (!failed(e))
		*full = !changes_page_row(&s->writer, &out);
	arena_clear(&arena);
	return e;
}

static struct err read_query(struct job *job, struct changes_state *s,
			     uint64_t *wait_s, uint64_t *limit)
{
	static const char *const names[] = {"since", "ask", "wait", "limit",
					    NULL};
	struct err e = http_query_only(&job->query, names);

	*wait_s = 0;
	*limit = FEED_ROWS_MAX;
	if (!failed(e))
		e = http_query_fixed(&job->query, "ask", s->ask, PAGE_ASK_LEN);
	if (!failed(e) && http_query_has(&job->query, "wait"))
		e = http_query_u64(&job->query, "wait", wait_s);
	if (!failed(e) && http_query_has(&job->query, "limit"))
		e = http_query_u64(&job->query, "limit", limit);
	if (!failed(e) && http_query_has(&job->query, "since"))
		e = http_query_string(&job->query, "since", &s->since);
	if (failed(e))
		return e;
	if (*wait_s > CHANGES_WAIT_MAX_S || *limit == 0 ||
	    *limit > FEED_ROWS_MAX)
		return err_make(ERR_USAGE, "wait is at most 55, limit from 1 "
					   "to 1000");
	s->has_cursor = s->since.len > 0;
	if (!s->has_cursor)
		return ERR_NONE;
	return cursor_open(job->core->ring, &job->asker.name,
			   store_header(job->core->store)->incarnation,
			   s->since, &s->cursor);
}

/* Nothing new: park until something is, or say so. */
static void nothing_new(struct job *job, uint64_t wait_s)
{
	uint64_t now = clock_ms(&job->core->clock);

	if (!job->wait_until_ms)
		job->wait_until_ms = now + wait_s * 1000;
	if (wait_s && now < job->wait_until_ms) {
		job->waits = true;
		return;
	}
	answer_json(job, 204);
}

static struct err page_end(struct job *job)
{
	struct changes_state *s = job->state;
	struct changes_page page = {.fresh = s->page.fresh,
				    .more = s->page.more};
	char cursor[CURSOR_TEXT_MAX];
	struct digest *forget =
		arena_array(&job->arena, shelf_set_size(&s->page.forget),
			    sizeof(*forget));
	struct err e = arena_check(&job->arena);

	if (!failed(e))
		e = cursor_seal(job->core->ring, &job->asker.name,
				&s->page.cursor, cursor);
	if (!failed(e))
		e = row_shelves_list(job->core, &s->shelves, &job->arena,
				     &page.shelves, &page.shelves_count);
	if (failed(e))
		return e;
	for (uint32_t n = shelf_set_next(&s->page.forget, 0); n;
	     n = shelf_set_next(&s->page.forget, n))
		forget[page.forget_count++] =
			shelf_get(job->core->shelves, n)->name;
	page.forget = forget;
	page.cursor = span_str(cursor);
	changes_page_end(&s->writer, &page);
	e = buf_check(&job->body);
	if (!failed(e))
		e = ops_page_sign(job, s->ask, s->since);
	if (!failed(e))
		answer_json(job, 200);
	return e;
}

static struct err read_page(struct job *job, struct view *view, uint64_t limit)
{
	struct changes_state *s = job->state;
	struct sink sink = {job, s, view};
	struct feed_sink feed_sink = {take_row, &sink};
	struct feed_request request = {
		.reader = job->asker.name,
		.view = view,
		.cursor = s->has_cursor ? &s->cursor : NULL,
		.rows = limit,
	};
	struct err e = ERR_NONE;

	if (job->asker.kind == ASKER_NATION) {
		/* A nation's feed ends where the signatures do. */
		request.has_upto = true;
		request.exclude = true;
		request.exclude_nation = job->asker.name.nation;
		e = group_last_signed(s->txn, &request.upto);
		if (s->has_cursor && !s->cursor.target)
			pulls_told(job->core, job->asker.name.nation,
				   s->cursor.seq);
	}
	changes_page_begin(&s->writer, &job->body);
	if (!failed(e))
		e = feed_page(s->txn, job->core->shelves, &request, &feed_sink,
			      &s->page);
	return e;
}

static struct err changes_check(struct job *job)
{
	struct changes_state *s = job_state(job, sizeof(*s));
	struct view *view = NULL;
	uint64_t wait_s, limit;
	struct err e = arena_check(&job->arena);

	if (!failed(e))
		e = read_query(job, s, &wait_s, &limit);
	if (!failed(e))
		e = txn_begin_read(job->core->store, STORE_RECORDS, &s->txn);
	if (!failed(e))
		e = policing_view(job->policing, job->reader, s->txn, &view);
	if (!failed(e))
		e = read_page(job, view, limit);
	view_free(view);
	if (s)
		txn_abort(&s->txn);
	if (failed(e))
		return e;
	if (s->page.unchanged) {
		buf_reset(&job->body);
		nothing_new(job, wait_s);
		return ERR_NONE;
	}
	if (s->page.change.needed) {
		job->writes = true;
		return ERR_NONE;
	}
	return page_end(job);
}

/* What the reader loses stands in the ledger before the answer says so. */
static struct err changes_confirm(struct job *job, struct batch *batch)
{
	struct changes_state *s = job->state;
	struct err e =
		ledger_apply(batch->txn, &s->page.change, &s->page.cursor);

	/* The ledger has moved: read the page again. */
	job->stale = e.code == ERR_CONFLICT;
	return job->stale ? ERR_NONE : e;
}

static struct err changes_apply(struct job *job, struct batch *batch)
{
	struct changes_state *s = job->state;

	/* Losses are on the record; the first view of a reader is not. */
	if (shelf_set_empty(&s->page.change.lost))
		return ERR_NONE;
	snprintf(job->detail, sizeof(job->detail), "shelves lost: %zu",
		 shelf_set_size(&s->page.change.lost));
	return job_audit(job, batch, NULL, 0);
}

static void changes_clear(struct job *job)
{
	struct changes_state *s = job->state;

	txn_abort(&s->txn);
	feed_page_clear(&s->page);
	row_shelves_clear(&s->shelves);
}

const struct operation op_changes = {
	.name = "changes",
	.method = "GET",
	.path = "/v1/changes",
	.listeners = 1u << CORE_DEVICE | 1u << CORE_PEER,
	.askers = ASKER_DEVICE | ASKER_NATION,
	.beyond_quota = true,
	.check = changes_check,
	.confirm = changes_confirm,
	.apply = changes_apply,
	.finish = page_end,
	.clear = changes_clear,
};
