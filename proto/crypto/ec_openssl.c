/*
 * The OpenSSL 3.0 side of the seam: P-256 and P-384.
 *
 * Keys come in as scalars, points and SPKIs of exactly one form, so they are
 * compared with a fixed prefix and no DER parser sees foreign bytes here.
 * The library's operations on a key are made ready once and copied for each
 * use: to begin one anew costs as much as a good part of the curve's work.
 */
#include <stdlib.h>

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rand.h>

#include "proto/crypto/ec_openssl.h"
#include "proto/crypto/err_openssl.h"

enum {
	SCALAR_MAX = 48,
	DER_SIG_MAX = 2 + 2 * (3 + SCALAR_MAX),
	DRAWS_MAX = 64, /* a draw outside 1..n-1 is one in 2^32 */
};

struct crypto_public {
	enum crypto_curve curve;
	EVP_PKEY *pkey;
	EVP_PKEY_CTX *verify; /* ready; copied, never used itself */
	uint8_t spki[CRYPTO_SPKI_MAX];
	size_t prefix_len; /* the point stands behind it, to the end */
	struct key_id id, point_id;
};

struct crypto_key {
	struct crypto_public public; /* its pkey holds the private part too */
	uint8_t scalar[SCALAR_MAX];
};

/* RFC 5480: SubjectPublicKeyInfo up to the point, named curve, uncompressed. */
static const uint8_t prefix_p256[] = {
	0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48,
	0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48,
	0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00,
};
static const uint8_t prefix_p384[] = {
	0x30, 0x76, 0x30, 0x10, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02,
	0x01, 0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x22, 0x03, 0x62, 0x00,
};

static struct span prefix_of(enum crypto_curve curve)
{
	return curve == CRYPTO_P256 ? SPAN_OBJ(prefix_p256)
				    : SPAN_OBJ(prefix_p384);
}

static int nid_of(enum crypto_curve curve)
{
	return curve == CRYPTO_P256 ? NID_X9_62_prime256v1 : NID_secp384r1;
}

static const char *group_of(enum crypto_curve curve)
{
	return curve == CRYPTO_P256 ? SN_X9_62_prime256v1 : SN_secp384r1;
}

static struct err fault(const char *detail)
{
	return openssl_err(ERR_INTERNAL, detail);
}

static struct err refuse(const char *detail)
{
	return openssl_err(ERR_MALFORMED, detail);
}

/* ---- public keys ---- */

/* The library's key from a point and, unless NULL, a scalar.  It checks that
 * the point lies on the curve; the curves have cofactor 1, so no more is
 * needed (SP 800-56A 5.6.2.3.4). */
static struct err pkey_make(enum crypto_curve curve, struct span point,
			    const BIGNUM *scalar, EVP_PKEY **out)
{
	uint8_t native[SCALAR_MAX];
	OSSL_PARAM params[4], *p = params;
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
	struct err e = ERR_NONE;

	*p++ = OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME,
						(char *)group_of(curve), 0);
	*p++ = OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY,
						 (void *)point.at, point.len);
	if (scalar) {
		if (BN_bn2nativepad(scalar, native,
				    (int)crypto_scalar_len(curve)) < 0) {
			e = fault("a scalar too long");
			goto out;
		}
		*p++ = OSSL_PARAM_construct_BN(OSSL_PKEY_PARAM_PRIV_KEY, native,
					       crypto_scalar_len(curve));
	}
	*p = OSSL_PARAM_construct_end();
	if (!ctx || EVP_PKEY_fromdata_init(ctx) != 1)
		e = fault("no EC keys in the library");
	else if (EVP_PKEY_fromdata(ctx, out,
				   scalar ? EVP_PKEY_KEYPAIR
					  : EVP_PKEY_PUBLIC_KEY,
				   params) != 1)
		e = refuse("no point of the curve");
out:
	wipe(native, sizeof(native));
	EVP_PKEY_CTX_free(ctx);
	return e;
}

/* Public keys whose point is the generator, made before main like the
 * algorithms of crypto_openssl.c; never changed, copied by every thread. */
static struct {
	EVP_PKEY *p256, *p384;
} generators;

static EVP_PKEY *generator_of(enum crypto_curve curve)
{
	return curve == CRYPTO_P256 ? generators.p256 : generators.p384;
}

static EVP_PKEY *generator_make(enum crypto_curve curve)
{
	EC_GROUP *group = EC_GROUP_new_by_curve_name(nid_of(curve));
	uint8_t point[CRYPTO_POINT_MAX];
	EVP_PKEY *out = NULL;

	if (group &&
	    EC_POINT_point2oct(group, EC_GROUP_get0_generator(group),
			       POINT_CONVERSION_UNCOMPRESSED, point,
			       crypto_point_len(curve),
			       NULL) == crypto_point_len(curve) &&
	    failed(pkey_make(curve, span_of(point, crypto_point_len(curve)),
			     NULL, &out)))
		out = NULL;
	EC_GROUP_free(group);
	return out;
}

[[gnu::constructor]] static void make_generators(void)
{
	generators.p256 = generator_make(CRYPTO_P256);
	generators.p384 = generator_make(CRYPTO_P384);
}

static void public_clear(struct crypto_public *key)
{
	EVP_PKEY_CTX_free(key->verify);
	EVP_PKEY_free(key->pkey);
}

/* Fill a zeroed key; on failure public_clear has something to do. */
static struct err public_init(struct crypto_public *key,
			      enum crypto_curve curve, struct span point,
			      const BIGNUM *scalar)
{
	struct span prefix = prefix_of(curve);
	struct digest id, point_id;
	struct err e;

	if (point.len != crypto_point_len(curve) || point.at[0] != 4)
		return err_make(ERR_MALFORMED, "not an uncompressed point");
	key->curve = curve;
	key->prefix_len = prefix.len;
	memcpy(key->spki, prefix.at, prefix.len);
	memcpy(key->spki + prefix.len, point.at, point.len);
	e = pkey_make(curve, point, scalar, &key->pkey);
	if (failed(e))
		return e;
	key->verify = EVP_PKEY_CTX_new_from_pkey(NULL, key->pkey, NULL);
	if (!key->verify || EVP_PKEY_verify_init(key->verify) != 1)
		return fault("no ECDSA in the library");
	e = crypto_sha256(crypto_public_spki(key), &id);
	if (!failed(e))
		e = crypto_sha256(crypto_public_point(key), &point_id);
	if (failed(e))
		return e;
	memcpy(key->id.at, id.at, DIGEST_LEN);
	memcpy(key->point_id.at, point_id.at, DIGEST_LEN);
	return ERR_NONE;
}

struct err crypto_public_from_point(struct span point,
				    struct crypto_public **out)
{
	struct crypto_public *key;
	enum crypto_curve curve;
	struct err e;

	if (point.len == crypto_point_len(CRYPTO_P256))
		curve = CRYPTO_P256;
	else if (point.len == crypto_point_len(CRYPTO_P384))
		curve = CRYPTO_P384;
	else
		return err_make(ERR_MALFORMED, "not the length of a point");
	key = calloc(1, sizeof(*key));
	if (!key)
		return err_make(ERR_NO_MEMORY, "no memory for a key");
	e = public_init(key, curve, point, NULL);
	if (failed(e)) {
		crypto_public_free(key);
		return e;
	}
	*out = key;
	return ERR_NONE;
}

struct err crypto_public_from_spki(struct span spki, struct crypto_public **out)
{
	static const enum crypto_curve curves[] = {CRYPTO_P256, CRYPTO_P384};

	for (size_t i = 0; i < 2; i++) {
		struct span prefix = prefix_of(curves[i]);

		if (spki.len == prefix.len + crypto_point_len(curves[i]) &&
		    memcmp(spki.at, prefix.at, prefix.len) == 0)
			return crypto_public_from_point(span_sub(spki,
								 prefix.len,
								 spki.len),
							out);
	}
	return err_make(ERR_MALFORMED,
			"not the SPKI of a P-256 or P-384 point");
}

void crypto_public_free(struct crypto_public *key)
{
	if (!key)
		return;
	public_clear(key);
	free(key);
}

enum crypto_curve crypto_public_curve(const struct crypto_public *key)
{
	return key->curve;
}

struct span crypto_public_spki(const struct crypto_public *key)
{
	return span_of(key->spki,
		       key->prefix_len + crypto_point_len(key->curve));
}

struct span crypto_public_point(const struct crypto_public *key)
{
	return span_of(key->spki + key->prefix_len,
		       crypto_point_len(key->curve));
}

struct key_id crypto_public_id(const struct crypto_public *key)
{
	return key->id;
}

struct key_id crypto_public_point_id(const struct crypto_public *key)
{
	return key->point_id;
}

/* ---- private keys ---- */

/* `scalar` times the generator, as an uncompressed point; ERR_MALFORMED for
 * a scalar outside 1..n-1. */
static struct err point_of(enum crypto_curve curve, const BIGNUM *scalar,
			   uint8_t *point)
{
	EC_GROUP *group = EC_GROUP_new_by_curve_name(nid_of(curve));
	EC_POINT *at = group ? EC_POINT_new(group) : NULL;
	struct err e = ERR_NONE;

	if (!at)
		e = fault("a curve the library lacks");
	else if (BN_is_zero(scalar) ||
		 BN_cmp(scalar, EC_GROUP_get0_order(group)) >= 0)
		e = refuse("a scalar out of range");
	else if (EC_POINT_mul(group, at, scalar, NULL, NULL, NULL) != 1 ||
		 EC_POINT_point2oct(group, at, POINT_CONVERSION_UNCOMPRESSED,
				    point, crypto_point_len(curve),
				    NULL) != crypto_point_len(curve))
		e = fault("a point did not come");
	EC_POINT_free(at);
	EC_GROUP_free(group);
	return e;
}

struct err crypto_key_from_scalar(enum crypto_curve curve, struct span scalar,
				  struct crypto_key **out)
{
	uint8_t point[CRYPTO_POINT_MAX];
	struct crypto_key *key = NULL;
	BIGNUM *number = NULL;
	struct err e;

	if (scalar.len != crypto_scalar_len(curve))
		return err_make(ERR_MALFORMED, "a scalar of a wrong length");
	key = calloc(1, sizeof(*key));
	number = BN_secure_new();
	if (!key || !number || !BN_bin2bn(scalar.at, (int)scalar.len, number)) {
		e = err_make(ERR_NO_MEMORY, "no memory for a key");
		goto out;
	}
	BN_set_flags(number, BN_FLG_CONSTTIME);
	e = point_of(curve, number, point);
	if (failed(e))
		goto out;
	e = public_init(&key->public, curve,
			span_of(point, crypto_point_len(curve)), number);
	if (failed(e))
		goto out;
	memcpy(key->scalar, scalar.at, scalar.len);
	*out = key;
	key = NULL;
out:
	BN_clear_free(number);
	crypto_key_free(key);
	return e;
}

struct err crypto_key_generate(enum crypto_curve curve, struct crypto_key **out)
{
	uint8_t scalar[SCALAR_MAX];
	struct span drawn = span_of(scalar, crypto_scalar_len(curve));
	struct err e = err_make(ERR_INTERNAL, "no scalar in range");

	/* FIPS 186-5 A.2.2: draw again what is out of range. */
	for (int i = 0; i < DRAWS_MAX; i++) {
		if (RAND_priv_bytes_ex(NULL, scalar, drawn.len, 0) != 1) {
			e = fault("no random bytes for a key");
			break;
		}
		e = crypto_key_from_scalar(curve, drawn, out);
		if (e.code != ERR_MALFORMED)
			break;
	}
	wipe(scalar, sizeof(scalar));
	return e;
}

void crypto_key_free(struct crypto_key *key)
{
	if (!key)
		return;
	public_clear(&key->public);
	wipe(key, sizeof(*key));
	free(key);
}

enum crypto_curve crypto_key_curve(const struct crypto_key *key)
{
	return key->public.curve;
}

struct err crypto_key_scalar(const struct crypto_key *key, uint8_t *out)
{
	memcpy(out, key->scalar, crypto_scalar_len(key->public.curve));
	return ERR_NONE;
}

const struct crypto_public *crypto_key_public(const struct crypto_key *key)
{
	return &key->public;
}

/* ---- ECDSA ---- */

/* One INTEGER of DER from a big-endian number; returns the end. */
static uint8_t *put_integer(uint8_t *to, struct span number)
{
	while (number.len > 1 && !number.at[0])
		number = span_sub(number, 1, number.len);
	*to++ = 0x02;
	if (number.at[0] & 0x80) {
		*to++ = (uint8_t)(number.len + 1);
		*to++ = 0;
	} else {
		*to++ = (uint8_t)number.len;
	}
	memcpy(to, number.at, number.len);
	return to + number.len;
}

/* ECDSA-Sig-Value (RFC 3279 s.2.2.3) of r || s; returns its length, always
 * below 128. */
static size_t sig_to_der(struct span raw, uint8_t der[DER_SIG_MAX])
{
	const size_t half = raw.len / 2;
	uint8_t *end = put_integer(der + 2, span_sub(raw, 0, half));

	end = put_integer(end, span_sub(raw, half, half));
	der[0] = 0x30;
	der[1] = (uint8_t)(end - der - 2);
	return (size_t)(end - der);
}

static bool sig_from_der(const uint8_t *der, size_t len, size_t half,
			 uint8_t *raw)
{
	ECDSA_SIG *sig = d2i_ECDSA_SIG(NULL, &der, (long)len);
	bool ok =
		sig &&
		BN_bn2binpad(ECDSA_SIG_get0_r(sig), raw, (int)half) > 0 &&
		BN_bn2binpad(ECDSA_SIG_get0_s(sig), raw + half, (int)half) > 0;

	ECDSA_SIG_free(sig);
	return ok;
}

static enum crypto_hash hash_of(enum crypto_curve curve)
{
	return curve == CRYPTO_P256 ? CRYPTO_SHA256 : CRYPTO_SHA384;
}

struct err crypto_sign(const struct crypto_key *key, struct span message,
		       uint8_t *sig)
{
	const enum crypto_curve curve = key->public.curve;
	const enum crypto_hash hash = hash_of(curve);
	uint8_t digest[CRYPTO_HASH_MAX], der[DER_SIG_MAX];
	size_t der_len = sizeof(der);
	EVP_PKEY_CTX *ctx;
	struct err e = crypto_hash(hash, message, digest);

	if (failed(e))
		return e;
	ctx = EVP_PKEY_CTX_new_from_pkey(NULL, key->public.pkey, NULL);
	if (!ctx || EVP_PKEY_sign_init(ctx) != 1 ||
	    EVP_PKEY_sign(ctx, der, &der_len, digest, hash) != 1 ||
	    !sig_from_der(der, der_len, crypto_scalar_len(curve), sig))
		e = fault("ECDSA failed to sign");
	EVP_PKEY_CTX_free(ctx);
	return e;
}

struct err crypto_verify(const struct crypto_public *key, struct span message,
			 struct span sig)
{
	const enum crypto_hash hash = hash_of(key->curve);
	uint8_t digest[CRYPTO_HASH_MAX], der[DER_SIG_MAX];
	EVP_PKEY_CTX *ctx;
	struct err e;

	if (sig.len != crypto_sig_len(key->curve))
		return err_make(ERR_SIGNATURE, "a signature of a wrong length");
	e = crypto_hash(hash, message, digest);
	if (failed(e))
		return e;
	ctx = EVP_PKEY_CTX_dup(key->verify);
	if (!ctx) {
		e = fault("ECDSA did not begin");
	} else if (EVP_PKEY_verify(ctx, der, sig_to_der(sig, der), digest,
				   hash) != 1) {
		/* Numbers outside 1..n-1 are refused here as well. */
		e = openssl_err(ERR_SIGNATURE, "a signature does not verify");
	}
	EVP_PKEY_CTX_free(ctx);
	return e;
}

/* ---- ECDH ---- */

/* The other point was checked when it became a key, so not again. */
static struct err derive(const struct crypto_key *key, EVP_PKEY *other,
			 uint8_t *out)
{
	size_t len = crypto_scalar_len(key->public.curve);
	EVP_PKEY_CTX *ctx =
		EVP_PKEY_CTX_new_from_pkey(NULL, key->public.pkey, NULL);
	struct err e = ERR_NONE;

	if (!ctx || EVP_PKEY_derive_init(ctx) != 1 ||
	    EVP_PKEY_derive_set_peer_ex(ctx, other, 0) != 1 ||
	    EVP_PKEY_derive(ctx, out, &len) != 1 ||
	    len != crypto_scalar_len(key->public.curve))
		e = fault("ECDH failed");
	EVP_PKEY_CTX_free(ctx);
	return e;
}

struct err crypto_ecdh(const struct crypto_key *key,
		       const struct crypto_public *other, uint8_t *out)
{
	if (key->public.curve != other->curve)
		return err_make(ERR_MALFORMED, "keys of different curves");
	return derive(key, other->pkey, out);
}

struct err crypto_ecdh_point(const struct crypto_key *key, struct span point,
			     uint8_t *out)
{
	EVP_PKEY *other;
	struct err e;

	if (point.len != crypto_point_len(key->public.curve) ||
	    point.at[0] != 4)
		return err_make(ERR_MALFORMED, "not an uncompressed point");
	/* A copy of a key of the curve, and then of it the point alone: a
	 * quarter of what a key from its parameters costs.  That the point
	 * lies on the curve is checked there as well. */
	other = EVP_PKEY_dup(generator_of(key->public.curve));
	if (!other)
		e = fault("no EC key");
	else if (EVP_PKEY_set1_encoded_public_key(other, point.at, point.len) !=
		 1)
		e = refuse("no point of the curve");
	else
		e = derive(key, other, out);
	EVP_PKEY_free(other);
	return e;
}

/* ---- for the other files of this side ---- */

struct evp_pkey_st *ec_openssl_private(const struct crypto_key *key)
{
	return key->public.pkey;
}

struct evp_pkey_st *ec_openssl_public(const struct crypto_public *key)
{
	return key->pkey;
}

struct err ec_openssl_import(const struct evp_pkey_st *pkey,
			     struct crypto_key **out)
{
	uint8_t scalar[SCALAR_MAX];
	enum crypto_curve curve;
	BIGNUM *number = NULL;
	char group[64];
	struct err e;

	if (!EVP_PKEY_is_a(pkey, "EC") ||
	    EVP_PKEY_get_utf8_string_param(pkey, OSSL_PKEY_PARAM_GROUP_NAME,
					   group, sizeof(group), NULL) != 1)
		return refuse("not an EC key");
	if (strcmp(group, SN_X9_62_prime256v1) == 0)
		curve = CRYPTO_P256;
	else if (strcmp(group, SN_secp384r1) == 0)
		curve = CRYPTO_P384;
	else
		return refuse("a key of another curve");
	if (EVP_PKEY_get_bn_param(pkey, OSSL_PKEY_PARAM_PRIV_KEY, &number) !=
		    1 ||
	    BN_bn2binpad(number, scalar, (int)crypto_scalar_len(curve)) < 0)
		e = refuse("not a private key");
	else
		e = crypto_key_from_scalar(curve,
					   span_of(scalar,
						   crypto_scalar_len(curve)),
					   out);
	BN_clear_free(number);
	wipe(scalar, sizeof(scalar));
	return e;
}
