/*
 * The bytes of a backup: entries in a stream that is sealed, in pieces, to an
 * offline recovery key.
 *
 * Head: `ENTBKUP`, u8 version (1), u16 suite (2), 32 recovery key id (H of its
 * point), var enc (HPKE, RFC 9180, info "entente backup v1").  Then pieces of
 * 256 KiB of plaintext, the last one shorter or as long, each AES-256-GCM
 * under the key exported for "key", nonce u32 zero and u64 number from 0, AAD
 * E("entente backup v1", SHA-256(head), u64 number, u8 last).  So nothing can
 * be cut, moved or added unseen.
 *
 * Plaintext: entries, each u8 kind and long payload; the last is BACKUP_END.
 */
#ifndef STORAGE_BACKUP_FORM_H
#define STORAGE_BACKUP_FORM_H

#include "proto/base/buf.h"
#include "proto/base/id.h"
#include "proto/base/random.h"
#include "proto/crypto/crypto.h"

enum {
	BACKUP_VERSION = 1,
	BACKUP_PIECE = 256 << 10,
	BACKUP_ENTRY_MAX = 64 << 20, /* a ring of the most slots */
};

enum backup_kind {
	BACKUP_HEAD = 1, /* struct backup_head: first */
	BACKUP_FILE = 2, /* var name below the relay's folder, long bytes */
	BACKUP_RING = 3, /* ring_export */
	BACKUP_ROW = 4,	 /* var name of the table, var key, long value */
	BACKUP_END = 5,	 /* u64 rows: last */
};

struct backup_head {
	uint32_t version; /* of the store's tables */
	struct replica replica;
	uint8_t store_id[16];
	uint64_t time; /* UTC seconds */
};

void backup_head_put(const struct backup_head *head, struct buf *out);
struct err backup_head_read(struct span bytes, struct backup_head *out);

/* ---- writing ---- */

struct backup_out;

/* Writes to `fd`, which stays the caller's.  ERR_MALFORMED unless `recovery`
 * is a P-384 key. */
struct err backup_out_new(int fd, const struct crypto_public *recovery,
			  const struct random *random, struct backup_out **out);
void backup_out_free(struct backup_out *o);
struct err backup_out_put(struct backup_out *o, enum backup_kind kind,
			  struct span payload);
/* The last piece, and fsync. */
struct err backup_out_end(struct backup_out *o);
uint64_t backup_out_bytes(const struct backup_out *o);

/* ---- reading ---- */

struct backup_in;

/* ERR_NOT_FOUND, ERR_IO; ERR_MALFORMED if it is no backup, ERR_VERSION of a
 * newer build; ERR_SEALED if it is sealed to another key. */
struct err backup_in_open(const char *path, const struct crypto_key *recovery,
			  struct backup_in **out);
void backup_in_close(struct backup_in *in);
/* The next entry; its payload lives until the next call.  ERR_NOT_FOUND after
 * BACKUP_END, which must be all there is; ERR_CORRUPT if a piece is not
 * authentic or something is missing. */
struct err backup_in_next(struct backup_in *in, enum backup_kind *kind,
			  struct span *payload);
uint64_t backup_in_done(const struct backup_in *in);
uint64_t backup_in_total(const struct backup_in *in);

#endif
