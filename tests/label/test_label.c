/*
 * Labels, bindings and clearances: what is read, kept, written, refused.
 * Proves label_read, label_write, label_xml, xml and reader with label.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>

#include "proto/crypto/crypto.h"
#include "tests/label/data.h"

#define NS "urn:nato:stanag:4774:confidentialitymetadatalabel:1:0"
#define INFORMATION(inside)                                                    \
	"<originatorConfidentialityLabel xmlns=\"" NS "\">\n"                  \
	"<ConfidentialityInformation>\n" inside                                \
	"</ConfidentialityInformation></originatorConfidentialityLabel>"
#define POLICY "<PolicyIdentifier>P</PolicyIdentifier>\n"
#define CLASS  "<Classification>C</Classification>\n"

/* ---- what is kept ---- */

static void a_label_is_kept_byte_for_byte_and_named_by_its_digest(void **state)
{
	const char *xml = label_text("P", " C \n D ", "");
	struct label *l = make_label(xml);
	struct digest d;

	assert_true(span_eq_str(label_bytes(l), xml));
	assert_false(failed(crypto_sha256(span_str(xml), &d)));
	assert_true(digest_eq(d, label_digest(l)));
	/* xs:token */
	assert_true(span_eq_str(label_originator(l)->classification, "C D"));
	label_free(l);
}

static void text_is_all_character_data_and_values_keep_their_space(void **state)
{
	struct label *l = make_label(label_text(
		"P", "C",
		"<Category TagName=\"T\" Type=\"PERMISSIVE\">"
		"<GenericValue>J<!-- split -->P<?pi x?>N</GenericValue>"
		"<GenericValue><![CDATA[<a>]]>&amp;&#x41; </GenericValue>"
		"</Category>"));
	const struct label_category *c = label_originator(l)->categories;

	assert_int_equal(c->value_count, 2);
	assert_true(span_eq_str(c->values[0], "JPN"));
	assert_true(span_eq_str(c->values[1], "<a>&A "));
	label_free(l);
}

static void the_canonical_form_comes_back_as_it_was(void **state)
{
	const char *xml = label_text("P", "C",
				     "<Category TagName=\"T\" Type=\"RESTRICTIV"
				     "E\" URI=\"urn:oid:1.2\"><GenericValue>V"
				     "</GenericValue></Category>");
	struct label *l = make_label(xml), *again = NULL, *cut = NULL;
	struct buf form, second;

	buf_init(&form, LABEL_CANONICAL_MAX);
	buf_init(&second, LABEL_CANONICAL_MAX);
	assert_false(failed(label_encode(l, &form)));
	assert_false(
		failed(label_decode(buf_span(&form), span_str(xml), &again)));
	assert_false(failed(label_encode(again, &second)));
	assert_true(span_eq(buf_span(&form), buf_span(&second)));
	for (size_t n = 0; n < form.len; n++)
		assert_int_equal(label_decode(span_of(form.at, n),
					      span_str(xml), &cut)
					 .code,
				 ERR_MALFORMED);
	buf_put_u8(&form, 0);
	assert_int_equal(label_decode(buf_span(&form), span_str(xml), &cut)
				 .code,
			 ERR_MALFORMED);
	label_free(l);
	label_free(again);
	buf_clear(&form);
	buf_clear(&second);
}

static void what_is_written_reads_back(void **state)
{
	struct span values[] = {span_str("A & <B>"), span_str("\"C\" ü")};
	struct label_category c = {.tag = span_str("T \"x\""),
				   .type = LABEL_PERMISSIVE,
				   .values = values,
				   .value_count = 2};
	struct label_part part = {.policy = span_str("P&Q"),
				  .classification = span_str("C"),
				  .categories = &c,
				  .category_count = 1,
				  .created = span_str("2026-03-02T09:00:00Z")};
	const struct label_part *read;
	struct label *l;
	struct buf out;

	buf_init(&out, LABEL_MAX);
	assert_false(failed(label_write(&part, &out)));
	l = make_label(buf_cstr(&out));
	read = label_originator(l);
	assert_true(span_eq_str(read->policy, "P&Q"));
	assert_true(span_eq_str(read->created, "2026-03-02T09:00:00Z"));
	assert_true(span_eq(read->categories[0].tag, c.tag));
	assert_true(span_eq(read->categories[0].values[0], values[0]));
	assert_true(span_eq(read->categories[0].values[1], values[1]));
	label_free(l);
	values[0] = span_of("a\x01", 2);
	assert_int_equal(label_write(&part, &out).code, ERR_LABEL);
	values[0] = span_of("\xc3", 1);
	assert_int_equal(label_write(&part, &out).code, ERR_LABEL);
	values[0] = span_str("a");
	part.classification = span_str("");
	assert_int_equal(label_write(&part, &out).code, ERR_LABEL);
	buf_clear(&out);
}

/* ---- what is refused, and the words for it ---- */

static const struct {
	const char *xml;
	const char *says;
} refused[] = {
	{"", "the document is empty"},
	{"<a", "line 1, in element (document): not well-formed XML"},
	{"<x xmlns=\"u\"/>", "line 1, element x in namespace \"u\""},
	{"<originatorConfidentialityLabel/>", "in namespace \"\""},
	{"<alternativeConfidentialityLabel xmlns=\"" NS "\"/>",
	 "not a STANAG 4774 originator label"},
	{"<!DOCTYPE a><a/>", "line 1, DOCTYPE"},
	{INFORMATION(POLICY), "Classification is missing"},
	{INFORMATION(CLASS), "PolicyIdentifier is missing"},
	{INFORMATION(POLICY POLICY CLASS), "more than once"},
	{INFORMATION(POLICY CLASS CLASS), "more than once"},
	{INFORMATION(POLICY "<Classification> </Classification>"),
	 "line 4, element Classification: empty"},
	{INFORMATION(POLICY CLASS "x"), "text \"x\" between elements"},
	{INFORMATION(POLICY CLASS "<Categroy/>"), "element Categroy"},
	{INFORMATION(POLICY CLASS "<z:Category xmlns:z=\"z\"/>"),
	 "Category of another namespace"},
	{INFORMATION(POLICY CLASS "<Category Type=\"PERMISSIVE\">"
				  "<GenericValue>V</GenericValue></Category>"),
	 "line 5, element Category: attribute TagName is missing"},
	{INFORMATION(POLICY CLASS "<Category tagName=\"T\" type=\"PERMISSIVE\">"
				  "<GenericValue>V</GenericValue></Category>"),
	 "attribute TagName is missing"},
	{INFORMATION(POLICY CLASS "<Category TagName=\"T\" Type=\"Permissive\">"
				  "<GenericValue>V</GenericValue></Category>"),
	 "attribute Type is \"Permissive\""},
	{INFORMATION(POLICY CLASS
		     "<Category TagName=\"T\" Type=\"PERMISSIVE\"/>"),
	 "no GenericValue"},
	{INFORMATION(POLICY CLASS "<Category TagName=\"T\" Type=\"PERMISSIVE\">"
				  "<BitStringValue>1</BitStringValue>"
				  "</Category>"),
	 "element BitStringValue"},
	{INFORMATION(POLICY CLASS "<Category TagName=\"T\" Type=\"PERMISSIVE\">"
				  "<GenericValue>V<x/></GenericValue>"
				  "</Category>"),
	 "element x"},
	{INFORMATION(POLICY CLASS "&nbsp;"), "not well-formed XML"},
	{INFORMATION(POLICY CLASS) "<y/>", "not well-formed XML"},
};

static void each_refusal_says_what_and_where(void **state)
{
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		struct label_problem problem;
		struct label *l = NULL;
		struct err e =
			label_parse(span_str(refused[i].xml), &problem, &l);

		assert_int_equal(e.code, ERR_LABEL);
		assert_null(l);
		if (!strstr(problem.text, refused[i].says))
			fail_msg("\"%s\" says \"%s\"", refused[i].xml,
				 problem.text);
		/* The same without anybody to tell. */
		e = label_parse(span_str(refused[i].xml), NULL, &l);
		assert_int_equal(e.code, ERR_LABEL);
	}
}

static void every_negative_file_is_refused_with_line_and_reason(void **state)
{
	static const struct {
		const char *file;
		const char *says;
	} files[] = {
		{"negative/made-doctype.xml", "DOCTYPE"},
		{"negative/sparrow-label1-badprefix.xml", "not well-formed"},
		{"negative/made-category-in-other-namespace.xml",
		 "line 10, element Category of another namespace"},
		{"negative/made-missing-classification.xml",
		 "line 3, element ConfidentialityInformation: Classification "
		 "is missing"},
		{"negative/adatp4774.1-fig20-successor-as-printed.xml",
		 "not well-formed"},
		/* Two labels in one Metadata. */
		{"binding/adatp4774.1-fig19-alternative.bdo",
		 "element Metadata: must hold exactly one element"},
		{"label/tlpx-amber-eu.spiffy.xml", "element label"},
	};

	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		struct label_problem problem;
		struct label *l = NULL;
		struct buf text;

		if (!data_read(files[i].file, &text)) {
			printf("skipped: 7 cases: no public data at "
			       "ENTENTE_DATA\n");
			return;
		}
		assert_int_equal(label_parse(buf_span(&text), &problem, &l)
					 .code,
				 ERR_LABEL);
		assert_true(problem.line > 0);
		assert_non_null(strstr(problem.text, "line "));
		if (!strstr(problem.text, files[i].says))
			fail_msg("%s says \"%s\"", files[i].file, problem.text);
		buf_clear(&text);
	}
}

static void caps_hold(void **state)
{
	struct label_problem problem;
	struct label *l = NULL;
	struct buf b;

	buf_init(&b, 4 << 20);
	for (int i = 0; i < 200; i++)
		buf_put_str(&b, "<a>");
	assert_int_equal(label_parse(buf_span(&b), &problem, &l).code,
			 ERR_TOO_LARGE);
	buf_reset(&b);
	for (size_t i = 0; i <= LABEL_MAX; i++)
		buf_put_u8(&b, ' ');
	assert_int_equal(label_parse(buf_span(&b), &problem, &l).code,
			 ERR_TOO_LARGE);
	buf_reset(&b);
	buf_put_str(&b, "<Category TagName=\"T\" Type=\"PERMISSIVE\">");
	for (int i = 0; i < LABEL_VALUE_MAX + 1; i++)
		buf_put_str(&b, "<GenericValue/>");
	buf_put_str(&b, "</Category>");
	{
		struct buf whole;

		buf_init(&whole, 4 << 20);
		buf_printf(&whole,
			   "<originatorConfidentialityLabel xmlns=\"" NS "\">"
			   "<ConfidentialityInformation>" POLICY CLASS
			   "%s</ConfidentialityInformation>"
			   "</originatorConfidentialityLabel>",
			   buf_cstr(&b));
		assert_int_equal(label_parse(buf_span(&whole), &problem, &l)
					 .code,
				 ERR_TOO_LARGE);
		buf_clear(&whole);
	}
	buf_clear(&b);
}

/* ---- bindings ---- */

#define BINDING(inside)                                                        \
	"<b:BindingInformation xmlns:b=\"urn:nato:stanag:4778:"                \
	"bindinginformation:1:0\"><b:MetadataBindingContainer>"                \
	"<b:MetadataBinding>" inside                                           \
	"</b:MetadataBinding></b:MetadataBindingContainer>"                    \
	"</b:BindingInformation>"
#define METADATA(kind, policy, class)                                          \
	"<b:Metadata><" kind "ConfidentialityLabel xmlns=\"" NS "\">"          \
	"<ConfidentialityInformation><PolicyIdentifier>" policy                \
	"</PolicyIdentifier><Classification>" class "</Classification></"      \
						    "ConfidentialityInformati" \
						    "on></" kind               \
						    "ConfidentialityLabel></"  \
						    "b:Metadata>"
#define REFERENCE(uri) "<b:DataReference URI=\"" uri "\"/>"

static void a_binding_gives_originator_alternatives_and_names(void **state)
{
	struct label *l = make_label(
		BINDING(METADATA("alternative", "Q", "D")
				METADATA("originator", "P", "C")
					REFERENCE("./my%20plan.pdf?x#y")));

	assert_int_equal(label_part_count(l), 2);
	assert_true(span_eq_str(label_originator(l)->policy, "P"));
	assert_int_equal(label_part(l, 0)->kind, LABEL_ALTERNATIVE);
	assert_true(label_names(l, span_str("my plan.pdf")));
	assert_false(label_names(l, span_str("other.pdf")));
	assert_false(label_names(l, span_str("plan.pdf")));
	assert_false(label_names(l, span_str("")));
	label_free(l);
	l = make_label(BINDING(METADATA("originator", "P", "C") REFERENCE("")));
	assert_true(label_names(l, span_str("any")));
	label_free(l);
	l = make_label(
		BINDING(METADATA("originator", "P", "C") REFERENCE("a/%4")));
	assert_false(label_names(l, span_str("%4")));
	label_free(l);
}

static void a_binding_without_one_originator_is_refused(void **state)
{
	static const char *const bad[] = {
		BINDING(METADATA("alternative", "P", "C") REFERENCE("x")),
		BINDING(METADATA("originator", "P", "C")
				METADATA("originator", "P", "C")
					REFERENCE("x")),
		BINDING(METADATA("originator", "P", "C")),
		BINDING(REFERENCE("x")),
		BINDING("<b:MetadataReference URI=\"x\"/>" REFERENCE("x")),
		BINDING("<b:Metadata/>" REFERENCE("x")),
		BINDING(METADATA("originator", "P", "C") "<b:DataReference/>"),
		BINDING(METADATA("Originator", "P", "C") REFERENCE("x")),
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct label_problem problem;
		struct label *l = NULL;

		assert_int_equal(label_parse(span_str(bad[i]), &problem, &l)
					 .code,
				 ERR_LABEL);
		assert_true(strlen(problem.text) > 0);
	}
}

static const char *const p_spif =
	"<SPIF xmlns=\"http://www.xmlspif.org/spif\" schemaVersion=\"2.1\">"
	"<securityPolicyId name=\"P\" id=\"2.25.1\"/><securityClassifications>"
	"<securityClassification name=\"C\" lacv=\"1\" hierarchy=\"1\"/>"
	"<securityClassification name=\"D\" lacv=\"2\" hierarchy=\"2\"/>"
	"</securityClassifications></SPIF>";

static void the_part_of_the_governing_policy_decides(void **state)
{
	static const struct {
		const char *xml;
		const char *class; /* NULL: not valid */
		const char *rule;
	} rows[] = {
		/* The originator's, whatever the alternatives say. */
		{BINDING(METADATA("originator", "P", "D")
				 METADATA("alternative", "P", "C")
					 REFERENCE("x")),
		 "D", ""},
		/* Else the alternative of the governing policy. */
		{BINDING(METADATA("originator", "X", "Y")
				 METADATA("alternative", "P", "C")
					 REFERENCE("x")),
		 "C", ""},
		{BINDING(METADATA("originator", "X", "Y")
				 METADATA("alternative", "P", "C")
					 METADATA("alternative", "P", "C")
						 REFERENCE("x")),
		 "C", ""},
		/* Two that disagree decide nothing. */
		{BINDING(METADATA("originator", "X", "Y")
				 METADATA("alternative", "P", "C")
					 METADATA("alternative", "P", "D")
						 REFERENCE("x")),
		 NULL, "invalid-label"},
		/* The label of the metadata does not stand in for it. */
		{BINDING(METADATA("originator", "X", "Y")
				 METADATA("metadata", "P", "C") REFERENCE("x")),
		 NULL, "policy"},
		{BINDING(METADATA("originator", "X", "Y") REFERENCE("x")), NULL,
		 "policy"},
	};
	struct policy *policy = make_policy(p_spif, NULL);

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct label *l = make_label(rows[i].xml);
		struct bound *b = NULL;

		assert_false(failed(bound_new(policy, l, &b)));
		assert_int_equal(bound_valid(b), rows[i].class != NULL);
		if (rows[i].class)
			assert_string_equal(bound_classification(b),
					    rows[i].class);
		assert_string_equal(bound_rule(b), rows[i].rule);
		bound_free(b);
		label_free(l);
	}
	policy_free(policy);
}

/* ---- clearances ---- */

static void a_clearance_comes_back_from_its_bytes(void **state)
{
	struct clearance *c, *again = NULL, *cut = NULL;
	struct buf xml, form, second;

	repo_read("docs/policy/clearances/deu-restricted-orion.xml", &xml);
	c = make_clearance(buf_cstr(&xml));
	buf_init(&form, 65536);
	buf_init(&second, 65536);
	assert_false(failed(clearance_encode(c, &form)));
	assert_false(failed(clearance_decode(buf_span(&form), &again)));
	assert_false(failed(clearance_encode(again, &second)));
	assert_true(span_eq(buf_span(&form), buf_span(&second)));
	assert_true(span_eq_str(clearance_policy(again), "ENTENTE"));
	assert_int_equal(clearance_class_count(again), 2);
	assert_int_equal(clearance_category_count(again), 2);
	for (size_t n = 0; n < form.len; n++)
		assert_int_equal(clearance_decode(span_of(form.at, n), &cut)
					 .code,
				 ERR_MALFORMED);
	clearance_free(c);
	clearance_free(again);
	buf_clear(&xml);
	buf_clear(&form);
	buf_clear(&second);
}

static void a_label_is_no_clearance(void **state)
{
	struct label_problem problem;
	struct clearance *c = NULL;

	assert_int_equal(clearance_parse(span_str(label_text("P", "C", "")),
					 &problem, &c)
				 .code,
			 ERR_LABEL);
	assert_non_null(strstr(problem.text, "not a ConfidentialityClearance"));
}

/* ---- hostile bytes ---- */

static void mutate(struct dice *d, struct buf *b)
{
	static const char bits[] = "<>&\"'/=!-[]?# \xff\xc3"
				   "aZ0";

	for (uint32_t n = 1 + dice_below(d, 6); n > 0 && b->len > 0; n--) {
		size_t at = dice_below(d, (uint32_t)b->len);
		size_t len = dice_below(d, 30);

		switch (dice_below(d, 4)) {
		case 0:
			b->at[at] =
				(uint8_t)bits[dice_below(d, sizeof(bits) - 1)];
			break;
		case 1:
			b->at[at] ^= (uint8_t)(1u << dice_below(d, 8));
			break;
		case 2:
			if (at + len < b->len)
				memmove(b->at + at, b->at + at + len,
					b->len - at - len),
					b->len -= len;
			break;
		default:
			if (at + 2 * len < b->len)
				memcpy(b->at + at, b->at + at + len, len);
		}
	}
}

static void mutated_bytes_never_crash_and_are_refused_in_words(void **state)
{
	static const char *const seeds[] =
		{"docs/policy/labels/restricted-orion.xml",
		 "docs/policy/labels/vs-nfd-rel-deu-fra.xml",
		 "docs/policy/clearances/gbr-restricted.xml"};
	struct dice d = dice_new();
	struct buf alliance, germany;
	struct policy *policy;

	repo_read("docs/policy/alliance.spif.xml", &alliance);
	repo_read("docs/policy/germany.spif.xml", &germany);
	policy = make_policy(buf_cstr(&alliance), buf_cstr(&germany));
	for (int i = 0; i < 3000; i++) {
		struct label_problem problem;
		struct clearance *c = NULL;
		struct label *l = NULL;
		struct buf b;

		repo_read(seeds[i % 3], &b);
		mutate(&d, &b);
		if (!failed(label_parse(buf_span(&b), &problem, &l))) {
			struct label_problem why;
			struct err e = label_check(policy, l, &why);

			assert_true(!failed(e) || *why.text);
		} else {
			assert_true(*problem.text);
		}
		if (!failed(clearance_parse(buf_span(&b), &problem, &c)))
			reader_free(make_reader(policy, c));
		label_free(l);
		clearance_free(c);
		buf_clear(&b);
	}
	policy_free(policy);
	buf_clear(&alliance);
	buf_clear(&germany);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			a_label_is_kept_byte_for_byte_and_named_by_its_digest),
		cmocka_unit_test(
			text_is_all_character_data_and_values_keep_their_space),
		cmocka_unit_test(the_canonical_form_comes_back_as_it_was),
		cmocka_unit_test(what_is_written_reads_back),
		cmocka_unit_test(each_refusal_says_what_and_where),
		cmocka_unit_test(
			every_negative_file_is_refused_with_line_and_reason),
		cmocka_unit_test(caps_hold),
		cmocka_unit_test(
			a_binding_gives_originator_alternatives_and_names),
		cmocka_unit_test(a_binding_without_one_originator_is_refused),
		cmocka_unit_test(the_part_of_the_governing_policy_decides),
		cmocka_unit_test(a_clearance_comes_back_from_its_bytes),
		cmocka_unit_test(a_label_is_no_clearance),
		cmocka_unit_test(
			mutated_bytes_never_crash_and_are_refused_in_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
