/*
 * A front: accepts connections on the three listeners, speaks TLS and HTTP/2
 * with clients (conn.h), and hands requests to the guard (request.h).  It has
 * no document keys, no policy and no store.
 *
 * Limits of one front, each with its place:
 *   FRONT_CONNS_MAX          connections; beyond it closed at accept
 *   FRONT_STRANGERS_MAX      of them without a client certificate (yet)
 *   FRONT_PER_SOURCE_MAX     of those from one address (IPv6: one /64)
 *   FRONT_PER_CERTIFICATE_MAX  of one certificate: the one that was silent
 *                            longest makes room, for a device that lost its
 *                            network comes back before its old connection
 *                            is known to be dead
 *   FRONT_HELD_MAX           bytes of request and answer bodies held; beyond
 *                            it 503
 */
#ifndef RELAY_FRONT_SERVER_H
#define RELAY_FRONT_SERVER_H

#include "proto/wire/tls.h"
#include "relay/control.h"
#include "relay/lane.h"
#include "relay/route.h"
#include "relay/table.h"

enum {
	FRONT_CONNS_MAX = 4096,
	FRONT_STRANGERS_MAX = 256,
	FRONT_PER_SOURCE_MAX = 32,
	FRONT_PER_CERTIFICATE_MAX = 4,
	FRONT_HELD_MAX = 64 * 1024 * 1024,
	FRONT_HANDSHAKE_MS = 10 * 1000,
	FRONT_STOP_MS = 1500,
	FRONT_BACKLOG = 512,
};

struct conn;
struct request;

struct front {
	uv_loop_t *loop;
	struct tls_context *tls[ROUTE_LISTENERS];
	uv_tcp_t listeners[ROUTE_LISTENERS];
	bool listening;

	struct lanes *guard;		       /* NULL while it is away */
	char reference[CONTROL_REFERENCE_MAX]; /* of refusals meanwhile */
	struct table requests;		       /* that the guard has, by id */
	uint64_t last_id;
	size_t held;

	struct conn *conns, *dirty;
	size_t conn_count, stranger_count;
	struct table sources; /* strangers by source, counted */
	uv_idle_t turn;	      /* moves what is dirty, before the loop sleeps */
	uv_timer_t stop_timer;
	bool stopping;
};

/* Reads `folder`/tls; listens on the descriptors. ERR_IO, ERR_MALFORMED,
 * ERR_USAGE for certificate files that do not fit together. */
struct err front_start(struct front *f, uv_loop_t *loop, const char *folder,
		       const int fds[ROUTE_LISTENERS]);
/* New lanes to the guard; those before are dropped. */
void front_set_guard(struct front *f, int requests, int bulk);
/* Of refusals while there is no guard: relay/reference.h. */
void front_set_reference(struct front *f, const char *reference);
/* Accepts no more, lets streams finish (FRONT_STOP_MS at most), closes. */
void front_stop(struct front *f);
void front_clear(struct front *f);

/* ---- between the files of the front ---- */

void front_stranger_left(struct front *f, uint64_t source);
/* There are dirty connections: they move before the loop sleeps. */
void front_touched(struct front *f);
/* A connection is gone. */
void front_conn_gone(struct front *f);

#endif
