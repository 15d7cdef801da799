/*
 * One connection of link to a peer: name look-up, TCP, TLS, HTTP/2, and the
 * calls that wait for it or run on it.
 */
#ifndef RELAY_FRONT_DIAL_H
#define RELAY_FRONT_DIAL_H

#include "proto/wire/h2.h"
#include "proto/wire/tls.h"
#include "relay/address.h"
#include "relay/front/call.h"

struct link_dial {
	struct link *link;
	struct link_dial *next;
	char endpoint[ADDRESS_TEXT_MAX + 1];
	struct address address;
	struct buf ca; /* DER, or empty: then the digest counts */
	struct digest ca_digest;

	uv_getaddrinfo_t lookup;
	struct addrinfo *found, *trying;
	uv_connect_t connect;
	uv_tcp_t tcp;
	uv_write_t write;
	bool tcp_open, looking, writing, closing, draining, moving;
	struct tls *tls;
	struct h2 *h2;
	struct buf out;
	struct call *waiting, **waiting_last;
	size_t active, queued;
	uint64_t began_ms, used_ms;
};

/* The connection that a call may use: same endpoint, same pin; or NULL. */
struct link_dial *dial_find(struct link *l, const struct channel_message *m);
/* A new one; starts at once. ERR_BUSY at LINK_DIALS_MAX, ERR_MALFORMED. */
struct err dial_new(struct link *l, const struct channel_message *m,
		    struct link_dial **out);
/* A call that waits is given up. */
void dial_drop_waiting(struct link_dial *d, struct call *c);
/* Starts calls, moves bytes; closes it when it is over. */
void dial_move(struct link_dial *d);
/* At once: its calls are unreachable. Frees itself when the loop lets go. */
void dial_close(struct link_dial *d, struct err why);

#endif
