/* The small answers by which a reader finds its way. */
#include "tests/fuzz/fuzz.h"

#include "proto/exchange/me.h"

enum { CAP = 48 << 20 };

void fuzz_seeds(void)
{
	const struct nation gbr = {{'G', 'B', 'R'}};
	struct me_relay relay = {
		.nation = gbr,
		.replica = {gbr, 1},
		.ceiling = span_str("RESTRICTED"),
		.certificate = span_str("certificate"),
		.root = span_str("root"),
	};
	struct span space = span_str("GBR/ops");
	struct me_answer me = {
		.reader = {.device = true},
		.nation = gbr,
		.subject = span_str("alice"),
		.rights = ME_WRITE | ME_RECALL,
		.spaces = &space,
		.spaces_count = 1,
	};
	struct span file = span_str("<SPIF/>");
	struct me_policy policy = {.ceiling = span_str("RESTRICTED"),
				   .files = &file,
				   .files_count = 1};
	struct me_marking marking = {span_str("en"), span_str("RESTRICTED")};
	struct me_label label = {.label = span_str("<a/>"),
				 .color = span_str("green"),
				 .markings = &marking,
				 .markings_count = 1};
	struct me_author author = {span_str("author"), span_str("replica")};
	struct buf b;

	buf_init(&b, CAP);
	me_relay_encode(&relay, &b);
	fuzz_seed(buf_span(&b));
	buf_reset(&b);
	me_answer_encode(&me, &b);
	fuzz_seed(buf_span(&b));
	buf_reset(&b);
	me_policy_encode(&policy, &b);
	fuzz_seed(buf_span(&b));
	buf_reset(&b);
	me_label_encode(&label, &b);
	fuzz_seed(buf_span(&b));
	buf_reset(&b);
	me_author_encode(&author, &b);
	fuzz_seed(buf_span(&b));
	buf_clear(&b);
}

/* Decode, encode, decode, encode: the last two are the same bytes. */
#define CHECK_TWICE(kind)                                                      \
	static void check_##kind(struct span bytes)                            \
	{                                                                      \
		struct me_##kind first, second;                                \
		struct arena arena;                                            \
		struct buf once, twice;                                        \
                                                                               \
		arena_init(&arena, CAP);                                       \
		buf_init(&once, CAP);                                          \
		buf_init(&twice, CAP);                                         \
		if (!failed(me_##kind##_decode(bytes, &arena, &first))) {      \
			me_##kind##_encode(&first, &once);                     \
			fuzz_ok(me_##kind##_decode(buf_span(&once), &arena,    \
						   &second));                  \
			me_##kind##_encode(&second, &twice);                   \
			fuzz_check(fuzz_same(&once, &twice));                  \
		}                                                              \
		arena_clear(&arena);                                           \
		buf_clear(&once);                                              \
		buf_clear(&twice);                                             \
	}
CHECK_TWICE(relay)
CHECK_TWICE(answer)
CHECK_TWICE(policy)
CHECK_TWICE(label)
CHECK_TWICE(author)

void fuzz_input(struct span bytes)
{
	struct me_reader reader;

	check_relay(bytes);
	check_answer(bytes);
	check_policy(bytes);
	check_label(bytes);
	check_author(bytes);
	(void)!failed(me_reader_parse(bytes, &reader));
}
