/* Ticks of other nations: blobs, answers, countersignatures, evidence. */
#include "tests/fuzz/fuzz.h"

#include "proto/exchange/ticks.h"

enum { CAP = 4 << 20 };

void fuzz_seeds(void)
{
	static struct ticks_answer answer;
	struct ticks_witnesses witnesses = {.count = 1};
	struct ticks_evidence evidence = {
		.root = span_str("root"),
		.certificate = span_str("certificate"),
		.known = span_str("known"),
		.body = span_str("{}"),
		.reader = {{'D', 'E', 'U'}},
		.page = span_str("time=1"),
	};
	struct buf b;

	answer.count = 1;
	answer.ticks[0] = answer.last = answer.seen = span_str("tick");
	witnesses.blobs[0] = span_str("witness");
	buf_init(&b, CAP);
	ticks_answer_encode(&answer, &b);
	fuzz_seed(buf_span(&b));
	buf_reset(&b);
	ticks_witnesses_encode(&witnesses, &b);
	fuzz_seed(buf_span(&b));
	buf_reset(&b);
	ticks_evidence_encode(&evidence, &b);
	fuzz_seed(buf_span(&b));
	buf_clear(&b);
}

static void whole(struct span bytes, struct arena *arena, struct buf *once,
		  struct buf *twice)
{
	static struct ticks_answer answer, again;
	struct ticks_evidence evidence, other;
	enum ticks_fault fault;
	struct replica accused;
	uint64_t minute;

	if (!failed(ticks_answer_decode(bytes, arena, &answer))) {
		ticks_answer_encode(&answer, once);
		fuzz_ok(ticks_answer_decode(buf_span(once), arena, &again));
		ticks_answer_encode(&again, twice);
		fuzz_check(fuzz_same(once, twice));
	}
	buf_reset(once);
	buf_reset(twice);
	if (!failed(ticks_evidence_decode(bytes, arena, &evidence))) {
		ticks_evidence_encode(&evidence, once);
		fuzz_ok(ticks_evidence_decode(buf_span(once), arena, &other));
		ticks_evidence_encode(&other, twice);
		fuzz_check(fuzz_same(once, twice));
		/* Nobody can sign here: it proves nothing. */
		fuzz_check(
			failed(ticks_evidence_check(&evidence, arena, &accused,
						    &minute, &fault)));
	}
}

void fuzz_input(struct span bytes)
{
	struct ticks_witnesses witnesses;
	struct arena arena;
	struct buf once, twice;
	struct witness w;
	struct tick tick;

	arena_init(&arena, CAP);
	buf_init(&once, CAP);
	buf_init(&twice, CAP);
	whole(bytes, &arena, &once, &twice);
	if (!failed(ticks_witnesses_decode(bytes, &arena, &witnesses)))
		fuzz_check(witnesses.count <= TICKS_WITNESSES);
	if (!failed(tick_decode(bytes, &tick)))
		fuzz_check(bytes.len <= TICK_BLOB_MAX);
	if (!failed(witness_decode(bytes, &w)))
		fuzz_check(!nation_eq(w.by.nation, w.of.nation));
	arena_clear(&arena);
	buf_clear(&once);
	buf_clear(&twice);
}
