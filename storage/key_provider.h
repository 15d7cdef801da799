/*
 * Where ring keys are kept: sealed under the root key, outside the store.
 *
 * An interface with one implementation here, a folder of sealed files; an HSM
 * is another.  A ring key is named by 16 random bytes and used for one state
 * of the ring between two purges; destroying it destroys what only it opened.
 */
#ifndef STORAGE_KEY_PROVIDER_H
#define STORAGE_KEY_PROVIDER_H

#include "proto/base/random.h"
#include "proto/crypto/crypto.h"

enum { RING_KEY_ID_LEN = 16 };

struct ring_key_id {
	uint8_t at[RING_KEY_ID_LEN];
};

struct key_provider {
	/* Keep a key, durable on return. */
	struct err (*put)(void *self, struct ring_key_id id,
			  const uint8_t key[CRYPTO_KEY_LEN]);
	/* ERR_NOT_FOUND, or ERR_SEALED if the root key does not open it. */
	struct err (*get)(void *self, struct ring_key_id id,
			  uint8_t key[CRYPTO_KEY_LEN]);
	/* Destroy every key but this one, durable on return. */
	struct err (*destroy_others)(void *self, struct ring_key_id keep);
	/* NULL does nothing. */
	void (*close)(void *self);
	void *self;
};

/*
 * Files `ring-<hex of id>.key` in `folder` (made, mode 0700), each sealed by
 * AES-256-GCM under the root key, AAD E("entente ring key v1", id).  Destroy
 * overwrites, syncs, removes, syncs the folder: as good as the disk.
 *
 * A file `.next` that opens under `root_key` takes the place of the old one,
 * which is destroyed: a rotation of the root key is finished here.  One that
 * does not, beside a file that does, is of a rotation cut off, and destroyed.
 * Owns: `out->close(out->self)`.
 */
struct err key_provider_file_open(const char *folder,
				  const uint8_t root_key[CRYPTO_KEY_LEN],
				  const struct random *random,
				  struct key_provider *out);

/*
 * Seal every ring key anew under another root key, beside the old files, as
 * `ring-<id>.key.next`.  Nothing changes by that: key_provider_file_open
 * settles it, by the root key that it is given.
 */
struct err key_provider_file_stage(struct key_provider *provider,
				   const uint8_t root_key[CRYPTO_KEY_LEN]);

#endif
