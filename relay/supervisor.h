/*
 * The supervisor: opens the listeners, starts guard, link and fronts, joins
 * them by lanes, starts again what dies, and keeps the unsealed root key for
 * the next guard.  It reads no foreign byte: of its children's packets only
 * the kind, of the page of what is in hand only digests.
 *
 * A child that dies is started again after 100 ms, twice as long each time it
 * dies young (within 10 s), 10 s at most.  When the supervisor dies, its
 * children die with it (PR_SET_PDEATHSIG).
 */
#ifndef RELAY_SUPERVISOR_H
#define RELAY_SUPERVISOR_H

#include "relay/config.h"
#include "relay/inhand.h"

#include <sys/types.h>

enum {
	SUPERVISOR_DELAY_MIN_MS = 100,
	SUPERVISOR_DELAY_MAX_MS = 10 * 1000,
	SUPERVISOR_YOUNG_MS = 10 * 1000,
	/* Each kind of child has so long to stop before it is killed. */
	SUPERVISOR_STOP_MS = 8 * 1000,
};

struct supervisor_options {
	const struct config *config;
	const uint8_t *root_key; /* 32 bytes, or NULL: a sealed relay; the
				  * caller wipes it */
	bool json;
};

/*
 * Runs until SIGTERM or SIGINT, then stops all in order: fronts, link, guard.
 * Returns the exit status: 0; 1 if a listener cannot be opened, or a child
 * fails before the relay was ever ready.
 */
int supervisor_run(const struct supervisor_options *options);

#endif
