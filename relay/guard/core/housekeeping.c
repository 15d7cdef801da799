/* What the guard does by itself. */
#include <stdlib.h>

#include "proto/document/segment.h"
#include "relay/guard/core/housekeeping.h"
#include "relay/guard/core/pulls.h"
#include "relay/guard/core/ticking.h"
#include "storage/document_internal.h"
#include "storage/segment.h"
#include "storage/token.h"
#include "storage/upload.h"

enum {
	LEASE_S = 24 * 3600,
	GONE_S = FEED_GONE_DAYS * 24 * 3600,
	EXPIRE_BUDGET = 1000,
	COLLECT_BATCH = 64,
	TOKENS_ARENA_MAX = 16 << 20,
};

struct err housekeeping_purge(struct core *core)
{
	struct ring_mover mover = {document_move, NULL};
	unsigned destroyed = 0;

	return ring_purge(core->ring, core->store, &mover, &destroyed);
}

/* ---- segments that no head and no lease names ---- */

static bool table_named(const struct document *doc, struct digest table)
{
	for (size_t i = 0; doc && i < doc->heads_count; i++)
		if (digest_eq(doc->heads[i].table, table))
			return true;
	return false;
}

static struct err leased(struct txn *records, struct doc_id doc, uint64_t now,
			 bool *out)
{
	struct upload upload = {0};
	struct err e;

	*out = false;
	for (;;) {
		e = upload_next(records, &upload);
		if (failed(e))
			break;
		if (doc_id_eq(upload.doc, doc) && upload.time + LEASE_S > now) {
			*out = true;
			break;
		}
	}
	return e.code == ERR_NOT_FOUND ? ERR_NONE : e;
}

/* True if a table that stays lists the segment. */
static struct err segment_named(struct txn *segments,
				const struct document *doc, struct digest d,
				bool *out)
{
	struct err e = ERR_NONE;

	*out = false;
	for (size_t i = 0; doc && i < doc->heads_count && !*out; i++) {
		struct span table;

		e = segment_table_get(segments, doc->id, doc->heads[i].table,
				      &table);
		if (e.code == ERR_NOT_FOUND)
			continue;
		if (failed(e))
			return e;
		for (size_t n = 0; n < table.len / SEGMENT_ENTRY_LEN; n++)
			if (digest_eq(segment_table_at(table, n).digest, d))
				*out = true;
	}
	return ERR_NONE;
}

static struct err collect_document(struct core *core, struct doc_id id)
{
	struct txn *records = NULL, *segments = NULL;
	struct document *doc = NULL;
	struct digest at = {0};
	struct arena arena;
	bool busy = true, named;
	struct err e;

	arena_init(&arena, DOCUMENT_ARENA_MAX);
	e = txn_begin_reserve(core->store, STORE_SEGMENTS, &segments);
	if (!failed(e))
		e = txn_begin_read(core->store, STORE_RECORDS, &records);
	if (!failed(e))
		e = leased(records, id, core_now_s(core), &busy);
	if (failed(e) || busy)
		goto out;
	e = record_copy(records, id, &arena, &doc);
	while (!failed(e)) {
		e = segment_next(segments, id, &at);
		if (!failed(e))
			e = segment_named(segments, doc, at, &named);
		if (!failed(e) && !named)
			e = segment_del(segments, id, at);
	}
	at = (struct digest){0};
	if (e.code == ERR_NOT_FOUND)
		e = ERR_NONE;
	while (!failed(e)) {
		e = segment_table_next(segments, id, &at);
		if (!failed(e) && !table_named(doc, at))
			e = segment_table_del(segments, id, at);
	}
	if (e.code == ERR_NOT_FOUND)
		e = txn_commit(&segments);
out:
	txn_abort(&records);
	txn_abort(&segments);
	arena_clear(&arena);
	return e;
}

static struct err collect_due(struct core *core)
{
	struct err e = ERR_NONE;

	for (int i = 0; i < COLLECT_BATCH && !failed(e); i++) {
		struct doc_id doc;
		bool any = false;

		pthread_mutex_lock(&core->lock);
		if (core->garbage_count) {
			doc = core->garbage[--core->garbage_count];
			any = true;
		}
		pthread_mutex_unlock(&core->lock);
		if (!any)
			break;
		if (pulls_hold(core, doc)) { /* next time */
			core_garbage(core, doc);
			break;
		}
		e = collect_document(core, doc);
	}
	return e;
}

/* Every document that has segments: after a crash nobody knows which. */
static struct err collect_all(struct core *core)
{
	struct doc_id doc = {0};
	struct err e = ERR_NONE;

	while (!failed(e)) {
		struct txn *txn = NULL;

		e = txn_begin_read(core->store, STORE_SEGMENTS, &txn);
		if (!failed(e))
			e = segment_next_document(txn, &doc);
		txn_abort(&txn);
		if (!failed(e))
			e = collect_document(core, doc);
	}
	return e.code == ERR_NOT_FOUND ? ERR_NONE : e;
}

/* ---- leases, nonces, tokens, gone rows ---- */

static struct err drop_leases(struct core *core, struct batch *batch)
{
	struct upload upload = {0};
	struct err e = ERR_NONE;

	while (!failed(e)) {
		e = upload_next(batch->txn, &upload);
		if (failed(e) || upload.time + LEASE_S > batch->now_s)
			continue;
		core_garbage(core, upload.doc);
		e = upload_del(batch->txn, upload.id);
	}
	return e.code == ERR_NOT_FOUND ? ERR_NONE : e;
}

static struct err drop_nonces(struct batch *batch)
{
	uint64_t keep = batch->now_s / NONCE_SLOT_S - 2;
	struct txn_cursor *cursor = NULL;
	struct txn_row row;
	struct err e =
		txn_cursor_open(batch->txn, TABLE_NONCES, key_empty(), &cursor);

	while (!failed(e)) {
		struct span_reader r;

		e = txn_cursor_first(cursor, &row);
		if (failed(e))
			break;
		r = span_read(row.key);
		if (span_read_u64(&r) >= keep)
			break;
		e = txn_cursor_del(cursor);
	}
	txn_cursor_close(cursor);
	return e.code == ERR_NOT_FOUND ? ERR_NONE : e;
}

/* Tokens whose time is over, with their sealed secrets. */
static struct err drop_tokens(struct batch *batch)
{
	struct token token = {0};
	struct arena arena;
	struct err e = ERR_NONE;

	arena_init(&arena, TOKENS_ARENA_MAX);
	while (!failed(e)) {
		e = token_next(batch->txn, &arena, &token);
		if (!failed(e) && token.expires < batch->now_s)
			e = token_del(batch->txn, token.id);
	}
	arena_clear(&arena);
	return e.code == ERR_NOT_FOUND ? ERR_NONE : e;
}

static bool due(struct core *core)
{
	struct txn *txn = NULL;
	struct upload upload = {0};
	bool any = false;

	if (failed(txn_begin_read(core->store, STORE_RECORDS, &txn)))
		return false;
	while (!any && !failed(upload_next(txn, &upload)))
		any = upload.time + LEASE_S <= core_now_s(core);
	txn_abort(&txn);
	return any;
}

/* Rows that time removes; a commit only where there is something. */
static struct err expire(struct core *core)
{
	struct batch batch;
	uint64_t now = core_now_s(core);
	struct err e;

	/* Nonces and gone rows are looked at when something else is written
	 * or once an hour; leases when one is over. */
	if (!due(core) && now % 3600 >= 10)
		return ERR_NONE;
	e = batch_begin(core, true, 0, &batch);
	if (failed(e))
		return e;
	e = drop_leases(core, &batch);
	if (!failed(e))
		e = drop_nonces(&batch);
	if (!failed(e))
		e = drop_tokens(&batch);
	if (!failed(e) && now > GONE_S)
		e = feed_expire(batch.txn, core->shelves, now - GONE_S,
				EXPIRE_BUDGET, &core->expiry);
	if (failed(e)) {
		batch_abort(&batch);
		return e;
	}
	return batch_commit(&batch);
}

void core_tick(struct core *core)
{
	bool purge, refusals;
	struct err e = ERR_NONE;

	agreements_tick(core->agreements);
	pthread_mutex_lock(&core->lock);
	purge = core->purge_due;
	core->purge_due = false;
	refusals = core->refusal_count > 0;
	pthread_mutex_unlock(&core->lock);
	if (refusals)
		write_jobs(core, NULL, 0);
	e = ticking_make(core);
	if (!failed(e))
		e = pulls_withdraw(core);
	if (purge) {
		e = housekeeping_purge(core);
		if (failed(e)) { /* try again at the next tick */
			pthread_mutex_lock(&core->lock);
			core->purge_due = true;
			pthread_mutex_unlock(&core->lock);
		}
	}
	if (!failed(e))
		e = expire(core);
	if (!failed(e))
		e = collect_due(core);
	(void)e; /* what failed is due again */
}

struct err housekeeping_start(struct core *core)
{
	struct err e = housekeeping_purge(core);

	if (failed(e))
		return e;
	e = sealing_open(core);
	if (failed(e))
		return e;
	if (core_seal(core))
		write_jobs(core, NULL, 0);
	e = ring_reserve_slots(core->ring, core->store, CORE_SPARE_SLOTS);
	if (!failed(e))
		e = collect_all(core);
	(void)store_clear_readers(core->store).code;
	return e;
}
