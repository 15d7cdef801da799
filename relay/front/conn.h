/*
 * One client's connection: socket, TLS, HTTP/2.  The one place where bytes
 * move; what they ask for is in request.h.
 */
#ifndef RELAY_FRONT_CONN_H
#define RELAY_FRONT_CONN_H

#include "proto/wire/h2.h"
#include "relay/front/server.h"

struct conn {
	struct front *front;
	enum route_listener listener;
	uv_tcp_t tcp;
	uv_timer_t timer;
	uv_write_t write;
	int handles;
	struct tls *tls;
	struct h2 *h2;	/* once TLS is open */
	struct buf out; /* handed to libuv */
	bool writing, reading, closing, ending;
	bool stranger; /* counted as one */
	uint64_t source;
	bool has_certificate;
	struct digest certificate; /* of the client's, DER */
	uint64_t began_ms, moved_ms;
	uint64_t requests;
	struct err why; /* it ended, for the log */

	bool dirty;
	struct conn *dirty_next;
	struct conn *next, *before;
};

/* Accepts from `listener`; counts it, or closes it at a limit. */
void conn_accept(struct front *f, enum route_listener listener);
/* Something changed: its events and bytes move before the loop sleeps. */
void conn_touch(struct conn *c);
/* The same, now. */
void conn_move(struct conn *c);
/* At once; its requests are cancelled. */
void conn_close(struct conn *c, struct err why);
/* No new streams; ends when those open are finished. */
void conn_finish(struct conn *c);

#endif
