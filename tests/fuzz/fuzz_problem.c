/* Problem documents as clients read them. */
#include "tests/fuzz/fuzz.h"

#include "proto/exchange/problem.h"

enum { CAP = 1 << 20 };

void fuzz_seeds(void)
{
	struct buf b;

	buf_init(&b, CAP);
	problem_format(err_make(ERR_CONFLICT, "detail"), span_str("AAAA"),
		       span_str("\"n\":1"), &b);
	fuzz_seed(buf_span(&b));
	buf_reset(&b);
	problem_format(err_make(ERR_NOT_FOUND, "detail"), span_str(""),
		       span_str(""), &b);
	fuzz_seed(buf_span(&b));
	buf_clear(&b);
}

void fuzz_input(struct span bytes)
{
	struct problem p;
	struct arena arena;

	arena_init(&arena, CAP);
	if (!failed(problem_parse(bytes, 409, &arena, &p)))
		fuzz_check(p.name && p.title && p.detail && p.mend &&
			   p.reference && p.code != ERR_OK);
	fuzz_check(failed(problem_error(bytes, 500)));
	arena_clear(&arena);
}
