/* Opens the reference of a refusal. */
#include "relay/guard/core/admin/admin.h"
#include "relay/guard/core/admin/text.h"
#include "relay/guard/core/admin/who.h"
#include "relay/guard/core/reference.h"

/* Without the zeros that fill it up; a device's key id is whole. */
static struct span who_of(const struct reference *r)
{
	struct span id = SPAN_OBJ(r->who_id);

	while (r->who != AUDIT_DEVICE && id.len && id.at[id.len - 1] == 0)
		id.len--;
	return id;
}

static struct err reference_check(struct job *job)
{
	struct reference r;
	struct json_writer w;
	struct err e = reference_open(job->core->ring, job->core->standing_key,
				      job->path.at[3], &r);

	if (failed(e))
		return e;
	w = json_write(&job->body);
	json_open_object(&w);
	if (r.has_doc)
		json_member_doc_id(&w, "document", r.doc);
	admin_who_write(&w, (enum audit_who)r.who, who_of(&r));
	json_member_str(&w, "outcome", admin_outcome(r.code));
	if (r.reason[0])
		admin_text_member(&w, "rule", span_str(r.reason));
	json_member_u64(&w, "time", r.time);
	json_close_object(&w);
	answer_json(job, 200);
	return buf_check(&job->body);
}

const struct operation admin_reference = {
	.name = "admin.reference",
	.method = "GET",
	.path = "/admin/v1/references/{}",
	.listeners = 1u << CORE_ADMIN,
	.askers = ASKER_OFFICER,
	.roles = ADMIN_OPERATOR | ADMIN_SECURITY | ADMIN_AUDITOR,
	.check = reference_check,
};
