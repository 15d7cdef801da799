/* Nations' first contact as JSON: the answer, and what is refused; requests
 * and certificates read back in test_enrol.c. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "proto/exchange/peering.h"

static void an_answer_reads_back_whole_or_not_at_all(void **state)
{
	struct peering_answer answer = {.ca = span_str("ca"),
					.certificate = span_str("certificate"),
					.root = span_str("root"),
					.mac = {7}};
	struct peering_answer back;
	struct arena arena;
	struct buf body;

	buf_init(&body, PEERING_BODY_MAX);
	arena_init(&arena, 1 << 20);
	peering_answer_encode(&answer, &body);
	assert_false(
		failed(peering_answer_decode(buf_span(&body), &arena, &back)));
	assert_true(span_eq(back.ca, answer.ca));
	assert_true(span_eq(back.certificate, answer.certificate));
	assert_true(span_eq(back.root, answer.root));
	assert_memory_equal(back.mac, answer.mac, sizeof(answer.mac));
	for (size_t len = 0; len < body.len; len++)
		assert_true(failed(peering_answer_decode(span_of(body.at, len),
							 &arena, &back)));
	buf_clear(&body);
	arena_clear(&arena);
}

static void what_is_no_request_is_refused(void **state)
{
	static const char *const bad[] = {
		"{}",
		"[]",
		"{\"nation\":\"FRA\"}",
		"{\"nation\":\"FRA\",\"more\":1}",
	};
	struct peering_request r;
	struct arena arena;

	arena_init(&arena, 1 << 20);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(peering_request_decode(span_str(bad[i]),
							&arena, &r)
					 .code,
				 ERR_MALFORMED);
	arena_clear(&arena);
}

static void too_many_certificates_are_refused(void **state)
{
	static struct peering_certificate list[PEERING_CERTIFICATES_MAX + 1];
	const struct peering_certificate *back;
	struct arena arena;
	struct buf body;
	size_t count;

	for (size_t i = 0; i <= PEERING_CERTIFICATES_MAX; i++)
		list[i] = (struct peering_certificate){span_str("c"),
						       span_str("r")};
	buf_init(&body, PEERING_CERTIFICATES_BODY_MAX);
	arena_init(&arena, 1 << 20);
	peering_certificates_encode(list, PEERING_CERTIFICATES_MAX, &body);
	assert_false(failed(peering_certificates_decode(buf_span(&body), &arena,
							&back, &count)));
	assert_int_equal(count, PEERING_CERTIFICATES_MAX);
	buf_reset(&body);
	peering_certificates_encode(list, PEERING_CERTIFICATES_MAX + 1, &body);
	assert_true(failed(peering_certificates_decode(buf_span(&body), &arena,
						       &back, &count)));
	buf_clear(&body);
	arena_clear(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_answer_reads_back_whole_or_not_at_all),
		cmocka_unit_test(what_is_no_request_is_refused),
		cmocka_unit_test(too_many_certificates_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
