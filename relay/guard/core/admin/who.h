/*
 * Whoever a record speaks of, in JSON: `"kind"` and `"reader"`, which is a
 * device's key id, a nation's three letters, an officer's name, or a part of
 * the relay.
 */
#ifndef RELAY_GUARD_CORE_ADMIN_WHO_H
#define RELAY_GUARD_CORE_ADMIN_WHO_H

#include "proto/base/json.h"
#include "storage/audit.h"

void admin_who_write(struct json_writer *w, enum audit_who who, struct span id);
/* The outcome's word; unlike a problem's, it tells what was not released from
 * what was not there. */
const char *admin_outcome(enum err_code code);

#endif
