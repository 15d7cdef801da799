/* A security policy's XML: what loads can be asked everything. */
#include "tests/fuzz/fuzz.h"

#include "proto/label/policy.h"

void fuzz_seeds(void)
{
	fuzz_seed_folder("docs/policy", ".spif.xml");
}

static void ask(const struct policy *p)
{
	for (size_t n = 0; n < policy_class_count(p, 0); n++) {
		struct policy_class c = policy_class(p, 0, n);

		fuzz_check(c.name && c.color);
		fuzz_check(policy_has_class(p, c.name));
	}
	for (size_t n = 0; n < policy_tag_count(p, 0); n++) {
		struct policy_tag t = policy_tag(p, 0, n);

		fuzz_check(t.name != NULL);
		for (size_t v = 0; v < t.value_count; v++)
			fuzz_check(policy_tag_value(p, 0, n, v) != NULL);
	}
	for (size_t n = 0; n < policy_lang_count(p); n++)
		fuzz_check(policy_lang(p, n) != NULL);
	fuzz_check(policy_name(p, 0) && policy_oid(p, 0) &&
		   policy_version(p, 0));
}

void fuzz_input(struct span bytes)
{
	struct label_problem problem = {0};
	struct policy *p;

	if (failed(policy_load(&bytes, 1, &problem, &p))) {
		fuzz_check(memchr(problem.text, 0, sizeof(problem.text)));
		return;
	}
	fuzz_check(span_eq(policy_file(p, 0), bytes));
	ask(p);
	policy_free(p);
}
