/* The pulls of all peers, and the answers to invitations. */
#include <stdio.h>
#include <stdlib.h>

#include "federation/pull.h"
#include "proto/crypto/certificate.h"
#include "proto/document/invitation.h"
#include "proto/exchange/enrol.h"
#include "proto/exchange/peering.h"
#include "relay/guard/core/ops/ops.h"
#include "relay/guard/core/pulls.h"
#include "relay/guard/core/ticking.h"
#include "storage/returning.h"
#include "storage/token.h"

enum {
	PEERS_MAX = 64,
	CALLS_MAX = 128,
	LOOK_MS = 60000, /* for peers and tokens, if nobody wakes us */
	ACCEPT_RETRY_MS = 5000,
	PEER_ARENA_MAX = 4 << 20,
	ACCEPT_ANSWER_MAX = PEERING_BODY_MAX,
};

/* One request under way. */
struct out {
	struct core_call call; /* first: handed out as itself */
	bool busy;
	bool accepting; /* an answer to an invitation; else a pull's */
	unsigned slot;	/* of the pull */
	size_t peer;	/* index */
	struct buf ca, target, body;
	struct arena arena;
	/* Accepting. */
	uint8_t token[LEASE_ID_LEN];
	struct invitation_keys keys;
	uint8_t request_mac[INVITATION_MAC_LEN];
	struct digest ca_digest;
};

struct entry {
	struct nation nation;
	struct pull *pull; /* NULL: suspended */
	char endpoint[PEER_ENDPOINT_MAX + 1];
	struct buf ca;
	enum ticks_fault fault; /* of what it last said */
};

/* A nation's own cursor is complete to `seq`. */
struct told {
	struct nation nation;
	struct seq seq;
};

struct pulls {
	struct core *core;
	pthread_mutex_t lock; /* calls come from the loop's collector and the
			       * writer: one thread in the daemon, but not by
			       * contract */
	atomic_bool stale;    /* look at peers and tokens again */
	uint64_t look_ms;
	uint64_t accept_ms; /* not before */
	size_t count;
	struct entry peers[PEERS_MAX];
	struct out outs[CALLS_MAX];
	uint64_t next_id;
	pthread_mutex_t told_lock; /* requests come on any thread */
	size_t told_count;
	struct told told[PEERS_MAX];
};

struct err pulls_open(struct core *core)
{
	struct pulls *p = calloc(1, sizeof(*p));

	if (!p)
		return err_make(ERR_NO_MEMORY, "pulls");
	p->core = core;
	pthread_mutex_init(&p->lock, NULL);
	pthread_mutex_init(&p->told_lock, NULL);
	atomic_init(&p->stale, true);
	for (int i = 0; i < CALLS_MAX; i++) {
		buf_init(&p->outs[i].ca, CERTIFICATE_MAX);
		buf_init(&p->outs[i].target, 2048);
		buf_init(&p->outs[i].body, PEERING_BODY_MAX);
		arena_init(&p->outs[i].arena, 1 << 20);
	}
	core->pulls = p;
	return ERR_NONE;
}

void pulls_close(struct core *core)
{
	struct pulls *p = core->pulls;

	if (!p)
		return;
	for (size_t i = 0; i < p->count; i++) {
		pull_free(p->peers[i].pull);
		buf_clear(&p->peers[i].ca);
	}
	for (int i = 0; i < CALLS_MAX; i++) {
		buf_clear(&p->outs[i].ca);
		buf_clear(&p->outs[i].target);
		buf_clear(&p->outs[i].body);
		arena_clear(&p->outs[i].arena);
		wipe(&p->outs[i].keys, sizeof(p->outs[i].keys));
	}
	pthread_mutex_destroy(&p->lock);
	pthread_mutex_destroy(&p->told_lock);
	free(p);
	core->pulls = NULL;
}

void pulls_wake(struct core *core)
{
	if (core->pulls)
		atomic_store(&core->pulls->stale, true);
	core_wake(core);
}

bool pulls_hold(struct core *core, struct doc_id doc)
{
	struct pulls *p = core->pulls;
	bool held = false;

	if (!p)
		return false;
	pthread_mutex_lock(&p->lock);
	for (size_t i = 0; i < p->count && !held; i++)
		held = p->peers[i].pull && pull_holds(p->peers[i].pull, doc);
	pthread_mutex_unlock(&p->lock);
	return held;
}

/* ---- which peers there are ---- */

static struct entry *find(struct pulls *p, struct nation nation)
{
	for (size_t i = 0; i < p->count; i++)
		if (nation_eq(p->peers[i].nation, nation))
			return &p->peers[i];
	return NULL;
}

/* The newest tick of the peer that is known. */
static struct err known_tick(struct txn *txn, struct replica of, bool *has,
			     uint64_t *minute)
{
	struct tick_row *row = malloc(sizeof(*row));
	struct arena arena;
	struct err e = row ? ERR_NONE : err_make(ERR_NO_MEMORY, "ticks");

	arena_init(&arena, 1 << 20);
	if (!failed(e))
		e = tick_last(txn, of, &arena, row);
	*has = !failed(e);
	*minute = *has ? row->minute : 0;
	arena_clear(&arena);
	free(row);
	return e.code == ERR_NOT_FOUND ? ERR_NONE : e;
}

static struct err start(struct pulls *p, struct txn *txn, struct entry *e,
			const struct peer *peer)
{
	struct pull_config config = {
		.self = p->core->nation,
		.peer = peer,
		.store = p->core->store,
		.trust = p->core->trust,
		.request_key = p->core->request_key,
		.guard_p384 = p->core->guard_p384,
		.random = p->core->random,
	};
	struct err err = known_tick(txn, peer->replica, &config.has_tick,
				    &config.tick_minute);

	return failed(err) ? err : pull_new(&config, &e->pull);
}

static void see_peer(struct pulls *p, struct txn *txn, const struct peer *peer)
{
	struct entry *e = find(p, peer->nation);

	if (!e) {
		if (p->count == PEERS_MAX)
			return;
		e = &p->peers[p->count++];
		*e = (struct entry){.nation = peer->nation};
		buf_init(&e->ca, CERTIFICATE_MAX);
	}
	snprintf(e->endpoint, sizeof(e->endpoint), "%.*s",
		 (int)peer->endpoint.len, (const char *)peer->endpoint.at);
	buf_reset(&e->ca);
	buf_put(&e->ca, peer->ca);
	if (peer->state != PEER_ACTIVE) {
		pull_free(e->pull);
		e->pull = NULL;
	} else if (!e->pull) {
		(void)start(p, txn, e, peer).code; /* looked at again later */
	}
}

/* ---- an invitation that our operator accepted ---- */

static struct out *out_free(struct pulls *p)
{
	for (int i = 0; i < CALLS_MAX; i++)
		if (!p->outs[i].busy) {
			struct out *o = &p->outs[i];

			buf_reset(&o->ca);
			buf_reset(&o->target);
			buf_reset(&o->body);
			arena_clear(&o->arena);
			o->call = (struct core_call){.id = ++p->next_id};
			o->accepting = false;
			return o;
		}
	return NULL;
}

static struct err accept_macs(struct core *core, const struct token *token,
			      struct span secret, struct out *o)
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
			      struct out *o)
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
	for (int i = 0; i < CALLS_MAX; i++)
		if (p->outs[i].busy && p->outs[i].accepting &&
		    memcmp(p->outs[i].token, id, LEASE_ID_LEN) == 0)
			return true;
	return false;
}

static struct err accept_pending(struct pulls *p, struct out **out)
{
	struct token token = {0};
	struct txn *txn = NULL;
	struct arena arena;
	struct err e = txn_begin_read(p->core->store, STORE_RECORDS, &txn);

	arena_init(&arena, PEER_ARENA_MAX);
	while (!failed(e) && !*out) {
		struct out *o;

		e = token_next(txn, &arena, &token);
		if (failed(e))
			break;
		if (token.kind != TOKEN_ACCEPTED ||
		    token.expires < core_now_s(p->core) ||
		    accepting(p, token.id))
			continue;
		o = out_free(p);
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
static struct err accept_take(struct pulls *p, struct out *o,
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
static void accept_drop(struct pulls *p, struct out *o)
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

static void accept_done(struct pulls *p, struct out *o, int status,
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

/* ---- calls out ---- */

static void look(struct pulls *p, uint64_t now)
{
	struct peer peer = {0};
	struct txn *txn = NULL;
	struct arena arena;

	if (!atomic_exchange(&p->stale, false) && now < p->look_ms)
		return;
	p->look_ms = now + LOOK_MS;
	arena_init(&arena, PEER_ARENA_MAX);
	if (!failed(txn_begin_read(p->core->store, STORE_RECORDS, &txn)))
		while (!failed(peer_next(txn, &arena, &peer)))
			see_peer(p, txn, &peer);
	txn_abort(&txn);
	arena_clear(&arena);
}

static bool pull_call(struct pulls *p, size_t i, uint64_t now, struct out **out)
{
	struct entry *entry = &p->peers[i];
	struct pull_request request;
	struct out *o = out_free(p);

	if (!o || !entry->pull || !pull_next(entry->pull, now, &request))
		return false;
	o->slot = request.slot;
	o->peer = i;
	buf_put(&o->ca, buf_span(&entry->ca));
	o->call.nation = entry->nation;
	snprintf(o->call.endpoint, sizeof(o->call.endpoint), "%s",
		 entry->endpoint);
	o->call.ca = buf_span(&o->ca);
	o->call.method = request.method;
	o->call.target = arena_copy(&o->arena, request.target);
	o->call.body = arena_copy(&o->arena, request.body);
	for (size_t f = 0; f < request.field_count; f++)
		o->call.fields[f] = (struct core_field){
			request.fields[f].name,
			arena_copy(&o->arena, request.fields[f].value)};
	o->call.field_count = request.field_count;
	o->call.answer_max = request.answer_max;
	*out = o;
	return true;
}

bool core_call_next(struct core *core, const struct core_call **out)
{
	struct pulls *p = core->pulls;
	uint64_t now = clock_ms(&core->clock);
	struct out *o = NULL;

	pthread_mutex_lock(&p->lock);
	look(p, now);
	if (now >= p->accept_ms)
		(void)accept_pending(p, &o).code;
	for (size_t i = 0; i < p->count && !o; i++)
		pull_call(p, i, now, &o);
	if (o) {
		o->busy = true;
		*out = &o->call;
	}
	pthread_mutex_unlock(&p->lock);
	return o != NULL;
}

uint64_t core_call_deadline_ms(const struct core *core)
{
	struct pulls *p = core->pulls;
	uint64_t due;

	pthread_mutex_lock(&p->lock);
	due = p->look_ms;
	if (atomic_load(&p->stale))
		due = 0;
	if (p->accept_ms && p->accept_ms < due)
		due = p->accept_ms;
	for (size_t i = 0; i < p->count; i++) {
		uint64_t d = p->peers[i].pull ? pull_due_ms(p->peers[i].pull)
					      : UINT64_MAX;

		if (d < due)
			due = d;
	}
	pthread_mutex_unlock(&p->lock);
	return due;
}

/* ---- taking a page in ---- */

void pulls_told(struct core *core, struct nation nation, struct seq seq)
{
	struct pulls *p = core->pulls;
	size_t i = 0;

	pthread_mutex_lock(&p->told_lock);
	while (i < p->told_count && !nation_eq(p->told[i].nation, nation))
		i++;
	if (i == p->told_count && i < PEERS_MAX)
		p->told[p->told_count++] = (struct told){nation, {0}};
	if (i < p->told_count && p->told[i].seq.n < seq.n)
		p->told[i].seq = seq;
	pthread_mutex_unlock(&p->told_lock);
}

static struct seq told(struct core *core, struct nation nation)
{
	struct pulls *p = core->pulls;
	struct seq seq = {0};

	pthread_mutex_lock(&p->told_lock);
	for (size_t i = 0; i < p->told_count; i++)
		if (nation_eq(p->told[i].nation, nation))
			seq = p->told[i].seq;
	pthread_mutex_unlock(&p->told_lock);
	return seq;
}

/* The first document whose edits have come home. */
static struct err find_returned(struct core *core, struct returning *out)
{
	struct txn *txn = NULL;
	struct err e = txn_begin_read(core->store, STORE_RECORDS, &txn);

	*out = (struct returning){0};
	while (!failed(e)) {
		e = returning_next(txn, out);
		if (!failed(e) && told(core, out->home).n >= out->seq.n)
			break;
	}
	txn_abort(&txn);
	return e;
}

static void garbage(void *self, struct doc_id doc);

struct err pulls_withdraw(struct core *core)
{
	struct returning r;
	struct err e = find_returned(core, &r);

	while (!failed(e)) {
		struct batch batch;
		struct import in = {.trust = core->trust,
				    .ring = core->ring,
				    .self = core->nation,
				    .from = r.home,
				    .garbage = garbage,
				    .garbage_self = core};

		e = batch_begin(core, true, 0, &batch);
		if (failed(e))
			break;
		in.txn = batch.txn;
		in.writer = &batch.writer;
		in.now = batch.now_s;
		e = import_returned(&in, r.doc);
		batch.wakes = true;
		if (failed(e))
			batch_abort(&batch);
		else
			e = batch_commit(&batch);
		if (!failed(e) && in.purges) {
			pthread_mutex_lock(&core->lock);
			core->purge_due = true;
			pthread_mutex_unlock(&core->lock);
		}
		if (!failed(e))
			e = find_returned(core, &r);
	}
	return e.code == ERR_NOT_FOUND ? ERR_NONE : e;
}

struct judging {
	struct core *core;
	struct policing *policing;
};

static struct err judge_label(void *self, struct txn *txn, struct digest label)
{
	struct judging *j = self;
	const struct policing_label *l = NULL;
	struct err e = policing_label(j->policing, txn, label, &l);

	if (failed(e))
		return e;
	if (!bound_valid(l->bound))
		return strcmp(bound_rule(l->bound), "policy") == 0
			       ? err_make(ERR_FOREIGN_POLICY,
					  "a label of a policy unknown here")
			       : err_make(ERR_LABEL,
					  "a label that is not valid here");
	if (l->above)
		return err_make(ERR_ABOVE_CEILING, "a label above our ceiling");
	return ERR_NONE;
}

static struct err keep_label(void *self, struct txn *txn, struct span xml)
{
	struct judging *j = self;
	const struct policing_label *l = NULL;
	struct policing_label *owned = NULL;
	struct err e = policing_label_xml(j->policing, xml, NULL, &l, &owned);

	/* One that cannot be read is not kept, and then not found. */
	if (failed(e))
		return e.code == ERR_NO_MEMORY ? e : ERR_NONE;
	e = ops_store_label(txn, l);
	policing_label_free(owned);
	return e;
}

static void garbage(void *self, struct doc_id doc)
{
	core_garbage(self, doc);
}

static struct err audit_batch(struct batch *batch, const struct import *in)
{
	char detail[80];
	struct audit_entry entry = {
		.who = AUDIT_NATION,
		.who_id = span_of(in->from.code, NATION_LEN),
		.what = span_str("import"),
	};

	if (!in->taken && !in->refused)
		return ERR_NONE;
	snprintf(detail, sizeof(detail), "taken %llu, quarantined %llu",
		 (unsigned long long)in->taken,
		 (unsigned long long)in->refused);
	entry.detail = span_str(detail);
	return batch_audit(batch, &entry);
}

static struct err take_page(struct pulls *p, struct entry *entry)
{
	struct core *core = p->core;
	struct judging judging = {core, core_policing(core)};
	struct pull_labels labels = {keep_label, &judging};
	struct batch batch;
	struct import in = {
		.trust = core->trust,
		.ring = core->ring,
		.judge = {judge_label, &judging},
		.self = core->nation,
		.from = entry->nation,
		.garbage = garbage,
		.garbage_self = core,
	};
	struct arena arena;
	struct peer peer;
	struct err e =
		ring_reserve_slots(core->ring, core->store, PULL_ROWS * 2);

	arena_init(&arena, PEER_ARENA_MAX);
	if (!failed(e))
		e = batch_begin(core, false, 0, &batch);
	if (failed(e))
		goto out;
	in.txn = batch.txn;
	in.writer = &batch.writer;
	in.now = batch.now_s;
	e = peer_get(batch.txn, entry->nation, &arena, &peer);
	if (!failed(e))
		e = pull_import(entry->pull, &in, &labels, &peer);
	if (!failed(e))
		e = audit_batch(&batch, &in);
	batch.wakes = in.taken > 0;
	if (failed(e))
		batch_abort(&batch);
	else
		e = batch_commit(&batch);
	if (!failed(e) && in.purges) {
		pthread_mutex_lock(&core->lock);
		core->purge_due = true;
		pthread_mutex_unlock(&core->lock);
	}
out:
	policing_release(judging.policing);
	arena_clear(&arena);
	return e;
}

static void hear(struct pulls *p, struct entry *entry)
{
	const struct ticks_heard *heard = pull_heard(entry->pull);
	struct txn *txn = NULL;
	struct buf witness;
	bool has = false;
	uint64_t minute = 0;
	struct err e;

	buf_init(&witness, WITNESS_BLOB_MAX);
	e = ticking_heard(p->core, heard, &witness, &entry->fault);
	if (failed(e)) /* dropped; asked for again in a minute */
		buf_reset(&witness);
	e = txn_begin_read(p->core->store, STORE_RECORDS, &txn);
	if (!failed(e))
		e = known_tick(txn, heard->of, &has, &minute);
	txn_abort(&txn);
	if (failed(e))
		pull_failed(entry->pull, clock_ms(&p->core->clock));
	else
		pull_heard_done(entry->pull, has, minute, buf_span(&witness));
	buf_clear(&witness);
}

enum ticks_fault pulls_ticks_fault(struct core *core, struct nation nation)
{
	struct pulls *p = core->pulls;
	enum ticks_fault fault = TICKS_SOUND;

	pthread_mutex_lock(&p->lock);
	for (size_t i = 0; i < p->count; i++)
		if (nation_eq(p->peers[i].nation, nation))
			fault = p->peers[i].fault;
	pthread_mutex_unlock(&p->lock);
	return fault;
}

static void pull_done(struct pulls *p, struct out *o, int status,
		      struct http_fields fields, struct span body)
{
	struct entry *entry = &p->peers[o->peer];
	uint64_t now = clock_ms(&p->core->clock);
	struct txn *txn = NULL;
	struct err e;

	if (!entry->pull) /* suspended meanwhile */
		return;
	e = txn_begin_read(p->core->store, STORE_RECORDS, &txn);
	if (!failed(e))
		pull_recv(entry->pull, txn, o->slot, status, fields, body, now);
	txn_abort(&txn);
	if (failed(e)) {
		pull_failed(entry->pull, now);
		return;
	}
	if (pull_heard(entry->pull))
		hear(p, entry);
	if (!pull_ready(entry->pull))
		return;
	e = take_page(p, entry);
	if (failed(e))
		pull_failed(entry->pull, now);
	else
		pull_imported(entry->pull, now);
}

void core_call_done(struct core *core, uint64_t id, int status,
		    const struct core_field *fields, size_t field_count,
		    struct span body)
{
	struct pulls *p = core->pulls;
	struct http_field list[64];
	struct out *o = NULL;

	pthread_mutex_lock(&p->lock);
	for (int i = 0; i < CALLS_MAX; i++)
		if (p->outs[i].busy && p->outs[i].call.id == id)
			o = &p->outs[i];
	if (!o) {
		pthread_mutex_unlock(&p->lock);
		return;
	}
	if (field_count > 64)
		field_count = 64;
	for (size_t i = 0; i < field_count; i++)
		list[i] = (struct http_field){fields[i].name, fields[i].value};
	if (o->accepting)
		accept_done(p, o, status, body);
	else
		pull_done(p, o, status, (struct http_fields){list, field_count},
			  body);
	o->busy = false;
	pthread_mutex_unlock(&p->lock);
}
