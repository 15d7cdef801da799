/*
 * Peer nations: invited, accepted, suspended.
 *
 * Accepting stores the invitation; the guard's own pulls then call the other
 * nation.  Suspending drops what invitations of that nation are open, so that
 * none of them undoes it.
 */
#include <stdio.h>

#include "proto/exchange/member.h"
#include "relay/guard/core/admin/admin.h"
#include "relay/guard/core/admin/change.h"
#include "relay/guard/core/admin/invitation.h"
#include "relay/guard/core/admin/page.h"
#include "relay/guard/core/admin/profile.h"
#include "relay/guard/core/pulls.h"
#include "storage/certificate_store.h"

enum {
	PEER_BODY_MAX = 512 << 10,
	PEER_ARENA_MAX = 1 << 20,
	PENDING_MAX = 256, /* invitations shown */
};

static void put_peer(const struct peer *p, uint64_t now, struct json_writer *w)
{
	json_open_object(w);
	json_member_nation(w, "nation", p->nation);
	json_member_str(w, "state",
			p->state == PEER_ACTIVE ? "active" : "suspended");
	json_member_string(w, "endpoint", p->endpoint);
	json_member_replica(w, "replica", p->replica);
	json_member_u64(w, "since", p->since);
	if (p->pulled) {
		json_member_u64(w, "pulled", p->pulled);
		json_member_u64(w, "lag",
				now > p->pulled ? now - p->pulled : 0);
	}
	json_member_u64(w, "rows", p->pulled_rows);
	json_member_u64(w, "refused", p->refused_rows);
	json_member_bool(w, "more", p->more);
	admin_profile_write(w, &p->profile);
	json_close_object(w);
}

/* Invitations that nobody has answered yet, ours and those accepted. */
static struct err put_pending(struct txn *txn, uint64_t now,
			      struct json_writer *w)
{
	struct token t = {0};
	struct arena arena;
	size_t rows = 0;
	struct err e = ERR_NONE;

	arena_init(&arena, PEER_ARENA_MAX);
	json_put_name(w, "pending");
	json_open_array(w);
	while (rows < PENDING_MAX && !failed(e = token_next(txn, &arena, &t))) {
		if (t.kind != TOKEN_DEVICE && t.expires > now) {
			json_open_object(w);
			json_member_nation(w, "nation", t.nation);
			json_member_str(w, "state",
					t.kind == TOKEN_PEER ? "invited"
							     : "accepted");
			json_member_u64(w, "expires", t.expires);
			json_close_object(w);
			rows++;
		}
		arena_clear(&arena);
	}
	json_close_array(w);
	arena_clear(&arena);
	return e.code == ERR_NOT_FOUND ? ERR_NONE : e;
}

static struct err list_check(struct job *job)
{
	static const char *const names[] = {"after", "limit", NULL};
	uint64_t now = core_now_s(job->core);
	char last[NATION_LEN + 1] = "";
	struct peer p = {0};
	struct admin_page page;
	struct txn *txn = NULL;
	struct arena arena;
	struct err e = admin_page_begin(job, names, "peers", &page);

	if (!failed(e) && page.after.len)
		e = nation_parse(page.after, &p.nation);
	if (!failed(e))
		e = txn_begin_read(job->core->store, STORE_RECORDS, &txn);
	if (failed(e))
		return e;
	arena_init(&arena, PEER_ARENA_MAX);
	while (!failed(e = peer_next(txn, &arena, &p))) {
		if (admin_page_full(job, &page))
			break;
		put_peer(&p, now, &page.w);
		nation_format(p.nation, last);
		arena_clear(&arena);
		page.rows++;
	}
	if (e.code == ERR_NOT_FOUND) {
		last[0] = 0;
		e = ERR_NONE;
	}
	if (!failed(e)) {
		json_close_array(&page.w);
		e = put_pending(txn, now, &page.w);
	}
	if (!failed(e))
		e = admin_page_close(job, &page, span_str(last));
	arena_clear(&arena);
	txn_abort(&txn);
	return e;
}

const struct operation admin_peers = {
	.name = "admin.peers",
	.method = "GET",
	.path = "/admin/v1/peers",
	.listeners = 1u << CORE_ADMIN,
	.askers = ASKER_OFFICER,
	.roles = ADMIN_OPERATOR | ADMIN_SECURITY,
	.check = list_check,
};

/* ---- invitations, ours ---- */

struct invite_state {
	struct token token;
	struct buf text; /* holds the secret */
};

static struct err not_ourselves(const struct job *job, struct nation nation)
{
	return nation_eq(nation, job->core->nation)
		       ? err_make(ERR_MALFORMED, "this is our own nation")
		       : ERR_NONE;
}

static struct err invite_check(struct job *job)
{
	static const char *const names[] = {"ceiling", "clearance", "nation",
					    "spaces", NULL};
	struct invite_state *s = job_state(job, sizeof(*s));
	struct json *json = NULL;
	struct err e = arena_check(&job->arena);

	if (failed(e))
		return e;
	buf_init(&s->text, ENROL_TOKEN_TEXT_MAX);
	s->token.kind = TOKEN_PEER;
	e = member_open(job->http.body, PEER_BODY_MAX, names, &json);
	if (!failed(e))
		e = json_get_nation(json, "nation", &s->token.nation);
	if (!failed(e))
		e = not_ourselves(job, s->token.nation);
	if (!failed(e))
		e = admin_profile_read(job, json, &s->token.profile);
	if (!failed(e))
		e = admin_invitation_make(job, ENROL_PEER, &s->token, &s->text);
	json_free(json);
	job->writes = !failed(e);
	return e;
}

static struct err invite_apply(struct job *job, struct batch *batch)
{
	struct invite_state *s = job->state;
	struct err e = token_put(batch->txn, &s->token);

	if (!failed(e))
		e = admin_record(job, batch, "%.3s", s->token.nation.code);
	return e;
}

static struct err invite_finish(struct job *job)
{
	struct invite_state *s = job->state;
	struct json_writer w = json_write(&job->body);

	json_open_object(&w);
	json_member_u64(&w, "expires", s->token.expires);
	json_member_string(&w, "invitation", buf_span(&s->text));
	json_close_object(&w);
	answer_json(job, 201);
	return buf_check(&job->body);
}

static void invite_clear(struct job *job)
{
	struct invite_state *s = job->state;

	buf_wipe(&s->text);
}

const struct operation admin_peer_invite = {
	.name = "admin.peer.invite",
	.method = "POST",
	.path = "/admin/v1/peers/invitations",
	.listeners = 1u << CORE_ADMIN,
	.askers = ASKER_OFFICER,
	.proof = PROOF_SINGLE_USE,
	.roles = ADMIN_OPERATOR,
	.beyond_quota = true,
	.check = invite_check,
	.apply = invite_apply,
	.finish = invite_finish,
	.clear = invite_clear,
};

/* ---- invitations, another nation's ---- */

static struct err read_invitation(struct job *job, struct span text,
				  struct token *out)
{
	struct enrol_token t;
	struct err e = enrol_token_parse(text, &t);

	if (failed(e))
		return e;
	if (t.kind != ENROL_PEER)
		e = err_make(ERR_MALFORMED, "no invitation of a nation");
	if (!failed(e))
		e = not_ourselves(job, t.nation);
	if (!failed(e)) {
		memcpy(out->id, t.id, sizeof(out->id));
		out->kind = TOKEN_ACCEPTED;
		out->nation = t.nation;
		out->ca = t.ca;
		out->root = t.root;
		out->expires = core_now_s(job->core) + TOKEN_LIFE_S;
		out->endpoint = arena_copy(&job->arena, span_str(t.endpoint));
		e = admin_invitation_seal(job, t.secret, out);
	}
	wipe(&t, sizeof(t));
	return e;
}

static struct err accept_check(struct job *job)
{
	static const char *const names[] = {"ceiling", "clearance",
					    "invitation", "spaces", NULL};
	struct token *token = job_state(job, sizeof(*token));
	struct json *json = NULL;
	struct span text;
	struct err e = arena_check(&job->arena);

	if (failed(e))
		return e;
	e = member_open(job->http.body, PEER_BODY_MAX, names, &json);
	if (!failed(e))
		e = json_get_string(json, "invitation", &text);
	if (!failed(e) && text.len > ENROL_TOKEN_TEXT_MAX)
		e = err_make(ERR_TOO_LARGE, "an invitation is not so long");
	if (!failed(e))
		e = read_invitation(job, text, token);
	if (!failed(e))
		e = admin_profile_read(job, json, &token->profile);
	json_free(json);
	job->writes = !failed(e);
	return e;
}

static struct err accept_confirm(struct job *job, struct batch *batch)
{
	struct token *token = job->state, known;
	struct digest root;
	struct span spki;
	struct err e =
		certificate_store_root(batch->txn, token->nation, NULL, &spki);

	if (!failed(e))
		e = crypto_sha256(spki, &root);
	if (!failed(e) && !digest_eq(root, token->root))
		return err_make(ERR_CONFLICT, "another seal root is pinned "
					      "for that nation");
	if (failed(e) && e.code != ERR_NOT_FOUND)
		return e;
	/* The id is the other nation's choice: it replaces nothing of ours. */
	e = token_get(batch->txn, token->id, &job->arena, &known);
	if (!failed(e) && (known.kind != TOKEN_ACCEPTED ||
			   !nation_eq(known.nation, token->nation)))
		e = err_make(ERR_CONFLICT, "an invitation of that id is here");
	return e.code == ERR_NOT_FOUND ? ERR_NONE : e;
}

static struct err accept_apply(struct job *job, struct batch *batch)
{
	struct token *token = job->state;
	struct err e = token_put(batch->txn, token);

	if (!failed(e))
		e = admin_record(job, batch, "%.3s", token->nation.code);
	return e;
}

static struct err accept_finish(struct job *job)
{
	struct token *token = job->state;
	struct json_writer w = json_write(&job->body);

	pulls_wake(job->core);
	json_open_object(&w);
	json_member_u64(&w, "expires", token->expires);
	json_member_nation(&w, "nation", token->nation);
	json_close_object(&w);
	answer_json(job, 202);
	return buf_check(&job->body);
}

const struct operation admin_peer_accept = {
	.name = "admin.peer.accept",
	.method = "POST",
	.path = "/admin/v1/peers/accept",
	.listeners = 1u << CORE_ADMIN,
	.askers = ASKER_OFFICER,
	.proof = PROOF_SINGLE_USE,
	.roles = ADMIN_OPERATOR,
	.beyond_quota = true,
	.check = accept_check,
	.confirm = accept_confirm,
	.apply = accept_apply,
	.finish = accept_finish,
};

/* ---- suspend, resume ---- */

struct change_state {
	struct nation nation;
	struct peer peer;
};

static struct err change_check(struct job *job)
{
	struct change_state *s = job_state(job, sizeof(*s));
	struct err e = arena_check(&job->arena);

	if (!failed(e))
		e = admin_no_body(job);
	if (!failed(e))
		e = nation_parse(job->path.at[3], &s->nation);
	job->writes = !failed(e);
	return e;
}

static struct err change_confirm(struct job *job, struct batch *batch)
{
	struct change_state *s = job->state;

	return peer_get(batch->txn, s->nation, &job->arena, &s->peer);
}

static struct err drop_invitations(struct batch *batch, struct nation nation)
{
	struct token t = {0};
	struct arena arena;
	struct err e;

	arena_init(&arena, PEER_ARENA_MAX);
	while (!failed(e = token_next(batch->txn, &arena, &t))) {
		if (t.kind != TOKEN_DEVICE && nation_eq(t.nation, nation))
			e = token_del(batch->txn, t.id);
		arena_clear(&arena);
		if (failed(e))
			break;
	}
	arena_clear(&arena);
	return e.code == ERR_NOT_FOUND ? ERR_NONE : e;
}

static struct err change_apply(struct job *job, struct batch *batch,
			       enum peer_state state)
{
	struct change_state *s = job->state;
	struct err e;

	s->peer.state = state;
	e = peer_put(batch->txn, &s->peer);
	if (!failed(e))
		e = admin_record(job, batch, "%.3s", s->nation.code);
	return e;
}

static struct err suspend_apply(struct job *job, struct batch *batch)
{
	struct change_state *s = job->state;
	struct err e = drop_invitations(batch, s->nation);

	return failed(e) ? e : change_apply(job, batch, PEER_SUSPENDED);
}

static struct err resume_apply(struct job *job, struct batch *batch)
{
	return change_apply(job, batch, PEER_ACTIVE);
}

/* The pulls begin or end with the peer's state. */
static struct err change_finish(struct job *job)
{
	pulls_wake(job->core);
	return admin_done(job);
}

const struct operation admin_peer_suspend = {
	.name = "admin.peer.suspend",
	.method = "POST",
	.path = "/admin/v1/peers/{}/suspend",
	.listeners = 1u << CORE_ADMIN,
	.askers = ASKER_OFFICER,
	.proof = PROOF_SINGLE_USE,
	.roles = ADMIN_OPERATOR | ADMIN_SECURITY,
	.beyond_quota = true,
	.check = change_check,
	.confirm = change_confirm,
	.apply = suspend_apply,
	.finish = change_finish,
};
const struct operation admin_peer_resume = {
	.name = "admin.peer.resume",
	.method = "POST",
	.path = "/admin/v1/peers/{}/resume",
	.listeners = 1u << CORE_ADMIN,
	.askers = ASKER_OFFICER,
	.proof = PROOF_SINGLE_USE,
	.roles = ADMIN_OPERATOR,
	.beyond_quota = true,
	.check = change_check,
	.confirm = change_confirm,
	.apply = resume_apply,
	.finish = change_finish,
};
