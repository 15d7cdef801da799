/* The machine's clock and random source. */
#include "client/system.h"

#include "proto/crypto/crypto.h"

#include <time.h>

static uint64_t now_ms(void *self)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

struct clock system_clock(void)
{
	return (struct clock){now_ms, NULL};
}

struct random system_random(void)
{
	return (struct random){crypto_random_fill, NULL};
}
