/* The policy in force, and the next one. */
#include <stdio.h>

#include "proto/base/base64.h"
#include "proto/exchange/member.h"
#include "relay/guard/core/admin/admin.h"
#include "relay/guard/core/admin/change.h"
#include "storage/policy_store.h"

enum { POLICY_BODY_MAX = 6 << 20 };

static struct err get_check(struct job *job)
{
	const struct policy *policy = policing_policy(job->policing);
	size_t count = policy_file_count(policy);
	struct policy_version version;
	struct txn *txn = NULL;
	struct json_writer w;
	struct err e = txn_begin_read(job->core->store, STORE_RECORDS, &txn);

	if (!failed(e))
		e = policy_store_current(txn, &version);
	txn_abort(&txn);
	if (failed(e))
		return e;
	w = json_write(&job->body);
	json_open_object(&w);
	json_member_str(&w, "ceiling", job->core->ceiling);
	json_member_digest(&w, "digest", policing_digest(job->policing));
	json_member_u64(&w, "number", version.number);
	json_member_u64(&w, "since", version.time);
	json_put_name(&w, "policies");
	json_open_array(&w);
	for (size_t i = 0; i < count; i++) {
		json_open_object(&w);
		json_member_str(&w, "name", policy_name(policy, i));
		json_member_str(&w, "oid", policy_oid(policy, i));
		json_member_str(&w, "version", policy_version(policy, i));
		json_close_object(&w);
	}
	json_close_array(&w);
	json_put_name(&w, "files");
	json_open_array(&w);
	for (size_t i = 0; i < count; i++)
		json_put_bytes(&w, policy_file(policy, i));
	json_close_array(&w);
	json_close_object(&w);
	answer_json(job, 200);
	return buf_check(&job->body);
}

const struct operation admin_policy = {
	.name = "admin.policy",
	.method = "GET",
	.path = "/admin/v1/policy",
	.listeners = 1u << CORE_ADMIN,
	.askers = ASKER_OFFICER,
	.roles = ADMIN_OPERATOR | ADMIN_SECURITY,
	.check = get_check,
};

/* ---- PUT ---- */

struct put_state {
	struct policing *next; /* ours, until it is in force */
	uint64_t number;
};

static struct err read_files(struct job *job, struct span *files, size_t *count)
{
	static const char *const names[] = {"files", NULL};
	const struct json *array;
	struct json *json = NULL;
	struct buf file;
	struct err e =
		member_open(job->http.body, POLICY_BODY_MAX, names, &json);

	buf_init(&file, POLICY_FILE_MAX);
	if (!failed(e))
		e = member_array(json, "files", POLICY_FILES_MAX, &array,
				 count);
	if (!failed(e) && *count == 0)
		e = err_make(ERR_MALFORMED, "a policy has at least one file");
	for (size_t i = 0; !failed(e) && i < *count; i++) {
		struct span text;

		e = json_as_string(json_at(array, i), &text);
		buf_reset(&file);
		if (!failed(e))
			e = base64url_decode(text, &file);
		if (!failed(e))
			e = buf_check(&file);
		files[i] = arena_copy(&job->arena, buf_span(&file));
	}
	if (!failed(e))
		e = arena_check(&job->arena);
	buf_clear(&file);
	json_free(json);
	return e;
}

static struct err put_check(struct job *job)
{
	struct put_state *s = job_state(job, sizeof(*s));
	struct span files[POLICY_FILES_MAX];
	struct label_problem problem = {0};
	struct policy *policy = NULL;
	size_t count = 0;
	struct err e = arena_check(&job->arena);

	if (!failed(e))
		e = read_files(job, files, &count);
	if (failed(e))
		return e;
	e = policy_load(files, count, &problem, &policy);
	if (failed(e) && problem.text[0])
		snprintf(job->detail, sizeof(job->detail), "file %zu: %.240s",
			 problem.file, problem.text);
	if (!failed(e) && !policy_has_class(policy, job->core->ceiling))
		e = err_make(ERR_POLICY,
			     "the relay's ceiling is no classification of "
			     "this policy");
	if (!failed(e))
		e = policing_new(policy, job->core->ceiling, job->core->shelves,
				 &s->next);
	if (failed(e))
		policy_free(policy);
	job->writes = !failed(e);
	return e;
}

static struct err put_apply(struct job *job, struct batch *batch)
{
	struct put_state *s = job->state;
	const struct policy *policy = policing_policy(s->next);
	struct digest files[POLICY_FILES_MAX];
	size_t count = policy_file_count(policy);
	char digest[DIGEST_TEXT_LEN + 1];
	struct err e = ERR_NONE;

	for (size_t i = 0; i < count && !failed(e); i++)
		e = policy_store_put_file(batch->txn, policy_file(policy, i),
					  &files[i]);
	if (!failed(e))
		e = policy_store_put_set(batch->txn, policy_digest(policy),
					 files, count);
	if (!failed(e))
		e = policy_store_activate(batch->txn, policy_digest(policy),
					  batch->now_s, &s->number);
	digest_format(policing_digest(s->next), digest);
	if (!failed(e))
		e = admin_record(job, batch, "version %llu, %s",
				 (unsigned long long)s->number, digest);
	return e;
}

static struct err put_finish(struct job *job)
{
	struct put_state *s = job->state;
	struct json_writer w = json_write(&job->body);

	json_open_object(&w);
	json_member_digest(&w, "digest", policing_digest(s->next));
	json_member_u64(&w, "number", s->number);
	json_close_object(&w);
	core_policing_set(job->core, s->next); /* takes it */
	s->next = NULL;
	answer_json(job, 200);
	return buf_check(&job->body);
}

static void put_clear(struct job *job)
{
	struct put_state *s = job->state;

	policing_release(s->next);
}

const struct operation admin_policy_put = {
	.name = "admin.policy.put",
	.method = "PUT",
	.path = "/admin/v1/policy",
	.listeners = 1u << CORE_ADMIN,
	.askers = ASKER_OFFICER,
	.proof = PROOF_SINGLE_USE,
	.roles = ADMIN_SECURITY,
	.beyond_quota = true,
	.check = put_check,
	.apply = put_apply,
	.finish = put_finish,
	.clear = put_clear,
};
