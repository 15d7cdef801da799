/* The expected markings, and the languages. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>

#include "proto/base/json.h"
#include "proto/label/bound_form.h"
#include "proto/label/marking.h"
#include "proto/label/marking_form.h"
#include "tests/label/data.h"

static void assert_marking(const struct policy *policy, const char *xml,
			   const char *lang, const char *expected)
{
	struct label *l = make_label(xml);
	struct buf out;

	buf_init(&out, MARKING_MAX);
	assert_false(failed(marking_of(policy, l, lang, &out)));
	assert_string_equal(buf_cstr(&out), expected);
	buf_clear(&out);
	label_free(l);
}

static void text_member(const struct json *row, const char *name, char *out,
			size_t room)
{
	struct span s = {0};

	if (json_has(row, name))
		assert_false(failed(json_get_string(row, name, &s)));
	snprintf(out, room, "%.*s", (int)s.len, (const char *)s.at);
}

/* The TLPX rows are in another tool's form; the same labels in ours. */
static const char *tlpx(const char *file)
{
	if (strcmp(file, "label/tlpx-amber-eu.spiffy.xml") == 0)
		return label_text("TLPX", "AMBER",
				  "<Category TagName=\"Dissemination\" Type=\""
				  "PERMISSIVE\"><GenericValue>EU"
				  "</GenericValue></Category>");
	return label_text("TLPX", "GREEN",
			  "<Category TagName=\"Dissemination\" Type=\""
			  "PERMISSIVE\"><GenericValue>SafeHarbour"
			  "</GenericValue></Category>"
			  "<Category TagName=\"Data Status\" Type=\""
			  "INFORMATIVE\"><GenericValue>Do not action"
			  "</GenericValue></Category>");
}

/* The equivalent label, as its originator would make it. */
static void assert_equivalent(const char *spif, const char *xml,
			      const char *expected)
{
	struct label *l = make_label(xml);
	struct selection own = {0}, other = {0};
	struct policy *policy;
	struct buf tlp, out;

	assert_true(data_read("spif/tlp.spif.xml", &tlp));
	policy = make_policy(spif, buf_cstr(&tlp));
	buf_init(&out, MARKING_MAX);
	assert_false(failed(selection_make(&policy->tables[0],
					   label_originator(l), NULL, &own)));
	assert_false(failed(selection_map(&own, &policy->tables[1],
					  SPIF_ENCRYPT, NULL, &other)));
	assert_false(failed(marking_selection(&other, "", &out)));
	assert_string_equal(buf_cstr(&out), expected);
	policy_free(policy);
	label_free(l);
	buf_clear(&tlp);
	buf_clear(&out);
}

static void every_expected_marking_comes_out(void **state)
{
	const struct json *rows;
	struct json *table = NULL;
	struct buf text;

	if (!data_read("decision/markings.json", &text)) {
		printf("skipped: 9 cases: no public data at ENTENTE_DATA\n");
		return;
	}
	assert_false(failed(json_parse(buf_span(&text), &table)));
	assert_false(failed(json_get_array(table, "cases", &rows)));
	assert_int_equal(json_count(rows), 9);
	for (size_t i = 0; i < json_count(rows); i++) {
		const struct json *row = json_at(rows, i);
		char file[128], path[128], lang[16], marking[256],
			equivalent[256];
		struct buf spif, label = {0};
		struct policy *policy;
		const char *xml;

		text_member(row, "spif", path, sizeof(path));
		text_member(row, "label", file, sizeof(file));
		text_member(row, "lang", lang, sizeof(lang));
		text_member(row, "marking", marking, sizeof(marking));
		text_member(row, "equivalent_marking", equivalent,
			    sizeof(equivalent));
		assert_true(data_read(path, &spif));
		if (strstr(file, "spiffy")) {
			xml = tlpx(file);
		} else {
			assert_true(data_read(file, &label));
			xml = buf_cstr(&label);
		}
		policy = make_policy(buf_cstr(&spif), NULL);
		assert_marking(policy, xml, lang, marking);
		if (*equivalent)
			assert_equivalent(buf_cstr(&spif), xml, equivalent);
		policy_free(policy);
		buf_clear(&spif);
		buf_clear(&label);
	}
	json_free(table);
	buf_clear(&text);
}

static void cosmic_replaces_nato_and_public_is_empty(void **state)
{
	struct policy *policy;
	struct buf spif;

	if (!data_read("spif/nato-v79.spif.xml", &spif)) {
		printf("skipped: 2 cases: no public data at ENTENTE_DATA\n");
		return;
	}
	policy = make_policy(buf_cstr(&spif), NULL);
	assert_marking(policy,
		       label_text("NATO", "TOP SECRET",
				  "<Category TagName=\"Context\" Type=\""
				  "PERMISSIVE\"><GenericValue>NATO"
				  "</GenericValue></Category>"),
		       NULL, "COSMIC TOP SECRET");
	policy_free(policy);
	buf_clear(&spif);
	assert_true(data_read("spif/public-v1.spif.xml", &spif));
	policy = make_policy(buf_cstr(&spif), NULL);
	assert_marking(policy, label_text("PUBLIC", "UNMARKED", ""), NULL, "");
	policy_free(policy);
	buf_clear(&spif);
}

static void a_marking_speaks_the_language_asked_or_falls_back(void **state)
{
	static const char german[] =
		"VS – NUR FÜR DEN DIENSTGEBRAUCH Weitergabe an Deutschland, "
		"Frankreich";
	struct buf alliance, germany, xml, out;
	struct policy *policy;
	struct label *l;

	repo_read("docs/policy/alliance.spif.xml", &alliance);
	repo_read("docs/policy/germany.spif.xml", &germany);
	policy = make_policy(buf_cstr(&alliance), buf_cstr(&germany));
	repo_read("docs/policy/labels/restricted-rel-deu-fra.xml", &xml);
	assert_marking(policy, buf_cstr(&xml), "fr-CA",
		       "ENTENTE DIFFUSION RESTREINTE Communicable à : "
		       "Allemagne, France");
	assert_marking(policy, buf_cstr(&xml), "EN",
		       "ENTENTE RESTRICTED Releasable to Germany, France");
	assert_marking(policy, buf_cstr(&xml), "xx",
		       "ENTENTE RESTRICTED Releasable to Germany, France");
	buf_clear(&xml);
	repo_read("docs/policy/labels/vs-nfd-rel-deu-fra.xml", &xml);
	assert_marking(policy, buf_cstr(&xml), "de", german);
	assert_marking(policy, buf_cstr(&xml), "fr", german);
	l = make_label(buf_cstr(&xml));
	buf_init(&out, MARKING_MAX);
	assert_false(failed(marking_governing(policy, l, "en", &out)));
	assert_string_equal(buf_cstr(&out),
			    "ENTENTE RESTRICTED Releasable to Germany, "
			    "France");
	assert_string_equal(marking_color(policy, l), "#1565C0");
	label_free(l);
	l = make_label(label_text("ENTENTE", "NONE", ""));
	buf_reset(&out);
	assert_int_equal(marking_of(policy, l, "en", &out).code, ERR_LABEL);
	assert_int_equal(out.len, 0);
	assert_string_equal(marking_color(policy, l), "");
	label_free(l);
	policy_free(policy);
	buf_clear(&out);
	buf_clear(&xml);
	buf_clear(&alliance);
	buf_clear(&germany);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_expected_marking_comes_out),
		cmocka_unit_test(cosmic_replaces_nato_and_public_is_empty),
		cmocka_unit_test(
			a_marking_speaks_the_language_asked_or_falls_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
