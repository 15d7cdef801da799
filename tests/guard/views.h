/*
 * Two relays, their documents under every label and in two spaces, and
 * readers whose rights change; with a model that decides for each document
 * and each reader straight from label, clearance, policy and spaces
 * (proto/label/decision): no shelf, view or feed has a part in it.
 */
#ifndef TESTS_GUARD_VIEWS_H
#define TESTS_GUARD_VIEWS_H

#include "proto/label/decision.h"
#include "tests/guard/forge.h"

enum {
	VIEWS_LABELS = 6,
	VIEWS_SPACES = 2,
	VIEWS_DOCS = VIEWS_LABELS * VIEWS_SPACES,
	VIEWS_READERS = 4,
	VIEWS_POLICIES = 4,
};

extern const char *const views_labels[VIEWS_LABELS]; /* under labels/ */
extern const char *const views_spaces[VIEWS_SPACES];

struct views_doc {
	struct doc_id id;
	unsigned label, space;
	bool gone; /* deleted or recalled */
};

/* A subject with one device. */
struct views_reader {
	const char *name, *clearance; /* under clearances/; NULL: none */
	unsigned spaces;	      /* bits */
	struct world_relay *relay;
	struct world_device *device;
	bool late; /* is synced only when a test says so */
};

/* What GBR lets pass to DEU. */
struct views_profile {
	const char *clearance, *ceiling;
	unsigned spaces;
};

struct views {
	struct world w;
	struct world_relay *gbr, *deu;
	struct world_device *alice; /* writes; sees everything of GBR */
	struct views_reader readers[VIEWS_READERS]; /* two of each relay */
	struct views_doc docs[VIEWS_DOCS];
	struct views_profile profile;
	unsigned policy; /* of GBR: which of views_policy */
	struct policy *policies[VIEWS_POLICIES];
	struct label *labels[VIEWS_LABELS];
	struct forge officer; /* the security officer of GBR */
	struct buf officer_certificate;
	struct crypto_key *officer_key;
};

struct views *views_new(void);
void views_free(struct views *v);

/* ---- changes ---- */

void views_clear(struct views *v, struct views_reader *r, const char *clearance,
		 unsigned spaces);
void views_relabel(struct views *v, struct views_doc *d, unsigned label);
/* Policy 0 is the first; 1 does not know ALL, 2 not DEU, 3 not ORION, so a
 * label that names it is released to nobody.  Returns the status. */
int views_policy(struct views *v, unsigned policy);
void views_narrow(struct views *v, struct views_profile profile);

/* Everything moves and everybody syncs who is not late. */
void views_settle(struct views *v);

/* Each reader who is not late holds what the model gives, no more and no
 * less; fails with the names of reader and label.  `when` is told too. */
void views_check(struct views *v, const char *when);

#endif
