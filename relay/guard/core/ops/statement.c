/* POST /v1/documents/{id}/statements: label, delete, recall. */
#include <stdio.h>

#include "proto/exchange/statements.h"
#include "relay/guard/core/ops/ops.h"
#include "relay/guard/core/row.h"

struct statement_state {
	struct statements_request request;
	struct statement statement;
	const struct policing_label *label;
	struct document *old;
	struct resolve_result result;
};

static unsigned right_of(enum statement_kind kind)
{
	switch (kind) {
	case STATEMENT_LABEL:
		return SUBJECT_LABEL;
	case STATEMENT_DELETE:
		return SUBJECT_DELETE;
	case STATEMENT_RECALL:
		return SUBJECT_RECALL;
	}
	return ~0u;
}

static struct err statement_check(struct job *job)
{
	struct statement_state *s = job_state(job, sizeof(*s));
	struct txn *txn = NULL;
	struct err e = arena_check(&job->arena);

	if (!failed(e))
		e = doc_id_parse(job->path.at[2], &job->doc);
	if (failed(e))
		return e;
	job->has_doc = true;
	e = statements_request_decode(job->http.body, &job->arena, &s->request);
	if (!failed(e))
		e = statement_decode(s->request.statement, &job->arena,
				     &s->statement);
	if (failed(e))
		return e;
	if (!doc_id_eq(s->statement.id, job->doc))
		return err_make(ERR_FOREIGN_ID, "the statement is of another "
						"document than the path");
	if (!key_id_eq(s->statement.author, job->asker.device.author))
		return err_make(ERR_UNAUTHENTICATED,
				"the statement names another author");
	if (!nation_eq(s->statement.home, job->core->nation))
		return err_make(ERR_FORBIDDEN, "only the home nation makes "
					       "statements on a document");
	if ((job->asker.subject.rights & right_of(s->statement.kind)) == 0)
		return err_make(ERR_FORBIDDEN, "the subject lacks the right "
					       "to this kind of statement");
	e = statement_check_signature(job->asker.sign, &s->statement);
	if (!failed(e))
		e = docid_check(job->doc, &s->request.opening,
				job->core->nation);
	if (!failed(e) && s->statement.kind == STATEMENT_LABEL) {
		e = txn_begin_read(job->core->store, STORE_RECORDS, &txn);
		if (!failed(e))
			e = ops_check_label(job, txn, s->request.has_label,
					    s->request.label,
					    s->statement.label,
					    s->request.opening.space,
					    &s->label);
		txn_abort(&txn);
	}
	job->proof = s->statement.digest;
	job->writes = !failed(e);
	return e;
}

/* Whoever signs a label must be released by each head it is made over. */
static struct err heads_visible(const struct statement_state *s,
				const struct document_read *read)
{
	for (size_t i = 0; i < s->statement.heads_count; i++) {
		bool seen = false;

		for (size_t h = 0; h < read->doc.heads_count; h++)
			if (digest_eq(read->doc.heads[h].digest,
				      s->statement.heads[i]))
				seen = read->visible[h];
		if (!seen)
			return err_make(ERR_CONFLICT,
					"a head that the statement lists is "
					"not there for its author");
	}
	return ERR_NONE;
}

static struct err statement_confirm(struct job *job, struct batch *batch)
{
	struct statement_state *s = job->state;
	struct document_read *read = arena_alloc(&job->arena, sizeof(*read));
	struct view *view = NULL;
	struct resolve_statement in = {
		.statement = &s->statement,
		.opening = s->request.opening,
		.from = job->core->nation,
		.now = batch->now_s,
		.evaluable = !s->statement.must_understand,
		.local = true,
		.replica = job->core->replica,
	};
	struct err unseen, e = arena_check(&job->arena);

	buf_reset(&job->members);
	if (!failed(e))
		e = record_copy(batch->txn, job->doc, &job->arena, &s->old);
	if (!failed(e))
		e = policing_view(job->policing, job->reader, batch->txn,
				  &view);
	if (!failed(e))
		e = document_read_for(batch->txn, view, job->doc, &job->arena,
				      read);
	unseen = e;
	/* A delete or recall may be repeated on what is no longer seen. */
	if (failed(e) && s->old && s->statement.kind != STATEMENT_LABEL &&
	    s->old->state != DOCUMENT_LIVE)
		e = ERR_NONE;
	else if (!failed(e))
		e = heads_visible(s, read);
	if (!failed(e))
		e = resolve_statement(s->old, &in, &job->arena, &s->result);
	if (!failed(e) && failed(unseen) &&
	    s->result.outcome != RESOLVE_ACCEPTED &&
	    s->result.outcome != RESOLVE_KNOWN)
		e = unseen; /* or the refusal would say what stands there */
	if (!failed(e) && s->result.outcome != RESOLVE_ACCEPTED &&
	    s->result.outcome != RESOLVE_KNOWN) {
		row_conflict_members(read, &job->members);
		e = err_make(resolve_outcome_code(s->result.outcome),
			     resolve_outcome_name(s->result.outcome));
	}
	view_free(view);
	return e;
}

static struct err statement_apply(struct job *job, struct batch *batch)
{
	static const char *const kinds[] = {
		[STATEMENT_LABEL] = "label",
		[STATEMENT_DELETE] = "delete",
		[STATEMENT_RECALL] = "recall",
	};
	struct statement_state *s = job->state;
	struct audit_item item = {.doc = job->doc,
				  .digest = s->statement.digest,
				  .rule = span_str(job->rule)};
	struct seq last;
	struct err e = ERR_NONE;

	if (s->result.outcome == RESOLVE_KNOWN)
		return ERR_NONE;
	if (s->label)
		e = ops_store_label(batch->txn, s->label);
	if (!failed(e))
		e = document_apply(&batch->writer, batch->txn, s->old,
				   &s->result, batch->now_s, &last);
	if (!failed(e) && s->result.purge && s->result.purge_slot)
		e = ring_drop_document(job->core->ring, batch->txn,
				       s->result.purge_slot, job->doc);
	snprintf(job->detail, sizeof(job->detail), "%s %llu",
		 kinds[s->statement.kind],
		 (unsigned long long)s->statement.number);
	if (!failed(e))
		e = job_audit(job, batch, &item, 1);
	if (s->result.purge || s->result.fallen_count)
		core_garbage(job->core, job->doc);
	if (s->result.purge) {
		pthread_mutex_lock(&job->core->lock);
		job->core->purge_due = true;
		pthread_mutex_unlock(&job->core->lock);
	}
	batch->wakes = true;
	return e;
}

static struct err statement_finish(struct job *job)
{
	struct statement_state *s = job->state;
	struct statements_answer answer = {s->statement.digest,
					   s->statement.number};

	statements_answer_encode(&answer, &job->body);
	answer_json(job, 200);
	return buf_check(&job->body);
}

const struct operation op_statement = {
	.name = "statement",
	.method = "POST",
	.path = "/v1/documents/{}/statements",
	.listeners = 1u << CORE_DEVICE,
	.askers = ASKER_DEVICE,
	.beyond_quota = true,
	.check = statement_check,
	.confirm = statement_confirm,
	.apply = statement_apply,
	.finish = statement_finish,
};
