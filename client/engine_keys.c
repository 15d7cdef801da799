/* The end of a pull: keys of heads that are here, asked for with a signature
 * that also acknowledges the cursor. */
#include "client/engine_task.h"
#include "proto/document/wrapped.h"
#include "proto/exchange/keys.h"
#include "proto/exchange/me.h"

#include <stdlib.h>

/* A key whose time ends so soon is asked for again. */
enum { RENEW_S = 24 * 3600 };

static bool wants_key(const struct engine *e, struct doc_id document,
		      struct digest commitment)
{
	const struct journal_key *key =
		journal_find_key(e->journal, document, commitment);

	return !key ||
	       (key->until && key->until < clock_s(&e->clock) + RENEW_S);
}

/* The keys that heads of the next documents name and that are not here, as
 * many as one request may hold. */
static struct err list_wants(struct engine *e, struct task *t)
{
	const struct journal *j = e->journal;
	struct err err = ERR_NONE;

	if (!t->wants)
		t->wants = calloc(KEYS_MAX, sizeof(*t->wants));
	if (!t->wants)
		return err_make(ERR_NO_MEMORY, "keys");
	t->wants_count = 0;
	for (size_t i = 0; i < j->documents_count && !failed(err); i++) {
		const struct journal_document *d = &j->documents[i];
		size_t start = t->wants_count;

		if (t->keys_begun &&
		    memcmp(d->id.at, t->keys_after.at, DOC_ID_LEN) <= 0)
			continue;
		for (size_t h = 0; h < d->heads_count; h++) {
			struct manifest m;
			struct arena arena;

			arena_init(&arena, 256 * 1024);
			if (!d->heads[h].verified ||
			    failed(engine_manifest(&d->heads[h], &arena, &m)))
				m.keys_count = 0;
			for (size_t k = 0; k < m.keys_count; k++) {
				if (!wants_key(e, d->id, m.keys[k]))
					continue;
				if (t->wants_count == KEYS_MAX)
					break;
				t->wants[t->wants_count++] =
					(struct keys_want){d->id, m.keys[k]};
			}
			arena_clear(&arena);
		}
		/* A document is asked for whole, or next time; one that alone
		 * is too much gets what fits. */
		if (t->wants_count == KEYS_MAX && start > 0) {
			t->wants_count = start;
			break;
		}
		t->keys_after = d->id;
		t->keys_begun = true;
	}
	return err;
}

static void pull_done(struct engine *e, struct task *t)
{
	struct err err = journal_tidy(e->journal);

	engine_sweep(e);
	if (failed(err))
		engine_task_fail(e, t, err);
	else
		engine_task_done(e, t, (struct digest){0}, (struct dot){0});
}

void engine_keys_prepare(struct engine *e, struct task *t)
{
	struct keys_request request = {
		.cursor = span_str(e->journal->cursor),
	};
	struct err err = ERR_NONE;

	/* The same list again where only the nonce was wanting. */
	if (t->wants_count == 0)
		err = list_wants(e, t);
	if (failed(err)) {
		engine_task_fail(e, t, err);
		return;
	}
	if (t->wants_count == 0 && !t->acknowledge) {
		pull_done(e, t);
		return;
	}
	if (!e->has_nonce) {
		t->step = PULL_NONCE;
		return;
	}
	engine_call_begin(t, "POST");
	buf_put_str(&t->target, "/v1/keys");
	engine_call_field(t, "content-type", span_str("application/json"));
	request.wants = t->wants;
	request.count = t->wants_count;
	keys_request_encode(&request, &t->body);
	engine_call_ready(e, t, KEYS_ANSWER_MAX, true);
}

static struct err open_grants(struct engine *e, const struct keys_grant *g,
			      size_t count, struct journal_txn *txn)
{
	struct wrapped_receiver *receiver = NULL;
	struct err err = wrapped_receiver_new(e->identity.wrapping, &receiver);

	for (size_t i = 0; !failed(err) && i < count; i++) {
		struct journal_key key = {
			.document = g[i].want.document,
			.commitment = g[i].want.commitment,
			.until = g[i].key.until,
		};
		struct err one;

		if (!g[i].granted)
			continue;
		/* A key that is not what the author committed to is no key;
		 * the others are. */
		one = wrapped_receiver_open(receiver, &g[i].key, key.document,
					    key.commitment, key.key);
		if (!failed(one))
			journal_put_key(txn, &key);
		wipe(&key, sizeof(key));
	}
	wrapped_receiver_free(receiver);
	return err;
}

void engine_keys_answer(struct engine *e, struct task *t,
			const struct http_response *r)
{
	const struct keys_grant *grants;
	struct journal_txn *txn = NULL;
	struct arena arena;
	size_t count;
	struct err err;

	if (r->status != 200) {
		engine_task_refused(e, t, r);
		return;
	}
	arena_init(&arena, 8 * KEYS_ANSWER_MAX);
	err = keys_answer_decode(r->body, &arena, &grants, &count);
	if (!failed(err))
		err = journal_begin(e->journal, &txn);
	if (!failed(err))
		err = open_grants(e, grants, count, txn);
	if (!failed(err))
		err = journal_commit(&txn);
	journal_abort(&txn);
	arena_clear(&arena);
	t->acknowledge = false;
	t->wants_count = 0;
	if (failed(err))
		engine_task_fail(e, t, err);
}

void engine_nonce_answer(struct engine *e, struct task *t,
			 const struct http_response *r)
{
	struct me_answer me;
	struct arena arena;
	struct err err;

	if (r->status != 200) {
		engine_task_refused(e, t, r);
		return;
	}
	arena_init(&arena, 4 * ME_ANSWER_MAX);
	err = me_answer_decode(r->body, &arena, &me);
	arena_clear(&arena);
	if (failed(err)) {
		engine_task_fail(e, t, err);
		return;
	}
	e->nonce = me.nonce;
	e->has_nonce = true;
	t->step = PULL_KEYS;
}
