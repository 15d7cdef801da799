/*
 * POST /v1/keys: 256 content keys for one device at a time, each request
 * signed, every key decided on again, the record of it durable before the
 * answer.
 */
#define _GNU_SOURCE /* memmem */
#include "proto/exchange/keys.h"
#include "proto/exchange/signature.h"
#include "relay/guard/core/state.h"
#include "tests/bench/bench.h"
#include "tests/bench/figure.h"
#include "tests/bench/limit.h"

#include <stdio.h>
#include <stdlib.h>

enum { REQUESTS = 60, CONTENT = 1024 };

/* What the relay holds: ids and commitments of the newest documents. */
static void find_wants(struct place *p, struct keys_want wants[KEYS_MAX])
{
	struct txn *txn = NULL;
	struct txn_cursor *cursor = NULL;
	struct txn_row row;

	world_must(txn_begin_read(p->relay->core->store, STORE_RECORDS, &txn));
	world_must(txn_cursor_open(txn, TABLE_DOCUMENTS, key_empty(), &cursor));
	for (size_t i = 0; i < KEYS_MAX; i++) {
		struct document doc;
		struct arena arena;

		arena_init(&arena, DOCUMENT_ARENA_MAX);
		world_must(txn_cursor_prev(cursor, &row));
		world_must(document_decode(row.value, &arena, &doc));
		wants[i].document = doc.id;
		wants[i].commitment = doc.heads[0].keys[0].commitment;
		arena_clear(&arena);
	}
	txn_cursor_close(cursor);
	txn_abort(&txn);
}

/* A nonce of the relay's for the writer, as a 401 carries it. */
static void first_nonce(struct place *p, struct nonce *out)
{
	struct job *job = place_job(p, p->writer, "POST", "/v1/keys", NULL, 0,
				    span_str("{\"keys\":[]}"));
	const struct core_answer *a = core_answer(job);

	if (core_check(job) != CORE_NEXT_ANSWER)
		abort();
	place_expect(job, 401);
	for (size_t i = 0; i < a->field_count; i++)
		if (span_eq_str(a->fields[i].name, "entente-nonce"))
			world_must(nonce_parse(a->fields[i].value, out));
	job_free(job);
}

static struct job *signed_job(struct place *p, const struct nonce *nonce,
			      struct span body)
{
	struct http_request request = {
		.method = HTTP_POST,
		.authority = span_str(p->relay->endpoint),
		.path = span_str("/v1/keys"),
		.body = body,
	};
	struct signature_fields f;
	struct core_field fields[3];
	struct job *job;

	signature_fields_init(&f);
	world_must(signature_sign(engine_identity(p->writer->engine)->author,
				  &request, nonce, clock_s(&p->w.clock), &f));
	fields[0] = (struct core_field){span_str("signature-input"),
					buf_span(&f.input)};
	fields[1] = (struct core_field){span_str("signature"),
					buf_span(&f.signature)};
	fields[2] = (struct core_field){span_str("content-digest"),
					buf_span(&f.digest)};
	job = place_job(p, p->writer, "POST", "/v1/keys", fields, 3, body);
	signature_fields_clear(&f);
	return job;
}

void bench_keys(const char *folder)
{
	static struct keys_want wants[KEYS_MAX];
	struct keys_request request = {.wants = wants, .count = KEYS_MAX};
	double wall = 0, cpu = 0, wrap;
	struct nonce nonce;
	struct place p;
	struct buf body;

	place_new(&p, folder, "keys");
	place_fill(&p, buf_span(&p.restricted), "GBR/ops", CONTENT, KEYS_MAX);
	find_wants(&p, wants);
	first_nonce(&p, &nonce);
	buf_init(&body, KEYS_BODY_MAX);
	keys_request_encode(&request, &body);
	wrap = limit_wrap_s(&p);
	for (int i = 0; i < REQUESTS; i++) {
		struct job *job = signed_job(&p, &nonce, buf_span(&body));
		double began = figure_wall(), spent = figure_thread_cpu();

		if (core_check(job) == CORE_NEXT_WRITE)
			core_write(p.relay->core, &job, 1);
		wall += figure_wall() - began;
		cpu += figure_thread_cpu() - spent;
		place_expect(job, 200);
		if (memmem(core_answer(job)->body.at,
			   core_answer(job)->body.len, "problem", 7))
			abort();
		job_free(job);
	}
	figure_put("keys.one-reader/wraps of one core",
		   (double)REQUESTS * KEYS_MAX / wall, "keys/s", 1 / wrap);
	figure_put("keys.cpu/wrap", cpu / REQUESTS / KEYS_MAX * 1e6, "us/key",
		   wrap * 1e6);
	buf_clear(&body);
	place_free(&p);
}
