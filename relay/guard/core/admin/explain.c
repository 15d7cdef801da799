/*
 * Why a reader may, or may not, see a document or what a label would stand
 * on: the same decision, with its rule.
 *
 * What is invented (a label, a clearance) is bound for this one answer and
 * kept nowhere.
 */
#include <stdio.h>

#include "proto/exchange/me.h"
#include "proto/exchange/member.h"
#include "relay/guard/core/admin/admin.h"
#include "relay/guard/core/admin/text.h"
#include "storage/document_internal.h"

enum { EXPLAIN_BODY_MAX = 256 << 10 };

struct explaining {
	bool by_doc;
	struct doc_id doc;
	struct span label, space;
	bool by_reader;
	struct me_reader who;
	struct span clearance;
	/* The reader; of the other two one is there, and let go here. */
	const struct reader *reader;
	struct reader *own;
	struct policing_reader *held;
	/* What keeps him out before any decision; NULL for nothing. */
	const char *barred;
};

static struct err read_request(struct job *job, struct explaining *x)
{
	static const char *const names[] = {"clearance", "document", "label",
					    "reader",	 "space",    NULL};
	struct json *json = NULL;
	struct span reader;
	bool by_label, by_clearance;
	struct err e =
		member_open(job->http.body, EXPLAIN_BODY_MAX, names, &json);

	if (failed(e))
		goto out;
	x->by_doc = json_has(json, "document");
	by_label = json_has(json, "label") && json_has(json, "space");
	x->by_reader = json_has(json, "reader");
	by_clearance = json_has(json, "clearance");
	if (x->by_doc == by_label ||
	    (x->by_doc && (json_has(json, "label") || json_has(json, "space"))))
		e = err_make(ERR_MALFORMED,
			     "either a document, or a label and a space");
	else if (x->by_reader == by_clearance)
		e = err_make(ERR_MALFORMED, "either a reader, or a clearance");
	if (!failed(e) && x->by_doc)
		e = json_get_doc_id(json, "document", &x->doc);
	if (!failed(e) && by_label)
		e = member_blob(json, "label", LABEL_MAX, &job->arena,
				&x->label);
	if (!failed(e) && by_label)
		e = member_text(json, "space", SPACE_NAME_MAX, &job->arena,
				&x->space);
	if (!failed(e) && by_label)
		e = space_check(x->space);
	if (!failed(e) && by_clearance)
		e = member_blob(json, "clearance", CLEARANCE_MAX, &job->arena,
				&x->clearance);
	if (!failed(e) && x->by_reader)
		e = json_get_string(json, "reader", &reader);
	if (!failed(e) && x->by_reader)
		e = me_reader_parse(reader, &x->who);
out:
	json_free(json);
	return e;
}

/* ---- the reader ---- */

static struct err known_reader(struct job *job, struct span clearance,
			       const struct reader_spec *spec,
			       struct explaining *x)
{
	struct err e =
		policing_reader(job->policing, clearance, spec, NULL, &x->held);

	if (!failed(e))
		x->reader = policing_reader_bound(x->held);
	return e;
}

static struct err device_reader(struct job *job, struct txn *txn,
				struct explaining *x)
{
	struct reader_spec spec = {.kind = READER_DEVICE, .in_posture = true};
	struct device device;
	struct subject subject;
	struct err e = device_get(txn, x->who.key, &job->arena, &device);

	if (failed(e))
		return e;
	if (device.state != DEVICE_ACTIVE)
		x->barred = device.state == DEVICE_FROZEN ? "device:frozen"
							  : "device:revoked";
	e = subject_get(txn, device.subject, &job->arena, &subject);
	if (e.code == ERR_NOT_FOUND) {
		x->barred = "subject:gone";
		return ERR_NONE;
	}
	if (failed(e))
		return e;
	spec.spaces = subject.spaces;
	spec.space_count = subject.space_count;
	return known_reader(job, subject.clearance, &spec, x);
}

static struct err nation_reader(struct job *job, struct txn *txn,
				struct explaining *x)
{
	struct reader_spec spec = {.kind = READER_NATION, .in_posture = true};
	struct peer peer;
	struct err e = peer_get(txn, x->who.nation, &job->arena, &peer);

	if (failed(e))
		return e;
	if (peer.state != PEER_ACTIVE)
		x->barred = "peer:suspended";
	spec.spaces = peer.profile.spaces;
	spec.space_count = peer.profile.space_count;
	spec.all_spaces = peer.profile.all_spaces;
	spec.ceiling = peer.profile.ceiling;
	return known_reader(job, peer.profile.clearance, &spec, x);
}

/* A clearance without a person: a member of every space. */
static struct err invented_reader(struct job *job, struct explaining *x)
{
	struct reader_spec spec = {.kind = READER_NATION,
				   .all_spaces = true,
				   .in_posture = true};
	struct label_problem problem = {0};
	struct clearance *clearance = NULL;
	struct err e = clearance_parse(x->clearance, &problem, &clearance);

	if (failed(e)) {
		snprintf(job->detail, sizeof(job->detail), "%s", problem.text);
		return e;
	}
	spec.clearance = clearance;
	e = reader_new(policing_policy(job->policing), &spec, &x->own);
	if (!failed(e))
		x->reader = x->own;
	clearance_free(clearance);
	return e;
}

/* ---- the verdict ---- */

static struct verdict barred(const struct explaining *x)
{
	struct verdict v = {.released = false, .rule = x->barred};

	snprintf(v.detail, sizeof(v.detail),
		 "the reader is kept out, whatever the label says");
	return v;
}

static struct err explain_label(struct job *job, const struct explaining *x,
				struct verdict *out)
{
	const struct policy *policy = policing_policy(job->policing);
	struct rules_spec own = {.ceiling = span_str(job->core->ceiling),
				 .all_spaces = true};
	struct label_problem problem = {0};
	struct label *label = NULL;
	struct bound *bound = NULL;
	struct rules *rules = NULL;
	struct err e = label_parse(x->label, &problem, &label);

	if (failed(e))
		snprintf(job->detail, sizeof(job->detail), "%s", problem.text);
	if (!failed(e))
		e = bound_new(policy, label, &bound);
	if (!failed(e))
		e = rules_new(policy, &own, &rules);
	if (!failed(e)) {
		const struct bound *bounds[] = {bound};
		struct shelf_view shelf = {x->space, bounds, 1,
					   SHELF_CONDITION_NONE};

		*out = decide(policy, rules, &shelf, x->reader);
		/* What lives in `bound` must outlive it. */
		snprintf(job->rule, sizeof(job->rule), "%s", out->rule);
		out->rule = job->rule;
	}
	rules_free(rules);
	bound_free(bound);
	label_free(label);
	return e;
}

static struct err decide_head(struct job *job, struct txn *txn,
			      const struct explaining *x,
			      const struct document *doc,
			      const struct document_head *head,
			      struct verdict *out)
{
	struct digest labels[DOCUMENT_STANDS_MAX];

	if (head->shelf == SHELF_NONE) {
		*out = (struct verdict){.released = false, .rule = "no-shelf"};
		snprintf(out->detail, sizeof(out->detail),
			 "deleted, withdrawn, or with a part that is not "
			 "understood here");
		return ERR_NONE;
	}
	return policing_decide(job->policing, txn, x->reader,
			       doc->opening.space, labels,
			       document_labels(doc, head, labels),
			       doc->condition, out);
}

static void put_verdict(const struct verdict *v, struct json_writer *w)
{
	admin_text_member(w, "detail", span_str(v->detail));
	json_member_bool(w, "released", v->released);
	admin_text_member(w, "rule", span_str(v->rule));
}

/* Released if one head is; else the first head says why not. */
static struct err explain_document(struct job *job, struct txn *txn,
				   const struct explaining *x,
				   struct verdict *out, struct buf *heads)
{
	struct json_writer w = json_write(heads);
	struct document doc;
	struct err e = document_read_internal(txn, x->doc, &job->arena, &doc);

	if (failed(e))
		return e;
	*out = (struct verdict){.rule = "no-shelf"};
	snprintf(out->detail, sizeof(out->detail),
		 "no head is left of the document");
	json_open_array(&w);
	for (size_t i = 0; i < doc.heads_count; i++) {
		struct verdict v;

		if (x->barred)
			v = barred(x);
		else
			e = decide_head(job, txn, x, &doc, &doc.heads[i], &v);
		if (failed(e))
			return e;
		json_open_object(&w);
		json_member_digest(&w, "digest", doc.heads[i].digest);
		put_verdict(&v, &w);
		json_close_object(&w);
		if (i == 0 || (v.released && !out->released))
			*out = v;
	}
	json_close_array(&w);
	return buf_check(heads);
}

static struct err explain(struct job *job, struct txn *txn,
			  struct explaining *x)
{
	struct verdict v = {0};
	struct json_writer w;
	struct buf heads;
	struct err e = ERR_NONE;

	buf_init(&heads, 64 << 10);
	if (x->by_reader)
		e = x->who.device ? device_reader(job, txn, x)
				  : nation_reader(job, txn, x);
	else
		e = invented_reader(job, x);
	if (!failed(e) && x->by_doc)
		e = explain_document(job, txn, x, &v, &heads);
	else if (!failed(e) && x->barred)
		v = barred(x);
	else if (!failed(e))
		e = explain_label(job, x, &v);
	if (!failed(e)) {
		w = json_write(&job->body);
		json_open_object(&w);
		put_verdict(&v, &w);
		json_member_digest(&w, "policy",
				   policing_digest(job->policing));
		if (x->by_doc) {
			json_put_name(&w, "heads");
			json_put_raw(&w, buf_span(&heads));
		}
		json_close_object(&w);
		answer_json(job, 200);
		e = buf_check(&job->body);
	}
	buf_clear(&heads);
	return e;
}

static struct err explain_check(struct job *job)
{
	struct explaining x = {0};
	struct txn *txn = NULL;
	struct err e = read_request(job, &x);

	if (!failed(e))
		e = txn_begin_read(job->core->store, STORE_RECORDS, &txn);
	if (!failed(e))
		e = explain(job, txn, &x);
	txn_abort(&txn);
	reader_free(x.own);
	policing_reader_release(x.held);
	return e;
}

const struct operation admin_explain = {
	.name = "admin.explain",
	.method = "POST",
	.path = "/admin/v1/explain",
	.listeners = 1u << CORE_ADMIN,
	.askers = ASKER_OFFICER,
	.roles = ADMIN_OPERATOR | ADMIN_SECURITY | ADMIN_AUDITOR,
	.check = explain_check,
};
