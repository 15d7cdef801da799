/* Wrapped keys. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "proto/document/segment.h"
#include "proto/document/wrapped.h"
#include "tests/document/vector.h"

static const char *const names[] = {"wrapped_1", "wrapped_2"};

struct published {
	struct crypto_key *recipient;
	struct wrapped w;
	struct doc_id document;
	struct digest commitment;
	uint8_t key[CRYPTO_KEY_LEN];
};

static void published_init(struct vector *v, const char *name,
			   struct published *p)
{
	const struct json *row = vector_row(v, name), *object;
	struct span who = vector_text(row, "recipient");

	p->recipient =
		vector_key(v, span_eq_str(who, "wrapping") ? "wrapping"
							   : "guard_p384");
	assert_ok(json_get_object(row, "wrapped", &object));
	assert_ok(wrapped_from_json(object, &p->w));
	p->document = vector_doc_id(row, "document");
	p->commitment = vector_digest(row, "commitment");
	vector_fixed(row, "key", p->key, sizeof(p->key));
}

static void published_keys_open(void **state)
{
	struct vector *v = *state;

	for (int i = 0; i < 2; i++) {
		struct published p;
		uint8_t key[CRYPTO_KEY_LEN] = {0};

		published_init(v, names[i], &p);
		assert_ok(wrapped_open(p.recipient, &p.w, p.document,
				       p.commitment, key));
		assert_memory_equal(key, p.key, sizeof(key));
		crypto_key_free(p.recipient);
	}
}

static void what_differs_does_not_open(void **state)
{
	struct vector *v = *state;

	for (int i = 0; i < 2; i++) {
		struct published p;
		struct wrapped w;
		struct doc_id doc;
		uint8_t key[CRYPTO_KEY_LEN];

		published_init(v, names[i], &p);
#define REFUSED(change, want)                                                  \
	do {                                                                   \
		w = p.w;                                                       \
		doc = p.document;                                              \
		change;                                                        \
		assert_err(wrapped_open(p.recipient, &w, doc, p.commitment,    \
					key),                                  \
			   want);                                              \
	} while (0)
		REFUSED(w.until++, ERR_DIGEST);
		REFUSED(w.ct[0] ^= 1, ERR_DIGEST);
		REFUSED(w.ct[39] ^= 1, ERR_DIGEST);
		REFUSED(doc.at[0] ^= 1, ERR_DIGEST);
		REFUSED(w.to.at[0] ^= 1, ERR_STALE_KEY);
		REFUSED(w.suite ^= 3, ERR_UNSUPPORTED);
		REFUSED(w.suite = 3, ERR_UNSUPPORTED);
		REFUSED(w.enc[1] ^= 1, ERR_MALFORMED);
		REFUSED(w.enc_len--, ERR_MALFORMED);
		REFUSED(w.enc_len = 0, ERR_MALFORMED);
		REFUSED(w.enc_len = 1000, ERR_MALFORMED);
#undef REFUSED
		crypto_key_free(p.recipient);
	}
}

static void one_enc_serves_many_keys_in_any_order(void **state)
{
	struct vector *v = *state;
	static const char *const who[] = {"wrapping", "guard_p384"};
	uint64_t seed = 3;
	struct random random = vector_random(&seed);

	for (int i = 0; i < 2; i++) {
		struct crypto_key *recipient = vector_key(v, who[i]);
		struct wrapped_sender *s = NULL;
		struct wrapped_receiver *r = NULL;
		struct wrapped w[8];
		struct digest commitments[8];
		struct doc_id docs[8] = {0};
		uint8_t keys[8][CRYPTO_KEY_LEN], key[CRYPTO_KEY_LEN];

		assert_ok(wrapped_sender_new(crypto_key_public(recipient),
					     &random, &s));
		for (int k = 0; k < 8; k++) {
			docs[k].at[0] = (uint8_t)k;
			assert_ok(
				random_fill(&random, keys[k], CRYPTO_KEY_LEN));
			assert_ok(segment_commitment(keys[k], docs[k],
						     &commitments[k]));
			assert_ok(wrapped_make(s, docs[k], commitments[k],
					       (uint64_t)k * 1000, keys[k],
					       &w[k]));
			assert_int_equal(w[k].suite, i + 1);
		}
		assert_ok(wrapped_receiver_new(recipient, &r));
		for (int k = 7; k >= 0; k--) {
			assert_ok(wrapped_receiver_open(r, &w[k], docs[k],
							commitments[k], key));
			assert_memory_equal(key, keys[k], CRYPTO_KEY_LEN);
		}
		/* Another's ciphertext under this enc. */
		assert_err(wrapped_receiver_open(r, &w[1], docs[2],
						 commitments[2], key),
			   ERR_DIGEST);
		wrapped_receiver_free(r);
		wrapped_sender_free(s);
		crypto_key_free(recipient);
	}
}

static void an_injected_key_fails_the_authors_commitment(void **state)
{
	struct vector *v = *state;
	struct crypto_key *recipient = vector_key(v, "wrapping");
	uint64_t seed = 4;
	struct random random = vector_random(&seed);
	struct wrapped_sender *s = NULL;
	struct wrapped w;
	struct doc_id doc = {{1}};
	struct digest commitment;
	uint8_t signed_key[CRYPTO_KEY_LEN] = {1}, other[CRYPTO_KEY_LEN] = {2};
	uint8_t key[CRYPTO_KEY_LEN];

	assert_ok(segment_commitment(signed_key, doc, &commitment));
	assert_ok(
		wrapped_sender_new(crypto_key_public(recipient), &random, &s));
	assert_ok(wrapped_make(s, doc, commitment, 0, other, &w));
	assert_err(wrapped_open(recipient, &w, doc, commitment, key),
		   ERR_COMMITMENT);
	wrapped_sender_free(s);
	crypto_key_free(recipient);
}

static void wrapped_keys_go_through_json(void **state)
{
	struct vector *v = *state;
	static const char *const bad[] = {
		"{}",
		"{\"ct\":\"\",\"enc\":\"\",\"suite\":1,\"to\":\"\","
		"\"until\":0}",
		"{\"ct\":\"\",\"enc\":\"\",\"suite\":5,\"to\":\"\","
		"\"until\":0}",
		"[]",
	};
	struct published p;
	struct wrapped again;
	struct json_writer w;
	struct json *j = NULL;
	struct buf text;

	buf_init(&text, 1024);
	published_init(v, "wrapped_2", &p);
	w = json_write(&text);
	wrapped_to_json(&p.w, &w);
	assert_ok(json_parse(buf_span(&text), &j));
	assert_ok(wrapped_from_json(j, &again));
	assert_memory_equal(&again, &p.w, sizeof(again));
	json_free(j);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_ok(json_parse(span_str(bad[i]), &j));
		assert_true(failed(wrapped_from_json(j, &again)));
		json_free(j);
	}
	buf_clear(&text);
	crypto_key_free(p.recipient);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(published_keys_open),
		cmocka_unit_test(what_differs_does_not_open),
		cmocka_unit_test(one_enc_serves_many_keys_in_any_order),
		cmocka_unit_test(an_injected_key_fails_the_authors_commitment),
		cmocka_unit_test(wrapped_keys_go_through_json),
	};

	return cmocka_run_group_tests(tests, vector_setup, vector_teardown);
}
