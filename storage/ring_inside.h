/*
 * The ring in memory, and how it changes: for ring.c and ring_slot.c alone.
 *
 * `change` is held by whoever makes a new state, over the writing of the
 * file; `lock` only while the new state takes the old one's place, so readers
 * never wait for a disk.
 */
#ifndef STORAGE_RING_INSIDE_H
#define STORAGE_RING_INSIDE_H

#include <pthread.h>

#include "storage/ring_state.h"

/* A private key made from the state; lives until ring_close. */
struct ring_loaded {
	enum keyfile_key purpose;
	bool current;
	struct key_id id;    /* H(SPKI) */
	struct key_id point; /* H(X9.63 point) */
	struct crypto_key *key;
};

struct ring {
	char *path;
	const struct key_provider *provider;
	const struct random *random;
	const struct clock *clock;
	pthread_mutex_t change;
	pthread_rwlock_t lock;
	/* These two never change, so they need no lock. */
	uint8_t store_id[STORE_ID_LEN];
	uint8_t mac_key[STORE_MAC_KEY_LEN];
	struct ring_state *state;
	/* ring_guess_slot: under `lock`, for writing. */
	uint64_t guessed;      /* 0: nothing yet */
	unsigned guesses_left; /* in that slot */
	unsigned loaded_count;
	struct ring_loaded loaded[RING_PRIVATES_MAX];
};

/* The counter of the slot that new documents go to. */
#define RING_COUNTER_SLOT "ring.slot"

/*
 * Write `next` (a changed copy) as the file, under a fresh ring key if asked,
 * and let it take the place of the state in memory.  Takes `next` in any
 * case; `change` is held.  An old ring key is left to the provider's
 * destroy_others.
 */
struct err ring_replace(struct ring *ring, struct ring_state *next,
			bool fresh_key);

#endif
