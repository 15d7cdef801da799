/*
 * What the changes of the admin interface have in common.  Approval by a
 * second officer would stand between check and confirm.
 */
#ifndef RELAY_GUARD_CORE_ADMIN_CHANGE_H
#define RELAY_GUARD_CORE_ADMIN_CHANGE_H

#include "relay/guard/core/state.h"

/* The audit record of a change, with a short word on what was changed; never
 * a secret.  Parked readers look again. */
[[gnu::format(printf, 3, 4)]] struct err
admin_record(struct job *job, struct batch *batch, const char *fmt, ...);
/* ERR_MALFORMED for a request with a body. */
struct err admin_no_body(const struct job *job);
/* A `finish` that has nothing to tell: 204. */
struct err admin_done(struct job *job);

#endif
