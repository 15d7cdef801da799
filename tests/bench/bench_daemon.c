/*
 * Puts over HTTP/2 with mutual TLS: PUTs made beforehand, each a new document
 * of 1 KiB, by one device over one connection for every 16 streams.  The
 * generator runs on the same cores as the daemon; nothing is subtracted.
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

static const struct {
	size_t streams, puts;
} loads[] = {{1, 400}, {16, 4000}, {64, PUTS_MAX}};
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

static void show(size_t streams, size_t count, const struct outcome *o,
		 double lmdb, const struct limit_crypto *crypto)
{
	double rate = (double)count / o->wall;
	double cores =
		(double)limit_cores() / (crypto->verify_s + crypto->open_s);
	double us = 1e6 / (double)count;
	char name[64];

	snprintf(name, sizeof(name), "put.streams%zu/lmdb", streams);
	figure_put(name, rate, "puts/s", lmdb);
	snprintf(name, sizeof(name), "put.streams%zu/verify+open on all cores",
		 streams);
	figure_put(name, rate, "puts/s", cores);
	snprintf(name, sizeof(name), "put.streams%zu.p50", streams);
	figure_put(name, o->p50 * 1e3, "ms", 0);
	snprintf(name, sizeof(name), "put.streams%zu.p99", streams);
	figure_put(name, o->p99 * 1e3, "ms", 0);
	snprintf(name, sizeof(name), "put.streams%zu.cpu-guard", streams);
	figure_put(name, o->guard * us, "us/put", 0);
	snprintf(name, sizeof(name), "put.streams%zu.cpu-fronts", streams);
	figure_put(name, o->fronts * us, "us/put", 0);
	snprintf(name, sizeof(name), "put.streams%zu.cpu-generator", streams);
	figure_put(name, o->generator * us, "us/put", 0);
}

/* LMDB alone with rows of the same sizes, one commit for each `group`. */
static double lmdb_rate(struct limit_store *raw, struct place *p, size_t count,
			size_t group)
{
	struct limit_rows *rows = limit_rows_read(p, count, group);
	double took = limit_store_write(raw, rows);

	limit_rows_free(rows);
	return (double)count / took;
}

void bench_daemon(const char *folder, const char *programs)
{
	static struct place_put puts[LOADS][PUTS_MAX];
	struct limit_store *raw = limit_store_new(folder, "lmdb-daemon");
	struct outcome out[LOADS];
	struct limit_crypto crypto;
	struct engine_trust trust;
	struct http_peer peer;
	struct serving serving;
	struct place p;

	place_new(&p, folder, "daemon");
	crypto = limit_crypto(&p);
	for (size_t l = 0; l < LOADS; l++)
		for (size_t i = 0; i < loads[l].puts; i++)
			place_put(&p, buf_span(&p.restricted), "GBR/ops",
				  CONTENT, &puts[l][i]);
	trust = engine_trust(p.writer->engine);
	serving_start(&serving, &p, programs);
	peer = (struct http_peer){.endpoint = serving.endpoint,
				  .ca = trust.ca,
				  .certificate = trust.certificate,
				  .key = trust.key};
	for (size_t l = 0; l < LOADS; l++)
		out[l] = run_load(&serving, &peer, puts[l], loads[l].puts,
				  loads[l].streams);
	serving_stop(&serving);
	/* What the daemon wrote, once more. */
	world_open(&p.w, p.relay);
	for (size_t l = 0; l < LOADS; l++) {
		double lmdb =
			lmdb_rate(raw, &p, loads[l].puts, loads[l].streams);

		show(loads[l].streams, loads[l].puts, &out[l], lmdb, &crypto);
		for (size_t i = 0; i < loads[l].puts; i++)
			place_put_clear(&puts[l][i]);
	}
	place_free(&p);
	limit_store_free(raw);
}
