/*
 * A backup of a store while it is written to: one snapshot of both
 * environments and of the ring, sealed to the recovery key.
 *
 * The snapshots are begun together, while no segment is put or collected, so
 * nothing dangles: every segment that the records name is there, and every
 * slot that their keys are under.  From then on writers go on beside it; what
 * they free stays in the files until the walk is done.
 *
 * Each record's MAC is checked as it is read: a damaged store makes no
 * backup.
 */
#ifndef STORAGE_BACKUP_WRITE_H
#define STORAGE_BACKUP_WRITE_H

#include "storage/backup_form.h"
#include "storage/ring.h"

struct backup_write_order {
	struct store *store;
	struct ring *ring;
	const char *folder;	  /* the relay's, for `files` */
	const char *const *files; /* names below it; ends with NULL */
	const struct crypto_public *recovery;
	/* After some rows: how many bytes were written.  False stops it:
	 * ERR_GONE. */
	bool (*progress)(void *self, uint64_t bytes);
	void *self;
};

/* Writes a backup to `fd`, synced.  `*rows`: how many it has.  A file that is
 * not there is left out. */
struct err backup_write(const struct backup_write_order *order, int fd,
			uint64_t *rows);

#endif
