/* Bodies: sent from a queue for each stream, received and given back. */
#include <nghttp2/nghttp2.h>

#include "proto/wire/h2_session.h"

enum { FRAME_HEAD_LEN = 9 };

/* ---- sent ---- */

static size_t room(const struct h2 *h2, const struct h2_stream *s)
{
	return h2->limits.body_buffer - queue_len(&s->out);
}

size_t h2_body_pull(struct h2_stream *s, size_t len, bool *end)
{
	size_t have = queue_len(&s->out);

	*end = s->out_end && have <= len;
	if (!have && !*end)
		s->deferred = true;
	return have < len ? have : len;
}

bool h2_body_send(struct h2 *h2, struct h2_stream *s,
		  const uint8_t frame_head[9], size_t len)
{
	if (queue_len(&h2->out) >= h2->limits.out_buffer ||
	    !queue_put(&h2->out, span_of(frame_head, FRAME_HEAD_LEN)))
		return false;
	/* There is room: out_buffer has 64 KiB behind it. */
	if (len &&
	    !queue_put(&h2->out, span_sub(queue_span(&s->out), 0, len))) {
		h2_doom(h2, NGHTTP2_INTERNAL_ERROR,
			err_make(ERR_NO_MEMORY, "a DATA frame"));
		return true;
	}
	queue_drop(&s->out, len);
	s->out_watch.moved = true;
	if (!queue_len(&s->out))
		h2_watch_stop(&s->out_watch);
	if (s->wants_room && room(h2, s) >= h2->limits.body_buffer / 2) {
		s->wants_room = false;
		h2_tell(h2, s, TELL_WRITABLE);
	}
	return true;
}

/* The stream, if a body can be pushed on it. */
static struct h2_stream *open_body(const struct h2 *h2, uint32_t stream)
{
	struct h2_stream *s = h2_stream_find((struct h2 *)h2, stream);

	return s && !s->silent && s->out_open && !s->out_end ? s : NULL;
}

static void resume(struct h2 *h2, struct h2_stream *s)
{
	if (!s->deferred)
		return;
	s->deferred = false;
	nghttp2_session_resume_data(h2->session, (int32_t)s->id);
}

size_t h2_body_room(const struct h2 *h2, uint32_t stream)
{
	const struct h2_stream *s = open_body(h2, stream);

	return s ? room(h2, s) : 0;
}

struct err h2_body_push_some(struct h2 *h2, uint32_t stream, struct span bytes,
			     size_t *taken)
{
	struct h2_stream *s = open_body(h2, stream);
	struct span part;

	*taken = 0;
	if (!s)
		return err_make(ERR_GONE, "the stream takes no body");
	part = span_sub(bytes, 0, room(h2, s));
	if (part.len < bytes.len)
		s->wants_room = true;
	if (!part.len)
		return ERR_NONE;
	if (!queue_put(&s->out, part))
		return err_make(ERR_NO_MEMORY, "a body");
	if (!s->out_watch.on)
		h2_watch_start(&s->out_watch, h2->now_ms);
	resume(h2, s);
	*taken = part.len;
	return ERR_NONE;
}

struct err h2_body_push(struct h2 *h2, uint32_t stream, struct span bytes)
{
	struct h2_stream *s = open_body(h2, stream);
	size_t taken;

	if (s && bytes.len > room(h2, s)) {
		s->wants_room = true;
		return err_make(ERR_BUSY, "the stream has no room");
	}
	return h2_body_push_some(h2, stream, bytes, &taken);
}

struct err h2_body_end(struct h2 *h2, uint32_t stream)
{
	struct h2_stream *s = open_body(h2, stream);

	if (!s)
		return err_make(ERR_GONE, "the stream takes no body");
	s->out_end = true;
	s->wants_room = false;
	resume(h2, s);
	return ERR_NONE;
}

/* ---- received ---- */

void h2_body_came(struct h2 *h2, struct h2_stream *s, struct span data)
{
	if (s->hidden || s->silent) {
		nghttp2_session_consume(h2->session, (int32_t)s->id, data.len);
		return;
	}
	s->unconsumed += data.len;
	s->body_watch.bytes += data.len;
	s->data = data;
	h2_tell(h2, s, TELL_DATA);
}

/* What nghttp2 says of a window; only no memory can be said. */
static void window_moved(struct h2 *h2, int rv)
{
	if (rv != 0)
		h2_doom(h2, NGHTTP2_INTERNAL_ERROR,
			err_make(ERR_NO_MEMORY, "a window update"));
}

void h2_pass(struct h2 *h2, uint32_t stream, size_t n)
{
	struct h2_stream *s = h2_stream_find(h2, stream);

	if (!s || h2->state == H2_STATE_FAILED)
		return;
	if (n > s->unconsumed - s->passed)
		n = s->unconsumed - s->passed;
	s->passed += n;
	if (n)
		window_moved(h2, nghttp2_session_consume_connection(h2->session,
								    n));
}

void h2_consume(struct h2 *h2, uint32_t stream, size_t n)
{
	struct h2_stream *s = h2_stream_find(h2, stream);

	if (!s || h2->state == H2_STATE_FAILED)
		return;
	if (n > s->unconsumed)
		n = s->unconsumed;
	if (n > s->passed)
		h2_pass(h2, stream, n - s->passed);
	if (h2->state == H2_STATE_FAILED)
		return;
	s->unconsumed -= n;
	s->passed -= n;
	if (n)
		window_moved(h2,
			     nghttp2_session_consume_stream(h2->session,
							    (int32_t)s->id, n));
}

void h2_widen(struct h2 *h2, uint32_t stream, size_t n)
{
	struct h2_stream *s = h2_stream_find(h2, stream);
	int32_t now;

	if (!s || s->in_end || h2->state == H2_STATE_FAILED)
		return;
	now = nghttp2_session_get_stream_effective_local_window_size(
		h2->session, (int32_t)s->id);
	if (now < 0 || n > (size_t)(INT32_MAX - now))
		return;
	s->widened += n;
	window_moved(h2,
		     nghttp2_session_set_local_window_size(h2->session,
							   NGHTTP2_FLAG_NONE,
							   (int32_t)s->id,
							   now + (int32_t)n));
}
