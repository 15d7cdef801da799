/*
 * Uploads in pieces (draft-ietf-httpbis-resumable-upload): POST begins one,
 * HEAD tells how far it came, PATCH goes on, DELETE drops it.
 *
 * The bytes are the content blob: table, then segments.  The table is checked
 * against the digest in the query before a segment is taken, each segment
 * against the table before it is kept.  Upload-Offset rests on what is
 * durable: table and whole segments.  Pieces are taken on one thread while
 * another stores what is whole.
 */
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "proto/document/segment.h"
#include "proto/exchange/http.h"
#include "relay/guard/core/ops/ops.h"
#include "storage/segment.h"
#include "storage/upload.h"

enum {
	UPLOADS_MAX = 64, /* leases of one author */
	HEX_ID_LEN = LEASE_ID_LEN * 2,
};

/* One segment, on its way or whole. */
struct part {
	struct part *next;
	struct digest digest;
	size_t len;
	uint8_t at[SEGMENT_SEALED_MAX];
};

struct parts {
	struct part *first, *last;
};

struct upload_state {
	struct upload lease;
	bool complete; /* Upload-Complete: ?1: this piece is the last */
	struct buf table;
	uint64_t next;	   /* segment */
	struct span skip;  /* the parent's table: equal segments are left
			    * out; empty without a parent */
	struct part *part; /* segment `next`, as far as it came */

	/* Between whoever takes pieces and the segment writer. */
	pthread_mutex_t lock;
	bool has_lock;
	bool table_ready;
	struct parts ready, spare;
	struct err fault; /* of the last store */
};

static void parts_put(struct parts *p, struct part *part)
{
	part->next = NULL;
	if (p->last)
		p->last->next = part;
	else
		p->first = part;
	p->last = part;
}

static struct part *parts_take(struct parts *p)
{
	struct part *part = p->first;

	if (part) {
		p->first = part->next;
		if (!p->first)
			p->last = NULL;
	}
	return part;
}

static void parts_clear(struct parts *p)
{
	struct part *part;

	while ((part = parts_take(p)))
		free(part);
}

/* ---- who, and how far ---- */

static void id_format(const uint8_t id[LEASE_ID_LEN], char out[HEX_ID_LEN + 1])
{
	for (int i = 0; i < LEASE_ID_LEN; i++)
		snprintf(out + 2 * i, 3, "%02x", id[i]);
}

static struct err id_parse(struct span text, uint8_t out[LEASE_ID_LEN])
{
	static const char hex[] = "0123456789abcdef";

	if (text.len != HEX_ID_LEN)
		return err_make(ERR_NOT_FOUND, "no such upload");
	for (size_t i = 0; i < HEX_ID_LEN; i++) {
		const char *d = memchr(hex, text.at[i], 16);
		unsigned high = i % 2 ? out[i / 2] : 0;

		if (!d)
			return err_make(ERR_NOT_FOUND, "no such upload");
		out[i / 2] = (uint8_t)(high << 4 | (unsigned)(d - hex));
	}
	return ERR_NONE;
}

static void answer_progress(struct job *job, const struct upload *u, int status)
{
	char text[24];

	snprintf(text, sizeof(text), "%" PRIu64, u->offset);
	answer_field(job, "upload-offset", span_str(text));
	answer_field(job, "upload-complete",
		     span_str(u->offset == u->total ? "?1" : "?0"));
	snprintf(text, sizeof(text), "%" PRIu64, u->total);
	answer_field(job, "upload-length", span_str(text));
	answer_field(job, "cache-control", span_str("no-store"));
	answer_json(job, status);
}

static struct err find_lease(struct job *job, struct upload *out)
{
	struct txn *txn = NULL;
	uint8_t id[LEASE_ID_LEN];
	struct err e = id_parse(job->path.at[2], id);

	if (!failed(e))
		e = txn_begin_read(job->core->store, STORE_RECORDS, &txn);
	if (!failed(e))
		e = upload_get(txn, id, out);
	if (!failed(e) && !key_id_eq(out->author, job->asker.device.author))
		e = err_make(ERR_NOT_FOUND, "another device's upload");
	txn_abort(&txn);
	if (!failed(e)) {
		job->has_doc = true;
		job->doc = out->doc;
	}
	return e;
}

/* The stream's length: the whole blob, less what the parent has. */
static uint64_t stream_len(uint64_t size, struct span table, struct span skip)
{
	uint64_t len = segment_blob_len(size);

	for (uint64_t i = 0; skip.len && i < segment_count(size); i++)
		if ((i + 1) * SEGMENT_ENTRY_LEN <= skip.len &&
		    digest_eq(segment_table_at(table, i).digest,
			      segment_table_at(skip, i).digest))
			len -= segment_sealed_len(size, i);
	return len;
}

static bool skipped(const struct upload_state *s, uint64_t i)
{
	struct span table = buf_span(&s->table);

	return s->skip.len && (i + 1) * SEGMENT_ENTRY_LEN <= s->skip.len &&
	       digest_eq(segment_table_at(table, i).digest,
			 segment_table_at(s->skip, i).digest);
}

/* Past the segments that need not come. */
static void step(struct upload_state *s)
{
	while (s->next < segment_count(s->lease.size) && skipped(s, s->next))
		s->next++;
}

/* ---- taking the body ---- */

static struct err table_done(struct upload_state *s)
{
	struct digest digest;
	struct err e = segment_table_digest(buf_span(&s->table), &digest);

	if (!failed(e) && !digest_eq(digest, s->lease.table))
		e = err_make(ERR_DIGEST,
			     "the table is not the one that was announced");
	if (failed(e))
		return e;
	s->lease.total =
		stream_len(s->lease.size, buf_span(&s->table), s->skip);
	step(s);
	pthread_mutex_lock(&s->lock);
	s->table_ready = true;
	pthread_mutex_unlock(&s->lock);
	return ERR_NONE;
}

static struct err segment_done(struct upload_state *s, size_t *ready)
{
	struct segment_entry entry =
		segment_table_at(buf_span(&s->table), s->next);
	struct part *part = s->part;
	struct err e = segment_check(&entry, span_of(part->at, part->len));

	if (failed(e))
		return e;
	part->digest = entry.digest;
	*ready += part->len;
	pthread_mutex_lock(&s->lock);
	parts_put(&s->ready, part);
	s->part = parts_take(&s->spare);
	pthread_mutex_unlock(&s->lock);
	if (s->part)
		s->part->len = 0;
	s->next++;
	step(s);
	return ERR_NONE;
}

static struct err take_table(struct upload_state *s, struct span piece,
			     size_t *taken)
{
	uint64_t want = segment_table_len(s->lease.size) - s->table.len;
	struct err e;

	*taken = piece.len < want ? piece.len : (size_t)want;
	buf_put(&s->table, span_sub(piece, 0, *taken));
	e = buf_check(&s->table);
	return failed(e) || *taken < want ? e : table_done(s);
}

static struct err take_segment(struct upload_state *s, struct span piece,
			       size_t *taken, size_t *ready)
{
	size_t want;

	if (s->next == segment_count(s->lease.size))
		return err_make(ERR_TOO_LARGE, "more bytes than the blob has");
	if (!s->part && (s->part = malloc(sizeof(*s->part))))
		s->part->len = 0;
	if (!s->part)
		return err_make(ERR_NO_MEMORY, "a segment");
	want = segment_sealed_len(s->lease.size, s->next) - s->part->len;
	*taken = piece.len < want ? piece.len : want;
	memcpy(s->part->at + s->part->len, piece.at, *taken);
	s->part->len += *taken;
	return *taken < want ? ERR_NONE : segment_done(s, ready);
}

static struct err upload_body(struct job *job, struct span piece, size_t *ready)
{
	struct upload_state *s = job->state;
	struct err e = ERR_NONE;

	while (piece.len && !failed(e)) {
		size_t taken = 0;

		if (s->table.len < segment_table_len(s->lease.size))
			e = take_table(s, piece, &taken);
		else
			e = take_segment(s, piece, &taken, ready);
		piece = span_sub(piece, taken, piece.len);
	}
	return e;
}

/* ---- storing it ---- */

/* What one commit takes; false if there is nothing. */
static bool take_ready(struct upload_state *s, struct parts *out, bool *table)
{
	size_t len = 0;

	pthread_mutex_lock(&s->lock);
	*table = s->table_ready;
	s->table_ready = false;
	while (s->ready.first && len + s->ready.first->len <= CORE_COMMIT_MAX) {
		len += s->ready.first->len;
		parts_put(out, parts_take(&s->ready));
	}
	pthread_mutex_unlock(&s->lock);
	return *table || out->first;
}

static void give_back(struct upload_state *s, struct part *part)
{
	pthread_mutex_lock(&s->lock);
	parts_put(&s->spare, part);
	pthread_mutex_unlock(&s->lock);
}

/* Only what is durable is counted. */
static struct err upload_store(struct job *job, size_t *stored)
{
	struct upload_state *s = job->state;
	struct parts parts = {0};
	struct part *part;
	struct txn *txn = NULL;
	uint64_t len = 0;
	bool table;
	struct err e;

	if (failed(s->fault) || !take_ready(s, &parts, &table))
		return s->fault;
	e = txn_begin_write(job->core->store, STORE_SEGMENTS, &txn);
	if (!failed(e) && table) {
		e = segment_table_put(txn, s->lease.doc, s->lease.table,
				      buf_span(&s->table));
		len += s->table.len;
	}
	while ((part = parts_take(&parts))) {
		if (!failed(e))
			e = segment_put(txn, s->lease.doc, part->digest,
					span_of(part->at, part->len));
		len += part->len;
		*stored += part->len;
		give_back(s, part);
	}
	if (!failed(e))
		e = txn_commit(&txn);
	txn_abort(&txn);
	if (!failed(e))
		s->lease.offset += len;
	s->fault = e;
	return e;
}

static struct err upload_body_end(struct job *job, bool complete)
{
	struct upload_state *s = job->state;
	size_t stored = 0;
	struct err e = ERR_NONE;

	while (!failed(e) && (s->table_ready || s->ready.first))
		e = upload_store(job, &stored);
	if (!failed(e))
		e = s->fault;
	s->lease.time = core_now_s(job->core);
	if (!failed(e) && complete && s->complete &&
	    s->lease.offset != s->lease.total)
		e = err_make(ERR_DIGEST, "the upload is said to be complete "
					 "and is not");
	job->writes = true;
	return e;
}

static struct err upload_apply(struct job *job, struct batch *batch)
{
	struct upload_state *s = job->state;

	return upload_put(batch->txn, &s->lease);
}

/* ---- POST: a new one ---- */

static struct err parent_table(struct job *job, struct upload_state *s)
{
	struct document_read *read = arena_alloc(&job->arena, sizeof(*read));
	struct txn *records = NULL, *segments = NULL;
	struct view *view = NULL;
	struct span table;
	struct err e = arena_check(&job->arena);

	if (!failed(e))
		e = txn_begin_read(job->core->store, STORE_RECORDS, &records);
	if (!failed(e))
		e = policing_view(job->policing, job->reader, records, &view);
	if (!failed(e))
		e = document_read_for(records, view, job->doc, &job->arena,
				      read);
	if (failed(e))
		goto out;
	e = err_make(ERR_NOT_FOUND, "no such parent for the asker");
	for (size_t h = 0; h < read->doc.heads_count; h++) {
		const struct document_head *head = &read->doc.heads[h];

		if (!read->visible[h] ||
		    !digest_eq(head->digest, s->lease.parent) ||
		    head->place != DOCUMENT_CONTENT_SEGMENTS)
			continue;
		e = txn_begin_read(job->core->store, STORE_SEGMENTS, &segments);
		if (!failed(e))
			e = segment_table_get(segments, job->doc, head->table,
					      &table);
		if (!failed(e))
			s->skip = arena_copy(&job->arena, table);
	}
out:
	view_free(view);
	txn_abort(&records);
	txn_abort(&segments);
	return e;
}

static struct err count_leases(struct job *job)
{
	struct txn *txn = NULL;
	unsigned count = 0;
	struct err e = txn_begin_read(job->core->store, STORE_RECORDS, &txn);

	if (!failed(e))
		e = upload_count(txn, job->asker.device.author, &count);
	txn_abort(&txn);
	if (!failed(e) && count >= UPLOADS_MAX)
		e = err_make(ERR_RATE, "too many unfinished uploads");
	return e;
}

static void state_init(struct upload_state *s)
{
	buf_init(&s->table, SEGMENT_TABLE_MAX);
	s->has_lock = pthread_mutex_init(&s->lock, NULL) == 0;
}

static struct err complete_field(struct job *job, bool *complete)
{
	struct span value;

	*complete = true;
	if (!http_field_get(job->http.fields, "upload-complete", &value))
		return ERR_NONE;
	if (span_eq_str(value, "?0"))
		*complete = false;
	else if (!span_eq_str(value, "?1"))
		return err_make(ERR_MALFORMED, "Upload-Complete is ?0 or ?1");
	return ERR_NONE;
}

static struct err new_check(struct job *job)
{
	static const char *const names[] = {"table", "size", "parent", NULL};
	struct upload_state *s = job_state(job, sizeof(*s));
	struct err e = arena_check(&job->arena);

	if (failed(e))
		return e;
	state_init(s);
	e = http_query_only(&job->query, names);
	if (!failed(e))
		e = doc_id_parse(job->path.at[2], &job->doc);
	if (!failed(e))
		e = http_query_digest(&job->query, "table", &s->lease.table);
	if (!failed(e))
		e = http_query_u64(&job->query, "size", &s->lease.size);
	if (!failed(e) && s->lease.size > MANIFEST_SIZE_MAX)
		e = err_make(ERR_TOO_LARGE, "content beyond 64 GiB");
	if (!failed(e) && segment_table_len(s->lease.size) > SEGMENT_TABLE_MAX)
		e = err_make(ERR_TOO_LARGE, "content with too many segments");
	if (failed(e))
		return e;
	job->has_doc = true;
	if (http_query_has(&job->query, "parent")) {
		e = http_query_digest(&job->query, "parent", &s->lease.parent);
		if (!failed(e))
			e = parent_table(job, s);
	}
	if (!failed(e))
		e = complete_field(job, &s->complete);
	if (!failed(e))
		e = count_leases(job);
	if (!failed(e))
		e = random_fill(&job->core->random, s->lease.id, LEASE_ID_LEN);
	s->lease.doc = job->doc;
	s->lease.author = job->asker.device.author;
	s->lease.total = segment_blob_len(s->lease.size);
	job->takes_body = !failed(e);
	return e;
}

static struct err new_finish(struct job *job)
{
	struct upload_state *s = job->state;
	char path[64], id[HEX_ID_LEN + 1];

	id_format(s->lease.id, id);
	snprintf(path, sizeof(path), "/v1/uploads/%s", id);
	answer_field(job, "location", span_str(path));
	answer_progress(job, &s->lease, 201);
	return ERR_NONE;
}

/* ---- PATCH: going on ---- */

/* Back to where the last piece ended: the table again, and the segment. */
static struct err resume(struct job *job, struct upload_state *s)
{
	struct txn *txn = NULL;
	struct span table;
	uint64_t at;
	struct err e;

	if (s->lease.offset == 0)
		return ERR_NONE;
	e = txn_begin_read(job->core->store, STORE_SEGMENTS, &txn);
	if (!failed(e))
		e = segment_table_get(txn, s->lease.doc, s->lease.table,
				      &table);
	if (!failed(e)) {
		buf_put(&s->table, table);
		e = buf_check(&s->table);
	}
	/* Segments that are there already were taken, or are the parent's. */
	at = segment_table_len(s->lease.size);
	while (!failed(e) && at < s->lease.offset &&
	       s->next < segment_count(s->lease.size)) {
		if (!skipped(s, s->next))
			at += segment_sealed_len(s->lease.size, s->next);
		s->next++;
	}
	txn_abort(&txn);
	step(s);
	return e;
}

static struct err patch_check(struct job *job)
{
	static const char *const names[] = {NULL};
	static const struct digest none;
	struct upload_state *s = job_state(job, sizeof(*s));
	struct span value = {0};
	uint64_t offset = 0;
	struct err e = arena_check(&job->arena);

	if (failed(e))
		return e;
	state_init(s);
	e = http_query_only(&job->query, names);
	if (!failed(e))
		e = find_lease(job, &s->lease);
	if (!failed(e) &&
	    !http_field_get(job->http.fields, "upload-offset", &value))
		e = err_make(ERR_MALFORMED, "Upload-Offset is needed");
	if (!failed(e))
		e = http_u64_parse(value, &offset);
	if (!failed(e) && offset != s->lease.offset)
		e = err_make(ERR_CONFLICT, "Upload-Offset is not where the "
					   "upload stands: ask with HEAD");
	if (!failed(e) && !digest_eq(s->lease.parent, none))
		e = parent_table(job, s);
	if (!failed(e))
		e = complete_field(job, &s->complete);
	if (!failed(e))
		e = resume(job, s);
	job->takes_body = !failed(e);
	return e;
}

static struct err patch_finish(struct job *job)
{
	struct upload_state *s = job->state;

	answer_progress(job, &s->lease, 204);
	return ERR_NONE;
}

/* ---- HEAD, DELETE ---- */

static struct err head_check(struct job *job)
{
	struct upload lease;
	struct err e = find_lease(job, &lease);

	if (!failed(e))
		answer_progress(job, &lease, 204);
	return e;
}

static struct err drop_check(struct job *job)
{
	struct upload_state *s = job_state(job, sizeof(*s));
	struct err e = arena_check(&job->arena);

	if (failed(e))
		return e;
	state_init(s);
	e = find_lease(job, &s->lease);
	job->writes = !failed(e);
	return e;
}

static struct err drop_apply(struct job *job, struct batch *batch)
{
	struct upload_state *s = job->state;

	core_garbage(job->core, s->lease.doc);
	return upload_del(batch->txn, s->lease.id);
}

static struct err drop_finish(struct job *job)
{
	answer_json(job, 204);
	return ERR_NONE;
}

static void upload_clear(struct job *job)
{
	struct upload_state *s = job->state;

	buf_clear(&s->table);
	parts_clear(&s->ready);
	parts_clear(&s->spare);
	free(s->part);
	if (s->has_lock)
		pthread_mutex_destroy(&s->lock);
}

const struct operation op_upload_new = {
	.name = "upload.new",
	.method = "POST",
	.path = "/v1/documents/{}/content",
	.listeners = 1u << CORE_DEVICE,
	.askers = ASKER_DEVICE,
	.rights = SUBJECT_WRITE,
	.check = new_check,
	.apply = upload_apply,
	.finish = new_finish,
	.body = upload_body,
	.body_store = upload_store,
	.body_end = upload_body_end,
	.clear = upload_clear,
};
const struct operation op_upload_patch = {
	.name = "upload.append",
	.method = "PATCH",
	.path = "/v1/uploads/{}",
	.listeners = 1u << CORE_DEVICE,
	.askers = ASKER_DEVICE,
	.rights = SUBJECT_WRITE,
	.check = patch_check,
	.apply = upload_apply,
	.finish = patch_finish,
	.body = upload_body,
	.body_store = upload_store,
	.body_end = upload_body_end,
	.clear = upload_clear,
};
const struct operation op_upload_head = {
	.name = "upload.head",
	.method = "HEAD",
	.path = "/v1/uploads/{}",
	.listeners = 1u << CORE_DEVICE,
	.askers = ASKER_DEVICE,
	.check = head_check,
};
const struct operation op_upload_drop = {
	.name = "upload.drop",
	.method = "DELETE",
	.path = "/v1/uploads/{}",
	.listeners = 1u << CORE_DEVICE,
	.askers = ASKER_DEVICE,
	.check = drop_check,
	.apply = drop_apply,
	.finish = drop_finish,
	.clear = upload_clear,
};
