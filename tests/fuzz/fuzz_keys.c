/* Requests for keys, and their answers. */
#include "tests/fuzz/fuzz.h"

#include "proto/exchange/keys.h"

enum { CAP = 4 << 20 };

void fuzz_seeds(void)
{
	const struct keys_want want = {.document = {{1}}, .commitment = {{2}}};
	const struct wrapped key = {.suite = WRAPPED_SUITE_P256, .enc_len = 65};
	struct keys_request request = {span_str("AAAA"), &want, 1};
	struct keys_writer w;
	struct buf b;

	buf_init(&b, CAP);
	keys_request_encode(&request, &b);
	fuzz_seed(buf_span(&b));
	buf_reset(&b);
	keys_answer_begin(&w, &b);
	keys_answer_key(&w, &want, &key);
	keys_answer_problem(&w, &want, err_make(ERR_NOT_FOUND, "x"),
			    span_str("AAAA"));
	keys_answer_end(&w);
	fuzz_seed(buf_span(&b));
	buf_clear(&b);
}

void fuzz_input(struct span bytes)
{
	const struct keys_grant *grants;
	struct keys_request request, again;
	struct buf once, twice;
	struct arena arena;
	size_t count;

	arena_init(&arena, CAP);
	buf_init(&once, CAP);
	buf_init(&twice, CAP);
	if (!failed(keys_request_decode(bytes, &arena, &request))) {
		fuzz_check(request.count <= KEYS_MAX);
		keys_request_encode(&request, &once);
		fuzz_ok(keys_request_decode(buf_span(&once), &arena, &again));
		keys_request_encode(&again, &twice);
		fuzz_check(fuzz_same(&once, &twice));
	}
	arena_clear(&arena);
	arena_init(&arena, CAP);
	if (!failed(keys_answer_decode(bytes, &arena, &grants, &count)))
		fuzz_check(count <= KEYS_MAX);
	arena_clear(&arena);
	buf_clear(&once);
	buf_clear(&twice);
}
