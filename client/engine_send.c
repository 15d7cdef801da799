/*
 * Sending what the journal holds: revisions and statements that were sealed
 * and signed before, the same bytes each time.  Content beyond 16 KiB goes up
 * first, in pieces, and goes on where it stopped; of an edit only the
 * segments that its parent at the relay has not.
 */
#include "client/engine_task.h"
#include "proto/exchange/statements.h"
#include "proto/exchange/write.h"

#include <stdio.h>

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
	with.parent = t->parent;
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

/*
 * The head that the upload may build on: `wanted` is one known here, large
 * and with its content, so that both sides know its table.  Else all goes up.
 */
static void build_on(struct engine *e, struct task *t, struct digest wanted)
{
	const struct journal_document *d;
	const struct journal_head *h;
	struct manifest m;
	struct arena arena;

	arena_init(&arena, 256 * 1024);
	t->upload = (struct files_upload){.table = t->table, .size = t->size};
	t->parent = (struct digest){0};
	if (!failed(engine_find(e, t->document, wanted, &d, &h)) &&
	    !failed(engine_manifest(h, &arena, &m)) &&
	    m.size > WRITE_INLINE_MAX &&
	    files_has_content(e->folder, m.table)) {
		t->upload.over = true;
		t->upload.over_table = m.table;
		t->upload.over_size = m.size;
		t->parent = wanted;
	}
	arena_clear(&arena);
}

/* How long the upload is; without saving anything it builds on nothing. */
static struct err measure(struct engine *e, struct task *t)
{
	struct err err = files_upload_len(e->folder, &t->upload, &t->total);

	if (!failed(err) && t->upload.over &&
	    t->total == segment_blob_len(t->size)) {
		t->upload.over = false;
		t->parent = (struct digest){0};
	}
	return err;
}

/* The next piece, from t->offset, into the body. */
static struct err put_piece(struct engine *e, struct task *t)
{
	uint64_t left = t->total - t->offset;
	uint64_t len = left < ENGINE_PIECE ? left : ENGINE_PIECE;

	engine_call_field(t, "upload-complete",
			  span_str(len == left ? "?1" : "?0"));
	return files_upload_read(e->folder, &t->upload, t->offset, (size_t)len,
				 &t->body);
}

static struct err begin_upload(struct engine *e, struct task *t,
			       const struct journal_outgoing *o)
{
	static const struct digest none;
	char text[DIGEST_TEXT_LEN + 1], id[DOC_ID_TEXT_LEN + 1];
	struct err err;

	build_on(e, t, o->create || t->whole ? none : o->base);
	err = measure(e, t);
	if (failed(err))
		return err;
	digest_format(t->table, text);
	doc_id_format(t->document, id);
	engine_call_begin(t, "POST");
	buf_printf(&t->target, "/v1/documents/%s/content?table=%s&size=%llu",
		   id, text, (unsigned long long)t->size);
	if (t->upload.over) {
		digest_format(t->parent, text);
		buf_printf(&t->target, "&parent=%s", text);
	}
	t->offset = 0;
	return ERR_NONE;
}

static void prepare_piece(struct engine *e, struct task *t,
			  const struct journal_outgoing *o)
{
	struct err err = ERR_NONE;
	struct buf number;

	if (t->step == SEND_BEGIN) {
		err = begin_upload(e, t, o);
	} else {
		engine_call_begin(t, "PATCH");
		buf_put(&t->target, o->location);
		buf_init(&number, 32);
		buf_printf(&number, "%llu", (unsigned long long)t->offset);
		engine_call_field(t, "upload-offset", buf_span(&number));
		buf_clear(&number);
	}
	if (!failed(err)) {
		engine_call_field(t, "content-type",
				  span_str("application/partial-upload"));
		err = put_piece(e, t);
	}
	if (failed(err))
		engine_task_fail(e, t, err);
	else
		engine_call_ready(e, t, 65536, false);
}

/* An upload that an earlier process began: as it was begun, or anew. */
static void prepare_ask(struct engine *e, struct task *t,
			const struct journal_outgoing *o)
{
	build_on(e, t, o->parent);
	if (!digest_eq(t->parent, o->parent) || failed(measure(e, t)) ||
	    !digest_eq(t->parent, o->parent)) {
		t->step = SEND_BEGIN;
		return;
	}
	engine_call_begin(t, "HEAD");
	buf_put(&t->target, o->location);
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
		engine_task_fail(e, t,
				 err_make(ERR_INTERNAL, "nothing to send"));
		return;
	}
	switch (t->step) {
	case SEND_ASK:
		prepare_ask(e, t, o);
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
	if (!failed(err) && *out > t->total)
		err = err_make(ERR_MALFORMED, "an Upload-Offset too far");
	return err;
}

/* What the relay judged is not sent again; what it could not take now, or a
 * stranger to its nonce or too slow, is. */
static bool is_judged(int status)
{
	return status < 500 && status != 401 && status != 408 && status != 429;
}

static void upload_answer(struct engine *e, struct task *t,
			  const struct http_response *r)
{
	uint64_t offset = 0, before = t->offset;
	struct span location;
	struct err err;

	/* The relay has not what this builds on, or not any more. */
	if (r->status == 404 && t->upload.over) {
		t->whole = true;
		t->step = SEND_BEGIN;
		return;
	}
	if ((r->status == 404 || r->status == 409 || r->status == 412) &&
	    t->step != SEND_BEGIN && !t->repeated) {
		t->repeated = true; /* the lease is over, or out of step */
		t->step = r->status == 404 ? SEND_BEGIN : SEND_ASK;
		return;
	}
	if (r->status < 200 || r->status > 299) {
		if (is_judged(r->status))
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
	t->step = offset == t->total ? SEND_PUT : SEND_PIECE;
	engine_tell(e, &(struct engine_event){
			       .kind = ENGINE_PROGRESS,
			       .task = t->id,
			       .document = t->document,
			       .digest = t->digest,
			       .done = offset,
			       .total = t->total,
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
		t->whole = true;
		t->step = SEND_BEGIN;
		return;
	}
	if (r->status != 200 && r->status != 201) {
		if (is_judged(r->status))
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

struct err engine_send(struct engine *e, const struct journal_outgoing *o,
		       uint64_t *task)
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
		err = engine_send(e, &e->journal->outgoing[i], &task);
		if (failed(err))
			return err;
		++*count;
	}
	return err;
}
