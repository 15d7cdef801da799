/*
 * A relay with a peer, two devices and its officers, whose every verb is asked
 * while a call fails inside the guard's core.  What the test does itself is
 * paused: no failure strikes there.
 */
#ifndef TESTS_FAULTS_ASKING_H
#define TESTS_FAULTS_ASKING_H

#include "tests/faults/each.h"
#include "tests/guard/forge.h"

enum { ASKING_ACKED_MAX = 4096 };

struct asking {
	struct world w;
	struct world_relay *gbr, *deu;
	struct world_device *alice_device, *bob_device;
	struct forge alice, bob, operator, security, auditor, peer;
	struct buf officers[2]; /* certificates of the two above */
	struct crypto_key *officer_keys[2];
	struct buf restricted, unclassified, deu_r; /* clearances */
	struct buf rel_all, rel_gbr, open;	    /* labels */
	struct buf policies[2];
	struct forge_revision plan; /* small, accepted, on rel_all */
	struct forge_revision book; /* of two segments */
	/* What was acknowledged: it must be there whatever fails after. */
	struct doc_id acked[ASKING_ACKED_MAX];
	size_t acked_count;
};

void asking_new(struct asking *s);
void asking_free(struct asking *s);

/* One request, and what came of it. */
struct asked {
	struct asking *s;
	struct forge *who;
	bool is_signed;
	const char *method;
	char target[320];
	struct core_field fields[2];
	size_t field_count;
	struct buf body; /* owned */
	/* Of the last answer: */
	int status;
	struct buf answer;
	char location[128], offset[32];
};

void asked_init(struct asked *a, struct asking *s, struct forge *who,
		const char *method);
void asked_clear(struct asked *a);
/* Asks, as between fault_arm and fault_disarm.  A refusal is the error of its
 * problem document; one that is none ends the test. */
struct err asked_ask(struct asked *a);

/* A relay whose disk has failed is closed and opened again, as the supervisor
 * does with a guard that ended. */
void asking_revive(struct asking *s);
/* It was acknowledged. */
void asking_acked(struct asking *s, struct doc_id id);
/* Every record is sound, the audit's chain is whole, and all that was
 * acknowledged can be had. */
void asking_settled(struct asking *s);

#endif
