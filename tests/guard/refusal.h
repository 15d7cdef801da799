/*
 * A relay with two devices, and what every refusal must be: a problem
 * document with its type, what is wrong, the mend and a reference that the
 * operator can open; after it the relay serves the next request.
 */
#ifndef TESTS_GUARD_REFUSAL_H
#define TESTS_GUARD_REFUSAL_H

#include "tests/guard/forge.h"

enum {
	REFUSAL_ALL =
		SUBJECT_WRITE | SUBJECT_LABEL | SUBJECT_DELETE | SUBJECT_RECALL,
};

struct refusal_scene {
	struct world w;
	struct world_relay *gbr;
	/* alice: RESTRICTED; bob: UNCLASSIFIED; walt: RESTRICTED, may write
	 * and nothing else. */
	struct world_device *devices[3];
	struct forge alice, bob, walt, officer;
	struct buf restricted, unclassified; /* clearances */
	struct buf rel_gbr, rel_all, open, secret, orion, deu_fra; /* labels */
	struct forge_revision plan; /* of alice, accepted, on rel_gbr */
};

int refusal_begin(void **state);
int refusal_end(void **state);

/* The answer is the refusal `code` in all its parts, and the relay serves
 * the next request.  Clears the answer. */
void refusal_is(struct refusal_scene *s, struct world_answer *answer,
		enum err_code code);
/* The same without the next request: of a relay that takes no writes. */
void refusal_shows(struct refusal_scene *s, struct world_answer *answer,
		   enum err_code code);
/* A document is written and read. */
void refusal_serves(struct refusal_scene *s);
/* True if the answer's body holds that text. */
bool refusal_says(const struct world_answer *answer, const char *text);
/* A first revision of f's, not signed yet. */
void refusal_draft(struct forge *f, struct span label,
		   struct forge_revision *out);
/* Sends it signed; the refusal is `code`.  Clears the revision. */
void refusal_of_put(struct refusal_scene *s, struct forge *f,
		    struct forge_revision *r, enum err_code code);

#endif
