/*
 * What a peer says of its ticks, taken in: the chain goes on, or what it said
 * against it is kept as evidence (proto/exchange/ticks.h).
 */
#ifndef FEDERATION_TICKS_H
#define FEDERATION_TICKS_H

#include "federation/trust.h"
#include "proto/exchange/ticks.h"
#include "storage/tick_store.h"

/* An answer as it came, its page signature checked. */
struct ticks_heard {
	struct replica of; /* who answered */
	struct span body;
	uint8_t ask[PAGE_ASK_LEN];
	struct span page; /* the field Entente-Page */
	uint64_t time;	  /* of the page's signature */
};

struct ticks_taking {
	struct txn *txn; /* the writer's */
	struct trust *trust;
	struct replica self;
	uint64_t now; /* UTC seconds */
	struct arena *arena;
	/* Out. */
	enum ticks_fault fault; /* of who answered */
	bool has_newest;	/* seen for the first time: to be witnessed */
	struct tick newest;
	bool put_back;	 /* it saw ticks of ours that are not here */
	unsigned breaks; /* evidence that is new, of whomever */
};

/*
 * ERR_MALFORMED, ERR_SIGNATURE and the like: the answer is dropped.  A fault
 * of the other relay is no error.
 */
struct err ticks_take(struct ticks_taking *t, const struct ticks_heard *heard);

/* A peer's word on a tick of ours, kept with it.  ERR_NOT_FOUND if there is
 * no such tick, ERR_DIGEST if it was another. */
struct err ticks_witnessed(struct txn *txn, struct trust *trust,
			   struct replica self, struct nation from,
			   struct span blob, struct arena *arena);

#endif
