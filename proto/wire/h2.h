/*
 * HTTP/2 as a machine: one connection, server or client (RFC 9113).
 *
 * nghttp2 stands in h2*.c alone.  It checks framing and HTTP messaging; this
 * machine adds what it does not: limits on header blocks, an accountant of
 * abuse (h2_account.h), deadlines, and bodies with backpressure in both
 * directions.  Server push is off; trailers are read and dropped.
 *
 * Driving: h2_recv, then h2_next until it says false; answer with h2_respond,
 * h2_body_push and so on; then send h2_pending and report with h2_sent; then
 * ask h2_deadline.  Any of these may make events (h2_pending ends streams), so
 * ask h2_next again before waiting.  Times are milliseconds of any clock that does not jump;
 * they are handed in.
 *
 * Bodies received: every H2_DATA must be given back with h2_consume when the
 * owner is done with it; only that opens the peer's window.  An owner that
 * waits for storage simply consumes later.  Bodies sent: h2_body_push takes
 * at most h2_body_room bytes; H2_WRITABLE says when there is room again.
 *
 * Caps: the limits below, and `memory_max` for everything that one connection
 * makes nghttp2 hold.  A request that passes them is told with the reason
 * (`why` of H2_REQUEST: 431, 414, 400), for its owner to answer; floods meet
 * GOAWAY(ENHANCE_YOUR_CALM) and H2_FAILED.
 */
#ifndef PROTO_WIRE_H2_H
#define PROTO_WIRE_H2_H

#include "proto/base/buf.h"

struct h2;

struct h2_limits {
	uint32_t streams;	/* at once, opened by the peer */
	uint32_t header_bytes;	/* of a block: name + value + 32 each */
	uint32_t header_fields; /* of a block, pseudo-header fields too */
	uint32_t uri_bytes;	/* of :path */
	uint32_t stream_window; /* what a stream may send unconsumed */
	uint32_t connection_window;
	uint32_t body_buffer; /* bytes of h2_body_push held, a stream */
	uint32_t out_buffer;  /* bytes of h2_pending aimed at */
	uint32_t memory_max;  /* held by nghttp2 for this connection */

	/* The accountant: see h2_account.h. */
	uint32_t glitch_burst; /* faults at once */
	uint32_t glitch_per_s; /* and again, each second */
	uint64_t waste_bytes;  /* received bytes / 8 may exceed payload by */

	/* Deadlines; 0 turns one off. */
	uint32_t settings_ms;  /* for preface, SETTINGS and its ACK */
	uint32_t header_ms;    /* from begin to end of a header block */
	uint32_t body_idle_ms; /* without a byte, or below body_rate */
	uint32_t body_rate;    /* bytes a second over body_idle_ms */
	uint32_t stalled_ms;   /* body to send, and the peer takes none */
	uint32_t idle_ms;      /* no stream open: graceful end */
	uint32_t age_ms;       /* of the connection: graceful end */
	uint32_t requests;     /* of the connection: graceful end; 0 none */
	uint32_t ping_ms;      /* silence after which PING is sent */
	uint32_t pong_ms;      /* silence after a PING that ends it */
};

/* The start values of a server: 32 streams, 16 KiB and 64 fields, 64 KiB and
 * 1 MiB windows, 10 s, 30 s, 5 min, 1 h, 10 000 requests, no ping. */
struct h2_limits h2_server_limits(void);
/* Of a client: 1 MiB and 4 MiB windows, no idle, age or request end, PING
 * after 30 s of silence. */
struct h2_limits h2_client_limits(void);

/* Lower-case name (RFC 9113 s.8.2); no pseudo-header fields. */
struct h2_field {
	struct span name, value;
};

struct h2_head {
	/* Request. */
	struct span method, authority, path; /* path with query, as sent */
	/* Response. */
	int status;
	const struct h2_field *fields;
	size_t count;
};

enum h2_kind {
	H2_REQUEST,  /* server: `head`; `end` if no body follows; `why`: to be
			refused with that, and the head is not complete */
	H2_INFORM,   /* client: a 1xx response, `head` */
	H2_RESPONSE, /* client: `head`; `end` if no body follows */
	H2_DATA,     /* `data`; give it back with h2_consume */
	H2_END,	 /* the peer's body is complete (not sent where `end` was) */
	H2_SLOW, /* server: the body comes too slowly, and nothing was answered
		    yet: answer `why`, or the stream is reset after as long
		    again */
	H2_WRITABLE, /* room again, after h2_body_push found too little */
	H2_CLOSED,   /* the stream is over, for good or not: `why`, `code`;
			the last event of a stream */
	H2_GOAWAY,   /* the peer wants no new streams: `stream` is the last one
			it looks at, `code` */
	H2_DRAIN,    /* we began a graceful end: idle, age or requests */
	H2_FAILED,   /* the connection is over: `why`; send what is pending,
			then close. ERR_RATE is a flood, ERR_SLOW a deadline.
			The last event, after an H2_CLOSED of each stream */
};

struct h2_event {
	enum h2_kind kind;
	uint32_t stream;
	void *owner; /* of the stream: h2_set_owner; NULL at first */
	const struct h2_head *head; /* lives until the stream's H2_CLOSED is
				     * followed by another call of h2_next; that
				     * of H2_INFORM until the next call */
	struct span data;	    /* lives until the next call of h2_next */
	bool end;
	uint32_t code; /* RFC 9113 s.7; 0 is no error */
	struct err why;
};

/* RFC 9113 s.7, those an owner may give to h2_reset. */
enum h2_code {
	H2_NO_ERROR = 0,
	H2_INTERNAL_ERROR = 2,
	H2_REFUSED_STREAM = 7,
	H2_CANCEL = 8,
	H2_ENHANCE_YOUR_CALM = 11,
};

/* Owns: h2_free.  `limits` NULL takes the start values. */
struct err h2_new_server(const struct h2_limits *limits, uint64_t now_ms,
			 struct h2 **out);
struct err h2_new_client(const struct h2_limits *limits, uint64_t now_ms,
			 struct h2 **out);
void h2_free(struct h2 *h2);

/*
 * Take bytes from the peer, borrowed until h2_next says false.  Faults of the
 * peer come as H2_FAILED, not here; ERR_BUSY if the bytes before are not
 * finished.
 */
struct err h2_recv(struct h2 *h2, struct span bytes, uint64_t now_ms);

/* The next event; false when all bytes have been read and told. */
bool h2_next(struct h2 *h2, struct h2_event *event);

/* Bytes for the peer, borrowed until the next call; h2_sent drops `n`. */
struct span h2_pending(struct h2 *h2);
void h2_sent(struct h2 *h2, size_t n);

/* True if so much waits to be sent that reading should pause. */
bool h2_congested(const struct h2 *h2);
/* True when nothing will be read or written any more: close. */
bool h2_done(const struct h2 *h2);

/* When h2_expire is due, in ms; UINT64_MAX if never. */
uint64_t h2_deadline(const struct h2 *h2);
/* What is overdue ends; its events come from h2_next. */
void h2_expire(struct h2 *h2, uint64_t now_ms);

/*
 * Server: the response head.  `body`: h2_body_push and h2_body_end follow;
 * else it is complete.  ERR_GONE if the stream is closed (its H2_CLOSED is
 * waiting), ERR_USAGE if it was answered already.
 */
struct err h2_respond(struct h2 *h2, uint32_t stream,
		      const struct h2_head *head, bool body);
/* Server: an informational response (1xx) before the response. */
struct err h2_inform(struct h2 *h2, uint32_t stream,
		     const struct h2_head *head);

/*
 * Client: a request; scheme is https.  ERR_BUSY at the peer's limit of
 * streams, ERR_GONE after GOAWAY or failure.
 */
struct err h2_request(struct h2 *h2, const struct h2_head *head, bool body,
		      void *owner, uint32_t *stream);

/* What h2_body_push takes now; 0 for a stream that is closed. */
size_t h2_body_room(const struct h2 *h2, uint32_t stream);
/* All of `bytes`, copied, or ERR_BUSY and none; ERR_GONE if closed. */
struct err h2_body_push(struct h2 *h2, uint32_t stream, struct span bytes);
/* As many as there is room for; `taken` says how many. If fewer than all,
 * H2_WRITABLE follows later. */
struct err h2_body_push_some(struct h2 *h2, uint32_t stream, struct span bytes,
			     size_t *taken);
/* The body is complete. */
struct err h2_body_end(struct h2 *h2, uint32_t stream);

/* The owner is done with `n` bytes of received body: opens the window. */
void h2_consume(struct h2 *h2, uint32_t stream, size_t n);
/* The same in two steps: the owner has passed `n` bytes on and will consume
 * them later.  The connection's window opens now, the stream's then. */
void h2_pass(struct h2 *h2, uint32_t stream, size_t n);
/* The stream may send `n` bytes more unconsumed, for the rest of its life. */
void h2_widen(struct h2 *h2, uint32_t stream, size_t n);

/* RST_STREAM; H2_CLOSED follows. On a closed stream does nothing. */
void h2_reset(struct h2 *h2, uint32_t stream, enum h2_code code);

void h2_set_owner(struct h2 *h2, uint32_t stream, void *owner);

/* Streams open now. */
size_t h2_streams(const struct h2 *h2);
/* Bytes that nghttp2 holds for this connection. */
size_t h2_memory(const struct h2 *h2);

/*
 * Graceful end: two GOAWAYs, a second apart (RFC 9113 s.6.8); streams that
 * are open finish, then h2_done.  A second call does nothing.
 */
void h2_shutdown(struct h2 *h2);
/* Immediate end: GOAWAY with `code`, every stream closed, H2_FAILED. */
void h2_fail(struct h2 *h2, enum h2_code code, struct err why);

#endif
