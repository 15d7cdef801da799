/* A restored relay may release again: two officers say so. */
#include <stdio.h>

#include "relay/guard/core/admin/admin.h"
#include "relay/guard/core/admin/change.h"
#include "storage/hold.h"

struct release_state {
	struct hold hold;
	bool lifted;
};

static struct err release_check(struct job *job)
{
	struct err e;

	(void)job_state(job, sizeof(struct release_state));
	e = arena_check(&job->arena);
	if (!failed(e))
		e = admin_no_body(job);
	if (!failed(e) && !atomic_load(&job->core->held))
		e = err_make(ERR_CONFLICT, "this relay is not held");
	job->writes = !failed(e);
	return e;
}

static struct err release_confirm(struct job *job, struct batch *batch)
{
	struct release_state *s = job->state;
	struct span name = job->asker.officer.name;
	struct err e = hold_get(batch->txn, &s->hold);

	if (failed(e))
		return e;
	if (!s->hold.held)
		return err_make(ERR_CONFLICT, "this relay is not held");
	if (name.len > HOLD_NAME_MAX)
		return err_make(ERR_TOO_LARGE, "an officer's name");
	if (span_eq_str(name, s->hold.officer))
		return err_make(ERR_FORBIDDEN,
				"another officer must say so too");
	s->lifted = s->hold.officer[0] != 0;
	s->hold.held = !s->lifted;
	snprintf(s->hold.officer, sizeof(s->hold.officer), "%.*s",
		 (int)name.len, (const char *)name.at);
	return ERR_NONE;
}

static struct err release_apply(struct job *job, struct batch *batch)
{
	struct release_state *s = job->state;
	struct err e = hold_put(batch->txn, &s->hold);

	if (!failed(e))
		e = admin_record(job, batch, "%s",
				 s->lifted ? "the second: lifted"
					   : "the first");
	return e;
}

static struct err release_finish(struct job *job)
{
	struct release_state *s = job->state;
	struct json_writer w = json_write(&job->body);

	if (s->lifted) {
		atomic_store(&job->core->held, false);
		core_wake(job->core);
	}
	json_open_object(&w);
	json_member_bool(&w, "held", !s->lifted);
	json_member_str(&w, "officer", s->hold.officer);
	json_close_object(&w);
	answer_json(job, s->lifted ? 200 : 202);
	return buf_check(&job->body);
}

const struct operation admin_release = {
	.name = "admin.release",
	.method = "POST",
	.path = "/admin/v1/release",
	.listeners = 1u << CORE_ADMIN,
	.askers = ASKER_OFFICER,
	.proof = PROOF_SINGLE_USE,
	.roles = ADMIN_OPERATOR | ADMIN_SECURITY,
	.beyond_quota = true,
	.check = release_check,
	.confirm = release_confirm,
	.apply = release_apply,
	.finish = release_finish,
};
