/*
 * A label's XML, bare or bound: its canonical form reads back as itself, what
 * is written from it parses, and a decision exists for it.
 */
#include "tests/fuzz/fuzz.h"

#include "proto/label/decision.h"
#include "proto/label/label.h"
#include "proto/label/marking.h"

static struct policy *policy;
static struct reader *reader;

void fuzz_seeds(void)
{
	fuzz_seed_folder("docs/policy/labels", ".xml");
	fuzz_seed_str(
		"<b:BindingInformation "
		"xmlns:b=\"urn:nato:stanag:4778:bindinginformation:1:0\" "
		"xmlns=\"urn:nato:stanag:4774:confidentialitymetadatalabel:1:0"
		"\"><b:MetadataBindingContainer><b:MetadataBinding>"
		"<b:Metadata><originatorConfidentialityLabel>"
		"<ConfidentialityInformation>"
		"<PolicyIdentifier>ALLIANCE</PolicyIdentifier>"
		"<Classification>RESTRICTED</Classification>"
		"<Category Type=\"PERMISSIVE\" TagName=\"Releasable to\">"
		"<GenericValue>GBR</GenericValue></Category>"
		"</ConfidentialityInformation>"
		"<CreationDateTime>2026-01-01T00:00:00Z</CreationDateTime>"
		"</originatorConfidentialityLabel></b:Metadata>"
		"<b:DataReference URI=\"a%20b.txt\"/>"
		"</b:MetadataBinding></b:MetadataBindingContainer>"
		"</b:BindingInformation>");
}

static void load(void)
{
	static const char *const names[] = {"docs/policy/alliance.spif.xml",
					    "docs/policy/germany.spif.xml"};
	struct buf text[2], clearance_text;
	struct clearance *clearance;
	struct span files[2];

	for (int i = 0; i < 2; i++) {
		buf_init(&text[i], POLICY_FILE_MAX);
		fuzz_file(names[i], &text[i]);
		files[i] = buf_span(&text[i]);
	}
	buf_init(&clearance_text, CLEARANCE_MAX);
	fuzz_file("docs/policy/clearances/deu-restricted.xml", &clearance_text);
	fuzz_ok(policy_load(files, 2, NULL, &policy));
	fuzz_ok(clearance_parse(buf_span(&clearance_text), NULL, &clearance));
	fuzz_ok(reader_new(policy,
			   &(struct reader_spec){.kind = READER_DEVICE,
						 .clearance = clearance,
						 .all_spaces = true,
						 .in_posture = true},
			   &reader));
	clearance_free(clearance);
	for (int i = 0; i < 2; i++)
		buf_clear(&text[i]);
	buf_clear(&clearance_text);
}

static void decided(const struct label *label)
{
	struct label_problem problem;
	struct bound *bound;
	struct verdict v;

	fuzz_ok(bound_new(policy, label, &bound));
	v = decide_label(policy, bound, reader);
	fuzz_check(v.rule && v.rule[0]);
	fuzz_check(!v.released || bound_valid(bound));
	fuzz_check(bound_valid(bound) ==
		   !failed(label_check(policy, label, &problem)));
	bound_free(bound);
}

void fuzz_input(struct span bytes)
{
	struct label_problem problem;
	struct label *label, *again;
	struct buf once, twice, xml;

	if (!policy)
		load();
	if (failed(label_parse(bytes, &problem, &label)))
		return;
	buf_init(&once, LABEL_CANONICAL_MAX);
	buf_init(&twice, LABEL_CANONICAL_MAX);
	buf_init(&xml, LABEL_MAX);
	fuzz_check(span_eq(label_bytes(label), bytes));
	(void)label_names(label, span_str("a b.txt"));
	if (!failed(label_encode(label, &once))) {
		fuzz_ok(label_decode(buf_span(&once), bytes, &again));
		fuzz_ok(label_encode(again, &twice));
		fuzz_check(fuzz_same(&once, &twice));
		label_free(again);
	}
	if (!failed(label_write(label_originator(label), &xml)) &&
	    !failed(buf_check(&xml))) {
		fuzz_ok(label_parse(buf_span(&xml), &problem, &again));
		fuzz_check(span_eq(label_originator(again)->classification,
				   label_originator(label)->classification));
		label_free(again);
	}
	decided(label);
	label_free(label);
	buf_clear(&once);
	buf_clear(&twice);
	buf_clear(&xml);
}
