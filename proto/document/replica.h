/*
 * The replica certificate: the keys of one incarnation of a nation's relay,
 * signed by the nation's offline seal root (P-384).
 */
#ifndef PROTO_DOCUMENT_REPLICA_H
#define PROTO_DOCUMENT_REPLICA_H

#include "proto/crypto/crypto.h"

enum {
	REPLICA_ENDS_MAX = 64,
	REPLICA_BLOB_MAX = 4096,
	REPLICA_SIG_LEN = CRYPTO_SIG_P384_LEN,
};

/* Where an earlier replica of the nation ended: its last tick. */
struct replica_end {
	uint64_t replica;
	uint64_t tick;	      /* minute */
	struct digest digest; /* of that tick */
};

/* What the root signs.  Keys are borrowed. */
struct replica_draft {
	struct replica replica;
	struct key_id root;		  /* H(SPKI of the seal root) */
	uint64_t issue;			  /* rising; a lower one is refused */
	const struct crypto_public *seal; /* P-384 */
	const struct crypto_public *guard_p256;
	const struct crypto_public *guard_p384;
	const struct crypto_public *request; /* P-256 */
	uint64_t from;			     /* UTC seconds, both within */
	uint64_t to;
	const struct replica_end *ends; /* by rising replica number */
	size_t ends_count;
};

/* A decoded certificate: owns its bytes and its keys. */
struct replica_certificate {
	struct replica_draft draft; /* its pointers live as long as this */
	struct digest digest;	    /* H of the whole blob */
	struct span blob;	    /* as received */
	struct span tbs;	    /* the signed part of it */
	struct span signature;
};

/* Append the blob.  ERR_UNAUTHENTICATED if `root` is not the key that the
 * draft names; ERR_MALFORMED for curves, times or ends out of form. */
struct err replica_sign(const struct crypto_key *root,
			const struct replica_draft *draft, struct buf *blob);

/* Owns: release with replica_free.  The signature is not checked. */
struct err replica_decode(struct span blob, struct replica_certificate **out);
void replica_free(struct replica_certificate *c);

/* ERR_SIGNATURE unless `root` signed it, ERR_UNAUTHENTICATED if it names
 * another root or nation, ERR_REPLAYED if its issue is below `issue_min`. */
struct err replica_check(const struct replica_certificate *c,
			 const struct crypto_public *root, struct nation nation,
			 uint64_t issue_min);

/* True if `time` (UTC seconds) lies from `from` to `to`. */
bool replica_in_time(const struct replica_certificate *c, uint64_t time);
/* The end that this certificate states for an earlier replica, or NULL. */
const struct replica_end *replica_find_end(const struct replica_certificate *c,
					   uint64_t replica);

/* ---- succession of the seal root ---- */

struct replica_succession {
	struct nation nation;
	uint64_t number;  /* from 1, rising */
	struct span spki; /* of the new root, borrowed from the blob */
	uint64_t time;
	struct span tbs;
	struct span signature;
};

/* Append the blob: E("entente root v1", ...) and the old root's signature. */
struct err replica_succession_sign(const struct crypto_key *old_root,
				   struct nation nation, uint64_t number,
				   const struct crypto_public *new_root,
				   uint64_t time, struct buf *blob);
struct err replica_succession_decode(struct span blob,
				     struct replica_succession *out);
/* ERR_REPLAYED unless its number is greater than `number`. */
struct err replica_succession_check(const struct replica_succession *s,
				    const struct crypto_public *old_root,
				    struct nation nation, uint64_t number);

#endif
