/*
 * The author record: a nation's word, under its seal key, on whose device an
 * author key is.  There is no revocation in it: the seal is the date.
 */
#ifndef PROTO_DOCUMENT_AUTHOR_H
#define PROTO_DOCUMENT_AUTHOR_H

#include "proto/document/replica.h"

enum { AUTHOR_BLOB_MAX = 512 };

struct author_record {
	struct replica replica;	   /* whose seal key signed it */
	struct crypto_public *key; /* P-256; owned */
	struct key_id id;	   /* of the key */
	uint64_t from;		   /* UTC seconds */
	struct span blob;	   /* as received; owned */
	struct span tbs;
	struct span signature;
};

/* Append the blob. */
struct err author_sign(const struct crypto_key *seal_key,
		       struct replica replica,
		       const struct crypto_public *author, uint64_t from,
		       struct buf *blob);
/* Owns: release with author_free.  The signature is not checked. */
struct err author_decode(struct span blob, struct author_record **out);
void author_free(struct author_record *a);
/* ERR_UNAUTHENTICATED if another replica made it, ERR_SIGNATURE unless that
 * certificate's seal key signed it. */
struct err author_check(const struct author_record *a,
			const struct replica_certificate *certificate);

#endif
