#include "relay/guard/writer.h"
#include "relay/guard/calls.h"
#include "relay/guard/task.h"

static void run_other(struct guard *g, struct work *work)
{
	switch ((enum task_work)work->kind) {
	case WORK_TICK:
		core_tick(g->core);
		return;
	case WORK_FLUSH:
		core_write(g->core, NULL, 0);
		return;
	case WORK_CALLS:
		calls_collect(g);
		return;
	case WORK_CALL_DONE:
		calls_write_outcome(g, work);
		return;
	case WORK_CHECK:
	case WORK_WRITE:
	case WORK_READ:
	case WORK_BODY:
	case WORK_STORE:
	case WORK_BODY_END:
	case WORK_SEAL:
	case WORK_BACKUP:
		return;
	}
}

void writer_run(void *owner, unsigned thread, struct work **works, size_t count)
{
	struct guard *g = owner;
	struct task *tasks[CORE_BATCH_MAX];
	size_t n = 0;

	for (size_t i = 0; i < count; i++)
		if (works[i]->kind == WORK_WRITE)
			tasks[n++] = (struct task *)works[i];
	if (n)
		task_run_writes(g, tasks, n);
	for (size_t i = 0; i < count; i++)
		if (works[i]->kind != WORK_WRITE)
			run_other(g, works[i]);
}
