/*
 * The channel between front, link and guard: messages, their bytes, and the
 * machine that takes them apart.  No sockets here: that is relay/lane.h.
 *
 * Two processes share two lanes, each a socket pair: REQUESTS, for heads and
 * whole bodies, and BULK, for the pieces of long bodies.  A frame is a u32
 * length of what follows, then kind, id and members; integers big-endian.
 *
 * Nobody waits for a writer: both sides always read, and what is on its way
 * is bounded by promises made before.  On REQUESTS a request declares the
 * largest answer that it can have, and the guard reserves that room before
 * it takes the request up.  On BULK a sender may have sent only as many bytes
 * of a stream as the receiver gave CREDIT for; a stream starts with none, so
 * no piece can overtake the head it belongs to.
 *
 *	front -> guard  REQUEST CANCEL | PIECE END CREDIT
 *	guard -> front  ANSWER         | PIECE END CREDIT
 *	guard -> link   CALL CANCEL
 *	link -> guard   ANSWER
 *	both            HELLO, first on each lane
 */
#ifndef RELAY_CHANNEL_H
#define RELAY_CHANNEL_H

#include "proto/base/buf.h"
#include "proto/base/id.h"

enum {
	CHANNEL_VERSION = 1,
	CHANNEL_FIELDS_MAX = 24,
	CHANNEL_PIECE_MAX = 64 * 1024,
	CHANNEL_WINDOW = 128 * 1024, /* credit of a stream at its start */
	CHANNEL_WINDOW_MAX = 2 * 1024 * 1024, /* and at most, outstanding */
	CHANNEL_HEAD_MAX = 64 * 1024, /* of all members but body and ca */
	CHANNEL_BODY_MAX = 8 * 1024 * 1024,
	CHANNEL_FRAME_MAX = CHANNEL_BODY_MAX + CHANNEL_HEAD_MAX,
	/* On BULK, where a frame holds a piece and little else. */
	CHANNEL_BULK_FRAME_MAX = CHANNEL_PIECE_MAX + 64,
};

enum channel_kind {
	CHANNEL_HELLO = 1, /* amount: CHANNEL_VERSION */
	CHANNEL_REQUEST,   /* listener, certificate, method, authority, target,
			    * fields, body; streams: the body comes in pieces;
			    * amount: the largest answer; status: the front
			    * refuses it, for this enum err_code and for the
			    * detail in `body`, and the guard finds the words */
	CHANNEL_ANSWER,	   /* status, fields, body; streams: the body comes in
			    * pieces and is `amount` bytes long */
	CHANNEL_CANCEL,	   /* the asker has gone; no answer is wanted */
	CHANNEL_PIECE,	   /* body */
	CHANNEL_END,	   /* of a streamed body; whole: nothing is missing */
	CHANNEL_CREDIT,	   /* amount: further bytes of pieces */
	CHANNEL_CALL,	   /* authority: the peer's endpoint; certificate: the
			    * CA to pin (DER), or digest: its SHA-256; method,
			    * target, fields, body; amount: largest answer */
};

struct channel_field {
	struct span name, value;
};

/* One message; members that its kind does not name are zero.  Decoded, it
 * borrows from the machine until the next call. */
struct channel_message {
	enum channel_kind kind;
	uint64_t id; /* chosen by the asker, unique while in use on its lane */
	uint8_t listener;
	uint16_t status; /* 0 of a call's answer: unreachable */
	bool streams;
	bool whole;
	uint64_t amount;
	struct span certificate, method, authority, target, digest;
	const struct channel_field *fields;
	size_t field_count;
	struct span body;
};

/* Appends the frame of `m`; failures show in buf_check: beyond the caps
 * above, or beyond the buffer's own. */
void channel_encode(const struct channel_message *m, struct buf *out);

/* Takes bytes, gives messages. */
struct channel {
	struct buf in;
	size_t taken; /* bytes of `in` that are done with */
	size_t frame_max;
	bool bad;
	struct channel_field fields[CHANNEL_FIELDS_MAX];
};

/* `frame_max`: CHANNEL_FRAME_MAX or CHANNEL_BULK_FRAME_MAX. */
void channel_init(struct channel *c, size_t frame_max);
void channel_clear(struct channel *c);

/* Copies `bytes`. ERR_TOO_LARGE if the owner did not take messages out. */
struct err channel_recv(struct channel *c, struct span bytes);

/*
 * The next whole message, or `have` false.  ERR_MALFORMED for what is no
 * message, a length beyond the cap among it; from then on always.
 */
struct err channel_next(struct channel *c, struct channel_message *m,
			bool *have);

#endif
