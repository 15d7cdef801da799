/*
 * Many askers at one guard: its own loop, lanes and threads, in this process,
 * with the bench in the place of a front.  No TLS and no HTTP/2; everything
 * behind them is what the daemon runs.
 */
#ifndef TESTS_BENCH_CROWD_H
#define TESTS_BENCH_CROWD_H

#include "relay/guard/core/core.h"

struct crowd;

/* The guard of this core, on a thread of its own.  One front. */
struct crowd *crowd_new(struct core *core);
/* Stops the guard in order; requests that wait are not answered any more. */
void crowd_free(struct crowd *c);

struct crowd_request {
	enum core_listener listener;
	struct span certificate, authority;
	const char *method, *target;
	const struct core_field *fields;
	size_t field_count;
	struct span body;
};

/* `self` and `tag` as given; the body lives until it returns.  It may send. */
typedef void crowd_answered(void *self, size_t tag, int status,
			    struct span body, double took_s);
void crowd_send(struct crowd *c, const struct crowd_request *request,
		crowd_answered *answered, void *self, size_t tag);
/* Sent and not answered yet. */
size_t crowd_waiting(const struct crowd *c);

/* Runs until `over` says true or the seconds have passed; asked after every
 * turn and at least each millisecond.  False if they passed. */
bool crowd_run(struct crowd *c, bool (*over)(void *self), void *self,
	       double seconds);

#endif
