/* Devices: invited, frozen, revoked; and what a lost one may hold. */
#include "proto/exchange/member.h"
#include "relay/guard/core/admin/admin.h"
#include "relay/guard/core/admin/change.h"
#include "relay/guard/core/admin/invitation.h"
#include "relay/guard/core/admin/page.h"
#include "storage/ledger.h"

enum { DEVICE_BODY_MAX = 4 << 10, DEVICE_ARENA_MAX = 1 << 20 };

static const char *state_text(enum device_state state)
{
	switch (state) {
	case DEVICE_ACTIVE:
		return "active";
	case DEVICE_FROZEN:
		return "frozen";
	case DEVICE_REVOKED:
		return "revoked";
	}
	return "unknown";
}

/* The members of a device, in an open object. */
static struct err put_device(struct txn *txn, const struct device *d,
			     struct shelf_set *held, struct json_writer *w)
{
	struct reader_name name = reader_device(d->author);
	struct err e = ledger_may_hold(txn, &name, held);

	if (!failed(e))
		e = shelf_set_check(held);
	if (failed(e))
		return e;
	json_member_key_id(w, "reader", d->author);
	json_member_string(w, "subject", d->subject);
	json_member_str(w, "state", state_text(d->state));
	json_member_u64(w, "enrolled", d->enrolled);
	json_member_u64(w, "changed", d->changed);
	json_member_digest(w, "certificate", d->certificate);
	json_member_u64(w, "certificate_until", d->certificate_until);
	json_member_bool(w, "attested", d->attestation.len > 0);
	json_member_u64(w, "may_hold", shelf_set_size(held));
	return ERR_NONE;
}

static struct err list_check(struct job *job)
{
	static const char *const names[] = {"after", "limit", NULL};
	char last[DIGEST_TEXT_LEN + 1] = "";
	struct device d = {0};
	struct admin_page page;
	struct txn *txn = NULL;
	struct arena arena;
	struct err e = admin_page_begin(job, names, "devices", &page);

	if (!failed(e) && page.after.len)
		e = key_id_parse(page.after, &d.author);
	if (!failed(e))
		e = txn_begin_read(job->core->store, STORE_RECORDS, &txn);
	if (failed(e))
		return e;
	arena_init(&arena, DEVICE_ARENA_MAX);
	while (!failed(e = device_next(txn, &arena, &d))) {
		struct shelf_set held = {0};

		if (admin_page_full(job, &page))
			break;
		json_open_object(&page.w);
		e = put_device(txn, &d, &held, &page.w);
		json_close_object(&page.w);
		shelf_set_clear(&held);
		arena_clear(&arena);
		if (failed(e))
			break;
		key_id_format(d.author, last);
		page.rows++;
	}
	if (e.code == ERR_NOT_FOUND) {
		last[0] = 0;
		e = ERR_NONE;
	}
	arena_clear(&arena);
	txn_abort(&txn);
	return failed(e) ? e : admin_page_end(job, &page, span_str(last));
}

/* The shelves that the device may hold, first ones first. */
static void put_holds(struct job *job, const struct shelf_set *held,
		      struct json_writer *w)
{
	size_t rows = 0;

	json_put_name(w, "holds");
	json_open_array(w);
	for (uint32_t s = shelf_set_next(held, 0); s && rows < PAGE_ROWS_MAX;
	     s = shelf_set_next(held, s)) {
		const struct shelf_row *row = shelf_get(job->core->shelves, s);

		if (!row)
			continue;
		json_open_object(w);
		json_member_digest(w, "shelf", row->name);
		json_member_string(w, "space",
				   span_of(row->space, row->space_len));
		member_digests_write(w, "labels", row->labels,
				     row->labels_count);
		json_close_object(w);
		rows++;
	}
	json_close_array(w);
}

static struct err one_check(struct job *job)
{
	struct shelf_set held = {0};
	struct txn *txn = NULL;
	struct json_writer w;
	struct key_id author;
	struct device d;
	struct err e = key_id_parse(job->path.at[3], &author);

	if (!failed(e))
		e = txn_begin_read(job->core->store, STORE_RECORDS, &txn);
	if (!failed(e))
		e = device_get(txn, author, &job->arena, &d);
	if (!failed(e)) {
		w = json_write(&job->body);
		json_open_object(&w);
		e = put_device(txn, &d, &held, &w);
		put_holds(job, &held, &w);
		json_close_object(&w);
	}
	if (!failed(e)) {
		answer_json(job, 200);
		e = buf_check(&job->body);
	}
	shelf_set_clear(&held);
	txn_abort(&txn);
	return e;
}

const struct operation admin_devices = {
	.name = "admin.devices",
	.method = "GET",
	.path = "/admin/v1/devices",
	.listeners = 1u << CORE_ADMIN,
	.askers = ASKER_OFFICER,
	.roles = ADMIN_OPERATOR | ADMIN_SECURITY,
	.check = list_check,
};
const struct operation admin_device = {
	.name = "admin.device",
	.method = "GET",
	.path = "/admin/v1/devices/{}",
	.listeners = 1u << CORE_ADMIN,
	.askers = ASKER_OFFICER,
	.roles = ADMIN_OPERATOR | ADMIN_SECURITY,
	.check = one_check,
};

/* ---- invitations ---- */

struct invite_state {
	struct token token;
	struct buf text; /* holds the secret */
};

static struct err invite_check(struct job *job)
{
	static const char *const names[] = {"subject", NULL};
	struct invite_state *s = job_state(job, sizeof(*s));
	struct subject subject;
	struct json *json = NULL;
	struct txn *txn = NULL;
	struct err e = arena_check(&job->arena);

	if (failed(e))
		return e;
	buf_init(&s->text, ENROL_TOKEN_TEXT_MAX);
	s->token.kind = TOKEN_DEVICE;
	e = member_open(job->http.body, DEVICE_BODY_MAX, names, &json);
	if (!failed(e))
		e = member_text(json, "subject", SUBJECT_NAME_MAX, &job->arena,
				&s->token.subject);
	if (!failed(e))
		e = subject_name_check(s->token.subject);
	if (!failed(e))
		e = txn_begin_read(job->core->store, STORE_RECORDS, &txn);
	if (!failed(e))
		e = subject_get(txn, s->token.subject, &job->arena, &subject);
	txn_abort(&txn);
	if (!failed(e))
		e = admin_invitation_make(job, ENROL_DEVICE, &s->token,
					  &s->text);
	json_free(json);
	job->writes = !failed(e);
	return e;
}

/* The subject may have gone while the job waited. */
static struct err invite_confirm(struct job *job, struct batch *batch)
{
	struct invite_state *s = job->state;
	struct subject subject;

	return subject_get(batch->txn, s->token.subject, &job->arena, &subject);
}

static struct err invite_apply(struct job *job, struct batch *batch)
{
	struct invite_state *s = job->state;
	struct err e = token_put(batch->txn, &s->token);

	if (!failed(e))
		e = admin_record(job, batch, "%.*s", (int)s->token.subject.len,
				 (const char *)s->token.subject.at);
	return e;
}

static struct err invite_finish(struct job *job)
{
	struct invite_state *s = job->state;
	struct json_writer w = json_write(&job->body);

	json_open_object(&w);
	json_member_u64(&w, "expires", s->token.expires);
	json_member_string(&w, "token", buf_span(&s->text));
	json_close_object(&w);
	answer_json(job, 201);
	return buf_check(&job->body);
}

static void invite_clear(struct job *job)
{
	struct invite_state *s = job->state;

	buf_wipe(&s->text);
}

const struct operation admin_device_invite = {
	.name = "admin.device.invite",
	.method = "POST",
	.path = "/admin/v1/devices/invitations",
	.listeners = 1u << CORE_ADMIN,
	.askers = ASKER_OFFICER,
	.proof = PROOF_SINGLE_USE,
	.roles = ADMIN_OPERATOR,
	.beyond_quota = true,
	.check = invite_check,
	.confirm = invite_confirm,
	.apply = invite_apply,
	.finish = invite_finish,
	.clear = invite_clear,
};

/* ---- freeze, resume, revoke ---- */

struct change_state {
	struct key_id author;
	struct device device;
};

static struct err change_check(struct job *job)
{
	struct change_state *s = job_state(job, sizeof(*s));
	struct err e = arena_check(&job->arena);

	if (!failed(e))
		e = admin_no_body(job);
	if (!failed(e))
		e = key_id_parse(job->path.at[3], &s->author);
	job->writes = !failed(e);
	return e;
}

/* `to`, unless it is revoked: that is final. */
static struct err change_confirm(struct job *job, struct batch *batch,
				 enum device_state to)
{
	struct change_state *s = job->state;
	struct err e =
		device_get(batch->txn, s->author, &job->arena, &s->device);

	if (failed(e))
		return e;
	if (s->device.state == DEVICE_REVOKED && to != DEVICE_REVOKED)
		return err_make(ERR_CONFLICT,
				"a revoked device stays revoked: enrol it "
				"anew, with new keys");
	if (s->device.state != to)
		s->device.changed = batch->now_s;
	s->device.state = to;
	return ERR_NONE;
}

static struct err freeze_confirm(struct job *job, struct batch *batch)
{
	return change_confirm(job, batch, DEVICE_FROZEN);
}

static struct err resume_confirm(struct job *job, struct batch *batch)
{
	return change_confirm(job, batch, DEVICE_ACTIVE);
}

static struct err revoke_confirm(struct job *job, struct batch *batch)
{
	return change_confirm(job, batch, DEVICE_REVOKED);
}

static struct err change_apply(struct job *job, struct batch *batch)
{
	struct change_state *s = job->state;
	char author[DIGEST_TEXT_LEN + 1];
	struct err e = device_put(batch->txn, &s->device);

	key_id_format(s->author, author);
	if (!failed(e))
		e = admin_record(job, batch, "%s of %.*s", author,
				 (int)s->device.subject.len,
				 (const char *)s->device.subject.at);
	return e;
}

const struct operation admin_device_freeze = {
	.name = "admin.device.freeze",
	.method = "POST",
	.path = "/admin/v1/devices/{}/freeze",
	.listeners = 1u << CORE_ADMIN,
	.askers = ASKER_OFFICER,
	.proof = PROOF_SINGLE_USE,
	.roles = ADMIN_OPERATOR | ADMIN_SECURITY,
	.beyond_quota = true,
	.check = change_check,
	.confirm = freeze_confirm,
	.apply = change_apply,
	.finish = admin_done,
};
const struct operation admin_device_resume = {
	.name = "admin.device.resume",
	.method = "POST",
	.path = "/admin/v1/devices/{}/resume",
	.listeners = 1u << CORE_ADMIN,
	.askers = ASKER_OFFICER,
	.proof = PROOF_SINGLE_USE,
	.roles = ADMIN_OPERATOR | ADMIN_SECURITY,
	.beyond_quota = true,
	.check = change_check,
	.confirm = resume_confirm,
	.apply = change_apply,
	.finish = admin_done,
};
const struct operation admin_device_revoke = {
	.name = "admin.device.revoke",
	.method = "POST",
	.path = "/admin/v1/devices/{}/revoke",
	.listeners = 1u << CORE_ADMIN,
	.askers = ASKER_OFFICER,
	.proof = PROOF_SINGLE_USE,
	.roles = ADMIN_OPERATOR | ADMIN_SECURITY,
	.beyond_quota = true,
	.check = change_check,
	.confirm = revoke_confirm,
	.apply = change_apply,
	.finish = admin_done,
};
