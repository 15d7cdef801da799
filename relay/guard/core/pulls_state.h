/*
 * The insides of the pulls, for pulls*.c alone.
 *
 *   pulls.c         which peers there are; calls out, and what comes back
 *   pulls_call.c    the calls that can be under way
 *   pulls_accept.c  an invitation that our operator accepted
 *   pulls_take.c    a page, into the store; documents that have come home
 */
#ifndef RELAY_GUARD_CORE_PULLS_STATE_H
#define RELAY_GUARD_CORE_PULLS_STATE_H

#include "federation/pull.h"
#include "proto/crypto/certificate.h"
#include "proto/document/invitation.h"
#include "proto/exchange/peering.h"
#include "relay/guard/core/pulls.h"

enum {
	PULLS_PEERS_MAX = 64,
	PULLS_CALLS_MAX = 128,
	PULLS_ARENA_MAX = 4 << 20,
};

/* One request under way. */
struct pulls_call {
	struct core_call call; /* first: handed out as itself */
	bool busy;
	bool accepting; /* an answer to an invitation; else a pull's */
	unsigned slot;	/* of the pull */
	size_t peer;	/* index */
	struct buf ca, target, body;
	struct arena arena;
	/* Accepting. */
	uint8_t token[LEASE_ID_LEN];
	struct invitation_keys keys;
	uint8_t request_mac[INVITATION_MAC_LEN];
	struct digest ca_digest;
};

struct pulls_peer {
	struct nation nation;
	struct pull *pull; /* NULL: suspended */
	char endpoint[PEER_ENDPOINT_MAX + 1];
	struct buf ca;
	enum ticks_fault fault; /* of what it last said */
};

/* A nation's own cursor is complete to `seq`. */
struct pulls_told {
	struct nation nation;
	struct seq seq;
};

struct pulls {
	struct core *core;
	pthread_mutex_t lock; /* calls come from the loop's collector and the
			       * writer: one thread in the daemon, but not by
			       * contract */
	atomic_bool stale;    /* look at peers and tokens again */
	uint64_t look_ms;
	uint64_t accept_ms; /* not before */
	size_t count;
	struct pulls_peer peers[PULLS_PEERS_MAX];
	struct pulls_call outs[PULLS_CALLS_MAX];
	uint64_t next_id;
	pthread_mutex_t told_lock; /* requests come on any thread */
	size_t told_count;
	struct pulls_told told[PULLS_PEERS_MAX];
};

/* A call that nobody uses, emptied and numbered; NULL if there is none. */
struct pulls_call *pulls_call_free(struct pulls *p);

/* pulls_accept.c */
/* The next invitation to be answered: its call, or NULL. */
struct err pulls_accept(struct pulls *p, struct pulls_call **out);
void pulls_accepted(struct pulls *p, struct pulls_call *o, int status,
		    struct span body);

/* pulls_take.c */
/* A page that is ready, in one transaction with its cursor. */
struct err pulls_take_page(struct pulls *p, struct pulls_peer *entry);

#endif
