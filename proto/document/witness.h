/*
 * The countersignature of a tick: another nation's word, under its seal key,
 * that it saw this tick at this time.  A relay that later shows another past
 * is convicted by its own tick and by those who saw it.
 */
#ifndef PROTO_DOCUMENT_WITNESS_H
#define PROTO_DOCUMENT_WITNESS_H

#include "proto/document/tick.h"

enum { WITNESS_BLOB_MAX = 256 };

struct witness {
	struct replica by; /* who saw it */
	struct replica of; /* whose tick it is */
	uint64_t minute;
	struct digest tick; /* tick_digest */
	uint64_t time;	    /* UTC seconds, of the one who saw it */
	uint8_t signature[CRYPTO_SIG_P384_LEN];
};

/* Signs; fills `signature` and appends the blob.  ERR_MALFORMED for a word on
 * one's own tick. */
struct err witness_sign(const struct crypto_key *seal_key, struct witness *w,
			struct buf *blob);
struct err witness_decode(struct span blob, struct witness *out);
/* ERR_UNAUTHENTICATED for another replica, ERR_SIGNATURE, ERR_TIME. */
struct err witness_check(const struct witness *w,
			 const struct replica_certificate *certificate);

#endif
