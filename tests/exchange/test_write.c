/*
 * Writes, statements (proto/exchange/statements.c) and what their refusals
 * carry.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "proto/exchange/problem.h"
#include "proto/exchange/statements.h"
#include "proto/exchange/write.h"

#include <stdlib.h>

static struct write_key key_of(uint8_t n)
{
	return (struct write_key){
		.commitment = {{n}},
		.key = {.to = {{2}},
			.suite = 1,
			.enc = {4},
			.enc_len = 65,
			.ct = {9}},
	};
}

static void a_write_reads_back(void **state)
{
	struct write_key keys[] = {key_of(1), key_of(2)};
	struct write_request r = {
		.manifest = span_str("a.b.c"),
		.has_opening = true,
		.opening = {span_str("GBR/ops"), {{3}}, {4}},
		.has_label = true,
		.label = span_str("<label/>"),
		.has_content = true,
		.content = span_str("content"),
		.keys = keys,
		.keys_count = 2,
	};
	struct write_request back;
	struct arena arena;
	struct buf body;

	buf_init(&body, WRITE_BODY_MAX);
	arena_init(&arena, 1 << 20);
	assert_int_equal(write_request_encode(&r, &body).code, 0);
	assert_int_equal(
		write_request_decode(buf_span(&body), &arena, &back).code, 0);
	assert_true(span_eq_str(back.manifest, "a.b.c"));
	assert_true(back.has_opening && back.has_label && back.has_content);
	assert_true(span_eq_str(back.opening.space, "GBR/ops"));
	assert_true(span_eq_str(back.label, "<label/>"));
	assert_true(span_eq_str(back.content, "content"));
	assert_int_equal(back.keys_count, 2);
	assert_int_equal(back.keys[1].commitment.at[0], 2);
	assert_int_equal(back.keys[1].key.ct[0], 9);
	srand(2);
	for (size_t i = 0; i < 2000; i++) {
		size_t at = (size_t)rand() % body.len;
		uint8_t was = body.at[at];

		body.at[at] = (uint8_t)rand();
		arena_clear(&arena);
		arena_init(&arena, 1 << 20);
		(void)write_request_decode(span_of(body.at,
						   i % 3 ? body.len : at),
					   &arena, &back)
			.code;
		body.at[at] = was;
	}
	arena_clear(&arena);
	buf_clear(&body);
}

static void a_write_of_more_than_64_KiB_is_refused_on_both_sides(void **state)
{
	static uint8_t big[60 * 1024];
	struct write_request r = {.manifest = span_str("a.b.c"),
				  .has_content = true,
				  .content = SPAN_OBJ(big)};
	struct arena arena;
	struct buf body;

	buf_init(&body, 1 << 20);
	arena_init(&arena, 1 << 20);
	assert_int_equal(write_request_encode(&r, &body).code, ERR_TOO_LARGE);
	assert_int_equal(write_request_decode(buf_span(&body), &arena, &r).code,
			 ERR_TOO_LARGE);
	arena_clear(&arena);
	buf_clear(&body);
}

static void answers_read_back_and_are_strict(void **state)
{
	struct write_answer a = {{{1}}, {{{"GBR"}, 3}, 17}, 2}, b;
	struct statements_answer s = {{{4}}, 5}, t;
	struct buf body;

	buf_init(&body, 65536);
	write_answer_encode(&a, &body);
	assert_int_equal(write_answer_decode(buf_span(&body), &b).code, 0);
	assert_true(digest_eq(a.digest, b.digest));
	assert_true(dot_eq(a.dot, b.dot));
	assert_int_equal(b.statement, 2);
	assert_int_equal(statements_answer_decode(buf_span(&body), &t).code,
			 ERR_MALFORMED);
	buf_reset(&body);
	statements_answer_encode(&s, &body);
	assert_int_equal(statements_answer_decode(buf_span(&body), &t).code, 0);
	assert_int_equal(t.number, 5);
	buf_clear(&body);
}

static void a_statement_reads_back(void **state)
{
	struct statements_request r = {
		.statement = span_str("a.b.c"),
		.opening = {span_str("GBR/ops"), {{3}}, {4}},
	};
	struct statements_request back;
	struct arena arena;
	struct buf body;

	buf_init(&body, 65536);
	arena_init(&arena, 1 << 20);
	assert_int_equal(statements_request_encode(&r, &body).code, 0);
	assert_int_equal(
		statements_request_decode(buf_span(&body), &arena, &back).code,
		0);
	assert_true(span_eq_str(back.statement, "a.b.c"));
	assert_false(back.has_label);
	arena_clear(&arena);
	buf_clear(&body);
}

static void refusals_carry_what_a_client_acts_on(void **state)
{
	const struct digest heads[] = {{{1}}, {{2}}};
	const struct write_range ranges[] = {{0, 33}, {100, 262272}};
	struct write_conflict c = {heads, 2, 4, heads, 1}, back;
	const struct write_range *list;
	struct arena arena;
	struct buf members, body;
	size_t count;

	buf_init(&members, 65536);
	buf_init(&body, PROBLEM_MAX);
	arena_init(&arena, 1 << 20);
	write_conflict_members(&c, &members);
	problem_format(err_make(ERR_CONFLICT, NULL), span_str(""),
		       buf_span(&members), &body);
	assert_int_equal(
		write_conflict_decode(buf_span(&body), &arena, &back).code, 0);
	assert_int_equal(back.heads_count, 2);
	assert_int_equal(back.heads[1].at[0], 2);
	assert_int_equal(back.number, 4);
	assert_int_equal(back.digests_count, 1);
	buf_reset(&members);
	buf_reset(&body);
	write_missing_members(ranges, 2, &members);
	problem_format(err_make(ERR_MISSING_CONTENT, NULL), span_str(""),
		       buf_span(&members), &body);
	assert_int_equal(write_missing_decode(buf_span(&body), &arena, &list,
					      &count)
				 .code,
			 0);
	assert_int_equal(count, 2);
	assert_int_equal(list[1].to, 262272);
	assert_int_equal(write_missing_decode(span_str("{\"missing\":[[5,5]]}"),
					      &arena, &list, &count)
				 .code,
			 ERR_MALFORMED);
	arena_clear(&arena);
	buf_clear(&members);
	buf_clear(&body);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_write_reads_back),
		cmocka_unit_test(
			a_write_of_more_than_64_KiB_is_refused_on_both_sides),
		cmocka_unit_test(answers_read_back_and_are_strict),
		cmocka_unit_test(a_statement_reads_back),
		cmocka_unit_test(refusals_carry_what_a_client_acts_on),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
