/* Content keys asked for and answered. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "proto/exchange/keys.h"

#include <stdlib.h>

static void a_request_reads_back_with_and_without_cursor(void **state)
{
	struct keys_want wants[] = {{{{1}}, {{2}}}, {{{3}}, {{4}}}};
	struct keys_request r = {span_str("cursor"), wants, 2}, back;
	struct arena arena;
	struct buf body;

	buf_init(&body, KEYS_BODY_MAX);
	arena_init(&arena, 1 << 20);
	keys_request_encode(&r, &body);
	assert_int_equal(
		keys_request_decode(buf_span(&body), &arena, &back).code, 0);
	assert_true(span_eq_str(back.cursor, "cursor"));
	assert_int_equal(back.count, 2);
	assert_int_equal(back.wants[1].commitment.at[0], 4);
	r = (struct keys_request){0};
	buf_reset(&body);
	keys_request_encode(&r, &body);
	assert_true(span_eq_str(buf_span(&body), "{\"keys\":[]}"));
	assert_int_equal(
		keys_request_decode(buf_span(&body), &arena, &back).code, 0);
	assert_int_equal(back.count, 0);
	arena_clear(&arena);
	buf_clear(&body);
}

static void an_answer_holds_keys_and_problems_in_order(void **state)
{
	struct keys_want want = {{{1}}, {{2}}}, other = {{{3}}, {{4}}};
	struct wrapped key = {.to = {{5}},
			      .suite = 1,
			      .enc = {4},
			      .enc_len = 65,
			      .until = 99};
	const struct keys_grant *grants;
	struct keys_writer w;
	struct arena arena;
	struct buf body;
	size_t count;

	buf_init(&body, KEYS_ANSWER_MAX);
	arena_init(&arena, 4 << 20);
	keys_answer_begin(&w, &body);
	keys_answer_key(&w, &want, &key);
	keys_answer_problem(&w, &other, err_make(ERR_NOT_RELEASABLE, "no"),
			    span_str("ref"));
	keys_answer_end(&w);
	assert_int_equal(keys_answer_decode(buf_span(&body), &arena, &grants,
					    &count)
				 .code,
			 0);
	assert_int_equal(count, 2);
	assert_true(grants[0].granted);
	assert_int_equal(grants[0].key.until, 99);
	assert_false(grants[1].granted);
	assert_string_equal(grants[1].problem.reference, "ref");
	/* Not released and not found answer alike. */
	assert_string_equal(grants[1].problem.name, "not-found");
	srand(3);
	for (size_t i = 0; i < 2000; i++) {
		size_t at = (size_t)rand() % body.len;
		uint8_t was = body.at[at];

		body.at[at] = (uint8_t)rand();
		arena_clear(&arena);
		arena_init(&arena, 4 << 20);
		(void)keys_answer_decode(span_of(body.at,
						 i % 3 ? body.len : at),
					 &arena, &grants, &count)
			.code;
		body.at[at] = was;
	}
	arena_clear(&arena);
	buf_clear(&body);
}

static void more_than_256_keys_and_unknown_members_are_refused(void **state)
{
	struct keys_want wants[KEYS_MAX + 1] = {0};
	struct keys_request r = {.wants = wants, .count = KEYS_MAX + 1}, back;
	struct arena arena;
	struct buf body;

	buf_init(&body, KEYS_BODY_MAX);
	arena_init(&arena, 1 << 20);
	keys_request_encode(&r, &body);
	assert_int_equal(keys_request_decode(buf_span(&body), &arena, &back)
				 .code,
			 ERR_MALFORMED);
	assert_int_equal(keys_request_decode(span_str("{\"keys\":[],\"x\":1}"),
					     &arena, &back)
				 .code,
			 ERR_MALFORMED);
	arena_clear(&arena);
	buf_clear(&body);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_request_reads_back_with_and_without_cursor),
		cmocka_unit_test(an_answer_holds_keys_and_problems_in_order),
		cmocka_unit_test(
			more_than_256_keys_and_unknown_members_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
