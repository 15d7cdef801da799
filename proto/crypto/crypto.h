/*
 * The seam: every cryptographic primitive that Entente uses, and no library.
 *
 * crypto_openssl.c is one side of it; a CryptoKit side stands in the Swift
 * package.  Whatever `client/` needs of `proto/` goes through this header, so
 * it compiles without OpenSSL.  Nothing here draws random bytes but key
 * generation and signing; nonces and ephemeral seeds are handed in.
 *
 * Standards: FIPS 180-4, RFC 2104, RFC 5869, NIST SP 800-38D (GCM), RFC 5297
 * (SIV), RFC 3394 (key wrap), FIPS 186-5 (ECDSA), SEC 1 (ECDH, X9.63 points),
 * RFC 5480 (SPKI), RFC 7914 (scrypt).
 */
#ifndef PROTO_CRYPTO_CRYPTO_H
#define PROTO_CRYPTO_CRYPTO_H

#include "proto/base/buf.h"
#include "proto/base/id.h"

enum crypto_hash { CRYPTO_SHA256 = 32, CRYPTO_SHA384 = 48 }; /* = length */
enum crypto_curve { CRYPTO_P256 = 256, CRYPTO_P384 = 384 };

enum {
	CRYPTO_KEY_LEN = 32,	 /* AES-256 */
	CRYPTO_NONCE_LEN = 12,	 /* GCM */
	CRYPTO_TAG_LEN = 16,	 /* GCM and SIV */
	CRYPTO_SIV_KEY_LEN = 64, /* AES-256-SIV takes two keys */
	CRYPTO_WRAPPED_LEN = 40, /* a 32-byte key under RFC 3394 */
	CRYPTO_HASH_MAX = 48,
	CRYPTO_POINT_MAX = 97,	  /* uncompressed X9.63 */
	CRYPTO_SIG_P256_LEN = 64, /* raw r || s */
	CRYPTO_SIG_P384_LEN = 96,
	CRYPTO_SPKI_MAX = 160,
};

/* Lengths for a curve. */
static inline size_t crypto_scalar_len(enum crypto_curve c)
{
	return c / 8;
}

static inline size_t crypto_point_len(enum crypto_curve c)
{
	return 1 + 2 * crypto_scalar_len(c);
}

static inline size_t crypto_sig_len(enum crypto_curve c)
{
	return 2 * crypto_scalar_len(c);
}

/* ---- hash, MAC, derivation ---- */

/* `out` has room for the hash's length. */
struct err crypto_hash(enum crypto_hash hash, struct span bytes, void *out);
struct err crypto_sha256(struct span bytes, struct digest *out);

/* SHA-256 over bytes that come in parts. new/free; final ends it. */
struct crypto_hasher;
struct err crypto_hasher_new(struct crypto_hasher **out);
void crypto_hasher_free(struct crypto_hasher *h);
struct err crypto_hasher_update(struct crypto_hasher *h, struct span bytes);
struct err crypto_hasher_final(struct crypto_hasher *h, struct digest *out);

struct err crypto_hmac(enum crypto_hash hash, struct span key,
		       struct span bytes, void *out);

/* RFC 5869. `prk` has room for the hash's length. */
struct err crypto_hkdf_extract(enum crypto_hash hash, struct span salt,
			       struct span ikm, void *prk);
struct err crypto_hkdf_expand(enum crypto_hash hash, struct span prk,
			      struct span info, void *out, size_t len);
/* Extract then expand with SHA-256. */
struct err crypto_hkdf(struct span ikm, struct span salt, struct span info,
		       void *out, size_t len);

/* scrypt, N = 2^log2_n, r = 8, p = 1. */
struct err crypto_scrypt(struct span password, struct span salt,
			 unsigned log2_n, void *out, size_t len);

/* ---- symmetric ---- */

/* AES-256-GCM. `out` gets ciphertext then tag: plain.len + CRYPTO_TAG_LEN. */
struct err crypto_gcm_seal(const uint8_t key[CRYPTO_KEY_LEN],
			   const uint8_t nonce[CRYPTO_NONCE_LEN],
			   struct span aad, struct span plain, uint8_t *out);
/* `out` gets sealed.len - CRYPTO_TAG_LEN bytes; ERR_DIGEST if it is not
 * authentic, and then `out` is wiped. */
struct err crypto_gcm_open(const uint8_t key[CRYPTO_KEY_LEN],
			   const uint8_t nonce[CRYPTO_NONCE_LEN],
			   struct span aad, struct span sealed, uint8_t *out);

/* AES-256-SIV, deterministic, one associated data. `out`: tag, then
 * ciphertext: plain.len + CRYPTO_TAG_LEN.  ERR_UNSUPPORTED for no text at all;
 * opening is ERR_DIGEST if it is not authentic, and then `out` is wiped. */
struct err crypto_siv_seal(const uint8_t key[CRYPTO_SIV_KEY_LEN],
			   struct span aad, struct span plain, uint8_t *out);
struct err crypto_siv_open(const uint8_t key[CRYPTO_SIV_KEY_LEN],
			   struct span aad, struct span sealed, uint8_t *out);

/* RFC 3394 of a 32-byte key. Unwrap is ERR_DIGEST if it is not authentic. */
struct err crypto_key_wrap(const uint8_t kek[CRYPTO_KEY_LEN],
			   const uint8_t key[CRYPTO_KEY_LEN],
			   uint8_t out[CRYPTO_WRAPPED_LEN]);
struct err crypto_key_unwrap(const uint8_t kek[CRYPTO_KEY_LEN],
			     const uint8_t wrapped[CRYPTO_WRAPPED_LEN],
			     uint8_t out[CRYPTO_KEY_LEN]);

/* ---- elliptic curves ---- */

/* A private key with its public part; one owner, wiped on free. */
struct crypto_key;
/* A public key, parsed once and checked to lie on its curve; may be used by
 * several threads at once. */
struct crypto_public;

struct err crypto_key_generate(enum crypto_curve curve,
			       struct crypto_key **out);
/* From a big-endian scalar of crypto_scalar_len bytes, 1..n-1; else
 * ERR_MALFORMED. */
struct err crypto_key_from_scalar(enum crypto_curve curve, struct span scalar,
				  struct crypto_key **out);
void crypto_key_free(struct crypto_key *key);
enum crypto_curve crypto_key_curve(const struct crypto_key *key);
/* The scalar: a secret, crypto_scalar_len bytes. */
struct err crypto_key_scalar(const struct crypto_key *key, uint8_t *out);
/* The public part, borrowed; lives as long as the key. */
const struct crypto_public *crypto_key_public(const struct crypto_key *key);

/* From DER SubjectPublicKeyInfo with a named curve and an uncompressed point,
 * exactly; ERR_MALFORMED else. */
struct err crypto_public_from_spki(struct span spki,
				   struct crypto_public **out);
/* From an uncompressed X9.63 point; the curve follows from the length. */
struct err crypto_public_from_point(struct span point,
				    struct crypto_public **out);
void crypto_public_free(struct crypto_public *key);
enum crypto_curve crypto_public_curve(const struct crypto_public *key);
/* Borrowed; live as long as the key. */
struct span crypto_public_spki(const struct crypto_public *key);
struct span crypto_public_point(const struct crypto_public *key);
/* H(SPKI): the name of a signing key. */
struct key_id crypto_public_id(const struct crypto_public *key);
/* H(X9.63 point): the name of a wrapping key. */
struct key_id crypto_public_point_id(const struct crypto_public *key);

/* ECDSA: SHA-256 with P-256 (ES256), SHA-384 with P-384 (ES384); raw r || s
 * of crypto_sig_len bytes. */
struct err crypto_sign(const struct crypto_key *key, struct span message,
		       uint8_t *sig);
/* ERR_SIGNATURE if it does not verify. */
struct err crypto_verify(const struct crypto_public *key, struct span message,
			 struct span sig);

/* ECDH: the x coordinate, crypto_scalar_len bytes; ERR_MALFORMED if the
 * curves differ. */
struct err crypto_ecdh(const struct crypto_key *key,
		       const struct crypto_public *other, uint8_t *out);
/* The same with an uncompressed X9.63 point that is used once; ERR_MALFORMED
 * if it does not lie on the key's curve. */
struct err crypto_ecdh_point(const struct crypto_key *key, struct span point,
			     uint8_t *out);

/* ---- random ---- */

/* The system's random source, as a struct random's fill. */
struct err crypto_random_fill(void *self, void *out, size_t len);

#endif
