#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <ctype.h>

#include "proto/crypto/domain.h"
#include "tests/crypto/vectors.h"

static void every_domain_has_the_form_entente_name_v1(void **state)
{
	for (int d = 0; d < DOMAIN_COUNT; d++) {
		const char *s = domain_string((enum domain)d);
		size_t len = strlen(s);

		assert_true(len > strlen("entente  v1"));
		assert_memory_equal(s, "entente ", 8);
		assert_string_equal(s + len - 3, " v1");
		for (size_t i = 8; i < len - 3; i++)
			assert_true(islower((unsigned char)s[i]) ||
				    s[i] == ' ');
	}
}

static void no_domain_is_or_begins_another(void **state)
{
	for (int a = 0; a < DOMAIN_COUNT; a++)
		for (int b = 0; b < DOMAIN_COUNT; b++) {
			const char *s = domain_string((enum domain)a);
			const char *t = domain_string((enum domain)b);

			if (a != b)
				assert_int_not_equal(strncmp(s, t, strlen(s)),
						     0);
		}
}

static void no_encoded_domain_begins_another(void **state)
{
	struct buf a, b;

	for (int i = 0; i < DOMAIN_COUNT; i++)
		for (int j = 0; j < DOMAIN_COUNT; j++) {
			if (i == j)
				continue;
			buf_init(&a, 64);
			buf_init(&b, 64);
			encode_domain(&a, (enum domain)i);
			encode_domain(&b, (enum domain)j);
			assert_false(failed(buf_check(&a)));
			assert_false(span_eq(buf_span(&a),
					     span_sub(buf_span(&b), 0, a.len)));
			buf_clear(&a);
			buf_clear(&b);
		}
}

static void the_domains_are_the_published_ones(void **state)
{
	struct json *json = vector_published();
	bool seen[DOMAIN_COUNT] = {false};
	const struct json *rows;
	struct span name;
	struct buf b;

	assert_non_null(json);
	assert_false(failed(json_get_array(json, "domain", &rows)));
	assert_int_equal(json_count(rows), DOMAIN_COUNT);
	for (size_t i = 0; i < DOMAIN_COUNT; i++) {
		const struct json *row = json_at(rows, i);
		int d = 0;

		assert_false(failed(json_get_string(row, "domain", &name)));
		while (d < DOMAIN_COUNT &&
		       !span_eq_str(name, domain_string((enum domain)d)))
			d++;
		assert_in_range(d, 0, DOMAIN_COUNT - 1);
		assert_false(seen[d]);
		seen[d] = true;
		buf_init(&b, 64);
		encode_domain(&b, (enum domain)d);
		vector_expect(row, "encoded", buf_span(&b));
		buf_clear(&b);
	}
	json_free(json);
}

static void an_encoding_begins_with_length_and_domain(void **state)
{
	struct buf b;

	buf_init(&b, 64);
	encode_domain(&b, DOMAIN_ID);
	encode_time48(&b, UINT64_C(0x0102030405060708));
	assert_int_equal(b.len, 2 + 13 + 6);
	assert_memory_equal(b.at,
			    "\0\x0d"
			    "entente id v1"
			    "\x03\x04\x05\x06\x07\x08",
			    b.len);
	buf_clear(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_domain_has_the_form_entente_name_v1),
		cmocka_unit_test(the_domains_are_the_published_ones),
		cmocka_unit_test(no_domain_is_or_begins_another),
		cmocka_unit_test(no_encoded_domain_begins_another),
		cmocka_unit_test(an_encoding_begins_with_length_and_domain),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
