/*
 * Work on a store that no guard has open: entented-guard as it is started by
 * `entented store VERB`.  It takes the folder as a guard does, so that there
 * are never two; it has no lanes, answers nobody and ends when it is done.
 *
 *	check  walks the whole store (storage/store_check.h) and says on
 *	       standard output what is wrong, with --json as one document
 */
#ifndef RELAY_GUARD_CORE_STORE_ROLE_H
#define RELAY_GUARD_CORE_STORE_ROLE_H

#include "relay/control.h"

enum { STORE_SOUND = 0, STORE_FAULTS = 2 };

/* Does what `verb` says and wipes the root key.  The exit status: one of those
 * above; 1 it could not look; 69 a relay works in the folder. */
int store_role_run(struct control_start *start, const char *verb);

#endif
