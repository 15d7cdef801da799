/* What every part of the core asks of it: time, epoch, policy, garbage. */
#include "relay/guard/core/state.h"

uint64_t core_now_s(const struct core *core)
{
	return clock_s(&core->clock);
}

uint64_t core_epoch(const struct core *core)
{
	return atomic_load(&core->epoch);
}

bool core_dead(const struct core *core)
{
	return store_dead(core->store);
}

void core_wake(struct core *core)
{
	atomic_fetch_add(&core->epoch, 1);
}

struct policing *core_policing(struct core *core)
{
	struct policing *p;

	pthread_rwlock_rdlock(&core->policing_lock);
	p = policing_keep(core->policing);
	pthread_rwlock_unlock(&core->policing_lock);
	return p;
}

void core_policing_set(struct core *core, struct policing *policing)
{
	struct policing *old;

	pthread_rwlock_wrlock(&core->policing_lock);
	old = core->policing;
	core->policing = policing;
	pthread_rwlock_unlock(&core->policing_lock);
	atomic_fetch_add(&core->authority, 1);
	policing_release(old);
	core_wake(core);
}

void core_garbage(struct core *core, struct doc_id doc)
{
	pthread_mutex_lock(&core->lock);
	if (core->garbage_count < CORE_GARBAGE_MAX)
		core->garbage[core->garbage_count++] = doc;
	pthread_mutex_unlock(&core->lock);
}
