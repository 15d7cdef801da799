/*
 * Uploads in pieces (draft-ietf-httpbis-resumable-upload): POST begins one,
 * HEAD tells how far it came, PATCH goes on, DELETE drops it.
 *
 * The bytes are the content blob: table, then segments.  The table is checked
 * against the digest in the query before a segment is taken, each segment
 * against the table before it is kept.  Upload-Offset rests on what is
 * durable: table and whole segments.
 */
#include <inttypes.h>
#include <stdio.h>

#include "proto/document/segment.h"
#include "proto/exchange/http.h"
#include "relay/guard/core/ops/ops.h"
#include "storage/segment.h"
#include "storage/upload.h"

enum {
	UPLOADS_MAX = 64, /* leases of one author */
	HEX_ID_LEN = LEASE_ID_LEN * 2,
};

struct upload_state {
	struct upload lease;
	uint64_t at;   /* bytes of the stream taken, kept or pending */
	bool complete; /* Upload-Complete: ?1: this piece is the last */
	struct buf table;
	struct buf segment; /* on its way */
	uint64_t next;	    /* segment */
	struct txn *txn;    /* of one upload_body: the store has one writer,
			     * who may not wait for a client */
	struct span skip;   /* the parent's table: equal segments are left
			     * out; empty without a parent */
};

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

static struct err commit_segments(struct upload_state *s)
{
	bool has_table = s->table.len == segment_table_len(s->lease.size);
	struct err e = ERR_NONE;

	if (s->txn)
		e = txn_commit(&s->txn);
	/* A part of the table is kept nowhere. */
	if (!failed(e))
		s->lease.offset = has_table ? s->at - s->segment.len : 0;
	return e;
}

static struct err begin_segments(struct job *job, struct upload_state *s)
{
	if (s->txn)
		return ERR_NONE;
	return txn_begin_write(job->core->store, STORE_SEGMENTS, &s->txn);
}

static struct err table_done(struct job *job, struct upload_state *s)
{
	struct digest digest;
	struct err e = segment_table_digest(buf_span(&s->table), &digest);

	if (!failed(e) && !digest_eq(digest, s->lease.table))
		e = err_make(ERR_DIGEST,
			     "the table is not the one that was announced");
	if (!failed(e))
		e = begin_segments(job, s);
	if (!failed(e))
		e = segment_table_put(s->txn, s->lease.doc, s->lease.table,
				      buf_span(&s->table));
	if (failed(e))
		return e;
	s->lease.total =
		stream_len(s->lease.size, buf_span(&s->table), s->skip);
	step(s);
	return ERR_NONE;
}

static struct err segment_done(struct job *job, struct upload_state *s)
{
	struct segment_entry entry =
		segment_table_at(buf_span(&s->table), s->next);
	struct err e = segment_check(&entry, buf_span(&s->segment));

	if (!failed(e))
		e = begin_segments(job, s);
	if (!failed(e))
		e = segment_put(s->txn, s->lease.doc, entry.digest,
				buf_span(&s->segment));
	if (failed(e))
		return e;
	buf_reset(&s->segment);
	s->next++;
	step(s);
	return ERR_NONE;
}

/* As much of `piece` as belongs to what is being gathered. */
static struct err take(struct job *job, struct upload_state *s,
		       struct span piece, size_t *taken)
{
	uint64_t table_len = segment_table_len(s->lease.size);
	struct buf *to = &s->table;
	uint64_t want = table_len - s->table.len;
	struct err e;

	if (!want) {
		if (s->next == segment_count(s->lease.size))
			return err_make(ERR_TOO_LARGE,
					"more bytes than the blob has");
		to = &s->segment;
		want = segment_sealed_len(s->lease.size, s->next) -
		       s->segment.len;
	}
	*taken = piece.len < want ? piece.len : want;
	buf_put(to, span_sub(piece, 0, *taken));
	e = buf_check(to);
	if (failed(e))
		return e;
	s->at += *taken;
	if (*taken < want)
		return ERR_NONE;
	return to == &s->table ? table_done(job, s) : segment_done(job, s);
}

static struct err upload_body(struct job *job, struct span piece)
{
	struct upload_state *s = job->state;
	struct err e = ERR_NONE;

	while (piece.len && !failed(e)) {
		size_t taken = 0;

		e = take(job, s, piece, &taken);
		piece = span_sub(piece, taken, piece.len);
	}
	if (!failed(e))
		e = commit_segments(s);
	txn_abort(&s->txn);
	return e;
}

/* What came is durable: only then it is counted. */
static struct err upload_body_end(struct job *job, bool complete)
{
	struct upload_state *s = job->state;
	struct err e = commit_segments(s);

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
	buf_init(&s->segment, SEGMENT_SEALED_MAX);
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

	s->at = s->lease.offset;
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

	txn_abort(&s->txn);
	buf_clear(&s->table);
	buf_clear(&s->segment);
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
