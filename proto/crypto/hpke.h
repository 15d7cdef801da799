/*
 * Hybrid public key encryption, base mode (RFC 9180), over the crypto seam.
 *
 * Suites by the numbers of wrapped keys: 1 = DHKEM(P-256, HKDF-SHA256),
 * HKDF-SHA256, AES-256-GCM; 2 = DHKEM(P-384, HKDF-SHA384), HKDF-SHA384,
 * AES-256-GCM.  3 to 5 are reserved: ERR_UNSUPPORTED.  No psk or auth mode.
 *
 * Entente wraps keys by export alone (RFC 9180 s.5.3): one `enc` serves many
 * keys in any order.  Seal and open are here for the published vectors.
 */
#ifndef PROTO_CRYPTO_HPKE_H
#define PROTO_CRYPTO_HPKE_H

#include "proto/base/random.h"
#include "proto/crypto/crypto.h"

enum hpke_suite {
	HPKE_P256 = 1,
	HPKE_P384 = 2,
};

enum { HPKE_ENC_MAX = CRYPTO_POINT_MAX };

/* Both sides' state after the key schedule.  A secret: hpke_clear wipes it.
 * Of one thread at a time for seal and open; export does not change it. */
struct hpke_context {
	enum hpke_suite suite;
	uint8_t key[CRYPTO_KEY_LEN];
	uint8_t base_nonce[CRYPTO_NONCE_LEN];
	uint8_t exporter_secret[CRYPTO_HASH_MAX];
	uint64_t seq; /* of the next seal or open */
};

/* The encapsulated key: an uncompressed point. */
struct hpke_enc {
	uint8_t at[HPKE_ENC_MAX];
	size_t len;
};

static inline struct span hpke_enc_span(const struct hpke_enc *e)
{
	return span_of(e->at, e->len);
}

/* A suite by its number; ERR_UNSUPPORTED for what this build lacks. */
struct err hpke_suite_of(uint64_t number, enum hpke_suite *out);
enum crypto_curve hpke_suite_curve(enum hpke_suite suite);
/* The suite whose recipients have keys on this curve. */
enum hpke_suite hpke_suite_for(enum crypto_curve curve);

/* RFC 9180 s.7.1.3: a key pair from input keying material of at least a
 * scalar's length; ERR_MALFORMED if shorter. */
struct err hpke_derive_key(enum hpke_suite suite, struct span ikm,
			   struct crypto_key **out);

/*
 * SetupBaseS: a context for the holder of `recipient`, and the `enc` that
 * goes with it.  `random` gives the ephemeral key's keying material.
 * ERR_MALFORMED if the recipient's key is not on the suite's curve.
 */
struct err hpke_setup_sender(enum hpke_suite suite,
			     const struct crypto_public *recipient,
			     struct span info, const struct random *random,
			     struct hpke_enc *enc, struct hpke_context *out);
/* The same with the ephemeral key handed in: for vectors, and for whoever
 * made it beforehand.  An ephemeral key serves one setup only. */
struct err hpke_setup_sender_with(enum hpke_suite suite,
				  const struct crypto_public *recipient,
				  struct span info,
				  const struct crypto_key *ephemeral,
				  struct hpke_enc *enc,
				  struct hpke_context *out);

/* SetupBaseR.  ERR_MALFORMED if `enc` is no point of the suite's curve, or
 * the key is of another one. */
struct err hpke_setup_receiver(enum hpke_suite suite,
			       const struct crypto_key *key, struct span enc,
			       struct span info, struct hpke_context *out);

/* RFC 9180 s.5.3; ERR_TOO_LARGE beyond 255 hashes or a context beyond 64
 * KiB. */
struct err hpke_export(const struct hpke_context *context,
		       struct span exporter_context, void *out, size_t len);

/* `out` gets plain.len + CRYPTO_TAG_LEN bytes, and the sequence rises. */
struct err hpke_seal(struct hpke_context *context, struct span aad,
		     struct span plain, uint8_t *out);
/* `out` gets sealed.len - CRYPTO_TAG_LEN bytes; ERR_DIGEST if it is not
 * authentic, and then the sequence does not rise. */
struct err hpke_open(struct hpke_context *context, struct span aad,
		     struct span sealed, uint8_t *out);

/* Wipes; a second call does nothing. */
void hpke_clear(struct hpke_context *context);

#endif
