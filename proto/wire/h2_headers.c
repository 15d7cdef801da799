/* Heads of requests and responses: collected and judged; submitted. */
#include <stdio.h>
#include <stdlib.h>

#include <nghttp2/nghttp2.h>

#include "proto/wire/h2_session.h"

enum {
	FIELD_OVERHEAD = 32, /* RFC 9113 s.6.5.2 */
	PATIENCE = 4,	     /* a block so many times too large is a flood */
	PSEUDO_MAX = 4,
	STREAMS_AT_FIRST = 100, /* a client's, before SETTINGS */
};

/* ---- reading ---- */

bool h2_head_begin(struct h2 *h2, struct h2_stream *s)
{
	arena_clear(&s->arena);
	s->in = (struct h2_reading){0};
	s->in.fields = arena_array(&s->arena, h2->limits.header_fields,
				   sizeof(*s->in.fields));
	return s->in.fields != NULL;
}

/* Where a pseudo-header field goes; NULL for none that is known. The library
 * refuses others, and doubles (RFC 9113 s.8.3). */
static struct span *pseudo(struct h2_reading *in, struct span name)
{
	if (span_eq_str(name, ":method"))
		return &in->head.method;
	if (span_eq_str(name, ":path"))
		return &in->head.path;
	if (span_eq_str(name, ":authority"))
		return &in->head.authority;
	if (span_eq_str(name, ":scheme"))
		return &in->scheme;
	return NULL;
}

static struct err unreadable(const char *why)
{
	return err_make(ERR_MALFORMED, why);
}

static void keep(struct h2 *h2, struct h2_stream *s, struct span name,
		 struct span value)
{
	struct h2_reading *in = &s->in;
	struct span copy = arena_copy(&s->arena, value);

	if (name.len && name.at[0] == ':') {
		struct span *to = pseudo(in, name);

		if (to)
			*to = copy;
		else if (span_eq_str(name, ":status"))
			in->head.status = (copy.at[0] - '0') * 100 +
					  (copy.at[1] - '0') * 10 +
					  (copy.at[2] - '0');
		else
			in->refusal =
				unreadable("an unknown pseudo-header field");
		if (to == &in->head.path && copy.len > h2->limits.uri_bytes)
			in->refusal = err_make(ERR_URI_TOO_LONG, "the path");
	} else if (h2->server && span_eq_str(name, "host")) {
		if (in->host.at)
			in->refusal = unreadable("two host fields");
		in->host = copy;
	} else {
		in->fields[in->head.count++] =
			(struct h2_field){arena_copy(&s->arena, name), copy};
	}
	if (s->arena.full)
		in->refusal = err_make(ERR_HEAD_TOO_LARGE, "no room for it");
}

bool h2_head_field(struct h2 *h2, struct h2_stream *s, struct span name,
		   struct span value)
{
	struct h2_reading *in = &s->in;
	uint64_t bytes = in->bytes + name.len + value.len + FIELD_OVERHEAD;

	in->seen++;
	in->bytes = bytes > UINT32_MAX ? UINT32_MAX : (uint32_t)bytes;
	/* HPACK makes many fields of few bytes: stop before it costs. */
	if (in->seen > PATIENCE * h2->limits.header_fields ||
	    in->bytes > PATIENCE * h2->limits.header_bytes) {
		h2_doom(h2, NGHTTP2_ENHANCE_YOUR_CALM,
			err_make(ERR_RATE, "a header block beyond measure"));
		return false;
	}
	if (s->head_done || s->hidden || failed(in->refusal))
		return true;
	if (in->seen > h2->limits.header_fields ||
	    in->bytes > h2->limits.header_bytes) {
		in->refusal = in->seen > h2->limits.header_fields
				      ? err_make(ERR_HEAD_TOO_LARGE,
						 "too many fields")
				      : err_make(ERR_HEAD_TOO_LARGE,
						 "too many bytes");
		return true;
	}
	/* The library has checked the three digits; be sure of the length. */
	if (span_eq_str(name, ":status") && value.len != 3) {
		in->refusal = unreadable("a status of another length");
		return true;
	}
	keep(h2, s, name, value);
	return true;
}

/* What the library lets pass and we do not. */
static struct err judge(struct h2_reading *in)
{
	struct h2_head *head = &in->head;

	if (failed(in->refusal))
		return in->refusal;
	if (!head->authority.len)
		head->authority = in->host;
	else if (in->host.at && !span_eq(in->host, head->authority))
		return unreadable("host is not :authority"); /* RFC 9113
							      * s.8.3.1 */
	if (!head->method.len || !head->authority.len || !head->path.len ||
	    head->path.at[0] != '/' || !span_eq_str(in->scheme, "https") ||
	    memchr(head->authority.at, '@', head->authority.len))
		return unreadable("method, scheme, authority or path");
	return ERR_NONE;
}

static void head_complete(struct h2 *h2, struct h2_stream *s, bool end)
{
	s->in.head.fields = s->in.fields;
	s->head_done = true;
	s->head_end = s->in_end = end;
	if (!end && h2->limits.body_idle_ms)
		h2_watch_start(&s->body_watch, h2->now_ms);
	h2_tell(h2, s, TELL_HEAD);
}

void h2_request_complete(struct h2 *h2, struct h2_stream *s, bool end)
{
	s->in.refusal = judge(&s->in);
	if (failed(s->in.refusal))
		h2_fault(h2);
	head_complete(h2, s, end);
	if (h2->limits.requests && h2->requests >= h2->limits.requests &&
	    h2->state == H2_STATE_OPEN) {
		h2->drain_began = true;
		h2_shutdown(h2);
	}
}

void h2_response_complete(struct h2 *h2, struct h2_stream *s, bool end)
{
	if (failed(s->in.refusal)) {
		h2_stream_reset(h2, s, NGHTTP2_CANCEL,
				err_make(ERR_TOO_LARGE, "a response head"));
		return;
	}
	if (s->in.head.status / 100 == 1) {
		s->in.head.fields = s->in.fields;
		h2_tell(h2, s, TELL_INFORM);
		return;
	}
	head_complete(h2, s, end);
}

/* ---- submitting ---- */

static ssize_t pull(nghttp2_session *session, int32_t id, uint8_t *out,
		    size_t len, uint32_t *flags, nghttp2_data_source *source,
		    void *arg)
{
	struct h2_stream *s = h2_stream_find(arg, (uint32_t)id);
	bool end = false;
	size_t n;

	if (!s)
		return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
	n = h2_body_pull(s, len, &end);
	if (!n && !end)
		return NGHTTP2_ERR_DEFERRED;
	/* The bytes go from the stream's queue into ours in send_data. */
	*flags |= NGHTTP2_DATA_FLAG_NO_COPY;
	if (end)
		*flags |= NGHTTP2_DATA_FLAG_EOF;
	return (ssize_t)n;
}

static nghttp2_nv pair(const char *name, struct span value)
{
	return (nghttp2_nv){(uint8_t *)name, (uint8_t *)value.at, strlen(name),
			    value.len, NGHTTP2_NV_FLAG_NONE};
}

/* Pseudo-header fields, then the head's own; owned by the caller. */
static struct err fields_make(const struct h2_head *head,
			      const nghttp2_nv *first, size_t first_count,
			      nghttp2_nv **out, size_t *count)
{
	nghttp2_nv *nv = calloc(first_count + head->count, sizeof(*nv));

	if (!nv)
		return err_make(ERR_NO_MEMORY, "header fields");
	memcpy(nv, first, first_count * sizeof(*nv));
	for (size_t i = 0; i < head->count; i++) {
		const struct h2_field *f = &head->fields[i];

		if (!f->name.len || f->name.at[0] == ':' ||
		    !nghttp2_check_header_name(f->name.at, f->name.len) ||
		    (f->value.len &&
		     !nghttp2_check_header_value_rfc9113(f->value.at,
							 f->value.len))) {
			free(nv);
			return err_make(ERR_USAGE, "no header field");
		}
		nv[first_count + i] =
			(nghttp2_nv){(uint8_t *)f->name.at,
				     (uint8_t *)f->value.at, f->name.len,
				     f->value.len, NGHTTP2_NV_FLAG_NONE};
	}
	*out = nv;
	*count = first_count + head->count;
	return ERR_NONE;
}

static struct err submitted(struct h2 *h2, int rv)
{
	if (rv >= 0)
		return ERR_NONE;
	if (rv == NGHTTP2_ERR_NOMEM)
		return err_make(ERR_NO_MEMORY, "the connection's memory");
	return err_make(ERR_GONE, "the connection takes nothing more");
}

/* A final head, or one of 1xx. */
static struct err answer(struct h2 *h2, uint32_t stream,
			 const struct h2_head *head, bool final, bool body)
{
	struct h2_stream *s = h2_stream_find(h2, stream);
	nghttp2_data_provider provider = {.read_callback = pull};
	nghttp2_nv *nv = NULL;
	nghttp2_nv first;
	size_t count = 0;
	char status[12];
	struct err e;
	int rv;

	if (!s || s->silent)
		return err_make(ERR_GONE, "the stream is closed");
	if (!h2->server || s->answered || head->status < 100 ||
	    head->status > 599 || (head->status >= 200) != final)
		return err_make(ERR_USAGE, "no answer to give here");
	snprintf(status, sizeof(status), "%03d", head->status);
	first = pair(":status", span_of(status, 3));
	e = fields_make(head, &first, 1, &nv, &count);
	if (failed(e))
		return e;
	if (final)
		rv = nghttp2_submit_response(h2->session, (int32_t)stream, nv,
					     count, body ? &provider : NULL);
	else
		rv = nghttp2_submit_headers(h2->session, NGHTTP2_FLAG_NONE,
					    (int32_t)stream, NULL, nv, count,
					    NULL);
	free(nv);
	e = submitted(h2, rv);
	if (failed(e))
		return e;
	s->answered = final;
	s->out_open = final && body;
	return ERR_NONE;
}

struct err h2_respond(struct h2 *h2, uint32_t stream,
		      const struct h2_head *head, bool body)
{
	return answer(h2, stream, head, true, body);
}

struct err h2_inform(struct h2 *h2, uint32_t stream, const struct h2_head *head)
{
	return answer(h2, stream, head, false, false);
}

static bool room_for_streams(struct h2 *h2)
{
	uint32_t max = nghttp2_session_get_remote_settings(
		h2->session, NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS);

	if (!h2->settings_came || max > STREAMS_AT_FIRST)
		max = STREAMS_AT_FIRST;
	return h2->stream_count < max;
}

struct err h2_request(struct h2 *h2, const struct h2_head *head, bool body,
		      void *owner, uint32_t *stream)
{
	nghttp2_data_provider provider = {.read_callback = pull};
	const nghttp2_nv first[PSEUDO_MAX] = {
		pair(":method", head->method),
		pair(":scheme", span_str("https")),
		pair(":authority", head->authority),
		pair(":path", head->path),
	};
	struct h2_stream *s = NULL;
	nghttp2_nv *nv = NULL;
	size_t count = 0;
	struct err e;
	int32_t id;

	if (h2->server || !head->method.len || !head->authority.len ||
	    !head->path.len)
		return err_make(ERR_USAGE, "no request");
	if (h2->state != H2_STATE_OPEN ||
	    !nghttp2_session_check_request_allowed(h2->session))
		return err_make(ERR_GONE, "the connection ends");
	if (!room_for_streams(h2))
		return err_make(ERR_BUSY, "the peer's limit of streams");
	e = fields_make(head, first, PSEUDO_MAX, &nv, &count);
	if (failed(e))
		return e;
	s = h2_stream_add(h2, nghttp2_session_get_next_stream_id(h2->session));
	if (!s) {
		e = err_make(ERR_NO_MEMORY, "a stream");
		goto out;
	}
	id = nghttp2_submit_request(h2->session, NULL, nv, count,
				    body ? &provider : NULL, NULL);
	e = submitted(h2, id);
	if (failed(e))
		goto out;
	s->id = (uint32_t)id;
	s->owner = owner;
	s->answered = true;
	s->out_open = body;
	h2_account_work(&h2->account);
	*stream = s->id;
	s = NULL;
out:
	free(nv);
	h2_stream_free(h2, s); /* does nothing after success */
	return e;
}
