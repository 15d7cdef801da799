/*
 * GET /v1/peer/ticks: our ticks after a minute, and what we saw of others';
 * POST /v1/peer/ticks: a peer's word on ours.
 */
#include "relay/guard/core/ops/ops.h"
#include "relay/guard/core/ticking.h"

static struct err newest(struct job *job, struct txn *txn, struct replica of,
			 struct span *out)
{
	struct tick_row *row = arena_alloc(&job->arena, sizeof(*row));
	struct err e = arena_check(&job->arena);

	if (!failed(e))
		e = tick_last(txn, of, &job->arena, row);
	if (!failed(e))
		*out = row->blob;
	return e.code == ERR_NOT_FOUND ? ERR_NONE : e;
}

static struct err put_ticks(struct job *job, struct txn *txn, uint64_t after,
			    struct ticks_answer *a)
{
	struct tick_row *row = arena_alloc(&job->arena, sizeof(*row));
	struct err e = arena_check(&job->arena);

	while (!failed(e)) {
		e = tick_next(txn, job->core->replica, after, &job->arena, row);
		if (failed(e))
			break;
		if (a->count == TICKS_PAGE) {
			a->more = true;
			break;
		}
		a->ticks[a->count++] = row->blob;
		after = row->minute;
	}
	return e.code == ERR_NOT_FOUND ? ERR_NONE : e;
}

static struct err put_others(struct job *job, struct txn *txn,
			     struct ticks_answer *a)
{
	struct peer peer = {0};
	struct err e = ERR_NONE;

	while (!failed(e) && a->other_count < TICKS_OTHERS) {
		struct span *at = &a->others[a->other_count];

		e = peer_next(txn, &job->arena, &peer);
		if (failed(e) || nation_eq(peer.nation, job->asker.peer.nation))
			continue;
		e = newest(job, txn, peer.replica, at);
		if (!failed(e) && at->len)
			a->other_count++;
	}
	return e.code == ERR_NOT_FOUND ? ERR_NONE : e;
}

static struct err ticks_check(struct job *job)
{
	static const char *const names[] = {"after", "ask", NULL};
	struct ticks_answer *a = job_state(job, sizeof(*a));
	bool has = http_query_has(&job->query, "after");
	char since[TICKS_MINUTE_TEXT] = "";
	uint8_t ask[PAGE_ASK_LEN];
	struct txn *txn = NULL;
	uint64_t after = 0;
	struct err e = arena_check(&job->arena);

	if (!failed(e))
		e = http_query_only(&job->query, names);
	if (!failed(e))
		e = http_query_fixed(&job->query, "ask", ask, sizeof(ask));
	if (!failed(e) && has)
		e = http_query_u64(&job->query, "after", &after);
	if (!failed(e))
		e = txn_begin_read(job->core->store, STORE_RECORDS, &txn);
	/* Whoever knows none of ours begins at the last. */
	if (!failed(e) && has) {
		ticks_minute_format(after, since);
		e = put_ticks(job, txn, after, a);
	}
	if (!failed(e))
		e = newest(job, txn, job->core->replica, &a->last);
	if (!failed(e))
		e = newest(job, txn, job->asker.peer.replica, &a->seen);
	if (!failed(e))
		e = put_others(job, txn, a);
	txn_abort(&txn);
	if (failed(e))
		return e;
	ticks_answer_encode(a, &job->body);
	e = buf_check(&job->body);
	if (!failed(e))
		e = ops_page_sign(job, ask, span_str(since));
	if (!failed(e))
		answer_json(job, 200);
	return e;
}

const struct operation op_peer_ticks = {
	.name = "peer.ticks",
	.method = "GET",
	.path = "/v1/peer/ticks",
	.held = true,
	.listeners = 1u << CORE_PEER,
	.askers = ASKER_NATION,
	.check = ticks_check,
};

/* ---- their word on ours ---- */

static struct err witness_check_request(struct job *job)
{
	struct ticks_witnesses *w = job_state(job, sizeof(*w));
	struct err e = arena_check(&job->arena);

	if (!failed(e))
		e = ticks_witnesses_decode(job->http.body, &job->arena, w);
	job->writes = !failed(e);
	return e;
}

/* Nothing is written before all of them are good: each replaces one row. */
static struct err witness_apply(struct job *job, struct batch *batch)
{
	const struct ticks_witnesses *w = job->state;
	struct err e = ERR_NONE;

	for (size_t i = 0; !failed(e) && i < w->count; i++) {
		e = ticks_witnessed(batch->txn, job->core->trust,
				    job->core->replica, job->asker.peer.nation,
				    w->blobs[i], &job->arena);
		/* A word that is none of ours is his matter; the batch is
		 * everybody's. */
		if (e.code != ERR_NO_MEMORY && e.code != ERR_IO &&
		    e.code != ERR_DISK_FULL && e.code != ERR_CORRUPT)
			e = ERR_NONE;
	}
	return e;
}

static struct err witness_finish(struct job *job)
{
	answer_json(job, 204);
	return ERR_NONE;
}

const struct operation op_peer_witness = {
	.name = "peer.witness",
	.method = "POST",
	.path = "/v1/peer/ticks",
	.held = true,
	.listeners = 1u << CORE_PEER,
	.askers = ASKER_NATION,
	.beyond_quota = true,
	.check = witness_check_request,
	.apply = witness_apply,
	.finish = witness_finish,
};
