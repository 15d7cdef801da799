/* Figures, and the clocks they are taken with. */
#include "tests/bench/figure.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static FILE *table;

void figure_open(const char *path)
{
	table = fopen(path, "we");
	if (!table) {
		perror(path);
		exit(EXIT_FAILURE);
	}
	fputs("name\tvalue\tunit\tlimit\tratio\n", table);
}

void figure_close(void)
{
	if (table)
		fclose(table);
	table = NULL;
}

void figure_put(const char *name, double value, const char *unit, double limit)
{
	printf("%-36s %12.6g %-10s", name, value, unit);
	fprintf(table, "%s\t%.6g\t%s\t", name, value, unit);
	if (limit > 0) {
		printf(" limit %12.6g  ratio %.3g", limit, value / limit);
		fprintf(table, "%.6g\t%.4g\n", limit, value / limit);
	} else {
		fputs("-\t-\n", table);
	}
	putchar('\n');
	fflush(stdout);
	fflush(table);
}

void figure_say(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	fputs("# ", stdout);
	vprintf(format, args);
	putchar('\n');
	va_end(args);
	fflush(stdout);
}

static double read_clock(clockid_t which)
{
	struct timespec t;

	clock_gettime(which, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

double figure_wall(void)
{
	return read_clock(CLOCK_MONOTONIC);
}

double figure_thread_cpu(void)
{
	return read_clock(CLOCK_THREAD_CPUTIME_ID);
}

double figure_process_cpu(void)
{
	return read_clock(CLOCK_PROCESS_CPUTIME_ID);
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

double figure_quantile(double *at, size_t count, double part)
{
	if (!count)
		return 0;
	qsort(at, count, sizeof(*at), by_value);
	return at[(size_t)(part * (double)(count - 1) + 0.5)];
}

struct figure_cost figure_cost_begin(void)
{
	return (struct figure_cost){figure_wall(), figure_thread_cpu()};
}

void figure_cost_add(struct figure_cost *sum, struct figure_cost began)
{
	sum->wall += figure_wall() - began.wall;
	sum->cpu += figure_thread_cpu() - began.cpu;
}

struct figure_cost figure_cost_median(const struct figure_cost *at,
				      size_t count)
{
	double wall[FIGURE_COSTS_MAX], cpu[FIGURE_COSTS_MAX];

	if (count > FIGURE_COSTS_MAX)
		count = FIGURE_COSTS_MAX;
	for (size_t i = 0; i < count; i++) {
		wall[i] = at[i].wall;
		cpu[i] = at[i].cpu;
	}
	return (struct figure_cost){figure_quantile(wall, count, 0.5),
				    figure_quantile(cpu, count, 0.5)};
}
