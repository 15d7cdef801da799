/*
 * What the guard does by itself: finishing what a crash left, purging keys,
 * dropping leases and segments nobody names, expiring gone rows.
 */
#ifndef RELAY_GUARD_CORE_HOUSEKEEPING_H
#define RELAY_GUARD_CORE_HOUSEKEEPING_H

#include "relay/guard/core/state.h"

/* At start, before anything is served: unsigned groups are signed, marked
 * slots purged, segments of a crash collected. */
struct err housekeeping_start(struct core *core);
/* A purge that a commit has asked for; the writer's thread. */
struct err housekeeping_purge(struct core *core);

#endif
