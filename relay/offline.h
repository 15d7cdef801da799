/*
 * `entented store VERB`: starts entented-guard on a store that no relay has
 * open (relay/guard/core/store_role.h), and waits for it.  It runs in a process of its
 * own, for a damaged page can end whoever reads it; then this says so.
 */
#ifndef RELAY_OFFLINE_H
#define RELAY_OFFLINE_H

#include "relay/supervisor.h"

/* The exit status: the child's own; 2 where it died. */
int offline_start(const struct supervisor_options *options, const char *verb);

#endif
