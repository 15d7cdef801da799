/*
 * The insides of an HTTP/2 connection, for h2*.c alone.
 *
 *   h2.c            streams, bytes in, events out, bytes out
 *   h2_life.c       made and freed; start values; the library's memory
 *   h2_callbacks.c  what nghttp2 tells
 *   h2_headers.c    heads: collected and judged; submitted
 *   h2_body.c       bodies sent and consumed
 *   h2_time.c       deadlines
 *
 * Nothing here needs nghttp2's header, so that it stands in the .c files.
 */
#ifndef PROTO_WIRE_H2_SESSION_H
#define PROTO_WIRE_H2_SESSION_H

#include "proto/base/arena.h"
#include "proto/wire/h2.h"
#include "proto/wire/h2_account.h"
#include "proto/wire/queue.h"

/* Of `out`, beyond out_buffer: what one call of the library may make. */
enum { H2_OUT_SLACK = 64 * 1024 };

/* What waits to be told of a stream, told in this order. */
enum told {
	TELL_INFORM = 1,
	TELL_HEAD = 2,
	TELL_DATA = 4,
	TELL_END = 8,
	TELL_WRITABLE = 16,
	TELL_SLOW = 32,
	TELL_CLOSED = 64,
};

/* A head while it is read. */
struct h2_reading {
	struct h2_head head;
	struct span scheme, host;
	struct h2_field *fields;
	uint32_t seen;	    /* fields, kept or not */
	uint32_t bytes;	    /* with 32 for each */
	struct err refusal; /* what the owner answers it with */
};

/* A span of time that must show progress. A period never begins before what
 * it measures: the first one is only the beginning. */
struct h2_watch {
	bool on, moved;
	uint64_t from_ms;
	uint64_t bytes;
};

struct h2_stream {
	struct h2_stream *prev, *next; /* of the connection */
	struct h2_stream *ready_next;  /* of those with something to tell */
	bool ready;
	unsigned tell;
	uint32_t id;
	void *owner;

	struct arena arena; /* of the head */
	struct h2_reading in;
	bool head_done;	  /* the final head is complete */
	bool head_end;	  /* and no body follows */
	bool in_end;	  /* the peer's side is complete */
	bool silent;	  /* tells no more but its end */
	bool slow_told;	  /* the owner may answer, until the watch ends again */
	bool hidden;	  /* tells nothing at all */
	struct span data; /* of TELL_DATA */
	uint64_t unconsumed; /* of the stream's window */
	uint64_t passed;     /* of them, given back to the connection's */
	uint64_t widened;    /* its window, beyond the start value */
	struct h2_watch body_watch;

	struct queue out;
	bool answered; /* a final head was submitted */
	bool out_open; /* h2_body_push is possible */
	bool out_end;
	bool deferred; /* nghttp2 waits for h2_body_push */
	bool wants_room;
	struct h2_watch out_watch;

	bool own_reset; /* a RST_STREAM of ours that is no fault of the peer */
	bool closed;
	uint32_t code;
	struct err why;
};

enum h2_state { H2_STATE_OPEN, H2_STATE_DRAINING, H2_STATE_FAILED };

struct nghttp2_session;
struct nghttp2_session_callbacks;

struct h2 {
	struct nghttp2_session *session;
	size_t memory;
	bool server;
	struct h2_limits limits;
	enum h2_state state;
	uint64_t now_ms, born_ms;
	struct h2_account account;

	struct span in;	  /* bytes to read yet, borrowed */
	uint8_t frame[9]; /* head of the frame being read */
	size_t frame_have;
	size_t frame_left; /* of its payload */
	size_t preface_left;
	bool reading_head; /* a header block is not complete */
	uint64_t head_ms;  /* since then */

	struct queue out;
	struct h2_watch out_watch;

	struct h2_stream *streams;
	size_t stream_count;
	struct h2_stream *ready_first, *ready_last;
	struct h2_stream *dying; /* freed by the next h2_next */
	uint64_t idle_ms;	 /* no stream since */
	uint32_t requests;

	bool settings_came, settings_acked;
	bool goaway_came, drain_began; /* to tell */
	uint32_t goaway_last, goaway_code;
	uint64_t drain_ms; /* the second GOAWAY is due; 0 when sent */
	bool goaway_sent;  /* with an error, by nghttp2 */
	uint64_t heard_ms,
		ping_ms; /* last bytes; PING unanswered since, or 0 */

	bool doomed; /* to fail once nghttp2 has returned */
	uint32_t doom_code;
	struct err doom_why;
	struct err why; /* of H2_STATE_FAILED */
	bool failure_told;
};

/* h2.c */
struct h2_stream *h2_stream_find(struct h2 *h2, uint32_t id);
struct h2_stream *h2_stream_add(struct h2 *h2, uint32_t id);
void h2_stream_free(struct h2 *h2, struct h2_stream *s);
/* Something to tell; nothing of a hidden stream, only the end of a silent. */
void h2_tell(struct h2 *h2, struct h2_stream *s, unsigned what);
/* The stream is over. */
void h2_stream_over(struct h2 *h2, struct h2_stream *s, uint32_t code);
/* RST_STREAM of ours, for `why`; the stream tells no more but its end. */
void h2_stream_reset(struct h2 *h2, struct h2_stream *s, uint32_t code,
		     struct err why);
/* To fail as soon as nghttp2 has returned. */
void h2_doom(struct h2 *h2, uint32_t code, struct err why);
/* A fault of the peer. */
void h2_fault(struct h2 *h2);

/* h2_callbacks.c */
struct nghttp2_session_callbacks *h2_callbacks_new(void);

/* h2_headers.c */
bool h2_head_begin(struct h2 *h2, struct h2_stream *s);
/* A field; false if the connection must end. */
bool h2_head_field(struct h2 *h2, struct h2_stream *s, struct span name,
		   struct span value);
void h2_request_complete(struct h2 *h2, struct h2_stream *s, bool end);
void h2_response_complete(struct h2 *h2, struct h2_stream *s, bool end);

/* h2_body.c */
/* How many bytes of at most `len` can be sent now; `end` if they are the
 * last. 0 and not `end`: later. */
size_t h2_body_pull(struct h2_stream *s, size_t len, bool *end);
/* A DATA frame of `len` bytes of the stream's queue; false without room. */
bool h2_body_send(struct h2 *h2, struct h2_stream *s,
		  const uint8_t frame_head[9], size_t len);
/* Received bytes of a body. */
void h2_body_came(struct h2 *h2, struct h2_stream *s, struct span data);

/* h2_time.c */
void h2_watch_start(struct h2_watch *w, uint64_t now_ms);
static inline void h2_watch_stop(struct h2_watch *w)
{
	w->on = false;
}

#endif
