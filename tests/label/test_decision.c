/*
 * The table of expected decisions, and the rules that stand around a label.
 * Proves bound, rules and selection with decision.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>
#include <time.h>

#include "proto/base/json.h"
#include "tests/label/data.h"

/* ---- the 61 rows ---- */

static struct span member(const struct json *row, const char *name)
{
	struct span s = {0};

	if (json_has(row, name))
		assert_false(failed(json_get_string(row, name, &s)));
	return s;
}

static void read_member(const struct json *row, const char *name,
			struct buf *out)
{
	char path[256];
	struct span file = member(row, name);

	snprintf(path, sizeof(path), "%.*s", (int)file.len,
		 (const char *)file.at);
	assert_true(data_read(path, out));
}

/* A label that does not parse is not released, and says why. */
static struct verdict judge(struct span spif, struct span label_xml,
			    struct span clearance_xml)
{
	struct verdict v = {.rule = "unread"};
	struct label_problem problem;
	struct policy *policy = NULL;
	struct label *label = NULL;
	struct clearance *clearance = NULL;
	struct reader *reader = NULL;
	struct bound *bound = NULL;

	if (failed(policy_load(&spif, 1, &problem, &policy)))
		fail_msg("policy: %s", problem.text);
	if (failed(clearance_parse(clearance_xml, &problem, &clearance)))
		fail_msg("clearance: %s", problem.text);
	reader = make_reader(policy, clearance);
	if (!failed(label_parse(label_xml, &problem, &label))) {
		assert_false(failed(bound_new(policy, label, &bound)));
		v = decide_label(policy, bound, reader);
		/* A rule may live in the policy: keep a word of our own. */
		if (v.released)
			assert_string_equal(v.rule, "released");
		assert_true(strlen(v.rule) > 0);
		assert_true(v.released || strlen(v.detail) > 0);
		v.rule = v.released ? "released" : "refused";
	}
	bound_free(bound);
	reader_free(reader);
	clearance_free(clearance);
	label_free(label);
	policy_free(policy);
	return v;
}

static void every_row_of_the_table_comes_out_as_expected(void **state)
{
	const struct json *rows;
	struct json *table = NULL;
	struct buf text;
	size_t bad = 0;

	if (!data_read("decisions.json", &text)) {
		printf("skipped: 61 cases: no public data at ENTENTE_DATA\n");
		return;
	}
	assert_false(failed(json_parse(buf_span(&text), &table)));
	assert_false(failed(json_get_array(table, "decisions", &rows)));
	assert_int_equal(json_count(rows), 61);
	for (size_t i = 0; i < json_count(rows); i++) {
		const struct json *row = json_at(rows, i);
		struct buf spif, label = {0}, clearance;
		struct span id = member(row, "id");
		struct span xml = member(row, "label_xml");
		bool expected =
			span_eq_str(member(row, "expected"), "released");
		struct verdict v;

		read_member(row, "spif", &spif);
		read_member(row, "clearance_file", &clearance);
		if (xml.len == 0) {
			read_member(row, "label_file", &label);
			xml = buf_span(&label);
		}
		v = judge(buf_span(&spif), xml, buf_span(&clearance));
		if (v.released != expected) {
			print_message("%.*s: %s: %s\n", (int)id.len,
				      (const char *)id.at, v.rule, v.detail);
			bad++;
		}
		buf_clear(&spif);
		buf_clear(&label);
		buf_clear(&clearance);
	}
	assert_int_equal(bad, 0);
	json_free(table);
	buf_clear(&text);
}

/* ---- Entente's own policies ---- */

#define CATEGORY(tag, type, values)                                            \
	"<Category TagName=\"" tag "\" Type=\"" type "\">" values "</"         \
	"Category>"
#define VALUE(v)	"<GenericValue>" v "</GenericValue>"
#define REL(values)	CATEGORY("Releasable To", "PERMISSIVE", values)
#define SPECIAL(values) CATEGORY("Special Category", "RESTRICTIVE", values)

struct ours {
	struct policy *policy;
	struct clearance *clearance;
	struct reader *reader;
	struct rules *rules;
};

static const char deu[] =
	"<c:ConfidentialityClearance xmlns:c=\"urn:nato:stanag:4774:"
	"confidentialityclearance:1:0\" xmlns=\"urn:nato:stanag:4774:"
	"confidentialitymetadatalabel:1:0\">"
	"<PolicyIdentifier>ENTENTE</PolicyIdentifier><c:ClassificationList>"
	"<Classification>UNCLASSIFIED</Classification>"
	"<Classification>RESTRICTED</Classification>"
	"<Classification>CONFIDENTIAL</Classification>"
	"</c:ClassificationList>" REL(VALUE("DEU") VALUE("ALL"))
		SPECIAL(VALUE("ORION")) "</c:ConfidentialityClearance>";

static struct ours setup_ours(void)
{
	struct ours o = {0};
	struct buf alliance, germany;
	struct rules_spec rules = {.ceiling = span_str("RESTRICTED"),
				   .all_spaces = true};

	repo_read("docs/policy/alliance.spif.xml", &alliance);
	repo_read("docs/policy/germany.spif.xml", &germany);
	o.policy = make_policy(buf_cstr(&alliance), buf_cstr(&germany));
	o.clearance = make_clearance(deu);
	o.reader = make_reader(o.policy, o.clearance);
	assert_false(failed(rules_new(o.policy, &rules, &o.rules)));
	buf_clear(&alliance);
	buf_clear(&germany);
	return o;
}

static void clear_ours(struct ours *o)
{
	rules_free(o->rules);
	reader_free(o->reader);
	clearance_free(o->clearance);
	policy_free(o->policy);
}

static struct bound *bind_text(const struct policy *policy, const char *xml)
{
	struct label *label = make_label(xml);
	struct bound *bound = NULL;

	assert_false(failed(bound_new(policy, label, &bound)));
	label_free(label); /* what is bound does not need it */
	return bound;
}

static void expect(const struct ours *o, const char *policy,
		   const char *classification, const char *categories,
		   const char *rule)
{
	struct bound *b =
		bind_text(o->policy,
			  label_text(policy, classification, categories));
	const struct bound *labels[] = {b};
	struct shelf_view shelf = {span_str("DEU/ops"), labels, 1, 0};
	struct verdict v = decide(o->policy, o->rules, &shelf, o->reader);

	assert_string_equal(v.rule, rule);
	assert_int_equal(v.released, strcmp(rule, "released") == 0);
	bound_free(b);
}

static void each_refusal_names_its_rule(void **state)
{
	struct ours o = setup_ours();

	expect(&o, "ENTENTE", "RESTRICTED", REL(VALUE("DEU")), "released");
	expect(&o, "ENTENTE", "UNCLASSIFIED", "", "released");
	expect(&o, "ENTENTE", "RESTRICTED", REL(VALUE("GBR")),
	       "permissive:Releasable To");
	expect(&o, "ENTENTE", "RESTRICTED",
	       REL(VALUE("DEU")) SPECIAL(VALUE("ORION")), "released");
	expect(&o, "ENTENTE", "RESTRICTED",
	       REL(VALUE("DEU")) SPECIAL(VALUE("ORION") VALUE("LYRA")),
	       "restrictive:Special Category");
	expect(&o, "ENTENTE", "CONFIDENTIAL", REL(VALUE("DEU")),
	       "rules:ceiling");
	expect(&o, "ENTENTE", "SECRET", REL(VALUE("DEU")), "invalid-label");
	expect(&o, "ENTENTE", "RESTRICTED", REL(VALUE("XXX")), "invalid-label");
	expect(&o, "OTHER", "RESTRICTED", REL(VALUE("DEU")), "policy");
	clear_ours(&o);
}

static void a_national_label_is_decided_through_its_equivalences(void **state)
{
	struct ours o = setup_ours();
	struct bound *b;

	b = bind_text(o.policy,
		      label_text("GERMANY", "VS-NUR FUER DEN DIENSTGEBRAUCH",
				 CATEGORY("Weitergabe", "PERMISSIVE",
					  VALUE("DEU"))));
	assert_true(bound_valid(b));
	assert_true(bound_mapped(b));
	assert_string_equal(bound_classification(b), "RESTRICTED");
	assert_false(bound_above_ceiling(b, "RESTRICTED"));
	assert_true(bound_above_ceiling(b, "UNCLASSIFIED"));
	bound_free(b);
	expect(&o, "GERMANY", "VS-NUR FUER DEN DIENSTGEBRAUCH",
	       CATEGORY("Weitergabe", "PERMISSIVE", VALUE("DEU")), "released");
	expect(&o, "GERMANY", "VS-NUR FUER DEN DIENSTGEBRAUCH",
	       CATEGORY("Weitergabe", "PERMISSIVE", VALUE("FRA")),
	       "permissive:Releasable To");
	expect(&o, "GERMANY", "VS-VERTRAULICH",
	       CATEGORY("Weitergabe", "PERMISSIVE", VALUE("DEU")),
	       "rules:ceiling");
	/* A value without an equivalent is never dropped. */
	expect(&o, "GERMANY", "VS-NUR FUER DEN DIENSTGEBRAUCH",
	       CATEGORY("Sonderkennung", "RESTRICTIVE", VALUE("EIGEN")),
	       "policy");
	clear_ours(&o);
}

/* The values of `mask`, as a Category; nothing for an empty mask. */
static void put_category(struct buf *out, const char *tag, const char *type,
			 const char *const *values, unsigned mask)
{
	if (!mask)
		return;
	buf_printf(out, "<Category TagName=\"%s\" Type=\"%s\">", tag, type);
	for (int i = 0; i < 3; i++) {
		if (mask >> i & 1)
			buf_printf(out, "<GenericValue>%s</GenericValue>",
				   values[i]);
	}
	buf_put_str(out, "</Category>");
}

static void a_mapped_label_decides_as_its_equivalent_written_out(void **state)
{
	static const char *const theirs[] = {"OFFEN",
					     "VS-NUR FUER DEN DIENSTGEBRAUCH",
					     "VS-VERTRAULICH"};
	static const char *const ours[] = {"UNCLASSIFIED", "RESTRICTED",
					   "CONFIDENTIAL"};
	static const char *const nations[] = {"DEU", "FRA", "GBR"};
	static const char *const special[] = {"ORION", "LYRA", "EIGEN"};
	struct ours o = setup_ours();
	struct buf a, b;

	buf_init(&a, 4096);
	buf_init(&b, 4096);
	for (unsigned i = 0; i < 3 * 8 * 8; i++) {
		unsigned class = i % 3, rel = i / 3 % 8, sp = i / 24;
		struct bound *x, *y;
		struct verdict v, w;

		buf_reset(&a);
		buf_reset(&b);
		put_category(&a, "Weitergabe", "PERMISSIVE", nations, rel);
		put_category(&a, "Sonderkennung", "RESTRICTIVE", special, sp);
		put_category(&b, "Releasable To", "PERMISSIVE", nations, rel);
		put_category(&b, "Special Category", "RESTRICTIVE", special,
			     sp);
		x = bind_text(o.policy, label_text("GERMANY", theirs[class],
						   buf_cstr(&a)));
		y = bind_text(o.policy,
			      label_text("ENTENTE", ours[class], buf_cstr(&b)));
		v = decide_label(o.policy, x, o.reader);
		w = decide_label(o.policy, y, o.reader);
		/* EIGEN is unknown to the alliance: never released. */
		assert_int_equal(v.released, w.released);
		assert_int_equal(bound_valid(x), bound_valid(y));
		bound_free(x);
		bound_free(y);
	}
	buf_clear(&a);
	buf_clear(&b);
	clear_ours(&o);
}

static void an_invalid_label_is_above_every_ceiling(void **state)
{
	struct ours o = setup_ours();
	struct label *l = make_label(
		label_text("ENTENTE", "RESTRICTED", REL(VALUE("XXX"))));

	assert_true(label_above_ceiling(o.policy, l, "CONFIDENTIAL"));
	label_free(l);
	l = make_label(label_text("ENTENTE", "RESTRICTED", REL(VALUE("DEU"))));
	assert_false(label_above_ceiling(o.policy, l, "RESTRICTED"));
	assert_true(label_above_ceiling(o.policy, l, "UNCLASSIFIED"));
	assert_true(label_above_ceiling(o.policy, l, "no such class"));
	label_free(l);
	clear_ours(&o);
}

/* ---- around the label ---- */

static void every_label_of_a_shelf_must_release(void **state)
{
	struct ours o = setup_ours();
	struct bound *mine =
		bind_text(o.policy, label_text("ENTENTE", "RESTRICTED",
					       REL(VALUE("DEU"))));
	struct bound *yours =
		bind_text(o.policy, label_text("ENTENTE", "RESTRICTED",
					       REL(VALUE("FRA"))));
	const struct bound *labels[] = {mine, yours};
	struct shelf_view shelf = {span_str("DEU/ops"), labels, 1, 0};

	assert_true(decide(o.policy, o.rules, &shelf, o.reader).released);
	shelf.label_count = 2;
	assert_false(decide(o.policy, o.rules, &shelf, o.reader).released);
	labels[1] = NULL;
	assert_string_equal(decide(o.policy, o.rules, &shelf, o.reader).rule,
			    "unlabelled");
	shelf.label_count = 0;
	assert_string_equal(decide(o.policy, o.rules, &shelf, o.reader).rule,
			    "unlabelled");
	bound_free(mine);
	bound_free(yours);
	clear_ours(&o);
}

static void space_condition_posture_and_ceiling_only_take_away(void **state)
{
	struct ours o = setup_ours();
	struct bound *b =
		bind_text(o.policy, label_text("ENTENTE", "RESTRICTED",
					       REL(VALUE("DEU"))));
	const struct bound *labels[] = {b};
	struct shelf_view shelf = {span_str("DEU/ops"), labels, 1, 0};
	struct span ops = span_str("DEU/ops");
	struct reader_spec spec = {.clearance = o.clearance,
				   .spaces = &ops,
				   .space_count = 1,
				   .in_posture = true};
	struct rules_spec narrow = {.spaces = &ops, .space_count = 1};
	struct rules *rules = NULL;
	struct reader *r = NULL;
	struct verdict v;

	assert_false(failed(reader_new(o.policy, &spec, &r)));
	assert_false(failed(rules_new(o.policy, &narrow, &rules)));
	assert_true(decide(o.policy, rules, &shelf, r).released);
	assert_true(decide(o.policy, NULL, &shelf, r).released);
	shelf.condition = 1;
	assert_string_equal(decide(o.policy, rules, &shelf, r).rule,
			    "condition");
	shelf.condition = 0;
	shelf.space = span_str("DEU/intel");
	assert_string_equal(decide(o.policy, rules, &shelf, r).rule, "space");
	assert_string_equal(decide(o.policy, rules, &shelf, o.reader).rule,
			    "rules:space");
	/* A name with a NUL is not the name before it. */
	shelf.space = span_of("DEU/ops\0x", 9);
	assert_string_equal(decide(o.policy, rules, &shelf, r).rule, "space");
	shelf.space = ops;
	reader_free(r);
	spec.ceiling = span_str("UNCLASSIFIED");
	assert_false(failed(reader_new(o.policy, &spec, &r)));
	v = decide(o.policy, rules, &shelf, r);
	assert_string_equal(v.rule, "ceiling");
	assert_string_equal(v.detail,
			    "RESTRICTED is above the ceiling UNCLASSIFIED");
	reader_free(r);
	spec.in_posture = false;
	assert_false(failed(reader_new(o.policy, &spec, &r)));
	assert_string_equal(decide(o.policy, rules, &shelf, r).rule, "posture");
	reader_free(r);
	spec.ceiling = span_str("SECRET");
	assert_int_equal(reader_new(o.policy, &spec, &r).code, ERR_POLICY);
	rules_free(rules);
	bound_free(b);
	clear_ours(&o);
}

static void a_decision_is_total(void **state)
{
	struct ours o = setup_ours(), other = setup_ours();
	struct bound *b = bind_text(other.policy,
				    label_text("ENTENTE", "UNCLASSIFIED", ""));
	const struct bound *labels[] = {b};
	struct shelf_view shelf = {span_str("DEU/ops"), labels, 1, 0};
	struct reader_spec nobody = {.all_spaces = true, .in_posture = true};
	struct reader *r = NULL;

	assert_false(decide(NULL, NULL, NULL, NULL).released);
	assert_false(decide(o.policy, NULL, NULL, o.reader).released);
	shelf.labels = NULL;
	assert_false(decide(o.policy, NULL, &shelf, o.reader).released);
	shelf.labels = labels;
	/* Bound under another policy, though an equal one. */
	assert_string_equal(decide(o.policy, NULL, &shelf, o.reader).rule,
			    "binding");
	assert_string_equal(decide(o.policy, other.rules, &shelf, o.reader)
				    .rule,
			    "binding");
	/* A reader without a clearance. */
	assert_false(failed(reader_new(other.policy, &nobody, &r)));
	assert_string_equal(decide(other.policy, NULL, &shelf, r).rule,
			    "policy");
	reader_free(r);
	bound_free(b);
	clear_ours(&o);
	clear_ours(&other);
}

static void a_million_decisions_take_about_a_second(void **state)
{
	struct ours o = setup_ours();
	struct bound *b =
		bind_text(o.policy,
			  label_text("ENTENTE", "RESTRICTED",
				     REL(VALUE("DEU") VALUE("GBR") VALUE("FRA"))
					     SPECIAL(VALUE("ORION"))));
	const struct bound *labels[] = {b};
	struct shelf_view shelf = {span_str("DEU/ops"), labels, 1, 0};
	size_t released = 0, rounds = 1000000;
	clock_t start = clock();
	double seconds;

	for (size_t i = 0; i < rounds; i++)
		released +=
			decide(o.policy, o.rules, &shelf, o.reader).released;
	seconds = (double)(clock() - start) / CLOCKS_PER_SEC;
	assert_int_equal(released, rounds);
	printf("decisions: %.1f million a second\n",
	       (double)rounds / 1e6 / (seconds > 0 ? seconds : 1e-6));
	bound_free(b);
	clear_ours(&o);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_row_of_the_table_comes_out_as_expected),
		cmocka_unit_test(each_refusal_names_its_rule),
		cmocka_unit_test(
			a_national_label_is_decided_through_its_equivalences),
		cmocka_unit_test(
			a_mapped_label_decides_as_its_equivalent_written_out),
		cmocka_unit_test(an_invalid_label_is_above_every_ceiling),
		cmocka_unit_test(every_label_of_a_shelf_must_release),
		cmocka_unit_test(
			space_condition_posture_and_ceiling_only_take_away),
		cmocka_unit_test(a_decision_is_total),
		cmocka_unit_test(a_million_decisions_take_about_a_second),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
