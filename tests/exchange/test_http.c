/* HTTP values: proto/exchange/http.c and http_fields.c. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "proto/exchange/http.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

#define TAG_A	 "\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\""
#define TAG_B	 "\"AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\""

static void methods_are_case_sensitive(void **state)
{
	assert_int_equal(http_method_parse(span_str("GET")), HTTP_GET);
	assert_int_equal(http_method_parse(span_str("DELETE")), HTTP_DELETE);
	assert_int_equal(http_method_parse(span_str("get")), HTTP_OTHER);
	assert_int_equal(http_method_parse(span_str("")), HTTP_OTHER);
	assert_string_equal(http_method_text(HTTP_PATCH), "PATCH");
	assert_string_equal(http_method_text(HTTP_OTHER), "");
}

static void a_target_splits_at_its_first_mark(void **state)
{
	static const char *const bad[] =
		{"",	 "v1",	   "/a b",	"/a#b",		"/%4",
		 "/%zz", "/a\x7f", "/\xc3\xa4", "http://relay/"};
	struct span path, query;

	assert_false(failed(
		http_target_split(span_str("/v1/x?a=?b"), &path, &query)));
	assert_true(span_eq_str(path, "/v1/x"));
	assert_true(span_eq_str(query, "a=?b"));
	assert_false(failed(http_target_split(span_str("/"), &path, &query)));
	assert_int_equal(query.len, 0);
	for (size_t i = 0; i < COUNT(bad); i++)
		assert_true(failed(
			http_target_split(span_str(bad[i]), &path, &query)));
}

static void a_field_that_comes_once_comes_once(void **state)
{
	const struct http_field at[] = {
		{span_str("a"), span_str("1")},
		{span_str("b"), span_str("2")},
		{span_str("a"), span_str("3")},
	};
	struct http_fields fields = {at, COUNT(at)};
	struct span value;
	bool present;

	assert_true(http_field_get(fields, "b", &value));
	assert_true(span_eq_str(value, "2"));
	assert_false(http_field_get(fields, "a", &value));
	assert_int_equal(http_field_count(fields, "a"), 2);
	assert_true(failed(http_field_one(fields, "a", &value, &present)));
	assert_false(failed(http_field_one(fields, "c", &value, &present)));
	assert_false(present);
}

static void media_types_are_compared_without_parameters(void **state)
{
	assert_true(http_media_is(span_str("application/json"),
				  "application/json"));
	assert_true(http_media_is(span_str("Application/JSON; charset=utf-8"),
				  "application/json"));
	assert_false(http_media_is(span_str("application/jsonx"),
				   "application/json"));
	assert_false(
		http_media_is(span_str("application"), "application/json"));
}

static void path_segments_are_decoded_after_the_split(void **state)
{
	static const char *const bad[] = {"",
					  "a",
					  "//",
					  "/a/",
					  "/a//b",
					  "/./a",
					  "/a/..",
					  "/%2e%2e",
					  "/%00",
					  "/%0a",
					  "/1/2/3/4/5/6/7/8/9/10/11/12/13"};
	struct arena arena;
	struct http_path p;

	arena_init(&arena, 4096);
	assert_false(failed(
		http_path_parse(span_str("/v1/GBR%2Fops/x"), &arena, &p)));
	assert_int_equal(p.count, 3);
	assert_true(span_eq_str(p.at[1], "GBR/ops"));
	assert_true(span_eq_str(p.at[2], "x"));
	assert_false(failed(http_path_parse(span_str("/"), &arena, &p)));
	assert_int_equal(p.count, 0);
	for (size_t i = 0; i < COUNT(bad); i++)
		if (!failed(http_path_parse(span_str(bad[i]), &arena, &p)))
			fail_msg("%s was read", bad[i]);
	arena_clear(&arena);
}

static void queries_have_typed_parameters(void **state)
{
	static const char *const names[] = {"since", "n", "flag",
					    "d",     "x", NULL};
	static const char *const few[] = {"since", NULL};
	static const char *const bad[] = {"a=1&a=2",
					  "=1",
					  "a=%00",
					  "&",
					  "a=1&&b=2",
					  "1&2&3&4&5&6&7&8&9&a&b&c&d&e&f&g&h"};
	struct http_query q;
	struct arena arena;
	struct digest d;
	struct span text;
	uint64_t n;
	bool flag;

	arena_init(&arena, 4096);
	assert_false(failed(http_query_parse(
		span_str("since=a%2Bb+c&n=42&flag&x=&d="
			 "AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"),
		&arena, &q)));
	assert_false(failed(http_query_only(&q, names)));
	assert_int_equal(http_query_only(&q, few).code, ERR_USAGE);
	assert_false(failed(http_query_string(&q, "since", &text)));
	assert_true(span_eq_str(text, "a+b+c"));
	assert_false(failed(http_query_u64(&q, "n", &n)));
	assert_int_equal(n, 42);
	assert_false(failed(http_query_bool(&q, "flag", &flag)));
	assert_true(flag);
	assert_false(failed(http_query_digest(&q, "d", &d)));
	assert_int_equal(d.at[0], 1);
	assert_int_equal(http_query_u64(&q, "since", &n).code, ERR_USAGE);
	assert_int_equal(http_query_u64(&q, "x", &n).code, ERR_USAGE);
	assert_int_equal(http_query_bool(&q, "n", &flag).code, ERR_USAGE);
	assert_int_equal(http_query_string(&q, "none", &text).code, ERR_USAGE);
	assert_true(http_query_has(&q, "x"));
	assert_false(http_query_has(&q, "y"));
	assert_false(failed(http_query_parse(span_str(""), &arena, &q)));
	assert_int_equal(q.count, 0);
	for (size_t i = 0; i < COUNT(bad); i++)
		if (!failed(http_query_parse(span_str(bad[i]), &arena, &q)))
			fail_msg("%s was read", bad[i]);
	arena_clear(&arena);
}

static void a_query_that_is_written_reads_back(void **state)
{
	struct arena arena;
	struct http_query q;
	struct span text;
	struct buf b;
	bool first = true;

	buf_init(&b, 256);
	arena_init(&arena, 4096);
	http_query_put(&b, &first, "since", span_str("a&b=c?/ \xc3\xa4"));
	http_query_put(&b, &first, "n", span_str("1"));
	assert_string_equal(buf_cstr(&b),
			    "?since=a%26b%3Dc%3F%2F%20%C3%A4&n=1");
	assert_false(failed(http_query_parse(span_sub(buf_span(&b), 1, b.len),
					     &arena, &q)));
	assert_false(failed(http_query_string(&q, "since", &text)));
	assert_true(span_eq_str(text, "a&b=c?/ \xc3\xa4"));
	arena_clear(&arena);
	buf_clear(&b);
}

static void entity_tags_are_strong_digests(void **state)
{
	static const char *const bad[] = {"",
					  "W/" TAG_A,
					  "abc",
					  "\"abc\"",
					  TAG_A " " TAG_B,
					  "*, *",
					  ",",
					  "\"AAAAAAAAAAAAAAAAAAAAAAAAAAAA"
					  "AAAAAAAAAAAAAA=\""};
	struct http_etags tags;
	struct digest zero = {0}, one = {{1}}, two = {{2}};
	char text[HTTP_ETAG_TEXT_LEN + 1];

	assert_false(
		failed(http_etags_parse(span_str(TAG_A " , " TAG_B), &tags)));
	assert_int_equal(tags.count, 2);
	assert_true(http_etags_have(&tags, zero));
	assert_true(http_etags_have(&tags, one));
	assert_false(http_etags_have(&tags, two));
	assert_false(failed(http_etags_parse(span_str("*"), &tags)));
	assert_true(tags.any && http_etags_have(&tags, two));
	http_etag_format(one, text);
	assert_string_equal(text, TAG_B);
	for (size_t i = 0; i < COUNT(bad); i++)
		if (!failed(http_etags_parse(span_str(bad[i]), &tags)))
			fail_msg("%s was read", bad[i]);
}

/* The kind, or -1. */
static int kind_of(const char *name, const char *value)
{
	struct http_field f = {span_str(name), span_str(value)};
	struct http_precondition p;

	if (failed(http_precondition_parse((struct http_fields){&f, 1}, &p)))
		return -1;
	return (int)p.kind;
}

static void a_write_has_one_precondition(void **state)
{
	struct http_field both[] = {{span_str("if-match"), span_str("*")},
				    {span_str("if-none-match"), span_str("*")}};
	struct http_precondition p;

	assert_int_equal(kind_of("x", "y"), HTTP_UNCONDITIONAL);
	assert_int_equal(kind_of("if-none-match", "*"), HTTP_CREATE);
	assert_int_equal(kind_of("if-none-match", TAG_A), -1);
	assert_int_equal(kind_of("if-match", "*"), HTTP_MATCH_ANY);
	assert_int_equal(kind_of("if-match", TAG_A), HTTP_MATCH);
	assert_int_equal(kind_of("if-match", "x"), -1);
	assert_true(failed(
		http_precondition_parse((struct http_fields){both, 2}, &p)));
}

static void ranges_are_clipped_to_the_content(void **state)
{
	static const struct {
		const char *text;
		uint64_t total;
		int count; /* or an error, negative */
		uint64_t from, len;
	} rows[] = {
		{"bytes=0-499", 1000, 1, 0, 500},
		{"bytes=500-", 1000, 1, 500, 500},
		{"bytes=-1", 1000, 1, 999, 1},
		{"bytes=-5000", 1000, 1, 0, 1000},
		{"bytes=999-5000", 1000, 1, 999, 1},
		{"bytes=0-0, 5-6", 1000, 2, 0, 1},
		{"bytes=2000-, 5-6", 1000, 1, 5, 2},
		{"bytes=0-9223372036854775807", 10, 1, 0, 10},
		{"bytes=1000-", 1000, -ERR_RANGE, 0, 0},
		{"bytes=-0", 1000, -ERR_RANGE, 0, 0},
		{"bytes=0-", 0, -ERR_RANGE, 0, 0},
		{"bytes=-5", 0, -ERR_RANGE, 0, 0},
		{"bytes=5-4", 1000, -ERR_MALFORMED, 0, 0},
		{"bytes=", 1000, -ERR_MALFORMED, 0, 0},
		{"bytes=-", 1000, -ERR_MALFORMED, 0, 0},
		{"bytes=a-b", 1000, -ERR_MALFORMED, 0, 0},
		{"bytes=1--2", 1000, -ERR_MALFORMED, 0, 0},
		{"items=0-1", 1000, -ERR_MALFORMED, 0, 0},
		{"bytes=99999999999999999999-", 1000, -ERR_MALFORMED, 0, 0},
		{"bytes=1-,2-,3-,4-,5-,6-,7-,8-,9-", 1000, -ERR_MALFORMED, 0,
		 0},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct http_range out[HTTP_RANGES_MAX];
		size_t count = 0;
		struct err e = http_range_parse(span_str(rows[i].text),
						rows[i].total, out, &count);
		int is = failed(e) ? -(int)e.code : (int)count;

		if (is != rows[i].count ||
		    (is > 0 && (out[0].from != rows[i].from ||
				out[0].len != rows[i].len)))
			fail_msg("%s of %d: %d", rows[i].text,
				 (int)rows[i].total, is);
	}
}

static void content_ranges_read_back(void **state)
{
	struct http_range range = {5, 10}, back;
	uint64_t total;
	struct buf b;

	buf_init(&b, 128);
	http_content_range_format(range, 100, &b);
	assert_string_equal(buf_cstr(&b), "bytes 5-14/100");
	assert_false(
		failed(http_content_range_parse(buf_span(&b), &back, &total)));
	assert_int_equal(back.from, 5);
	assert_int_equal(back.len, 10);
	assert_int_equal(total, 100);
	assert_true(failed(http_content_range_parse(span_str("bytes 5-100/100"),
						    &back, &total)));
	assert_true(failed(http_content_range_parse(span_str("bytes */100"),
						    &back, &total)));
	assert_true(failed(http_content_range_parse(span_str("bytes 5/1-2"),
						    &back, &total)));
	buf_reset(&b);
	http_range_format(range, &b);
	assert_string_equal(buf_cstr(&b), "bytes=5-14");
	buf_clear(&b);
}

static void content_digests_are_checked(void **state)
{
	/* RFC 9530 Appendix B.1 */
	static const char body[] = "{\"hello\": \"world\"}\n";
	static const char field[] =
		"sha-256=:RK/0qy18MlBSVnWgjwz6lZEWjP/lF5HF9bvEF8FabDg=:";
	struct digest d;
	struct buf b;

	assert_false(
		failed(http_digest_check(span_str(field), span_str(body))));
	assert_int_equal(http_digest_check(span_str(field), span_str("other"))
				 .code,
			 ERR_DIGEST);
	assert_false(failed(http_digest_parse(span_str(field), &d)));
	buf_init(&b, 128);
	http_digest_format(d, &b);
	assert_string_equal(buf_cstr(&b), field);
	buf_reset(&b);
	buf_put_str(&b, "sha-512=:AAAA:, ");
	buf_put_str(&b, field);
	assert_false(failed(http_digest_parse(buf_span(&b), &d)));
	assert_int_equal(http_digest_parse(span_str("sha-512=:AAAA:"), &d).code,
			 ERR_UNSUPPORTED);
	assert_int_equal(http_digest_parse(span_str("sha-256=:AAAA:"), &d).code,
			 ERR_MALFORMED);
	buf_reset(&b);
	buf_put_str(&b, field);
	buf_put_str(&b, ", ");
	buf_put_str(&b, field);
	assert_int_equal(http_digest_parse(buf_span(&b), &d).code,
			 ERR_MALFORMED);
	buf_clear(&b);
}

static void retry_after_is_in_seconds(void **state)
{
	uint32_t s;

	assert_false(failed(http_retry_after_parse(span_str("120"), &s)));
	assert_int_equal(s, 120);
	assert_true(failed(http_retry_after_parse(
		span_str("Fri, 31 Dec 1999 23:59:59 GMT"), &s)));
}

static void the_language_liked_best_is_picked(void **state)
{
	static const char *const have[] = {"en", "de", "fr-CA"};
	static const struct {
		const char *field;
		size_t pick;
	} rows[] = {
		{"", 0},
		{"de", 1},
		{"DE, en;q=0.5", 1},
		{"fr;q=0.9, de;q=0.8", 2},
		{"it", 0},
		{"it, de;q=0.1", 1},
		{"*", 0},
		{"de;q=0", 0},
		{"de;q=x, fr", 2},
		{"d", 0},
		{",,;;==", 0},
	};

	for (size_t i = 0; i < COUNT(rows); i++)
		if (http_language_pick(span_str(rows[i].field), have, 3) !=
		    rows[i].pick)
			fail_msg("%s", rows[i].field);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(methods_are_case_sensitive),
		cmocka_unit_test(a_target_splits_at_its_first_mark),
		cmocka_unit_test(a_field_that_comes_once_comes_once),
		cmocka_unit_test(media_types_are_compared_without_parameters),
		cmocka_unit_test(path_segments_are_decoded_after_the_split),
		cmocka_unit_test(queries_have_typed_parameters),
		cmocka_unit_test(a_query_that_is_written_reads_back),
		cmocka_unit_test(entity_tags_are_strong_digests),
		cmocka_unit_test(a_write_has_one_precondition),
		cmocka_unit_test(ranges_are_clipped_to_the_content),
		cmocka_unit_test(content_ranges_read_back),
		cmocka_unit_test(content_digests_are_checked),
		cmocka_unit_test(retry_after_is_in_seconds),
		cmocka_unit_test(the_language_liked_best_is_picked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
