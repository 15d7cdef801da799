/*
 * POST /v1/keys: content keys, wrapped for the asker.  The one place where a
 * key leaves.  The decision is made again from the signed manifest, not from
 * the index, and the record of it is durable before the answer goes.
 */
#include <stdio.h>

#include "proto/exchange/keys.h"
#include "relay/guard/core/ops/ops.h"
#include "relay/guard/core/row.h"

/* What was decided on, to be found unchanged before the answer leaves. */
struct given {
	struct digest head;
	uint32_t shelf;
	uint64_t slot;
	bool granted;
};

struct keys_state {
	struct keys_request request;
	struct audit_item *items; /* one for each want */
	struct given *given;	  /* the same */
	struct cursor cursor;
	bool has_cursor;
	struct keys_writer writer;
};

struct granting {
	struct job *job;
	struct keys_state *state;
	struct txn *txn;
	struct view *view;
	struct wrapped_sender *sender;
	uint64_t until;
};

/* May the asker have this head's key?  From the signed payload. */
static struct err decide_again(struct granting *g, const struct document *doc,
			       const struct document_head *head,
			       struct arena *arena)
{
	struct job *job = g->job;
	struct digest labels[DOCUMENT_STANDS_MAX];
	size_t count = document_labels(doc, head, labels);
	struct manifest manifest;
	struct verdict verdict;
	struct err e = manifest_decode_stored(head->payload, head->signature,
					      arena, &manifest);

	if (failed(e))
		return err_blame(e, ERR_CORRUPT, "documents: manifest");
	if (!digest_eq(manifest.digest, head->digest) ||
	    !digest_eq(manifest.label, head->label) ||
	    !span_eq(manifest.space, doc->opening.space))
		return err_make(ERR_CORRUPT,
				"documents: index and manifest differ");
	e = policing_decide(job->policing, g->txn,
			    policing_reader_bound(job->reader), manifest.space,
			    labels, count, doc->condition, &verdict);
	if (failed(e))
		return e;
	snprintf(job->rule, sizeof(job->rule), "%s", verdict.rule);
	if (!verdict.released)
		return err_make(ERR_NOT_RELEASABLE, "not released");
	return ERR_NONE;
}

/* The key of `want` among the visible heads, unwrapped. */
static struct err find_key(struct granting *g, const struct keys_want *want,
			   struct given *given, uint8_t key[CRYPTO_KEY_LEN])
{
	struct document_read *read;
	struct arena arena;
	struct err e;

	arena_init(&arena, DOCUMENT_ARENA_MAX + (256 << 10));
	read = arena_alloc(&arena, sizeof(*read));
	e = arena_check(&arena);
	if (!failed(e))
		e = document_read_for(g->txn, g->view, want->document, &arena,
				      read);
	if (!failed(e) && !row_may_pass(g->job, &read->doc))
		e = err_make(ERR_NOT_RELEASABLE, "no transit rule");
	if (failed(e))
		goto out;
	e = err_make(ERR_NOT_FOUND, "no visible head has this key");
	for (size_t h = 0; h < read->doc.heads_count; h++) {
		const struct document_head *head = &read->doc.heads[h];
		const struct document_key *k = NULL;

		for (size_t i = 0; read->visible[h] && i < head->keys_count;
		     i++)
			if (digest_eq(head->keys[i].commitment,
				      want->commitment) &&
			    head->keys[i].present)
				k = &head->keys[i];
		if (!k)
			continue;
		e = decide_again(g, &read->doc, head, &arena);
		if (!failed(e))
			e = ring_unwrap(g->job->core->ring, read->doc.slot,
					read->doc.id, k->commitment, k->wrapped,
					key);
		*given = (struct given){head->digest, head->shelf,
					read->doc.slot, !failed(e)};
		if (!failed(e) || err_is_ours(e))
			break;
	}
out:
	arena_clear(&arena);
	return e;
}

static struct err grant(struct granting *g, const struct keys_want *want,
			struct audit_item *item, struct given *given)
{
	struct job *job = g->job;
	uint8_t key[CRYPTO_KEY_LEN];
	struct wrapped wrapped;
	struct buf reference;
	struct err e;

	job->has_doc = true;
	job->doc = want->document;
	job->rule[0] = 0;
	e = find_key(g, want, given, key);
	if (!failed(e))
		e = wrapped_make(g->sender, want->document, want->commitment,
				 g->until, key, &wrapped);
	wipe(key, sizeof(key));
	item->doc = want->document;
	item->digest = want->commitment;
	item->outcome = e.code;
	item->rule = arena_copy(&job->arena, span_str(job->rule));
	if (!failed(e)) {
		keys_answer_key(&g->state->writer, want, &wrapped);
		return buf_check(&job->body);
	}
	/* A fault of ours is no refusal of this key. */
	if (err_is_ours(e))
		return e;
	buf_init(&reference, 512);
	if (!failed(answer_reference(job, e, &reference)))
		keys_answer_problem(&g->state->writer, want, e,
				    buf_span(&reference));
	buf_clear(&reference);
	return buf_check(&job->body);
}

/* Whom the keys are wrapped for. */
static struct err begin(struct granting *g)
{
	struct job *job = g->job;
	struct core *core = job->core;
	const struct replica_certificate *certificate;
	struct crypto_public *to = NULL;
	bool owned = false;
	struct err e;

	if (job->asker.kind == ASKER_NATION) {
		e = trust_certificate(core->trust, g->txn,
				      job->asker.peer.replica, &certificate);
		if (!failed(e))
			e = wrapped_sender_new(certificate->draft.guard_p384,
					       &core->random, &g->sender);
		return e;
	}
	g->until = core_now_s(core) + CORE_KEY_LIFE_S;
	e = keycache_point(core->keys, job->asker.device.wrapping, &to, &owned);
	if (!failed(e))
		e = wrapped_sender_new(to, &core->random, &g->sender);
	if (owned)
		crypto_public_free(to);
	return e;
}

static struct err answer_all(struct job *job, struct txn *txn)
{
	struct keys_state *s = job->state;
	struct granting g = {.job = job, .state = s, .txn = txn};
	struct err e = policing_view(job->policing, job->reader, txn, &g.view);

	if (!failed(e) && s->request.count)
		e = begin(&g);
	buf_reset(&job->body);
	keys_answer_begin(&s->writer, &job->body);
	for (size_t i = 0; !failed(e) && i < s->request.count; i++)
		e = grant(&g, &s->request.wants[i], &s->items[i], &s->given[i]);
	keys_answer_end(&s->writer);
	job->has_doc = false;
	job->rule[0] = 0;
	wrapped_sender_free(g.sender);
	view_free(g.view);
	return e;
}

static struct err keys_check(struct job *job)
{
	struct keys_state *s = job_state(job, sizeof(*s));
	struct txn *txn = NULL;
	struct err e = arena_check(&job->arena);

	if (!failed(e))
		e = keys_request_decode(job->http.body, &job->arena,
					&s->request);
	if (failed(e))
		return e;
	s->items =
		arena_array(&job->arena, s->request.count, sizeof(*s->items));
	s->given =
		arena_array(&job->arena, s->request.count, sizeof(*s->given));
	e = arena_check(&job->arena);
	if (!failed(e) && s->request.cursor.len) {
		s->has_cursor = true;
		e = cursor_open(job->core->ring, &job->asker.name,
				store_header(job->core->store)->incarnation,
				s->request.cursor, &s->cursor);
	}
	if (!failed(e))
		e = txn_begin_read(job->core->store, STORE_RECORDS, &txn);
	if (!failed(e))
		e = answer_all(job, txn);
	txn_abort(&txn);
	job->writes = !failed(e);
	return e;
}

/* Is the head that was decided on still there, on the same shelf, its key in
 * the same slot? */
static struct err unchanged(struct job *job, struct txn *txn,
			    const struct keys_want *want,
			    const struct given *given, bool *same)
{
	const struct document_head *head = NULL;
	struct document *doc = NULL;
	struct arena arena;
	struct err e;

	arena_init(&arena, DOCUMENT_ARENA_MAX + (256 << 10));
	e = record_copy(txn, want->document, &arena, &doc);
	if (!failed(e) && doc)
		head = document_head(doc, given->head);
	*same = head && head->shelf == given->shelf &&
		doc->slot == given->slot && doc->state == DOCUMENT_LIVE;
	arena_clear(&arena);
	return e;
}

/* Something was committed since: a document that was recalled or moved
 * meanwhile must not have its key leave. (Who the asker is and what the
 * policy says is looked at by the writer.) */
static struct err keys_confirm(struct job *job, struct batch *batch)
{
	struct keys_state *s = job->state;
	struct err e = ERR_NONE;

	if (job->seen_commits == atomic_load(&job->core->commits) &&
	    !batch->wakes)
		return ERR_NONE;
	for (size_t i = 0; i < s->request.count && !failed(e); i++) {
		bool same = true;

		if (s->given[i].granted)
			e = unchanged(job, batch->txn, &s->request.wants[i],
				      &s->given[i], &same);
		if (!same)
			job->stale = true;
	}
	return e;
}

static struct err keys_apply(struct job *job, struct batch *batch)
{
	struct keys_state *s = job->state;
	bool changed;
	struct err e = ERR_NONE;

	if (s->has_cursor)
		e = ledger_confirm(batch->txn, &job->asker.name, &s->cursor,
				   &changed);
	if (!failed(e) && s->request.count)
		e = job_audit(job, batch, s->items, s->request.count);
	return e;
}

static struct err keys_finish(struct job *job)
{
	answer_json(job, 200);
	return buf_check(&job->body);
}

const struct operation op_keys = {
	.name = "keys",
	.method = "POST",
	.path = "/v1/keys",
	.listeners = 1u << CORE_DEVICE | 1u << CORE_PEER,
	.askers = ASKER_DEVICE | ASKER_NATION,
	.proof = PROOF_SIGNED,
	.beyond_quota = true,
	.check = keys_check,
	.confirm = keys_confirm,
	.apply = keys_apply,
	.finish = keys_finish,
};
