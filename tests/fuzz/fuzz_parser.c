/*
 * The door for foreign labels and clearances: what it takes, the guard's
 * decoders read and encode to the same bytes; what it refuses, it tells once;
 * and what stood in the buffer stays.
 */
#include "tests/fuzz/fuzz.h"

#include "proto/label/reader.h"
#include "relay/parser/parser.h"

static const char before[] = "before";

void fuzz_seeds(void)
{
	fuzz_seed_folder("docs/policy/labels", ".xml");
	fuzz_seed_folder("docs/policy/clearances", ".xml");
}

/* What was appended after the words that stood there. */
static struct span appended(const struct buf *out)
{
	struct span all = buf_span(out);

	fuzz_check(span_eq_str(span_sub(all, 0, sizeof(before) - 1), before));
	return span_sub(all, sizeof(before) - 1, SIZE_MAX);
}

static bool label(struct span xml)
{
	struct label_problem problem = {0};
	struct label *read = NULL;
	struct buf once, twice;
	bool taken;

	buf_init(&once, sizeof(before) + LABEL_CANONICAL_MAX);
	buf_init(&twice, LABEL_CANONICAL_MAX);
	buf_put(&once, span_str(before));
	taken = !failed(parser_label(xml, &problem, &once));
	if (taken) {
		struct span form = appended(&once);

		fuzz_ok(label_decode(form, xml, &read));
		fuzz_check(span_eq(label_bytes(read), xml));
		fuzz_ok(label_encode(read, &twice));
		fuzz_check(fuzz_is(&twice, form));
	}
	label_free(read);
	buf_clear(&once);
	buf_clear(&twice);
	return taken;
}

static bool clearance(struct span xml)
{
	struct label_problem problem = {0};
	struct clearance *read = NULL;
	struct buf once, twice;
	bool taken;

	buf_init(&once, sizeof(before) + 4 * CLEARANCE_MAX);
	buf_init(&twice, 4 * CLEARANCE_MAX);
	buf_put(&once, span_str(before));
	taken = !failed(parser_clearance(xml, &problem, &once));
	if (taken) {
		struct span form = appended(&once);

		fuzz_ok(clearance_decode(form, &read));
		fuzz_ok(clearance_encode(read, &twice));
		fuzz_check(fuzz_is(&twice, form));
	}
	clearance_free(read);
	buf_clear(&once);
	buf_clear(&twice);
	return taken;
}

void fuzz_input(struct span bytes)
{
	bool as_label = label(bytes), as_clearance = clearance(bytes);

	/* Nothing is both. */
	fuzz_check(!as_label || !as_clearance);
}
