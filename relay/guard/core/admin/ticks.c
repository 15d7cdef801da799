/* Ticks: ours, the peers', who countersigned, and the evidence against any. */
#include "relay/guard/core/admin/admin.h"
#include "relay/guard/core/pulls.h"
#include "relay/guard/core/ticking.h"

static void put_witnesses(const struct tick_row *row, struct json_writer *w)
{
	struct witness seen;

	json_put_name(w, "witnesses");
	json_open_array(w);
	for (size_t i = 0; i < row->witness_count; i++) {
		if (failed(witness_decode(row->witnesses[i], &seen)))
			continue;
		json_open_object(w);
		json_member_replica(w, "by", seen.by);
		json_member_u64(w, "time", seen.time);
		json_close_object(w);
	}
	json_close_array(w);
}

static struct err count_evidence(struct job *job, struct txn *txn,
				 struct replica of, uint64_t *count)
{
	struct tick_row *row = arena_alloc(&job->arena, sizeof(*row));
	struct digest name = {0};
	struct arena arena;
	struct err e = arena_check(&job->arena);

	if (!failed(e))
		*row = (struct tick_row){0};
	*count = 0;
	while (!failed(e)) {
		arena_init(&arena, TICK_STORE_BLOB_MAX * 2);
		e = tick_break_next(txn, of, &arena, &name, row);
		*count += !failed(e);
		arena_clear(&arena);
	}
	return e.code == ERR_NOT_FOUND ? ERR_NONE : e;
}

/* The newest tick with a countersignature says more than the newest: nobody
 * can have seen that one yet. */
static struct err put_witnessed(struct job *job, struct txn *txn,
				struct replica of, struct json_writer *w)
{
	struct tick_row *row = arena_alloc(&job->arena, sizeof(*row));
	struct err e = arena_check(&job->arena);

	if (!failed(e))
		e = tick_last(txn, of, &job->arena, row);
	for (int i = 0; !failed(e) && !row->witness_count && i < 8; i++)
		e = tick_before(txn, of, row->minute, &job->arena, row);
	if (failed(e) || !row->witness_count)
		return e.code == ERR_NOT_FOUND ? ERR_NONE : e;
	json_member_u64(w, "witnessed", row->minute * 60);
	put_witnesses(row, w);
	return ERR_NONE;
}

static struct err put_chain(struct job *job, struct txn *txn, struct replica of,
			    enum ticks_fault fault, struct json_writer *w)
{
	struct tick_row *row = arena_alloc(&job->arena, sizeof(*row));
	uint64_t evidence = 0;
	struct err e = arena_check(&job->arena);

	if (!failed(e))
		e = tick_last(txn, of, &job->arena, row);
	if (failed(e) && e.code != ERR_NOT_FOUND)
		return e;
	json_open_object(w);
	json_member_replica(w, "of", of);
	json_member_str(w, "says", ticks_fault_name(fault));
	if (!failed(e)) {
		json_member_u64(w, "last", row->minute * 60);
		json_member_u64(w, "received", row->received);
	}
	e = count_evidence(job, txn, of, &evidence);
	json_member_u64(w, "evidence", evidence);
	if (!failed(e))
		e = put_witnessed(job, txn, of, w);
	json_close_object(w);
	return e;
}

static struct err ticks_check(struct job *job)
{
	struct core *core = job->core;
	struct json_writer w = json_write(&job->body);
	struct peer peer = {0};
	struct txn *txn = NULL;
	struct err e = txn_begin_read(core->store, STORE_RECORDS, &txn);

	if (failed(e))
		return e;
	json_open_object(&w);
	json_member_bool(&w, "put_back", atomic_load(&core->put_back));
	json_put_name(&w, "ticks");
	json_open_array(&w);
	e = put_chain(job, txn, core->replica, TICKS_SOUND, &w);
	while (!failed(e)) {
		e = peer_next(txn, &job->arena, &peer);
		if (!failed(e))
			e = put_chain(job, txn, peer.replica,
				      pulls_ticks_fault(core, peer.nation), &w);
	}
	json_close_array(&w);
	json_close_object(&w);
	txn_abort(&txn);
	if (failed(e) && e.code != ERR_NOT_FOUND)
		return e;
	answer_json(job, 200);
	return buf_check(&job->body);
}

const struct operation admin_ticks = {
	.name = "admin.ticks",
	.method = "GET",
	.path = "/admin/v1/ticks",
	.listeners = 1u << CORE_ADMIN,
	.askers = ASKER_OFFICER,
	.roles = ADMIN_OPERATOR | ADMIN_SECURITY | ADMIN_AUDITOR,
	.check = ticks_check,
};

/* The n-th piece of evidence against a replica, as it goes to others. */
static struct err evidence_check(struct job *job)
{
	struct tick_row *row = arena_alloc(&job->arena, sizeof(*row));
	static const char *const names[] = {"number", NULL};
	struct digest name = {0};
	struct txn *txn = NULL;
	struct replica of;
	uint64_t number = 1;
	struct err e = arena_check(&job->arena);

	if (!failed(e))
		e = http_query_only(&job->query, names);
	if (!failed(e) && http_query_has(&job->query, "number"))
		e = http_query_u64(&job->query, "number", &number);
	if (!failed(e))
		e = replica_parse(job->path.at[3], &of);
	if (!failed(e))
		e = txn_begin_read(job->core->store, STORE_RECORDS, &txn);
	if (failed(e))
		return e;
	*row = (struct tick_row){0};
	for (uint64_t i = 0; !failed(e) && i < number && i <= TICK_BREAKS_MAX;
	     i++)
		e = tick_break_next(txn, of, &job->arena, &name, row);
	if (!failed(e))
		buf_put(&job->body, row->blob);
	txn_abort(&txn);
	if (failed(e))
		return e;
	answer_json(job, 200);
	return buf_check(&job->body);
}

const struct operation admin_tick_evidence = {
	.name = "admin.tick.evidence",
	.method = "GET",
	.path = "/admin/v1/ticks/{}/evidence",
	.listeners = 1u << CORE_ADMIN,
	.askers = ASKER_OFFICER,
	.roles = ADMIN_OPERATOR | ADMIN_SECURITY | ADMIN_AUDITOR,
	.check = evidence_check,
};
