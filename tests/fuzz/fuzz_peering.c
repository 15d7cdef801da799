/* First contact of nations, and the certificates they pass on. */
#include "tests/fuzz/fuzz.h"

#include "proto/exchange/peering.h"

enum { CAP = 8 << 20 };

void fuzz_seeds(void)
{
	struct peering_request request = {
		.nation = {{'D', 'E', 'U'}},
		.ca = span_str("ca"),
		.certificate = span_str("certificate"),
		.endpoint = span_str("relay.deu.example:8444"),
		.root = span_str("root"),
	};
	struct peering_answer answer = {
		.ca = span_str("ca"),
		.certificate = span_str("certificate"),
		.root = span_str("root"),
	};
	struct peering_certificate one = {span_str("certificate"),
					  span_str("root")};
	struct buf b;

	buf_init(&b, CAP);
	peering_request_encode(&request, &b);
	fuzz_seed(buf_span(&b));
	buf_reset(&b);
	peering_answer_encode(&answer, &b);
	fuzz_seed(buf_span(&b));
	buf_reset(&b);
	peering_certificates_encode(&one, 1, &b);
	fuzz_seed(buf_span(&b));
	buf_clear(&b);
}

void fuzz_input(struct span bytes)
{
	const struct peering_certificate *list;
	struct peering_request request, request_again;
	struct peering_answer answer, answer_again;
	struct arena arena;
	struct buf once, twice;
	size_t count;

	arena_init(&arena, CAP);
	buf_init(&once, CAP);
	buf_init(&twice, CAP);
	if (!failed(peering_request_decode(bytes, &arena, &request))) {
		peering_request_encode(&request, &once);
		fuzz_ok(peering_request_decode(buf_span(&once), &arena,
					       &request_again));
		peering_request_encode(&request_again, &twice);
		fuzz_check(fuzz_same(&once, &twice));
	}
	buf_reset(&once);
	buf_reset(&twice);
	if (!failed(peering_answer_decode(bytes, &arena, &answer))) {
		peering_answer_encode(&answer, &once);
		fuzz_ok(peering_answer_decode(buf_span(&once), &arena,
					      &answer_again));
		peering_answer_encode(&answer_again, &twice);
		fuzz_check(fuzz_same(&once, &twice));
	}
	buf_reset(&once);
	buf_reset(&twice);
	if (!failed(peering_certificates_decode(bytes, &arena, &list,
						&count))) {
		peering_certificates_encode(list, count, &once);
		fuzz_ok(peering_certificates_decode(buf_span(&once), &arena,
						    &list, &count));
		peering_certificates_encode(list, count, &twice);
		fuzz_check(fuzz_same(&once, &twice));
	}
	arena_clear(&arena);
	buf_clear(&once);
	buf_clear(&twice);
}
