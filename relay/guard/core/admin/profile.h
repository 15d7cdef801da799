/*
 * What operators say of a reader: its clearance, spaces and ceiling, checked
 * before they are kept.
 */
#ifndef RELAY_GUARD_CORE_ADMIN_PROFILE_H
#define RELAY_GUARD_CORE_ADMIN_PROFILE_H

#include "proto/base/json.h"
#include "relay/guard/core/state.h"

/* Parses, and of the governing policy: ERR_LABEL or ERR_FOREIGN_POLICY, with
 * what is wrong in job->detail. */
struct err admin_clearance_check(struct job *job, struct span xml);

/*
 * The member `spaces`: sorted, without doubles, in the job's arena.  With
 * `all` not NULL, ["*"] is all of them.  ERR_MALFORMED for what is no space.
 */
struct err admin_spaces_read(struct job *job, const struct json *object,
			     size_t max, const struct span **out, size_t *count,
			     bool *all);
/* The same written. */
void admin_spaces_write(struct json_writer *w, const struct span *spaces,
			size_t count, bool all);

/* `ceiling`, `clearance` and `spaces` of a nation. */
struct err admin_profile_read(struct job *job, const struct json *object,
			      struct peer_profile *out);
/* The members of a nation's profile. */
void admin_profile_write(struct json_writer *w,
			 const struct peer_profile *profile);

#endif
