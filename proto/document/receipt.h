/*
 * The receipt: a nation's word, under its seal key, that it destroyed what a
 * recall or delete named.
 */
#ifndef PROTO_DOCUMENT_RECEIPT_H
#define PROTO_DOCUMENT_RECEIPT_H

#include "proto/document/replica.h"

enum { RECEIPT_BLOB_MAX = 256 };

enum receipt_kind {
	RECEIPT_KEY_DESTROYED = 1, /* by a provider that destroys keys */
	RECEIPT_KEY_ERASED = 2,	   /* a file: as good as the disk */
	RECEIPT_NOT_HELD = 3,	   /* nothing was held */
};

struct receipt {
	struct replica replica;
	struct doc_id document;
	struct digest statement;
	enum receipt_kind kind;
	uint64_t backups_expire; /* UTC seconds; 0 if there are none */
	uint64_t time;
	uint8_t signature[CRYPTO_SIG_P384_LEN];
};

/* Signs; fills `signature` and appends the blob. */
struct err receipt_sign(const struct crypto_key *seal_key, struct receipt *r,
			struct buf *blob);
struct err receipt_decode(struct span blob, struct receipt *out);
/* ERR_UNAUTHENTICATED for another replica, ERR_SIGNATURE, ERR_TIME. */
struct err receipt_check(const struct receipt *r,
			 const struct replica_certificate *certificate);

#endif
