/*
 * What is done with an encoding E once it is written: hashed, MACed, signed,
 * verified, or read again.  docs/PROTOCOL.md lists every one.
 *
 * Each takes a buffer that holds the whole encoding and leaves it as it is;
 * a buffer that is bad gives its error.
 */
#ifndef PROTO_DOCUMENT_ENCODING_H
#define PROTO_DOCUMENT_ENCODING_H

#include "proto/crypto/crypto.h"
#include "proto/crypto/domain.h"

struct err encoding_hash(const struct buf *b, struct digest *out);
/* HMAC with SHA-256 under a 32-byte key. */
struct err encoding_mac(const uint8_t key[32], const struct buf *b,
			uint8_t out[32]);
/* HKDF with SHA-256, no salt, the encoding as info. */
struct err encoding_derive(struct span secret, const struct buf *b,
			   uint8_t out[32]);
/* ERR_UNSUPPORTED if the key is not on `curve`. */
struct err encoding_sign(const struct crypto_key *key, enum crypto_curve curve,
			 const struct buf *b, uint8_t *sig);
/* ERR_UNSUPPORTED for another curve, ERR_SIGNATURE. */
struct err encoding_verify(const struct crypto_public *key,
			   enum crypto_curve curve, struct span bytes,
			   struct span sig);
/* A signed blob: the encoding, then the key's ES384 signature over it. */
struct err encoding_sign_blob(const struct crypto_key *key, const struct buf *b,
			      struct buf *blob);
/* Takes it apart; ERR_MALFORMED if shorter than a signature. */
struct err encoding_split_blob(struct span blob, struct span *tbs,
			       struct span *sig);

/* Fixed members. */
static inline void encoding_put_nation(struct buf *b, struct nation n)
{
	buf_put(b, span_of(n.code, NATION_LEN));
}
static inline void encoding_put_replica(struct buf *b, struct replica r)
{
	encoding_put_nation(b, r.nation);
	buf_put_u64(b, r.number);
}
static inline void encoding_put_digest(struct buf *b, struct digest d)
{
	buf_put(b, SPAN_OBJ(d.at));
}
/* Reading: sets `bad` unless the domain string or a nation's form is next. */
void encoding_read_domain(struct span_reader *r, enum domain d);
void encoding_read_nation(struct span_reader *r, struct nation *out);
/* Also bad for number 0. */
void encoding_read_replica(struct span_reader *r, struct replica *out);
/* ERR_MALFORMED unless everything was read. */
struct err encoding_read_end(const struct span_reader *r);

#endif
