/*
 * Labels as received, byte for byte, by SHA-256, with the canonical form that
 * the parser made of them.
 */
#ifndef STORAGE_LABEL_STORE_H
#define STORAGE_LABEL_STORE_H

#include "storage/txn.h"

enum { LABEL_STORE_XML_MAX = 64 << 10, LABEL_STORE_CANONICAL_MAX = 64 << 10 };

/* `digest` is that of `xml`, checked: ERR_DIGEST.  The same again replaces
 * the canonical form. */
struct err label_store_put(struct txn *txn, struct digest digest,
			   struct span xml, struct span canonical);
/* Borrowed from the transaction; either may be NULL.  ERR_NOT_FOUND. */
struct err label_store_get(struct txn *txn, struct digest digest,
			   struct span *xml, struct span *canonical);
/* The next label after `*digest` (zero at first).  ERR_NOT_FOUND at the end. */
struct err label_store_next(struct txn *txn, struct digest *digest);

#endif
