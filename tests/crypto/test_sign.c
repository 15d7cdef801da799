#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "proto/base/base64.h"
#include "proto/crypto/sign.h"
#include "tests/crypto/vectors.h"

#define OK(e)	       assert_false(failed(e))
#define FAILS(e, want) assert_int_equal((e).code, want)

/* {"alg":"ES256"} */
#define HEADER "eyJhbGciOiJFUzI1NiJ9"

/* RFC 7515 A.3: the text, and its key. */
static const char rfc_text[] = HEADER
	".eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9le"
	"GFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ."
	"DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSA"
	"pmWQxfKTUJqPP3-Kg6NU1Q";
static const char rfc_x[] = "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU";
static const char rfc_y[] = "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0";

struct signer {
	struct crypto_key *key;
	struct buf text;
	struct arena arena;
};

static int setup(void **state)
{
	static struct signer s;

	OK(crypto_key_generate(CRYPTO_P256, &s.key));
	buf_init(&s.text, SIGN_JWS_MAX);
	arena_init(&s.arena, SIGN_JWS_MAX);
	*state = &s;
	return 0;
}

static int teardown(void **state)
{
	struct signer *s = *state;

	crypto_key_free(s->key);
	buf_clear(&s->text);
	arena_clear(&s->arena);
	return 0;
}

static void the_example_of_rfc_7515_verifies(void **state)
{
	struct signer *s = *state;
	struct sign_jws_parts parts;
	struct crypto_public *key;
	uint8_t point[65] = {4};

	OK(base64url_decode_fixed(span_str(rfc_x), point + 1, 32));
	OK(base64url_decode_fixed(span_str(rfc_y), point + 33, 32));
	OK(crypto_public_from_point(SPAN_OBJ(point), &key));
	OK(sign_jws_split(span_str(rfc_text), HEADER, &s->arena, &parts));
	assert_memory_equal(parts.payload.at, "{\"iss\":\"joe\"", 12);
	OK(sign_jws_check(key, parts.signing_input, parts.sig));
	parts.sig[0] ^= 1;
	FAILS(sign_jws_check(key, parts.signing_input, parts.sig),
	      ERR_SIGNATURE);
	crypto_public_free(key);
}

static void what_is_signed_splits_and_verifies(void **state)
{
	struct signer *s = *state;
	struct sign_jws_parts parts;
	uint8_t payload[70] = {0};

	for (size_t len = 0; len < sizeof(payload); len += 3) {
		struct span bytes = span_of(payload, len);
		struct digest a, b;
		struct buf joined;

		buf_reset(&s->text);
		OK(sign_jws(s->key, HEADER, bytes, &s->text));
		OK(sign_jws_split(buf_span(&s->text), HEADER, &s->arena,
				  &parts));
		assert_true(span_eq(parts.payload, bytes));
		OK(sign_jws_check(crypto_key_public(s->key),
				  parts.signing_input, parts.sig));
		OK(sign_jws_digest(parts.signing_input, &a));
		OK(sign_jws_digest_of(HEADER, bytes, &b));
		assert_true(digest_eq(a, b));
		buf_init(&joined, SIGN_JWS_MAX);
		OK(sign_jws_join(HEADER, bytes, parts.sig, &joined));
		assert_true(span_eq(buf_span(&joined), buf_span(&s->text)));
		buf_clear(&joined);
	}
}

static void another_signature_gives_the_same_digest(void **state)
{
	struct signer *s = *state;
	struct sign_jws_parts a, b;
	struct digest da, db;
	struct buf again;

	buf_init(&again, SIGN_JWS_MAX);
	OK(sign_jws(s->key, HEADER, span_str("{}"), &s->text));
	OK(sign_jws(s->key, HEADER, span_str("{}"), &again));
	OK(sign_jws_split(buf_span(&s->text), HEADER, &s->arena, &a));
	OK(sign_jws_split(buf_span(&again), HEADER, &s->arena, &b));
	assert_memory_not_equal(a.sig, b.sig, sizeof(a.sig));
	OK(sign_jws_digest(a.signing_input, &da));
	OK(sign_jws_digest(b.signing_input, &db));
	assert_true(digest_eq(da, db));
	buf_clear(&again);
}

static void no_prefix_and_no_other_shape_splits(void **state)
{
	struct signer *s = *state;
	struct sign_jws_parts parts;
	struct span text;

	OK(sign_jws(s->key, HEADER, span_str("{\"a\":1}"), &s->text));
	text = buf_span(&s->text);
	for (size_t cut = 0; cut < text.len; cut++)
		FAILS(sign_jws_split(span_sub(text, 0, cut), HEADER, &s->arena,
				     &parts),
		      ERR_MALFORMED);
	FAILS(sign_jws_split(text, "eyJhbGciOiJub25lIn0", &s->arena, &parts),
	      ERR_MALFORMED);
	buf_put_u8(&s->text, 'A');
	FAILS(sign_jws_split(buf_span(&s->text), HEADER, &s->arena, &parts),
	      ERR_MALFORMED);
}

/* Each byte of a text, changed: it is refused, or the signature fails. */
static void no_changed_character_verifies(void **state)
{
	struct signer *s = *state;
	struct sign_jws_parts parts;

	OK(sign_jws(s->key, HEADER, span_str("{\"a\":1}"), &s->text));
	for (size_t i = 0; i < s->text.len; i++)
		for (int change = 1; change < 256; change += 7) {
			struct err e;

			s->text.at[i] ^= (uint8_t)change;
			e = sign_jws_split(buf_span(&s->text), HEADER,
					   &s->arena, &parts);
			if (!failed(e))
				e = sign_jws_check(crypto_key_public(s->key),
						   parts.signing_input,
						   parts.sig);
			assert_true(e.code == ERR_MALFORMED ||
				    e.code == ERR_SIGNATURE);
			s->text.at[i] ^= (uint8_t)change;
			arena_clear(&s->arena);
		}
}

static void caps_and_curves_are_kept(void **state)
{
	struct signer *s = *state;
	struct sign_jws_parts parts;
	struct crypto_key *p384;
	struct arena small;
	uint8_t *big = arena_alloc(&s->arena, SIGN_JWS_MAX - 64);

	assert_non_null(big);
	FAILS(sign_jws(s->key, HEADER, span_of(big, SIGN_JWS_MAX - 64),
		       &s->text),
	      ERR_TOO_LARGE);
	buf_reset(&s->text);
	OK(crypto_key_generate(CRYPTO_P384, &p384));
	FAILS(sign_jws(p384, HEADER, span_str("{}"), &s->text),
	      ERR_UNSUPPORTED);
	OK(sign_jws(s->key, HEADER, span_of(big, 100), &s->text));
	arena_init(&small, 50);
	FAILS(sign_jws_split(buf_span(&s->text), HEADER, &small, &parts),
	      ERR_TOO_LARGE);
	FAILS(sign_jws_check(crypto_key_public(p384), span_str("a"), big),
	      ERR_UNSUPPORTED);
	arena_clear(&small);
	crypto_key_free(p384);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_example_of_rfc_7515_verifies),
		TEST(what_is_signed_splits_and_verifies),
		TEST(another_signature_gives_the_same_digest),
		TEST(no_prefix_and_no_other_shape_splits),
		TEST(no_changed_character_verifies),
		TEST(caps_and_curves_are_kept),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
