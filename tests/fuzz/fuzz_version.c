/*
 * What a relay makes of any set of parents: the context covers no more than
 * the parents do, stays within its caps, and what covers falls one way only.
 */
#include "tests/fuzz/fuzz.h"

#include "proto/document/version.h"

enum { PARENTS = 4, EVIDENCE = 3 };

void fuzz_seeds(void)
{
	static const uint8_t one[96] = {3, 1, 2, 1, 4, 2, 2, 7, 0, 3, 1, 9};

	fuzz_seed(SPAN_OBJ(one));
}

static struct replica replica_of(uint8_t b)
{
	static const char codes[4][4] = {"GBR", "DEU", "FRA", "NLD"};
	struct replica r = {.number = 1 + (b >> 2) % 2};

	memcpy(r.nation.code, codes[b & 3], NATION_LEN);
	return r;
}

static void context_of(struct span_reader *r, struct version_context *c)
{
	unsigned n = span_read_u8(r) % 12;

	*c = (struct version_context){0};
	for (unsigned i = 0; i < n; i++) {
		struct dot d = {replica_of(span_read_u8(r)),
				1 + span_read_u8(r) % 24};

		fuzz_ok(version_context_insert(c, d));
		fuzz_check(version_context_has(c, d));
	}
}

struct parent {
	struct version_context own;
	struct version_context evidence[EVIDENCE];
	struct version_word words[EVIDENCE];
};

void fuzz_input(struct span bytes)
{
	struct span_reader r = span_read(bytes);
	static struct parent stores[PARENTS];
	struct version parents[PARENTS] = {0};
	struct version_made made;
	size_t n = span_read_u8(&r) % (PARENTS + 1);
	struct version_context all = {0};

	for (size_t i = 0; i < n; i++) {
		struct parent *p = &stores[i];
		struct version *v = &parents[i];

		context_of(&r, &p->own);
		v->digest.at[0] = (uint8_t)i;
		v->own = (struct version_word){{replica_of(span_read_u8(&r)),
						1 + span_read_u8(&r)},
					       &p->own};
		v->evidence_count = span_read_u8(&r) % (EVIDENCE + 1);
		v->evidence = p->words;
		for (size_t k = 0; k < v->evidence_count; k++) {
			context_of(&r, &p->evidence[k]);
			p->words[k] =
				(struct version_word){{replica_of(span_read_u8(
							       &r)),
						       1 + span_read_u8(&r)},
						      &p->evidence[k]};
		}
		fuzz_check(!version_falls(v, v));
		fuzz_ok(version_context_union(&all, &p->own));
		fuzz_ok(version_context_insert(&all, v->own.dot));
	}
	fuzz_ok(version_make(replica_of(0).nation, parents, n, &made));
	fuzz_check(made.context.count <= VERSION_RANGES_MAX);
	fuzz_check(made.evidence_count <= VERSION_EVIDENCE_MAX);
	for (size_t i = 0; i < made.evidence_count; i++)
		fuzz_check(made.evidence[i].parent < n);
	for (size_t i = 0; i < made.context.count; i++) {
		const struct dot_range *range = &made.context.ranges[i];

		for (uint64_t c = range->from; c <= range->to; c++)
			fuzz_check(
				version_context_has(&all,
						    (struct dot){range->replica,
								 c}));
	}
}
