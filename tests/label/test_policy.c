/*
 * SPIFs: versions, checks, mapping, digest; and hostile ones.
 * Proves spif, spif_part and policy_build with policy.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>

#include "proto/crypto/crypto.h"
#include "proto/label/rules.h"
#include "tests/label/data.h"

#define SPIF(version, inside)                                                  \
	"<SPIF xmlns=\"http://www.xmlspif.org/spif\" schemaVersion=\"" version \
	"\">\n<securityPolicyId name=\"P\" id=\"2.25.1\"/>\n" inside "</SPIF>"
#define CLASSES(inside)                                                        \
	"<securityClassifications>\n" inside "</securityClassifications>\n"
#define CLASS(name, lacv, hierarchy, inside)                                   \
	"<securityClassification name=\"" name "\" lacv=\"" lacv               \
	"\" hierarchy=\"" hierarchy "\">" inside "</securityClassification>\n"
#define TAGS(inside)                                                           \
	"<securityCategoryTagSets><securityCategoryTagSet name=\"T\" "         \
	"id=\"2.25.1.1\"><securityCategoryTag name=\"T\" "                     \
	"tagType=\"permissive\">" inside "</securityCategoryTag>"              \
	"</securityCategoryTagSet></securityCategoryTagSets>"
#define ONE CLASSES(CLASS("C", "1", "1", ""))

static const struct {
	const char *xml;
	enum err_code code;
	const char *says;
} refused[] = {
	{SPIF("3.0", ONE), ERR_VERSION,
	 "line 1, element SPIF: schemaVersion 3.0 is not supported; 1.0, 2.0 "
	 "and 2.1 are"},
	{SPIF("2.2", ONE), ERR_VERSION, "schemaVersion 2.2 is not supported"},
	{SPIF("", ONE), ERR_POLICY, "schemaVersion is missing"},
	{"<!DOCTYPE x><SPIF/>", ERR_POLICY, "DOCTYPE"},
	{"<SPIF schemaVersion=\"2.1\"/>", ERR_POLICY, "namespace \"\""},
	{SPIF("2.1", ""), ERR_POLICY, "securityClassifications is missing"},
	{SPIF("2.1", CLASSES("")), ERR_POLICY, "no securityClassification"},
	{SPIF("2.1",
	      CLASSES(CLASS("C", "1", "1", "") CLASS("C", "2", "2", ""))),
	 ERR_POLICY,
	 "line 5, element securityClassification: C and C have one "
	 "name"},
	{SPIF("2.1",
	      CLASSES(CLASS("C", "1", "1", "") CLASS("D", "1", "2", ""))),
	 ERR_POLICY, "one lacv"},
	{SPIF("2.1",
	      CLASSES(CLASS("C", "1", "1", "") CLASS("D", "2", "1", ""))),
	 ERR_POLICY, "one hierarchy"},
	{SPIF("2.1", CLASSES(CLASS("C", "x", "1", ""))), ERR_POLICY,
	 "attribute lacv is \"x\""},
	{SPIF("2.1", CLASSES(CLASS("C", "1", "1",
				   "<equivalentClassification policyRef=\"Q\" "
				   "lacv=\"1\" applied=\"both\"/>"))),
	 ERR_POLICY, "policyRef \"Q\" is not among the equivalentPolicies"},
	{SPIF("2.1",
	      CLASSES(CLASS("C", "1", "1",
			    "<requiredCategory operation=\"all\">"
			    "<categoryGroup tagSetRef=\"T\" "
			    "tagType=\"permissive\" lacv=\"9\"/>"
			    "</requiredCategory>")) TAGS("<tagCategory "
							 "name=\"V\" "
							 "lacv=\"1\"/>")),
	 ERR_POLICY, "reference to tag set \"T\", value \"9\""},
	{SPIF("2.1", ONE TAGS("<tagCategory name=\"V\" lacv=\"1\">"
			      "<excludedClass>X</excludedClass>"
			      "</tagCategory>")),
	 ERR_POLICY, "no classification is named \"X\""},
	{SPIF("2.1", ONE TAGS("<tagCategory name=\"V\"/>")), ERR_POLICY,
	 "element tagCategory: attribute lacv is missing"},
	{SPIF("2.1", ONE TAGS("<tagCategry name=\"V\" lacv=\"1\"/>")),
	 ERR_POLICY, "element tagCategry: not allowed"},
	{SPIF("2.1", ONE "<securityCategoryTagSets><securityCategoryTagSet "
			 "name=\"T\" id=\"2.25.1.1\"><securityCategoryTag "
			 "tagType=\"informative\"/></securityCategoryTagSet>"
			 "</securityCategoryTagSets>"),
	 ERR_POLICY, "tagType is \"informative\""},
};

static void each_refusal_says_what_and_where(void **state)
{
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		struct span file = span_str(refused[i].xml);
		struct label_problem problem;
		struct policy *p = NULL;
		struct err e = policy_load(&file, 1, &problem, &p);

		if (e.code != refused[i].code ||
		    !strstr(problem.text, refused[i].says))
			fail_msg("\"%s\" says \"%s\"", refused[i].xml,
				 problem.text);
		assert_null(p);
	}
}

static void versions_1_0_to_2_1_are_read(void **state)
{
	policy_free(make_policy(SPIF("1.0", ONE), NULL));
	policy_free(make_policy(SPIF("2.0", ONE), NULL));
	policy_free(make_policy(SPIF("2.1", ONE), NULL));
}

static void every_public_spif_is_read(void **state)
{
	static const char *const files[] = {"spif/nato-v79.spif.xml",
					    "spif/nato-v88.spif.xml",
					    "spif/public-v1.spif.xml",
					    "spif/acme.spif.xml",
					    "spif/tlp.spif.xml",
					    "spif/tlp-plus.spif.xml",
					    "spif/demo-fr.spif.xml"};

	for (size_t i = 0; i < 7; i++) {
		struct buf text;

		if (!data_read(files[i], &text)) {
			printf("skipped: 7 cases: no public data at "
			       "ENTENTE_DATA\n");
			return;
		}
		policy_free(make_policy(buf_cstr(&text), NULL));
		buf_clear(&text);
	}
}

/* ---- sets ---- */

#define NATIONAL(policy, lacv, applied)                                        \
	"<SPIF xmlns=\"http://www.xmlspif.org/spif\" schemaVersion=\"2.1\">"   \
	"<securityPolicyId name=\"N\" id=\"2.25.2\"/>"                         \
	"<securityClassifications><securityClassification name=\"X\" "         \
	"lacv=\"1\" hierarchy=\"1\"><equivalentClassification "                \
	"policyRef=\"P\" "                                                     \
	"lacv=\"" lacv "\" applied=\"" applied "\"/>"                          \
	"</securityClassification></securityClassifications>"                  \
	"<equivalentPolicies><equivalentPolicy name=\"P\" id=\"" policy "\"/>" \
	"</equivalentPolicies></SPIF>"

static void a_national_maps_only_where_it_resolves_and_applies(void **state)
{
	struct policy *p = make_policy(SPIF("2.1", ONE),
				       NATIONAL("2.25.1", "1", "decrypt"));
	struct span files[2] = {span_str(SPIF("2.1", ONE))};
	struct label_problem problem;
	struct label *l = make_label(label_text("N", "X", ""));
	struct policy *bad = NULL;

	assert_string_equal(policy_class(p, 1, 0).governing, "C");
	assert_false(failed(label_check(p, l, &problem)));
	policy_free(p);
	/* At origination only: not for a relay. */
	p = make_policy(SPIF("2.1", ONE), NATIONAL("2.25.1", "1", "encrypt"));
	assert_null(policy_class(p, 1, 0).governing);
	assert_int_equal(label_check(p, l, &problem).code, ERR_FOREIGN_POLICY);
	assert_non_null(strstr(problem.text, "no equivalent in policy P"));
	policy_free(p);
	files[1] = span_str(NATIONAL("2.25.1", "7", "both"));
	assert_int_equal(policy_load(files, 2, &problem, &bad).code,
			 ERR_POLICY);
	assert_int_equal(problem.file, 1);
	assert_non_null(strstr(problem.text, "no classification with lacv 7"));
	files[1] = span_str(NATIONAL("2.25.9", "1", "both"));
	assert_int_equal(policy_load(files, 2, &problem, &bad).code,
			 ERR_POLICY);
	assert_non_null(strstr(problem.text, "element equivalentPolicy"));
	files[1] = files[0];
	assert_int_equal(policy_load(files, 2, &problem, &bad).code,
			 ERR_POLICY);
	assert_non_null(strstr(problem.text, "have one name or id"));
	assert_int_equal(policy_load(files, 0, &problem, &bad).code,
			 ERR_POLICY);
	label_free(l);
}

/* H(E("entente policy v1", H(governing), H(nationals) sorted)). */
static void
the_digest_names_the_set_whatever_the_order_of_nationals(void **state)
{
	static const char second[] =
		"<SPIF xmlns=\"http://www.xmlspif.org/spif\" "
		"schemaVersion=\"2.1\"><securityPolicyId name=\"M\" "
		"id=\"2.25.3\"/><securityClassifications>"
		"<securityClassification name=\"X\" lacv=\"1\" "
		"hierarchy=\"1\"/></securityClassifications></SPIF>";
	struct span a[] = {span_str(SPIF("2.1", ONE)),
			   span_str(NATIONAL("2.25.1", "1", "both")),
			   span_str(second)};
	struct span b[] = {a[0], a[2], a[1]};
	struct digest digests[3], expected;
	struct policy *p = NULL, *q = NULL;
	struct buf e;

	assert_false(failed(policy_load(a, 3, NULL, &p)));
	assert_false(failed(policy_load(b, 3, NULL, &q)));
	assert_true(digest_eq(policy_digest(p), policy_digest(q)));
	for (size_t i = 0; i < 3; i++)
		assert_false(failed(crypto_sha256(a[i], &digests[i])));
	buf_init(&e, 256);
	buf_put_u16(&e, 17);
	buf_put_str(&e, "entente policy v1");
	buf_put_u16(&e, 3);
	buf_put(&e, SPAN_OBJ(digests[0]));
	if (digest_cmp(digests[1], digests[2]) < 0) {
		buf_put(&e, SPAN_OBJ(digests[1]));
		buf_put(&e, SPAN_OBJ(digests[2]));
	} else {
		buf_put(&e, SPAN_OBJ(digests[2]));
		buf_put(&e, SPAN_OBJ(digests[1]));
	}
	assert_false(failed(crypto_sha256(buf_span(&e), &expected)));
	assert_true(digest_eq(policy_digest(p), expected));
	policy_free(p);
	policy_free(q);
	buf_clear(&e);
}

static void our_example_policies_offer_what_the_docs_say(void **state)
{
	struct buf alliance, germany;
	struct policy *p;

	repo_read("docs/policy/alliance.spif.xml", &alliance);
	repo_read("docs/policy/germany.spif.xml", &germany);
	p = make_policy(buf_cstr(&alliance), buf_cstr(&germany));
	assert_string_equal(policy_name(p, 0), "ENTENTE");
	assert_int_equal(policy_class_count(p, 0), 3);
	assert_string_equal(policy_class(p, 0, 2).name, "CONFIDENTIAL");
	assert_true(policy_has_class(p, "RESTRICTED"));
	assert_false(policy_has_class(p, "Restricted"));
	assert_string_equal(policy_class(p, 1, 1).governing, "RESTRICTED");
	assert_int_equal(policy_lang_count(p), 3);
	policy_free(p);
	buf_clear(&alliance);
	buf_clear(&germany);
}

static void
nato_s_one_lacv_for_two_names_hurts_only_where_referred_to(void **state)
{
	static const char two[] =
		SPIF("2.1", ONE TAGS("<tagCategory name=\"V\" lacv=\"1\"/>"
				     "<tagCategory name=\"W\" lacv=\"1\"/>"));
	struct span file = span_str(
		SPIF("2.1",
		     CLASSES(CLASS("C", "1", "1",
				   "<requiredCategory operation=\"all\">"
				   "<categoryGroup tagSetRef=\"T\" "
				   "tagType=\"permissive\" lacv=\"1\"/>"
				   "</requiredCategory>"))
			     TAGS("<tagCategory name=\"V\" lacv=\"1\"/>"
				  "<tagCategory name=\"W\" lacv=\"1\"/>")));
	struct policy *p = NULL;

	policy_free(make_policy(two, NULL));
	assert_int_equal(policy_load(&file, 1, NULL, &p).code, ERR_POLICY);
}

/* ---- hostile bytes ---- */

static void mutated_spifs_load_or_are_refused_in_words(void **state)
{
	static const char bits[] = "<>&\"'/=!-[] \xff"
				   "1aZ";
	struct dice d = dice_new();
	struct buf whole;

	repo_read("docs/policy/germany.spif.xml", &whole);
	for (int i = 0; i < 300; i++) {
		struct label_problem problem;
		struct policy *p = NULL;
		struct span file;
		struct buf b;

		buf_init(&b, whole.len);
		buf_put(&b, buf_span(&whole));
		for (uint32_t n = 1 + dice_below(&d, 4); n > 0; n--)
			b.at[dice_below(&d, (uint32_t)b.len)] =
				(uint8_t)bits[dice_below(&d, sizeof(bits) - 1)];
		file = span_of(b.at,
			       i % 4 ? b.len : dice_below(&d, (uint32_t)b.len));
		if (failed(policy_load(&file, 1, &problem, &p)))
			assert_true(*problem.text);
		policy_free(p);
		buf_clear(&b);
	}
	buf_clear(&whole);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_refusal_says_what_and_where),
		cmocka_unit_test(versions_1_0_to_2_1_are_read),
		cmocka_unit_test(every_public_spif_is_read),
		cmocka_unit_test(
			a_national_maps_only_where_it_resolves_and_applies),
		cmocka_unit_test(
			the_digest_names_the_set_whatever_the_order_of_nationals),
		cmocka_unit_test(our_example_policies_offer_what_the_docs_say),
		cmocka_unit_test(
			nato_s_one_lacv_for_two_names_hurts_only_where_referred_to),
		cmocka_unit_test(mutated_spifs_load_or_are_refused_in_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
