/* What the changes of the admin interface have in common. */
#include <stdarg.h>
#include <stdio.h>

#include "relay/guard/core/admin/change.h"

struct err admin_record(struct job *job, struct batch *batch, const char *fmt,
			...)
{
	struct err e;
	va_list args;

	va_start(args, fmt);
	vsnprintf(job->detail, sizeof(job->detail), fmt, args);
	va_end(args);
	e = job_audit(job, batch, NULL, 0);
	/* It is for the record, not for a problem document. */
	job->detail[0] = 0;
	batch->wakes = true;
	return e;
}

struct err admin_no_body(const struct job *job)
{
	return job->http.body.len
		       ? err_make(ERR_MALFORMED, "this request has no body")
		       : ERR_NONE;
}

struct err admin_done(struct job *job)
{
	answer_json(job, 204);
	return ERR_NONE;
}
