/* A seal's blob: one seal has one form, and its context too. */
#include "tests/fuzz/fuzz.h"

#include "proto/document/seal.h"

void fuzz_seeds(void)
{
	fuzz_seed_vector("seal", "blob", true);
	fuzz_seed_vector("leaf_core", "context_encoded", true);
}

void fuzz_input(struct span bytes)
{
	const struct seal_subject subject = {.kind = SEAL_REVISION};
	struct span_reader r = span_read(bytes);
	struct version_context context;
	struct seal seal;
	struct buf b;

	buf_init(&b, SEAL_BLOB_MAX);
	if (!failed(seal_decode(bytes, &seal))) {
		seal_encode(&seal, &b);
		fuzz_check(fuzz_is(&b, bytes));
		(void)!failed(seal_check_path(&seal, &subject));
	}
	buf_reset(&b);
	if (!failed(version_context_read(&r, &context)) && span_read_done(&r)) {
		version_context_encode(&context, &b);
		fuzz_check(fuzz_is(&b, bytes));
		for (size_t i = 0; i < context.count; i++) {
			struct dot d = {context.ranges[i].replica,
					context.ranges[i].from};

			fuzz_check(version_context_has(&context, d));
		}
	}
	buf_clear(&b);
}
