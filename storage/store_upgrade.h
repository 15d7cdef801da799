/*
 * The version of what stands in a store's tables, and the way from each to
 * the next.
 *
 * The header's first row is fixed for ever; the version stands in a row beside
 * it, and a store without one has version 1.  store_open brings an older store
 * to this build's, step by step: each step is one transaction of records with
 * the new version in it, so a step that was cut off was never begun, and is
 * made at the next open.  A newer one is refused by name.
 *
 *	1  as first published
 *	2  the hold of a restored store (storage/hold.h) is looked at; a build
 *	   that does not know it would release what must be held
 */
#ifndef STORAGE_STORE_UPGRADE_H
#define STORAGE_STORE_UPGRADE_H

#include "storage/txn.h"

/* ERR_VERSION for a newer store; ERR_CORRUPT, ERR_DISK_FULL, ERR_IO. */
struct err store_upgrade(struct store *store);

#endif
