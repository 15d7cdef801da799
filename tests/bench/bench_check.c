/* The walk through a whole store: `entente store check`. */
#include "relay/guard/core/state.h"
#include "storage/store_check.h"
#include "tests/bench/bench.h"
#include "tests/bench/figure.h"
#include "tests/bench/place.h"

#include <stdlib.h>

enum {
	DOCUMENTS = 256 * 40,
	CONTENT = 1024,
	LIMIT_PER_S = 50000,
	TURNS = 3,
};

static void on_finding(void *self, const struct store_finding *f)
{
	figure_say("store check: %s: %s", table_name(f->table), f->what);
	if (f->grade == CHECK_FAULT)
		exit(EXIT_FAILURE);
}

static void on_progress(void *self, uint64_t records, uint64_t total)
{
}

void bench_check(const char *folder)
{
	struct store_check_order order = {.finding = on_finding,
					  .progress = on_progress};
	struct figure_cost turns[TURNS] = {0}, cost;
	struct store_check found;
	struct place p;

	place_new(&p, folder, "check");
	place_fill(&p, buf_span(&p.restricted), "GBR/ops", CONTENT, DOCUMENTS);
	place_seal(&p);
	/* A start signs what is left. */
	world_close(&p.w, p.relay);
	world_open(&p.w, p.relay);
	order.ring = p.relay->core->ring;
	for (int i = 0; i < TURNS; i++) {
		struct figure_cost began = figure_cost_begin();

		world_must(store_check(p.relay->core->store, &order, &found));
		figure_cost_add(&turns[i], began);
	}
	cost = figure_cost_median(turns, TURNS);
	figure_say("store check: %llu records, %llu documents, %llu groups",
		   (unsigned long long)found.records,
		   (unsigned long long)found.documents,
		   (unsigned long long)found.groups);
	figure_put("store.check.records", (double)found.records / cost.wall,
		   "1/s", LIMIT_PER_S);
	figure_put("store.check.records.cpu", (double)found.records / cost.cpu,
		   "1/s", LIMIT_PER_S);
	place_free(&p);
}
