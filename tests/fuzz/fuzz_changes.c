/* A page of changes and the single row: what decodes encodes to a page that
 * decodes to itself. */
#include "tests/fuzz/fuzz.h"

#include "proto/exchange/changes.h"

void fuzz_seeds(void)
{
	static const uint8_t blob[] = {1, 2, 3};
	const struct dot dot = {{{{'G', 'B', 'R'}}, 1}, 5};
	struct digest digest = {{9}};
	struct changes_evidence evidence = {.seal = SPAN_OBJ(blob)};
	struct changes_head head = {
		.manifest = span_str("e30.e30.AA"),
		.dot = dot,
		.seal = SPAN_OBJ(blob),
		.content = 88,
		.winner = true,
		.evidence = &evidence,
		.evidence_count = 1,
	};
	struct changes_statement statement = {.jws = span_str("e30.e30.AA"),
					      .first = true,
					      .seal = SPAN_OBJ(blob)};
	struct changes_row row = {
		.home = {{'G', 'B', 'R'}},
		.opening = {.space = span_str("GBR/ops")},
		.number = 1,
		.digests = &digest,
		.digests_count = 1,
		.heads = &head,
		.heads_count = 1,
		.statements = &statement,
		.statements_count = 1,
	};
	struct changes_shelf shelf = {.space = span_str("GBR/ops"),
				      .labels = &digest,
				      .labels_count = 1};
	struct changes_page page = {
		.cursor = span_str("AAAA"),
		.fresh = true,
		.more = true,
		.forget = &digest,
		.forget_count = 1,
		.rows = &row,
		.rows_count = 1,
		.shelves = &shelf,
		.shelves_count = 1,
	};
	struct buf b;

	buf_init(&b, CHANGES_BODY_MAX);
	changes_page_encode(&page, &b);
	fuzz_seed(buf_span(&b));
	buf_reset(&b);
	changes_document_encode(&row, &shelf, 1, &b);
	fuzz_seed(buf_span(&b));
	row.heads_count = 0;
	row.statements_count = 0;
	buf_reset(&b);
	changes_page_encode(&page, &b);
	fuzz_seed(buf_span(&b));
	buf_clear(&b);
}

static void again(const struct changes_page *page, bool single)
{
	struct changes_page second;
	struct buf once, twice;
	struct arena arena;

	buf_init(&once, CHANGES_BODY_MAX);
	buf_init(&twice, CHANGES_BODY_MAX);
	arena_init(&arena, CHANGES_ARENA_MAX);
	if (single) {
		fuzz_check(page->rows_count == 1);
		changes_document_encode(page->rows, page->shelves,
					page->shelves_count, &once);
		fuzz_ok(changes_document_decode(buf_span(&once), &arena,
						&second));
		changes_document_encode(second.rows, second.shelves,
					second.shelves_count, &twice);
	} else {
		changes_page_encode(page, &once);
		fuzz_ok(changes_page_decode(buf_span(&once), &arena, &second));
		changes_page_encode(&second, &twice);
	}
	fuzz_check(fuzz_same(&once, &twice));
	arena_clear(&arena);
	buf_clear(&once);
	buf_clear(&twice);
}

void fuzz_input(struct span bytes)
{
	struct changes_page page;
	struct arena arena;

	arena_init(&arena, CHANGES_ARENA_MAX);
	if (!failed(changes_page_decode(bytes, &arena, &page)))
		again(&page, false);
	arena_clear(&arena);
	arena_init(&arena, CHANGES_ARENA_MAX);
	if (!failed(changes_document_decode(bytes, &arena, &page)))
		again(&page, true);
	arena_clear(&arena);
}
