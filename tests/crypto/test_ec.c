/*
 * Proves proto/crypto/ec_openssl.c: keys in and out, ECDSA, ECDH, and what
 * must be refused.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <pthread.h>

#include "proto/crypto/crypto.h"
#include "tests/crypto/vectors.h"

#define OK(e)	       assert_false(failed(e))
#define FAILS(e, want) assert_int_equal((e).code, want)

static const enum crypto_curve curves[] = {CRYPTO_P256, CRYPTO_P384};

static const char order_p256[] =
	"ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551";
static const char order_p384[] =
	"ffffffffffffffffffffffffffffffffffffffffffffffff"
	"c7634d81f4372ddf581a0db248b0a77aecec196accc52973";

static void rfc_6979_signatures_verify(void **state)
{
	static const struct {
		enum crypto_curve curve;
		const char *scalar, *point, *sig;
	} rows[] = {
		/* A.2.5, "sample", SHA-256 */
		{CRYPTO_P256,
		 "c9afa9d845ba75166b5c215767b1d6934e50c3db36e89b127b8a622b120f"
		 "6721",
		 "0460fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e60"
		 "f29fb67903fe1008b8bc99a41ae9e95628bc64f2f1b20c2d7e9f5177a3c2"
		 "94d4462299",
		 "efd48b2aacb6a8fd1140dd9cd45e81d69d2c877b56aaf991c34d0ea84eaf"
		 "3716f7cb1c942d657c41d436c7a1b6e29f65f3e900dbb9aff4064dc4ab2f"
		 "843acda8"},
		/* A.2.6, "sample", SHA-384 */
		{CRYPTO_P384,
		 "6b9d3dad2e1b8c1c05b19875b6659f4de23c3b667bf297ba9aa477407871"
		 "37d896d5724e4c70a825f872c9ea60d2edf5",
		 "04ec3a4e415b4e19a4568618029f427fa5da9a8bc4ae92e02e06aae5286b"
		 "300c64def8f0ea9055866064a254515480bc138015d9b72d7d57244ea8ef"
		 "9ac0c621896708a59367f9dfb9f54ca84b3f1c9db1288b231c3ae0d4fe73"
		 "44fd2533264720",
		 "94edbb92a5ecb8aad4736e56c691916b3f88140666ce9fa73d64c4ea95ad"
		 "133c81a648152e44acf96e36dd1e80fabe4699ef4aeb15f178cea1fe40db"
		 "2603138f130e740a19624526203b6351d0a3a94fa329c145786e679e7b82"
		 "c71a38628ac8"},
	};

	for (size_t i = 0; i < 2; i++) {
		struct vector_bytes scalar = vector_hex(rows[i].scalar);
		struct vector_bytes point = vector_hex(rows[i].point);
		struct vector_bytes sig = vector_hex(rows[i].sig);
		const struct crypto_public *public;
		struct crypto_key *key;

		OK(crypto_key_from_scalar(rows[i].curve, vector_span(&scalar),
					  &key));
		public = crypto_key_public(key);
		assert_true(span_eq(crypto_public_point(public),
				    vector_span(&point)));
		OK(crypto_verify(public, span_str("sample"),
				 vector_span(&sig)));
		FAILS(crypto_verify(public, span_str("simple"),
				    vector_span(&sig)),
		      ERR_SIGNATURE);
		crypto_key_free(key);
	}
}

static void what_is_signed_verifies_and_no_changed_byte_does(void **state)
{
	for (int i = 0; i < 2; i++) {
		const size_t len = crypto_sig_len(curves[i]);
		uint8_t sig[CRYPTO_SIG_P384_LEN];
		const struct crypto_public *public;
		struct crypto_key *key, *other;

		OK(crypto_key_generate(curves[i], &key));
		OK(crypto_key_generate(curves[i], &other));
		public = crypto_key_public(key);
		/* Often enough for short r and s, which need padding. */
		for (int n = 0; n < (i ? 20 : 600); n++) {
			uint8_t message = (uint8_t)n;

			OK(crypto_sign(key, span_of(&message, 1), sig));
			OK(crypto_verify(public, span_of(&message, 1),
					 span_of(sig, len)));
		}
		OK(crypto_sign(key, span_str("text"), sig));
		FAILS(crypto_verify(crypto_key_public(other), span_str("text"),
				    span_of(sig, len)),
		      ERR_SIGNATURE);
		for (size_t at = 0; at < len; at++) {
			sig[at] ^= 1;
			FAILS(crypto_verify(public, span_str("text"),
					    span_of(sig, len)),
			      ERR_SIGNATURE);
			sig[at] ^= 1;
		}
		crypto_key_free(key);
		crypto_key_free(other);
	}
}

static void degenerate_signatures_are_refused(void **state)
{
	for (int i = 0; i < 2; i++) {
		struct vector_bytes n = vector_hex(i ? order_p384 : order_p256);
		const size_t len = crypto_sig_len(curves[i]);
		uint8_t sig[CRYPTO_SIG_P384_LEN] = {0};
		const struct crypto_public *public;
		struct crypto_key *key;

		OK(crypto_key_generate(curves[i], &key));
		public = crypto_key_public(key);
		/* r and s of 0, of n, of all ones; and wrong lengths */
		FAILS(crypto_verify(public, span_str("a"), span_of(sig, len)),
		      ERR_SIGNATURE);
		OK(crypto_sign(key, span_str("a"), sig));
		memcpy(sig + len / 2, n.at, n.len);
		FAILS(crypto_verify(public, span_str("a"), span_of(sig, len)),
		      ERR_SIGNATURE);
		memset(sig, 0xff, sizeof(sig));
		FAILS(crypto_verify(public, span_str("a"), span_of(sig, len)),
		      ERR_SIGNATURE);
		OK(crypto_sign(key, span_str("a"), sig));
		for (size_t cut = 0; cut < len; cut++)
			FAILS(crypto_verify(public, span_str("a"),
					    span_of(sig, cut)),
			      ERR_SIGNATURE);
		crypto_key_free(key);
	}
}

static void scalars_out_of_range_are_refused(void **state)
{
	for (int i = 0; i < 2; i++) {
		struct vector_bytes n = vector_hex(i ? order_p384 : order_p256);
		struct vector_bytes zero = {.len = n.len}, one = zero;
		struct crypto_key *key;
		uint8_t back[CRYPTO_HASH_MAX];

		FAILS(crypto_key_from_scalar(curves[i], vector_span(&zero),
					     &key),
		      ERR_MALFORMED);
		FAILS(crypto_key_from_scalar(curves[i], vector_span(&n), &key),
		      ERR_MALFORMED);
		n.at[n.len - 1]--; /* n - 1 is the greatest */
		OK(crypto_key_from_scalar(curves[i], vector_span(&n), &key));
		crypto_key_free(key);
		one.at[one.len - 1] = 1;
		OK(crypto_key_from_scalar(curves[i], vector_span(&one), &key));
		OK(crypto_key_scalar(key, back));
		assert_memory_equal(back, one.at, one.len);
		crypto_key_free(key);
		memset(n.at, 0xff, n.len);
		FAILS(crypto_key_from_scalar(curves[i], vector_span(&n), &key),
		      ERR_MALFORMED);
		n.len--;
		FAILS(crypto_key_from_scalar(curves[i], vector_span(&n), &key),
		      ERR_MALFORMED);
	}
	crypto_key_free(NULL);
}

static void points_off_the_curve_are_refused(void **state)
{
	for (int i = 0; i < 2; i++) {
		uint8_t point[CRYPTO_POINT_MAX];
		size_t len = crypto_point_len(curves[i]);
		struct crypto_public *public;
		struct crypto_key *key;

		OK(crypto_key_generate(curves[i], &key));
		memcpy(point, crypto_public_point(crypto_key_public(key)).at,
		       len);
		OK(crypto_public_from_point(span_of(point, len), &public));
		crypto_public_free(public);
		for (size_t at = 1; at < len; at++) {
			point[at] ^= 0x10;
			FAILS(crypto_public_from_point(span_of(point, len),
						       &public),
			      ERR_MALFORMED);
			point[at] ^= 0x10;
		}
		/* Compressed, hybrid, at infinity, coordinates beyond p. */
		for (int form = 0; form < 256; form++) {
			if (form == 4)
				continue;
			point[0] = (uint8_t)form;
			FAILS(crypto_public_from_point(span_of(point, len),
						       &public),
			      ERR_MALFORMED);
			FAILS(crypto_public_from_point(span_of(point,
							       1 + (len -
								    1) / 2),
						       &public),
			      ERR_MALFORMED);
		}
		memset(point + 1, 0xff, len - 1);
		point[0] = 4;
		FAILS(crypto_public_from_point(span_of(point, len), &public),
		      ERR_MALFORMED);
		memset(point + 1, 0, len - 1);
		FAILS(crypto_public_from_point(span_of(point, len), &public),
		      ERR_MALFORMED);
		crypto_key_free(key);
	}
	crypto_public_free(NULL);
}

static void an_spki_has_exactly_one_form(void **state)
{
	for (int i = 0; i < 2; i++) {
		uint8_t spki[CRYPTO_SPKI_MAX + 1] = {0};
		struct crypto_public *public;
		const struct crypto_public *of_key;
		struct crypto_key *key;
		struct digest d;
		struct span form;

		OK(crypto_key_generate(curves[i], &key));
		of_key = crypto_key_public(key);
		form = crypto_public_spki(of_key);
		memcpy(spki, form.at, form.len);
		OK(crypto_public_from_spki(span_of(spki, form.len), &public));
		assert_int_equal(crypto_public_curve(public), curves[i]);
		assert_true(key_id_eq(crypto_public_id(public),
				      crypto_public_id(of_key)));
		OK(crypto_sha256(form, &d));
		assert_memory_equal(d.at, crypto_public_id(public).at, 32);
		OK(crypto_sha256(crypto_public_point(public), &d));
		assert_memory_equal(d.at, crypto_public_point_id(public).at,
				    32);
		crypto_public_free(public);
		for (size_t cut = 0; cut < form.len; cut++)
			FAILS(crypto_public_from_spki(span_of(spki, cut),
						      &public),
			      ERR_MALFORMED);
		FAILS(crypto_public_from_spki(span_of(spki, form.len + 1),
					      &public),
		      ERR_MALFORMED);
		for (size_t bit = 0; bit < 8 * form.len; bit++) {
			spki[bit / 8] ^= 1 << bit % 8;
			FAILS(crypto_public_from_spki(span_of(spki, form.len),
						      &public),
			      ERR_MALFORMED);
			spki[bit / 8] ^= 1 << bit % 8;
		}
		crypto_key_free(key);
	}
}

static void both_sides_of_ecdh_agree(void **state)
{
	struct crypto_key *keys[2], *other_curve;
	uint8_t a[CRYPTO_HASH_MAX], b[CRYPTO_HASH_MAX];

	for (int i = 0; i < 2; i++) {
		OK(crypto_key_generate(curves[i], &keys[0]));
		OK(crypto_key_generate(curves[i], &keys[1]));
		OK(crypto_key_generate(curves[1 - i], &other_curve));
		OK(crypto_ecdh(keys[0], crypto_key_public(keys[1]), a));
		OK(crypto_ecdh(keys[1], crypto_key_public(keys[0]), b));
		assert_memory_equal(a, b, crypto_scalar_len(curves[i]));
		FAILS(crypto_ecdh(keys[0], crypto_key_public(other_curve), a),
		      ERR_MALFORMED);
		crypto_key_free(keys[0]);
		crypto_key_free(keys[1]);
		crypto_key_free(other_curve);
	}
}

static void a_point_that_comes_along_is_checked_and_agrees_alike(void **state)
{
	for (int i = 0; i < 2; i++) {
		struct crypto_key *key, *other, *other_curve;
		uint8_t point[CRYPTO_POINT_MAX + 1] = {0};
		uint8_t a[CRYPTO_HASH_MAX], b[CRYPTO_HASH_MAX];
		struct span form;

		OK(crypto_key_generate(curves[i], &key));
		OK(crypto_key_generate(curves[i], &other));
		OK(crypto_key_generate(curves[1 - i], &other_curve));
		form = crypto_public_point(crypto_key_public(other));
		memcpy(point, form.at, form.len);
		OK(crypto_ecdh(key, crypto_key_public(other), a));
		OK(crypto_ecdh_point(key, form, b));
		assert_memory_equal(a, b, crypto_scalar_len(curves[i]));
		FAILS(crypto_ecdh_point(key,
					crypto_public_point(
						crypto_key_public(other_curve)),
					b),
		      ERR_MALFORMED);
		FAILS(crypto_ecdh_point(key, span_of(point, form.len + 1), b),
		      ERR_MALFORMED);
		for (size_t cut = 0; cut < form.len; cut++)
			FAILS(crypto_ecdh_point(key, span_of(point, cut), b),
			      ERR_MALFORMED);
		for (size_t bit = 0; bit < 8 * form.len; bit++) {
			point[bit / 8] ^= 1 << bit % 8;
			FAILS(crypto_ecdh_point(key, span_of(point, form.len),
						b),
			      ERR_MALFORMED);
			point[bit / 8] ^= 1 << bit % 8;
		}
		/* The point that every copy begins from stays what it was. */
		OK(crypto_ecdh_point(key, form, b));
		assert_memory_equal(a, b, crypto_scalar_len(curves[i]));
		crypto_key_free(key);
		crypto_key_free(other);
		crypto_key_free(other_curve);
	}
}

/* RFC 5903 s.8.1: P-256 */
static void ecdh_is_as_in_rfc_5903(void **state)
{
	struct vector_bytes scalar = vector_hex(
		"c88f01f510d9ac3f70a292daa2316de544e9aab8afe84049c62a9c57862d"
		"1433");
	struct vector_bytes point = vector_hex(
		"04d12dfb5289c8d4f81208b70270398c342296970a0bccb74c736fc75544"
		"94bf6356fbf3ca366cc23e8157854c13c58d6aac23f046ada30f8353e74f"
		"33039872ab");
	struct vector_bytes want = vector_hex(
		"d6840f6b42f6edafd13116e0e12565202fef8e9ece7dce03812464d04b94"
		"42de");
	struct crypto_public *public;
	struct crypto_key *key;
	uint8_t out[32];

	OK(crypto_key_from_scalar(CRYPTO_P256, vector_span(&scalar), &key));
	OK(crypto_public_from_point(vector_span(&point), &public));
	OK(crypto_ecdh(key, public, out));
	assert_memory_equal(out, want.at, sizeof(out));
	crypto_public_free(public);
	crypto_key_free(key);
}

/* What one of several threads does with a key they share. */
struct shared {
	struct crypto_key *key;
	uint8_t sig[CRYPTO_SIG_P256_LEN];
	uint8_t secret[32];
};

static void *use_shared(void *arg)
{
	const struct shared *s = arg;
	const struct crypto_public *public = crypto_key_public(s->key);
	uint8_t sig[CRYPTO_SIG_P256_LEN], secret[32];
	bool ok = true;

	for (int i = 0; i < 100; i++) {
		ok = ok && !failed(crypto_verify(public, span_str("a"),
						 SPAN_OBJ(s->sig)));
		ok = ok &&
		     crypto_verify(public, span_str("b"), SPAN_OBJ(s->sig))
				     .code == ERR_SIGNATURE;
		ok = ok && !failed(crypto_sign(s->key, span_str("c"), sig));
		ok = ok && !failed(crypto_verify(public, span_str("c"),
						 SPAN_OBJ(sig)));
		ok = ok && !failed(crypto_ecdh(s->key, public, secret));
		ok = ok && memcmp(secret, s->secret, sizeof(secret)) == 0;
		ok = ok &&
		     !failed(crypto_ecdh_point(s->key,
					       crypto_public_point(public),
					       secret));
		ok = ok && memcmp(secret, s->secret, sizeof(secret)) == 0;
	}
	return ok ? arg : NULL;
}

static void threads_may_share_a_key(void **state)
{
	enum { THREADS = 4 };
	pthread_t threads[THREADS];
	struct shared s;
	void *result;

	OK(crypto_key_generate(CRYPTO_P256, &s.key));
	OK(crypto_sign(s.key, span_str("a"), s.sig));
	OK(crypto_ecdh(s.key, crypto_key_public(s.key), s.secret));
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, use_shared,
						&s),
				 0);
	for (int i = 0; i < THREADS; i++) {
		pthread_join(threads[i], &result);
		assert_ptr_equal(result, &s);
	}
	crypto_key_free(s.key);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rfc_6979_signatures_verify),
		cmocka_unit_test(
			what_is_signed_verifies_and_no_changed_byte_does),
		cmocka_unit_test(degenerate_signatures_are_refused),
		cmocka_unit_test(scalars_out_of_range_are_refused),
		cmocka_unit_test(points_off_the_curve_are_refused),
		cmocka_unit_test(an_spki_has_exactly_one_form),
		cmocka_unit_test(both_sides_of_ecdh_agree),
		cmocka_unit_test(
			a_point_that_comes_along_is_checked_and_agrees_alike),
		cmocka_unit_test(ecdh_is_as_in_rfc_5903),
		cmocka_unit_test(threads_may_share_a_key),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
