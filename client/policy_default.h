/* The policy files that a new relay has where none are named: an alliance's
 * and one nation's, from docs/policy, inside the command. */
#ifndef CLIENT_POLICY_DEFAULT_H
#define CLIENT_POLICY_DEFAULT_H

#include "client/nation.h"

/* How many; `out` has room for NATION_POLICIES_MAX. */
size_t policy_default(struct nation_policy *out);

#endif
