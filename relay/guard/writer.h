/*
 * The writer's thread: requests in groups of one commit, and between them
 * what else may write: outcomes of calls, calls that are due, housekeeping.
 */
#ifndef RELAY_GUARD_WRITER_H
#define RELAY_GUARD_WRITER_H

#include "relay/guard/guard.h"

void writer_run(void *owner, unsigned thread, struct work **works,
		size_t count);

#endif
