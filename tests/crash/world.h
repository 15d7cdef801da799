/*
 * One relay with its clients, and what must be so after every crash of it.
 */
#ifndef TESTS_CRASH_WORLD_H
#define TESTS_CRASH_WORLD_H

#include "tests/crash/book.h"
#include "tests/crash/writer.h"

enum { WORLD_WRITERS = 8 };

struct world {
	struct nation_daemon relay;
	struct writer writers[WORLD_WRITERS];
	struct pad follower; /* pulls after every crash, and only then */
	struct book book;
	uint64_t checked;	 /* acknowledged writes found */
	uint64_t keys_checked;	 /* keys that came, found in the audit */
	uint64_t left, left_max; /* findings of the store's check that the next
				  * start has to take away */
};

/* A new relay, started, with its subject and clients at rest.  `parent` as in
 * nation_daemon_new_at; NULL: below /tmp. */
void world_new(struct world *w, const char *parent, uint64_t seed);
void world_free(struct world *w);

void world_write(struct world *w);
/* Everything that was in hand is answered; ends the program where it is not. */
void world_settle(struct world *w);

/*
 * Checks the running relay by the clients' own records: revisions, content,
 * feed, audit.  `fresh`: a device that enrols now must see the same as all
 * the others, and read every content.  False, and says why.
 */
bool world_check(struct world *w, bool fresh);
/* `entente store check` of the relay, which does not run. */
bool world_check_store(struct world *w);
/* Waits until no process has the store: the kernel ends them one by one. */
void world_wait_free(struct world *w);

#endif
