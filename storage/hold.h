/*
 * The hold of a store that was restored from a backup: whoever has it open
 * releases nothing to devices and peers until it is lifted, for a recall may
 * have been made after the backup.  Row `02` of the header's table.
 */
#ifndef STORAGE_HOLD_H
#define STORAGE_HOLD_H

#include "storage/txn.h"

enum { HOLD_NAME_MAX = 64 };

struct hold {
	bool held;
	uint64_t since;	 /* UTC seconds of the restore */
	uint64_t backup; /* UTC seconds of the backup */
	/* The officer who said that it may be lifted; empty: none yet. */
	char officer[HOLD_NAME_MAX + 1];
};

/* ERR_CORRUPT if it is malformed; a store of this version has one. */
struct err hold_get(struct txn *txn, struct hold *out);
struct err hold_put(struct txn *txn, const struct hold *hold);

#endif
