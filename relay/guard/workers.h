/*
 * Threads that work for the guard's loop: a queue, some threads, and a way
 * back to the loop.  The only file of the daemon with threads in it.
 *
 * A `work` is owned by the loop; while it is submitted nobody but its thread
 * touches it.  The queue has no cap of its own: the guard bounds what it
 * takes on.
 */
#ifndef RELAY_GUARD_WORKERS_H
#define RELAY_GUARD_WORKERS_H

#include "proto/base/err.h"

#include <stddef.h>
#include <uv.h>

struct work {
	struct work *next;
	int kind; /* enum task_work, relay/guard/task.h */
};

struct workers_config {
	uv_loop_t *loop;
	unsigned threads;
	size_t batch; /* most that one call of `run` gets; at most 256 */
	/* On thread number `thread`. */
	void (*run)(void *owner, unsigned thread, struct work **works,
		    size_t count);
	/* Asked by a thread before it takes up fewer than `gather` works:
	 * whether others are on their way and worth a short sleep.  NULL:
	 * they are not waited for. */
	bool (*more)(void *owner);
	size_t gather;
	/* On the loop, for each. */
	void (*done)(void *owner, struct work *work);
	void *owner;
	/* Of its threads: greater than 0, they give way to the others of the
	 * process wherever both could run. */
	int nice;
};

struct workers;

struct err workers_new(const struct workers_config *config,
		       struct workers **out);
void workers_submit(struct workers *w, struct work *work);
/* Submitted and not yet done. */
size_t workers_load(const struct workers *w);
/* Finishes what is queued, joins the threads, hands over what is done. The
 * memory goes when the loop has let go. NULL does nothing. */
void workers_free(struct workers *w);

#endif
