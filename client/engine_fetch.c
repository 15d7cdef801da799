/* Content by ranges, and labels. */
#include "client/engine_task.h"
#include "proto/exchange/me.h"

#include <stdio.h>

/* ---- content ---- */

static void fetch_done(struct engine *e, struct task *t)
{
	struct err err =
		files_part_end(e->folder, t->table, t->size, t->keys_count);

	if (failed(err))
		engine_task_fail(e, t, err);
	else
		engine_task_done(e, t, t->digest, (struct dot){0});
}

static void fetch_prepare(struct engine *e, struct task *t)
{
	uint64_t total = segment_blob_len(t->size);
	char document[DOC_ID_TEXT_LEN + 1], revision[DIGEST_TEXT_LEN + 1];
	struct http_range range;
	struct buf field;

	if (files_has_content(e->folder, t->table)) {
		engine_task_done(e, t, t->digest, (struct dot){0});
		return;
	}
	t->offset = files_part_len(e->folder, t->table);
	if (t->offset >= total) {
		fetch_done(e, t);
		return;
	}
	range.from = t->offset;
	range.len = total - t->offset < ENGINE_PIECE ? total - t->offset
						     : ENGINE_PIECE;
	doc_id_format(t->document, document);
	digest_format(t->digest, revision);
	engine_call_begin(t, "GET");
	buf_printf(&t->target, "/v1/documents/%s/content?revision=%s", document,
		   revision);
	buf_init(&field, 64);
	http_range_format(range, &field);
	engine_call_field(t, "range", buf_span(&field));
	buf_clear(&field);
	engine_call_ready(e, t, ENGINE_PIECE + 65536, false);
}

static void fetch_answer(struct engine *e, struct task *t,
			 const struct http_response *r)
{
	uint64_t total = segment_blob_len(t->size), said = 0;
	struct http_range range = {0, r->body.len};
	struct span field;
	struct err err = ERR_NONE;

	if (r->status != 200 && r->status != 206) {
		engine_task_refused(e, t, r);
		return;
	}
	if (r->status == 206) {
		err = http_field_get(r->fields, "content-range", &field)
			      ? http_content_range_parse(field, &range, &said)
			      : err_make(ERR_MALFORMED, "no Content-Range");
		if (!failed(err) && said != total)
			err = err_make(ERR_DIGEST, "content of another length");
	}
	if (!failed(err) &&
	    (range.from != t->offset || range.len != r->body.len ||
	     r->body.len == 0 || r->body.len > total - t->offset))
		err = err_make(ERR_MALFORMED, "another range than asked for");
	if (!failed(err))
		err = files_part_add(e->folder, t->table, t->offset, r->body);
	if (failed(err)) {
		engine_task_fail(e, t, err);
		return;
	}
	engine_tell(e, &(struct engine_event){
			       .kind = ENGINE_PROGRESS,
			       .task = t->id,
			       .document = t->document,
			       .digest = t->digest,
			       .done = t->offset + r->body.len,
			       .total = total,
		       });
}

static const struct task_kind fetch_kind = {fetch_prepare, fetch_answer, NULL};

struct err engine_fetch(struct engine *e, struct doc_id document,
			struct digest revision, uint64_t *task)
{
	const struct journal_document *d;
	const struct journal_head *h;
	struct manifest m;
	struct arena arena;
	struct task *t;
	struct err err = engine_find(e, document, revision, &d, &h);

	arena_init(&arena, 256 * 1024);
	if (!failed(err) && !h->verified)
		err = err_make(ERR_SIGNATURE, "its author is not verified");
	if (!failed(err))
		err = engine_manifest(h, &arena, &m);
	if (!failed(err))
		err = engine_task_new(e, &fetch_kind, &t);
	if (!failed(err)) {
		t->document = document;
		t->digest = revision;
		t->table = m.table;
		t->size = m.size;
		t->keys_count = m.keys_count;
		*task = t->id;
		/* What is here needs no relay. */
		if (files_has_content(e->folder, t->table))
			engine_task_done(e, t, t->digest, (struct dot){0});
	}
	arena_clear(&arena);
	return err;
}

/* ---- labels ---- */

static void label_prepare(struct engine *e, struct task *t)
{
	char text[DIGEST_TEXT_LEN + 1];

	digest_format(t->digest, text);
	engine_call_begin(t, "GET");
	buf_printf(&t->target, "/v1/labels/%s", text);
	engine_call_ready(e, t, ME_ANSWER_MAX, false);
}

static void label_answer(struct engine *e, struct task *t,
			 const struct http_response *r)
{
	struct journal_txn *txn = NULL;
	struct journal_label keep = {.digest = t->digest};
	struct me_label label;
	struct digest digest;
	struct err err;

	if (r->status != 200) {
		engine_task_refused(e, t, r);
		return;
	}
	err = me_label_decode(r->body, &t->arena, &label);
	if (!failed(err))
		err = crypto_sha256(label.label, &digest);
	if (!failed(err) && !digest_eq(digest, t->digest))
		err = err_make(ERR_DIGEST, "another label than asked for");
	if (!failed(err))
		err = journal_begin(e->journal, &txn);
	if (!failed(err)) {
		keep.xml = label.label;
		keep.color = label.color;
		for (size_t i = label.markings_count; i-- > 0;)
			if (i == 0 ||
			    span_eq_str(label.markings[i].language, "en")) {
				keep.marking = label.markings[i].text;
				break;
			}
		journal_put_label(txn, &keep);
		err = journal_commit(&txn);
	}
	if (failed(err))
		engine_task_fail(e, t, err);
	else
		engine_task_done(e, t, t->digest, (struct dot){0});
}

static const struct task_kind label_kind = {label_prepare, label_answer, NULL};

struct err engine_fetch_label(struct engine *e, struct digest label,
			      uint64_t *task)
{
	struct task *t;
	struct err err = engine_task_new(e, &label_kind, &t);

	if (!failed(err)) {
		t->digest = label;
		*task = t->id;
	}
	return err;
}
