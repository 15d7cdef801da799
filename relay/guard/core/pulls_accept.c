/* An invitation that our operator accepted: the inviting nation is asked. */
#include <stdio.h>

#include "proto/exchange/enrol.h"
#include "relay/guard/core/pulls_state.h"
#include "storage/token.h"

enum { ACCEPT_RETRY_MS = 5000, ACCEPT_ANSWER_MAX = PEERING_BODY_MAX };

static struct err accept_macs(struct core *core, const struct token *token,
			      struct span secret, struct pulls_call *o)
{
	struct invitation invitation = {
		.inviting = {.nation = token->nation,
			     .root = token->root,
			     .ca = token->ca,
			     .endpoint = token->endpoint},
		.invited = {.nation = core->nation,
			    .endpoint = span_str(core->peer_endpoint)},
	};
	struct err e =
		crypto_sha256(buf_span(&core->root), &invitation.invited.root);

	memcpy(invitation.id, token->id, sizeof(invitation.id));
	if (secret.len != INVITATION_SECRET_LEN)
		e = err_make(ERR_CORRUPT, "tokens: secret");
	if (!failed(e))
		e = crypto_sha256(buf_span(&core->ca), &invitation.invited.ca);
	if (!failed(e))
		e = invitation_keys_derive(secret.at, token->id, &o->keys);
	if (!failed(e))
		e = invitation_request_mac(&o->keys, &invitation,
					   buf_span(&core->certificate),
					   o->request_mac);
	return e;
}

static struct err accept_make(struct pulls *p, const struct token *token,
			      struct pulls_call *o)
{
	struct core *core = p->core;
	struct peering_request request = {
		.nation = core->nation,
		.ca = buf_span(&core->ca),
		.certificate = buf_span(&core->certificate),
		.endpoint = span_str(core->peer_endpoint),
		.root = buf_span(&core->root),
	};
	struct buf secret;
	struct err e;

	buf_init(&secret, INVITATION_SECRET_LEN);
	e = ring_open_secret(core->ring, SPAN_OBJ(token->id), token->secret,
			     &secret);
	if (!failed(e))
		e = accept_macs(core, token, buf_span(&secret), o);
	buf_wipe(&secret);
	if (failed(e))
		return e;
	memcpy(request.invitation, token->id, sizeof(request.invitation));
	memcpy(request.mac, o->request_mac, sizeof(request.mac));
	peering_request_encode(&request, &o->body);
	buf_put_str(&o->target, "/v1/peer/invitation");
	memcpy(o->token, token->id, sizeof(o->token));
	o->ca_digest = token->ca;
	o->accepting = true;
	o->call.nation = token->nation;
	snprintf(o->call.endpoint, sizeof(o->call.endpoint), "%.*s",
		 (int)token->endpoint.len, (const char *)token->endpoint.at);
	o->call.ca_digest = SPAN_OBJ(o->ca_digest.at);
	o->call.method = span_str("POST");
	o->call.target = buf_span(&o->target);
	o->call.body = buf_span(&o->body);
	o->call.fields[0] = (struct core_field){span_str("content-type"),
						span_str("application/json")};
	o->call.field_count = 1;
	o->call.answer_max = ACCEPT_ANSWER_MAX;
	return buf_check(&o->body);
}

static bool accepting(const struct pulls *p, const uint8_t id[LEASE_ID_LEN])
{
	for (int i = 0; i < PULLS_CALLS_MAX; i++)
		if (p->outs[i].busy && p->outs[i].accepting &&
		    memcmp(p->outs[i].token, id, LEASE_ID_LEN) == 0)
			return true;
	return false;
}

struct err pulls_accept(struct pulls *p, struct pulls_call **out)
{
	struct token token = {0};
	struct txn *txn = NULL;
	struct arena arena;
	struct err e = txn_begin_read(p->core->store, STORE_RECORDS, &txn);

	arena_init(&arena, PULLS_ARENA_MAX);
	while (!failed(e) && !*out) {
		struct pulls_call *o;

		e = token_next(txn, &arena, &token);
		if (failed(e))
			break;
		if (token.kind != TOKEN_ACCEPTED ||
		    token.expires < core_now_s(p->core) ||
		    accepting(p, token.id))
			continue;
		o = pulls_call_free(p);
		if (!o)
			break;
		e = accept_make(p, &token, o);
		if (!failed(e))
			*out = o;
	}
	txn_abort(&txn);
	arena_clear(&arena);
	return e.code == ERR_NOT_FOUND ? ERR_NONE : e;
}

/* The inviting nation is who the invitation spoke of: pin, and make it a
 * peer. */
static struct err accept_take(struct pulls *p, struct pulls_call *o,
			      const struct peering_answer *answer)
{
	struct core *core = p->core;
	uint8_t mac[INVITATION_MAC_LEN];
	struct replica_certificate *c = NULL;
	struct digest root, ca;
	struct token token;
	struct batch batch;
	struct audit_entry entry = {.who = AUDIT_SYSTEM,
				    .who_id = span_str("peering"),
				    .what = span_str("peer.accepted")};
	struct peer peer;
	struct err e = invitation_answer_mac(&o->keys, o->request_mac,
					     answer->certificate, mac);

	if (!failed(e))
		e = invitation_check_mac(mac, SPAN_OBJ(answer->mac));
	if (!failed(e))
		e = crypto_sha256(answer->root, &root);
	if (!failed(e))
		e = crypto_sha256(answer->ca, &ca);
	if (!failed(e))
		e = replica_decode(answer->certificate, &c);
	if (!failed(e))
		e = batch_begin(core, true, 0, &batch);
	if (failed(e)) {
		replica_free(c);
		return e;
	}
	e = token_get(batch.txn, o->token, &o->arena, &token);
	if (!failed(e) &&
	    (!digest_eq(token.root, root) || !digest_eq(token.ca, ca)))
		e = err_make(ERR_UNAUTHENTICATED,
			     "another root or CA than the invitation names");
	if (!failed(e)) {
		peer = (struct peer){.nation = token.nation,
				     .state = PEER_ACTIVE,
				     .endpoint = token.endpoint,
				     .ca = answer->ca,
				     .replica = c->draft.replica,
				     .profile = token.profile,
				     .since = batch.now_s};
		e = trust_pin(core->trust, batch.txn, token.nation,
			      answer->root, answer->certificate);
	}
	if (!failed(e))
		e = peer_put(batch.txn, &peer);
	if (!failed(e))
		e = token_del(batch.txn, token.id);
	entry.detail = span_of(o->call.nation.code, NATION_LEN);
	if (!failed(e))
		e = batch_audit(&batch, &entry);
	batch.wakes = true;
	if (failed(e))
		batch_abort(&batch);
	else
		e = batch_commit(&batch);
	replica_free(c);
	if (!failed(e))
		atomic_store(&p->stale, true);
	return e;
}

/* Refused for good: the invitation is of no more use. */
static void accept_drop(struct pulls *p, struct pulls_call *o)
{
	struct audit_entry entry = {.who = AUDIT_SYSTEM,
				    .who_id = span_str("peering"),
				    .what = span_str("peer.accepted"),
				    .outcome = ERR_UNAUTHENTICATED};
	struct batch batch;
	struct err e = batch_begin(p->core, true, 0, &batch);

	if (failed(e))
		return;
	e = token_del(batch.txn, o->token);
	entry.detail = span_of(o->call.nation.code, NATION_LEN);
	if (!failed(e))
		e = batch_audit(&batch, &entry);
	if (failed(e))
		batch_abort(&batch);
	else
		(void)batch_commit(&batch).code;
}

void pulls_accepted(struct pulls *p, struct pulls_call *o, int status,
		    struct span body)
{
	struct peering_answer answer;
	struct err e = ERR_NONE;

	if (status == 200) {
		e = peering_answer_decode(body, &o->arena, &answer);
		if (!failed(e))
			e = accept_take(p, o, &answer);
		if (failed(e))
			accept_drop(p, o);
	} else if (status >= 400 && status < 500 && status != 429) {
		accept_drop(p, o);
	} else {
		p->accept_ms = clock_ms(&p->core->clock) + ACCEPT_RETRY_MS;
	}
	wipe(&o->keys, sizeof(o->keys));
}
