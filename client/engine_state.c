/* The home's word over a document: statements, made, kept, then sent. */
#include "client/engine_task.h"
#include "proto/exchange/statements.h"

#include <stdlib.h>

static struct err make_statement(struct engine *e,
				 const struct journal_document *known,
				 enum statement_kind kind, struct span label,
				 struct arena *arena, struct buf *jws,
				 struct digest *digest)
{
	struct digest *previous =
		arena_array(arena, known->digests_count, sizeof(*previous));
	struct digest *heads =
		arena_array(arena, known->heads_count, sizeof(*heads));
	struct statement s = {
		.id = known->id,
		.home = known->home,
		.kind = kind,
		.number = known->number + 1,
		.previous = previous,
		.previous_count = known->digests_count,
		.author =
			crypto_public_id(crypto_key_public(e->identity.author)),
		.heads = heads,
		.heads_count = kind == STATEMENT_LABEL ? known->heads_count : 0,
		.time = clock_s(&e->clock),
	};
	struct statement read;
	struct err err = arena_check(arena);

	if (failed(err))
		return err;
	memcpy(previous, known->digests,
	       known->digests_count * sizeof(*previous));
	for (size_t i = 0; i < known->heads_count; i++)
		heads[i] = known->heads[i].digest;
	qsort(previous, known->digests_count, sizeof(*previous),
	      engine_compare_digests);
	qsort(heads, known->heads_count, sizeof(*heads),
	      engine_compare_digests);
	if (kind == STATEMENT_LABEL)
		err = crypto_sha256(label, &s.label);
	if (!failed(err))
		err = statement_sign(e->identity.author, &s, jws);
	if (!failed(err))
		err = statement_decode(buf_span(jws), arena, &read);
	if (!failed(err))
		*digest = read.digest;
	return err;
}

struct err engine_state(struct engine *e, struct doc_id document,
			enum statement_kind kind, struct span label,
			uint64_t *task)
{
	const struct journal_document *known =
		journal_find_document(e->journal, document);
	struct journal_txn *txn = NULL;
	struct journal_outgoing o = {.statement = true, .document = document};
	struct statements_request request = {0};
	struct arena arena;
	struct buf jws, body;
	struct err err = known ? ERR_NONE
			       : err_make(ERR_NOT_FOUND,
					  "not among what this device has");

	arena_init(&arena, 1 << 20);
	buf_init(&jws, STATEMENT_JWS_MAX);
	buf_init(&body, STATEMENTS_BODY_MAX);
	if (!failed(err))
		err = make_statement(e, known, kind, label, &arena, &jws,
				     &o.digest);
	if (!failed(err)) {
		request.statement = buf_span(&jws);
		request.opening = known->opening;
		request.has_label = kind == STATEMENT_LABEL;
		request.label = label;
		err = statements_request_encode(&request, &body);
	}
	if (!failed(err))
		err = journal_begin(e->journal, &txn);
	if (!failed(err)) {
		o.body = buf_span(&body);
		journal_put_outgoing(txn, &o);
		err = journal_commit(&txn);
	}
	if (!failed(err))
		err = engine_send(e,
				  journal_find_outgoing(e->journal, o.digest),
				  task);
	journal_abort(&txn);
	arena_clear(&arena);
	buf_clear(&jws);
	buf_clear(&body);
	return err;
}
