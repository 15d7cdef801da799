/*
 * What time it is, handed in: the daemon hands in the system's, tests move
 * their own.
 */
#ifndef PROTO_BASE_CLOCK_H
#define PROTO_BASE_CLOCK_H

#include <stdint.h>

struct clock {
	/* Milliseconds since 1970-01-01 UTC. Safe from any thread. */
	uint64_t (*now_ms)(void *self);
	void *self;
};

static inline uint64_t clock_ms(const struct clock *c)
{
	return c->now_ms(c->self);
}

/* UTC seconds, as signed structures carry them. */
static inline uint64_t clock_s(const struct clock *c)
{
	return clock_ms(c) / 1000;
}

#endif
