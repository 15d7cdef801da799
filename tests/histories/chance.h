/* Chance that a seed decides (SplitMix64). */
#ifndef TESTS_HISTORIES_CHANCE_H
#define TESTS_HISTORIES_CHANCE_H

#include <stdbool.h>
#include <stdint.h>

struct chance {
	uint64_t state;
};

static inline uint64_t chance_draw(struct chance *c)
{
	uint64_t z = c->state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

static inline unsigned chance_below(struct chance *c, unsigned n)
{
	return (unsigned)(chance_draw(c) % n);
}

static inline bool chance_percent(struct chance *c, unsigned p)
{
	return chance_below(c, 100) < p;
}

#endif
