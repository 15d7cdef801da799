/*
 * Replica certificates by digest and by (replica, issue number), and the seal
 * root pinned per nation.  The caller has checked what it puts.
 */
#ifndef STORAGE_CERTIFICATE_STORE_H
#define STORAGE_CERTIFICATE_STORE_H

#include "storage/txn.h"

enum { CERTIFICATE_STORE_MAX = 16 << 10 };

/* ERR_CONFLICT if a higher issue, or another certificate of this issue, is
 * kept; the same again is nothing. */
struct err certificate_store_put(struct txn *txn, struct replica replica,
				 uint64_t issue, struct span blob,
				 struct digest *digest);
/* Borrowed from the transaction.  ERR_NOT_FOUND. */
struct err certificate_store_get(struct txn *txn, struct digest digest,
				 struct span *blob);
/* The one of the highest issue; `issue` may be NULL. */
struct err certificate_store_latest(struct txn *txn, struct replica replica,
				    uint64_t *issue, struct span *blob);
/* The next replica of `replica->nation` above `replica->number` (0 at first)
 * that has a certificate.  ERR_NOT_FOUND at the end. */
struct err certificate_store_next(struct txn *txn, struct replica *replica);

/* The seal root pinned for a nation: its SPKI and the number of successions;
 * ERR_CONFLICT unless `number` rises. */
struct err certificate_store_pin(struct txn *txn, struct nation nation,
				 uint64_t number, struct span spki);
/* ERR_NOT_FOUND; `number` may be NULL. */
struct err certificate_store_root(struct txn *txn, struct nation nation,
				  uint64_t *number, struct span *spki);

#endif
