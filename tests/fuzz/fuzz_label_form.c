/* Canonical forms of labels, clearances, shelves and openings: each value has
 * one form. */
#include "tests/fuzz/fuzz.h"

#include "proto/document/docid.h"
#include "proto/label/reader.h"
#include "proto/label/shelf.h"

static const char label_xml[] =
	"<originatorConfidentialityLabel "
	"xmlns=\"urn:nato:stanag:4774:confidentialitymetadatalabel:1:0\">"
	"<ConfidentialityInformation><PolicyIdentifier>ALLIANCE"
	"</PolicyIdentifier><Classification>RESTRICTED</Classification>"
	"<Category Type=\"PERMISSIVE\" TagName=\"Releasable to\">"
	"<GenericValue>GBR</GenericValue></Category>"
	"</ConfidentialityInformation>"
	"</originatorConfidentialityLabel>";

void fuzz_seeds(void)
{
	struct clearance *clearance;
	struct label *label;
	struct shelf shelf;
	struct digest digest = {{1}};
	struct buf b, xml;

	buf_init(&b, LABEL_CANONICAL_MAX);
	buf_init(&xml, CLEARANCE_MAX);
	fuzz_ok(label_parse(span_str(label_xml), NULL, &label));
	fuzz_ok(label_encode(label, &b));
	fuzz_seed(buf_span(&b));
	buf_reset(&b);
	fuzz_file("docs/policy/clearances/gbr-restricted-orion.xml", &xml);
	fuzz_ok(clearance_parse(buf_span(&xml), NULL, &clearance));
	fuzz_ok(clearance_encode(clearance, &b));
	fuzz_seed(buf_span(&b));
	buf_reset(&b);
	fuzz_ok(shelf_make(span_str("GBR/ops"), &digest, 1, 0, &shelf));
	shelf_encode(&shelf, &b);
	fuzz_seed(buf_span(&b));
	label_free(label);
	clearance_free(clearance);
	buf_clear(&b);
	buf_clear(&xml);
	fuzz_seed_vector("id", "opening", true);
}

void fuzz_input(struct span bytes)
{
	struct clearance *clearance;
	struct opening opening;
	struct label *label;
	struct shelf shelf;
	struct buf b;

	buf_init(&b, LABEL_CANONICAL_MAX);
	if (!failed(label_decode(bytes, span_str(label_xml), &label))) {
		fuzz_ok(label_encode(label, &b));
		fuzz_check(fuzz_is(&b, bytes));
		fuzz_check(label_originator(label) != NULL);
		label_free(label);
	}
	buf_reset(&b);
	if (!failed(clearance_decode(bytes, &clearance))) {
		fuzz_ok(clearance_encode(clearance, &b));
		fuzz_check(fuzz_is(&b, bytes));
		clearance_free(clearance);
	}
	buf_reset(&b);
	if (!failed(shelf_decode(bytes, &shelf))) {
		shelf_encode(&shelf, &b);
		fuzz_check(fuzz_is(&b, bytes));
	}
	buf_reset(&b);
	if (!failed(docid_opening_decode(bytes, &opening))) {
		docid_opening_encode(&opening, &b);
		fuzz_check(fuzz_is(&b, bytes));
	}
	buf_clear(&b);
}
