/* Enrolment: request, answer, and the text of a token. */
#include "tests/fuzz/fuzz.h"

#include "proto/exchange/enrol.h"

enum { CAP = 1 << 20 };

void fuzz_seeds(void)
{
	struct enrol_token token = {.kind = ENROL_DEVICE,
				    .nation = {{'G', 'B', 'R'}},
				    .endpoint = "relay.gbr.example:8443"};
	struct enrol_request request = {
		.author = span_str("author"),
		.csr = span_str("csr"),
		.wrapping = span_str("wrapping"),
	};
	struct enrol_answer answer = {
		.ca = span_str("ca"),
		.certificate = span_str("certificate"),
		.replica = span_str("replica"),
		.root = span_str("root"),
		.subject = span_str("alice"),
	};
	struct buf b;

	buf_init(&b, CAP);
	enrol_token_format(&token, &b);
	fuzz_seed(buf_span(&b));
	token.kind = ENROL_PEER;
	buf_reset(&b);
	enrol_token_format(&token, &b);
	fuzz_seed(buf_span(&b));
	buf_reset(&b);
	enrol_request_encode(&request, &b);
	fuzz_seed(buf_span(&b));
	buf_reset(&b);
	enrol_answer_encode(&answer, &b);
	fuzz_seed(buf_span(&b));
	buf_clear(&b);
}

void fuzz_input(struct span bytes)
{
	struct enrol_token token, token_again;
	struct enrol_request request, request_again;
	struct enrol_answer answer, answer_again;
	struct arena arena;
	struct buf once, twice;

	arena_init(&arena, CAP);
	buf_init(&once, CAP);
	buf_init(&twice, CAP);
	if (!failed(enrol_token_parse(bytes, &token))) {
		enrol_token_format(&token, &once);
		fuzz_ok(enrol_token_parse(buf_span(&once), &token_again));
		enrol_token_format(&token_again, &twice);
		fuzz_check(fuzz_same(&once, &twice));
	}
	buf_reset(&once);
	buf_reset(&twice);
	if (!failed(enrol_request_decode(bytes, &arena, &request))) {
		enrol_request_encode(&request, &once);
		fuzz_ok(enrol_request_decode(buf_span(&once), &arena,
					     &request_again));
		enrol_request_encode(&request_again, &twice);
		fuzz_check(fuzz_same(&once, &twice));
	}
	buf_reset(&once);
	buf_reset(&twice);
	if (!failed(enrol_answer_decode(bytes, &arena, &answer))) {
		enrol_answer_encode(&answer, &once);
		fuzz_ok(enrol_answer_decode(buf_span(&once), &arena,
					    &answer_again));
		enrol_answer_encode(&answer_again, &twice);
		fuzz_check(fuzz_same(&once, &twice));
	}
	arena_clear(&arena);
	buf_clear(&once);
	buf_clear(&twice);
}
