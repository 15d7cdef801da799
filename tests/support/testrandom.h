/*
 * A random source that a seed decides: the same run again.
 */
#ifndef TESTS_SUPPORT_TESTRANDOM_H
#define TESTS_SUPPORT_TESTRANDOM_H

#include "proto/base/random.h"

#include <stdatomic.h>
#include <stdint.h>

struct testrandom {
	uint64_t seed;
	_Atomic uint64_t drawn;
	bool broken; /* every draw fails */
};

void testrandom_init(struct testrandom *t, uint64_t seed);
/* The source; `t` is borrowed. */
struct random testrandom(struct testrandom *t);

#endif
