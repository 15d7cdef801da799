/* What leaves: JSON, fields, problem documents with their reference. */
#include <stdio.h>

#include "proto/base/base64.h"
#include "proto/crypto/domain.h"
#include "proto/exchange/problem.h"
#include "relay/guard/core/state.h"

enum {
	REFERENCE_REASON_LEN = 48,
	/* time, reader, document, code, reason, random8: always so long */
	REFERENCE_PLAIN_LEN = 8 + 1 + DIGEST_LEN + 1 + DOC_ID_LEN + 2 +
			      REFERENCE_REASON_LEN + 8,
};

void answer_field(struct job *job, const char *name, struct span value)
{
	struct core_answer *a = &job->answer;
	size_t max = sizeof(a->fields) / sizeof(*a->fields);

	if (a->field_count == max)
		return;
	a->fields[a->field_count++] = (struct core_field){
		span_str(name), arena_copy(&job->arena, value)};
}

void answer_json(struct job *job, int status)
{
	job->answer.status = status;
	job->answer.body = buf_span(&job->body);
	if (job->body.len)
		answer_field(job, "content-type",
			     span_str("application/json"));
	if (job->is_signed)
		proof_offer(job);
	job->done = true;
}

struct err answer_reference(struct job *job, struct err why, struct buf *out)
{
	struct core *core = job->core;
	uint8_t key[CRYPTO_SIV_KEY_LEN], random[8];
	uint8_t sealed[1 + REFERENCE_PLAIN_LEN + CRYPTO_TAG_LEN];
	uint8_t generation = ring_key_generation(core->ring, RING_REFERENCE);
	char reason[REFERENCE_REASON_LEN + 1] = "";
	enum audit_who who;
	struct span id;
	struct buf plain, aad;
	struct err e;

	buf_init(&plain, REFERENCE_PLAIN_LEN);
	buf_init(&aad, 64);
	asker_audit(&job->asker, &who, &id);
	snprintf(reason, sizeof(reason), "%.48s",
		 job->rule[0] ? job->rule : why.detail ? why.detail : "");
	e = random_fill(&core->random, random, sizeof(random));
	if (failed(e))
		goto out;
	buf_put_u64(&plain, core_now_s(core));
	buf_put_u8(&plain, (uint8_t)who);
	buf_put(&plain, span_sub(id, 0, DIGEST_LEN));
	while (!plain.bad && plain.len < 8 + 1 + DIGEST_LEN)
		buf_put_u8(&plain, 0);
	buf_put_u8(&plain, job->has_doc);
	buf_put(&plain, SPAN_OBJ(job->doc));
	buf_put_u16(&plain, (uint16_t)why.code);
	buf_put(&plain, span_of(reason, REFERENCE_REASON_LEN));
	buf_put(&plain, SPAN_OBJ(random));
	encode_domain(&aad, DOMAIN_REFERENCE);
	e = buf_check(&plain);
	if (!failed(e))
		e = ring_key_get(core->ring, RING_REFERENCE, generation, key);
	if (!failed(e))
		e = crypto_siv_seal(key, buf_span(&aad), buf_span(&plain),
				    sealed + 1);
	sealed[0] = generation;
	if (!failed(e))
		base64url_encode(SPAN_OBJ(sealed), out);
out:
	wipe(key, sizeof(key));
	buf_wipe(&plain);
	buf_clear(&aad);
	return e;
}

/* Refusals are audited lazily: the next commit takes them along. */
static void queue_refusal(struct job *job, struct err why)
{
	struct core *core = job->core;
	struct refusal r = {.what = job->op ? job->op->name : "unknown",
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

void answer_refuse(struct job *job, struct err why)
{
	struct buf reference;

	buf_init(&reference, 512);
	buf_reset(&job->body);
	job->answer = (struct core_answer){0};
	if (failed(answer_reference(job, why, &reference)))
		buf_reset(&reference);
	if (why.code != ERR_BUSY && why.code != ERR_NONCE)
		queue_refusal(job, why);
	problem_format(with_detail(job, why), buf_span(&reference),
		       buf_span(&job->members), &job->body);
	job->answer.status = problem_status(why);
	job->answer.body = buf_span(&job->body);
	answer_field(job, "content-type", span_str(PROBLEM_MEDIA_TYPE));
	if (job->answer.status == 503)
		answer_field(job, "retry-after", span_str("1"));
	if (job->answer.status == 401 || job->is_signed)
		proof_offer(job);
	buf_clear(&reference);
	job->done = true;
}
