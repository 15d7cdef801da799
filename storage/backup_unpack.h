/*
 * A relay's folder out of a backup, under a fresh root key.
 *
 * Everything is made in a new folder; what is there already is never touched.
 * The store has the replica number and the incarnation of the backup: before
 * a relay may serve from it, backup_promote gives it others, and holds it.
 */
#ifndef STORAGE_BACKUP_UNPACK_H
#define STORAGE_BACKUP_UNPACK_H

#include "proto/base/clock.h"
#include "storage/backup_form.h"

struct backup_unpack_order {
	const char *file;
	const struct crypto_key *recovery;
	const char *folder; /* made; ERR_EXISTS if it is there */
	struct span passphrase;
	unsigned log2_n; /* of the root key file */
	struct random random;
	struct clock clock;
	void (*progress)(void *self, uint64_t done, uint64_t total);
	void *self;
};

struct backup_found {
	struct backup_head head;
	uint64_t rows, files;
};

/* The root key stays in `root_key` (wipe it).  After an error the folder is
 * what it is: remove it. */
struct err backup_unpack(const struct backup_unpack_order *order,
			 uint8_t root_key[32], struct backup_found *out);

struct backup_promote_order {
	const char *folder;
	const uint8_t *root_key;
	const struct crypto_key *seal_root; /* P-384 */
	uint64_t replica;		    /* above the backup's */
	uint64_t backup_time;
	struct random random;
	struct clock clock;
};

/*
 * A new replica number with its certificate (keys/replica), a new
 * incarnation, and the hold (storage/hold.h).  One-time secrets of the backup
 * may have been used since: tokens go, and no nonce of before is good.
 * ERR_CONFLICT if the number does not rise, ERR_UNAUTHENTICATED if the seal
 * root is not the nation's.
 */
struct err backup_promote(const struct backup_promote_order *order);

#endif
