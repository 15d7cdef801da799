/*
 * POST /v1/peer/invitation: a nation answers our invitation, and
 * GET /v1/peer/certificates: whose word we pass on.
 */
#include <stdio.h>

#include "proto/crypto/certificate.h"
#include "proto/document/invitation.h"
#include "proto/exchange/peering.h"
#include "relay/guard/core/ops/ops.h"
#include "relay/guard/core/pulls.h"
#include "storage/token.h"

struct peering_state {
	struct peering_request request;
	struct token token;
	struct invitation_keys keys;
	uint8_t answer_mac[INVITATION_MAC_LEN];
	struct replica replica;
};

static struct err read_token(struct job *job, struct peering_state *s)
{
	struct txn *txn = NULL;
	struct buf secret;
	struct err e = txn_begin_read(job->core->store, STORE_RECORDS, &txn);

	buf_init(&secret, INVITATION_SECRET_LEN);
	if (!failed(e))
		e = token_get(txn, s->request.invitation, &job->arena,
			      &s->token);
	txn_abort(&txn);
	if (e.code == ERR_NOT_FOUND ||
	    (!failed(e) && (s->token.kind != TOKEN_PEER ||
			    s->token.expires < core_now_s(job->core) ||
			    !nation_eq(s->token.nation, s->request.nation))))
		e = err_make(ERR_UNAUTHENTICATED,
			     "the invitation is unknown, used, too old, or "
			     "of another nation");
	if (!failed(e))
		e = ring_open_secret(job->core->ring, SPAN_OBJ(s->token.id),
				     s->token.secret, &secret);
	if (!failed(e) && secret.len != INVITATION_SECRET_LEN)
		e = err_make(ERR_CORRUPT, "tokens: secret");
	if (!failed(e))
		e = invitation_keys_derive(secret.at, s->token.id, &s->keys);
	buf_wipe(&secret);
	return e;
}

static struct err side_of(struct nation nation, struct span root,
			  struct span ca, struct span endpoint,
			  struct invitation_side *out)
{
	struct err e = crypto_sha256(root, &out->root);

	out->nation = nation;
	out->endpoint = endpoint;
	if (!failed(e))
		e = crypto_sha256(ca, &out->ca);
	return e;
}

static struct err check_macs(struct job *job, struct peering_state *s)
{
	struct core *core = job->core;
	struct invitation invitation;
	uint8_t mac[INVITATION_MAC_LEN];
	struct err e =
		side_of(core->nation, buf_span(&core->root),
			buf_span(&core->ca), span_str(core->peer_endpoint),
			&invitation.inviting);

	memcpy(invitation.id, s->token.id, sizeof(invitation.id));
	if (!failed(e))
		e = side_of(s->request.nation, s->request.root, s->request.ca,
			    s->request.endpoint, &invitation.invited);
	if (!failed(e))
		e = invitation_request_mac(&s->keys, &invitation,
					   s->request.certificate, mac);
	if (!failed(e))
		e = invitation_check_mac(mac, SPAN_OBJ(s->request.mac));
	if (!failed(e))
		e = invitation_answer_mac(&s->keys, mac,
					  buf_span(&core->certificate),
					  s->answer_mac);
	return e;
}

/* The connection comes from whom the request speaks of. */
static struct err check_connection(struct job *job, struct peering_state *s)
{
	struct certificate_facts facts;
	struct nation nation;
	struct err e;

	if (!job->certificate.len)
		return err_make(ERR_UNAUTHENTICATED,
				"a client certificate is needed");
	e = certificate_read(job->certificate, &job->arena, &facts);
	if (!failed(e))
		e = nation_parse(facts.organization, &nation);
	if (!failed(e) && !nation_eq(nation, s->request.nation))
		e = err_make(ERR_UNAUTHENTICATED,
			     "the certificate names another nation");
	if (!failed(e))
		e = certificate_check(job->certificate, s->request.ca,
				      CERTIFICATE_BOTH, core_now_s(job->core));
	return e;
}

static struct err invitation_check(struct job *job)
{
	struct peering_state *s = job_state(job, sizeof(*s));
	struct replica_certificate *c = NULL;
	struct err e = arena_check(&job->arena);

	if (failed(e))
		return e;
	e = peering_request_decode(job->http.body, &job->arena, &s->request);
	if (!failed(e))
		e = read_token(job, s);
	if (!failed(e))
		e = check_macs(job, s);
	if (!failed(e))
		e = check_connection(job, s);
	if (!failed(e))
		e = replica_decode(s->request.certificate, &c);
	if (!failed(e))
		s->replica = c->draft.replica;
	replica_free(c);
	job->writes = !failed(e);
	return e;
}

static struct err invitation_confirm(struct job *job, struct batch *batch)
{
	struct peering_state *s = job->state;
	struct token token;
	struct span root;
	struct err e = token_get(batch->txn, s->request.invitation, &job->arena,
				 &token);

	if (e.code == ERR_NOT_FOUND)
		return err_make(ERR_UNAUTHENTICATED, "the invitation was used");
	if (failed(e))
		return e;
	e = certificate_store_root(batch->txn, s->request.nation, NULL, &root);
	if (!failed(e) && !span_eq(root, s->request.root))
		return err_make(ERR_CONFLICT, "another seal root is pinned "
					      "for that nation");
	return ERR_NONE;
}

static struct err invitation_apply(struct job *job, struct batch *batch)
{
	struct peering_state *s = job->state;
	struct peer peer = {.nation = s->request.nation,
			    .state = PEER_ACTIVE,
			    .endpoint = s->request.endpoint,
			    .ca = s->request.ca,
			    .replica = s->replica,
			    .profile = s->token.profile,
			    .since = batch->now_s};
	struct err e =
		trust_pin(job->core->trust, batch->txn, s->request.nation,
			  s->request.root, s->request.certificate);

	if (!failed(e))
		e = peer_put(batch->txn, &peer);
	if (!failed(e))
		e = token_del(batch->txn, s->token.id);
	snprintf(job->detail, sizeof(job->detail), "%.3s",
		 s->request.nation.code);
	if (!failed(e))
		e = job_audit(job, batch, NULL, 0);
	job->detail[0] = 0;
	batch->wakes = true;
	return e;
}

static struct err invitation_finish(struct job *job)
{
	struct peering_state *s = job->state;
	struct core *core = job->core;
	struct peering_answer answer = {
		.ca = buf_span(&core->ca),
		.certificate = buf_span(&core->certificate),
		.root = buf_span(&core->root),
	};

	memcpy(answer.mac, s->answer_mac, sizeof(answer.mac));
	peering_answer_encode(&answer, &job->body);
	answer_json(job, 200);
	pulls_wake(core);
	return buf_check(&job->body);
}

static void invitation_clear(struct job *job)
{
	struct peering_state *s = job->state;

	wipe(&s->keys, sizeof(s->keys));
}

const struct operation op_peer_invitation = {
	.name = "peer.invitation",
	.method = "POST",
	.path = "/v1/peer/invitation",
	.listeners = 1u << CORE_PEER,
	.askers = ASKER_NOBODY | ASKER_NATION,
	.open = true,
	.check = invitation_check,
	.confirm = invitation_confirm,
	.apply = invitation_apply,
	.finish = invitation_finish,
	.clear = invitation_clear,
};

/* Ours, and those of every nation whose root is pinned here. */
static struct err list_certificates(struct job *job, struct txn *txn,
				    struct nation nation,
				    struct peering_certificate *list,
				    size_t *count)
{
	struct replica replica = {.nation = nation};
	struct span root, blob;
	struct err e = certificate_store_root(txn, nation, NULL, &root);

	while (!failed(e) && *count < PEERING_CERTIFICATES_MAX) {
		e = certificate_store_next(txn, &replica);
		if (!failed(e))
			e = certificate_store_latest(txn, replica, NULL, &blob);
		if (!failed(e))
			list[(*count)++] =
				(struct peering_certificate){blob, root};
	}
	return e.code == ERR_NOT_FOUND ? ERR_NONE : e;
}

static struct err certificates_check(struct job *job)
{
	struct peering_certificate *list =
		arena_array(&job->arena, PEERING_CERTIFICATES_MAX,
			    sizeof(*list));
	struct peer peer = {0};
	struct txn *txn = NULL;
	size_t count = 0;
	struct err e = arena_check(&job->arena);

	if (!failed(e))
		e = txn_begin_read(job->core->store, STORE_RECORDS, &txn);
	if (!failed(e))
		e = list_certificates(job, txn, job->core->nation, list,
				      &count);
	while (!failed(e)) {
		e = peer_next(txn, &job->arena, &peer);
		if (!failed(e))
			e = list_certificates(job, txn, peer.nation, list,
					      &count);
	}
	if (e.code == ERR_NOT_FOUND)
		e = ERR_NONE;
	if (!failed(e)) {
		peering_certificates_encode(list, count, &job->body);
		answer_json(job, 200);
		e = buf_check(&job->body);
	}
	txn_abort(&txn);
	return e;
}

const struct operation op_peer_certificates = {
	.name = "peer.certificates",
	.method = "GET",
	.path = "/v1/peer/certificates",
	.held = true,
	.listeners = 1u << CORE_PEER,
	.askers = ASKER_NATION,
	.check = certificates_check,
};
