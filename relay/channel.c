#include "relay/channel.h"

#include <string.h>

enum { FLAG_STREAMS = 1, FLAG_WHOLE = 2 };

static void put_long(struct buf *out, struct span bytes)
{
	buf_put_u32(out, (uint32_t)bytes.len);
	buf_put(out, bytes);
}

static size_t head_len(const struct channel_message *m)
{
	size_t n = m->method.len + m->authority.len + m->target.len +
		   m->certificate.len + m->digest.len;

	for (size_t i = 0; i < m->field_count; i++)
		n += m->fields[i].name.len + m->fields[i].value.len + 4;
	return n;
}

static void put_fields(const struct channel_message *m, struct buf *out)
{
	buf_put_u16(out, (uint16_t)m->field_count);
	for (size_t i = 0; i < m->field_count; i++) {
		buf_put_var(out, m->fields[i].name);
		buf_put_var(out, m->fields[i].value);
	}
}

/* The members of each kind, after kind and id. */
static void put_members(const struct channel_message *m, struct buf *out)
{
	switch (m->kind) {
	case CHANNEL_HELLO:
	case CHANNEL_CREDIT:
		buf_put_u64(out, m->amount);
		break;
	case CHANNEL_REQUEST:
	case CHANNEL_CALL:
		buf_put_u8(out, m->listener);
		buf_put_u16(out, m->status);
		buf_put_u8(out, m->streams ? FLAG_STREAMS : 0);
		buf_put_u64(out, m->amount);
		buf_put_var(out, m->certificate);
		buf_put_var(out, m->digest);
		buf_put_var(out, m->method);
		buf_put_var(out, m->authority);
		buf_put_var(out, m->target);
		put_fields(m, out);
		put_long(out, m->body);
		break;
	case CHANNEL_ANSWER:
		buf_put_u16(out, m->status);
		buf_put_u8(out, m->streams ? FLAG_STREAMS : 0);
		buf_put_u64(out, m->amount);
		put_fields(m, out);
		put_long(out, m->body);
		break;
	case CHANNEL_CANCEL:
		break;
	case CHANNEL_PIECE:
		put_long(out, m->body);
		break;
	case CHANNEL_END:
		buf_put_u8(out, m->whole ? FLAG_WHOLE : 0);
		break;
	}
}

void channel_encode(const struct channel_message *m, struct buf *out)
{
	size_t start = out->len, len;

	if (m->field_count > CHANNEL_FIELDS_MAX ||
	    head_len(m) > CHANNEL_HEAD_MAX - 64 ||
	    m->body.len > (m->kind == CHANNEL_PIECE ? CHANNEL_PIECE_MAX
						    : CHANNEL_BODY_MAX)) {
		out->bad = true;
		return;
	}
	buf_put_u32(out, 0);
	buf_put_u8(out, (uint8_t)m->kind);
	buf_put_u64(out, m->id);
	put_members(m, out);
	if (out->bad)
		return;
	len = out->len - start - 4;
	for (int i = 0; i < 4; i++)
		out->at[start + i] = (uint8_t)(len >> (24 - 8 * i));
}

void channel_init(struct channel *c, size_t frame_max)
{
	*c = (struct channel){.frame_max = frame_max};
	/* A whole frame, and one reading of the socket beyond it. */
	buf_init(&c->in, frame_max + 512 * 1024);
}

void channel_clear(struct channel *c)
{
	buf_clear(&c->in);
	c->taken = 0;
}

struct err channel_recv(struct channel *c, struct span bytes)
{
	buf_consume(&c->in, c->taken);
	c->taken = 0;
	/* A large frame's room goes back when it is empty again. */
	if (c->in.len == 0 && c->in.room > 512 * 1024)
		buf_clear(&c->in);
	buf_put(&c->in, bytes);
	return buf_check(&c->in);
}

static struct span read_long(struct span_reader *r)
{
	uint32_t len = span_read_u32(r);

	return span_read_raw(r, len);
}

static void read_fields(struct channel *c, struct span_reader *r,
			struct channel_message *m)
{
	size_t count = span_read_u16(r);

	if (count > CHANNEL_FIELDS_MAX) {
		r->bad = true;
		return;
	}
	for (size_t i = 0; i < count; i++) {
		c->fields[i].name = span_read_var(r);
		c->fields[i].value = span_read_var(r);
	}
	m->fields = c->fields;
	m->field_count = count;
}

static bool read_flag(struct span_reader *r, uint8_t flag)
{
	uint8_t v = span_read_u8(r);

	if (v & ~flag)
		r->bad = true;
	return v & flag;
}

static void read_members(struct channel *c, struct span_reader *r,
			 struct channel_message *m)
{
	switch (m->kind) {
	case CHANNEL_HELLO:
	case CHANNEL_CREDIT:
		m->amount = span_read_u64(r);
		return;
	case CHANNEL_REQUEST:
	case CHANNEL_CALL:
		m->listener = span_read_u8(r);
		m->status = span_read_u16(r);
		m->streams = read_flag(r, FLAG_STREAMS);
		m->amount = span_read_u64(r);
		m->certificate = span_read_var(r);
		m->digest = span_read_var(r);
		m->method = span_read_var(r);
		m->authority = span_read_var(r);
		m->target = span_read_var(r);
		read_fields(c, r, m);
		m->body = read_long(r);
		return;
	case CHANNEL_ANSWER:
		m->status = span_read_u16(r);
		m->streams = read_flag(r, FLAG_STREAMS);
		m->amount = span_read_u64(r);
		read_fields(c, r, m);
		m->body = read_long(r);
		return;
	case CHANNEL_CANCEL:
		return;
	case CHANNEL_PIECE:
		m->body = read_long(r);
		if (m->body.len > CHANNEL_PIECE_MAX)
			r->bad = true;
		return;
	case CHANNEL_END:
		m->whole = read_flag(r, FLAG_WHOLE);
		return;
	}
	r->bad = true;
}

struct err channel_next(struct channel *c, struct channel_message *m,
			bool *have)
{
	struct span_reader r =
		span_read(span_of(c->in.at + c->taken, c->in.len - c->taken));
	uint32_t len;

	*have = false;
	if (c->bad)
		return err_make(ERR_MALFORMED, "channel: after a fault");
	if (r.left.len < 4)
		return ERR_NONE;
	len = span_read_u32(&r);
	if (len < 9 || len > c->frame_max) {
		c->bad = true;
		return err_make(ERR_MALFORMED, "channel: length of a frame");
	}
	if (r.left.len < len)
		return ERR_NONE;
	r = span_read(span_sub(r.left, 0, len));
	*m = (struct channel_message){0};
	m->kind = (enum channel_kind)span_read_u8(&r);
	m->id = span_read_u64(&r);
	read_members(c, &r, m);
	if (!span_read_done(&r)) {
		c->bad = true;
		return err_make(ERR_MALFORMED, "channel: members of a message");
	}
	c->taken += 4 + (size_t)len;
	*have = true;
	return ERR_NONE;
}
