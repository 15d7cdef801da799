/* The requests of a pull. */
#include <stdio.h>

#include "federation/pull_state.h"
#include "proto/base/base64.h"
#include "proto/document/segment.h"

static struct err sign(struct pull *p, struct pull_call *c, const char *method,
		       uint64_t now_ms)
{
	struct http_request request = {
		.method = http_method_parse(span_str(method)),
		.authority = span_str(p->endpoint),
		.body = buf_span(&c->body),
	};
	struct err e = http_target_split(buf_span(&c->target), &request.path,
					 &request.query);

	if (!failed(e))
		e = signature_sign(p->config.request_key, &request, &p->nonce,
				   now_ms / 1000, &c->signature);
	p->has_nonce = false;
	return e;
}

static struct err make_page(struct pull *p, struct pull_call *c)
{
	char ask[PAGE_ASK_LEN * 2], number[24];
	bool first = true;
	struct err e = random_fill(&p->config.random, p->ask, PAGE_ASK_LEN);

	if (failed(e))
		return e;
	base64url_encode_to(SPAN_OBJ(p->ask), ask);
	buf_put_str(&c->target, "/v1/changes");
	http_query_put(&c->target, &first, "ask", span_str(ask));
	snprintf(number, sizeof(number), "%d", PULL_ROWS);
	http_query_put(&c->target, &first, "limit", span_str(number));
	if (p->cursor[0])
		http_query_put(&c->target, &first, "since",
			       span_str(p->cursor));
	snprintf(number, sizeof(number), "%d", PULL_WAIT_S);
	http_query_put(&c->target, &first, "wait", span_str(number));
	return buf_check(&c->target);
}

static struct err make_ticks(struct pull *p, struct pull_call *c)
{
	char ask[PAGE_ASK_LEN * 2], minute[TICKS_MINUTE_TEXT];
	bool first = true;
	struct err e = random_fill(&p->config.random, p->ask, PAGE_ASK_LEN);

	if (failed(e))
		return e;
	base64url_encode_to(SPAN_OBJ(p->ask), ask);
	ticks_minute_format(p->config.tick_minute, minute);
	buf_put_str(&c->target, "/v1/peer/ticks");
	if (p->config.has_tick)
		http_query_put(&c->target, &first, "after", span_str(minute));
	http_query_put(&c->target, &first, "ask", span_str(ask));
	return buf_check(&c->target);
}

static struct err make_witness(struct pull *p, struct pull_call *c)
{
	buf_put_str(&c->target, "/v1/peer/ticks");
	buf_put(&c->body, buf_span(&p->witness));
	return buf_check(&c->body);
}

static struct err make_keys(struct pull *p, struct pull_call *c,
			    uint64_t now_ms)
{
	struct keys_request request = {
		.wants = p->keys_wanted + p->keys_asked,
		.count = p->keys_count - p->keys_asked,
	};
	struct err e;

	if (request.count > KEYS_MAX)
		request.count = KEYS_MAX;
	buf_put_str(&c->target, "/v1/keys");
	keys_request_encode(&request, &c->body);
	e = buf_check(&c->body);
	if (!failed(e))
		e = sign(p, c, "POST", now_ms);
	if (!failed(e))
		p->keys_asked += request.count;
	return e;
}

/* The part of the blob that comes next: all of a small one; else the table,
 * then a few segments. */
struct http_range pull_range(const struct pull_want *w)
{
	struct http_range r = {0, segment_blob_len(w->size)};
	uint64_t end = w->next + PULL_SEGMENTS_A_CALL;

	if (w->size <= SEGMENT_SMALL_MAX)
		return r;
	if (!w->table_bytes.len) {
		r.len = segment_table_len(w->size);
		return r;
	}
	if (end > segment_count(w->size))
		end = segment_count(w->size);
	r.from = segment_offset(w->size, w->next);
	r.len = segment_offset(w->size, end - 1) +
		segment_sealed_len(w->size, end - 1) - r.from;
	return r;
}

static struct err make_want(struct pull *p, struct pull_call *c,
			    struct pull_want *w)
{
	char text[DIGEST_TEXT_LEN + 1], id[DOC_ID_TEXT_LEN + 1];
	struct http_range range;
	bool first = true;

	digest_format(w->name, text);
	switch (w->kind) {
	case WANT_CERTIFICATES:
		buf_put_str(&c->target, "/v1/peer/certificates");
		break;
	case WANT_AUTHOR:
		buf_printf(&c->target, "/v1/authors/%s", text);
		break;
	case WANT_LABEL:
		buf_printf(&c->target, "/v1/labels/%s", text);
		break;
	case WANT_CONTENT:
		doc_id_format(w->doc, id);
		buf_printf(&c->target, "/v1/documents/%s/content", id);
		http_query_put(&c->target, &first, "revision", span_str(text));
		range = pull_range(w);
		http_range_format(range, &c->range);
		break;
	}
	w->state = WANT_ASKED;
	c->want = w;
	return buf_check(&c->target);
}

static struct pull_want *next_want(struct pull *p)
{
	bool content = p->state == PULL_CONTENT;

	/* Certificates first: authors stand under them. */
	for (size_t i = 0; i < p->want_count; i++)
		if (p->wants[i].state == WANT_TODO &&
		    (p->wants[i].kind == WANT_CONTENT) == content)
			return &p->wants[i];
	return NULL;
}

static bool make(struct pull *p, struct pull_call *c, uint64_t now_ms,
		 const char **method, struct err *e)
{
	struct pull_want *w;

	*method = "GET";
	*e = ERR_NONE;
	switch (p->state) {
	case PULL_ME:
		if (pull_busy(p))
			return false;
		buf_put_str(&c->target, "/v1/me");
		return true;
	case PULL_PAGE:
		if (pull_busy(p))
			return false;
		if (now_ms >= p->ticks_due_ms) {
			p->state = PULL_TICKS;
			*e = make_ticks(p, c);
		} else {
			*e = make_page(p, c);
		}
		return true;
	case PULL_TICKS:
		if (pull_busy(p))
			return false;
		*e = make_ticks(p, c);
		return true;
	case PULL_WITNESS:
		if (pull_busy(p))
			return false;
		*method = "POST";
		*e = make_witness(p, c);
		return true;
	case PULL_KEYS:
		if (pull_busy(p) || p->keys_asked == p->keys_count)
			return false;
		if (!p->has_nonce) { /* one that was used up elsewhere */
			buf_put_str(&c->target, "/v1/me");
			return true;
		}
		*method = "POST";
		*e = make_keys(p, c, now_ms);
		return true;
	case PULL_FACTS:
	case PULL_CONTENT:
		w = next_want(p);
		if (!w)
			return false;
		*e = make_want(p, c, w);
		return true;
	case PULL_WAITING:
	case PULL_HEARD:
	case PULL_READY:
		break;
	}
	return false;
}

static struct pull_call *free_call(struct pull *p, unsigned *slot)
{
	for (unsigned i = 0; i < PULL_CALLS_MAX; i++)
		if (!p->calls[i].busy) {
			struct pull_call *c = &p->calls[i];

			*slot = i;
			buf_reset(&c->target);
			buf_reset(&c->body);
			buf_reset(&c->range);
			signature_fields_clear(&c->signature);
			signature_fields_init(&c->signature);
			c->want = NULL;
			return c;
		}
	return NULL;
}

bool pull_next(struct pull *p, uint64_t now_ms, struct pull_request *out)
{
	const char *method;
	struct pull_call *c;
	struct err e;

	if (p->state == PULL_WAITING && now_ms >= p->due_ms)
		p->state = PULL_ME;
	c = free_call(p, &out->slot);
	if (!c || !make(p, c, now_ms, &method, &e))
		return false;
	if (failed(e)) {
		pull_failed(p, now_ms);
		return false;
	}
	c->busy = true;
	c->state = p->state;
	c->age = p->age;
	out->method = span_str(method);
	out->target = buf_span(&c->target);
	out->body = buf_span(&c->body);
	out->answer_max = PULL_ANSWER_MAX;
	out->field_count = 0;
	if (c->body.len)
		out->fields[out->field_count++] =
			(struct http_field){span_str("content-type"),
					    span_str("application/json")};
	if (c->state == PULL_KEYS && c->body.len) {
		out->fields[out->field_count++] =
			(struct http_field){span_str("content-digest"),
					    buf_span(&c->signature.digest)};
		out->fields[out->field_count++] =
			(struct http_field){span_str("signature-input"),
					    buf_span(&c->signature.input)};
		out->fields[out->field_count++] =
			(struct http_field){span_str("signature"),
					    buf_span(&c->signature.signature)};
	}
	if (c->range.len)
		out->fields[out->field_count++] =
			(struct http_field){span_str("range"),
					    buf_span(&c->range)};
	return true;
}
