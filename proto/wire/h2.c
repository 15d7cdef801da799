/* HTTP/2 connections: streams, bytes in, events out, bytes out. */
#include <assert.h>
#include <stdlib.h>

#include <nghttp2/nghttp2.h>

#include "proto/wire/h2_session.h"

enum {
	FRAME_HEAD_LEN = 9,
	OUT_FRAMES_MAX =
		500, /* of the library's queue, before we stop reading */
	FLAG_END_HEADERS = 4,
};

/* ---- streams ---- */

struct h2_stream *h2_stream_find(struct h2 *h2, uint32_t id)
{
	struct h2_stream *s = h2->streams;

	while (s && (s->id != id || s->closed))
		s = s->next;
	return s;
}

struct h2_stream *h2_stream_add(struct h2 *h2, uint32_t id)
{
	struct h2_stream *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->id = id;
	queue_init(&s->out, h2->limits.body_buffer);
	/* Fields as they came, the table of them, and alignment. */
	arena_init(&s->arena, h2->limits.header_bytes +
				      h2->limits.header_fields *
					      (sizeof(struct h2_field) + 32));
	if (!h2_head_begin(h2, s)) {
		arena_clear(&s->arena);
		free(s);
		return NULL;
	}
	s->next = h2->streams;
	if (s->next)
		s->next->prev = s;
	h2->streams = s;
	h2->stream_count++;
	return s;
}

void h2_stream_free(struct h2 *h2, struct h2_stream *s)
{
	if (!s)
		return;
	if (s->prev)
		s->prev->next = s->next;
	else
		h2->streams = s->next;
	if (s->next)
		s->next->prev = s->prev;
	if (!s->closed)
		h2->stream_count--;
	queue_clear(&s->out);
	arena_clear(&s->arena);
	free(s);
}

void h2_tell(struct h2 *h2, struct h2_stream *s, unsigned what)
{
	if (s->hidden || s->silent)
		what &= TELL_CLOSED;
	if (!what)
		return;
	s->tell |= what;
	if (s->ready)
		return;
	s->ready = true;
	s->ready_next = NULL;
	if (h2->ready_last)
		h2->ready_last->ready_next = s;
	else
		h2->ready_first = s;
	h2->ready_last = s;
}

void h2_stream_over(struct h2 *h2, struct h2_stream *s, uint32_t code)
{
	if (s->closed)
		return;
	s->closed = true;
	h2->stream_count--;
	if (!h2->stream_count)
		h2->idle_ms = h2->now_ms;
	s->code = code;
	if (code && !failed(s->why))
		s->why = err_make(ERR_GONE, "the stream was reset");
	h2_watch_stop(&s->body_watch);
	h2_watch_stop(&s->out_watch);
	queue_clear(&s->out);
	/* Nobody gives these back any more. */
	if (s->unconsumed > s->passed && h2->state != H2_STATE_FAILED)
		nghttp2_session_consume_connection(h2->session,
						   s->unconsumed - s->passed);
	s->unconsumed = s->passed = 0;
	/* A body cut short is told no further; what was told stays told. */
	if (code)
		s->tell &= ~(unsigned)(TELL_INFORM | TELL_DATA | TELL_END);
	s->tell &= ~(unsigned)(TELL_WRITABLE | TELL_SLOW);
	/* A stream whose head was never told ends untold, at a server. */
	if (h2->server && (!s->head_done || (code && (s->tell & TELL_HEAD))))
		s->hidden = true;
	if (s->hidden)
		s->tell = 0;
	h2_tell(h2, s, TELL_CLOSED);
}

void h2_stream_reset(struct h2 *h2, struct h2_stream *s, uint32_t code,
		     struct err why)
{
	if (s->closed || s->silent)
		return;
	s->silent = s->own_reset = true;
	s->tell = 0;
	s->why = why;
	h2_watch_stop(&s->body_watch);
	h2_watch_stop(&s->out_watch);
	if (nghttp2_submit_rst_stream(h2->session, NGHTTP2_FLAG_NONE,
				      (int32_t)s->id, code) != 0)
		h2_doom(h2, NGHTTP2_INTERNAL_ERROR,
			err_make(ERR_NO_MEMORY, "a reset"));
}

/* ---- the end of a connection ---- */

void h2_doom(struct h2 *h2, uint32_t code, struct err why)
{
	if (h2->doomed)
		return;
	h2->doomed = true;
	h2->doom_code = code;
	h2->doom_why = why;
}

void h2_fault(struct h2 *h2)
{
	if (!h2_account_fault(&h2->account, h2->now_ms))
		h2_doom(h2, NGHTTP2_ENHANCE_YOUR_CALM,
			err_make(ERR_RATE, "too many faults of the peer"));
}

/* RFC 9113 s.6.8, written here so that it goes out whatever state the library
 * is in. */
static void put_goaway(struct h2 *h2, uint32_t code)
{
	struct buf b;

	buf_init(&b, 32);
	buf_put_u16(&b, 0);
	buf_put_u8(&b, 8);
	buf_put_u8(&b, NGHTTP2_GOAWAY);
	buf_put_u8(&b, 0);
	buf_put_u32(&b, 0);
	buf_put_u32(&b, (uint32_t)nghttp2_session_get_last_proc_stream_id(
				h2->session));
	buf_put_u32(&b, code);
	/* Without room the connection just closes. */
	if (!failed(buf_check(&b)))
		(void)!queue_put(&h2->out, buf_span(&b));
	buf_clear(&b);
}

static void h2_enter(struct h2 *h2, enum h2_state next)
{
	assert(next > h2->state);
	h2->state = next;
}

void h2_fail(struct h2 *h2, enum h2_code code, struct err why)
{
	if (h2->state == H2_STATE_FAILED)
		return;
	h2_enter(h2, H2_STATE_FAILED);
	h2->why = why;
	h2->in = span_of(NULL, 0);
	if (!h2->goaway_sent)
		put_goaway(h2, (uint32_t)code);
	for (struct h2_stream *s = h2->streams; s; s = s->next) {
		if (!s->closed && !failed(s->why))
			s->why = why;
		h2_stream_over(h2, s,
			       (uint32_t)code ? (uint32_t)code
					      : NGHTTP2_CANCEL);
	}
}

void h2_shutdown(struct h2 *h2)
{
	if (h2->state != H2_STATE_OPEN)
		return;
	h2_enter(h2, H2_STATE_DRAINING);
	if (!h2->server) {
		h2->drain_ms = 0;
		if (nghttp2_submit_goaway(h2->session, NGHTTP2_FLAG_NONE, 0,
					  NGHTTP2_NO_ERROR, NULL, 0) != 0)
			h2_doom(h2, NGHTTP2_INTERNAL_ERROR,
				err_make(ERR_NO_MEMORY, "a GOAWAY"));
		return;
	}
	h2->drain_ms = h2->now_ms + 1000;
	if (nghttp2_submit_shutdown_notice(h2->session) != 0)
		h2_doom(h2, NGHTTP2_INTERNAL_ERROR,
			err_make(ERR_NO_MEMORY, "a GOAWAY"));
}

/* What the library's return values and our own callbacks ask for. */
static void settle(struct h2 *h2, ssize_t rv)
{
	if (h2->state == H2_STATE_FAILED)
		return;
	if (h2->doomed) {
		h2_fail(h2, (enum h2_code)h2->doom_code, h2->doom_why);
		return;
	}
	if (rv >= 0)
		return;
	switch (rv) {
	case NGHTTP2_ERR_FLOODED:
		h2_fail(h2, H2_ENHANCE_YOUR_CALM,
			err_make(ERR_RATE, "acknowledgements unread"));
		return;
	case NGHTTP2_ERR_NOMEM:
		h2_fail(h2, H2_INTERNAL_ERROR,
			err_make(ERR_NO_MEMORY, "the connection's memory"));
		return;
	default:
		h2_fail(h2, (enum h2_code)NGHTTP2_PROTOCOL_ERROR,
			err_make(ERR_MALFORMED, "the peer breaks HTTP/2"));
	}
}

/* ---- bytes out ---- */

static void fill(struct h2 *h2)
{
	ssize_t len = 0;

	while (h2->state != H2_STATE_FAILED &&
	       queue_len(&h2->out) < h2->limits.out_buffer) {
		const uint8_t *at;

		len = nghttp2_session_mem_send(h2->session, &at);
		if (len > 0 && !queue_put(&h2->out, span_of(at, (size_t)len)))
			len = NGHTTP2_ERR_NOMEM;
		if (len < 0 || h2->doomed)
			settle(h2, len);
		/* DATA goes straight to the queue, in send_data, which also
		 * stops at out_buffer; both ends of work look like 0 here. */
		if (len <= 0)
			break;
	}
}

struct span h2_pending(struct h2 *h2)
{
	fill(h2);
	if (queue_len(&h2->out) == 0)
		h2_watch_stop(&h2->out_watch);
	else if (!h2->out_watch.on)
		h2_watch_start(&h2->out_watch, h2->now_ms);
	return queue_span(&h2->out);
}

void h2_sent(struct h2 *h2, size_t n)
{
	assert(n <= queue_len(&h2->out));
	queue_drop(&h2->out, n);
	if (n)
		h2->out_watch.moved = true;
}

bool h2_congested(const struct h2 *h2)
{
	return queue_len(&h2->out) >= h2->limits.out_buffer ||
	       (h2->state != H2_STATE_FAILED &&
		nghttp2_session_get_outbound_queue_size(h2->session) >
			OUT_FRAMES_MAX);
}

bool h2_done(const struct h2 *h2)
{
	if (queue_len(&h2->out) || h2->ready_first)
		return false;
	if (h2->state == H2_STATE_FAILED)
		return h2->failure_told;
	return !nghttp2_session_want_read(h2->session) &&
	       !nghttp2_session_want_write(h2->session);
}

/* ---- bytes in ---- */

struct err h2_recv(struct h2 *h2, struct span bytes, uint64_t now_ms)
{
	if (now_ms > h2->now_ms)
		h2->now_ms = now_ms;
	if (h2->state == H2_STATE_FAILED)
		return ERR_NONE; /* its events say why */
	if (h2->in.len)
		return err_make(ERR_BUSY, "bytes are still to be read");
	if (!bytes.len)
		return ERR_NONE;
	h2->in = bytes;
	h2->heard_ms = h2->now_ms;
	h2->ping_ms = 0;
	if (!h2_account_received(&h2->account, bytes.len))
		h2_fail(h2, H2_ENHANCE_YOUR_CALM,
			err_make(ERR_RATE, "too few useful bytes"));
	return ERR_NONE;
}

/* The head of a frame is complete. */
static bool frame_begins(struct h2 *h2)
{
	const uint8_t *f = h2->frame;

	h2->frame_left = (size_t)f[0] << 16 | (size_t)f[1] << 8 | f[2];
	if (!h2_account_frame(&h2->account, f, h2->now_ms)) {
		h2_fail(h2, H2_ENHANCE_YOUR_CALM,
			err_make(ERR_RATE, "a flood of frames"));
		return false;
	}
	if (f[3] == NGHTTP2_HEADERS && !h2->reading_head) {
		h2->reading_head = true;
		h2->head_ms = h2->now_ms;
	}
	return true;
}

static void frame_ends(struct h2 *h2)
{
	const uint8_t *f = h2->frame;

	h2->frame_have = 0;
	if ((f[3] == NGHTTP2_HEADERS || f[3] == NGHTTP2_CONTINUATION) &&
	    (f[4] & FLAG_END_HEADERS))
		h2->reading_head = false;
}

/* Hand the library bytes up to the end of a frame, so that each makes few
 * events and is counted before it is looked at. */
static void feed(struct h2 *h2)
{
	struct span part = h2->in;
	size_t n = 0;
	ssize_t rv;

	if (h2->preface_left) {
		n = part.len < h2->preface_left ? part.len : h2->preface_left;
		h2->preface_left -= n;
	} else {
		while (h2->frame_have < FRAME_HEAD_LEN && n < part.len) {
			h2->frame[h2->frame_have++] = part.at[n++];
			if (h2->frame_have == FRAME_HEAD_LEN &&
			    !frame_begins(h2))
				return;
		}
		if (h2->frame_have == FRAME_HEAD_LEN) {
			size_t more = span_sub(part, n, h2->frame_left).len;

			h2->frame_left -= more;
			n += more;
		}
	}
	h2->in = span_sub(part, n, part.len);
	rv = nghttp2_session_mem_recv(h2->session, part.at, n);
	if (!h2->preface_left && h2->frame_have == FRAME_HEAD_LEN &&
	    h2->frame_left == 0)
		frame_ends(h2);
	settle(h2, rv);
	/* After an error of the connection the library reads no more, and its
	 * GOAWAY is waiting. */
	if (h2->state == H2_STATE_OPEN &&
	    !nghttp2_session_want_read(h2->session))
		fill(h2);
}

/* ---- events ---- */

static bool tell_stream(struct h2 *h2, struct h2_stream *s,
			struct h2_event *event)
{
	unsigned what = s->tell & -s->tell; /* the lowest bit */

	*event = (struct h2_event){.stream = s->id,
				   .owner = s->owner,
				   .head = &s->in.head};
	s->tell &= ~what;
	switch ((enum told)what) {
	case TELL_INFORM:
		event->kind = H2_INFORM;
		return true;
	case TELL_HEAD:
		event->kind = h2->server ? H2_REQUEST : H2_RESPONSE;
		event->end = s->head_end;
		event->why = s->in.refusal;
		return true;
	case TELL_DATA:
		event->kind = H2_DATA;
		event->data = s->data;
		return true;
	case TELL_END:
		event->kind = H2_END;
		return true;
	case TELL_WRITABLE:
		event->kind = H2_WRITABLE;
		return true;
	case TELL_SLOW:
		event->kind = H2_SLOW;
		event->why = err_make(ERR_SLOW, "a body too slow");
		return true;
	case TELL_CLOSED:
		event->kind = H2_CLOSED;
		event->code = s->code;
		event->why = s->why;
		return true;
	}
	return false;
}

/* The next thing that some stream has to tell. */
static bool next_of_streams(struct h2 *h2, struct h2_event *event)
{
	while (h2->ready_first) {
		struct h2_stream *s = h2->ready_first;
		bool hidden = s->hidden;
		bool told = s->tell && tell_stream(h2, s, event);

		if (!s->tell) {
			h2->ready_first = s->ready_next;
			if (!h2->ready_first)
				h2->ready_last = NULL;
			s->ready = false;
			if (s->closed)
				h2->dying = s;
		}
		if (told && !hidden)
			return true;
		h2_stream_free(h2, h2->dying);
		h2->dying = NULL;
	}
	return false;
}

bool h2_next(struct h2 *h2, struct h2_event *event)
{
	h2_stream_free(h2, h2->dying);
	h2->dying = NULL;
	if (h2->doomed)
		settle(h2, 0);
	for (;;) {
		if (h2->goaway_came) {
			h2->goaway_came = false;
			*event = (struct h2_event){.kind = H2_GOAWAY,
						   .stream = h2->goaway_last,
						   .code = h2->goaway_code};
			return true;
		}
		if (h2->drain_began) {
			h2->drain_began = false;
			*event = (struct h2_event){.kind = H2_DRAIN};
			return true;
		}
		if (next_of_streams(h2, event))
			return true;
		if (h2->state == H2_STATE_FAILED)
			break;
		if (!h2->in.len)
			return false;
		feed(h2);
	}
	if (h2->failure_told)
		return false;
	h2->failure_told = true;
	*event = (struct h2_event){.kind = H2_FAILED, .why = h2->why};
	return true;
}

size_t h2_streams(const struct h2 *h2)
{
	return h2->stream_count;
}

size_t h2_memory(const struct h2 *h2)
{
	return h2->memory;
}

void h2_set_owner(struct h2 *h2, uint32_t stream, void *owner)
{
	struct h2_stream *s = h2_stream_find(h2, stream);

	if (s)
		s->owner = owner;
}

void h2_reset(struct h2 *h2, uint32_t stream, enum h2_code code)
{
	struct h2_stream *s = h2_stream_find(h2, stream);

	if (s && h2->state != H2_STATE_FAILED)
		h2_stream_reset(h2, s, (uint32_t)code, ERR_NONE);
}
