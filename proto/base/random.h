/*
 * Where random bytes come from, handed in, so that tests and the simulation
 * replay exactly.  The daemon and the client hand in the system's.
 */
#ifndef PROTO_BASE_RANDOM_H
#define PROTO_BASE_RANDOM_H

#include "proto/base/err.h"

#include <stddef.h>

struct random {
	/* Fills all of `out`, or fails. Safe from any thread. */
	struct err (*fill)(void *self, void *out, size_t len);
	void *self;
};

static inline struct err random_fill(const struct random *r, void *out,
				     size_t len)
{
	return r->fill(r->self, out, len);
}

#endif
