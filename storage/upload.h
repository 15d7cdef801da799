/*
 * Upload leases: what a device is bringing, and how far it has come.
 *
 * Rows of `uploads` in the records environment; the bytes go to the segments
 * environment segment by segment.  A lease protects them from collection
 * until its time is over.
 */
#ifndef STORAGE_UPLOAD_H
#define STORAGE_UPLOAD_H

#include "storage/txn.h"

struct upload {
	uint8_t id[LEASE_ID_LEN];
	struct doc_id doc;
	struct key_id author;
	struct digest table;
	uint64_t size;	      /* of the plaintext */
	struct digest parent; /* whose segments need not come; or zero */
	uint64_t total;	 /* bytes that come: of the blob, less the parent's */
	uint64_t offset; /* bytes that are durable */
	uint64_t time;	 /* UTC seconds of the last progress */
};

/* Makes or replaces. */
struct err upload_put(struct txn *txn, const struct upload *upload);
/* ERR_NOT_FOUND. */
struct err upload_get(struct txn *txn, const uint8_t id[LEASE_ID_LEN],
		      struct upload *out);
/* Not there: nothing. */
struct err upload_del(struct txn *txn, const uint8_t id[LEASE_ID_LEN]);
/* The next lease after `out->id`, which a first call sets to zero.
 * ERR_NOT_FOUND at the end. */
struct err upload_next(struct txn *txn, struct upload *out);
/* Leases of one author: for limits. */
struct err upload_count(struct txn *txn, struct key_id author, unsigned *out);

#endif
