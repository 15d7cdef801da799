/*
 * Compact JWS (RFC 7515) with ES256 and one fixed protected header for each
 * kind of payload.
 *
 * The header is compared as base64url text and never read, so no member of
 * it can choose an algorithm or a key.  A document's digest is that of the
 * signing input (`header.payload`), not of the signature: another valid
 * signature over the same bytes gives no second identity.
 */
#ifndef PROTO_CRYPTO_SIGN_H
#define PROTO_CRYPTO_SIGN_H

#include "proto/base/arena.h"
#include "proto/crypto/crypto.h"

enum { SIGN_JWS_MAX = 64 * 1024 }; /* of the whole text */

/* A JWS taken apart; spans as their comments say. */
struct sign_jws_parts {
	struct span payload;		  /* decoded bytes, in the arena */
	struct span signing_input;	  /* `header.payload`, in the text */
	uint8_t sig[CRYPTO_SIG_P256_LEN]; /* raw r || s */
};

/*
 * Sign `payload` under the protected header whose base64url text is
 * `header_b64` and append the compact form.  The key is P-256, else
 * ERR_UNSUPPORTED.
 */
struct err sign_jws(const struct crypto_key *key, const char *header_b64,
		    struct span payload, struct buf *out);

/* Append `header_b64.base64url(payload)`: what is signed. */
struct err sign_jws_input(const char *header_b64, struct span payload,
			  struct buf *out);
/* Append the compact form from its parts, as it is kept: raw payload and raw
 * signature. */
struct err sign_jws_join(const char *header_b64, struct span payload,
			 const uint8_t sig[CRYPTO_SIG_P256_LEN],
			 struct buf *out);

/*
 * Take a compact JWS apart.  ERR_MALFORMED unless it is exactly
 * `header_b64`, one dot, base64url, one dot, 86 characters of base64url;
 * ERR_TOO_LARGE beyond SIGN_JWS_MAX or the arena's cap.  Checks no signature.
 */
struct err sign_jws_split(struct span text, const char *header_b64,
			  struct arena *arena, struct sign_jws_parts *out);

/* ERR_SIGNATURE unless `sig` is the key's over `signing_input`;
 * ERR_UNSUPPORTED if the key is not P-256. */
struct err sign_jws_check(const struct crypto_public *key,
			  struct span signing_input,
			  const uint8_t sig[CRYPTO_SIG_P256_LEN]);

/* SHA-256 of the signing input: the ETag of a revision. */
struct err sign_jws_digest(struct span signing_input, struct digest *out);
/* The same from the parts as they are kept. */
struct err sign_jws_digest_of(const char *header_b64, struct span payload,
			      struct digest *out);

#endif
