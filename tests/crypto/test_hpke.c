#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdio.h>

#include "proto/crypto/hpke.h"
#include "tests/crypto/vectors.h"

#define OK(e)	       assert_false(failed(e))
#define FAILS(e, want) assert_int_equal((e).code, want)

static const struct random system_random = {crypto_random_fill, NULL};

static void check_encryptions(const struct json *v, struct hpke_context *sender,
			      struct hpke_context *receiver)
{
	const struct json *list, *row;

	OK(json_get_array(v, "encryptions", &list));
	assert_true(json_count(list) > 0);
	for (size_t i = 0; (row = json_at(list, i)); i++) {
		struct vector_bytes aad = vector_get(row, "aad");
		struct vector_bytes plain = vector_get(row, "pt");
		struct vector_bytes sealed = vector_get(row, "ct");
		uint8_t out[256];

		sender->seq = receiver->seq = vector_u64(row, "seq");
		OK(hpke_seal(sender, vector_span(&aad), vector_span(&plain),
			     out));
		vector_expect(row, "ct", span_of(out, sealed.len));
		OK(hpke_open(receiver, vector_span(&aad), vector_span(&sealed),
			     out));
		vector_expect(row, "pt", span_of(out, plain.len));
		assert_int_equal(sender->seq, vector_u64(row, "seq") + 1);
	}
}

static void check_exports(const struct json *v,
			  const struct hpke_context *context)
{
	const struct json *list, *row;

	OK(json_get_array(v, "exports", &list));
	assert_true(json_count(list) > 0);
	for (size_t i = 0; (row = json_at(list, i)); i++) {
		struct vector_bytes about = vector_get(row, "exporter_context");
		uint8_t out[256];
		size_t len = vector_u64(row, "L");

		assert_true(len <= sizeof(out));
		OK(hpke_export(context, vector_span(&about), out, len));
		vector_expect(row, "exported_value", span_of(out, len));
	}
}

/* One vector of RFC 9180's own file, in mode base. */
static void check_vector(const struct json *v)
{
	struct vector_bytes ikm_e = vector_get(v, "ikmE");
	struct vector_bytes ikm_r = vector_get(v, "ikmR");
	struct vector_bytes info = vector_get(v, "info");
	struct hpke_context sender, receiver;
	struct crypto_key *ephemeral, *recipient;
	uint8_t scalar[CRYPTO_HASH_MAX];
	struct hpke_enc enc;

	OK(hpke_derive_key(HPKE_P256, vector_span(&ikm_e), &ephemeral));
	OK(hpke_derive_key(HPKE_P256, vector_span(&ikm_r), &recipient));
	OK(crypto_key_scalar(ephemeral, scalar));
	vector_expect(v, "skEm", span_of(scalar, 32));
	OK(crypto_key_scalar(recipient, scalar));
	vector_expect(v, "skRm", span_of(scalar, 32));
	vector_expect(v, "pkRm",
		      crypto_public_point(crypto_key_public(recipient)));
	OK(hpke_setup_sender_with(HPKE_P256, crypto_key_public(recipient),
				  vector_span(&info), ephemeral, &enc,
				  &sender));
	vector_expect(v, "enc", hpke_enc_span(&enc));
	vector_expect(v, "key", SPAN_OBJ(sender.key));
	vector_expect(v, "base_nonce", SPAN_OBJ(sender.base_nonce));
	vector_expect(v, "exporter_secret",
		      span_of(sender.exporter_secret, 32));
	OK(hpke_setup_receiver(HPKE_P256, recipient, hpke_enc_span(&enc),
			       vector_span(&info), &receiver));
	check_encryptions(v, &sender, &receiver);
	check_exports(v, &sender);
	check_exports(v, &receiver);
	hpke_clear(&sender);
	hpke_clear(&receiver);
	crypto_key_free(ephemeral);
	crypto_key_free(recipient);
}

static void every_published_base_vector_holds(void **state)
{
	struct json *all = vector_data(
		"hpke/rfc9180-dhkem-p256-hkdf-sha256-aes256gcm.json");
	const struct json *v;
	int checked = 0;

	if (!all) {
		puts("skipped: 1 cases: no RFC 9180 vectors in ENTENTE_DATA");
		return;
	}
	for (size_t i = 0; (v = json_at(all, i)); i++)
		if (vector_u64(v, "mode") == 0) {
			check_vector(v);
			checked++;
		}
	assert_true(checked > 0);
	json_free(all);
}

/* A wrapped key of tests/vectors/crypto.json, both ways. */
static void check_wrapped(const struct json *v)
{
	struct vector_bytes ikm_e = vector_get(v, "ephemeral_ikm");
	struct vector_bytes ikm_r = vector_get(v, "recipient_ikm");
	struct vector_bytes about = vector_get(v, "exporter_context");
	struct vector_bytes aad = vector_get(v, "seal_aad");
	struct vector_bytes plain = vector_get(v, "seal_plain");
	struct span info = span_str("entente key v1");
	struct hpke_context sender, receiver;
	struct crypto_key *ephemeral, *recipient;
	uint8_t scalar[CRYPTO_HASH_MAX], kek[32], out[256];
	enum hpke_suite suite;
	struct hpke_enc enc;
	size_t n;

	OK(hpke_suite_of(vector_u64(v, "suite"), &suite));
	n = crypto_scalar_len(hpke_suite_curve(suite));
	OK(hpke_derive_key(suite, vector_span(&ikm_e), &ephemeral));
	OK(hpke_derive_key(suite, vector_span(&ikm_r), &recipient));
	OK(crypto_key_scalar(ephemeral, scalar));
	vector_expect(v, "ephemeral_scalar", span_of(scalar, n));
	OK(crypto_key_scalar(recipient, scalar));
	vector_expect(v, "recipient_scalar", span_of(scalar, n));
	OK(hpke_setup_sender_with(suite, crypto_key_public(recipient), info,
				  ephemeral, &enc, &sender));
	vector_expect(v, "enc", hpke_enc_span(&enc));
	OK(hpke_setup_receiver(suite, recipient, hpke_enc_span(&enc), info,
			       &receiver));
	OK(hpke_export(&sender, vector_span(&about), kek, 32));
	vector_expect(v, "wrapping_key", SPAN_OBJ(kek));
	OK(hpke_export(&receiver, vector_span(&about), kek, 32));
	vector_expect(v, "wrapping_key", SPAN_OBJ(kek));
	sender.seq = 1;
	OK(hpke_seal(&sender, vector_span(&aad), vector_span(&plain), out));
	vector_expect(v, "seal_seq_1",
		      span_of(out, plain.len + CRYPTO_TAG_LEN));
	hpke_clear(&sender);
	hpke_clear(&receiver);
	crypto_key_free(ephemeral);
	crypto_key_free(recipient);
}

static void wrapping_keys_of_both_suites_are_as_published(void **state)
{
	struct json *all = vector_published();
	const struct json *list, *v;

	assert_non_null(all);
	OK(json_get_array(all, "wrapped", &list));
	assert_int_equal(json_count(list), 3);
	for (size_t i = 0; (v = json_at(list, i)); i++)
		check_wrapped(v);
	json_free(all);
}

static void both_sides_agree_in_either_suite(void **state)
{
	static const enum hpke_suite suites[] = {HPKE_P256, HPKE_P384};
	struct span info = span_str("info"), text = span_str("a text");

	for (int i = 0; i < 2; i++) {
		struct hpke_context sender, receiver;
		struct crypto_key *key;
		struct hpke_enc enc;
		uint8_t sealed[64], out[64], a[100], b[100];
		struct span all = span_of(sealed, text.len + CRYPTO_TAG_LEN);

		OK(crypto_key_generate(hpke_suite_curve(suites[i]), &key));
		assert_int_equal(hpke_suite_for(crypto_key_curve(key)),
				 suites[i]);
		OK(hpke_setup_sender(suites[i], crypto_key_public(key), info,
				     &system_random, &enc, &sender));
		OK(hpke_setup_receiver(suites[i], key, hpke_enc_span(&enc),
				       info, &receiver));
		for (int n = 0; n < 3; n++) {
			OK(hpke_seal(&sender, info, text, sealed));
			OK(hpke_open(&receiver, info, all, out));
			assert_memory_equal(out, text.at, text.len);
		}
		/* A sealed text opens once, and in its place only. */
		FAILS(hpke_open(&receiver, info, all, out), ERR_DIGEST);
		assert_int_equal(receiver.seq, 3);
		OK(hpke_export(&sender, text, a, sizeof(a)));
		OK(hpke_export(&receiver, text, b, sizeof(b)));
		assert_memory_equal(a, b, sizeof(a));
		OK(hpke_export(&receiver, info, b, sizeof(b)));
		assert_memory_not_equal(a, b, sizeof(a));
		hpke_clear(&sender);
		hpke_clear(&receiver);
		crypto_key_free(key);
	}
}

static void another_info_gives_another_context(void **state)
{
	struct hpke_context sender, receiver;
	struct crypto_key *key;
	struct hpke_enc enc;

	OK(crypto_key_generate(CRYPTO_P256, &key));
	OK(hpke_setup_sender(HPKE_P256, crypto_key_public(key), span_str("a"),
			     &system_random, &enc, &sender));
	OK(hpke_setup_receiver(HPKE_P256, key, hpke_enc_span(&enc),
			       span_str("b"), &receiver));
	assert_memory_not_equal(sender.exporter_secret,
				receiver.exporter_secret, 32);
	crypto_key_free(key);
}

static struct err no_random(void *self, void *out, size_t len)
{
	return err_make(ERR_IO, "no random bytes");
}

static void foreign_input_is_refused(void **state)
{
	const struct random broken = {no_random, NULL};
	struct hpke_context context;
	struct crypto_key *p256, *p384, *none;
	struct hpke_enc enc = {.len = 65};
	enum hpke_suite suite;
	uint8_t out[16];

	OK(crypto_key_generate(CRYPTO_P256, &p256));
	OK(crypto_key_generate(CRYPTO_P384, &p384));
	for (uint64_t n = 0; n < 10; n++)
		if (n != 1 && n != 2)
			FAILS(hpke_suite_of(n, &suite), ERR_UNSUPPORTED);
	FAILS(hpke_setup_sender(HPKE_P256, crypto_key_public(p384),
				span_str(""), &system_random, &enc, &context),
	      ERR_MALFORMED);
	FAILS(hpke_setup_sender(HPKE_P256, crypto_key_public(p256),
				span_str(""), &broken, &enc, &context),
	      ERR_IO);
	FAILS(hpke_setup_receiver(HPKE_P384, p256, hpke_enc_span(&enc),
				  span_str(""), &context),
	      ERR_MALFORMED);
	enc.len = 64;
	FAILS(hpke_setup_receiver(HPKE_P256, p256, hpke_enc_span(&enc),
				  span_str(""), &context),
	      ERR_MALFORMED);
	/* Of the right length, and not on the curve. */
	memset(enc.at, 7, sizeof(enc.at));
	enc.at[0] = 4;
	enc.len = 65;
	FAILS(hpke_setup_receiver(HPKE_P256, p256, hpke_enc_span(&enc),
				  span_str(""), &context),
	      ERR_MALFORMED);
	FAILS(hpke_derive_key(HPKE_P384, span_of(enc.at, 47), &none),
	      ERR_MALFORMED);
	memset(&context, 0, sizeof(context));
	context.suite = HPKE_P256;
	FAILS(hpke_export(&context, span_str(""), out, 255 * 32 + 1),
	      ERR_TOO_LARGE);
	context.seq = UINT64_MAX;
	FAILS(hpke_seal(&context, span_str(""), span_str(""), out),
	      ERR_TOO_LARGE);
	crypto_key_free(p256);
	crypto_key_free(p384);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_published_base_vector_holds),
		cmocka_unit_test(wrapping_keys_of_both_suites_are_as_published),
		cmocka_unit_test(both_sides_agree_in_either_suite),
		cmocka_unit_test(another_info_gives_another_context),
		cmocka_unit_test(foreign_input_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
