/*
 * Link: dials other nations' relays for the guard; transport only.
 *
 * A CALL of the guard becomes one HTTP/2 request.  One connection is kept to
 * each peer (an endpoint with the CA pinned for it), with as many calls at
 * once as the peer allows, LINK_CALLS_AT_ONCE at most.  The client
 * certificate is the relay's own server certificate; the peer's must chain to
 * the pinned CA and carry the endpoint's host.  Whatever fails is an answer
 * with status 0; the guard decides when to try again.
 *
 * Bounds: LINK_DIALS_MAX connections; LINK_CALL_MS for a call, long polls
 * among them; an answer beyond what the call declared is cut: status 0.
 */
#ifndef RELAY_FRONT_LINK_H
#define RELAY_FRONT_LINK_H

#include "relay/lane.h"
#include "relay/table.h"

enum {
	LINK_DIALS_MAX = 256,
	LINK_CALLS_AT_ONCE = 32,
	LINK_CONNECT_MS = 10 * 1000,
	LINK_CALL_MS = 120 * 1000,
	LINK_IDLE_MS = 5 * 60 * 1000,
	LINK_BEAT_MS = 500,
};

struct link_dial;

struct link {
	uv_loop_t *loop;
	struct buf certificate, key; /* PEM, of the server */
	struct lanes *guard;
	struct table calls; /* by the guard's id */
	struct link_dial *dials;
	size_t dial_count;
	uv_timer_t beat;
	bool stopping;
};

/* Reads `folder`/tls. */
struct err link_start(struct link *l, uv_loop_t *loop, const char *folder);
void link_set_guard(struct link *l, int requests, int bulk);
void link_stop(struct link *l);
void link_clear(struct link *l);

#endif
