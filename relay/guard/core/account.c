/*
 * What a batch tells the audit.
 *
 * Writes of one asker in one commit are one record with an item for each: the
 * record and its link cost as much as the rest of a small write.
 */
#include "relay/guard/core/state.h"

struct err batch_audit(struct batch *batch, const struct audit_entry *entry)
{
	uint64_t number;

	return audit_chain_append(&batch->chain, batch->txn, entry, &number);
}

static struct audit_entry entry_of(const struct job *job)
{
	struct audit_entry entry = {.what = span_str(job->op->name),
				    .policy = policing_digest(job->policing),
				    .outcome = ERR_OK};

	asker_audit(&job->asker, &entry.who, &entry.who_id);
	return entry;
}

struct err job_audit(struct job *job, struct batch *batch,
		     struct audit_item *items, size_t count)
{
	struct audit_entry entry = entry_of(job);

	entry.proof = job->proof;
	entry.rule = span_str(job->rule);
	entry.detail = span_str(job->detail);
	entry.count = count;
	entry.items = items;
	return batch_audit(batch, &entry);
}

struct err job_audit_item(const struct job *job, struct batch *batch,
			  const struct audit_item *item)
{
	if (batch->line_count == CORE_BATCH_MAX)
		return err_make(ERR_BUSY, "a batch of too many writes");
	batch->lines[batch->line_count++] =
		(struct batch_line){.job = job, .item = *item};
	return ERR_NONE;
}

/* Whether two jobs stand in one record. */
static bool together(const struct job *a, const struct job *b)
{
	return a->op == b->op && a->policing == b->policing &&
	       a->asker.kind == b->asker.kind &&
	       key_id_eq(a->asker.key, b->asker.key);
}

/* One record: the line at `first` and all later ones like it. */
static struct err put_lines(struct batch *batch, size_t first)
{
	struct audit_item items[CORE_BATCH_MAX];
	const struct job *job = batch->lines[first].job;
	struct audit_entry entry = entry_of(job);
	bool one_rule = true;

	entry.items = items;
	for (size_t i = first; i < batch->line_count; i++) {
		struct batch_line *line = &batch->lines[i];

		if (!line->job || !together(job, line->job))
			continue;
		one_rule &=
			span_eq(line->item.rule, batch->lines[first].item.rule);
		items[entry.count++] = line->item;
		if (i > first)
			line->job = NULL;
	}
	/* Of a single write the record says all itself. */
	if (entry.count == 1) {
		entry.proof = job->proof;
		entry.detail = span_str(job->detail);
	}
	if (one_rule)
		entry.rule = items[0].rule;
	return batch_audit(batch, &entry);
}

struct err batch_audit_end(struct batch *batch)
{
	struct err e = ERR_NONE;

	for (size_t i = 0; i < batch->line_count && !failed(e); i++)
		if (batch->lines[i].job)
			e = put_lines(batch, i);
	return failed(e) ? e : audit_chain_end(&batch->chain, batch->txn);
}
