/* The writer: many jobs in one transaction, one commit, then the answers. */
#include <stdio.h>
#include <stdlib.h>

#include "relay/guard/core/state.h"

enum { STALE_TRIES = 4 };

static struct err put_refusal(struct batch *batch, const struct refusal *r)
{
	struct audit_item item = {.doc = r->doc,
				  .outcome = r->outcome,
				  .rule = span_str(r->rule)};
	struct audit_entry entry = {
		.who = r->who,
		.who_id = span_of(r->who_id, r->who_len),
		.what = span_str(r->what),
		.outcome = r->outcome,
		.rule = span_str(r->rule),
		.detail = span_str(r->detail),
		.count = r->has_doc ? 1 : 0,
		.items = &item,
	};

	return batch_audit(batch, &entry);
}

struct err batch_begin(struct core *core, bool beyond_quota, size_t leaves,
		       struct batch *out)
{
	struct err e;

	/* Not the lines: there are as many as are counted. */
	out->core = core;
	out->txn = NULL;
	out->fills = (struct ring_fills){0};
	out->chain = (struct audit_chain){0};
	out->line_count = 0;
	out->now_s = core_now_s(core);
	out->wakes = out->authority = false;
	e = beyond_quota
		    ? txn_begin_reserve(core->store, STORE_RECORDS, &out->txn)
		    : txn_begin_write(core->store, STORE_RECORDS, &out->txn);
	if (!failed(e))
		e = sealing_begin(out, leaves);
	if (failed(e))
		txn_abort(&out->txn);
	return e;
}

void batch_abort(struct batch *batch)
{
	txn_abort(&batch->txn);
	sealing_end(batch, false);
}

struct err batch_commit(struct batch *batch)
{
	struct core *core = batch->core;
	struct err e = document_writer_end(&batch->writer, batch->txn);

	if (!failed(e))
		e = sealing_put(batch);
	if (!failed(e))
		e = ring_fill_end(batch->txn, &batch->fills);
	if (!failed(e))
		e = batch_audit_end(batch);
	if (failed(e)) {
		batch_abort(batch);
		return e;
	}
	e = txn_commit(&batch->txn);
	sealing_end(batch, !failed(e));
	if (failed(e))
		return e;
	atomic_fetch_add(&core->commits, 1);
	if (batch->authority)
		atomic_fetch_add(&core->authority, 1);
	if (batch->wakes)
		core_wake(core);
	return ERR_NONE;
}

struct pending {
	struct sealed_group *sealed;
	struct refusal *refusals;
	size_t refusal_count;
};

static void take_pending(struct core *core, struct pending *out)
{
	pthread_mutex_lock(&core->lock);
	*out = (struct pending){.sealed = core->sealed};
	core->sealed = NULL;
	core->sealed_end = &core->sealed;
	if (core->refusal_count) {
		out->refusals =
			calloc(core->refusal_count, sizeof(*out->refusals));
		if (out->refusals) {
			out->refusal_count = core->refusal_count;
			memcpy(out->refusals, core->refusals,
			       out->refusal_count * sizeof(*out->refusals));
			core->refusal_count = 0;
		}
	}
	pthread_mutex_unlock(&core->lock);
}

/* Back in front, in their order: for the next commit. */
static void give_back(struct core *core, struct pending *p)
{
	struct sealed_group **end = &p->sealed;

	pthread_mutex_lock(&core->lock);
	while (*end)
		end = &(*end)->next;
	*end = core->sealed;
	if (!core->sealed)
		core->sealed_end = end;
	core->sealed = p->sealed;
	if (core->sealed_end == &p->sealed)
		core->sealed_end = &core->sealed;
	for (size_t i = 0; i < p->refusal_count; i++)
		if (core->refusal_count < CORE_REFUSALS_MAX)
			core->refusals[core->refusal_count++] = p->refusals[i];
	pthread_mutex_unlock(&core->lock);
	free(p->refusals);
}

static void drop_pending(struct core *core, struct pending *p)
{
	sealed_groups_free(core, p->sealed);
	free(p->refusals);
}

static void job_finish(struct job *job)
{
	struct err e = job->op->finish ? job->op->finish(job) : ERR_NONE;

	if (!failed(e))
		e = answer_check(job);
	if (failed(e))
		answer_refuse(job, e);
	job->done = true;
}

/*
 * Who may what has changed since the job was checked: the asker is found
 * anew, and if he is no longer the same reader under the same policy, the
 * whole check is made again.
 */
static struct err look_again(struct job *job, struct batch *batch)
{
	struct digest before;
	struct policing *now = core_policing(job->core);
	struct err e = ERR_NONE;

	job->stale = now != job->policing;
	policing_release(now);
	if (job->op->open || job->stale)
		return ERR_NONE;
	e = asker_find(job, batch->txn);
	if (!failed(e) && job->reader) {
		before = policing_reader_profile(job->reader);
		e = asker_reader(job);
		job->stale = !failed(e) &&
			     !digest_eq(policing_reader_profile(job->reader),
					before);
	}
	return e;
}

/* One job inside the batch.  An error ends the batch. */
static struct err put_job(struct job *job, struct batch *batch)
{
	struct err e = ERR_NONE;

	if (job->seen_authority != atomic_load(&job->core->authority) ||
	    batch->authority)
		e = look_again(job, batch);
	if (!failed(e) && job->op->confirm)
		e = job->op->confirm(job, batch);
	if (job->stale)
		return ERR_NONE; /* nothing was written: it comes again */
	if (failed(e)) {
		answer_refuse(job, e);
		return ERR_NONE;
	}
	if (job->op->listeners & 1u << CORE_ADMIN)
		batch->authority = true;
	if (job->op->proof == PROOF_SINGLE_USE) {
		e = proof_spend(job, batch->txn);
		if (e.code == ERR_NONCE) {
			answer_refuse(job, e);
			return ERR_NONE;
		}
	}
	if (!failed(e) && job->op->apply)
		e = job->op->apply(job, batch);
	return e;
}

static struct err write_once(struct core *core, struct job **jobs, size_t count)
{
	struct pending pending;
	struct batch batch;
	bool beyond = count == 0;
	struct err e;

	for (size_t i = 0; i < count; i++)
		beyond = beyond || jobs[i]->op->beyond_quota;
	e = batch_begin(core, beyond, count, &batch);
	if (failed(e))
		return e;
	take_pending(core, &pending);
	e = sealing_put_signatures(&batch, pending.sealed);
	if (pending.sealed)
		batch.wakes = true;
	for (size_t i = 0; i < pending.refusal_count && !failed(e); i++)
		e = put_refusal(&batch, &pending.refusals[i]);
	for (size_t i = 0; i < count && !failed(e); i++)
		if (!jobs[i]->done)
			e = put_job(jobs[i], &batch);
	if (failed(e))
		batch_abort(&batch);
	else
		e = batch_commit(&batch);
	if (failed(e)) {
		give_back(core, &pending);
		return e;
	}
	drop_pending(core, &pending);
	for (size_t i = 0; i < count; i++)
		if (!jobs[i]->done && !jobs[i]->stale)
			job_finish(jobs[i]);
	return ERR_NONE;
}

/* Checked again on this thread, and written alone: nothing moves between. */
static void write_stale(struct core *core, struct job *job)
{
	struct err e = err_make(ERR_BUSY, "things move too fast");

	for (int i = 0; i < STALE_TRIES && job->stale; i++) {
		if (job->body_taken)
			break; /* its body cannot come again */
		job->stale = false;
		if (core_check(job) != CORE_NEXT_WRITE)
			break;
		e = write_once(core, &job, 1);
		if (failed(e))
			break;
	}
	if (!job->done && !job->waits) {
		job->stale = false;
		answer_refuse(job, e);
	}
}

void write_jobs(struct core *core, struct job **jobs, size_t count)
{
	struct err e =
		ring_reserve_slots(core->ring, core->store, CORE_SPARE_SLOTS);

	if (!failed(e))
		e = write_once(core, jobs, count);
	if (!failed(e)) {
		for (size_t i = 0; i < count; i++)
			if (jobs[i]->stale)
				write_stale(core, jobs[i]);
		return;
	}
	if (count > 1 && !store_dead(core->store)) {
		/* One of them is to blame: each for itself. */
		for (size_t i = 0; i < count; i++)
			if (!jobs[i]->done)
				write_jobs(core, &jobs[i], 1);
		return;
	}
	for (size_t i = 0; i < count; i++)
		if (!jobs[i]->done)
			answer_refuse(jobs[i], e);
}

void core_write(struct core *core, struct job **jobs, size_t count)
{
	bool any = count > 0;

	pthread_mutex_lock(&core->lock);
	any = any || core->sealed || core->refusal_count;
	pthread_mutex_unlock(&core->lock);
	if (!any) /* another batch took the signatures along */
		return;
	write_jobs(core, jobs, count);
}
