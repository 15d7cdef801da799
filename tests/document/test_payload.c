/* The one form of a payload, value by value. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "proto/document/payload.h"
#include "tests/document/vector.h"

static struct payload reading(struct arena *arena, const char *text)
{
	return payload_read(span_str(text), arena);
}

static void numbers_have_one_form(void **state)
{
	static const struct {
		const char *text;
		enum err_code want;
		uint64_t n;
	} rows[] = {
		{"0", ERR_OK, 0},
		{"7", ERR_OK, 7},
		{"9007199254740991", ERR_OK, 9007199254740991},
		{"9007199254740992", ERR_MALFORMED, 0},
		{"99999999999999999999999", ERR_MALFORMED, 0},
		{"00", ERR_MALFORMED, 0},
		{"01", ERR_MALFORMED, 0},
		{"-1", ERR_MALFORMED, 0},
		{"1.0", ERR_MALFORMED, 0},
		{"1e3", ERR_MALFORMED, 0},
		{" 1", ERR_MALFORMED, 0},
		{"", ERR_MALFORMED, 0},
	};
	struct arena arena;

	arena_init(&arena, 4096);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct payload p = reading(&arena, rows[i].text);
		uint64_t n = payload_u64(&p);

		assert_err(payload_end(&p), rows[i].want);
		if (rows[i].want == ERR_OK)
			assert_int_equal(n, rows[i].n);
	}
	arena_clear(&arena);
}

static void strings_have_no_escapes(void **state)
{
	static const char *const bad[] = {"\"a\\u0062\"",
					  "\"a\\\\b\"",
					  "\"a b\"",
					  "\"a",
					  "a",
					  "\"a\nb\""};
	struct arena arena;
	struct payload p;

	arena_init(&arena, 4096);
	p = reading(&arena, "\"GBR/ops-1._x\"");
	assert_true(span_eq_str(payload_plain(&p), "GBR/ops-1._x"));
	assert_ok(payload_end(&p));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		p = reading(&arena, bad[i]);
		payload_plain(&p);
		assert_err(payload_end(&p), ERR_MALFORMED);
	}
	arena_clear(&arena);
}

static void the_first_failure_stays_and_reads_give_zero(void **state)
{
	struct arena arena;
	struct payload p;

	arena_init(&arena, 4096);
	p = reading(&arena, "{\"a\":5}");
	assert_false(payload_accept(&p, "{\"b\":"));
	assert_true(payload_accept(&p, "{\"a\":"));
	payload_fail(&p, ERR_TOO_LARGE, "the first");
	payload_fail(&p, ERR_TIME, "the second");
	assert_int_equal(payload_u64(&p), 0);
	payload_expect(&p, "}");
	assert_err(payload_end(&p), ERR_TOO_LARGE);
	p = reading(&arena, "7 ");
	assert_int_equal(payload_u64(&p), 7);
	assert_err(payload_end(&p), ERR_MALFORMED); /* a byte is left */
	arena_clear(&arena);
}

/* Digests whose first byte is given, as a list. */
static void list_text(const uint8_t *first, size_t count, struct buf *out)
{
	struct json_writer w;

	buf_reset(out);
	w = json_write(out);
	json_open_array(&w);
	for (size_t i = 0; i < count; i++) {
		struct digest d = {{first[i]}};

		json_put_bytes(&w, SPAN_OBJ(d.at));
	}
	json_close_array(&w);
}

static enum err_code list_read(const struct buf *text, size_t max, bool sorted)
{
	struct arena arena;
	struct payload p;
	struct err e;
	size_t count;

	arena_init(&arena, 4096);
	p = payload_read(buf_span(text), &arena);
	payload_digests(&p, max, sorted, &count);
	e = payload_end(&p);
	arena_clear(&arena);
	return e.code;
}

static void lists_are_sorted_or_distinct_and_capped(void **state)
{
	static const uint8_t rising[] = {1, 2, 3}, falling[] = {3, 2, 1},
			     twice[] = {1, 2, 1}, beside[] = {1, 1};
	struct buf text;

	buf_init(&text, 4096);
	list_text(rising, 3, &text);
	assert_int_equal(list_read(&text, 3, true), ERR_OK);
	assert_int_equal(list_read(&text, 3, false), ERR_OK);
	assert_int_not_equal(list_read(&text, 2, true), ERR_OK);
	list_text(falling, 3, &text);
	assert_int_not_equal(list_read(&text, 3, true), ERR_OK);
	assert_int_equal(list_read(&text, 3, false), ERR_OK);
	list_text(twice, 3, &text);
	assert_int_not_equal(list_read(&text, 3, false), ERR_OK);
	list_text(beside, 2, &text);
	assert_int_not_equal(list_read(&text, 3, true), ERR_OK);
	list_text(rising, 0, &text);
	assert_int_equal(list_read(&text, 0, true), ERR_OK);
	buf_clear(&text);
}

static void ext_is_any_canonical_object_and_ends_where_it_ends(void **state)
{
	static const struct {
		const char *text;
		bool good, must;
	} rows[] = {
		{"{},", true, false},
		{"{\"a\":{\"b\":[1,\"}\"]}},", true, false},
		{"{\"!a\":1},", true, true},
		{"{\"a\":\"!\"},", true, false},
		{"{\"b\":1,\"a\":2},", false, false},
		{"{\"a\": 1},", false, false},
		{"{\"a\":1,\"a\":1},", false, false},
		{"[],", false, false},
		{"{", false, false},
		{"{\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\":1},", false, false},
	};
	struct arena arena;

	arena_init(&arena, 1 << 16);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct payload p = reading(&arena, rows[i].text);
		bool must = false;

		payload_ext(&p, 32, &must);
		payload_expect(&p, ",");
		assert_int_equal(!failed(payload_end(&p)), rows[i].good);
		if (rows[i].good)
			assert_int_equal(must, rows[i].must);
	}
	arena_clear(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers_have_one_form),
		cmocka_unit_test(strings_have_no_escapes),
		cmocka_unit_test(the_first_failure_stays_and_reads_give_zero),
		cmocka_unit_test(lists_are_sorted_or_distinct_and_capped),
		cmocka_unit_test(
			ext_is_any_canonical_object_and_ends_where_it_ends),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
