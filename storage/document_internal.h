/*
 * Reading and walking documents without a view: for the writer, import,
 * housekeeping and operators' lists of ids.  Nothing that answers a reader
 * includes this header.
 */
#ifndef STORAGE_DOCUMENT_INTERNAL_H
#define STORAGE_DOCUMENT_INTERNAL_H

#include "storage/document.h"
#include "storage/ring.h"

/* ERR_NOT_FOUND. */
struct err document_read_internal(struct txn *txn, struct doc_id id,
				  struct arena *arena, struct document *out);

/* Write the record as it is; rows of the feed are document_apply's. */
struct err document_put_internal(struct txn *txn, const struct document *doc);

/* The next document after `*id` (zero at first).  ERR_NOT_FOUND. */
struct err document_next_internal(struct txn *txn, struct doc_id *id);

/* A struct ring_mover's function: rewraps every key of the document from slot
 * `from` to `to` and stores it. `self` is not used. */
struct err document_move(void *self, struct txn *txn, struct ring *ring,
			 struct doc_id doc, uint64_t from, uint64_t to);

/*
 * Content of the head with this table is there now (fetched after it was
 * announced): its place becomes segments.  ERR_NOT_FOUND.
 */
struct err document_content_came(struct txn *txn, struct doc_id id,
				 struct digest table);
/* The same for a key: `wrapped` under the document's slot. */
struct err document_key_came(struct txn *txn, struct doc_id id,
			     struct digest commitment,
			     const uint8_t wrapped[CRYPTO_WRAPPED_LEN]);

#endif
