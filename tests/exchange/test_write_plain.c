/* Proves proto/exchange/write_plain.c: it accepts what our client writes, and
 * nothing that the parser reads otherwise. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "proto/exchange/write_plain.h"

#include <stdlib.h>

enum { KEYS = 3 };

static void request_of(struct write_key *keys, struct write_request *out)
{
	for (uint8_t i = 0; i < KEYS; i++)
		keys[i] = (struct write_key){
			.commitment = {{i}},
			.key = {.to = {{2}},
				.suite = i == 1 ? 2 : 1,
				.enc = {4, i},
				.enc_len = i == 1 ? 97 : 65,
				.ct = {9, i},
				.until = i * UINT64_C(1000000000000)},
		};
	*out = (struct write_request){
		.manifest = span_str("a-Z_0.b.c"),
		.has_opening = true,
		.opening = {span_str("GBR/ops"), {{3}}, {4}},
		.has_label = true,
		.label = span_str("<label/>"),
		.has_content = true,
		.content = span_str("content"),
		.keys = keys,
		.keys_count = KEYS,
	};
}

/* What the parser makes of it, written again; false if it refuses. */
static bool parsed(struct span body, struct arena *arena, struct buf *out)
{
	struct write_request r;
	struct buf spaced;
	bool ok;

	/* A space in front keeps the plain reader away. */
	buf_init(&spaced, WRITE_BODY_MAX);
	buf_put_u8(&spaced, ' ');
	buf_put(&spaced, body);
	assert_false(write_plain_decode(buf_span(&spaced), arena, &r));
	ok = !failed(write_request_decode(buf_span(&spaced), arena, &r)) &&
	     !failed(write_request_encode(&r, out));
	buf_clear(&spaced);
	return ok;
}

static void every_shape_that_the_client_writes_is_plain(void **state)
{
	struct write_key keys[KEYS];
	struct write_request r, back;
	struct arena arena;
	struct buf body, again;

	buf_init(&body, WRITE_BODY_MAX);
	buf_init(&again, WRITE_BODY_MAX);
	for (unsigned bits = 0; bits < 16; bits++) {
		request_of(keys, &r);
		r.has_content = bits & 1;
		r.has_label = bits & 2;
		r.has_opening = bits & 4;
		r.keys_count = bits & 8 ? KEYS : 0;
		arena_init(&arena, 1 << 20);
		buf_reset(&body);
		buf_reset(&again);
		assert_false(failed(write_request_encode(&r, &body)));
		assert_true(write_plain_decode(buf_span(&body), &arena, &back));
		assert_int_equal(back.has_content, r.has_content);
		assert_int_equal(back.has_label, r.has_label);
		assert_int_equal(back.has_opening, r.has_opening);
		assert_false(failed(write_request_encode(&back, &again)));
		assert_true(span_eq(buf_span(&body), buf_span(&again)));
		buf_reset(&again);
		assert_true(parsed(buf_span(&body), &arena, &again));
		assert_true(span_eq(buf_span(&body), buf_span(&again)));
		arena_clear(&arena);
	}
	buf_clear(&body);
	buf_clear(&again);
}

static void what_is_accepted_was_written_so_and_the_parser_agrees(void **state)
{
	struct write_key keys[KEYS];
	struct write_request r, back;
	struct arena arena;
	struct buf body, once, parser;
	size_t accepted = 0;

	buf_init(&body, WRITE_BODY_MAX);
	buf_init(&once, WRITE_BODY_MAX);
	buf_init(&parser, WRITE_BODY_MAX);
	request_of(keys, &r);
	assert_false(failed(write_request_encode(&r, &body)));
	srand(7);
	for (size_t i = 0; i < 20000; i++) {
		static const char likely[] = "AQgw0129\",:{}[]\\ .-_";
		size_t at = (size_t)rand() % body.len;
		size_t len = i % 5 ? body.len : (size_t)rand() % body.len;
		uint8_t was = body.at[at];

		body.at[at] = i % 2 ? (uint8_t)rand()
				    : (uint8_t)likely[(size_t)rand() %
						      (sizeof(likely) - 1)];
		arena_init(&arena, 1 << 20);
		if (write_plain_decode(span_of(body.at, len), &arena, &back)) {
			accepted++;
			buf_reset(&once);
			buf_reset(&parser);
			assert_false(
				failed(write_request_encode(&back, &once)));
			assert_true(span_eq(buf_span(&once), buf_span(&body)));
			assert_true(parsed(buf_span(&body), &arena, &parser));
			assert_true(
				span_eq(buf_span(&parser), buf_span(&body)));
		}
		arena_clear(&arena);
		body.at[at] = was;
	}
	assert_true(accepted > 1000);
	buf_clear(&body);
	buf_clear(&once);
	buf_clear(&parser);
}

static void other_forms_are_left_to_the_parser(void **state)
{
	static const struct {
		const char *text;
		bool parser;
	} rows[] = {
		{"{\"keys\":[],\"manifest\":\"a.b.c\"}", true},
		{"{\"manifest\":\"a.b.c\",\"keys\":[]}", true},
		{"{\"keys\":[], \"manifest\":\"a.b.c\"}", true},
		{"{\"keys\":[],\"manifest\":\"a.\\u0062.c\"}", true},
		{"{\"keys\":[],\"manifest\":\"a.b.c\"}\n", true},
		{"{\"keys\":[],\"manifest\":\"a.b.c\"}x", false},
		{"{\"keys\":[],\"manifest\":\"a.b.c\",\"x\":1}", false},
		{"{\"keys\":[],\"keys\":[],\"manifest\":\"a\"}", false},
		{"{\"manifest\":\"a.b.c\"}", false},
		{"{\"keys\":[],\"label\":\"A\",\"manifest\":\"a\"}", false},
		{"{\"keys\":[],\"label\":\"AB\",\"manifest\":\"a\"}", false},
		{"{\"keys\":[],\"manifest\":\"a\",\"opening\":{}}", false},
		{"{\"keys\":[", false},
		{"", false},
	};
	struct write_request r;
	struct arena arena;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct span text = span_str(rows[i].text);

		arena_init(&arena, 1 << 20);
		assert_int_equal(write_plain_decode(text, &arena, &r), i == 0);
		assert_int_equal(!failed(write_request_decode(text, &arena,
							      &r)),
				 rows[i].parser);
		arena_clear(&arena);
	}
}

static void too_many_keys_are_no_write(void **state)
{
	static struct write_key keys[MANIFEST_KEYS_MAX + 1];
	struct write_request r = {.manifest = span_str("a"), .keys = keys};
	struct write_request back;
	struct arena arena;
	struct buf body;

	for (size_t i = 0; i <= MANIFEST_KEYS_MAX; i++)
		keys[i].key = (struct wrapped){.suite = 1, .enc_len = 65};
	for (size_t n = MANIFEST_KEYS_MAX; n <= MANIFEST_KEYS_MAX + 1; n++) {
		bool fits = n <= MANIFEST_KEYS_MAX;

		r.keys_count = n;
		buf_init(&body, WRITE_BODY_MAX);
		arena_init(&arena, 1 << 20);
		assert_false(failed(write_request_encode(&r, &body)));
		assert_int_equal(write_plain_decode(buf_span(&body), &arena,
						    &back),
				 fits);
		assert_int_equal(!failed(write_request_decode(buf_span(&body),
							      &arena, &back)),
				 fits);
		arena_clear(&arena);
		buf_clear(&body);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_shape_that_the_client_writes_is_plain),
		cmocka_unit_test(
			what_is_accepted_was_written_so_and_the_parser_agrees),
		cmocka_unit_test(other_forms_are_left_to_the_parser),
		cmocka_unit_test(too_many_keys_are_no_write),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
