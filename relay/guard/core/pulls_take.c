/* What was pulled, into the store; and documents whose edits have come home. */
#include <stdio.h>

#include "relay/guard/core/ops/ops.h"
#include "relay/guard/core/pulls_state.h"
#include "storage/returning.h"

static void garbage(void *self, struct doc_id doc)
{
	core_garbage(self, doc);
}

/* ---- home again ---- */

void pulls_told(struct core *core, struct nation nation, struct seq seq)
{
	struct pulls *p = core->pulls;
	size_t i = 0;

	pthread_mutex_lock(&p->told_lock);
	while (i < p->told_count && !nation_eq(p->told[i].nation, nation))
		i++;
	if (i == p->told_count && i < PULLS_PEERS_MAX)
		p->told[p->told_count++] = (struct pulls_told){nation, {0}};
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

/* ---- a page ---- */

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

struct err pulls_take_page(struct pulls *p, struct pulls_peer *entry)
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

	arena_init(&arena, PULLS_ARENA_MAX);
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
