/* Pages of the changes feed: round trip, caps, strictness, mutation. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "proto/exchange/changes.h"

#include <stdlib.h>

static const struct digest digests[] = {{{1}}, {{2}}, {{3}}};
static const struct changes_evidence evidence[] = {
	{{{7}}, {{8}}, {(const uint8_t *)"evid", 4}}};
static const struct changes_head heads[] = {
	{.manifest = {(const uint8_t *)"h.p.s", 5},
	 .dot = {{{"GBR"}, 1}, 5},
	 .seal = {(const uint8_t *)"seal", 4},
	 .shelf = {{9}},
	 .content = 61,
	 .winner = true,
	 .evidence = evidence,
	 .evidence_count = 1},
	{.manifest = {(const uint8_t *)"x.y.z", 5},
	 .dot = {{{"DEU"}, 2}, 7},
	 .shelf = {{9}}},
};
static const struct changes_statement statements[] = {
	{{(const uint8_t *)"m.m.m", 5}, true, {(const uint8_t *)"s1", 2}},
	{{(const uint8_t *)"s.s.s", 5}, false, {NULL, 0}},
};
static const struct changes_shelf shelves[] = {
	{{{9}}, {(const uint8_t *)"GBR/ops", 7}, digests, 2, 0}};

static struct changes_row row_of(uint8_t n)
{
	return (struct changes_row){
		.id = {{n}},
		.home = {"GBR"},
		.opening = {{(const uint8_t *)"GBR/ops", 7}, {{4}}, {5}},
		.number = 2,
		.digests = digests,
		.digests_count = 1,
		.heads = heads,
		.heads_count = 2,
		.statements = statements,
		.statements_count = 2,
	};
}

static void encode_page(struct buf *out)
{
	struct changes_row rows[] = {row_of(1), row_of(2)};
	struct changes_page page = {
		.cursor = span_str("cursor"),
		.more = true,
		.forget = digests + 2,
		.forget_count = 1,
		.rows = rows,
		.rows_count = 2,
		.shelves = shelves,
		.shelves_count = 1,
	};

	rows[1].heads_count = 0;
	rows[1].statements_count = 0;
	buf_init(out, CHANGES_BODY_MAX);
	changes_page_encode(&page, out);
	assert_int_equal(buf_check(out).code, 0);
}

static void a_page_reads_back_as_it_was_written(void **state)
{
	struct changes_page p;
	struct arena arena;
	struct buf body;

	encode_page(&body);
	arena_init(&arena, CHANGES_ARENA_MAX);
	assert_int_equal(changes_page_decode(buf_span(&body), &arena, &p).code,
			 0);
	assert_true(span_eq_str(p.cursor, "cursor"));
	assert_true(p.more && !p.fresh);
	assert_int_equal(p.forget_count, 1);
	assert_int_equal(p.forget[0].at[0], 3);
	assert_int_equal(p.rows_count, 2);
	assert_int_equal(p.rows[0].heads_count, 2);
	assert_true(span_eq_str(p.rows[0].heads[0].manifest, "h.p.s"));
	assert_true(span_eq_str(p.rows[0].heads[0].seal, "seal"));
	assert_true(span_eq_str(p.rows[0].heads[0].evidence[0].seal, "evid"));
	assert_int_equal(p.rows[0].heads[0].content, 61);
	assert_true(p.rows[0].heads[0].winner);
	assert_int_equal(p.rows[0].heads[1].dot.counter, 7);
	assert_int_equal(p.rows[0].heads[1].seal.len, 0);
	assert_true(p.rows[0].statements[0].first);
	assert_false(p.rows[0].statements[1].first);
	assert_true(span_eq_str(p.rows[0].opening.space, "GBR/ops"));
	assert_int_equal(p.rows[1].heads_count, 0);
	assert_int_equal(p.shelves[0].labels_count, 2);
	arena_clear(&arena);
	buf_clear(&body);
}

static void a_page_ends_at_its_bytes_and_has_one_row_at_least(void **state)
{
	struct changes_writer w = {0};
	struct changes_page page = {.cursor = span_str("c")}, read;
	struct changes_row row = row_of(1);
	struct changes_head big = heads[0];
	struct arena arena;
	struct buf body, text;
	size_t rows = 0;

	buf_init(&text, 1 << 20);
	memset(buf_grow(&text, 11000), 'a', 11000);
	big.manifest = buf_span(&text);
	row.heads = &big;
	row.heads_count = 1;
	buf_init(&body, CHANGES_BODY_MAX);
	changes_page_begin(&w, &body);
	while (changes_page_row(&w, &row))
		rows++;
	changes_page_end(&w, &page);
	assert_in_range(rows, 20, 24);
	assert_true(body.len <= CHANGES_PAGE_BYTES + 256);
	arena_init(&arena, CHANGES_ARENA_MAX);
	assert_int_equal(
		changes_page_decode(buf_span(&body), &arena, &read).code, 0);
	assert_int_equal(read.rows_count, rows);
	arena_clear(&arena);
	buf_clear(&body);
	buf_clear(&text);
}

static void a_document_is_a_row_with_its_shelves(void **state)
{
	struct changes_row row = row_of(3);
	struct changes_page page;
	struct arena arena;
	struct buf body;

	buf_init(&body, CHANGES_BODY_MAX);
	arena_init(&arena, CHANGES_ARENA_MAX);
	changes_document_encode(&row, shelves, 1, &body);
	assert_int_equal(changes_document_decode(buf_span(&body), &arena, &page)
				 .code,
			 0);
	assert_int_equal(page.rows_count, 1);
	assert_int_equal(page.shelves_count, 1);
	assert_int_equal(page.rows[0].id.at[0], 3);
	arena_clear(&arena);
	buf_clear(&body);
}

static void refuse(const char *text)
{
	struct changes_page p;
	struct arena arena;

	arena_init(&arena, CHANGES_ARENA_MAX);
	assert_int_equal(changes_page_decode(span_str(text), &arena, &p).code,
			 ERR_MALFORMED);
	arena_clear(&arena);
}

static void unknown_missing_and_empty_members_are_refused(void **state)
{
	refuse("{}");
	refuse("[]");
	refuse("{\"cursor\":\"\",\"forget\":[],\"fresh\":true,\"more\":false,"
	       "\"rows\":[],\"shelves\":[]}");
	refuse("{\"cursor\":\"c\",\"forget\":[],\"fresh\":true,\"more\":false,"
	       "\"rows\":[]}");
	refuse("{\"cursor\":\"c\",\"forget\":[],\"fresh\":true,\"more\":false,"
	       "\"rows\":[],\"shelves\":[],\"x\":1}");
	refuse("{\"cursor\":\"c\",\"forget\":[1],\"fresh\":true,\"more\":"
	       "false,\"rows\":[],\"shelves\":[]}");
	refuse("{\"cursor\":\"c\",\"forget\":[],\"fresh\":1,\"more\":false,"
	       "\"rows\":[],\"shelves\":[]}");
}

/* Whatever is changed or cut, decoding says yes or no and nothing else. */
static void no_change_of_a_page_harms(void **state)
{
	struct changes_page p;
	struct buf body;

	encode_page(&body);
	srand(1);
	for (size_t i = 0; i < 3000; i++) {
		struct arena arena;
		size_t at = (size_t)rand() % body.len;
		uint8_t was = body.at[at];
		size_t len = i % 3 ? body.len : at;

		arena_init(&arena, CHANGES_ARENA_MAX);
		body.at[at] = (uint8_t)rand();
		(void)changes_page_decode(span_of(body.at, len), &arena, &p)
			.code;
		body.at[at] = was;
		arena_clear(&arena);
	}
	buf_clear(&body);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_page_reads_back_as_it_was_written),
		cmocka_unit_test(
			a_page_ends_at_its_bytes_and_has_one_row_at_least),
		cmocka_unit_test(a_document_is_a_row_with_its_shelves),
		cmocka_unit_test(unknown_missing_and_empty_members_are_refused),
		cmocka_unit_test(no_change_of_a_page_harms),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
