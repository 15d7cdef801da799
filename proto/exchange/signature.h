/*
 * HTTP Message Signatures of requests (RFC 9421), ecdsa-p256-sha256.
 *
 * One form, and no other: label `sig1`; components "@method" "@authority"
 * "@path" "@query" "content-digest" and, where the request has the field,
 * "if-match" and "if-none-match", in this order; parameters created, keyid
 * (base64url of the key id), nonce, tag="entente-request-v1", in this order.
 * Content-Digest is always there, also of an empty body, and the body is
 * checked against it.  Anything else does not parse, so there is nothing to
 * choose and nothing to confuse.
 *
 * @authority is lower case without ":443"; @query is '?' and the query as
 * sent, '?' alone if there is none (RFC 9421 s.2.2.3, s.2.2.7).
 */
#ifndef PROTO_EXCHANGE_SIGNATURE_H
#define PROTO_EXCHANGE_SIGNATURE_H

#include "proto/crypto/crypto.h"
#include "proto/exchange/http.h"
#include "proto/exchange/nonce.h"
#include "proto/exchange/page.h"

#define SIGNATURE_TAG "entente-request-v1"
enum { SIGNATURE_BASE_MAX = 8 * 1024 };

/* What a signed request says of itself. */
struct signature {
	uint64_t created; /* UTC seconds */
	struct key_id key;
	struct nonce nonce;
	uint8_t sig[CRYPTO_SIG_P256_LEN];
};

/* The three fields that a signed request carries. */
struct signature_fields {
	struct buf input;     /* Signature-Input */
	struct buf signature; /* Signature */
	struct buf digest;    /* Content-Digest */
};

void signature_fields_init(struct signature_fields *f);
void signature_fields_clear(struct signature_fields *f);

/*
 * Sign `request` (its body whole, its If-Match and If-None-Match set, no
 * signature fields yet).  The key is P-256, else ERR_UNSUPPORTED.
 */
struct err signature_sign(const struct crypto_key *key,
			  const struct http_request *request,
			  const struct nonce *nonce, uint64_t created,
			  struct signature_fields *out);

/* True if the request carries Signature-Input or Signature. */
bool signature_present(const struct http_request *request);

/* ERR_UNAUTHENTICATED if there is none, ERR_MALFORMED if it is not of the
 * one form. Checks nothing else. */
struct err signature_parse(const struct http_request *request,
			   struct signature *out);

/* The signature base (RFC 9421 s.2.5), as the request makes it. */
struct err signature_base(const struct http_request *request,
			  const struct signature *signature, struct buf *out);

/*
 * The signature verifies under `key`, `key` has the id that was said, and
 * Content-Digest is that of the body: else ERR_SIGNATURE or ERR_DIGEST.
 * `base` is the digest of the signature base, for single use.  Nonce and
 * `created` are the caller's to check (nonce_check, signature_created_check).
 */
struct err signature_check(const struct crypto_public *key,
			   const struct http_request *request,
			   const struct signature *signature,
			   struct digest *base);

/* ERR_TIME unless `created` lies within `skew_s` of `now_s`. */
struct err signature_created_check(const struct signature *signature,
				   uint64_t now_s, uint64_t skew_s);

#endif
