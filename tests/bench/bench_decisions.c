/* The release decision, with the example policies, labels and clearances. */
#include "relay/guard/core/state.h"
#include "tests/bench/bench.h"
#include "tests/bench/figure.h"
#include "tests/bench/place.h"

#include <stdio.h>
#include <stdlib.h>

enum { ROUNDS = 20000 };

static const char *const labels[] = {
	"restricted-orion",	  "restricted-rel-all",
	"restricted-rel-deu-fra", "restricted-rel-gbr-deu-fra",
	"restricted-rel-gbr",	  "unclassified-staff",
	"unclassified",		  "vs-nfd-rel-deu-fra",
};
static const char *const clearances[] = {
	"gbr-restricted", "gbr-restricted-orion", "gbr-unclassified",
	"deu-restricted", "deu-unclassified",	  "fra-restricted-orion",
};
enum {
	LABELS = sizeof(labels) / sizeof(labels[0]),
	READERS = sizeof(clearances) / sizeof(clearances[0]),
};

/* `owned` is NULL where the policing knows the label already. */
static const struct policing_label *label(struct policing *policing,
					  const char *name,
					  struct policing_label **owned)
{
	const struct policing_label *out = NULL;
	char path[128];
	struct buf xml;

	snprintf(path, sizeof(path), "docs/policy/labels/%s.xml", name);
	world_file(path, &xml);
	world_must(policing_label_xml(policing, buf_span(&xml), NULL, &out,
				      owned));
	buf_clear(&xml);
	return out;
}

static const struct reader *reader(struct policing *policing, const char *name)
{
	struct span space = span_str("GBR/ops");
	struct reader_spec spec = {.kind = READER_DEVICE,
				   .spaces = &space,
				   .space_count = 1,
				   .in_posture = true};
	struct policing_reader *out = NULL;
	char path[128];
	struct buf xml;

	snprintf(path, sizeof(path), "docs/policy/clearances/%s.xml", name);
	world_file(path, &xml);
	world_must(
		policing_reader(policing, buf_span(&xml), &spec, NULL, &out));
	buf_clear(&xml);
	return policing_reader_bound(out); /* held to the end */
}

/* The answer that a reader's view keeps, per second. */
static double look_ups(struct place *p)
{
	struct policing *policing = core_policing(p->relay->core);
	struct span space = span_str("GBR/ops");
	struct reader_spec spec = {.kind = READER_DEVICE,
				   .spaces = &space,
				   .space_count = 1,
				   .in_posture = true};
	struct policing_reader *r = NULL;
	struct view *view = NULL;
	struct txn *txn = NULL;
	volatile size_t seen = 0;
	double spent;
	struct buf xml;

	world_file("docs/policy/clearances/gbr-restricted.xml", &xml);
	world_must(policing_reader(policing, buf_span(&xml), &spec, NULL, &r));
	buf_clear(&xml);
	world_must(txn_begin_read(p->relay->core->store, STORE_RECORDS, &txn));
	world_must(policing_view(policing, r, txn, &view));
	spent = figure_thread_cpu();
	for (uint32_t i = 0; i < 100 * ROUNDS; i++)
		seen += view_has(view, i % 4);
	spent = figure_thread_cpu() - spent;
	view_free(view);
	policing_reader_release(r);
	txn_abort(&txn);
	policing_release(policing);
	return 100.0 * ROUNDS / spent;
}

void bench_decisions(const char *folder)
{
	const struct policing_label *l[LABELS];
	struct policing_label *owned[LABELS];
	const struct reader *r[READERS];
	struct policing *policing;
	size_t released = 0;
	struct place p;
	double spent;

	place_new(&p, folder, "decisions");
	place_fill(&p, buf_span(&p.restricted), "GBR/ops", 100, 1);
	place_fill(&p, buf_span(&p.open), "GBR/ops", 100, 1);
	policing = core_policing(p.relay->core);
	for (size_t i = 0; i < LABELS; i++)
		l[i] = label(policing, labels[i], &owned[i]);
	for (size_t i = 0; i < READERS; i++)
		r[i] = reader(policing, clearances[i]);
	spent = figure_thread_cpu();
	for (int round = 0; round < ROUNDS; round++)
		for (size_t i = 0; i < LABELS; i++)
			for (size_t k = 0; k < READERS; k++)
				released += policing_decide_label(
						    policing, r[k],
						    span_str("GBR/ops"), l[i])
						    .released;
	spent = figure_thread_cpu() - spent;
	figure_put("decisions/look-ups in a view",
		   (double)ROUNDS * LABELS * READERS / spent, "1/s",
		   look_ups(&p));
	figure_say("of %d pairs of label and reader %zu are released",
		   LABELS * READERS, released / ROUNDS);
	for (size_t i = 0; i < LABELS; i++)
		policing_label_free(owned[i]);
	policing_release(policing);
	place_free(&p);
}
