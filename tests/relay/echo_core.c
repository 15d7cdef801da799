/*
 * A guard's core of a few scripted routes and no store, so that processes,
 * lanes and loops are tested by themselves.
 *
 *	GET  /v1/relay                          {"echo":true}, 200
 *	GET  /v1/me                             the fields that came, the body
 *	GET  /v1/changes                        waits for a PUT, or 2 s: 204
 *	GET  /v1/documents/x/content?size=n[&slow=us]  n bytes, piece by piece
 *	POST /v1/documents/x/content[?slow=us]  takes all; {"bytes":n,"sum":n}
 *	PUT  /v1/documents/x                    written: 201
 *	     /v1/documents/crash                ends the guard by SIGABRT
 *	GET  /v1/documents/big                  256 KiB at once
 *	PUT  /v1/documents/call                 the body is `endpoint` and, in
 *	                                        hex, the digest of its CA: calls
 *	                                        GET /v1/relay there
 *	GET  /v1/documents/called               the outcome of the last call
 */
#include "relay/guard/core/core.h"
#include "relay/guard/core/store_role.h"

#include "proto/base/clock.h"

#include "proto/exchange/problem.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { WAIT_MS = 2000, BIG = 256 * 1024 };

struct core {
	struct clock clock;
	_Atomic uint64_t epoch;
	_Atomic unsigned seals;
	pthread_mutex_t mutex;
	bool call_due, calling;
	struct core_call call;
	struct digest ca_digest;
	int called_status;
	uint64_t calls;
	char called[64];
};

struct job {
	struct core *core;
	struct buf bytes; /* of the request */
	struct span method, target, body;
	uint64_t epoch, deadline_ms;
	uint64_t size, slow_us, sum;
	atomic_size_t ready; /* taken, not stored */
	bool done;
	struct err refused;
	char why[64];
	struct buf text;
	struct core_answer answer;
};

struct err core_open(const struct core_config *config, struct core **out)
{
	struct core *c = calloc(1, sizeof(*c));

	if (!c)
		return err_make(ERR_NO_MEMORY, "echo");
	c->clock = config->clock;
	c->epoch = 1;
	c->called_status = -1;
	pthread_mutex_init(&c->mutex, NULL);
	*out = c;
	return ERR_NONE;
}

void core_close(struct core *core)
{
	if (core)
		pthread_mutex_destroy(&core->mutex);
	free(core);
}

static uint64_t parameter(struct span target, const char *name)
{
	char text[512], *at;

	snprintf(text, sizeof(text), "%.*s", (int)target.len, target.at);
	at = strstr(text, name);
	return at ? strtoull(at + strlen(name), NULL, 10) : 0;
}

struct err core_job_new(struct core *core, const struct core_request *r,
			struct job **out)
{
	struct job *j = calloc(1, sizeof(*j));

	if (!j)
		return err_make(ERR_NO_MEMORY, "echo");
	j->core = core;
	buf_init(&j->bytes, 16 << 20);
	buf_init(&j->text, 1 << 20);
	buf_put(&j->bytes, r->method);
	buf_put(&j->bytes, r->target);
	buf_put(&j->bytes, r->body);
	j->method = span_of(j->bytes.at, r->method.len);
	j->target = span_of(j->bytes.at + r->method.len, r->target.len);
	j->body = span_of(j->target.at + r->target.len, r->body.len);
	for (size_t i = 0; i < r->field_count; i++)
		buf_printf(&j->text, "%.*s: %.*s\n", (int)r->fields[i].name.len,
			   r->fields[i].name.at, (int)r->fields[i].value.len,
			   r->fields[i].value.at);
	buf_printf(&j->text, "certificate: %zu\n", r->certificate.len);
	if (failed(r->refused)) {
		snprintf(j->why, sizeof(j->why), "%s", r->refused.detail);
		j->refused = err_make(r->refused.code, j->why);
	}
	j->epoch = atomic_load(&core->epoch);
	j->deadline_ms = clock_ms(&core->clock) + WAIT_MS;
	j->size = parameter(j->target, "size=");
	j->slow_us = parameter(j->target, "slow=");
	*out = j;
	return ERR_NONE;
}

void job_free(struct job *job)
{
	if (!job)
		return;
	buf_clear(&job->bytes);
	buf_clear(&job->text);
	free(job);
}

static bool is(const struct job *j, const char *method, const char *path)
{
	return span_eq_str(j->method, method) &&
	       j->target.len >= strlen(path) &&
	       memcmp(j->target.at, path, strlen(path)) == 0;
}

static void answer(struct job *j, int status, const char *type)
{
	j->answer.status = status;
	j->answer.fields[0] =
		(struct core_field){span_str("content-type"), span_str(type)};
	j->answer.field_count = 1;
	j->answer.body = buf_span(&j->text);
}

static void answer_text(struct job *j, int status, const char *text)
{
	buf_reset(&j->text);
	buf_put_str(&j->text, text);
	answer(j, status, "application/json");
}

static enum core_next check_changes(struct job *j)
{
	if (atomic_load(&j->core->epoch) != j->epoch) {
		answer_text(j, 200, "{\"rows\":[]}");
		return CORE_NEXT_ANSWER;
	}
	if (clock_ms(&j->core->clock) < j->deadline_ms)
		return CORE_NEXT_WAIT;
	j->answer.status = 204;
	return CORE_NEXT_ANSWER;
}

static enum core_next check_content(struct job *j)
{
	j->answer.status = 200;
	j->answer.body_streams = true;
	j->answer.body_len = j->size;
	return CORE_NEXT_ANSWER;
}

static void answer_called(struct job *j)
{
	char text[128];

	pthread_mutex_lock(&j->core->mutex);
	snprintf(text, sizeof(text), "{\"status\":%d,\"body\":\"%s\"}",
		 j->core->called_status, j->core->called);
	pthread_mutex_unlock(&j->core->mutex);
	answer_text(j, 200, text);
}

void core_problem(struct core *core, struct err why, struct buf *out)
{
	problem_format(why, span_str("of-the-guard"), span_str(""), out);
}

void core_refuse(struct job *j, struct err why)
{
	buf_reset(&j->text);
	core_problem(j->core, why, &j->text);
	answer(j, problem_status(why), PROBLEM_MEDIA_TYPE);
}

enum core_next core_check(struct job *j)
{
	if (failed(j->refused)) {
		core_refuse(j, j->refused);
		return CORE_NEXT_ANSWER;
	}
	if (is(j, "GET", "/v1/relay")) {
		answer_text(j, 200, "{\"echo\":true}");
		return CORE_NEXT_ANSWER;
	}
	if (is(j, "GET", "/v1/me")) {
		answer(j, 200, "text/plain");
		return CORE_NEXT_ANSWER;
	}
	if (is(j, "GET", "/v1/changes"))
		return check_changes(j);
	if (is(j, "GET", "/v1/documents/crash"))
		abort();
	if (is(j, "GET", "/v1/documents/called")) {
		answer_called(j);
		return CORE_NEXT_ANSWER;
	}
	if (is(j, "GET", "/v1/documents/big")) {
		buf_reset(&j->text);
		memset(buf_grow(&j->text, BIG), 'b', BIG);
		j->text.len = BIG;
		answer(j, 200, "text/plain");
		return CORE_NEXT_ANSWER;
	}
	if (is(j, "GET", "/v1/documents/x/content") ||
	    is(j, "HEAD", "/v1/documents/x/content"))
		return check_content(j);
	if (is(j, "POST", "/v1/documents/x/content"))
		return j->done ? CORE_NEXT_WRITE : CORE_NEXT_BODY;
	if (is(j, "PUT", "/v1/documents/"))
		return CORE_NEXT_WRITE;
	answer_text(j, 404, "{}");
	return CORE_NEXT_ANSWER;
}

uint64_t core_deadline_ms(const struct job *job)
{
	return job->deadline_ms;
}

uint64_t core_epoch(const struct core *core)
{
	return atomic_load(&core->epoch);
}

static void order_call(struct core *c, struct span body)
{
	char text[512], hex[65] = "";

	snprintf(text, sizeof(text), "%.*s", (int)body.len, body.at);
	pthread_mutex_lock(&c->mutex);
	if (!c->calling &&
	    sscanf(text, "%255s %64s", c->call.endpoint, hex) == 2) {
		for (int i = 0; i < 32; i++) {
			unsigned v = 0;

			sscanf(hex + 2 * i, "%2x", &v);
			c->ca_digest.at[i] = (uint8_t)v;
		}
		c->call_due = true;
		c->called_status = -1;
	}
	pthread_mutex_unlock(&c->mutex);
}

void core_write(struct core *core, struct job **jobs, size_t count)
{
	char text[96];

	for (size_t i = 0; i < count; i++) {
		struct job *j = jobs[i];

		if (is(j, "PUT", "/v1/documents/crash"))
			abort();
		if (is(j, "PUT", "/v1/documents/call"))
			order_call(core, j->body);
		snprintf(text, sizeof(text), "{\"bytes\":%llu,\"sum\":%llu}",
			 (unsigned long long)j->size,
			 (unsigned long long)j->sum);
		answer_text(j, 201, text);
	}
	atomic_fetch_add(&core->epoch, 1);
}

bool core_seal(struct core *core)
{
	return atomic_fetch_add(&core->seals, 1) == 0;
}

const struct core_answer *core_answer(const struct job *job)
{
	return &job->answer;
}

struct err core_read(struct job *job, uint64_t offset, size_t max,
		     struct buf *out)
{
	uint8_t *at = buf_grow(out, max);

	if (job->slow_us)
		usleep((useconds_t)job->slow_us);
	if (!at)
		return err_make(ERR_NO_MEMORY, "echo");
	for (size_t i = 0; i < max; i++)
		at[i] = (uint8_t)((offset + i) * 7 >> 3);
	out->len = max;
	return ERR_NONE;
}

struct err core_body(struct job *job, struct span piece, size_t *ready)
{
	for (size_t i = 0; i < piece.len; i++)
		job->sum += piece.at[i];
	job->size += piece.len;
	job->ready += piece.len;
	*ready += piece.len;
	return ERR_NONE;
}

struct err core_body_store(struct job *job, size_t *stored)
{
	if (job->slow_us)
		usleep((useconds_t)job->slow_us);
	*stored = atomic_exchange(&job->ready, 0);
	return ERR_NONE;
}

struct err core_body_end(struct job *job, bool complete)
{
	job->done = complete;
	return ERR_NONE;
}

bool core_call_next(struct core *core, const struct core_call **out)
{
	struct core_call *call = &core->call;
	bool due;

	pthread_mutex_lock(&core->mutex);
	due = core->call_due;
	if (due) {
		core->call_due = false;
		core->calling = true;
		call->id = ++core->calls;
		call->ca_digest = SPAN_OBJ(core->ca_digest);
		call->method = span_str("GET");
		call->target = span_str("/v1/relay");
		call->answer_max = 4096;
		*out = call;
	}
	pthread_mutex_unlock(&core->mutex);
	return due;
}

void core_call_done(struct core *core, uint64_t id, int status,
		    const struct core_field *fields, size_t field_count,
		    struct span body)
{
	pthread_mutex_lock(&core->mutex);
	core->calling = false;
	core->called_status = status;
	snprintf(core->called, sizeof(core->called), "%zu", body.len);
	pthread_mutex_unlock(&core->mutex);
}

uint64_t core_call_deadline_ms(const struct core *core)
{
	return UINT64_MAX;
}

bool core_dead(const struct core *core)
{
	return false; /* it has no disk */
}

void core_tick(struct core *core)
{
}

int store_role_run(struct control_start *start, const char *verb)
{
	return EXIT_FAILURE; /* there is no store */
}

bool core_backup_due(const struct core *core)
{
	return false;
}

void core_backup_run(struct core *core)
{
}

void core_backup_stop(struct core *core)
{
}
