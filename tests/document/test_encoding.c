/* What is done with an encoding: a bad buffer, another curve, another form. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "proto/document/encoding.h"
#include "tests/document/vector.h"

static void a_buffer_beyond_its_cap_is_never_hashed_or_signed(void **state)
{
	struct crypto_key *key = vector_key(*state, "seal");
	uint8_t out[CRYPTO_SIG_P384_LEN];
	struct digest digest;
	struct buf b, blob;

	buf_init(&b, 4);
	buf_init(&blob, 4096);
	encode_domain(&b, DOMAIN_ID);
	assert_err(encoding_hash(&b, &digest), ERR_TOO_LARGE);
	assert_err(encoding_mac(out, &b, out), ERR_TOO_LARGE);
	assert_err(encoding_derive(span_str("secret"), &b, out), ERR_TOO_LARGE);
	assert_err(encoding_sign(key, CRYPTO_P384, &b, out), ERR_TOO_LARGE);
	assert_err(encoding_sign_blob(key, &b, &blob), ERR_TOO_LARGE);
	assert_int_equal(blob.len, 0);
	crypto_key_free(key);
	buf_clear(&b);
	buf_clear(&blob);
}

static void a_blob_comes_apart_and_verifies_on_its_curve_alone(void **state)
{
	struct crypto_key *key = vector_key(*state, "seal");
	const struct crypto_public *public = crypto_key_public(key);
	struct span tbs, sig;
	struct buf b, blob;

	buf_init(&b, 64);
	buf_init(&blob, 4096);
	encode_domain(&b, DOMAIN_GROUP);
	assert_ok(encoding_sign_blob(key, &b, &blob));
	assert_ok(encoding_split_blob(buf_span(&blob), &tbs, &sig));
	assert_bytes(tbs, buf_span(&b));
	assert_ok(encoding_verify(public, CRYPTO_P384, tbs, sig));
	assert_err(encoding_verify(public, CRYPTO_P256, tbs, sig),
		   ERR_UNSUPPORTED);
	assert_err(encoding_sign(key, CRYPTO_P256, &b, blob.at),
		   ERR_UNSUPPORTED);
	sig.len--;
	assert_err(encoding_verify(public, CRYPTO_P384, tbs, sig),
		   ERR_SIGNATURE);
	for (size_t len = 0; len < CRYPTO_SIG_P384_LEN; len++)
		assert_err(encoding_split_blob(span_of(blob.at, len), &tbs,
					       &sig),
			   ERR_MALFORMED);
	crypto_key_free(key);
	buf_clear(&b);
	buf_clear(&blob);
}

static void reading_sees_another_domain_nation_or_end(void **state)
{
	struct replica replica = {{"GBR"}, 3}, back;
	struct span_reader r;
	struct buf b;

	buf_init(&b, 64);
	encode_domain(&b, DOMAIN_TICK);
	encoding_put_replica(&b, replica);
	r = span_read(buf_span(&b));
	encoding_read_domain(&r, DOMAIN_TICK);
	encoding_read_replica(&r, &back);
	assert_ok(encoding_read_end(&r));
	assert_true(replica_eq(back, replica));
	r = span_read(buf_span(&b));
	encoding_read_domain(&r, DOMAIN_GROUP);
	assert_true(r.bad);
	r = span_read(buf_span(&b));
	encoding_read_domain(&r, DOMAIN_TICK);
	encoding_read_nation(&r, &back.nation);
	assert_err(encoding_read_end(&r), ERR_MALFORMED);
	/* A nation is three capitals, a replica is not 0. */
	r = span_read(span_of("gBR\0\0\0\0\0\0\0\1", 11));
	encoding_read_replica(&r, &back);
	assert_true(r.bad);
	r = span_read(span_of("GBR\0\0\0\0\0\0\0\0", 11));
	encoding_read_replica(&r, &back);
	assert_true(r.bad);
	for (size_t len = 0; len < b.len; len++) {
		r = span_read(span_of(b.at, len));
		encoding_read_domain(&r, DOMAIN_TICK);
		encoding_read_replica(&r, &back);
		assert_err(encoding_read_end(&r), ERR_MALFORMED);
	}
	buf_clear(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			a_buffer_beyond_its_cap_is_never_hashed_or_signed),
		cmocka_unit_test(
			a_blob_comes_apart_and_verifies_on_its_curve_alone),
		cmocka_unit_test(reading_sees_another_domain_nation_or_end),
	};

	return cmocka_run_group_tests(tests, vector_setup, vector_teardown);
}
