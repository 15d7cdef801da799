/* Writes and statements on their way in, their answers and refusals. */
#include "tests/fuzz/fuzz.h"

#include "proto/exchange/problem.h"
#include "proto/exchange/statements.h"
#include "proto/exchange/write_plain.h"

enum { CAP = 1 << 20 };

void fuzz_seeds(void)
{
	struct digest digest = {{3}};
	struct write_key key = {
		.key = {.suite = WRAPPED_SUITE_P256, .enc_len = 65}};
	struct write_request write = {
		.manifest = span_str("e30.e30.AA"),
		.has_opening = true,
		.opening = {.space = span_str("GBR/ops")},
		.has_label = true,
		.label = span_str("<a/>"),
		.has_content = true,
		.content = span_str("content"),
		.keys = &key,
		.keys_count = 1,
	};
	struct statements_request statement = {
		.statement = span_str("e30.e30.AA"),
		.opening = {.space = span_str("GBR/ops")},
		.has_label = true,
		.label = span_str("<a/>"),
	};
	const struct write_conflict conflict = {&digest, 1, 2, &digest, 1};
	const struct write_range range = {0, 33};
	struct buf b, members;

	buf_init(&b, CAP);
	buf_init(&members, CAP);
	fuzz_ok(write_request_encode(&write, &b));
	fuzz_seed(buf_span(&b));
	buf_reset(&b);
	fuzz_ok(statements_request_encode(&statement, &b));
	fuzz_seed(buf_span(&b));
	buf_reset(&b);
	write_answer_encode(&(struct write_answer){digest,
						   {{{{'G', 'B', 'R'}}, 1}, 5},
						   1},
			    &b);
	fuzz_seed(buf_span(&b));
	buf_reset(&b);
	statements_answer_encode(&(struct statements_answer){digest, 2}, &b);
	fuzz_seed(buf_span(&b));
	buf_reset(&b);
	write_conflict_members(&conflict, &members);
	problem_format(err_make(ERR_CONFLICT, "x"), span_str(""),
		       buf_span(&members), &b);
	fuzz_seed(buf_span(&b));
	buf_reset(&b);
	buf_reset(&members);
	write_missing_members(&range, 1, &members);
	problem_format(err_make(ERR_MISSING_CONTENT, "x"), span_str(""),
		       buf_span(&members), &b);
	fuzz_seed(buf_span(&b));
	buf_clear(&b);
	buf_clear(&members);
}

/* What the plain reader accepts, the parser reads alike, and it is written
 * as it came. */
static void plain(struct span bytes, struct arena *arena, struct buf *once,
		  struct buf *twice)
{
	struct write_request write, again;

	if (bytes.len >= WRITE_BODY_MAX ||
	    !write_plain_decode(bytes, arena, &write))
		return;
	fuzz_ok(write_request_encode(&write, once));
	fuzz_check(span_eq(buf_span(once), bytes));
	/* A space in front, and it is not plain. */
	buf_put_u8(twice, ' ');
	buf_put(twice, bytes);
	fuzz_check(!write_plain_decode(buf_span(twice), arena, &again));
	fuzz_ok(write_request_decode(buf_span(twice), arena, &again));
	buf_reset(twice);
	fuzz_ok(write_request_encode(&again, twice));
	fuzz_check(fuzz_same(once, twice));
}

static void requests(struct span bytes, struct arena *arena, struct buf *once,
		     struct buf *twice)
{
	struct write_request write, write_again;
	struct statements_request statement, statement_again;

	if (!failed(write_request_decode(bytes, arena, &write)) &&
	    !failed(write_request_encode(&write, once))) {
		fuzz_ok(write_request_decode(buf_span(once), arena,
					     &write_again));
		fuzz_ok(write_request_encode(&write_again, twice));
		fuzz_check(fuzz_same(once, twice));
	}
	buf_reset(once);
	buf_reset(twice);
	if (!failed(statements_request_decode(bytes, arena, &statement)) &&
	    !failed(statements_request_encode(&statement, once))) {
		fuzz_ok(statements_request_decode(buf_span(once), arena,
						  &statement_again));
		fuzz_ok(statements_request_encode(&statement_again, twice));
		fuzz_check(fuzz_same(once, twice));
	}
}

static void answers(struct span bytes, struct arena *arena)
{
	struct write_answer answer;
	struct statements_answer statement;
	struct write_conflict conflict;
	const struct write_range *ranges;
	size_t count;

	if (!failed(write_answer_decode(bytes, &answer)))
		fuzz_check(answer.dot.counter >= 1);
	(void)!failed(statements_answer_decode(bytes, &statement));
	if (!failed(write_conflict_decode(bytes, arena, &conflict)))
		fuzz_check(conflict.heads_count <= WRITE_HEADS_MAX);
	if (!failed(write_missing_decode(bytes, arena, &ranges, &count)))
		fuzz_check(count <= WRITE_RANGES_MAX);
}

void fuzz_input(struct span bytes)
{
	struct arena arena;
	struct buf once, twice;

	arena_init(&arena, CAP);
	buf_init(&once, CAP);
	buf_init(&twice, CAP);
	plain(bytes, &arena, &once, &twice);
	buf_reset(&once);
	buf_reset(&twice);
	requests(bytes, &arena, &once, &twice);
	arena_clear(&arena);
	arena_init(&arena, CAP);
	answers(bytes, &arena);
	arena_clear(&arena);
	buf_clear(&once);
	buf_clear(&twice);
}
