/* A clock that only the test moves. */
#include "tests/support/testclock.h"

void testclock_init(struct testclock *t)
{
	atomic_init(&t->now_ms, UINT64_C(1767225600000));
}

void testclock_forward(struct testclock *t, uint64_t ms)
{
	atomic_fetch_add(&t->now_ms, ms);
}

static uint64_t now_ms(void *self)
{
	struct testclock *t = self;

	return atomic_load(&t->now_ms);
}

struct clock testclock(struct testclock *t)
{
	return (struct clock){now_ms, t};
}
