/*
 * Figures: one line each on stdout, one row each in a file of tab-separated
 * values (name, value, unit, limit, ratio).
 *
 * A limit is the peer or the physical bound, measured in the same run; the
 * ratio is value by limit.  A figure without a limit has "-" for both.
 */
#ifndef TESTS_BENCH_FIGURE_H
#define TESTS_BENCH_FIGURE_H

#include "proto/base/err.h"

#include <stddef.h>

/* Makes `path`; ends the program if it cannot. */
void figure_open(const char *path);
void figure_close(void);
/* `limit` 0: none. */
void figure_put(const char *name, double value, const char *unit, double limit);
/* A line for people, on stdout alone. */
void figure_say(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Seconds: of the wall, of this thread's and of this process's processor
 * time. */
double figure_wall(void);
double figure_thread_cpu(void);
double figure_process_cpu(void);

/* The two clocks of one measurement: of the wall, and of this thread's
 * processor time, which other work on the machine disturbs less. */
struct figure_cost {
	double wall, cpu;
};
enum { FIGURE_COSTS_MAX = 1024 };
struct figure_cost figure_cost_begin(void);
/* Adds what has passed since `began`. */
void figure_cost_add(struct figure_cost *sum, struct figure_cost began);
/* The median of each. */
struct figure_cost figure_cost_median(const struct figure_cost *at,
				      size_t count);

/* Sorts `at`; the value below which `part` (0..1) of them lie. */
double figure_quantile(double *at, size_t count, double part);

#endif
