/*
 * Enrolment of a device: what both sides hash, MAC and sign.
 *
 * The secret of the one-time token never travels; it keys the MACs.  The
 * challenge that the platform attests covers all three keys of the device.
 */
#ifndef PROTO_DOCUMENT_ENROLMENT_H
#define PROTO_DOCUMENT_ENROLMENT_H

#include "proto/crypto/crypto.h"

enum {
	ENROLMENT_ID_LEN = 16, /* of the token */
	ENROLMENT_SECRET_LEN = 32,
	ENROLMENT_MAC_LEN = 32,
	ENROLMENT_PROOF_LEN = CRYPTO_SIG_P256_LEN,
};

/* What both sides know. */
struct enrolment {
	uint8_t token[ENROLMENT_ID_LEN];
	struct nation nation;
	struct digest ca;   /* H of the CA certificate, DER */
	struct digest root; /* H(SPKI) of the seal root */
	struct span tls_spki;
	struct span author_spki;
	struct span wrapping; /* X9.63 point */
};

/* T. */
struct err enrolment_transcript(const struct enrolment *e, struct digest *out);

/* Kq and Ka of a token.  Secrets: wipe when done. */
struct enrolment_keys {
	uint8_t request[32];
	uint8_t answer[32];
};
struct err enrolment_keys_derive(const uint8_t secret[ENROLMENT_SECRET_LEN],
				 const uint8_t token[ENROLMENT_ID_LEN],
				 struct enrolment_keys *out);

/* HMAC(Kq, E("entente challenge v1", T)): what the platform attests. */
struct err enrolment_challenge(const struct enrolment_keys *keys,
			       struct digest transcript,
			       uint8_t out[ENROLMENT_MAC_LEN]);
/* The author key's signature over E("entente enrol proof v1", T). */
struct err enrolment_prove(const struct crypto_key *author,
			   struct digest transcript,
			   uint8_t proof[ENROLMENT_PROOF_LEN]);
struct err enrolment_check_proof(const struct crypto_public *author,
				 struct digest transcript, struct span proof);
/* The request's MAC; `csr` is DER, `attestation` as sent (may be empty). */
struct err enrolment_request_mac(const struct enrolment_keys *keys,
				 struct digest transcript, struct span csr,
				 struct span attestation,
				 const uint8_t proof[ENROLMENT_PROOF_LEN],
				 uint8_t out[ENROLMENT_MAC_LEN]);
/* The answer's MAC; `certificate` is DER, `replica` the certificate blob. */
struct err enrolment_answer_mac(const struct enrolment_keys *keys,
				const uint8_t request_mac[ENROLMENT_MAC_LEN],
				struct span certificate, struct span replica,
				uint8_t out[ENROLMENT_MAC_LEN]);
/* ERR_SIGNATURE unless equal; in constant time. */
struct err enrolment_check_mac(const uint8_t expected[ENROLMENT_MAC_LEN],
			       struct span mac);

#endif
