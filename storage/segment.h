/*
 * Sealed content in the segments environment: segments by (document, digest
 * of the sealed bytes), tables by (document, table digest).
 *
 * Transactions are of STORE_SEGMENTS.  Bytes are not looked at beyond their
 * MAC; whoever puts has checked the digest.
 */
#ifndef STORAGE_SEGMENT_H
#define STORAGE_SEGMENT_H

#include "storage/txn.h"

enum {
	SEGMENT_STORED_MAX = 262144 + 28,
	SEGMENT_TABLE_MAX = 1 << 20, /* about 31,000 segments: 8 GB */
};

/* The same again is nothing. */
struct err segment_put(struct txn *txn, struct doc_id doc,
		       struct digest segment, struct span sealed);
struct err segment_has(struct txn *txn, struct doc_id doc,
		       struct digest segment, bool *out);
/* `len` bytes from `offset`, clipped to the end; borrowed from the
 * transaction.  ERR_NOT_FOUND; ERR_RANGE if `offset` is beyond the end. */
struct err segment_get(struct txn *txn, struct doc_id doc,
		       struct digest segment, uint64_t offset, uint64_t len,
		       struct span *out);
/* Not there: nothing. */
struct err segment_del(struct txn *txn, struct doc_id doc,
		       struct digest segment);

struct err segment_table_put(struct txn *txn, struct doc_id doc,
			     struct digest table, struct span blob);
struct err segment_table_get(struct txn *txn, struct doc_id doc,
			     struct digest table, struct span *out);
struct err segment_table_del(struct txn *txn, struct doc_id doc,
			     struct digest table);

/* A whole content blob of `size` bytes of plaintext, checked before: table and
 * segments, in a transaction of its own. */
struct err segment_put_blob(struct store *store, struct doc_id doc,
			    uint64_t size, struct digest table,
			    struct span blob);

/* For collection: the next segment (table) of `doc` after `*digest`, which a
 * first call sets to zero.  ERR_NOT_FOUND at the end. */
struct err segment_next(struct txn *txn, struct doc_id doc,
			struct digest *digest);
struct err segment_table_next(struct txn *txn, struct doc_id doc,
			      struct digest *digest);
/* The next document after `*doc` that has a table or a segment. */
struct err segment_next_document(struct txn *txn, struct doc_id *doc);
/* Everything of a document: after a recall. */
struct err segment_del_document(struct txn *txn, struct doc_id doc);

#endif
