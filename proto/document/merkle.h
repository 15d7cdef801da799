/*
 * Hashes of the trees of groups and ticks: RFC 6962 prefixes, salted leaves,
 * and what is derived from a tree's secret.
 */
#ifndef PROTO_DOCUMENT_MERKLE_H
#define PROTO_DOCUMENT_MERKLE_H

#include "proto/crypto/hmac.h"
#include "proto/document/encoding.h"

/* H(0x00, E("entente salted leaf v1", salt, core)) */
struct err merkle_leaf(const uint8_t salt[DIGEST_LEN], struct digest core,
		       struct digest *out);
/* H(0x01, left, right) */
struct err merkle_node(struct digest left, struct digest right,
		       struct digest *out);
/* From a leaf up along `path` to the root; bit n of `place` says whether the
 * way at level n is a right child. */
struct err merkle_root(struct digest leaf, uint32_t place,
		       const struct digest *path, size_t levels,
		       struct digest *out);
/* HMAC(secret, E(domain, n)): a salt, filler or place. */
struct err merkle_derive(const uint8_t secret[32], enum domain domain,
			 uint64_t n, uint8_t out[DIGEST_LEN]);

/* The same for many n: the secret is hashed once. */
struct merkle_secret {
	struct hmac_key *key;
	struct hmac *work;
};
/* Zeroed if it fails; merkle_secret_clear in any case. */
struct err merkle_secret_init(const uint8_t secret[32],
			      struct merkle_secret *out);
void merkle_secret_clear(struct merkle_secret *s);
struct err merkle_secret_derive(const struct merkle_secret *s,
				enum domain domain, uint64_t n,
				uint8_t out[DIGEST_LEN]);

#endif
