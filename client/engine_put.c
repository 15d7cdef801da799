/*
 * Writing: a revision is sealed, signed and kept in the journal before the
 * first byte leaves, so a crash at any point repeats the same bytes.  Content
 * beyond 16 KiB goes up before, in pieces, and goes on where it stopped.
 */
#include "client/engine_task.h"
#include "proto/exchange/statements.h"
#include "proto/exchange/write.h"

#include <stdio.h>
#include <stdlib.h>

/* ---- sending what the journal holds ---- */

enum { SEND_PUT, SEND_BEGIN, SEND_ASK, SEND_PIECE };

static void keep_location(struct engine *e, struct task *t,
			  struct span location)
{
	const struct journal_outgoing *o =
		journal_find_outgoing(e->journal, t->digest);
	struct journal_txn *txn = NULL;
	struct journal_outgoing with;
	struct err err;

	if (!o)
		return;
	with = *o;
	with.location = location;
	err = journal_begin(e->journal, &txn);
	if (!failed(err)) {
		journal_put_outgoing(txn, &with);
		err = journal_commit(&txn);
	}
	if (failed(err))
		engine_task_fail(e, t, err);
}

static void drop(struct engine *e, struct task *t)
{
	struct journal_txn *txn = NULL;

	if (failed(journal_begin(e->journal, &txn)))
		return;
	journal_drop_outgoing(txn, t->digest);
	(void)journal_commit(&txn).code; /* else it is sent again, harmless */
}

/* The next piece of the blob, from t->offset, into the body. */
static struct err put_piece(struct engine *e, struct task *t)
{
	uint64_t total = segment_blob_len(t->size);
	uint64_t len = total - t->offset < ENGINE_PIECE ? total - t->offset
							: ENGINE_PIECE;

	engine_call_field(t, "upload-complete",
			  span_str(t->offset + len == total ? "?1" : "?0"));
	return files_read_content(e->folder, t->table, t->offset, (size_t)len,
				  &t->body);
}

static void prepare_piece(struct engine *e, struct task *t,
			  const struct journal_outgoing *o)
{
	char text[DIGEST_TEXT_LEN + 1], id[DOC_ID_TEXT_LEN + 1];
	struct buf number;
	struct err err;

	if (t->step == SEND_BEGIN) {
		digest_format(t->table, text);
		doc_id_format(t->document, id);
		engine_call_begin(t, "POST");
		buf_printf(&t->target, "/v1/documents/%s/content?table=%s"
			   "&size=%llu", id, text,
			   (unsigned long long)t->size);
		t->offset = 0;
	} else {
		engine_call_begin(t, "PATCH");
		buf_put(&t->target, o->location);
		buf_init(&number, 32);
		buf_printf(&number, "%llu", (unsigned long long)t->offset);
		engine_call_field(t, "upload-offset", buf_span(&number));
		buf_clear(&number);
	}
	engine_call_field(t, "content-type",
			  span_str("application/partial-upload"));
	err = put_piece(e, t);
	if (failed(err))
		engine_task_fail(e, t, err);
	else
		engine_call_ready(e, t, 65536, false);
}

static void prepare_put(struct engine *e, struct task *t,
			const struct journal_outgoing *o)
{
	char id[DOC_ID_TEXT_LEN + 1], tag[HTTP_ETAG_TEXT_LEN + 1];

	doc_id_format(o->document, id);
	engine_call_begin(t, o->statement ? "POST" : "PUT");
	buf_printf(&t->target, "/v1/documents/%s%s", id,
		   o->statement ? "/statements" : "");
	engine_call_field(t, "content-type", span_str("application/json"));
	if (!o->statement && o->create)
		engine_call_field(t, "if-none-match", span_str("*"));
	if (!o->statement && !o->create && o->beside)
		engine_call_field(t, "if-match", span_str("*"));
	if (!o->statement && !o->create && !o->beside) {
		http_etag_format(o->base, tag);
		engine_call_field(t, "if-match", span_str(tag));
	}
	buf_put(&t->body, o->body);
	engine_call_ready(e, t, 65536, false);
}

static void send_prepare(struct engine *e, struct task *t)
{
	const struct journal_outgoing *o =
		journal_find_outgoing(e->journal, t->digest);

	if (!o) {
		engine_task_fail(e, t, err_make(ERR_INTERNAL,
						"nothing to send"));
		return;
	}
	switch (t->step) {
	case SEND_ASK:
		engine_call_begin(t, "HEAD");
		buf_put(&t->target, o->location);
		engine_call_ready(e, t, 65536, false);
		return;
	case SEND_BEGIN:
	case SEND_PIECE:
		prepare_piece(e, t, o);
		return;
	case SEND_PUT:
		prepare_put(e, t, o);
		return;
	}
}

/* Where the upload stands, by the answer's fields. */
static struct err read_offset(struct task *t, const struct http_response *r,
			      uint64_t *out)
{
	struct span field;
	struct err err;

	if (!http_field_get(r->fields, "upload-offset", &field))
		return err_make(ERR_MALFORMED, "no Upload-Offset");
	err = http_u64_parse(field, out);
	if (!failed(err) && *out > segment_blob_len(t->size))
		err = err_make(ERR_MALFORMED, "an Upload-Offset too far");
	return err;
}

static void upload_answer(struct engine *e, struct task *t,
			  const struct http_response *r)
{
	uint64_t offset = 0, before = t->offset;
	struct span location;
	struct err err;

	if ((r->status == 404 || r->status == 409 || r->status == 412) &&
	    t->step != SEND_BEGIN && !t->repeated) {
		t->repeated = true; /* the lease is over, or out of step */
		t->step = r->status == 404 ? SEND_BEGIN : SEND_ASK;
		return;
	}
	if (r->status < 200 || r->status > 299) {
		drop(e, t);
		engine_task_refused(e, t, r);
		return;
	}
	err = read_offset(t, r, &offset);
	if (!failed(err) && t->step == SEND_BEGIN) {
		if (!http_field_get(r->fields, "location", &location) ||
		    location.len == 0 || location.at[0] != '/')
			err = err_make(ERR_MALFORMED, "no Location");
		else
			keep_location(e, t, location);
	}
	if (!failed(err) && t->step != SEND_ASK && offset <= before)
		err = err_make(ERR_MALFORMED, "the upload does not move");
	if (failed(err)) {
		engine_task_fail(e, t, err);
		return;
	}
	t->offset = offset;
	t->step = offset == segment_blob_len(t->size) ? SEND_PUT : SEND_PIECE;
	engine_tell(e, &(struct engine_event){
			       .kind = ENGINE_PROGRESS,
			       .task = t->id,
			       .document = t->document,
			       .digest = t->digest,
			       .done = offset,
			       .total = segment_blob_len(t->size),
		       });
}

static void statement_answer(struct engine *e, struct task *t,
			     const struct http_response *r)
{
	struct statements_answer a;
	struct err err = statements_answer_decode(r->body, &a);

	if (!failed(err) && !digest_eq(a.digest, t->digest))
		err = err_make(ERR_DIGEST, "the answer names another one");
	drop(e, t);
	if (failed(err))
		engine_task_fail(e, t, err);
	else
		engine_task_done(e, t, t->digest, (struct dot){0});
}

static void put_answer(struct engine *e, struct task *t,
		       const struct http_response *r)
{
	const struct journal_outgoing *o =
		journal_find_outgoing(e->journal, t->digest);
	struct write_answer a;
	struct err err;

	if (r->status == 409 && o && o->upload && !t->repeated &&
	    problem_error(r->body, r->status).code == ERR_MISSING_CONTENT) {
		t->repeated = true;
		t->step = SEND_BEGIN;
		return;
	}
	if (r->status != 200 && r->status != 201) {
		/* What the relay judged is not sent again; what it could not
		 * take now is. */
		if (r->status < 500 && r->status != 429 && r->status != 401)
			drop(e, t);
		engine_task_refused(e, t, r);
		return;
	}
	if (o && o->statement) {
		statement_answer(e, t, r);
		return;
	}
	err = write_answer_decode(r->body, &a);
	if (!failed(err) && !digest_eq(a.digest, t->digest))
		err = err_make(ERR_DIGEST, "the answer names another one");
	drop(e, t);
	if (failed(err))
		engine_task_fail(e, t, err);
	else
		engine_task_done(e, t, t->digest, a.dot);
}

static void send_answer(struct engine *e, struct task *t,
			const struct http_response *r)
{
	if (t->step == SEND_PUT)
		put_answer(e, t, r);
	else
		upload_answer(e, t, r);
}

static const struct task_kind send_kind = {send_prepare, send_answer, NULL};

static struct err send_start(struct engine *e,
			     const struct journal_outgoing *o, uint64_t *task)
{
	struct task *t;
	struct err err = engine_task_new(e, &send_kind, &t);

	if (failed(err))
		return err;
	t->document = o->document;
	t->digest = o->digest;
	t->table = o->table;
	t->size = o->size;
	t->step = !o->upload	    ? SEND_PUT
		  : o->location.len ? SEND_ASK
				    : SEND_BEGIN;
	*task = t->id;
	return ERR_NONE;
}

struct err engine_resume(struct engine *e, size_t *count)
{
	struct err err = ERR_NONE;
	uint64_t task;

	*count = 0;
	for (size_t i = 0; i < e->journal->outgoing_count; i++) {
		bool at_work = false;

		for (struct task *t = e->tasks; t; t = t->next)
			at_work = at_work ||
				  (t->kind == &send_kind && !t->over &&
				   digest_eq(t->digest,
					     e->journal->outgoing[i].digest));
		if (at_work)
			continue;
		err = send_start(e, &e->journal->outgoing[i], &task);
		if (failed(err))
			return err;
		++*count;
	}
	return err;
}

/* ---- making a revision ---- */

/* On its way; secrets are wiped by draft_clear. */
struct draft {
	struct arena arena;
	struct manifest m;
	struct opening opening;
	struct digest parents[MANIFEST_PARENTS_MAX];
	struct digest base;
	struct digest commitment;
	uint8_t key[CRYPTO_KEY_LEN];
	struct segment_keys keys;
	struct buf sealed, jws, body, blob;
	bool upload;
};

static void draft_init(struct draft *d)
{
	*d = (struct draft){0};
	arena_init(&d->arena, 1 << 20);
	buf_init(&d->sealed, MANIFEST_SEALED_MAX);
	buf_init(&d->jws, MANIFEST_JWS_MAX);
	buf_init(&d->body, WRITE_BODY_MAX);
	buf_init(&d->blob, 32 * 1024);
}

static void draft_clear(struct draft *d)
{
	arena_clear(&d->arena);
	buf_clear(&d->sealed);
	buf_clear(&d->jws);
	buf_clear(&d->body);
	buf_clear(&d->blob);
	wipe(d->key, sizeof(d->key));
	wipe(&d->keys, sizeof(d->keys));
}

static int compare_digests(const void *a, const void *b)
{
	return memcmp(a, b, DIGEST_LEN);
}

/* A new document: its id, and statement 1. */
static struct err draft_first(struct engine *e, const struct engine_put *put,
			      struct draft *d)
{
	struct manifest *m = &d->m;
	struct err err = space_check(put->space);

	if (!failed(err))
		err = random_fill(&e->random, d->opening.salt,
				  sizeof(d->opening.salt));
	if (failed(err))
		return err;
	d->opening.space = put->space;
	d->opening.author = m->author;
	memcpy(m->salt, d->opening.salt, sizeof(m->salt));
	m->home = e->identity.nation;
	m->space = put->space;
	m->statement = 1;
	err = docid_make(&d->opening, m->home, clock_ms(&e->clock), &m->id);
	return failed(err) ? err : crypto_sha256(put->label, &m->label);
}

/* The label that an edit stands on: that of the head it was made over. */
static struct err draft_edit(struct engine *e, const struct engine_put *put,
			     struct draft *d)
{
	const struct journal_document *known =
		journal_find_document(e->journal, put->id);
	const struct journal_head *winner;
	struct manifest *m = &d->m, over;
	struct err err;

	if (!known)
		return err_make(ERR_NOT_FOUND,
				"not among what this device has");
	winner = journal_winner(known);
	for (size_t i = 0; i < known->heads_count; i++) {
		bool wanted = put->parents_count == 0;

		for (size_t k = 0; k < put->parents_count; k++)
			wanted = wanted ||
				 digest_eq(known->heads[i].digest,
					   put->parents[k]);
		if (wanted && m->parents_count < MANIFEST_PARENTS_MAX)
			d->parents[m->parents_count++] =
				known->heads[i].digest;
		if (wanted && put->parents_count)
			winner = &known->heads[i];
	}
	/* An edit over what is no head any more stands beside: its parent is
	 * named all the same, so that nobody takes it for more. */
	for (size_t k = 0; put->beside && k < put->parents_count; k++)
		if (!journal_find_head(known, put->parents[k]) &&
		    m->parents_count < MANIFEST_PARENTS_MAX)
			d->parents[m->parents_count++] = put->parents[k];
	if (m->parents_count == 0)
		return err_make(ERR_NOT_FOUND, "no such head is here");
	qsort(d->parents, m->parents_count, sizeof(d->parents[0]),
	      compare_digests);
	d->base = winner->digest;
	d->opening = known->opening;
	d->opening.space = arena_copy(&d->arena, known->opening.space);
	m->id = known->id;
	m->home = known->home;
	m->space = d->opening.space;
	m->parents = d->parents;
	m->statement = known->number;
	err = arena_check(&d->arena);
	if (!failed(err))
		err = engine_manifest(winner, &d->arena, &over);
	if (!failed(err))
		m->label = over.label;
	return err;
}

/*
 * An edit's label must be that of the statement in force, which a later
 * label statement may have changed: the shelf of the head says which labels
 * it stands on, and one label alone is that of the statement.
 */
static void draft_label(struct engine *e, struct draft *d)
{
	const struct journal_document *known =
		journal_find_document(e->journal, d->m.id);
	const struct journal_head *head =
		known ? journal_find_head(known, d->base) : NULL;
	const struct journal_shelf *shelf =
		head ? journal_find_shelf(e->journal, head->shelf) : NULL;

	if (shelf && shelf->labels_count == 1)
		d->m.label = shelf->labels[0];
}

static struct err draft_title(struct engine *e, const struct engine_put *put,
			      struct draft *d)
{
	uint8_t nonce[CRYPTO_NONCE_LEN];
	struct json_writer w;
	struct buf json;
	struct err err = random_fill(&e->random, nonce, sizeof(nonce));

	buf_init(&json, MANIFEST_SEALED_MAX);
	w = json_write(&json);
	json_open_object(&w);
	json_put_name(&w, "properties");
	json_put_raw(&w, span_str("{}"));
	json_member_string(&w, "title", put->title);
	json_close_object(&w);
	if (!failed(err))
		err = buf_check(&json);
	if (!failed(err))
		err = segment_title_seal(&d->keys, d->m.id, nonce,
					 buf_span(&json), &d->sealed);
	d->m.sealed = buf_span(&d->sealed);
	buf_wipe(&json);
	return err;
}

static struct err draft_content(struct engine *e, const struct engine_put *put,
				struct draft *d)
{
	struct manifest *m = &d->m;
	struct err err = random_fill(&e->random, d->key, sizeof(d->key));

	if (!failed(err))
		err = segment_keys_derive(d->key, m->id, &d->keys);
	if (!failed(err))
		err = files_seal(e->folder, &put->content, &d->keys, m->id,
				 &e->random, &m->table, &m->size);
	if (failed(err))
		return err;
	d->commitment = d->keys.commitment;
	m->keys = &d->commitment;
	m->keys_count = 1;
	m->suite = SEGMENT_SUITE;
	d->upload = m->size > WRITE_INLINE_MAX;
	if (!d->upload)
		err = files_read_content(e->folder, m->table, 0,
					 (size_t)segment_blob_len(m->size),
					 &d->blob);
	return failed(err) ? err : draft_title(e, put, d);
}

/* The content key for the guard, and the whole body. */
static struct err draft_body(struct engine *e, const struct engine_put *put,
			     struct draft *d)
{
	struct write_key key = {.commitment = d->commitment};
	struct write_request request = {
		.manifest = buf_span(&d->jws),
		.has_opening = put->edit,
		.opening = d->opening,
		.has_label = !put->edit,
		.label = put->label,
		.has_content = !d->upload,
		.content = buf_span(&d->blob),
		.keys = &key,
		.keys_count = 1,
	};
	struct wrapped_sender *sender = NULL;
	struct err err = wrapped_sender_new(e->replica->draft.guard_p256,
					    &e->random, &sender);

	if (!failed(err))
		err = wrapped_make(sender, d->m.id, d->commitment, 0, d->key,
				   &key.key);
	wrapped_sender_free(sender);
	return failed(err) ? err : write_request_encode(&request, &d->body);
}

static struct err draft_make(struct engine *e, const struct engine_put *put,
			     struct draft *d, struct digest *digest)
{
	struct manifest read;
	struct err err;

	d->m.author = crypto_public_id(crypto_key_public(e->identity.author));
	d->m.priority = put->priority;
	d->m.time = clock_s(&e->clock);
	err = put->edit ? draft_edit(e, put, d) : draft_first(e, put, d);
	if (failed(err))
		return err;
	if (put->edit)
		draft_label(e, d);
	d->m.serial = journal_serial_of(e->journal, d->m.id) + 1;
	err = draft_content(e, put, d);
	if (!failed(err))
		err = manifest_sign(e->identity.author, &d->m, &d->jws);
	if (!failed(err))
		err = manifest_decode(buf_span(&d->jws), &d->arena, &read);
	if (!failed(err))
		err = draft_body(e, put, d);
	if (!failed(err))
		*digest = read.digest;
	return err;
}

struct err engine_put(struct engine *e, const struct engine_put *put,
		      struct doc_id *document, struct digest *digest,
		      uint64_t *task)
{
	struct journal_txn *txn = NULL;
	struct journal_outgoing o = {0};
	struct draft d;
	struct err err = e->enrolled
				 ? ERR_NONE
				 : err_make(ERR_UNAUTHENTICATED,
					    "not enrolled yet");

	draft_init(&d);
	if (!failed(err))
		err = draft_make(e, put, &d, &o.digest);
	if (!failed(err))
		err = journal_begin(e->journal, &txn);
	if (!failed(err)) {
		o.document = d.m.id;
		o.beside = put->beside;
		o.create = !put->edit;
		o.base = d.base;
		o.body = buf_span(&d.body);
		o.table = d.m.table;
		o.size = d.m.size;
		o.upload = d.upload;
		journal_put_outgoing(txn, &o);
		journal_put_serial(txn, d.m.id, d.m.serial);
		err = journal_commit(&txn);
	}
	if (!failed(err))
		err = send_start(e, journal_find_outgoing(e->journal, o.digest),
				 task);
	if (!failed(err)) {
		*document = d.m.id;
		*digest = o.digest;
	}
	journal_abort(&txn);
	draft_clear(&d);
	return err;
}

struct err engine_seal(struct engine *e, const struct engine_put *put,
		       struct doc_id *document, struct digest *digest,
		       struct buf *out)
{
	struct journal_txn *txn = NULL;
	struct draft d;
	struct err err = e->enrolled
				 ? ERR_NONE
				 : err_make(ERR_UNAUTHENTICATED,
					    "not enrolled yet");

	draft_init(&d);
	if (!failed(err))
		err = draft_make(e, put, &d, digest);
	if (!failed(err) && d.upload)
		err = err_make(ERR_TOO_LARGE,
			       "more than 16 KiB of content does not stand in "
			       "a body");
	if (!failed(err))
		err = journal_begin(e->journal, &txn);
	if (!failed(err)) {
		journal_put_serial(txn, d.m.id, d.m.serial);
		err = journal_commit(&txn);
	}
	if (!failed(err)) {
		*document = d.m.id;
		buf_put(out, buf_span(&d.body));
		err = buf_check(out);
	}
	journal_abort(&txn);
	draft_clear(&d);
	return err;
}

/* ---- statements ---- */

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
		.author = crypto_public_id(
			crypto_key_public(e->identity.author)),
		.heads = heads,
		.heads_count = kind == STATEMENT_LABEL ? known->heads_count
						       : 0,
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
	      compare_digests);
	qsort(heads, known->heads_count, sizeof(*heads), compare_digests);
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
		err = send_start(e, journal_find_outgoing(e->journal, o.digest),
				 task);
	journal_abort(&txn);
	arena_clear(&arena);
	buf_clear(&jws);
	buf_clear(&body);
	return err;
}
