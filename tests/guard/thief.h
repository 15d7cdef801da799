/*
 * Whoever has copies of a store's files, and the ring keys that the key
 * provider still holds: tries to open a content key with all of it.
 *
 * Takes whole files as they lie there, free and old pages of LMDB included,
 * and uses nothing of the running guard.  Every fault of the support itself
 * ends the test program.
 */
#ifndef TESTS_GUARD_THIEF_H
#define TESTS_GUARD_THIEF_H

#include "storage/ring.h"

enum { THIEF_FILES_MAX = 64, THIEF_SLOTS_MAX = 4096, THIEF_IDS_MAX = 8 };

struct thief_file {
	bool ring;
	struct buf bytes;
};

struct thief_slot {
	uint64_t number;
	uint8_t secret[CRYPTO_KEY_LEN];
};

struct thief {
	size_t file_count, slot_count, id_count;
	struct thief_file files[THIEF_FILES_MAX];
	struct thief_slot slots[THIEF_SLOTS_MAX]; /* that he could open */
	uint8_t store_id[STORE_ID_LEN];
	struct ring_key_id ids[THIEF_IDS_MAX]; /* that the rings name */
};

struct thief *thief_new(void);
void thief_free(struct thief *t);

/* Copies of every file of a store's folder as it is now. */
void thief_take(struct thief *t, const char *store);
/* Another copy: the same loot. */
struct thief *thief_copy(const struct thief *t);
/*
 * Opens every ring he has with every ring key that `provider` gives for any
 * of them; keeps the slots.  How many rings opened.
 */
unsigned thief_open_rings(struct thief *t, const struct key_provider *provider);

/* What he is after, as the record had it once. */
struct thief_target {
	struct doc_id doc;
	struct digest commitment;
	uint8_t wrapped[CRYPTO_WRAPPED_LEN];
	uint8_t key[CRYPTO_KEY_LEN]; /* to know it when it is seen */
};

/*
 * True if the content key comes out: it stands somewhere in the clear, or
 * one of his slots opens what follows its commitment in any page, or the
 * wrapped key as it was.  `*found`, if not NULL: in how many places the
 * wrapped key still stands.
 */
bool thief_opens(const struct thief *t, const struct thief_target *target,
		 unsigned *found);

#endif
