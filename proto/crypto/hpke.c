/* RFC 9180, base mode, over the crypto seam. */
#include <assert.h>

#include "proto/crypto/hpke.h"

enum {
	MODE_BASE = 0,
	AEAD_AES_256_GCM = 2,
	/* Labeled input: "HPKE-v1", suite id, label, and what follows. */
	LABELED_MAX = 64 * 1024 + 256,
	IKM_MAX = 256,
	DRAWS_MAX = 256,
};

/* One row for each suite: the numbers of RFC 9180 s.7. */
struct suite_row {
	uint16_t kem_id, kdf_id;
	enum crypto_curve curve;
	enum crypto_hash hash; /* of the KEM and of the schedule */
};

static const struct suite_row rows[] = {
	[HPKE_P256] = {0x0010, 0x0001, CRYPTO_P256, CRYPTO_SHA256},
	[HPKE_P384] = {0x0011, 0x0002, CRYPTO_P384, CRYPTO_SHA384},
};

static const struct suite_row *row_of(enum hpke_suite suite)
{
	assert(suite == HPKE_P256 || suite == HPKE_P384);
	return &rows[suite];
}

/* Whose labels these are: "KEM" and its id, or "HPKE" and all three. */
enum party { PARTY_KEM, PARTY_HPKE };

static void put_suite_id(struct buf *b, const struct suite_row *row,
			 enum party party)
{
	buf_put_str(b, party == PARTY_KEM ? "KEM" : "HPKE");
	buf_put_u16(b, row->kem_id);
	if (party == PARTY_HPKE) {
		buf_put_u16(b, row->kdf_id);
		buf_put_u16(b, AEAD_AES_256_GCM);
	}
}

struct err hpke_suite_of(uint64_t number, enum hpke_suite *out)
{
	if (number != HPKE_P256 && number != HPKE_P384)
		return err_make(ERR_UNSUPPORTED, "an HPKE suite unknown here");
	*out = (enum hpke_suite)number;
	return ERR_NONE;
}

enum crypto_curve hpke_suite_curve(enum hpke_suite suite)
{
	return row_of(suite)->curve;
}

enum hpke_suite hpke_suite_for(enum crypto_curve curve)
{
	return curve == CRYPTO_P256 ? HPKE_P256 : HPKE_P384;
}

/* ---- s.4: labeled extract and expand ---- */

static struct err labeled_extract(const struct suite_row *row, enum party party,
				  struct span salt, const char *label,
				  struct span ikm, uint8_t *prk)
{
	struct buf input;
	struct err e;

	buf_init(&input, LABELED_MAX);
	buf_put_str(&input, "HPKE-v1");
	put_suite_id(&input, row, party);
	buf_put_str(&input, label);
	buf_put(&input, ikm);
	e = buf_check(&input);
	if (!failed(e))
		e = crypto_hkdf_extract(row->hash, salt, buf_span(&input), prk);
	buf_wipe(&input);
	return e;
}

static struct err labeled_expand(const struct suite_row *row, enum party party,
				 const uint8_t *prk, const char *label,
				 struct span info, void *out, size_t len)
{
	struct buf input;
	struct err e;

	if (len > 255 * (size_t)row->hash)
		return err_make(ERR_TOO_LARGE, "more than HKDF can give");
	buf_init(&input, LABELED_MAX);
	buf_put_u16(&input, (uint16_t)len);
	buf_put_str(&input, "HPKE-v1");
	put_suite_id(&input, row, party);
	buf_put_str(&input, label);
	buf_put(&input, info);
	e = buf_check(&input);
	if (!failed(e))
		e = crypto_hkdf_expand(row->hash, span_of(prk, row->hash),
				       buf_span(&input), out, len);
	buf_wipe(&input);
	return e;
}

/* ---- s.7.1.3: DeriveKeyPair for the NIST curves ---- */

struct err hpke_derive_key(enum hpke_suite suite, struct span ikm,
			   struct crypto_key **out)
{
	const struct suite_row *row = row_of(suite);
	const size_t scalar_len = crypto_scalar_len(row->curve);
	uint8_t prk[CRYPTO_HASH_MAX], scalar[CRYPTO_HASH_MAX];
	struct err e;

	if (ikm.len < scalar_len)
		return err_make(ERR_MALFORMED, "too little keying material");
	if (ikm.len > IKM_MAX)
		return err_make(ERR_TOO_LARGE, "too much keying material");
	e = labeled_extract(row, PARTY_KEM, span_of(NULL, 0), "dkp_prk", ikm,
			    prk);
	/* Both orders fill their bytes, so the bit mask is 0xff: none. */
	for (unsigned i = 0; !failed(e) && i < DRAWS_MAX; i++) {
		uint8_t counter = (uint8_t)i;

		e = labeled_expand(row, PARTY_KEM, prk, "candidate",
				   span_of(&counter, 1), scalar, scalar_len);
		if (failed(e))
			break;
		e = crypto_key_from_scalar(row->curve,
					   span_of(scalar, scalar_len), out);
		if (e.code != ERR_MALFORMED)
			break;
		e = i + 1 < DRAWS_MAX
			    ? ERR_NONE
			    : err_make(ERR_INTERNAL, "no scalar in range");
	}
	wipe(prk, sizeof(prk));
	wipe(scalar, sizeof(scalar));
	return e;
}

/* ---- s.4.1: the KEM's shared secret ---- */

static struct err extract_and_expand(const struct suite_row *row,
				     struct span dh, struct span enc,
				     struct span recipient_point,
				     uint8_t *shared)
{
	uint8_t kem_context[2 * CRYPTO_POINT_MAX];
	uint8_t prk[CRYPTO_HASH_MAX];
	struct err e;

	memcpy(kem_context, enc.at, enc.len);
	memcpy(kem_context + enc.len, recipient_point.at, recipient_point.len);
	e = labeled_extract(row, PARTY_KEM, span_of(NULL, 0), "eae_prk", dh,
			    prk);
	if (!failed(e))
		e = labeled_expand(row, PARTY_KEM, prk, "shared_secret",
				   span_of(kem_context,
					   enc.len + recipient_point.len),
				   shared, row->hash);
	wipe(prk, sizeof(prk));
	return e;
}

/* ---- s.5.1: the key schedule, mode base ---- */

static struct err key_schedule(enum hpke_suite suite, const uint8_t *shared,
			       struct span info, struct hpke_context *out)
{
	const struct suite_row *row = row_of(suite);
	const struct span none = span_of(NULL, 0);
	uint8_t schedule[1 + 2 * CRYPTO_HASH_MAX] = {MODE_BASE};
	struct span context = span_of(schedule, 1 + 2 * (size_t)row->hash);
	struct hpke_context made = {.suite = suite};
	uint8_t secret[CRYPTO_HASH_MAX];
	struct err e;

	e = labeled_extract(row, PARTY_HPKE, none, "psk_id_hash", none,
			    schedule + 1);
	if (!failed(e))
		e = labeled_extract(row, PARTY_HPKE, none, "info_hash", info,
				    schedule + 1 + row->hash);
	if (!failed(e))
		e = labeled_extract(row, PARTY_HPKE, span_of(shared, row->hash),
				    "secret", none, secret);
	if (!failed(e))
		e = labeled_expand(row, PARTY_HPKE, secret, "key", context,
				   made.key, sizeof(made.key));
	if (!failed(e))
		e = labeled_expand(row, PARTY_HPKE, secret, "base_nonce",
				   context, made.base_nonce,
				   sizeof(made.base_nonce));
	if (!failed(e))
		e = labeled_expand(row, PARTY_HPKE, secret, "exp", context,
				   made.exporter_secret, row->hash);
	if (!failed(e))
		*out = made;
	wipe(secret, sizeof(secret));
	hpke_clear(&made);
	return e;
}

/* ---- setup ---- */

struct err hpke_setup_sender_with(enum hpke_suite suite,
				  const struct crypto_public *recipient,
				  struct span info,
				  const struct crypto_key *ephemeral,
				  struct hpke_enc *enc,
				  struct hpke_context *out)
{
	const struct suite_row *row = row_of(suite);
	struct span point = crypto_public_point(crypto_key_public(ephemeral));
	uint8_t dh[CRYPTO_HASH_MAX], shared[CRYPTO_HASH_MAX];
	struct err e;

	if (crypto_public_curve(recipient) != row->curve ||
	    crypto_key_curve(ephemeral) != row->curve)
		return err_make(ERR_MALFORMED, "a key of another suite");
	e = crypto_ecdh(ephemeral, recipient, dh);
	if (!failed(e))
		e = extract_and_expand(row,
				       span_of(dh,
					       crypto_scalar_len(row->curve)),
				       point, crypto_public_point(recipient),
				       shared);
	if (!failed(e))
		e = key_schedule(suite, shared, info, out);
	if (!failed(e)) {
		memcpy(enc->at, point.at, point.len);
		enc->len = point.len;
	}
	wipe(dh, sizeof(dh));
	wipe(shared, sizeof(shared));
	return e;
}

struct err hpke_setup_sender(enum hpke_suite suite,
			     const struct crypto_public *recipient,
			     struct span info, const struct random *random,
			     struct hpke_enc *enc, struct hpke_context *out)
{
	uint8_t ikm[CRYPTO_HASH_MAX];
	const size_t len = crypto_scalar_len(row_of(suite)->curve);
	struct crypto_key *ephemeral = NULL;
	struct err e = random_fill(random, ikm, len);

	if (!failed(e))
		e = hpke_derive_key(suite, span_of(ikm, len), &ephemeral);
	if (!failed(e))
		e = hpke_setup_sender_with(suite, recipient, info, ephemeral,
					   enc, out);
	crypto_key_free(ephemeral);
	wipe(ikm, sizeof(ikm));
	return e;
}

struct err hpke_setup_receiver(enum hpke_suite suite,
			       const struct crypto_key *key, struct span enc,
			       struct span info, struct hpke_context *out)
{
	const struct suite_row *row = row_of(suite);
	uint8_t dh[CRYPTO_HASH_MAX], shared[CRYPTO_HASH_MAX];
	struct err e;

	if (crypto_key_curve(key) != row->curve ||
	    enc.len != crypto_point_len(row->curve))
		return err_make(ERR_MALFORMED, "a key of another suite");
	e = crypto_ecdh_point(key, enc, dh);
	if (!failed(e))
		e = extract_and_expand(
			row, span_of(dh, crypto_scalar_len(row->curve)), enc,
			crypto_public_point(crypto_key_public(key)), shared);
	if (!failed(e))
		e = key_schedule(suite, shared, info, out);
	wipe(dh, sizeof(dh));
	wipe(shared, sizeof(shared));
	return e;
}

/* ---- s.5.3 export, s.5.2 seal and open ---- */

struct err hpke_export(const struct hpke_context *context,
		       struct span exporter_context, void *out, size_t len)
{
	return labeled_expand(row_of(context->suite), PARTY_HPKE,
			      context->exporter_secret, "sec", exporter_context,
			      out, len);
}

static void compute_nonce(const struct hpke_context *context,
			  uint8_t nonce[CRYPTO_NONCE_LEN])
{
	memcpy(nonce, context->base_nonce, CRYPTO_NONCE_LEN);
	for (int i = 0; i < 8; i++)
		nonce[CRYPTO_NONCE_LEN - 1 - i] ^=
			(uint8_t)(context->seq >> 8 * i);
}

struct err hpke_seal(struct hpke_context *context, struct span aad,
		     struct span plain, uint8_t *out)
{
	uint8_t nonce[CRYPTO_NONCE_LEN];
	struct err e;

	if (context->seq == UINT64_MAX)
		return err_make(ERR_TOO_LARGE, "an HPKE context is used up");
	compute_nonce(context, nonce);
	e = crypto_gcm_seal(context->key, nonce, aad, plain, out);
	if (!failed(e))
		context->seq++;
	return e;
}

struct err hpke_open(struct hpke_context *context, struct span aad,
		     struct span sealed, uint8_t *out)
{
	uint8_t nonce[CRYPTO_NONCE_LEN];
	struct err e;

	if (context->seq == UINT64_MAX)
		return err_make(ERR_TOO_LARGE, "an HPKE context is used up");
	compute_nonce(context, nonce);
	e = crypto_gcm_open(context->key, nonce, aad, sealed, out);
	if (!failed(e))
		context->seq++;
	return e;
}

void hpke_clear(struct hpke_context *context)
{
	wipe(context, sizeof(*context));
}
