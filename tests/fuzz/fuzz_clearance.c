/* A clearance's XML: its canonical form reads back as itself. */
#include "tests/fuzz/fuzz.h"

#include "proto/label/reader.h"

void fuzz_seeds(void)
{
	fuzz_seed_folder("docs/policy/clearances", ".xml");
}

void fuzz_input(struct span bytes)
{
	struct label_problem problem;
	struct clearance *c, *again;
	struct buf once, twice;

	if (failed(clearance_parse(bytes, &problem, &c)))
		return;
	buf_init(&once, 4 * CLEARANCE_MAX);
	buf_init(&twice, 4 * CLEARANCE_MAX);
	fuzz_ok(clearance_encode(c, &once));
	fuzz_ok(clearance_decode(buf_span(&once), &again));
	fuzz_ok(clearance_encode(again, &twice));
	fuzz_check(fuzz_same(&once, &twice));
	fuzz_check(clearance_class_count(c) == clearance_class_count(again));
	clearance_free(c);
	clearance_free(again);
	buf_clear(&once);
	buf_clear(&twice);
}
