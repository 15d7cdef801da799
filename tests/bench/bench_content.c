/*
 * Large content through the whole daemon: 1 GiB up and down over HTTP/2 with
 * mutual TLS, beside plain writes and reads of the same bytes in turns with
 * it, and what small puts feel of an upload.  The generator runs on the same
 * cores; nothing is subtracted.
 */
#include "tests/bench/bench.h"

#include "proto/document/segment.h"
#include "relay/guard/core/core.h"
#include "tests/bench/carrier.h"
#include "tests/bench/figure.h"
#include "tests/bench/serving.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	MIB = 1024 * 1024,
	TURNS = 8,
	/* Small puts: one each PACE_MS, whether somebody uploads or not. */
	PACE_MS = 10,
	IDLE_MS = 600,
	PUTS = 2000,
	SMALL = 1024,
};
static const uint64_t size = UINT64_C(1) << 30;

/* One document of 1 GiB, sealed and signed and not sent yet. */
struct large {
	char id[DOC_ID_TEXT_LEN + 1], other[DOC_ID_TEXT_LEN + 1];
	char table[DIGEST_TEXT_LEN + 1];
	struct span blob; /* mapped */
	struct buf body;  /* of its PUT */
	char path[512];
};

static void must(bool ok, const char *what)
{
	if (ok)
		return;
	fprintf(stderr, "bench: %s\n", what);
	exit(EXIT_FAILURE);
}

static void large_seal(struct large *l, struct place *p, const char *folder)
{
	char path[300];
	struct engine_put order = {.space = span_str("GBR/ops"),
				   .label = buf_span(&p->restricted),
				   .title = span_str("large"),
				   .content = {.path = path}};
	const struct journal_outgoing *o;
	struct digest digest;
	struct doc_id id;
	uint64_t task;
	int fd;

	/* Zeros seal to bytes like any others. */
	snprintf(path, sizeof(path), "%s/large", folder);
	fd = open(path, O_CREAT | O_RDWR, 0600);
	must(fd >= 0 && ftruncate(fd, (off_t)size) == 0, path);
	close(fd);
	world_must(engine_put(p->writer->engine, &order, &id, &digest, &task));
	unlink(path);
	o = journal_find_outgoing(engine_journal(p->writer->engine), digest);
	doc_id_format(id, l->id);
	digest_format(o->table, l->table);
	buf_init(&l->body, 1 << 20);
	buf_put(&l->body, o->body);
	snprintf(l->path, sizeof(l->path), "%s/content/%s", p->writer->folder,
		 l->table);
	fd = open(l->path, O_RDONLY);
	must(fd >= 0 && fsync(fd) == 0, l->path);
	l->blob = span_of(mmap(NULL, segment_blob_len(size), PROT_READ,
			       MAP_SHARED | MAP_POPULATE, fd, 0),
			  segment_blob_len(size));
	must(l->blob.at != MAP_FAILED, "mmap");
	close(fd);
	/* The same blob under another id: never put, for a second upload. */
	id.at[DOC_ID_LEN - 1] ^= 1;
	doc_id_format(id, l->other);
}

static void large_clear(struct large *l)
{
	munmap((void *)l->blob.at, l->blob.len);
	buf_clear(&l->body);
}

/* Turn `t` of the blob: whole segments, the table before the first. */
static struct span part_of(const struct large *l, unsigned t)
{
	uint64_t each = segment_count(size) / TURNS;
	uint64_t from = t ? segment_offset(size, t * each) : 0;
	uint64_t to = t + 1 < TURNS ? segment_offset(size, (t + 1) * each)
				    : l->blob.len;

	return span_sub(l->blob, from, to - from);
}

/* ---- the disk and the page cache alone ---- */

/* Seconds to append `bytes` durably, in pieces as large as the store's
 * commits. */
static double write_plainly(int fd, struct span bytes)
{
	double began = figure_wall();

	for (size_t at = 0; at < bytes.len; at += CORE_COMMIT_MAX) {
		struct span piece = span_sub(bytes, at, CORE_COMMIT_MAX);

		must(write(fd, piece.at, piece.len) == (ssize_t)piece.len &&
			     fdatasync(fd) == 0,
		     "write");
	}
	return figure_wall() - began;
}

static double read_plainly(int fd, uint64_t from, uint64_t len)
{
	static uint8_t room[MIB];
	double began = figure_wall();

	for (uint64_t at = 0; at < len; at += MIB) {
		size_t n = len - at < MIB ? (size_t)(len - at) : MIB;

		must(pread(fd, room, n, (off_t)(from + at)) == (ssize_t)n,
		     "read");
	}
	return figure_wall() - began;
}

/* ---- the daemon ---- */

static void expect(const struct carrier_answer *a, int want)
{
	if (a->status == want)
		return;
	fprintf(stderr, "bench: content: status %d: %s\n", a->status, a->text);
	exit(EXIT_FAILURE);
}

/* Turn `t` of an upload to `id`; `location` is set by the first. */
static double upload_part(struct carrier *c, const struct large *l,
			  const char *id, unsigned t, char location[128])
{
	struct span part = part_of(l, t);
	char target[256], offset[24];
	const struct http_field fields[] = {
		{span_str("upload-complete"),
		 span_str(t + 1 == TURNS ? "?1" : "?0")},
		{span_str("upload-offset"), span_str(offset)},
	};
	struct carrier_request r = {.method = t ? "PATCH" : "POST",
				    .target = t ? location : target,
				    .fields = fields,
				    .fields_count = t ? 2 : 1,
				    .body = part};
	struct carrier_answer a;
	double began;

	snprintf(target, sizeof(target),
		 "/v1/documents/%s/content?table=%s&size=%llu", id, l->table,
		 (unsigned long long)size);
	snprintf(offset, sizeof(offset), "%zu", (size_t)(part.at - l->blob.at));
	((struct http_field *)fields)[1].value = span_str(offset);
	began = figure_wall();
	carrier_ask(c, &r, &a);
	began = figure_wall() - began;
	expect(&a, t ? 204 : 201);
	if (!t)
		memcpy(location, a.location, sizeof(a.location));
	return began;
}

static double download_part(struct carrier *c, const struct large *l,
			    unsigned t)
{
	struct span part = part_of(l, t);
	size_t from = (size_t)(part.at - l->blob.at);
	char target[128], range[64];
	struct http_field field = {.name = span_str("range")};
	struct carrier_request r = {.method = "GET",
				    .target = target,
				    .fields = &field,
				    .fields_count = 1,
				    .want = part};
	struct carrier_answer a;
	double began;

	snprintf(target, sizeof(target), "/v1/documents/%s/content", l->id);
	snprintf(range, sizeof(range), "bytes=%zu-%zu", from,
		 from + part.len - 1);
	field.value = span_str(range);
	began = figure_wall();
	carrier_ask(c, &r, &a);
	began = figure_wall() - began;
	expect(&a, 206);
	must(a.same && a.received == part.len, "other bytes came back");
	return began;
}

static void put_it(struct carrier *c, const struct large *l)
{
	struct http_field field = {span_str("if-none-match"), span_str("*")};
	char target[64];
	struct carrier_request r = {.method = "PUT",
				    .target = target,
				    .fields = &field,
				    .fields_count = 1,
				    .body = buf_span(&l->body)};
	struct carrier_answer a;

	snprintf(target, sizeof(target), "/v1/documents/%s", l->id);
	carrier_ask(c, &r, &a);
	expect(&a, 201);
}

/* ---- small puts beside ---- */

struct putter {
	const struct http_peer *peer;
	struct place_put puts[PUTS];
	size_t done;
	_Atomic bool over;
	double took[PUTS];
	pthread_t thread;
};

static void *run_putter(void *arg)
{
	struct putter *p = arg;
	struct carrier *c = carrier_open(p->peer);
	double began = figure_wall();

	for (size_t i = 0; p->done < PUTS && !p->over; i++) {
		const struct place_put *put = &p->puts[p->done];
		struct http_field field = {span_str("if-none-match"),
					   span_str("*")};
		struct carrier_request r = {.method = "PUT",
					    .target = put->target,
					    .fields = &field,
					    .fields_count = 1,
					    .body = buf_span(&put->body)};
		double due = began + (double)i * PACE_MS / 1e3;
		double now = figure_wall();
		struct carrier_answer a;

		if (now < due) {
			usleep((useconds_t)((due - now) * 1e6));
			due = figure_wall();
		}
		/* One that had to wait for the one before: from its due. */
		carrier_ask(c, &r, &a);
		expect(&a, 201);
		p->took[p->done++] = figure_wall() - due;
	}
	carrier_close(c);
	return NULL;
}

/* ---- figures ---- */

struct cpu {
	struct serving_cpu roles;
	double generator;
};

static struct cpu cpu_now(const struct serving *s)
{
	return (struct cpu){serving_cpu(s), figure_process_cpu()};
}

static void show_cpu(const char *what, const struct serving *s,
		     const struct cpu *before, double generator)
{
	struct serving_cpu now = serving_cpu(s);
	double mib = (double)segment_blob_len(size) / MIB;
	char name[64];

	snprintf(name, sizeof(name), "content.%s.cpu-guard", what);
	figure_put(name, (now.guard - before->roles.guard) * 1e3 / mib,
		   "ms/MiB", 0);
	snprintf(name, sizeof(name), "content.%s.cpu-fronts", what);
	figure_put(name, (now.fronts - before->roles.fronts) * 1e3 / mib,
		   "ms/MiB", 0);
	snprintf(name, sizeof(name), "content.%s.cpu-generator", what);
	figure_put(name, generator * 1e3 / mib, "ms/MiB", 0);
}

static double rate(double seconds)
{
	return (double)segment_blob_len(size) / MIB / seconds;
}

/* The limit as it was just now. */
static double measure_upload(struct carrier *c, const struct large *l,
			     const struct serving *s, int plain)
{
	struct cpu before = cpu_now(s);
	double limit = 0, took = 0, generator = 0;
	char location[128];

	for (unsigned t = 0; t < TURNS; t++) {
		double cpu;

		limit += write_plainly(plain, part_of(l, t));
		cpu = figure_thread_cpu();
		took += upload_part(c, l, l->id, t, location);
		generator += figure_thread_cpu() - cpu;
	}
	figure_put("content.upload", rate(took), "MiB/s", rate(limit));
	show_cpu("upload", s, &before, generator);
	return limit;
}

/* Puts until told to stop, or IDLE_MS long where nobody uploads. */
static void puts_for_a_turn(struct putter *p, struct carrier *c,
			    const struct large *l, unsigned t,
			    char location[128], double *took)
{
	p->over = false;
	if (pthread_create(&p->thread, NULL, run_putter, p))
		abort();
	if (c)
		*took += upload_part(c, l, l->other, t, location);
	else
		usleep(IDLE_MS * 1000);
	p->over = true;
	pthread_join(p->thread, NULL);
}

static void measure_puts(struct carrier *c, const struct large *l,
			 struct putter *idle, struct putter *beside,
			 double limit)
{
	char location[128];
	double took = 0, quiet;

	for (unsigned t = 0; t < TURNS; t++) {
		puts_for_a_turn(idle, NULL, l, t, location, &took);
		puts_for_a_turn(beside, c, l, t, location, &took);
	}
	figure_put("content.upload-with-puts", rate(took), "MiB/s",
		   rate(limit));
	figure_put("content.put-idle.p50",
		   figure_quantile(idle->took, idle->done, 0.5) * 1e3, "ms", 0);
	quiet = figure_quantile(idle->took, idle->done, 0.99) * 1e3;
	figure_put("content.put-idle.p99", quiet, "ms", 0);
	figure_put("content.put-beside-upload.p50",
		   figure_quantile(beside->took, beside->done, 0.5) * 1e3, "ms",
		   0);
	figure_put("content.put-beside-upload.p99/5 x idle",
		   figure_quantile(beside->took, beside->done, 0.99) * 1e3,
		   "ms", 5 * quiet);
	figure_say("puts: %zu idle, %zu beside the upload", idle->done,
		   beside->done);
}

static void measure_download(struct carrier *c, const struct large *l,
			     const struct serving *s)
{
	struct cpu before = cpu_now(s);
	double plain = 0, took = 0, generator = 0;
	int fd = open(l->path, O_RDONLY);

	must(fd >= 0, l->path);
	for (unsigned t = 0; t < TURNS; t++) {
		struct span part = part_of(l, t);
		double cpu;

		plain += read_plainly(fd, (uint64_t)(part.at - l->blob.at),
				      part.len);
		cpu = figure_thread_cpu();
		took += download_part(c, l, t);
		generator += figure_thread_cpu() - cpu;
	}
	close(fd);
	figure_put("content.download/plain read", rate(took), "MiB/s",
		   rate(plain));
	show_cpu("download", s, &before, generator);
}

void bench_content(const char *folder, const char *programs)
{
	static struct putter idle, beside;
	struct engine_trust trust;
	struct carrier *carrier;
	struct http_peer peer;
	struct serving serving;
	struct large large;
	char path[300];
	struct place p;
	double limit;
	int plain;

	place_new(&p, folder, "content");
	for (size_t i = 0; i < PUTS; i++) {
		place_put(&p, buf_span(&p.restricted), "GBR/ops", SMALL,
			  &idle.puts[i]);
		place_put(&p, buf_span(&p.restricted), "GBR/ops", SMALL,
			  &beside.puts[i]);
	}
	large_seal(&large, &p, folder);
	trust = engine_trust(p.writer->engine);
	serving_start(&serving, &p, programs);
	peer = (struct http_peer){.endpoint = serving.endpoint,
				  .ca = trust.ca,
				  .certificate = trust.certificate,
				  .key = trust.key};
	idle.peer = beside.peer = &peer;
	carrier = carrier_open(&peer);
	snprintf(path, sizeof(path), "%s/plain", folder);
	plain = open(path, O_CREAT | O_TRUNC | O_WRONLY, 0600);
	must(plain >= 0, path);
	limit = measure_upload(carrier, &large, &serving, plain);
	put_it(carrier, &large);
	measure_download(carrier, &large, &serving);
	measure_puts(carrier, &large, &idle, &beside, limit);
	close(plain);
	unlink(path);
	carrier_close(carrier);
	serving_stop(&serving);
	for (size_t i = 0; i < PUTS; i++) {
		place_put_clear(&idle.puts[i]);
		place_put_clear(&beside.puts[i]);
	}
	large_clear(&large);
	place_free(&p);
}
