/*
 * Another root key for a relay that is stopped: the ring key is sealed anew,
 * and nothing else changes.  No content, no ring, no record is touched.
 *
 * The ring keys are staged beside the old ones under the new root key, then
 * `root.key` is replaced by one rename: that is the step that counts.  Cut off
 * before it the old passphrase goes on; after it the new one.  What is left
 * over is settled at the next start, or by the next rotation.
 */
#ifndef STORAGE_ROOT_ROTATE_H
#define STORAGE_ROOT_ROTATE_H

#include "proto/base/random.h"
#include "proto/crypto/keyfile.h"

/*
 * `keys` is the relay's folder of keys, which holds root.key and ring/.  A
 * fresh root key goes into root.key under `passphrase`, which may be the old
 * one.  The caller holds the store's lock.  ERR_CONFLICT if the relay was
 * never started (a start file is there); ERR_SEALED if `old_root` is not the
 * ring's.
 */
struct err root_rotate(const char *keys,
		       const uint8_t old_root[KEYFILE_ROOT_LEN],
		       struct span passphrase, unsigned log2_n,
		       const struct random *random);

/* What a rotation that was cut off left of root.key goes; the ring keys are
 * key_provider_file_open's.  At every start. */
struct err root_rotate_settle(const char *keys);

#endif
