/* One request on its way: taken in, routed, checked, answered. */
#include <stdio.h>
#include <stdlib.h>

#include "relay/guard/core/state.h"

static bool path_matches(const char *pattern, const struct http_path *path)
{
	size_t i = 0;

	while (*pattern == '/') {
		size_t len = strcspn(++pattern, "/");

		if (i == path->count)
			return false;
		if (!(len == 2 && pattern[0] == '{') &&
		    !span_eq(path->at[i], span_of(pattern, len)))
			return false;
		pattern += len;
		i++;
	}
	return i == path->count;
}

/* The operation of method, path and listener; ERR_METHOD if another method
 * would do. */
static struct err find_operation(const struct job *job, struct span method,
				 const struct operation **out)
{
	const struct operation *const *op;
	bool path_known = false;

	for (op = core_operations; *op; op++) {
		if (!((*op)->listeners & (1u << job->listener)) ||
		    !path_matches((*op)->path, &job->path))
			continue;
		path_known = true;
		if (span_eq_str(method, (*op)->method)) {
			*out = *op;
			return ERR_NONE;
		}
	}
	if (path_known)
		return err_make(ERR_METHOD, "not with this method");
	return err_make(ERR_NOT_FOUND, "no such path");
}

void job_methods(const struct job *job, struct buf *out)
{
	const struct operation *const *op;

	for (op = core_operations; *op; op++)
		if ((*op)->listeners & (1u << job->listener) &&
		    path_matches((*op)->path, &job->path))
			buf_printf(out, "%s%s", out->len ? ", " : "",
				   (*op)->method);
}

static struct err take(struct job *job, const struct core_request *request)
{
	struct http_field *fields;
	struct span target;
	struct err e;

	job->listener = request->listener;
	job->certificate = arena_copy(&job->kept, request->certificate);
	job->http.method = http_method_parse(request->method);
	if (failed(request->refused)) {
		e = request->refused;
		if (e.detail)
			e.detail = arena_str(&job->kept, span_str(e.detail));
		return e;
	}
	fields = arena_array(&job->kept, request->field_count, sizeof(*fields));
	target = arena_copy(&job->kept, request->target);
	job->http.authority = arena_copy(&job->kept, request->authority);
	job->http.body = arena_copy(&job->kept, request->body);
	for (size_t i = 0; fields && i < request->field_count; i++)
		fields[i] = (struct http_field){
			arena_copy(&job->kept, request->fields[i].name),
			arena_copy(&job->kept, request->fields[i].value)};
	e = arena_check(&job->kept);
	if (failed(e))
		return e;
	job->http.fields = (struct http_fields){fields, request->field_count};
	e = http_target_split(target, &job->http.path, &job->http.query);
	if (!failed(e))
		e = http_path_parse(job->http.path, &job->kept, &job->path);
	if (!failed(e))
		e = http_query_parse(job->http.query, &job->kept, &job->query);
	if (!failed(e))
		e = find_operation(job, request->method, &job->op);
	return e;
}

struct err core_job_new(struct core *core, const struct core_request *request,
			struct job **out)
{
	struct job *job = calloc(1, sizeof(*job));

	if (!job)
		return err_make(ERR_NO_MEMORY, "job");
	job->core = core;
	job->asker.kind = ASKER_NOBODY;
	arena_init(&job->kept, JOB_KEPT_MAX);
	arena_init(&job->arena, JOB_ARENA_MAX);
	buf_init(&job->body, JOB_BODY_MAX);
	buf_init(&job->members, 32 << 10);
	job->refused = take(job, request);
	*out = job;
	return ERR_NONE;
}

static void job_reset(struct job *job)
{
	if (job->op && job->op->clear && job->state)
		job->op->clear(job);
	job->state = NULL;
	asker_clear(&job->asker);
	policing_label_free(job->label);
	job->label = NULL;
	policing_reader_release(job->reader);
	job->reader = NULL;
	policing_release(job->policing);
	job->policing = NULL;
	job->writes = job->waits = job->takes_body = job->is_signed = false;
	job->body_taken = job->stale = false;
	job->has_doc = false;
	job->rule[0] = job->detail[0] = 0;
	buf_reset(&job->members);
	buf_reset(&job->body);
	job->answer = (struct core_answer){0};
	arena_clear(&job->arena);
}

void job_free(struct job *job)
{
	if (!job)
		return;
	job_reset(job);
	buf_wipe(&job->body);
	buf_clear(&job->members);
	arena_clear(&job->kept);
	free(job);
}

void *job_state(struct job *job, size_t len)
{
	job->state = arena_alloc(&job->arena, len);
	return job->state;
}

static struct err allowed(struct job *job)
{
	const struct operation *op = job->op;
	const struct asker *a = &job->asker;

	if (!(op->askers & a->kind))
		return a->kind == ASKER_NOBODY
			       ? err_make(ERR_UNAUTHENTICATED,
					  "a client certificate is needed")
			       : err_make(ERR_FORBIDDEN, "not for you");
	if (a->kind == ASKER_DEVICE &&
	    (op->rights & a->subject.rights) != op->rights)
		return err_make(ERR_FORBIDDEN, "the subject lacks the right");
	if (a->kind == ASKER_OFFICER && op->roles &&
	    !(op->roles & (1u << a->officer.role)))
		return err_make(ERR_FORBIDDEN, "not for an officer's role");
	return ERR_NONE;
}

static struct err check(struct job *job)
{
	struct txn *txn = NULL;
	struct err e;

	job->seen_commits = atomic_load(&job->core->commits);
	job->seen_authority = atomic_load(&job->core->authority);
	job->policing = core_policing(job->core);
	e = txn_begin_read(job->core->store, STORE_RECORDS, &txn);
	/* Before anybody is looked up: a relay that was restored releases
	 * nothing, whoever asks. */
	if (!failed(e) && atomic_load(&job->core->held) && !job->op->held &&
	    (job->listener == CORE_DEVICE || job->listener == CORE_PEER))
		e = err_make(ERR_HELD, "restored, and not released yet");
	if (!failed(e) && !job->op->open)
		e = asker_find(job, txn);
	txn_abort(&txn);
	if (!failed(e))
		e = allowed(job);
	if (!failed(e) && job->listener != CORE_ADMIN &&
	    atomic_load(&job->core->put_back))
		e = err_make(ERR_PUT_BACK, "peers saw more of this relay");
	if (!failed(e) && job->op->proof != PROOF_CERTIFICATE)
		e = proof_check(job);
	if (!failed(e) && (job->asker.kind & (ASKER_DEVICE | ASKER_NATION)))
		e = asker_reader(job);
	if (!failed(e))
		e = job->op->check(job);
	if (!failed(e) && job->done)
		e = answer_check(job);
	return e;
}

/* Refused before anything was looked at: for the record, who asked. */
static void check_refused(struct job *job)
{
	struct txn *txn = NULL;
	struct err e = txn_begin_read(job->core->store, STORE_RECORDS, &txn);

	if (!failed(e))
		e = asker_find(job, txn);
	(void)e; /* nobody that is known, then */
	txn_abort(&txn);
	answer_refuse(job, job->refused);
}

enum core_next core_check(struct job *job)
{
	struct err e;

	if (job->done)
		return CORE_NEXT_ANSWER;
	if (job->body_taken)
		return CORE_NEXT_WRITE;
	if (!job->takes_body) {
		if (job->again++)
			job_reset(job);
		if (failed(job->refused)) {
			check_refused(job);
			return CORE_NEXT_ANSWER;
		}
		e = check(job);
		if (failed(e))
			answer_refuse(job, e);
	}
	if (job->done)
		return CORE_NEXT_ANSWER;
	if (job->waits)
		return CORE_NEXT_WAIT;
	if (job->takes_body)
		return CORE_NEXT_BODY;
	return CORE_NEXT_WRITE;
}

uint64_t core_deadline_ms(const struct job *job)
{
	return job->wait_until_ms;
}

const struct core_answer *core_answer(const struct job *job)
{
	return &job->answer;
}

struct err core_read(struct job *job, uint64_t offset, size_t max,
		     struct buf *out)
{
	if (!job->op || !job->op->read)
		return err_make(ERR_INTERNAL, "no body to read");
	return job->op->read(job, offset, max, out);
}

struct err core_body(struct job *job, struct span piece, size_t *ready)
{
	struct err e;

	if (job->done)
		return ERR_NONE; /* refused already: the rest is dropped */
	e = job->op->body(job, piece, ready);
	if (failed(e)) {
		job->takes_body = false;
		answer_refuse(job, e);
	}
	return e;
}

struct err core_body_store(struct job *job, size_t *stored)
{
	return job->op->body_store(job, stored);
}

struct err core_body_end(struct job *job, bool complete)
{
	struct err e = ERR_NONE;

	if (job->done)
		return ERR_NONE;
	e = job->op->body_end(job, complete);
	job->takes_body = false;
	job->body_taken = !failed(e);
	if (failed(e))
		answer_refuse(job, e);
	return e;
}
