/* A statement, as a JWS and as stored: payload and text are canonical, so what
 * decodes encodes to the same bytes. */
#include "tests/fuzz/fuzz.h"

#include "proto/document/statement.h"

enum { ARENA = 256 << 10 };

void fuzz_seeds(void)
{
	fuzz_seed_vector("statement", "jws", false);
	fuzz_seed_vector("statement", "payload", false);
}

static void check(const struct statement *s, struct span jws)
{
	struct buf b;

	buf_init(&b, STATEMENT_JWS_MAX);
	fuzz_ok(statement_encode(s, &b));
	fuzz_check(fuzz_is(&b, s->payload));
	buf_reset(&b);
	statement_format(s, &b);
	if (jws.len)
		fuzz_check(fuzz_is(&b, jws));
	fuzz_ok(buf_check(&b));
	buf_clear(&b);
	fuzz_check(s->previous_count >= 1 && s->number >= 2);
	for (size_t i = 0; i < s->heads_count; i++)
		fuzz_check(statement_lists(s, s->heads[i]));
	fuzz_check(statement_rank(s, s) == 0);
}

void fuzz_input(struct span bytes)
{
	static const uint8_t sig[MANIFEST_SIG_LEN];
	struct statement s;
	struct arena arena;

	arena_init(&arena, ARENA);
	if (!failed(statement_decode(bytes, &arena, &s)))
		check(&s, bytes);
	arena_clear(&arena);
	arena_init(&arena, ARENA);
	if (!failed(statement_decode_stored(bytes, SPAN_OBJ(sig), &arena, &s)))
		check(&s, span_of(NULL, 0));
	arena_clear(&arena);
}
