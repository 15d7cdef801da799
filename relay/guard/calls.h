/*
 * The guard's own requests to other nations: from the core to `link`, and
 * their outcomes back to the core, on the writer's thread.
 */
#ifndef RELAY_GUARD_CALLS_H
#define RELAY_GUARD_CALLS_H

#include "relay/guard/guard.h"

/* On the writer's thread: what is due, into guard.due. */
void calls_collect(struct guard *g);
/* On the writer's thread: one outcome, to the core. */
void calls_write_outcome(struct guard *g, struct work *work);

/* On the loop. */
void calls_collected(struct guard *g); /* sends them to link */
void calls_outcome_done(struct guard *g, struct work *work);
void calls_message(struct guard *g, const struct channel_message *m);
/* Link is gone: all that are under way are unreachable. */
void calls_lost(struct guard *g);
/* Asks the core, unless that is under way. */
void calls_ask(struct guard *g);

#endif
