/* What nghttp2 tells: each callback finds its stream and hands over. */
#include <nghttp2/nghttp2.h>

#include "proto/wire/h2_session.h"

static int begin_headers(nghttp2_session *session, const nghttp2_frame *frame,
			 void *arg)
{
	struct h2 *h2 = arg;
	uint32_t id = (uint32_t)frame->hd.stream_id;
	struct h2_stream *s;

	if (frame->hd.type != NGHTTP2_HEADERS)
		return 0;
	if (frame->headers.cat == NGHTTP2_HCAT_REQUEST) {
		h2->requests++;
		h2_account_work(&h2->account);
		if (!h2_stream_add(h2, id))
			return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
		return 0;
	}
	s = h2_stream_find(h2, id);
	/* A client's next head; what comes after the final one is trailers. */
	if (s && !s->head_done && !h2_head_begin(h2, s))
		return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
	if (s)
		s->in.seen = s->in.bytes = 0;
	return 0;
}

static int header(nghttp2_session *session, const nghttp2_frame *frame,
		  const uint8_t *name, size_t name_len, const uint8_t *value,
		  size_t value_len, uint8_t flags, void *arg)
{
	struct h2 *h2 = arg;
	struct h2_stream *s = h2_stream_find(h2, (uint32_t)frame->hd.stream_id);

	if (!s)
		return 0;
	if (!h2_head_field(h2, s, span_of(name, name_len),
			   span_of(value, value_len)))
		return NGHTTP2_ERR_CALLBACK_FAILURE;
	return 0;
}

static void headers_came(struct h2 *h2, struct h2_stream *s,
			 const nghttp2_frame *frame)
{
	bool end = frame->hd.flags & NGHTTP2_FLAG_END_STREAM;

	if (s->head_done) {
		/* Trailers (RFC 9113 s.8.1): read, and dropped. */
		if (end) {
			s->in_end = true;
			h2_watch_stop(&s->body_watch);
			h2_tell(h2, s, TELL_END);
		}
	} else if (h2->server) {
		h2_request_complete(h2, s, end);
	} else {
		h2_response_complete(h2, s, end);
	}
}

static int frame_recv(nghttp2_session *session, const nghttp2_frame *frame,
		      void *arg)
{
	struct h2 *h2 = arg;
	struct h2_stream *s;

	switch (frame->hd.type) {
	case NGHTTP2_HEADERS:
		s = h2_stream_find(h2, (uint32_t)frame->hd.stream_id);
		if (s)
			headers_came(h2, s, frame);
		break;
	case NGHTTP2_DATA:
		s = h2_stream_find(h2, (uint32_t)frame->hd.stream_id);
		if (s && (frame->hd.flags & NGHTTP2_FLAG_END_STREAM)) {
			s->in_end = true;
			h2_watch_stop(&s->body_watch);
			h2_tell(h2, s, TELL_END);
		}
		break;
	case NGHTTP2_SETTINGS:
		if (frame->hd.flags & NGHTTP2_FLAG_ACK)
			h2->settings_acked = true;
		else
			h2->settings_came = true;
		break;
	case NGHTTP2_GOAWAY:
		h2->goaway_came = true;
		h2->goaway_last = (uint32_t)frame->goaway.last_stream_id;
		h2->goaway_code = frame->goaway.error_code;
		break;
	default:
		break;
	}
	return 0;
}

static int invalid_frame(nghttp2_session *session, const nghttp2_frame *frame,
			 int error, void *arg)
{
	h2_fault(arg);
	return 0;
}

static int data_chunk(nghttp2_session *session, uint8_t flags, int32_t id,
		      const uint8_t *at, size_t len, void *arg)
{
	struct h2 *h2 = arg;
	struct h2_stream *s = h2_stream_find(h2, (uint32_t)id);

	h2_account_useful(&h2->account, len);
	if (s)
		h2_body_came(h2, s, span_of(at, len));
	else
		nghttp2_session_consume(session, id, len);
	return 0;
}

/* The library ends the connection for a fault of the peer. */
static void goaway_goes(struct h2 *h2, uint32_t code)
{
	if (code == NGHTTP2_NO_ERROR)
		return;
	h2->goaway_sent = true;
	if (code == NGHTTP2_ENHANCE_YOUR_CALM || code == NGHTTP2_INTERNAL_ERROR)
		h2_doom(h2, code, err_make(ERR_RATE, "a flood of frames"));
	else
		h2_doom(h2, code,
			err_make(ERR_MALFORMED, "the peer breaks HTTP/2"));
}

static int frame_send(nghttp2_session *session, const nghttp2_frame *frame,
		      void *arg)
{
	struct h2 *h2 = arg;
	struct h2_stream *s = h2_stream_find(h2, (uint32_t)frame->hd.stream_id);

	switch (frame->hd.type) {
	case NGHTTP2_RST_STREAM:
		/* All but our own are for faults of the peer: malformed
		 * requests, overflown windows, refused streams. */
		if (!s || !s->own_reset)
			h2_fault(h2);
		return 0;
	case NGHTTP2_GOAWAY:
		goaway_goes(h2, frame->goaway.error_code);
		return 0;
	case NGHTTP2_DATA:
		h2_account_useful(&h2->account, frame->hd.length);
		h2_account_work(&h2->account);
		break;
	case NGHTTP2_HEADERS:
		break;
	default:
		return 0;
	}
	/* Answered before the request was complete: the rest of it is not
	 * wanted (RFC 9113 s.8.1). */
	if (s && h2->server && !s->in_end &&
	    (frame->hd.flags & NGHTTP2_FLAG_END_STREAM))
		h2_stream_reset(h2, s, NGHTTP2_NO_ERROR, ERR_NONE);
	return 0;
}

static int frame_not_send(nghttp2_session *session, const nghttp2_frame *frame,
			  int error, void *arg)
{
	struct h2 *h2 = arg;
	struct h2_stream *s;

	if (frame->hd.type != NGHTTP2_HEADERS)
		return 0;
	s = h2_stream_find(h2, (uint32_t)frame->hd.stream_id);
	/* A request that never left has no stream in the library. */
	if (s && frame->headers.cat == NGHTTP2_HCAT_REQUEST)
		h2_stream_over(h2, s, NGHTTP2_REFUSED_STREAM);
	else if (s)
		h2_stream_reset(h2, s, NGHTTP2_INTERNAL_ERROR,
				err_make(ERR_TOO_LARGE, "a head too large"));
	return 0;
}

static int stream_close(nghttp2_session *session, int32_t id, uint32_t code,
			void *arg)
{
	struct h2 *h2 = arg;
	struct h2_stream *s = h2_stream_find(h2, (uint32_t)id);

	if (s)
		h2_stream_over(h2, s, code);
	return 0;
}

static int send_data(nghttp2_session *session, nghttp2_frame *frame,
		     const uint8_t *frame_head, size_t len,
		     nghttp2_data_source *source, void *arg)
{
	struct h2 *h2 = arg;
	struct h2_stream *s = h2_stream_find(h2, (uint32_t)frame->hd.stream_id);

	if (!s)
		return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
	return h2_body_send(h2, s, frame_head, len) ? 0
						    : NGHTTP2_ERR_WOULDBLOCK;
}

nghttp2_session_callbacks *h2_callbacks_new(void)
{
	nghttp2_session_callbacks *c;

	if (nghttp2_session_callbacks_new(&c) != 0)
		return NULL;
	nghttp2_session_callbacks_set_on_begin_headers_callback(c,
								begin_headers);
	nghttp2_session_callbacks_set_on_header_callback(c, header);
	nghttp2_session_callbacks_set_on_frame_recv_callback(c, frame_recv);
	nghttp2_session_callbacks_set_on_invalid_frame_recv_callback(
		c, invalid_frame);
	nghttp2_session_callbacks_set_on_data_chunk_recv_callback(c,
								  data_chunk);
	nghttp2_session_callbacks_set_on_frame_send_callback(c, frame_send);
	nghttp2_session_callbacks_set_on_frame_not_send_callback(
		c, frame_not_send);
	nghttp2_session_callbacks_set_on_stream_close_callback(c, stream_close);
	nghttp2_session_callbacks_set_send_data_callback(c, send_data);
	return c;
}
