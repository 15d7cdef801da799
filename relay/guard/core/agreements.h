/*
 * Key agreements of senders, kept: one `enc` serves many keys, so a device
 * that puts often costs one agreement of P-256 now and then instead of one a
 * put.
 *
 * What is kept depends on the guard's key and on `enc` alone; recipient,
 * document, commitment and `until` go into every single export, so what opens
 * is the same as without this.  A bounded number, the one longest unused goes
 * first; secrets are wiped when they go: displaced, idle for
 * AGREEMENTS_IDLE_MS, or at the end.  Safe from any thread.
 */
#ifndef RELAY_GUARD_CORE_AGREEMENTS_H
#define RELAY_GUARD_CORE_AGREEMENTS_H

#include "proto/base/clock.h"
#include "proto/document/wrapped.h"

enum {
	AGREEMENTS_SETS = 256,
	AGREEMENTS_WAYS = 4, /* a new one displaces within its set */
	AGREEMENTS_IDLE_MS = 10 * 60 * 1000,
};

struct agreements;

struct err agreements_new(struct clock clock, struct agreements **out);
void agreements_free(struct agreements *a);

/* As wrapped_open; `key` is the recipient's, looked up by the caller each
 * time, so that a key that is gone opens nothing. */
struct err agreements_open(struct agreements *a, const struct crypto_key *key,
			   const struct wrapped *w, struct doc_id document,
			   struct digest commitment,
			   uint8_t out[CRYPTO_KEY_LEN]);

/* Wipes what has been idle. */
void agreements_tick(struct agreements *a);
/* How many are kept. */
size_t agreements_count(struct agreements *a);

#endif
