/* Messages between front, link and guard: what a process that has been taken
 * can send to the others. */
#include "tests/fuzz/fuzz.h"

#include "relay/channel.h"

enum { CAP = 1 << 20 };

void fuzz_seeds(void)
{
	const struct channel_field field = {span_str("if-match"),
					    span_str("*")};
	struct channel_message m = {
		.kind = CHANNEL_REQUEST,
		.id = 7,
		.listener = 1,
		.amount = 4096,
		.certificate = span_str("der"),
		.method = span_str("PUT"),
		.authority = span_str("relay.test"),
		.target = span_str("/v1/x?y"),
		.digest = span_str("0123456789abcdef0123456789abcdef"),
		.fields = &field,
		.field_count = 1,
		.body = span_str("{}"),
	};
	struct buf b;

	buf_init(&b, CAP);
	for (int kind = CHANNEL_HELLO; kind <= CHANNEL_CALL; kind++) {
		buf_reset(&b);
		m.kind = (enum channel_kind)kind;
		m.status = kind == CHANNEL_ANSWER ? 200 : 0;
		channel_encode(&m, &b);
		if (!failed(buf_check(&b)))
			fuzz_seed(buf_span(&b));
		buf_clear(&b);
		buf_init(&b, CAP);
	}
	buf_clear(&b);
}

/* The frame of a message that was decoded decodes to itself. */
static void again(const struct channel_message *m)
{
	struct channel_message second;
	struct channel c;
	struct buf once, twice;
	bool have;

	buf_init(&once, CAP);
	buf_init(&twice, CAP);
	channel_init(&c, CHANNEL_FRAME_MAX);
	channel_encode(m, &once);
	fuzz_ok(buf_check(&once));
	fuzz_ok(channel_recv(&c, buf_span(&once)));
	fuzz_ok(channel_next(&c, &second, &have));
	fuzz_check(have);
	channel_encode(&second, &twice);
	fuzz_check(fuzz_same(&once, &twice));
	channel_clear(&c);
	buf_clear(&once);
	buf_clear(&twice);
}

void fuzz_input(struct span bytes)
{
	struct channel_message m;
	struct channel c;
	bool have = true;
	struct err e;

	channel_init(&c, bytes.len & 1 ? CHANNEL_FRAME_MAX
				       : CHANNEL_BULK_FRAME_MAX);
	e = channel_recv(&c, bytes);
	while (!failed(e)) {
		e = channel_next(&c, &m, &have);
		if (failed(e) || !have)
			break;
		fuzz_check(m.field_count <= CHANNEL_FIELDS_MAX);
		again(&m);
	}
	if (failed(e) && e.code == ERR_MALFORMED)
		fuzz_check(channel_next(&c, &m, &have).code == ERR_MALFORMED);
	channel_clear(&c);
}
