/*
 * Two relays that began as one: the same folder copied, so the same keys,
 * devices and subjects.  What both are asked alike is compared; what one is
 * asked beside must not show.
 *
 * alice writes everything; bob reads: unclassified, member of GBR/ops alone.
 */
#ifndef TESTS_GUARD_TWINS_H
#define TESTS_GUARD_TWINS_H

#include "tests/guard/forge.h"

enum { TWIN_DOCS = 6, TWIN_CURSORS = 3 };

/* A document as its writer knows it. */
struct twin_doc {
	bool used, gone;
	struct forge_revision head;
	uint64_t number; /* of the statement in force */
	struct digest statement;
	uint64_t serial;
};

struct twin {
	struct world w;
	struct world_relay *relay;
	struct forge alice, bob;
	struct testrandom common_source, hidden_source;
	struct random common, hidden;
	struct twin_doc visible[TWIN_DOCS], secret[TWIN_DOCS];
	char cursors[TWIN_CURSORS][160];
	struct buf seen; /* what bob saw, as text, of the last request */
};

struct twins {
	struct twin a, b;
	struct world_device *alice, *bob; /* of both; they live in a.w */
	struct buf restricted, unclassified;
	struct buf labels[4]; /* open, open of staff; two that bob lacks */
};

struct twins *twins_new(uint64_t seed);
void twins_free(struct twins *t);
/* New documents and random sources; what was written stays. */
void twins_begin(struct twins *t, uint64_t seed);

/* ---- writing, by alice; false if it was refused ---- */

bool twin_put(struct twin *t, struct twin_doc *d, const char *space,
	      struct span label, const struct random *random);
bool twin_edit(struct twin *t, struct twin_doc *d, const struct random *random);
bool twin_state(struct twin *t, struct twin_doc *d, enum statement_kind kind,
		struct span label, const struct random *random);

/* ---- reading, by bob: into t->seen ---- */

/* A page since the cursor of that place, which moves on; `afresh` without a
 * cursor.  True if there is more. */
bool twin_page(struct twin *t, unsigned cursor, bool afresh, unsigned limit,
	       unsigned wait_s);
/* Any other request without a signature. */
void twin_get(struct twin *t, const char *target);
/* Keys of one document. */
void twin_keys(struct twin *t, struct doc_id id, struct digest commitment);
/* A write by bob that names a label and does not bring it. */
void twin_probe_label(struct twin *t, struct span label);
/* A write by bob over what may not be there for him. */
void twin_probe_edit(struct twin *t, const struct forge_revision *over,
		     struct span label);

#endif
