/*
 * One request on its way from a stream to the guard, and its answer back.
 *
 *	GATHERING -> ASKED ----> ANSWERING (a whole body) -> DONE
 *	             |  ^  \---> STREAMING (piece by piece) -> DONE
 *	UPLOADING ---+  (asked at once, the body in pieces)
 *
 * Uploads: at most CHANNEL_WINDOW bytes are held; the client's window opens
 * by what the guard gives as credit, when it has stored bytes.  Downloads: at
 * most CHANNEL_WINDOW is held, and the guard gets credit when the client has
 * taken bytes.
 *
 * What the front refuses by itself goes to the guard all the same, without
 * body, for the words and the reference (REQUEST with a status); while there
 * is no guard, the answer bears the front's standing reference.
 */
#ifndef RELAY_FRONT_REQUEST_H
#define RELAY_FRONT_REQUEST_H

#include "relay/front/conn.h"

enum request_state {
	REQUEST_GATHERING,
	REQUEST_UPLOADING,
	REQUEST_ASKED,
	REQUEST_ANSWERING,
	REQUEST_STREAMING,
	REQUEST_DONE,
};

struct request {
	struct conn *conn;
	uint32_t stream;
	uint64_t id; /* with the guard; 0: not there, or no longer */
	enum request_state state;
	struct route route;
	const struct h2_head *head; /* lives as long as the stream */
	bool head_only;		    /* HEAD */
	struct err head_refused;    /* its head is beyond the limits */
	struct err refused;	    /* told when its body is over */
	bool ended;		    /* the client's body is complete */

	struct buf body;   /* gathered; or waits for credit */
	uint64_t received; /* bytes of body */
	uint64_t credit;   /* that the guard gave and that is not used */
	uint64_t credited; /* in all */
	uint64_t allowed;  /* what the client may have sent by now */
	bool end_sent;
	size_t unconsumed; /* of it, that the client's window waits for */
	uint64_t dropped;  /* bytes that came after the answer */

	struct buf answer; /* waits for the client */
	size_t pushed;	   /* bytes of it that are gone */
	uint64_t left;	   /* of a long answer, to come */
	bool answer_ended;
	size_t held; /* of front.held */
};

/* Events of the stream. */
void request_begin(struct conn *c, const struct h2_event *event);
void request_data(struct request *r, struct span data);
void request_end(struct request *r);
/* Its body comes too slowly. */
void request_slow(struct request *r, struct err why);
void request_writable(struct request *r);
void request_closed(struct request *r);

/* From the guard. */
void request_message(struct front *f, const struct channel_message *m);
/* The guard is gone: 503, or the end of a stream. */
void request_guard_lost(struct request *r);

#endif
