/*
 * The MAC on every record, and small helpers for the bytes of values.
 *
 * HMAC-SHA-256 cut to 16 over E("entente record v1", store id, table, key,
 * value), the value with a u32 length; it stands behind the value.  So a bit
 * changed on disk, a record moved to another key, table or store, is found
 * when it is read.  (An old record put back by whoever writes the disk is
 * not: SECURITY.md.)
 */
#ifndef STORAGE_RECORD_H
#define STORAGE_RECORD_H

#include "proto/base/buf.h"
#include "proto/base/id.h"
#include "proto/crypto/hmac.h"

enum { RECORD_MAC_LEN = 16, RECORD_VALUE_MAX = 1 << 20 };

/* With the MAC key made ready; `work` is the calling thread's. */
struct err record_mac(struct hmac *work, const struct hmac_key *mac_key,
		      struct span store_id, const char *table, struct span key,
		      struct span value, uint8_t out[RECORD_MAC_LEN]);

/* ---- values: written with buf_put_*, and these ---- */

void record_put_doc_id(struct buf *b, struct doc_id id);
void record_put_digest(struct buf *b, struct digest d);
void record_put_key_id(struct buf *b, struct key_id k);
void record_put_nation(struct buf *b, struct nation n);
void record_put_replica(struct buf *b, struct replica r);
/* A u32 length, then the bytes. */
void record_put_long(struct buf *b, struct span bytes);

/* Read with span_read_*, and these; beyond the end they set `bad`. */
struct doc_id record_read_doc_id(struct span_reader *r);
struct digest record_read_digest(struct span_reader *r);
struct key_id record_read_key_id(struct span_reader *r);
struct nation record_read_nation(struct span_reader *r);
struct replica record_read_replica(struct span_reader *r);
struct span record_read_long(struct span_reader *r);

/* The end of a value: ERR_CORRUPT with `what` (static text) unless all was
 * read and nothing was missing. */
struct err record_read_end(const struct span_reader *r, const char *what);

#endif
