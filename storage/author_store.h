/*
 * Author records (E bytes and the seal key's signature) by author key id.
 */
#ifndef STORAGE_AUTHOR_STORE_H
#define STORAGE_AUTHOR_STORE_H

#include "storage/txn.h"

enum { AUTHOR_STORE_MAX = 4096 };

/* A later record replaces. */
struct err author_store_put(struct txn *txn, struct key_id author,
			    struct span blob);
/* Borrowed from the transaction.  ERR_NOT_FOUND. */
struct err author_store_get(struct txn *txn, struct key_id author,
			    struct span *blob);
struct err author_store_has(struct txn *txn, struct key_id author, bool *out);

#endif
