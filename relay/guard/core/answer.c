/* What leaves: JSON, fields, problem documents with their reference. */
#include <stdio.h>

#include "proto/exchange/problem.h"
#include "proto/exchange/signature.h"
#include "relay/guard/core/reference.h"
#include "relay/guard/core/state.h"

void answer_field(struct job *job, const char *name, struct span value)
{
	struct core_answer *a = &job->answer;
	size_t max = sizeof(a->fields) / sizeof(*a->fields);

	if (a->field_count == max)
		return;
	a->fields[a->field_count++] =
		(struct core_field){span_str(name),
				    arena_copy(&job->arena, value)};
}

/* As answer_field, of text that stands for life: needs no memory. */
static void answer_text(struct job *job, const char *name, const char *text)
{
	struct core_answer *a = &job->answer;

	if (a->field_count < sizeof(a->fields) / sizeof(*a->fields))
		a->fields[a->field_count++] =
			(struct core_field){span_str(name), span_str(text)};
}

struct err answer_check(const struct job *job)
{
	struct err e = buf_check(&job->body);

	/* A field may be missing then. */
	return failed(e) || !job->arena.starved ? e : arena_check(&job->arena);
}

void answer_json(struct job *job, int status)
{
	job->answer.status = status;
	job->answer.body = buf_span(&job->body);
	if (job->body.len)
		answer_text(job, "content-type", "application/json");
	if (job->is_signed)
		proof_offer(job);
	job->done = true;
}

struct err answer_reference(struct job *job, struct err why, struct buf *out)
{
	struct core *core = job->core;
	struct reference r = {.time = core_now_s(core),
			      .has_doc = job->has_doc,
			      .doc = job->doc,
			      .code = why.code};
	enum audit_who who;
	struct span id;

	asker_audit(&job->asker, &who, &id);
	r.who = (uint8_t)who;
	id = span_sub(id, 0, sizeof(r.who_id));
	memcpy(r.who_id, id.at, id.len);
	snprintf(r.reason, sizeof(r.reason), "%.*s", REFERENCE_REASON_LEN,
		 job->rule[0] ? job->rule
		 : why.detail ? why.detail
			      : "");
	return reference_seal(core->ring, &core->random, &r, out);
}

/* Refusals are audited lazily: the next commit takes them along. */
static void queue_refusal(struct job *job, struct err why)
{
	struct core *core = job->core;
	struct refusal r = {.what = job->op ? job->op->name : "request",
			    .outcome = why.code,
			    .has_doc = job->has_doc,
			    .doc = job->doc};
	struct span id;

	asker_audit(&job->asker, &r.who, &id);
	r.who_len = (uint8_t)(id.len < sizeof(r.who_id) ? id.len
							: sizeof(r.who_id));
	memcpy(r.who_id, id.at, r.who_len);
	snprintf(r.rule, sizeof(r.rule), "%s", job->rule);
	snprintf(r.detail, sizeof(r.detail), "%s",
		 why.detail ? why.detail : "");
	pthread_mutex_lock(&core->lock);
	if (core->refusal_count < CORE_REFUSALS_MAX)
		core->refusals[core->refusal_count++] = r;
	else
		core->refusals_lost++;
	pthread_mutex_unlock(&core->lock);
}

/* What the asker is told beside the table's row. */
static struct err with_detail(struct job *job, struct err e)
{
	char *text;

	if (!job->detail[0])
		return e;
	text = arena_str(&job->arena, span_str(job->detail));
	if (text)
		e.detail = text;
	return e;
}

/* The fields that the problem's mend speaks of. */
static void mend_fields(struct job *job, struct err why)
{
	struct buf methods;

	if (job->answer.status == 503)
		answer_text(job, "retry-after",
			    why.code == ERR_HELD ? "60" : "1");
	if (job->answer.status == 429)
		answer_text(job, "retry-after", "60");
	if (job->answer.status == 401 || job->is_signed)
		proof_offer(job);
	if (why.code != ERR_METHOD)
		return;
	buf_init(&methods, 256);
	job_methods(job, &methods); /* RFC 9110 s.15.5.6 */
	answer_field(job, "allow", buf_span(&methods));
	buf_clear(&methods);
}

void answer_refuse(struct job *job, struct err why)
{
	struct buf reference;

	buf_init(&reference, 512);
	buf_reset(&job->body);
	job->answer = (struct core_answer){0};
	if (failed(answer_reference(job, why, &reference)))
		buf_reset(&reference);
	/* A first request without a signature asks for a nonce: no refusal. */
	if (why.code != ERR_BUSY && why.code != ERR_NONCE &&
	    !(why.code == ERR_UNAUTHENTICATED && job->asker.sign &&
	      !signature_present(&job->http)))
		queue_refusal(job, why);
	problem_format(with_detail(job, why), buf_span(&reference),
		       buf_span(&job->members), &job->body);
	job->answer.status = problem_status(why);
	job->answer.body = buf_span(&job->body);
	if (failed(buf_check(&job->body))) {
		job->answer.status = err_row(ERR_NO_MEMORY)->status;
		job->answer.body = span_str(problem_no_memory);
	}
	answer_text(job, "content-type", PROBLEM_MEDIA_TYPE);
	mend_fields(job, why);
	buf_clear(&reference);
	job->done = true;
}

void core_refuse(struct job *job, struct err why)
{
	answer_refuse(job, why);
}

void core_problem(struct core *core, struct err why, struct buf *out)
{
	struct reference r = {.time = core_now_s(core),
			      .who = AUDIT_SYSTEM,
			      .who_id = "guard",
			      .code = why.code};
	struct buf text;
	struct err e;

	snprintf(r.reason, sizeof(r.reason), "%s",
		 why.detail ? why.detail : "");
	buf_init(&text, REFERENCE_TEXT_MAX);
	e = reference_seal(core->ring, &core->random, &r, &text);
	if (failed(e))
		buf_reset(&text);
	problem_format(why, buf_span(&text), span_str(""), out);
	buf_clear(&text);
}
