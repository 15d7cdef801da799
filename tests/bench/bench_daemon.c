/*
 * Puts over HTTP/2 with mutual TLS: PUTs made beforehand, each a new document
 * of 1 KiB, by one device over one connection for every 16 streams.
 *
 * Two kinds of load: with an `enc` of its own in each put, which costs the
 * guard a key agreement, and with one `enc` for all, as our client does it.
 * Limit A is LMDB alone with the same rows in groups of as many as there are
 * streams.  Limit B is what the cores can do of a put's arithmetic: a
 * signature check and a key opening, or the check alone where the agreement is
 * reused; of the cores what is left beside the generator, whose processor time
 * is measured apart.
 */
#include "tests/bench/bench.h"

#include "client/http.h"
#include "tests/bench/figure.h"
#include "tests/bench/limit.h"
#include "tests/bench/serving.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

enum { CONTENT = 1024, THREADS_MAX = 4, PUTS_MAX = 8000 };

static const struct load {
	size_t streams, puts;
	bool fresh; /* an `enc` for each */
	const char *name;
} loads[] = {
	{1, 400, true, "put.streams1.fresh-enc"},
	{1, 400, false, "put.streams1.one-enc"},
	{16, 4000, true, "put.streams16.fresh-enc"},
	{16, 4000, false, "put.streams16.one-enc"},
	{64, PUTS_MAX, true, "put.streams64.fresh-enc"},
	{64, PUTS_MAX, false, "put.streams64.one-enc"},
};
enum { LOADS = sizeof(loads) / sizeof(loads[0]) };

/* One connection with its share of the puts. */
struct lane {
	const struct http_peer *peer;
	pthread_barrier_t *start;
	const struct place_put *puts;
	size_t count, streams;
	double *sent, *took; /* seconds, for each put */
	pthread_t thread;
};

static void send_put(struct lane *lane, struct http_connection *c, size_t i)
{
	struct http_field field = {span_str("if-none-match"), span_str("*")};
	struct http_call call = {
		.method = span_str("PUT"),
		.target = span_str(lane->puts[i].target),
		.fields = &field,
		.fields_count = 1,
		.body = buf_span(&lane->puts[i].body),
		.id = i,
	};

	lane->sent[i] = figure_wall();
	world_must(http_connection_send(c, &call));
}

static void *run_lane(void *arg)
{
	struct lane *lane = arg;
	struct http_connection *c = NULL;
	struct http_answer answer;
	size_t next = 0;

	world_must(http_connection_open(lane->peer, &c));
	pthread_barrier_wait(lane->start);
	while (next < lane->streams && next < lane->count)
		send_put(lane, c, next++);
	while (http_connection_wait(c, &answer)) {
		lane->took[answer.id] = figure_wall() - lane->sent[answer.id];
		if (answer.status != 201) {
			fprintf(stderr, "bench: put: status %d %.*s\n",
				answer.status, (int)answer.body.len,
				(const char *)answer.body.at);
			world_must(answer.why);
			exit(EXIT_FAILURE);
		}
		http_connection_give_back(c);
		if (next < lane->count)
			send_put(lane, c, next++);
	}
	http_connection_close(c);
	return NULL;
}

/* What one load took: of the wall, and of whom's processor time. */
struct outcome {
	double wall, p50, p99, generator, guard, fronts;
};

static struct outcome run_load(const struct serving *s,
			       const struct http_peer *peer,
			       const struct place_put *puts, size_t count,
			       size_t streams)
{
	static double sent[PUTS_MAX], took[PUTS_MAX];
	struct serving_cpu before = serving_cpu(s), after;
	struct lane lanes[THREADS_MAX];
	size_t threads = (streams + HTTP_STREAMS_MAX - 1) / HTTP_STREAMS_MAX;
	pthread_barrier_t start;
	struct outcome out;
	double cpu;

	pthread_barrier_init(&start, NULL, (unsigned)threads + 1);
	for (size_t i = 0; i < threads; i++) {
		size_t from = count * i / threads;

		lanes[i] = (struct lane){
			.peer = peer,
			.start = &start,
			.puts = puts + from,
			.count = count * (i + 1) / threads - from,
			.streams = streams / threads,
			.sent = sent + from,
			.took = took + from,
		};
		if (pthread_create(&lanes[i].thread, NULL, run_lane, &lanes[i]))
			abort();
	}
	cpu = figure_process_cpu();
	pthread_barrier_wait(&start);
	out.wall = figure_wall();
	for (size_t i = 0; i < threads; i++)
		pthread_join(lanes[i].thread, NULL);
	out.wall = figure_wall() - out.wall;
	out.generator = figure_process_cpu() - cpu;
	after = serving_cpu(s);
	out.guard = after.guard - before.guard;
	out.fronts = after.fronts - before.fronts;
	out.p50 = figure_quantile(took, count, 0.5);
	out.p99 = figure_quantile(took, count, 0.99);
	pthread_barrier_destroy(&start);
	return out;
}

static void put_figure(const struct load *load, const char *what, double value,
		       const char *unit, double limit)
{
	char name[96];

	snprintf(name, sizeof(name), "%s%s%s", load->name, *what ? "." : "",
		 what);
	figure_put(name, value, unit, limit);
}

/* Puts a second that the cores could do beside the generator, if a put were
 * nothing but `arithmetic` seconds. */
static double limit_b(const struct outcome *o, double arithmetic)
{
	return ((double)limit_cores() - o->generator / o->wall) / arithmetic;
}

static void show(const struct load *load, const struct outcome *o, double lmdb,
		 const struct limit_crypto *crypto)
{
	double rate = (double)load->puts / o->wall;
	double both = limit_b(o, crypto->verify_s + crypto->open_s);
	double check = limit_b(o, crypto->verify_s);
	double b = load->fresh ? both : check;
	double us = 1e6 / (double)load->puts;

	put_figure(load, "of A, LMDB alone", rate, "puts/s", lmdb);
	put_figure(load, "of B, check and opening", rate, "puts/s", both);
	if (!load->fresh)
		put_figure(load, "of B, check alone", rate, "puts/s", check);
	put_figure(load, "of the lower of A and B", rate, "puts/s",
		   lmdb < b ? lmdb : b);
	put_figure(load, "cpu-guard", o->guard * us, "us/put", 0);
	put_figure(load, "cpu-fronts", o->fronts * us, "us/put", 0);
	put_figure(load, "cpu-generator", o->generator * us, "us/put", 0);
}

/* A put beside a commit of LMDB, `took` for each. */
static void show_latency(const struct load *load, const struct outcome *o,
			 double *took)
{
	double p50 = 0, p99 = 0;

	if (took) {
		p50 = figure_quantile(took, load->puts, 0.5) * 1e3;
		p99 = figure_quantile(took, load->puts, 0.99) * 1e3;
	}
	put_figure(load, took ? "p50 of LMDB's commit" : "p50", o->p50 * 1e3,
		   "ms", p50);
	put_figure(load, took ? "p99 of LMDB's commit" : "p99", o->p99 * 1e3,
		   "ms", p99);
}

/* LMDB alone with rows of the same sizes, one commit for each `group`. */
static double lmdb_rate(struct limit_store *raw, struct place *p,
			const struct load *load)
{
	struct limit_rows *rows = limit_rows_read(p, load->puts, load->streams);
	double took = limit_store_write(raw, rows);

	limit_rows_free(rows);
	return (double)load->puts / took;
}

static void make_puts(struct place *p, const struct load *load,
		      struct place_put *out)
{
	for (size_t i = 0; i < load->puts; i++) {
		place_put(p, buf_span(&p->restricted), "GBR/ops", CONTENT,
			  &out[i]);
		if (load->fresh)
			place_put_fresh(p, &out[i]);
	}
}

/* Commits of LMDB alone while the daemon is idle, right behind the load that
 * they stand beside: the pace of a disk changes. */
static double *time_commits(struct limit_store *raw,
			    const struct limit_rows *rows,
			    const struct load *load)
{
	double *took;

	if (load->streams > 1)
		return NULL;
	took = calloc(load->puts, sizeof(*took));
	if (!took)
		abort();
	limit_store_commits(raw, rows, took);
	return took;
}

void bench_daemon(const char *folder, const char *programs)
{
	static struct place_put puts[LOADS][PUTS_MAX];
	struct limit_store *raw = limit_store_new(folder, "lmdb-daemon");
	struct limit_store *one = limit_store_new(folder, "lmdb-commits");
	struct limit_rows *rows;
	struct outcome out[LOADS];
	double *commits[LOADS];
	struct limit_crypto crypto;
	struct engine_trust trust;
	struct http_peer peer;
	struct serving serving;
	struct place p;

	place_new(&p, folder, "daemon");
	crypto = limit_crypto(&p);
	figure_put("arithmetic.signature check", crypto.verify_s * 1e6, "us",
		   0);
	figure_put("arithmetic.key opening", crypto.open_s * 1e6, "us", 0);
	for (size_t l = 0; l < LOADS; l++)
		make_puts(&p, &loads[l], puts[l]);
	place_fill(&p, buf_span(&p.restricted), "GBR/ops", CONTENT,
		   loads[0].puts);
	rows = limit_rows_read(&p, loads[0].puts, 1);
	trust = engine_trust(p.writer->engine);
	serving_start(&serving, &p, programs);
	peer = (struct http_peer){.endpoint = serving.endpoint,
				  .ca = trust.ca,
				  .certificate = trust.certificate,
				  .key = trust.key};
	for (size_t l = 0; l < LOADS; l++) {
		out[l] = run_load(&serving, &peer, puts[l], loads[l].puts,
				  loads[l].streams);
		commits[l] = time_commits(one, rows, &loads[l]);
	}
	serving_stop(&serving);
	/* What the daemon wrote, once more. */
	world_open(&p.w, p.relay);
	for (size_t l = 0; l < LOADS; l++) {
		double lmdb = lmdb_rate(raw, &p, &loads[l]);

		show(&loads[l], &out[l], lmdb, &crypto);
		show_latency(&loads[l], &out[l], commits[l]);
		free(commits[l]);
		for (size_t i = 0; i < loads[l].puts; i++)
			place_put_clear(&puts[l][i]);
	}
	limit_rows_free(rows);
	place_free(&p);
	limit_store_free(one);
	limit_store_free(raw);
}
