/* A backup: asked for, looked at, fetched, dropped. */
#include "relay/guard/core/admin/admin.h"
#include "relay/guard/core/admin/change.h"
#include "relay/guard/core/backing.h"

enum { PIECE_MAX = 1 << 20 };

static const char *const state_names[] = {
	[BACKING_NONE] = "none",       [BACKING_DUE] = "due",
	[BACKING_RUNNING] = "running", [BACKING_READY] = "ready",
	[BACKING_FAILED] = "failed",
};

static struct err put_state(struct job *job)
{
	struct json_writer w = json_write(&job->body);
	struct backing_seen seen;

	backing_look(job->core, &seen);
	json_open_object(&w);
	json_member_u64(&w, "bytes", seen.bytes);
	json_member_str(&w, "detail", seen.why.detail ? seen.why.detail : "");
	json_member_u64(&w, "estimate", seen.estimate);
	json_member_u64(&w, "rows", seen.rows);
	json_member_str(&w, "state", state_names[seen.state]);
	json_member_u64(&w, "time", seen.time);
	json_close_object(&w);
	return buf_check(&job->body);
}

static struct err look_check(struct job *job)
{
	struct err e = put_state(job);

	if (!failed(e))
		answer_json(job, 200);
	return e;
}

const struct operation admin_backup = {
	.name = "admin.backup",
	.method = "GET",
	.path = "/admin/v1/backup",
	.listeners = 1u << CORE_ADMIN,
	.askers = ASKER_OFFICER,
	.roles = ADMIN_OPERATOR | ADMIN_SECURITY,
	.check = look_check,
};

/* ---- fetching: sealed to the recovery key, so to no officer ---- */

static struct err fetch_check(struct job *job)
{
	static const char *const names[] = {"offset", NULL};
	uint64_t offset = 0;
	struct err e = http_query_only(&job->query, names);

	if (!failed(e))
		e = http_query_u64(&job->query, "offset", &offset);
	if (!failed(e))
		e = backing_read(job->core, offset, PIECE_MAX, &job->body);
	if (failed(e))
		return e;
	job->answer.status = 200;
	job->answer.body = buf_span(&job->body);
	answer_field(job, "content-type", span_str("application/octet-stream"));
	job->done = true;
	return ERR_NONE;
}

const struct operation admin_backup_fetch = {
	.name = "admin.backup.fetch",
	.method = "GET",
	.path = "/admin/v1/backup/content",
	.listeners = 1u << CORE_ADMIN,
	.askers = ASKER_OFFICER,
	.roles = ADMIN_OPERATOR | ADMIN_SECURITY,
	.check = fetch_check,
};

/* ---- asking for one, dropping it ---- */

static struct err begin_check(struct job *job)
{
	struct err e = admin_no_body(job);

	if (!failed(e))
		e = backing_may_begin(job->core);
	job->writes = !failed(e);
	return e;
}

static struct err record(struct job *job, struct batch *batch)
{
	return admin_record(job, batch, "%s", "");
}

static struct err begin_finish(struct job *job)
{
	struct err e;

	backing_begin(job->core);
	e = put_state(job);
	if (!failed(e))
		answer_json(job, 202);
	return e;
}

const struct operation admin_backup_begin = {
	.name = "admin.backup.begin",
	.method = "POST",
	.path = "/admin/v1/backup",
	.listeners = 1u << CORE_ADMIN,
	.askers = ASKER_OFFICER,
	.proof = PROOF_SINGLE_USE,
	.roles = ADMIN_OPERATOR | ADMIN_SECURITY,
	.beyond_quota = true,
	.check = begin_check,
	.apply = record,
	.finish = begin_finish,
};

static struct err drop_check(struct job *job)
{
	struct err e = admin_no_body(job);

	job->writes = !failed(e);
	return e;
}

static struct err drop_finish(struct job *job)
{
	struct err e = backing_drop(job->core);

	return failed(e) ? e : admin_done(job);
}

const struct operation admin_backup_drop = {
	.name = "admin.backup.drop",
	.method = "DELETE",
	.path = "/admin/v1/backup",
	.listeners = 1u << CORE_ADMIN,
	.askers = ASKER_OFFICER,
	.proof = PROOF_SINGLE_USE,
	.roles = ADMIN_OPERATOR | ADMIN_SECURITY,
	.beyond_quota = true,
	.check = drop_check,
	.apply = record,
	.finish = drop_finish,
};
