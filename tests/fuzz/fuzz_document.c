/* A document's record: what decodes encodes to the same bytes. */
#include "tests/fuzz/fuzz.h"

#include "storage/document.h"

static const uint8_t signature[CRYPTO_SIG_P256_LEN];

void fuzz_seeds(void)
{
	const struct digest digest = {{9}};
	struct document_seal seal = {.dot = {{{{'G', 'B', 'R'}}, 1}, 1},
				     .context = span_of("\0\0", 2),
				     .statements_count = 1,
				     .statements = {1},
				     .group = 3};
	struct document_key key = {.commitment = digest, .present = true};
	struct document_head head = {
		.digest = digest,
		.payload = span_str("{}"),
		.signature = SPAN_OBJ(signature),
		.serial = 1,
		.statement = 1,
		.size = 5,
		.seals_count = 1,
		.seals = &seal,
		.from = {{'G', 'B', 'R'}},
		.bases_count = 1,
		.bases = {1},
		.stands_count = 1,
		.shelf = 1,
		.keys_count = 1,
		.keys = &key,
		.place = DOCUMENT_CONTENT_INLINE,
	};
	struct document_statement statement = {
		.number = 1,
		.kind = 1,
		.evaluable = true,
		.digest = digest,
		.label = digest,
		.payload = span_str("{}"),
		.signature = SPAN_OBJ(signature),
		.seal = {.dot = {{{{'G', 'B', 'R'}}, 1}, 0},
			 .context = span_of("\0\0", 2)},
		.from = {{'G', 'B', 'R'}},
	};
	struct document_row row = {1, false, {7}, 0};
	struct document_dots dots = {{{{'G', 'B', 'R'}}, 1}, 1};
	struct document_serial serial = {.serial = 1};
	struct document doc = {
		.home = {{'G', 'B', 'R'}},
		.opening = {.space = span_str("GBR/ops")},
		.state = DOCUMENT_LIVE,
		.slot = 1,
		.heads_count = 1,
		.heads = &head,
		.statements_count = 1,
		.statements = &statement,
		.rows_count = 1,
		.rows = &row,
		.dots_count = 1,
		.dots = &dots,
		.serials_count = 1,
		.serials = &serial,
		.content = span_str("blob"),
	};
	struct buf b;

	buf_init(&b, DOCUMENT_RECORD_MAX);
	fuzz_ok(document_encode(&doc, &b));
	fuzz_seed(buf_span(&b));
	buf_clear(&b);
}

void fuzz_input(struct span bytes)
{
	struct document doc;
	struct arena arena;
	struct buf b;

	arena_init(&arena, DOCUMENT_ARENA_MAX);
	if (!failed(document_decode(bytes, &arena, &doc))) {
		buf_init(&b, DOCUMENT_RECORD_MAX);
		fuzz_ok(document_encode(&doc, &b));
		fuzz_check(fuzz_is(&b, bytes));
		buf_clear(&b);
	}
	arena_clear(&arena);
}
