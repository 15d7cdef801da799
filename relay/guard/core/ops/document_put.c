/* PUT /v1/documents/{id}: one revision from a device of this nation. */
#include <stdio.h>

#include "proto/document/segment.h"
#include "proto/document/wrapped.h"
#include "proto/exchange/http.h"
#include "proto/exchange/write.h"
#include "relay/guard/core/ops/ops.h"
#include "relay/guard/core/row.h"
#include "storage/segment.h"
#include "storage/upload.h"

struct content_key {
	bool brought;
	uint8_t key[CRYPTO_KEY_LEN];
};

struct put_state {
	struct write_request request;
	struct manifest manifest;
	struct opening opening;
	struct http_precondition precondition;
	const struct policing_label *label;
	bool label_stored;
	struct content_key *content_keys; /* as many as manifest.keys */
	struct document_key *keys;	  /* wrapped for rest */
	bool has_upload;
	struct upload upload;
	/* Made by work_out, used by apply. */
	struct document *old;
	struct resolve_result result;
	uint64_t wrapped_for; /* slot that the keys brought are wrapped for */
	bool answered;	      /* the answer's body is made */
	/* What work_out stood on, if it was before the writer. */
	bool ready;
	struct txn_tag tag; /* of the old record */
	uint32_t upto;	    /* of the view */
};

static void prepare(struct job *job, struct put_state *s);

/* ---- check: what needs no writer ---- */

static struct err check_opening(struct job *job, struct put_state *s)
{
	const struct manifest *m = &s->manifest;
	struct err e;

	if (manifest_is_first(m)) {
		s->opening = manifest_opening(m);
		if (s->request.has_opening)
			return err_make(ERR_MALFORMED,
					"a first manifest holds its opening");
		if (!nation_eq(m->home, job->core->nation))
			return err_make(ERR_FORBIDDEN,
					"a device makes documents of its own "
					"nation");
	} else {
		if (!s->request.has_opening)
			return err_make(ERR_MALFORMED,
					"an opening is needed with every "
					"manifest but the first");
		s->opening = s->request.opening;
	}
	e = manifest_check_id(m, &s->opening);
	if (!failed(e))
		e = docid_check_time(m->id, clock_ms(&job->core->clock));
	return e;
}

static struct err read_manifest(struct job *job, struct put_state *s)
{
	struct err e =
		manifest_decode(s->request.manifest, &job->arena, &s->manifest);

	if (!failed(e) && !doc_id_eq(s->manifest.id, job->doc))
		e = err_make(ERR_FOREIGN_ID,
			     "the manifest is of another document than the "
			     "path");
	if (!failed(e) &&
	    !key_id_eq(s->manifest.author, job->asker.device.author))
		e = err_make(ERR_UNAUTHENTICATED,
			     "the manifest names another author than the "
			     "device that sends it");
	if (!failed(e))
		e = manifest_check_signature(job->asker.sign, &s->manifest);
	if (!failed(e))
		e = check_opening(job, s);
	if (!failed(e))
		job->proof = s->manifest.digest;
	return e;
}

/* A label that was not brought: one that the author sees anyway.  Whether the
 * store has it for others is none of his business. */
static struct err seen_label(struct job *job, struct txn *txn,
			     struct digest digest,
			     const struct policing_label **out)
{
	struct view *view = NULL;
	bool seen = false;
	struct err e = policing_view(job->policing, job->reader, txn, &view);

	seen = !failed(e) && view_has_label(view, job->core->shelves, digest);
	view_free(view);
	if (!failed(e) && seen)
		e = policing_label(job->policing, txn, digest, out);
	if (e.code == ERR_NOT_FOUND || (!failed(e) && !seen))
		return err_make(ERR_LABEL,
				"the label is not known here: bring it");
	return e;
}

/* Known, valid, not above the ceiling, and releasing its own author. */
struct err ops_check_label(struct job *job, struct txn *txn, bool brought,
			   struct span xml, struct digest digest,
			   struct span space, const struct policing_label **out)
{
	struct label_problem problem = {0};
	const struct policing_label *l = NULL;
	struct verdict verdict;
	struct digest actual;
	struct err e = ERR_NONE;

	if (brought) {
		e = crypto_sha256(xml, &actual);
		if (!failed(e) && !digest_eq(actual, digest))
			return err_make(ERR_DIGEST,
					"the label brought is not the one "
					"that is named");
		if (!failed(e))
			e = policing_label_xml(job->policing, xml, &problem, &l,
					       &job->label);
	} else {
		e = seen_label(job, txn, digest, &l);
	}
	if (!failed(e) && !bound_valid(l->bound))
		e = label_check(policing_policy(job->policing), l->label,
				&problem);
	if (failed(e)) {
		snprintf(job->rule, sizeof(job->rule), "%s",
			 l && !bound_valid(l->bound) ? bound_rule(l->bound)
						     : "invalid-label");
		snprintf(job->detail, sizeof(job->detail), "%s", problem.text);
		return e;
	}
	if (l->above) {
		snprintf(job->rule, sizeof(job->rule), "ceiling");
		return err_make(ERR_ABOVE_CEILING,
				"the label is above this relay's ceiling");
	}
	verdict = policing_decide_label(job->policing,
					policing_reader_bound(job->reader),
					space, l);
	snprintf(job->rule, sizeof(job->rule), "%s", verdict.rule);
	if (!verdict.released) {
		snprintf(job->detail, sizeof(job->detail), "%s",
			 verdict.detail);
		return err_make(ERR_LABEL_NOT_RELEASED,
				"the label does not release its author");
	}
	*out = l;
	return ERR_NONE;
}

/* Open every key that was brought with the guard's key. */
static struct err open_keys(struct job *job, struct put_state *s)
{
	const struct manifest *m = &s->manifest;
	struct err e = ERR_NONE;

	s->content_keys = arena_array(&job->arena, m->keys_count,
				      sizeof(*s->content_keys));
	s->keys = arena_array(&job->arena, m->keys_count, sizeof(*s->keys));
	e = arena_check(&job->arena);
	for (size_t i = 0; !failed(e) && i < s->request.keys_count; i++) {
		const struct write_key *w = &s->request.keys[i];
		const struct crypto_key *guard;
		size_t at = 0;

		while (at < m->keys_count &&
		       !digest_eq(m->keys[at], w->commitment))
			at++;
		if (at == m->keys_count)
			return err_make(ERR_COMMITMENT,
					"a key was brought that the manifest "
					"does not name");
		e = ring_private_by_id(job->core->ring, w->key.to, &guard);
		if (failed(e)) {
			struct json_writer json = json_write(&job->members);

			json_member_bytes(&json, "certificate",
					  buf_span(&job->core->certificate));
			return err_make(ERR_STALE_KEY,
					"wrapped for no key of this guard");
		}
		e = agreements_open(job->core->agreements, guard, &w->key,
				    m->id, w->commitment,
				    s->content_keys[at].key);
		/* Bytes that do not unwrap are a wrong key to the sender. */
		if (e.code == ERR_DIGEST)
			e = err_make(ERR_COMMITMENT,
				     "a wrapped key does not open");
		s->content_keys[at].brought = !failed(e);
	}
	return e;
}

static struct err check_inline(const struct put_state *s)
{
	const struct manifest *m = &s->manifest;

	if (m->size > SEGMENT_SMALL_MAX)
		return err_make(ERR_TOO_LARGE,
				"content beyond 16 KiB is uploaded before");
	return segment_blob_check(s->request.content, m->size, m->table,
				  m->keys_count);
}

static struct err check_precondition(struct job *job, struct put_state *s)
{
	struct err e =
		http_precondition_parse(job->http.fields, &s->precondition);

	if (failed(e))
		return e;
	if (s->precondition.kind == HTTP_UNCONDITIONAL)
		return err_make(ERR_PRECONDITION_REQUIRED,
				"If-Match or If-None-Match is needed");
	if (s->precondition.kind == HTTP_MATCH &&
	    s->precondition.tags.count != 1)
		return err_make(ERR_MALFORMED, "If-Match names one revision");
	return ERR_NONE;
}

static struct err put_check(struct job *job)
{
	struct put_state *s = job_state(job, sizeof(*s));
	struct txn *txn = NULL;
	struct err e = arena_check(&job->arena);

	if (!failed(e))
		e = doc_id_parse(job->path.at[2], &job->doc);
	if (failed(e))
		return e;
	job->has_doc = true;
	e = check_precondition(job, s);
	if (!failed(e))
		e = write_request_decode(job->http.body, &job->arena,
					 &s->request);
	if (!failed(e))
		e = read_manifest(job, s);
	if (!failed(e))
		e = txn_begin_read(job->core->store, STORE_RECORDS, &txn);
	if (!failed(e))
		e = ops_check_label(job, txn, s->request.has_label,
				    s->request.label, s->manifest.label,
				    s->manifest.space, &s->label);
	txn_abort(&txn);
	if (!failed(e))
		e = open_keys(job, s);
	if (!failed(e) && s->request.has_content)
		e = check_inline(s);
	if (!failed(e))
		prepare(job, s);
	job->writes = !failed(e);
	return e;
}

/* ---- what becomes of the document: nothing written ---- */

/* Keys that were not brought come from a signed parent that the author may
 * read at this moment, and from nowhere else. */
static struct err find_keys(struct put_state *s,
			    const struct document_read *read)
{
	const struct manifest *m = &s->manifest;

	for (size_t k = 0; k < m->keys_count; k++) {
		struct document_key *out = &s->keys[k];

		*out = (struct document_key){.commitment = m->keys[k],
					     .present = true};
		if (s->content_keys[k].brought)
			continue;
		out->present = false;
		for (size_t h = 0; read && h < read->doc.heads_count; h++) {
			const struct document_head *head = &read->doc.heads[h];

			if (!read->visible[h] ||
			    !manifest_has_parent(m, head->digest))
				continue;
			for (size_t i = 0; i < head->keys_count; i++)
				if (digest_eq(head->keys[i].commitment,
					      m->keys[k]) &&
				    head->keys[i].present)
					*out = head->keys[i];
		}
		if (!out->present)
			return err_make(ERR_MISSING_KEY,
					"a key is named, neither brought nor "
					"of a parent that the author may "
					"read");
	}
	return ERR_NONE;
}

/* The table that was uploaded fits this manifest: its length, and a key for
 * each segment. */
static struct err check_uploaded(struct job *job, const struct manifest *m)
{
	struct txn *txn = NULL;
	struct span table;
	struct err e = txn_begin_read(job->core->store, STORE_SEGMENTS, &txn);

	if (!failed(e))
		e = segment_table_get(txn, m->id, m->table, &table);
	if (!failed(e))
		e = segment_table_check(table, m->size, m->table,
					m->keys_count);
	txn_abort(&txn);
	return e;
}

/* Content was brought by this author's upload, or stands with a parent. */
static struct err find_content(struct job *job, struct txn *txn,
			       struct put_state *s,
			       const struct document_read *read)
{
	const struct manifest *m = &s->manifest;
	struct write_range all = {0, segment_blob_len(m->size)};
	struct upload upload = {0};
	struct err e = ERR_NONE;

	for (size_t h = 0; read && h < read->doc.heads_count; h++) {
		const struct document_head *head = &read->doc.heads[h];

		if (read->visible[h] && digest_eq(head->table, m->table) &&
		    head->place == DOCUMENT_CONTENT_SEGMENTS &&
		    manifest_has_parent(m, head->digest))
			return ERR_NONE; /* only title or label changed */
	}
	for (;;) {
		e = upload_next(txn, &upload);
		if (failed(e))
			break;
		if (!doc_id_eq(upload.doc, m->id) ||
		    !key_id_eq(upload.author, m->author) ||
		    !digest_eq(upload.table, m->table))
			continue;
		s->upload = upload;
		s->has_upload = true;
		if (upload.offset == upload.total)
			return check_uploaded(job, m);
		all.from = upload.offset;
		all.to = upload.total;
		break;
	}
	if (failed(e) && e.code != ERR_NOT_FOUND)
		return e;
	write_missing_members(&all, 1, &job->members);
	return err_make(ERR_MISSING_CONTENT,
			"segments are named that were not brought");
}

static enum resolve_match match_of(const struct http_precondition *p)
{
	switch (p->kind) {
	case HTTP_CREATE:
		return RESOLVE_MATCH_NONE;
	case HTTP_MATCH:
		return RESOLVE_MATCH_HEAD;
	case HTTP_MATCH_ANY:
	case HTTP_UNCONDITIONAL:
		break;
	}
	return RESOLVE_MATCH_ANY;
}

/* As the author sees it; NULL if he sees nothing of it. */
static struct err see(struct job *job, struct txn *txn, struct view *view,
		      struct document_read **out)
{
	struct document_read *read = arena_alloc(&job->arena, sizeof(*read));
	struct err e = arena_check(&job->arena);

	*out = NULL;
	if (!failed(e))
		e = document_read_for(txn, view, job->doc, &job->arena, read);
	if (e.code == ERR_NOT_FOUND || e.code == ERR_NOT_RELEASABLE)
		return ERR_NONE;
	if (!failed(e))
		*out = read;
	return e;
}

static struct err resolve_put(struct job *job, struct put_state *s,
			      uint64_t now_s, struct view *view,
			      const struct document_read *read)
{
	struct resolve_revision in = {
		.manifest = &s->manifest,
		.opening = s->opening,
		.from = job->core->nation,
		.now = now_s,
		.local = true,
		.replica = job->core->replica,
		.sees = view,
		.match = match_of(&s->precondition),
		.keys = s->keys,
		.keys_count = s->manifest.keys_count,
		.place = DOCUMENT_CONTENT_SEGMENTS,
	};
	struct err e;

	if (in.match == RESOLVE_MATCH_HEAD)
		in.match_head = s->precondition.tags.at[0];
	if (s->request.has_content)
		in.content = s->request.content;
	e = resolve_revision(s->old, &in, &job->arena, &s->result);
	if (failed(e))
		return e;
	if (s->result.outcome == RESOLVE_ACCEPTED ||
	    s->result.outcome == RESOLVE_KNOWN)
		return ERR_NONE;
	/* What the author may not see is not there for him. */
	if (s->result.outcome == RESOLVE_NOT_THERE ||
	    (!read && s->result.outcome != RESOLVE_EXISTS &&
	     s->result.outcome != RESOLVE_RECALLED &&
	     s->result.outcome != RESOLVE_REPLAYED))
		return err_make(ERR_NOT_FOUND, "no such document for you");
	if (read)
		row_conflict_members(read, &job->members);
	return err_make(resolve_outcome_code(s->result.outcome),
			resolve_outcome_name(s->result.outcome));
}

static struct err work_out(struct job *job, struct txn *txn, uint64_t now_s,
			   struct put_state *s)
{
	struct document_read *read = NULL;
	struct view *view = NULL;
	struct err e = record_copy(txn, job->doc, &job->arena, &s->old);

	s->wrapped_for = 0;
	s->answered = false;
	buf_reset(&job->body);
	buf_reset(&job->members);
	if (!failed(e))
		e = policing_view(job->policing, job->reader, txn, &view);
	if (!failed(e))
		e = see(job, txn, view, &read);
	/* Before anything that could tell "not for you" from "not there". */
	if (!failed(e) && !manifest_is_first(&s->manifest) && !read)
		e = err_make(s->old ? ERR_NOT_RELEASABLE : ERR_NOT_FOUND,
			     "no head visible to author");
	if (!failed(e))
		e = find_keys(s, read);
	if (!failed(e))
		e = resolve_put(job, s, now_s, view, read);
	if (!failed(e) && !s->request.has_content &&
	    s->result.outcome == RESOLVE_ACCEPTED)
		e = find_content(job, txn, s, read);
	if (!failed(e))
		s->upto = view_upto(view);
	view_free(view);
	return e;
}

/* Every key that was brought, wrapped for rest in this slot. */
static struct err wrap_keys(struct job *job, struct put_state *s, uint64_t slot)
{
	struct err e = ERR_NONE;

	for (size_t i = 0; !failed(e) && i < s->manifest.keys_count; i++)
		if (s->content_keys[i].brought)
			e = ring_wrap(job->core->ring, slot, job->doc,
				      s->keys[i].commitment,
				      s->content_keys[i].key,
				      s->keys[i].wrapped);
	s->wrapped_for = failed(e) ? 0 : slot;
	return e;
}

static void make_answer(struct job *job, struct put_state *s)
{
	struct write_answer answer = {.digest = s->manifest.digest,
				      .dot = s->result.dot,
				      .statement = s->manifest.statement};
	const struct document_head *head = NULL;

	if (s->result.outcome == RESOLVE_KNOWN)
		head = document_head(s->old, s->manifest.digest);
	if (head)
		answer.dot = head->seals[0].dot;
	write_answer_encode(&answer, &job->body);
	s->answered = true;
}

/* ---- the same beforehand, beside the writer ---- */

static struct err prepare_in(struct job *job, struct txn *txn,
			     struct put_state *s)
{
	struct core *core = job->core;
	uint64_t slot;
	bool stored = false;
	struct err e = work_out(job, txn, core_now_s(core), s);

	if (failed(e) || s->result.outcome != RESOLVE_ACCEPTED)
		return e;
	slot = s->result.doc.slot;
	if (s->old)
		e = txn_tag(txn, TABLE_DOCUMENTS, key_document(job->doc),
			    &s->tag);
	else
		e = ring_guess_slot(core->ring, txn, &slot);
	if (!failed(e))
		e = document_find_shelves(txn, s->old, &s->result);
	if (!failed(e))
		e = txn_has(txn, TABLE_LABELS, key_label(s->label->digest),
			    &stored);
	/* Labels are never dropped. */
	s->label_stored = stored;
	if (!failed(e) && slot)
		e = wrap_keys(job, s, slot);
	if (failed(e))
		return e;
	make_answer(job, s);
	s->ready = true;
	return e;
}

/*
 * The writer is one thread, so what it need not do itself is done here: all is
 * worked out on the newest snapshot, and stands if nothing that it stood on
 * has changed when the writer comes to it.  What fails here, or stands on an
 * upload, is left to the writer, whose word it is.
 */
static void prepare(struct job *job, struct put_state *s)
{
	struct txn *txn = NULL;
	struct err e = ERR_NONE;

	if (s->request.has_content)
		e = txn_begin_read(job->core->store, STORE_RECORDS, &txn);
	if (txn && !failed(e))
		e = prepare_in(job, txn, s);
	txn_abort(&txn);
	buf_reset(&job->members);
}

/* ---- confirm: in the writer's transaction, nothing written ---- */

/* Whether the document and what its author sees are as they were. */
static struct err still_so(struct job *job, struct batch *batch,
			   const struct put_state *s, bool *out)
{
	struct view *view = NULL;
	struct txn_tag tag;
	struct err e = txn_tag(batch->txn, TABLE_DOCUMENTS,
			       key_document(job->doc), &tag);

	*out = false;
	if (e.code == ERR_NOT_FOUND) {
		*out = !s->old;
		return ERR_NONE;
	}
	if (failed(e) || !s->old ||
	    memcmp(tag.at, s->tag.at, sizeof(tag.at)) != 0)
		return e;
	e = policing_view(job->policing, job->reader, batch->txn, &view);
	if (!failed(e))
		*out = view_upto(view) == s->upto;
	view_free(view);
	return e;
}

static struct err put_confirm(struct job *job, struct batch *batch)
{
	struct put_state *s = job->state;
	struct err e = ERR_NONE;

	if (s->ready)
		e = still_so(job, batch, s, &s->ready);
	if (failed(e) || s->ready)
		return e;
	return work_out(job, batch->txn, batch->now_s, s);
}

/* ---- apply ---- */

/* The document's slot, and its keys wrapped for that one. */
static struct err place_keys(struct job *job, struct batch *batch,
			     struct put_state *s)
{
	struct document *doc = &s->result.doc;
	struct err e = ERR_NONE;

	if (!doc->slot)
		e = ring_fill_take(job->core->ring, batch->txn, &batch->fills,
				   doc->id, s->wrapped_for, &doc->slot);
	if (!failed(e) && doc->slot != s->wrapped_for)
		e = wrap_keys(job, s, doc->slot);
	/* The new head's keys were copied before they were wrapped. */
	for (size_t h = 0; !failed(e) && h < doc->heads_count; h++)
		if (digest_eq(doc->heads[h].digest, s->manifest.digest)) {
			doc->heads[h].keys = s->keys;
			doc->heads[h].keys_count =
				(uint8_t)s->manifest.keys_count;
		}
	return e;
}

struct err ops_store_label(struct txn *txn, const struct policing_label *l)
{
	struct span xml;
	struct buf canonical;
	struct err e = label_store_get(txn, l->digest, &xml, NULL);

	if (e.code != ERR_NOT_FOUND)
		return e;
	buf_init(&canonical, LABEL_STORE_CANONICAL_MAX);
	e = label_encode(l->label, &canonical);
	if (!failed(e))
		e = label_store_put(txn, l->digest, label_bytes(l->label),
				    buf_span(&canonical));
	buf_clear(&canonical);
	return e;
}

static struct err put_apply(struct job *job, struct batch *batch)
{
	struct put_state *s = job->state;
	struct audit_item item = {.doc = job->doc,
				  .digest = s->manifest.digest,
				  .rule = span_str(job->rule)};
	struct seq last;
	struct err e = ERR_NONE;

	s->ready = false; /* what was worked out is used up */
	if (s->result.outcome == RESOLVE_KNOWN)
		return ERR_NONE; /* repeated: the answer of the first time */
	if (s->request.has_content && !s->result.content_inline)
		/* The place inside the record is taken: beside it. */
		e = segment_put_blob(job->core->store, job->doc,
				     s->manifest.size, s->manifest.table,
				     s->request.content);
	if (!failed(e))
		e = place_keys(job, batch, s);
	if (!failed(e) && !s->label_stored)
		e = ops_store_label(batch->txn, s->label);
	if (!failed(e))
		e = document_apply(&batch->writer, batch->txn, s->old,
				   &s->result, batch->now_s, &last);
	if (!failed(e) && s->has_upload)
		e = upload_del(batch->txn, s->upload.id);
	if (!failed(e))
		e = job_audit_item(job, batch, &item);
	if (s->result.fallen_count)
		core_garbage(job->core, job->doc);
	batch->wakes = true;
	return e;
}

static struct err put_finish(struct job *job)
{
	struct put_state *s = job->state;
	char etag[HTTP_ETAG_TEXT_LEN + 1];

	if (!s->answered)
		make_answer(job, s);
	http_etag_format(s->manifest.digest, etag);
	answer_field(job, "etag", span_str(etag));
	answer_json(job, s->old ? 200 : 201);
	return buf_check(&job->body);
}

const struct operation op_document_put = {
	.name = "document.put",
	.method = "PUT",
	.path = "/v1/documents/{}",
	.listeners = 1u << CORE_DEVICE,
	.askers = ASKER_DEVICE,
	.rights = SUBJECT_WRITE,
	.check = put_check,
	.confirm = put_confirm,
	.apply = put_apply,
	.finish = put_finish,
};
