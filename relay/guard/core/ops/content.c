/* GET and HEAD /v1/documents/{id}/content: the content blob, with ranges. */
#include "proto/document/segment.h"
#include "proto/exchange/http.h"
#include "relay/guard/core/ops/ops.h"
#include "relay/guard/core/row.h"
#include "storage/segment.h"

struct content_state {
	uint64_t size; /* of the plaintext */
	struct digest table_digest;
	struct http_range range;
	uint64_t total;
	struct buf table;  /* once read */
	struct span whole; /* a small blob, in the arena */
};

static struct err find_head(struct job *job, const struct document_read *read,
			    const struct document_head **out)
{
	struct digest digest;
	struct err e;

	*out = &read->doc.heads[read->winner];
	if (!http_query_has(&job->query, "revision"))
		return ERR_NONE;
	e = http_query_digest(&job->query, "revision", &digest);
	if (failed(e))
		return e;
	for (size_t h = 0; h < read->doc.heads_count; h++)
		if (read->visible[h] &&
		    digest_eq(read->doc.heads[h].digest, digest)) {
			*out = &read->doc.heads[h];
			return ERR_NONE;
		}
	return err_make(ERR_NOT_FOUND, "no such revision for the asker");
}

/* One range is served; several, or a malformed field, give the whole. */
static struct err choose_range(struct job *job, struct content_state *s,
			       int *status)
{
	struct http_range ranges[HTTP_RANGES_MAX];
	struct span value;
	size_t count = 0;
	struct err e = ERR_NONE;

	s->range = (struct http_range){0, s->total};
	*status = 200;
	if (!http_field_get(job->http.fields, "range", &value))
		return ERR_NONE;
	e = http_range_parse(value, s->total, ranges, &count);
	if (e.code == ERR_RANGE)
		return e;
	if (!failed(e) && count == 1) {
		s->range = ranges[0];
		*status = 206;
	}
	return ERR_NONE;
}

static struct err answer(struct job *job, struct content_state *s,
			 const struct document_read *read,
			 const struct document_head *head)
{
	char etag[HTTP_ETAG_TEXT_LEN + 1];
	struct buf field;
	int status;
	struct err e;

	s->size = head->size;
	s->table_digest = head->table;
	s->total = segment_blob_len(head->size);
	if (head->place == DOCUMENT_CONTENT_ABSENT)
		return err_make(ERR_BUSY, "the content is still on its way");
	if (head->place == DOCUMENT_CONTENT_INLINE) {
		s->whole = arena_copy(&job->arena, read->doc.content);
		e = arena_check(&job->arena);
		if (failed(e))
			return e;
		if (s->whole.len != s->total)
			return err_make(ERR_CORRUPT, "documents: content");
	}
	e = choose_range(job, s, &status);
	if (failed(e))
		return e;
	buf_init(&field, 128);
	http_etag_format(head->digest, etag);
	answer_field(job, "etag", span_str(etag));
	answer_field(job, "accept-ranges", span_str("bytes"));
	answer_field(job, "content-type", span_str("application/octet-stream"));
	if (status == 206) {
		http_content_range_format(s->range, s->total, &field);
		answer_field(job, "content-range", buf_span(&field));
	}
	buf_clear(&field);
	job->answer.status = status;
	job->answer.body_streams = true;
	job->answer.body_len = s->range.len;
	job->done = true;
	return ERR_NONE;
}

static struct err content_check(struct job *job)
{
	static const char *const names[] = {"revision", NULL};
	struct content_state *s = job_state(job, sizeof(*s));
	struct document_read *read = arena_alloc(&job->arena, sizeof(*read));
	const struct document_head *head = NULL;
	struct txn *txn = NULL;
	struct view *view = NULL;
	struct err e = arena_check(&job->arena);

	if (!failed(e))
		e = http_query_only(&job->query, names);
	if (!failed(e))
		e = doc_id_parse(job->path.at[2], &job->doc);
	if (failed(e))
		return e;
	buf_init(&s->table, SEGMENT_TABLE_MAX);
	job->has_doc = true;
	e = txn_begin_read(job->core->store, STORE_RECORDS, &txn);
	if (!failed(e))
		e = policing_view(job->policing, job->reader, txn, &view);
	if (!failed(e))
		e = document_read_for(txn, view, job->doc, &job->arena, read);
	if (!failed(e) && !row_may_pass(job, &read->doc))
		e = err_make(ERR_NOT_RELEASABLE, "no transit rule");
	if (!failed(e))
		e = find_head(job, read, &head);
	if (!failed(e))
		e = answer(job, s, read, head);
	view_free(view);
	txn_abort(&txn);
	return e;
}

static struct err table_load(struct job *job, struct content_state *s,
			     struct txn *txn)
{
	struct span table;
	struct err e;

	if (s->table.len)
		return ERR_NONE;
	e = segment_table_get(txn, job->doc, s->table_digest, &table);
	if (failed(e))
		return err_blame(e, ERR_CORRUPT, "segments: table is missing");
	buf_put(&s->table, table);
	return buf_check(&s->table);
}

/* The piece of the blob at `at`: from the table, or from one segment. */
static struct err read_piece(struct job *job, struct content_state *s,
			     struct txn *txn, uint64_t at, uint64_t max,
			     struct buf *out)
{
	uint64_t table_len = segment_table_len(s->size);
	uint64_t first, end;
	struct span piece;
	struct err e = table_load(job, s, txn);

	if (failed(e))
		return e;
	if (at < table_len) {
		buf_put(out, span_sub(buf_span(&s->table), at, max));
		return buf_check(out);
	}
	segment_span(s->size, at, at + 1, &first, &end);
	e = segment_get(txn, job->doc,
			segment_table_at(buf_span(&s->table), first).digest,
			at - segment_offset(s->size, first), max, &piece);
	if (failed(e))
		return err_blame(e, ERR_CORRUPT, "segments: one is missing");
	buf_put(out, piece);
	return buf_check(out);
}

/* Up to `max` bytes of the range from `offset`, as a body piece. */
static struct err content_read(struct job *job, uint64_t offset, size_t max,
			       struct buf *out)
{
	struct content_state *s = job->state;
	uint64_t left = s->range.len - offset;
	struct txn *txn = NULL;
	struct err e = ERR_NONE;

	if (offset > s->range.len)
		return err_make(ERR_RANGE, "beyond the end");
	if (left > max)
		left = max;
	if (s->whole.len) {
		buf_put(out, span_sub(s->whole, s->range.from + offset, left));
		return buf_check(out);
	}
	e = txn_begin_read(job->core->store, STORE_SEGMENTS, &txn);
	while (!failed(e) && left) {
		size_t before = out->len;

		e = read_piece(job, s, txn, s->range.from + offset, left, out);
		offset += out->len - before;
		left -= out->len - before;
		if (!failed(e) && out->len == before)
			e = err_make(ERR_CORRUPT, "segments: one is short");
	}
	txn_abort(&txn);
	return e;
}

static void content_clear(struct job *job)
{
	struct content_state *s = job->state;

	buf_clear(&s->table);
}

const struct operation op_content_get = {
	.name = "content.get",
	.method = "GET",
	.path = "/v1/documents/{}/content",
	.listeners = 1u << CORE_DEVICE | 1u << CORE_PEER,
	.askers = ASKER_DEVICE | ASKER_NATION,
	.check = content_check,
	.read = content_read,
	.clear = content_clear,
};
const struct operation op_content_head = {
	.name = "content.head",
	.method = "HEAD",
	.path = "/v1/documents/{}/content",
	.listeners = 1u << CORE_DEVICE | 1u << CORE_PEER,
	.askers = ASKER_DEVICE | ASKER_NATION,
	.check = content_check,
	.read = content_read,
	.clear = content_clear,
};
