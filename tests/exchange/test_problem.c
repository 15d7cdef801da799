/* Problem documents. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "proto/exchange/problem.h"

static void every_code_reads_back_as_itself(void **state)
{
	for (int code = 1; code < ERR_COUNT; code++) {
		struct problem p;
		struct arena arena;
		struct buf b;

		arena_init(&arena, 8192);
		buf_init(&b, 8192);
		problem_format(err_make((enum err_code)code, "why"),
			       span_str("ref"), span_of(NULL, 0), &b);
		assert_false(failed(buf_check(&b)));
		assert_false(
			failed(problem_parse(buf_span(&b), 999, &arena, &p)));
		assert_int_equal(p.status,
				 err_row((enum err_code)code)->status);
		assert_string_equal(p.name, err_row((enum err_code)code)->name);
		assert_string_equal(err_row(p.code)->name, p.name);
		assert_string_equal(p.reference, "ref");
		arena_clear(&arena);
		buf_clear(&b);
	}
}

static void not_released_and_not_found_answer_alike(void **state)
{
	struct buf a, b;

	buf_init(&a, 8192);
	buf_init(&b, 8192);
	problem_format(err_make(ERR_NOT_RELEASABLE, "above the clearance"),
		       span_of(NULL, 0), span_of(NULL, 0), &a);
	problem_format(err_make(ERR_NOT_FOUND, "no such row"), span_of(NULL, 0),
		       span_of(NULL, 0), &b);
	assert_true(span_eq(buf_span(&a), buf_span(&b)));
	assert_null(strstr(buf_cstr(&a), "detail"));
	buf_reset(&a);
	problem_format(err_make(ERR_CORRUPT, "record 17"), span_of(NULL, 0),
		       span_of(NULL, 0), &a);
	assert_null(strstr(buf_cstr(&a), "record 17"));
	buf_clear(&a);
	buf_clear(&b);
}

static void members_of_a_kind_are_added(void **state)
{
	struct buf b;

	buf_init(&b, 8192);
	problem_format(err_make(ERR_CONFLICT, "the head moved"),
		       span_of(NULL, 0),
		       span_str("\"heads\":[],\"statement\":1"), &b);
	assert_string_equal(
		buf_cstr(&b),
		"{\"type\":\"/problems/precondition-failed\",\"title\":"
		"\"What you changed has changed meanwhile.\",\"status\":412,"
		"\"detail\":\"the head moved\",\"mend\":\"Fetch what is in "
		"force, and decide again.\",\"heads\":[],\"statement\":1}");
	buf_clear(&b);
}

static void the_document_without_memory_is_the_tables_own(void **state)
{
	struct buf b;

	buf_init(&b, 4096);
	problem_format(err_make(ERR_NO_MEMORY, NULL), span_of(NULL, 0),
		       span_of(NULL, 0), &b);
	assert_string_equal(buf_cstr(&b), problem_no_memory);
	buf_clear(&b);
}

static void what_is_no_problem_is_refused(void **state)
{
	static const char *const bad[] =
		{"",
		 "[]",
		 "{}",
		 "{\"type\":\"about:blank\"}",
		 "{\"type\":\"/problems/ok\",\"status\":200}",
		 "{\"type\":\"/problems/busy\",\"status\":9}",
		 "{\"type\":\"/problems/busy\",\"title\":7}"};
	struct arena arena;
	struct problem p;

	arena_init(&arena, 8192);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_true(failed(
			problem_parse(span_str(bad[i]), 500, &arena, &p)));
	assert_false(failed(
		problem_parse(span_str("{\"type\":\"/problems/later-made\"}"),
			      418, &arena, &p)));
	assert_int_equal(p.code, ERR_INTERNAL);
	assert_int_equal(p.status, 418);
	assert_string_equal(p.detail, "");
	arena_clear(&arena);
}

static void an_answer_without_problem_is_judged_by_its_status(void **state)
{
	assert_int_equal(problem_error(span_str("<html>"), 503).code, ERR_BUSY);
	assert_int_equal(problem_error(span_str(""), 404).code, ERR_NOT_FOUND);
	assert_int_equal(problem_error(span_str(""), 418).code, ERR_MALFORMED);
	assert_int_equal(problem_error(span_str(""), 502).code, ERR_INTERNAL);
	assert_int_equal(
		problem_error(span_str("{\"type\":\"/problems/bad-nonce\"}"),
			      401)
			.code,
		ERR_NONCE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_code_reads_back_as_itself),
		cmocka_unit_test(not_released_and_not_found_answer_alike),
		cmocka_unit_test(members_of_a_kind_are_added),
		cmocka_unit_test(the_document_without_memory_is_the_tables_own),
		cmocka_unit_test(what_is_no_problem_is_refused),
		cmocka_unit_test(
			an_answer_without_problem_is_judged_by_its_status),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
