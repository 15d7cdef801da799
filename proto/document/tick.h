/*
 * The tick: each minute, changed or not, the relay's signed word on its
 * groups since the tick before and on its audit.
 *
 * The groups' root is that of a filled tree of 17 levels; places and fillers
 * come from a secret of the tick, so neither root nor path shows activity.
 */
#ifndef PROTO_DOCUMENT_TICK_H
#define PROTO_DOCUMENT_TICK_H

#include "proto/document/replica.h"

enum {
	TICK_LEVELS = 17,
	TICK_GROUPS_MAX = 65536, /* at most this many in a tick */
	TICK_SECRET_LEN = 32,
	TICK_BLOB_MAX = 320,
};

struct tick {
	struct replica replica;
	uint64_t minute;	/* UTC seconds / 60 */
	struct digest previous; /* of the tick before; zeroes in the first */
	struct digest groups;
	struct digest audit; /* H(E("entente audit head v1", salt32, link)) */
	uint8_t signature[CRYPTO_SIG_P384_LEN];
};

/* The blinded end of the audit chain. */
struct err tick_audit_head(const uint8_t salt[DIGEST_LEN], struct digest link,
			   struct digest *out);

/* The place of a group in its tick's tree, and the way up. */
struct tick_path {
	uint32_t place; /* 0 .. 2^17 - 1 */
	uint8_t salt[DIGEST_LEN];
	struct digest nodes[TICK_LEVELS]; /* from the leaf up */
};

/* The root over `roots` (0 to 65536 group roots, in order).  If `path` is
 * not NULL, also the path of the `index`-th. */
struct err tick_groups_root(const uint8_t secret[TICK_SECRET_LEN],
			    const struct digest *roots, size_t count,
			    struct digest *root, size_t index,
			    struct tick_path *path);
/* ERR_DIGEST unless the group root lies under tick->groups. */
struct err tick_check_path(const struct tick *tick, struct digest group_root,
			   const struct tick_path *path);

/* Signs with the seal key; fills `signature` and appends the blob. */
struct err tick_sign(const struct crypto_key *seal_key, struct tick *t,
		     struct buf *blob);
struct err tick_decode(struct span blob, struct tick *out);
/* H of the signed bytes without the signature: what the next tick names. */
struct err tick_digest(const struct tick *t, struct digest *out);
/* ERR_UNAUTHENTICATED for another replica, ERR_SIGNATURE. */
struct err tick_check(const struct tick *t,
		      const struct replica_certificate *certificate);

#endif
