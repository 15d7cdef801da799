/*
 * Deadlines of a connection.
 *
 * Time is only told with bytes and by h2_expire, so a period may begin with
 * an old time.  Hence every watch allows one period to pass before it judges:
 * never early, at most twice as late.
 */
#include <nghttp2/nghttp2.h>

#include "proto/wire/h2_session.h"

enum { SETTINGS_TIMEOUT = 4 }; /* RFC 9113 s.7 */

void h2_watch_start(struct h2_watch *w, uint64_t now_ms)
{
	*w = (struct h2_watch){.on = true, .moved = true, .from_ms = now_ms};
}

static uint64_t watch_due(const struct h2_watch *w, uint32_t period_ms)
{
	return w->on && period_ms ? w->from_ms + period_ms : UINT64_MAX;
}

/* True if a whole period passed without progress; else begins the next. */
static bool watch_stuck(struct h2_watch *w, uint32_t period_ms, uint64_t now_ms)
{
	if (watch_due(w, period_ms) > now_ms)
		return false;
	if (!w->moved)
		return true;
	w->moved = false;
	w->bytes = 0;
	w->from_ms = now_ms;
	return false;
}

static uint64_t earlier(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static bool handshaking(const struct h2 *h2)
{
	return !h2->settings_came || !h2->settings_acked;
}

static uint64_t after(uint64_t from_ms, uint32_t ms)
{
	return ms ? from_ms + ms : UINT64_MAX;
}

/* When the next PING is due, or the answer to the last. */
static uint64_t ping_due(const struct h2 *h2)
{
	if (!h2->limits.ping_ms)
		return UINT64_MAX;
	if (h2->ping_ms)
		return after(h2->ping_ms, h2->limits.pong_ms);
	return after(h2->heard_ms, h2->limits.ping_ms);
}

uint64_t h2_deadline(const struct h2 *h2)
{
	const struct h2_limits *l = &h2->limits;
	uint64_t due = watch_due(&h2->out_watch, l->stalled_ms);

	if (h2->state == H2_STATE_FAILED)
		return UINT64_MAX;
	if (handshaking(h2))
		due = earlier(due, after(h2->born_ms, l->settings_ms));
	if (h2->reading_head)
		due = earlier(due, after(h2->head_ms, l->header_ms));
	if (h2->state == H2_STATE_OPEN) {
		due = earlier(due, after(h2->born_ms, l->age_ms));
		if (!h2->stream_count)
			due = earlier(due, after(h2->idle_ms, l->idle_ms));
	} else if (h2->drain_ms) {
		due = earlier(due, h2->drain_ms);
	}
	due = earlier(due, ping_due(h2));
	for (const struct h2_stream *s = h2->streams; s; s = s->next) {
		due = earlier(due, watch_due(&s->body_watch, l->body_idle_ms));
		due = earlier(due, watch_due(&s->out_watch, l->stalled_ms));
	}
	return due;
}

/* The peer cannot send: its owner here has not consumed. */
static bool held_by_owner(const struct h2 *h2, const struct h2_stream *s)
{
	uint64_t all = 0;

	if (s->unconsumed >= (h2->limits.stream_window + s->widened) / 2)
		return true;
	for (const struct h2_stream *o = h2->streams; o; o = o->next)
		all += o->unconsumed - o->passed;
	return all >= h2->limits.connection_window / 2;
}

/* The owner may say so, and has as long again. */
static bool tell_slow(struct h2 *h2, struct h2_stream *s)
{
	if (!h2->server || s->answered || s->slow_told)
		return false;
	s->slow_told = true;
	h2_watch_start(&s->body_watch, h2->now_ms);
	h2_tell(h2, s, TELL_SLOW);
	return true;
}

static void expire_stream(struct h2 *h2, struct h2_stream *s)
{
	const struct h2_limits *l = &h2->limits;
	uint64_t enough = (uint64_t)l->body_rate * l->body_idle_ms / 1000;
	bool slow;

	if (enough == 0)
		enough = 1;
	if (s->body_watch.bytes >= enough || held_by_owner(h2, s))
		s->body_watch.moved = true;
	slow = watch_stuck(&s->body_watch, l->body_idle_ms, h2->now_ms) &&
	       !tell_slow(h2, s);
	if (slow || watch_stuck(&s->out_watch, l->stalled_ms, h2->now_ms))
		h2_stream_reset(h2, s, NGHTTP2_CANCEL,
				err_make(ERR_SLOW, "a body too slow"));
}

static void ping(struct h2 *h2)
{
	if (h2->ping_ms) {
		h2_fail(h2, H2_NO_ERROR,
			err_make(ERR_UNREACHABLE, "a PING without answer"));
		return;
	}
	h2->ping_ms = h2->now_ms;
	if (nghttp2_submit_ping(h2->session, NGHTTP2_FLAG_NONE, NULL) != 0)
		h2_doom(h2, NGHTTP2_INTERNAL_ERROR,
			err_make(ERR_NO_MEMORY, "a PING"));
}

static void drain(struct h2 *h2)
{
	if (h2->state == H2_STATE_OPEN) {
		h2->drain_began = true;
		h2_shutdown(h2);
		return;
	}
	/* The second GOAWAY names the last stream (RFC 9113 s.6.8). */
	h2->drain_ms = 0;
	if (nghttp2_submit_goaway(h2->session, NGHTTP2_FLAG_NONE,
				  nghttp2_session_get_last_proc_stream_id(
					  h2->session),
				  NGHTTP2_NO_ERROR, NULL, 0) != 0)
		h2_doom(h2, NGHTTP2_INTERNAL_ERROR,
			err_make(ERR_NO_MEMORY, "a GOAWAY"));
}

static bool drain_due(const struct h2 *h2)
{
	if (h2->state == H2_STATE_DRAINING)
		return h2->drain_ms && h2->drain_ms <= h2->now_ms;
	return after(h2->born_ms, h2->limits.age_ms) <= h2->now_ms ||
	       (!h2->stream_count &&
		after(h2->idle_ms, h2->limits.idle_ms) <= h2->now_ms);
}

void h2_expire(struct h2 *h2, uint64_t now_ms)
{
	const struct h2_limits *l = &h2->limits;

	if (now_ms > h2->now_ms)
		h2->now_ms = now_ms;
	if (h2->state == H2_STATE_FAILED)
		return;
	if (handshaking(h2) &&
	    after(h2->born_ms, l->settings_ms) <= h2->now_ms) {
		h2_fail(h2, (enum h2_code)SETTINGS_TIMEOUT,
			err_make(ERR_SLOW, "no SETTINGS, or no ACK of ours"));
		return;
	}
	if (h2->reading_head &&
	    after(h2->head_ms, l->header_ms) <= h2->now_ms) {
		h2_fail(h2, H2_ENHANCE_YOUR_CALM,
			err_make(ERR_SLOW, "a header block too slow"));
		return;
	}
	if (watch_stuck(&h2->out_watch, l->stalled_ms, h2->now_ms)) {
		h2_fail(h2, H2_NO_ERROR,
			err_make(ERR_SLOW, "the peer reads nothing"));
		return;
	}
	for (struct h2_stream *s = h2->streams; s; s = s->next)
		if (!s->closed)
			expire_stream(h2, s);
	if (drain_due(h2))
		drain(h2);
	if (ping_due(h2) <= h2->now_ms)
		ping(h2);
}
