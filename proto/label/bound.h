/*
 * A label under a policy: checked once, then ready to decide a million times.
 *
 * Which part decides (ADatP-4774.1 s.4.2): the originator's, if its policy
 * governs; else the alternative of the governing policy (several must agree);
 * else the originator's mapped by its national SPIF's equivalences; else none.
 * Then validity: every tag, type and value known, required and excluded
 * classes and categories met, and the rules no SPIF can say (the NATO policy's
 * Context), kept as a profile by policy OID and always on.
 */
#ifndef PROTO_LABEL_BOUND_H
#define PROTO_LABEL_BOUND_H

#include "proto/label/label.h"
#include "proto/label/policy.h"

/* Points into its policy, which must outlive it; not into the label. */
struct bound;

/*
 * Bind.  A label that is invalid, or of a policy unknown here, is bound too,
 * and is never released: so a decision exists for every label that parses.
 * Fails with ERR_NO_MEMORY only.
 */
struct err bound_new(const struct policy *policy, const struct label *label,
		     struct bound **out);
void bound_free(struct bound *bound);

bool bound_valid(const struct bound *bound);
/* Why not: "invalid-label", "policy" or "profile:nato-context", and what is
 * wrong; "" for both where the label is valid.  Lives in `bound`. */
const char *bound_rule(const struct bound *bound);
const char *bound_detail(const struct bound *bound);
/* The governing classification that decides; NULL if it is not valid. */
const char *bound_classification(const struct bound *bound);
/* True where the label was mapped from a national policy. */
bool bound_mapped(const struct bound *bound);

/* The same as calls that keep nothing.  ERR_LABEL for an invalid label,
 * ERR_FOREIGN_POLICY for one that neither the policy nor a mapping knows. */
struct err label_check(const struct policy *policy, const struct label *label,
		       struct label_problem *problem);

/* True if the label's level is above the governing classification
 * `ceiling_name`; also for whatever has no level (invalid, unknown). */
bool label_above_ceiling(const struct policy *policy, const struct label *label,
			 const char *ceiling_name);
bool bound_above_ceiling(const struct bound *bound, const char *ceiling_name);

#endif
