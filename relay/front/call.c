#include "relay/front/call.h"
#include "relay/child.h"
#include "relay/front/dial.h"
#include "relay/log.h"

#include <stdlib.h>

enum { HEAD_MAX = 32 * 1024 };

void call_free(struct call *c)
{
	buf_clear(&c->bytes);
	buf_clear(&c->head);
	buf_clear(&c->answer);
	free(c);
}

void call_over(struct link *l, struct call *c, int status)
{
	struct channel_field fields[CHANNEL_FIELDS_MAX];
	struct channel_message m = {.kind = CHANNEL_ANSWER,
				    .id = c->id,
				    .status = (uint16_t)status,
				    .fields = fields};
	struct span_reader r = span_read(buf_span(&c->head));

	if (status) {
		for (size_t i = 0; i < c->head_count; i++) {
			fields[i].name = span_read_var(&r);
			fields[i].value = span_read_var(&r);
		}
		m.field_count = c->head_count;
		m.body = buf_span(&c->answer);
	}
	table_take(&l->calls, c->id);
	if (l->guard)
		lanes_send(l->guard, LANE_REQUESTS, &m);
	if (!log_is_quiet()) {
		struct log_line line;

		log_begin(&line, "call");
		log_str(&line, "peer", c->dial ? c->dial->endpoint : "");
		log_span(&line, "method", c->method);
		log_u64(&line, "status", (uint64_t)status);
		log_u64(&line, "ms", child_now_ms() - c->began_ms);
		log_end(&line);
	}
	call_free(c);
}

struct err call_new(const struct channel_message *m, struct call **out)
{
	struct call *c = calloc(1, sizeof(*c));
	const uint8_t *at;

	if (!c)
		return err_make(ERR_NO_MEMORY, "call");
	c->id = m->id;
	c->answer_max = (size_t)m->amount;
	c->began_ms = child_now_ms();
	buf_init(&c->bytes, CHANNEL_FRAME_MAX);
	buf_init(&c->head, HEAD_MAX);
	buf_init(&c->answer, c->answer_max);
	buf_put(&c->bytes, m->method);
	buf_put(&c->bytes, m->authority);
	buf_put(&c->bytes, m->target);
	for (size_t i = 0; i < m->field_count; i++) {
		buf_put(&c->bytes, m->fields[i].name);
		buf_put(&c->bytes, m->fields[i].value);
	}
	buf_put(&c->bytes, m->body);
	if (c->bytes.bad || m->amount > CHANNEL_BODY_MAX) {
		call_free(c);
		return err_make(ERR_TOO_LARGE, "call");
	}
	at = c->bytes.at;
#define TAKE(len) ((at += (len)), span_of(at - (len), (len)))
	c->method = TAKE(m->method.len);
	c->authority = TAKE(m->authority.len);
	c->target = TAKE(m->target.len);
	for (size_t i = 0; i < m->field_count; i++) {
		c->fields[i].name = TAKE(m->fields[i].name.len);
		c->fields[i].value = TAKE(m->fields[i].value.len);
	}
	c->field_count = m->field_count;
	c->body = TAKE(m->body.len);
#undef TAKE
	*out = c;
	return ERR_NONE;
}

void call_keep_head(struct call *c, const struct h2_head *head)
{
	c->status = head->status;
	buf_reset(&c->head);
	c->head_count = 0;
	for (size_t i = 0;
	     i < head->count && c->head_count < CHANNEL_FIELDS_MAX; i++) {
		if (c->head.len + head->fields[i].name.len +
			    head->fields[i].value.len + 4 >
		    HEAD_MAX)
			break;
		buf_put_var(&c->head, head->fields[i].name);
		buf_put_var(&c->head, head->fields[i].value);
		c->head_count++;
	}
}
