/*
 * What the ring file holds, as a value, and its bytes: for ring*.c alone.
 */
#ifndef STORAGE_RING_STATE_H
#define STORAGE_RING_STATE_H

#include "storage/ring.h"

enum {
	RING_SYM_MAX = CRYPTO_SIV_KEY_LEN,
	RING_PRIVATES_MAX = 64,
	RING_BODY_MAX = 4096 + RING_PRIVATES_MAX * 64 + RING_SLOTS_MAX * 40,
	RING_HEAD_LEN =
		4 + STORE_ID_LEN + 8 + RING_KEY_ID_LEN + CRYPTO_NONCE_LEN,
	RING_FILE_MAX = RING_HEAD_LEN + RING_BODY_MAX + CRYPTO_TAG_LEN,
};

/* A symmetric key; generation 0 is none. */
struct ring_symmetric {
	uint8_t generation;
	uint8_t key[RING_SYM_MAX];
};

struct ring_private {
	enum keyfile_key purpose;
	enum crypto_curve curve;
	uint64_t until; /* 0 while current, then UTC seconds */
	uint8_t scalar[KEYFILE_SCALAR_MAX];
};

struct ring_slot {
	uint64_t number;
	uint8_t secret[CRYPTO_KEY_LEN];
};

struct ring_state {
	uint8_t store_id[STORE_ID_LEN];
	uint64_t generation;
	struct ring_key_id ring_key;
	uint8_t mac_key[STORE_MAC_KEY_LEN];
	/* By kind: the current one, and the one before. */
	struct ring_symmetric symmetric[RING_KEY_KINDS + 1][2];
	unsigned private_count;
	struct ring_private privates[RING_PRIVATES_MAX];
	uint64_t next_slot; /* the lowest number never given */
	size_t slot_count;
	size_t slot_room;
	struct ring_slot *slots; /* ascending by number */
};

/* Owns: ring_state_free, which wipes. */
struct err ring_state_new(struct ring_state **out);
void ring_state_free(struct ring_state *state);
/* A deep copy with room for `more` slots. */
struct err ring_state_copy(const struct ring_state *from, size_t more,
			   struct ring_state **out);

/* NULL if there is no such slot. */
const struct ring_slot *ring_state_slot(const struct ring_state *state,
					uint64_t number);
/* The lowest slot above `after`; NULL if there is none. */
const struct ring_slot *ring_state_slot_after(const struct ring_state *state,
					      uint64_t after);
/* Adds `count` fresh slots; the copy has room for them. */
struct err ring_state_add_slots(struct ring_state *state,
				const struct random *random, size_t count);
/* Removes a slot and wipes its secret here. */
void ring_state_remove_slot(struct ring_state *state, uint64_t number);
/* A fresh symmetric key; the current becomes the one before. */
struct err ring_state_rotate(struct ring_state *state,
			     const struct random *random, enum ring_key kind);

/* All of it, plain, with no ring key: store id, generation, body. */
struct err ring_state_export(const struct ring_state *state, struct buf *out);
struct err ring_state_import(struct span exported, struct ring_state *out);

/* The plain head of a file: enough to find its ring key. */
struct err ring_state_read_head(struct span file, struct ring_state *out);
/* The rest, under its ring key; ERR_CORRUPT if it is not authentic. */
struct err ring_state_open(struct span file, const uint8_t key[CRYPTO_KEY_LEN],
			   struct ring_state *out);
/* Appends the file. */
struct err ring_state_seal(const struct ring_state *state,
			   const uint8_t key[CRYPTO_KEY_LEN],
			   const uint8_t nonce[CRYPTO_NONCE_LEN],
			   struct buf *out);

#endif
