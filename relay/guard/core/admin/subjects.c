/*
 * Subjects: whose devices these are, and what they are cleared for.
 *
 * A subject that is deleted takes its devices and open invitations along, so
 * that a later one of the same name does not come into them.
 */
#include "proto/exchange/me.h"
#include "proto/exchange/member.h"
#include "relay/guard/core/admin/admin.h"
#include "relay/guard/core/admin/change.h"
#include "relay/guard/core/admin/page.h"
#include "relay/guard/core/admin/profile.h"
#include "relay/guard/core/admin/text.h"
#include "storage/token.h"

enum { SUBJECT_BODY_MAX = 512 << 10, SUBJECT_ARENA_MAX = 1 << 20 };

static void put_subject(const struct subject *s, struct json_writer *w)
{
	json_open_object(w);
	json_member_string(w, "name", s->name);
	json_put_name(w, "rights");
	me_rights_write(s->rights, w);
	admin_spaces_write(w, s->spaces, s->space_count, false);
	json_member_bytes(w, "clearance", s->clearance);
	json_close_object(w);
}

static struct err list_check(struct job *job)
{
	static const char *const names[] = {"after", "limit", NULL};
	char name[SUBJECT_NAME_MAX];
	struct subject s = {0};
	struct admin_page page;
	struct txn *txn = NULL;
	struct arena arena;
	struct span next = {0};
	struct err e = admin_page_begin(job, names, "subjects", &page);

	if (!failed(e) && page.after.len)
		e = subject_name_check(page.after);
	if (!failed(e))
		e = txn_begin_read(job->core->store, STORE_RECORDS, &txn);
	if (failed(e))
		return e;
	s.name = page.after;
	arena_init(&arena, SUBJECT_ARENA_MAX);
	while (!failed(e = subject_next(txn, &arena, &s))) {
		if (admin_page_full(job, &page))
			break;
		put_subject(&s, &page.w);
		page.rows++;
		/* The name outlives the arena: the next one comes after it. */
		s.name = span_sub(s.name, 0, sizeof(name));
		memcpy(name, s.name.at, s.name.len);
		s.name = next = span_of(name, s.name.len);
		arena_clear(&arena);
	}
	if (e.code == ERR_NOT_FOUND) {
		next = (struct span){0};
		e = ERR_NONE;
	}
	arena_clear(&arena);
	txn_abort(&txn);
	return failed(e) ? e : admin_page_end(job, &page, next);
}

const struct operation admin_subjects = {
	.name = "admin.subjects",
	.method = "GET",
	.path = "/admin/v1/subjects",
	.listeners = 1u << CORE_ADMIN,
	.askers = ASKER_OFFICER,
	.roles = ADMIN_OPERATOR | ADMIN_SECURITY,
	.check = list_check,
};

/* ---- PUT ---- */

struct put_state {
	struct subject subject;
};

static struct err name_of(struct job *job, struct span *out)
{
	struct err e = subject_name_check(job->path.at[3]);

	if (!failed(e) && !admin_text_valid(job->path.at[3]))
		e = err_make(ERR_MALFORMED, "a subject's name is UTF-8");
	if (!failed(e))
		*out = job->path.at[3];
	return e;
}

static struct err put_check(struct job *job)
{
	static const char *const names[] = {"clearance", "rights", "spaces",
					    NULL};
	struct put_state *s = job_state(job, sizeof(*s));
	const struct json *rights;
	struct json *json = NULL;
	struct err e = arena_check(&job->arena);

	if (!failed(e))
		e = name_of(job, &s->subject.name);
	if (failed(e))
		return e;
	e = member_open(job->http.body, SUBJECT_BODY_MAX, names, &json);
	if (!failed(e))
		e = member_blob(json, "clearance", SUBJECT_CLEARANCE_MAX,
				&job->arena, &s->subject.clearance);
	if (!failed(e))
		e = json_get_array(json, "rights", &rights);
	if (!failed(e))
		e = me_rights_read(rights, &s->subject.rights);
	if (!failed(e))
		e = admin_spaces_read(job, json, SUBJECT_SPACES_MAX,
				      &s->subject.spaces,
				      &s->subject.space_count, NULL);
	if (!failed(e))
		e = admin_clearance_check(job, s->subject.clearance);
	json_free(json);
	job->writes = !failed(e);
	return e;
}

static struct err put_apply(struct job *job, struct batch *batch)
{
	struct put_state *s = job->state;
	struct span name = s->subject.name;
	struct err e = subject_put(batch->txn, &s->subject);

	if (!failed(e))
		e = admin_record(job, batch, "%.*s", (int)name.len,
				 (const char *)name.at);
	return e;
}

const struct operation admin_subject_put = {
	.name = "admin.subject.put",
	.method = "PUT",
	.path = "/admin/v1/subjects/{}",
	.listeners = 1u << CORE_ADMIN,
	.askers = ASKER_OFFICER,
	.proof = PROOF_SINGLE_USE,
	.roles = ADMIN_OPERATOR,
	.beyond_quota = true,
	.check = put_check,
	.apply = put_apply,
	.finish = admin_done,
};

/* ---- DELETE ---- */

static struct err del_check(struct job *job)
{
	struct put_state *s = job_state(job, sizeof(*s));
	struct err e = arena_check(&job->arena);

	if (!failed(e))
		e = admin_no_body(job);
	if (!failed(e))
		e = name_of(job, &s->subject.name);
	job->writes = !failed(e);
	return e;
}

static struct err del_confirm(struct job *job, struct batch *batch)
{
	struct put_state *s = job->state;

	return subject_get(batch->txn, s->subject.name, &job->arena,
			   &s->subject);
}

static struct err revoke_devices(struct batch *batch, struct span subject)
{
	struct device d = {0};
	struct arena arena;
	struct err e;

	arena_init(&arena, SUBJECT_ARENA_MAX);
	while (!failed(e = device_next(batch->txn, &arena, &d))) {
		if (span_eq(d.subject, subject) && d.state != DEVICE_REVOKED) {
			d.state = DEVICE_REVOKED;
			d.changed = batch->now_s;
			e = device_put(batch->txn, &d);
		}
		arena_clear(&arena);
		if (failed(e))
			break;
	}
	arena_clear(&arena);
	return e.code == ERR_NOT_FOUND ? ERR_NONE : e;
}

static struct err drop_tokens(struct batch *batch, struct span subject)
{
	struct token t = {0};
	struct arena arena;
	struct err e;

	arena_init(&arena, SUBJECT_ARENA_MAX);
	while (!failed(e = token_next(batch->txn, &arena, &t))) {
		if (t.kind == TOKEN_DEVICE && span_eq(t.subject, subject))
			e = token_del(batch->txn, t.id);
		arena_clear(&arena);
		if (failed(e))
			break;
	}
	arena_clear(&arena);
	return e.code == ERR_NOT_FOUND ? ERR_NONE : e;
}

static struct err del_apply(struct job *job, struct batch *batch)
{
	struct put_state *s = job->state;
	struct span name = s->subject.name;
	struct err e = subject_del(batch->txn, name);

	if (!failed(e))
		e = revoke_devices(batch, name);
	if (!failed(e))
		e = drop_tokens(batch, name);
	if (!failed(e))
		e = admin_record(job, batch, "%.*s", (int)name.len,
				 (const char *)name.at);
	return e;
}

const struct operation admin_subject_del = {
	.name = "admin.subject.delete",
	.method = "DELETE",
	.path = "/admin/v1/subjects/{}",
	.listeners = 1u << CORE_ADMIN,
	.askers = ASKER_OFFICER,
	.proof = PROOF_SINGLE_USE,
	.roles = ADMIN_OPERATOR,
	.beyond_quota = true,
	.check = del_check,
	.confirm = del_confirm,
	.apply = del_apply,
	.finish = admin_done,
};
