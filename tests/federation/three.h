/*
 * Three nations, each a peer of the others, with five devices: what stories
 * of federation begin with.
 */
#ifndef TESTS_FEDERATION_THREE_H
#define TESTS_FEDERATION_THREE_H

#include "relay/guard/core/state.h"
#include "storage/quarantine.h"
#include "tests/guard/world.h"

/* In the order of their devices: alice and bob are of GBR (RESTRICTED,
 * UNCLASSIFIED), dora and emil likewise of DEU, fleur is of FRA. */
enum three_device { ALICE, BOB, DORA, EMIL, FLEUR, THREE_DEVICES };

enum three_label {
	REL_ALL,  /* RESTRICTED, to all three */
	REL_DEFR, /* to DEU and FRA */
	REL_GBR,
	OPEN,	/* UNCLASSIFIED */
	SECRET, /* above every ceiling */
	THREE_LABELS,
};

struct three {
	struct world w;
	struct world_relay *gbr, *deu, *fra;
	struct world_device *devices[THREE_DEVICES];
	struct buf labels[THREE_LABELS];
	struct digest digests[THREE_LABELS]; /* of the labels */
	struct buf clearances[THREE_DEVICES];
};

extern const char *const three_spaces[2];

void three_new(struct three *t, uint64_t seed);
void three_free(struct three *t);

/* May the device see what stands on that label? */
bool three_releases(enum three_label label, enum three_device device);

/* The clock goes on, relays pull until nothing moves, devices sync. */
void three_settle(struct three *t);

/* The document at that relay, copied into `arena`; NULL: none. */
struct document *three_document(struct world_relay *r, struct doc_id id,
				struct arena *arena);
/* What `r` has quarantined of `from`, the last by key; false: nothing. */
bool three_quarantined(struct world_relay *r, struct nation from,
		       struct digest digest, struct quarantined *out);

#endif
