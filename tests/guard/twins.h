/*
 * Two relays that began as one: the same folder copied, so the same keys,
 * devices and subjects.  What both are asked alike is compared; what one is
 * asked beside must not show.
 *
 * alice writes everything; bob reads, with a clearance, spaces and rights that
 * are drawn.  twins_sees says what he sees, straight from those.
 */
#ifndef TESTS_GUARD_TWINS_H
#define TESTS_GUARD_TWINS_H

#include "tests/guard/forge.h"

enum {
	TWIN_DOCS = 6,
	TWIN_CURSORS = 3,
	TWIN_LABELS = 5,
	TWIN_SPACES = 2,
	TWIN_CURSOR_ROOM = 160,
};

extern const char *const twin_spaces[TWIN_SPACES];

/* A chain of cursors, from a start without one. */
struct twin_chain {
	char since[TWIN_CURSOR_ROOM], before[TWIN_CURSOR_ROOM];
};

/* A document as its writer knows it. */
struct twin_doc {
	bool used, gone;
	bool buried; /* out of bob's sight for good; what comes is hidden */
	unsigned space;
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
	struct twin_chain chains[TWIN_CURSORS];
	struct job *poll; /* of chain polled */
	unsigned polled;
	struct buf seen; /* what bob saw, as text, of the last request */
};

struct twins {
	struct twin a, b;
	struct world_device *alice, *bob; /* of both; they live in a.w */
	struct buf orion, clearance;	  /* of alice, of bob */
	struct buf labels[TWIN_LABELS];
	bool cleared;	 /* bob sees labels[2] and labels[3] too */
	unsigned spaces; /* of bob: bits */
};

/* Bob is drawn from the seed. */
struct twins *twins_new(uint64_t seed);
bool twins_sees(const struct twins *t, unsigned label, unsigned space);
void twins_free(struct twins *t);
/* New documents and random sources; what was written stays. */
void twins_begin(struct twins *t, uint64_t seed);

/* ---- writing, by alice; false if it was refused ---- */

bool twin_put(struct twin *t, struct twin_doc *d, unsigned space,
	      struct span label, const struct random *random);
bool twin_edit(struct twin *t, struct twin_doc *d, const struct random *random);
bool twin_state(struct twin *t, struct twin_doc *d, enum statement_kind kind,
		struct span label, const struct random *random);

/* ---- reading, by bob: into t->seen ---- */

/* How a page is asked for. */
enum twin_since {
	TWIN_ON,     /* since the chain's cursor, which moves on */
	TWIN_AGAIN,  /* since the one before: as if the answer was lost */
	TWIN_AFRESH, /* without */
};
/* True if there is more. */
bool twin_page(struct twin *t, unsigned chain, enum twin_since since,
	       unsigned limit, unsigned wait_s);
/* A long poll that is left parked; false if it was answered at once. */
bool twin_poll(struct twin *t, unsigned chain);
/* It looks again, as a guard lets it after a commit; true if it is over. */
bool twin_poll_again(struct twin *t);
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
