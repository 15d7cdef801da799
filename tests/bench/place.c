/* One relay on a real disk, and requests made for it. */
#include "tests/bench/place.h"

#include "client/system.h"
#include "proto/crypto/crypto.h"
#include "proto/exchange/write.h"
#include "relay/guard/core/state.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { ALL = SUBJECT_WRITE | SUBJECT_LABEL | SUBJECT_DELETE | SUBJECT_RECALL };

static const char *const spaces[] = {"GBR/ops", "GBR/log", "GBR/med"};

static void example(const char *name, struct buf *out)
{
	char path[128];

	snprintf(path, sizeof(path), "docs/policy/%s.xml", name);
	world_file(path, out);
}

void place_new(struct place *p, const char *folder, const char *name)
{
	struct buf clearance;

	*p = (struct place){0};
	world_new(&p->w, 1);
	/* On the disk of the bench, not in /tmp; and with true time, since the
	 * ids of documents are ordered by it. */
	rmdir(p->w.folder);
	snprintf(p->w.folder, sizeof(p->w.folder), "%s/%s", folder, name);
	if (mkdir(p->w.folder, 0700) != 0) {
		perror(p->w.folder);
		exit(EXIT_FAILURE);
	}
	p->w.clock = system_clock();
	p->w.random = system_random();
	example("labels/restricted-rel-gbr-deu-fra", &p->restricted);
	example("labels/restricted-rel-gbr", &p->narrow);
	example("labels/unclassified", &p->open);
	p->relay = world_relay(&p->w, "GBR");
	example("clearances/gbr-restricted", &clearance);
	world_subject(&p->w, p->relay, "alice", buf_span(&clearance), ALL,
		      spaces, 3);
	buf_clear(&clearance);
	example("clearances/gbr-unclassified", &clearance);
	world_subject(&p->w, p->relay, "bob", buf_span(&clearance), ALL, spaces,
		      3);
	buf_clear(&clearance);
	p->writer = world_device(&p->w, p->relay, "alice");
	p->reader = world_device(&p->w, p->relay, "bob");
}

void place_free(struct place *p)
{
	world_free(&p->w);
	buf_clear(&p->restricted);
	buf_clear(&p->narrow);
	buf_clear(&p->open);
}

void place_put(struct place *p, struct span label, const char *space,
	       size_t len, struct place_put *out)
{
	static uint8_t content[16384];
	struct engine_put put = {.space = span_str(space),
				 .label = label,
				 .title = span_str("a document of the bench"),
				 .content = {.bytes = span_of(content, len)}};
	char id[DOC_ID_TEXT_LEN + 1];
	struct digest digest;
	struct doc_id doc;

	buf_init(&out->body, 64 << 10);
	world_must(engine_seal(p->writer->engine, &put, &doc, &digest,
			       &out->body));
	doc_id_format(doc, id);
	snprintf(out->target, sizeof(out->target), "/v1/documents/%s", id);
}

void place_put_fresh(struct place *p, struct place_put *put)
{
	const struct crypto_key *guard = p->relay->core->guard_p256;
	struct wrapped_sender *sender = NULL;
	struct write_request request;
	struct manifest manifest;
	struct write_key key;
	uint8_t plain[CRYPTO_KEY_LEN];
	struct arena arena;

	arena_init(&arena, 1 << 20);
	world_must(
		write_request_decode(buf_span(&put->body), &arena, &request));
	world_must(manifest_decode(request.manifest, &arena, &manifest));
	key = request.keys[0];
	world_must(wrapped_open(guard, &key.key, manifest.id, key.commitment,
				plain));
	world_must(wrapped_sender_new(crypto_key_public(guard), &p->w.random,
				      &sender));
	world_must(wrapped_make(sender, manifest.id, key.commitment, 0, plain,
				&key.key));
	wrapped_sender_free(sender);
	request.keys = &key;
	buf_reset(&put->body);
	world_must(write_request_encode(&request, &put->body));
	arena_clear(&arena);
}

void place_put_clear(struct place_put *put)
{
	buf_clear(&put->body);
}

struct job *place_job(struct place *p, struct world_device *d,
		      const char *method, const char *target,
		      const struct core_field *fields, size_t field_count,
		      struct span body)
{
	struct core_request request = {
		.listener = CORE_DEVICE,
		.certificate = engine_trust(d->engine).certificate,
		.method = span_str(method),
		.authority = span_str(p->relay->endpoint),
		.target = span_str(target),
		.fields = fields,
		.field_count = field_count,
		.body = body,
	};
	struct job *job = NULL;

	world_must(core_job_new(p->relay->core, &request, &job));
	return job;
}

void place_expect(const struct job *job, int want)
{
	const struct core_answer *a = core_answer(job);

	if (want ? a->status == want : a->status / 100 == 2)
		return;
	fprintf(stderr, "bench: status %d: %.*s\n", a->status, (int)a->body.len,
		(const char *)a->body.at);
	exit(EXIT_FAILURE);
}

struct job *place_put_job(struct place *p, const struct place_put *put)
{
	static const uint8_t any[] = {'*'};
	struct core_field field = {span_str("if-none-match"),
				   span_of(any, sizeof(any))};
	struct job *job = place_job(p, p->writer, "PUT", put->target, &field, 1,
				    buf_span(&put->body));

	if (core_check(job) != CORE_NEXT_WRITE)
		place_expect(job, 201);
	return job;
}

void place_seal(struct place *p)
{
	(void)core_seal(p->relay->core);
	/* What was signed before and not yet written, too. */
	core_write(p->relay->core, NULL, 0);
}

void place_fill(struct place *p, struct span label, const char *space,
		size_t len, size_t count)
{
	struct job *jobs[CORE_BATCH_MAX];

	while (count) {
		size_t n = count < CORE_BATCH_MAX ? count : CORE_BATCH_MAX;

		for (size_t i = 0; i < n; i++) {
			struct place_put put;

			place_put(p, label, space, len, &put);
			jobs[i] = place_put_job(p, &put);
			place_put_clear(&put);
		}
		core_write(p->relay->core, jobs, n);
		for (size_t i = 0; i < n; i++) {
			place_expect(jobs[i], 201);
			job_free(jobs[i]);
		}
		/* Stored with the next group, as in the daemon. */
		core_seal(p->relay->core);
		count -= n;
	}
	place_seal(p);
}
