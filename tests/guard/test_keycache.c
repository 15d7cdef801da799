/* Proves relay/guard/core/keycache.c. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "relay/guard/core/keycache.h"
#include "tests/guard/world.h"

static void a_key_is_parsed_once_and_lives_as_long_as_the_cache(void **state)
{
	struct crypto_public *a = NULL, *b = NULL, *c = NULL;
	const struct crypto_public *real;
	struct crypto_key *key = NULL;
	struct keycache *cache = NULL;
	bool owned = true;

	world_must(keycache_new(&cache));
	world_must(crypto_key_generate(CRYPTO_P256, &key));
	real = crypto_key_public(key);
	world_must(keycache_spki(cache, crypto_public_spki(real), &a, &owned));
	assert_false(owned);
	world_must(keycache_spki(cache, crypto_public_spki(real), &b, &owned));
	assert_false(owned);
	assert_ptr_equal(a, b);
	/* The point names the same key in other bytes. */
	world_must(
		keycache_point(cache, crypto_public_point(real), &c, &owned));
	assert_true(span_eq(crypto_public_spki(c), crypto_public_spki(a)));
	crypto_key_free(key);
	keycache_free(cache);
}

static void what_is_no_key_is_refused_and_not_kept(void **state)
{
	struct crypto_public *out = NULL;
	struct crypto_key *key = NULL;
	struct keycache *cache = NULL;
	struct span spki;
	bool owned;

	world_must(keycache_new(&cache));
	world_must(crypto_key_generate(CRYPTO_P256, &key));
	spki = crypto_public_spki(crypto_key_public(key));
	for (size_t i = 0; i < spki.len; i++)
		for (int again = 0; again < 2; again++)
			assert_int_equal(keycache_spki(cache,
						       span_sub(spki, 0, i),
						       &out, &owned)
						 .code,
					 ERR_MALFORMED);
	assert_null(out);
	crypto_key_free(key);
	keycache_free(cache);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			a_key_is_parsed_once_and_lives_as_long_as_the_cache),
		cmocka_unit_test(what_is_no_key_is_refused_and_not_kept),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
