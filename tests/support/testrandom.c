/* A random source that a seed decides. */
#include "tests/support/testrandom.h"

void testrandom_init(struct testrandom *t, uint64_t seed)
{
	t->seed = seed;
	atomic_init(&t->drawn, 0);
	t->broken = false;
}

/* splitmix64 (Steele, Lea, Flood 2014) of a counter. */
static uint64_t mix(uint64_t x)
{
	x += UINT64_C(0x9e3779b97f4a7c15);
	x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
	return x ^ (x >> 31);
}

static struct err fill(void *self, void *out, size_t len)
{
	struct testrandom *t = self;
	uint8_t *at = out;

	if (t->broken)
		return err_make(ERR_INTERNAL, "no random bytes");
	for (size_t i = 0; i < len; i++) {
		uint64_t n = atomic_fetch_add(&t->drawn, 1);

		at[i] = (uint8_t)(mix(mix(t->seed) + n / 8) >> (n % 8 * 8));
	}
	return ERR_NONE;
}

struct random testrandom(struct testrandom *t)
{
	return (struct random){fill, t};
}
