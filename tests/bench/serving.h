/*
 * The daemon itself, started on the folder of a place whose core is closed.
 */
#ifndef TESTS_BENCH_SERVING_H
#define TESTS_BENCH_SERVING_H

#include "tests/bench/place.h"

#include <sys/types.h>

struct serving {
	pid_t pid;
	char log[256];
	char endpoint[32]; /* of the device listener, any free port */
};

/* Closes the place's core and starts `programs`/entented; ends the program if
 * it is not ready within a minute. */
void serving_start(struct serving *s, struct place *p, const char *programs);
/* In order; ends the program if it does not stop so. */
void serving_stop(struct serving *s);

/* Processor seconds so far: of the guard, and of the fronts together. */
struct serving_cpu {
	double guard, fronts;
};
struct serving_cpu serving_cpu(const struct serving *s);

#endif
