/*
 * A clock that only the test moves.
 */
#ifndef TESTS_SUPPORT_TESTCLOCK_H
#define TESTS_SUPPORT_TESTCLOCK_H

#include "proto/base/clock.h"

#include <stdatomic.h>

struct testclock {
	_Atomic uint64_t now_ms;
};

/* Starts at 2026-01-01 00:00:00 UTC. */
void testclock_init(struct testclock *t);
void testclock_forward(struct testclock *t, uint64_t ms);
/* The clock; `t` is borrowed. */
struct clock testclock(struct testclock *t);

#endif
