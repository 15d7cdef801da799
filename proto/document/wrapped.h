/*
 * Content keys, wrapped for one reader.
 *
 * HPKE base mode (RFC 9180), info "entente key v1"; the wrapping key is its
 * Export over E("entente wrap v1", suite, to, document, commitment, until),
 * the ciphertext AES-256 key wrap (RFC 3394).  One `enc` serves many keys, in
 * any order.  The receiver checks the author's commitment before use.
 */
#ifndef PROTO_DOCUMENT_WRAPPED_H
#define PROTO_DOCUMENT_WRAPPED_H

#include "proto/base/json.h"
#include "proto/base/random.h"
#include "proto/crypto/crypto.h"

enum {
	WRAPPED_SUITE_P256 = 1, /* DHKEM(P-256), HKDF-SHA256: devices */
	WRAPPED_SUITE_P384 = 2, /* DHKEM(P-384), HKDF-SHA384: nations */
	/* 3 MLKEM768-P256, 4 MLKEM1024-P384, 5 X-Wing are reserved. */
};

struct wrapped {
	struct key_id to; /* H(X9.63 point) of the recipient */
	uint16_t suite;
	uint8_t enc[CRYPTO_POINT_MAX];
	size_t enc_len;
	uint8_t ct[CRYPTO_WRAPPED_LEN];
	uint64_t until; /* UTC seconds; 0 is none */
};

/* The suite for a recipient's key. */
uint16_t wrapped_suite(enum crypto_curve curve);

/* ---- for a recipient: begun once, serves many keys ---- */

struct wrapped_sender;

/* One ephemeral key agreement.  Owns: release with wrapped_sender_free.  Not
 * for several threads at once. */
struct err wrapped_sender_new(const struct crypto_public *recipient,
			      const struct random *random,
			      struct wrapped_sender **out);
void wrapped_sender_free(struct wrapped_sender *s);
struct err wrapped_make(struct wrapped_sender *s, struct doc_id document,
			struct digest commitment, uint64_t until,
			const uint8_t key[CRYPTO_KEY_LEN], struct wrapped *out);

/* ---- as the recipient ---- */

/* Keeps the agreement of the `enc` last seen, so that the keys of one answer
 * cost one.  Borrows the private key.  Not for several threads at once. */
struct wrapped_receiver;
struct err wrapped_receiver_new(const struct crypto_key *key,
				struct wrapped_receiver **out);
void wrapped_receiver_free(struct wrapped_receiver *r);
/*
 * The content key, checked against the commitment.  ERR_STALE_KEY if it was
 * wrapped for another key, ERR_UNSUPPORTED for a suite unknown here or of
 * another curve, ERR_DIGEST if it does not unwrap, ERR_COMMITMENT if the key
 * is not the one that the author committed to.  Whether `until` has passed is
 * for the caller, who has a clock.
 */
struct err wrapped_receiver_open(struct wrapped_receiver *r,
				 const struct wrapped *w,
				 struct doc_id document,
				 struct digest commitment,
				 uint8_t key[CRYPTO_KEY_LEN]);
/* The same, once. */
struct err wrapped_open(const struct crypto_key *private_key,
			const struct wrapped *w, struct doc_id document,
			struct digest commitment, uint8_t key[CRYPTO_KEY_LEN]);

/* ---- an agreement by itself, for whoever keeps many ---- */

/* What an `enc` and the recipient's key agree on.  It does not change, so
 * several threads may open with it at once.  A secret; wiped when freed. */
struct wrapped_agreement;
/* Of the `enc` of `w`.  Errors as of wrapped_receiver_open. */
struct err wrapped_agreement_new(const struct crypto_key *key,
				 const struct wrapped *w,
				 struct wrapped_agreement **out);
void wrapped_agreement_free(struct wrapped_agreement *a);
/* Whether it is that of recipient, suite and `enc` of `w`. */
bool wrapped_agreement_fits(const struct wrapped_agreement *a,
			    const struct wrapped *w);
/* As wrapped_receiver_open; ERR_INTERNAL unless it fits. */
struct err wrapped_agreement_open(const struct wrapped_agreement *a,
				  const struct wrapped *w,
				  struct doc_id document,
				  struct digest commitment,
				  uint8_t key[CRYPTO_KEY_LEN]);

/* ---- {"ct":b64,"enc":b64,"suite":n,"to":key id,"until":n} ---- */

void wrapped_to_json(const struct wrapped *w, struct json_writer *out);
/* Unknown members are refused. */
struct err wrapped_from_json(const struct json *object, struct wrapped *out);

#endif
