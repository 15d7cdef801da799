/*
 * Puts without a network: jobs that are checked beforehand go through
 * core_write in groups, with the sealer beside it as in the daemon.  Beside
 * them, in turns, the very same rows straight into LMDB.
 */
#include "relay/guard/core/state.h"
#include "tests/bench/bench.h"
#include "tests/bench/figure.h"
#include "tests/bench/limit.h"

#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>

enum { CONTENT = 1024, TURNS = 4, JOBS_MAX = 1024 };

static const struct {
	size_t group, jobs; /* of one turn */
} sizes[] = {{1, 60}, {16, 512}, {64, 1024}};

struct sealer {
	struct core *core;
	pthread_t thread;
	sem_t some;
	atomic_bool ends;
};

static void *seal_on(void *arg)
{
	struct sealer *s = arg;

	for (;;) {
		sem_wait(&s->some);
		if (atomic_load(&s->ends))
			return NULL;
		while (core_seal(s->core))
			;
	}
}

static void sealer_start(struct sealer *s, struct core *core)
{
	s->core = core;
	atomic_init(&s->ends, false);
	sem_init(&s->some, 0, 0);
	if (pthread_create(&s->thread, NULL, seal_on, s))
		abort();
}

static void sealer_stop(struct sealer *s)
{
	atomic_store(&s->ends, true);
	sem_post(&s->some);
	pthread_join(s->thread, NULL);
	sem_destroy(&s->some);
}

static struct job *jobs[JOBS_MAX];

/* Seconds to make them, without the signing that a device does. */
static double make_jobs(struct place *p, size_t count)
{
	double spent = 0;

	for (size_t i = 0; i < count; i++) {
		struct place_put put;
		double began;

		place_put(p, buf_span(&p->restricted), "GBR/ops", CONTENT,
			  &put);
		began = figure_thread_cpu();
		jobs[i] = place_put_job(p, &put);
		spent += figure_thread_cpu() - began;
		place_put_clear(&put);
	}
	return spent;
}

static double write_jobs_now(struct place *p, struct sealer *sealer,
			     size_t count, size_t group, double *cpu)
{
	double began = figure_wall(), spent = figure_thread_cpu();

	for (size_t i = 0; i < count; i += group) {
		size_t n = count - i < group ? count - i : group;

		core_write(p->relay->core, &jobs[i], n);
		sem_post(&sealer->some);
	}
	*cpu += figure_thread_cpu() - spent;
	return figure_wall() - began;
}

static void drop_jobs(size_t count)
{
	for (size_t i = 0; i < count; i++) {
		place_expect(jobs[i], 201);
		job_free(jobs[i]);
	}
}

void bench_store(const char *folder)
{
	struct limit_store *raw = limit_store_new(folder, "lmdb");
	struct limit_crypto crypto;
	double check = 0, checked = 0;
	struct sealer sealer;
	struct place p;

	place_new(&p, folder, "store");
	crypto = limit_crypto(&p);
	sealer_start(&sealer, p.relay->core);
	for (size_t s = 0; s < sizeof(sizes) / sizeof(sizes[0]); s++) {
		size_t n = sizes[s].jobs, group = sizes[s].group;
		double ours = 0, theirs = 0, cpu = 0;
		char name[64];

		for (int turn = 0; turn < TURNS; turn++) {
			struct limit_rows *rows;

			check += make_jobs(&p, n);
			checked += (double)n;
			ours += write_jobs_now(&p, &sealer, n, group, &cpu);
			drop_jobs(n);
			rows = limit_rows_read(&p, n, group);
			theirs += limit_store_write(raw, rows);
			limit_rows_free(rows);
		}
		n *= TURNS;
		snprintf(name, sizeof(name), "store.puts.group%zu/lmdb", group);
		figure_put(name, (double)n / ours, "puts/s",
			   (double)n / theirs);
		snprintf(name, sizeof(name), "store.writer-cpu.group%zu",
			 group);
		figure_put(name, cpu / (double)n * 1e6, "us/put", 0);
	}
	figure_put("store.check-cpu/verify+open", check / checked * 1e6,
		   "us/put", (crypto.verify_s + crypto.open_s) * 1e6);
	sealer_stop(&sealer);
	place_free(&p);
	limit_store_free(raw);
}
