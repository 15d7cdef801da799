/*
 * The ring: the small file beside the store that holds every secret of it.
 *
 * Slot secrets (each wraps the content keys of at most 256 documents), the
 * store's MAC key, cursor, reference, nonce and token keys, and the guard's
 * private keys; sealed under a ring key of the key provider.  Deleting in
 * LMDB is not destroying, so content keys are destroyed by writing the ring
 * anew without their slot, under a fresh ring key, and destroying the old
 * one.
 *
 * Safe from several threads.  What is borrowed lives until ring_close.
 */
#ifndef STORAGE_RING_H
#define STORAGE_RING_H

#include "proto/crypto/keyfile.h"
#include "storage/key_provider.h"
#include "storage/txn.h"

enum {
	RING_SLOT_DOCUMENTS = 256,
	RING_SLOTS_MAX = 1 << 20,
	RING_SECRET_MAX = 1024, /* a one-time secret at rest */
};

/* Symmetric keys with generations; the one before still opens. */
enum ring_key {
	RING_CURSOR = 1,    /* AES-256-SIV, 64 bytes */
	RING_REFERENCE = 2, /* AES-256-SIV, 64 bytes */
	RING_NONCE = 3,	    /* HMAC, 32 bytes */
	RING_TOKEN = 4,	    /* AES-256-GCM, 32 bytes */
	RING_KEY_KINDS = 4,
};

struct ring;

/*
 * Make the ring file `ring` in the store's folder (made if need be): fresh
 * store id and keys, the private keys of `start`, some spare slots.
 * ERR_EXISTS if there is one.
 */
struct err ring_create(const char *folder, const struct key_provider *provider,
		       const struct random *random,
		       const struct keyfile_start *start);

/*
 * Read the ring and destroy every ring key but its own.  Owns: ring_close.
 * `provider` and `random` are borrowed for life.  ERR_NOT_FOUND without a
 * file, ERR_SEALED if the root key does not open it, ERR_CORRUPT.
 */
struct err ring_open(const char *folder, const struct key_provider *provider,
		     const struct random *random, const struct clock *clock,
		     struct ring **out);
/* The same and destroys nothing: for who only looks. */
struct err ring_look(const char *folder, const struct key_provider *provider,
		     const struct random *random, const struct clock *clock,
		     struct ring **out);
void ring_close(struct ring *ring);

/*
 * The ring as one value, plain: for a backup, which seals it.  A snapshot of
 * records is begun with it, so that every slot that its documents have is
 * there: `*txn` is the caller's then.  buf_wipe `out`.
 */
struct err ring_export(struct ring *ring, struct store *store, struct txn **txn,
		       struct buf *out);
/* The file of an exported ring, under a fresh ring key; ERR_EXISTS if there is
 * one, ERR_CORRUPT. */
struct err ring_import(const char *folder, const struct key_provider *provider,
		       const struct random *random, struct span exported);

/* For struct store_options. */
void ring_store_id(const struct ring *ring, uint8_t out[STORE_ID_LEN]);
void ring_mac_key(const struct ring *ring, uint8_t out[STORE_MAC_KEY_LEN]);
/* Rises with every writing of the file. */
uint64_t ring_generation(struct ring *ring);

/* ---- slots and content keys ---- */

/* Whether the ring holds that slot. */
bool ring_has_slot(struct ring *ring, uint64_t slot);

/* At least `spare` unused slots, synced: before a commit may use them. */
struct err ring_reserve_slots(struct ring *ring, struct store *store,
			      unsigned spare);
/*
 * The slot for a new document, in the writer's transaction (records).
 * ERR_BUSY if no spare slot is left: abort, reserve, repeat.
 */
struct err ring_take_slot(struct ring *ring, struct txn *txn, struct doc_id doc,
			  uint64_t *slot);

/* ---- slots of many new documents in one transaction: ring_fill.c ---- */

enum { RING_FILLS_MAX = 4 };

/* Zeroed at first.  Counts are read once and written by ring_fill_end;
 * between the two, ring_take_slot must not be used in that transaction. */
struct ring_fills {
	bool begun, moved;
	uint64_t current; /* the slot that new documents go to */
	size_t count;
	struct ring_fill {
		uint64_t slot;
		uint16_t documents;
	} at[RING_FILLS_MAX];
};
/* As ring_take_slot; `wish`, if it is not 0, is given if it has room. */
struct err ring_fill_take(struct ring *ring, struct txn *txn,
			  struct ring_fills *fills, struct doc_id doc,
			  uint64_t wish, uint64_t *slot);
struct err ring_fill_end(struct txn *txn, struct ring_fills *fills);

/*
 * The slot that a new document will probably be given, so that its keys can
 * be wrapped before the writer has it; 0 if that cannot be said.  Each call
 * counts as one document.  No promise: who wraps under a guess compares it
 * with the slot that was taken.
 */
struct err ring_guess_slot(struct ring *ring, struct txn *txn, uint64_t *slot);
/*
 * The document leaves its slot and its keys shall die: marks the slot for
 * ring_purge, in the writer's transaction that drops the wrapped keys.
 */
struct err ring_drop_document(struct ring *ring, struct txn *txn, uint64_t slot,
			      struct doc_id doc);

/* The key that wraps one content key at rest: HKDF of the slot secret over
 * slot, document, commitment.  ERR_NOT_FOUND if the slot is destroyed. */
struct err ring_kek(struct ring *ring, uint64_t slot, struct doc_id doc,
		    struct digest commitment, uint8_t out[CRYPTO_KEY_LEN]);
struct err ring_wrap(struct ring *ring, uint64_t slot, struct doc_id doc,
		     struct digest commitment,
		     const uint8_t key[CRYPTO_KEY_LEN],
		     uint8_t out[CRYPTO_WRAPPED_LEN]);
/* ERR_CORRUPT if it is not authentic. */
struct err ring_unwrap(struct ring *ring, uint64_t slot, struct doc_id doc,
		       struct digest commitment,
		       const uint8_t wrapped[CRYPTO_WRAPPED_LEN],
		       uint8_t out[CRYPTO_KEY_LEN]);

/*
 * Who moves a document's wrapped keys: rewraps each from slot `from` to slot
 * `to` inside `txn` (document_move); a document that is gone is nothing.
 * Whoever wraps a key outside the transaction that puts it checks there that
 * the document's slot is still the same.
 */
struct ring_mover {
	struct err (*move)(void *self, struct txn *txn, struct ring *ring,
			   struct doc_id doc, uint64_t from, uint64_t to);
	void *self;
};

/*
 * Destroy every slot marked by ring_drop_document: move its other documents
 * to fresh slots, write the ring without it under a fresh ring key, have the
 * provider destroy the old one, forget the mark.  Commits transactions of its
 * own; hold none.  Interrupted, the next call finishes; call it at every
 * start.  `*destroyed`: slots that are gone for good.
 */
struct err ring_purge(struct ring *ring, struct store *store,
		      const struct ring_mover *mover, unsigned *destroyed);
/* True while a marked slot waits for ring_purge. */
struct err ring_purge_pending(struct txn *txn, bool *out);

/* ---- symmetric keys ---- */

/* The generation in use; `ring_key_get` of a generation no longer kept is
 * ERR_GONE. */
uint8_t ring_key_generation(struct ring *ring, enum ring_key kind);
size_t ring_key_len(enum ring_key kind);
struct err ring_key_get(struct ring *ring, enum ring_key kind,
			uint8_t generation, uint8_t *out);
/* A fresh key; the one before stays, older ones go. */
struct err ring_key_rotate(struct ring *ring, enum ring_key kind);

/* ---- private keys of the guard ---- */

/* The current one; ERR_NOT_FOUND if there is none (a relay without a device
 * CA).  Borrowed. */
struct err ring_private(struct ring *ring, enum keyfile_key purpose,
			const struct crypto_key **out);
/* Current or kept, by H(SPKI) or, for guard keys, by H(point). */
struct err ring_private_by_id(struct ring *ring, struct key_id id,
			      const struct crypto_key **out);
/* Put in new keys; the old of the same purposes stay until `keep_until`. */
struct err ring_replace_private(struct ring *ring,
				const struct keyfile_start *start,
				uint64_t keep_until);

/* ---- one-time secrets at rest (tokens, invitations) ---- */

/* Appends generation, nonce, ciphertext, tag; bound to `name`. */
struct err ring_seal_secret(struct ring *ring, struct span name,
			    struct span secret, struct buf *out);
/* ERR_CORRUPT if it is not authentic, ERR_GONE if its key is no longer kept. */
struct err ring_open_secret(struct ring *ring, struct span name,
			    struct span sealed, struct buf *out);

#endif
