/*
 * Puts without a network: jobs that are checked beforehand go through
 * core_write in groups, with the sealer beside it as in the daemon.  Beside
 * them, one commit of each in turns, the same rows straight into LMDB: those
 * of the turn before.  Then the pages that a commit writes.
 */
#include "relay/guard/core/state.h"
#include "tests/bench/bench.h"
#include "tests/bench/figure.h"
#include "tests/bench/limit.h"

#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum {
	CONTENT = 1024,
	TURNS = 4, /* that count; one more before them */
	JOBS_MAX = 1024,
	ALONE = 120, /* puts of a turn in groups of one */
	SEAL_MS = 25,
	PAGE = 4096,
	PAGED = 64, /* puts and edits whose pages are counted */
};

static const struct {
	size_t group, jobs; /* of one turn */
} sizes[] = {{1, ALONE}, {16, 512}, {64, 1024}};

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
		usleep(SEAL_MS * 1000);
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

/* What one size of groups took. */
struct turns {
	double ours, theirs, cpu; /* seconds */
	size_t puts, commits;
	double our_commits[TURNS * ALONE], their_commits[TURNS * ALONE];
};

/* Ours and theirs, commit by commit; without `rows` ours alone, uncounted. */
static void write_turn(struct place *p, struct sealer *sealer,
		       struct limit_store *raw, const struct limit_rows *rows,
		       size_t count, size_t group, struct turns *t)
{
	for (size_t i = 0; i < count; i += group) {
		size_t n = count - i < group ? count - i : group;
		double began = figure_wall(), spent = figure_thread_cpu();
		double ours, theirs;

		core_write(p->relay->core, &jobs[i], n);
		ours = figure_wall() - began;
		spent = figure_thread_cpu() - spent;
		sem_post(&sealer->some);
		if (!rows)
			continue;
		theirs = limit_store_commit(raw, rows, i);
		t->ours += ours;
		t->theirs += theirs;
		t->cpu += spent;
		t->puts += n;
		if (t->commits < TURNS * ALONE) {
			t->our_commits[t->commits] = ours;
			t->their_commits[t->commits] = theirs;
		}
		t->commits++;
	}
}

static void drop_jobs(size_t count)
{
	for (size_t i = 0; i < count; i++) {
		place_expect(jobs[i], 201);
		job_free(jobs[i]);
	}
}

static void say_turns(struct turns *t, size_t group)
{
	double puts = (double)t->puts;
	char name[64];

	snprintf(name, sizeof(name), "store.puts.group%zu/lmdb", group);
	figure_put(name, puts / t->ours, "puts/s", puts / t->theirs);
	snprintf(name, sizeof(name), "store.writer-cpu.group%zu", group);
	figure_put(name, t->cpu / puts * 1e6, "us/put", 0);
	if (group != 1)
		return;
	figure_put("store.latency.p50/lmdb commit",
		   figure_quantile(t->our_commits, t->commits, 0.5) * 1e6, "us",
		   figure_quantile(t->their_commits, t->commits, 0.5) * 1e6);
	figure_put("store.latency.p99/lmdb commit",
		   figure_quantile(t->our_commits, t->commits, 0.99) * 1e6,
		   "us",
		   figure_quantile(t->their_commits, t->commits, 0.99) * 1e6);
}

/* ---- pages ---- */

/* Bytes that this thread has handed to write calls: LMDB writes each dirty
 * page of a commit once, whole, and 64 bytes or so of a meta page. */
static double written(void)
{
	FILE *f = fopen("/proc/thread-self/io", "re");
	unsigned long long n = 0;
	char line[64];

	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "wchar: %llu", &n) == 1)
			break;
	if (f)
		fclose(f);
	return (double)n;
}

static double pages_of_ours(struct place *p, size_t count, size_t group)
{
	double before = written();

	for (size_t i = 0; i < count; i += group)
		core_write(p->relay->core, &jobs[i], group);
	return (written() - before) / PAGE / (double)count;
}

static double pages_of_theirs(struct limit_store *raw, struct place *p,
			      size_t count, size_t group)
{
	struct limit_rows *rows = limit_rows_read(p, count, group);
	double before = written(), spent;

	limit_store_write(raw, rows);
	spent = written() - before;
	limit_rows_free(rows);
	return spent / PAGE / (double)count;
}

/* A put or an edit of a device, ready for core_write. */
static struct job *device_job(struct place *p, struct world_device *d,
			      const struct engine_put *put, struct doc_id *id)
{
	struct core_field field = {span_str(put->edit ? "if-match"
						      : "if-none-match"),
				   span_str("*")};
	char text[DOC_ID_TEXT_LEN + 1], target[64];
	struct digest digest;
	struct job *job;
	struct buf body;

	buf_init(&body, 64 << 10);
	world_must(engine_seal(d->engine, put, id, &digest, &body));
	doc_id_format(*id, text);
	snprintf(target, sizeof(target), "/v1/documents/%s", text);
	job = place_job(p, d, "PUT", target, &field, 1, buf_span(&body));
	if (core_check(job) != CORE_NEXT_WRITE)
		place_expect(job, 200);
	buf_clear(&body);
	return job;
}

static void free_jobs(size_t count)
{
	for (size_t i = 0; i < count; i++) {
		place_expect(jobs[i], 0);
		job_free(jobs[i]);
	}
}

/* Documents of a space of their own, so that their editor knows no others. */
static void pages(struct place *p, struct limit_store *raw, size_t group)
{
	static uint8_t content[CONTENT];
	static const char *const spaces[] = {"GBR/pages"};
	struct engine_put put = {.space = span_str(spaces[0]),
				 .label = buf_span(&p->restricted),
				 .title = span_str("a document of the bench"),
				 .content = {.bytes = SPAN_OBJ(content)}};
	struct doc_id ids[PAGED];
	struct world_device *editor;
	char name[64];
	struct buf clearance;
	double ours;

	snprintf(name, sizeof(name), "editor%zu", group);
	world_file("docs/policy/clearances/gbr-restricted.xml", &clearance);
	world_subject(&p->w, p->relay, name, buf_span(&clearance),
		      SUBJECT_WRITE, spaces, 1);
	buf_clear(&clearance);
	editor = world_device(&p->w, p->relay, name);
	for (size_t i = 0; i < PAGED; i++)
		jobs[i] = device_job(p, editor, &put, &ids[i]);
	ours = pages_of_ours(p, PAGED, group);
	free_jobs(PAGED);
	snprintf(name, sizeof(name), "store.pages.put.group%zu/lmdb", group);
	figure_put(name, ours, "pages/put",
		   pages_of_theirs(raw, p, PAGED, group));
	ours = written();
	place_seal(p);
	snprintf(name, sizeof(name), "store.pages.seal.group%zu", group);
	figure_put(name, (written() - ours) / PAGE / PAGED, "pages/put", 0);
	world_must(world_sync(&p->w, editor));
	put.edit = true;
	for (size_t i = 0; i < PAGED; i++) {
		put.id = ids[i];
		jobs[i] = device_job(p, editor, &put, &ids[i]);
	}
	snprintf(name, sizeof(name), "store.pages.update.group%zu", group);
	figure_put(name, pages_of_ours(p, PAGED, group), "pages/update", 0);
	free_jobs(PAGED);
	place_seal(p);
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
		struct limit_rows *rows = NULL;
		static struct turns turns;

		turns = (struct turns){0};
		for (int turn = 0; turn <= TURNS; turn++) {
			check += make_jobs(&p, n);
			checked += (double)n;
			write_turn(&p, &sealer, raw, rows, n, group, &turns);
			drop_jobs(n);
			if (rows)
				limit_rows_free(rows);
			rows = limit_rows_read(&p, n, group);
		}
		limit_rows_free(rows);
		say_turns(&turns, group);
	}
	figure_put("store.check-cpu/verify+open", check / checked * 1e6,
		   "us/put", (crypto.verify_s + crypto.open_s) * 1e6);
	sealer_stop(&sealer);
	place_seal(&p);
	pages(&p, raw, 1);
	pages(&p, raw, 16);
	pages(&p, raw, 64);
	place_free(&p);
	limit_store_free(raw);
}
