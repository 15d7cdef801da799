/* The pulls of all peers: who there is, what is asked, what comes back. */
#include <stdio.h>
#include <stdlib.h>

#include "relay/guard/core/pulls_state.h"
#include "relay/guard/core/ticking.h"

/* For peers and tokens, if nobody wakes us. */
enum { LOOK_MS = 60000 };

struct err pulls_open(struct core *core)
{
	struct pulls *p = calloc(1, sizeof(*p));

	if (!p)
		return err_make(ERR_NO_MEMORY, "pulls");
	p->core = core;
	pthread_mutex_init(&p->lock, NULL);
	pthread_mutex_init(&p->told_lock, NULL);
	atomic_init(&p->stale, true);
	for (int i = 0; i < PULLS_CALLS_MAX; i++) {
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
	for (int i = 0; i < PULLS_CALLS_MAX; i++) {
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

static struct pulls_peer *find(struct pulls *p, struct nation nation)
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

static struct err start(struct pulls *p, struct txn *txn, struct pulls_peer *e,
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
	struct pulls_peer *e = find(p, peer->nation);

	if (!e) {
		if (p->count == PULLS_PEERS_MAX)
			return;
		e = &p->peers[p->count++];
		*e = (struct pulls_peer){.nation = peer->nation};
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

/* ---- calls out ---- */

static void look(struct pulls *p, uint64_t now)
{
	struct peer peer = {0};
	struct txn *txn = NULL;
	struct arena arena;

	if (!atomic_exchange(&p->stale, false) && now < p->look_ms)
		return;
	p->look_ms = now + LOOK_MS;
	arena_init(&arena, PULLS_ARENA_MAX);
	if (!failed(txn_begin_read(p->core->store, STORE_RECORDS, &txn)))
		while (!failed(peer_next(txn, &arena, &peer)))
			see_peer(p, txn, &peer);
	txn_abort(&txn);
	arena_clear(&arena);
}

static bool pull_call(struct pulls *p, size_t i, uint64_t now,
		      struct pulls_call **out)
{
	struct pulls_peer *entry = &p->peers[i];
	struct pull_request request;
	struct pulls_call *o = pulls_call_free(p);

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
	struct pulls_call *o = NULL;

	pthread_mutex_lock(&p->lock);
	look(p, now);
	if (now >= p->accept_ms)
		(void)pulls_accept(p, &o).code;
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

/* ---- what came back ---- */

static void hear(struct pulls *p, struct pulls_peer *entry)
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

static void pull_done(struct pulls *p, struct pulls_call *o, int status,
		      struct http_fields fields, struct span body)
{
	struct pulls_peer *entry = &p->peers[o->peer];
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
	e = pulls_take_page(p, entry);
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
	struct pulls_call *o = NULL;

	pthread_mutex_lock(&p->lock);
	for (int i = 0; i < PULLS_CALLS_MAX; i++)
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
		pulls_accepted(p, o, status, body);
	else
		pull_done(p, o, status, (struct http_fields){list, field_count},
			  body);
	o->busy = false;
	pthread_mutex_unlock(&p->lock);
}
