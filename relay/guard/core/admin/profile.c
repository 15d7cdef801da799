/* Clearance, spaces and ceiling of a reader, as operators give them. */
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include "proto/exchange/member.h"
#include "proto/label/reader.h"
#include "relay/guard/core/admin/profile.h"

struct err admin_clearance_check(struct job *job, struct span xml)
{
	const struct policy *policy = policing_policy(job->policing);
	const char *governing = policy_name(policy, 0);
	struct label_problem problem = {0};
	struct clearance *clearance = NULL;
	struct span named;
	struct err e = clearance_parse(xml, &problem, &clearance);

	if (failed(e)) {
		snprintf(job->detail, sizeof(job->detail), "%s", problem.text);
		return e;
	}
	/* Of another policy it would hold nothing, and nobody would be told. */
	named = clearance_policy(clearance);
	if (named.len != strlen(governing) ||
	    strncasecmp((const char *)named.at, governing, named.len) != 0) {
		snprintf(job->detail, sizeof(job->detail),
			 "the clearance is not of the governing policy, %.200s",
			 governing);
		e = err_make(ERR_FOREIGN_POLICY,
			     "a clearance of another policy");
	}
	clearance_free(clearance);
	return e;
}

static int compare(const void *a, const void *b)
{
	return span_cmp(*(const struct span *)a, *(const struct span *)b);
}

struct err admin_spaces_read(struct job *job, const struct json *object,
			     size_t max, const struct span **out, size_t *count,
			     bool *all)
{
	const struct json *array;
	struct span *list;
	size_t n, kept = 0;
	struct err e = member_array(object, "spaces", max, &array, &n);

	if (failed(e))
		return e;
	list = arena_array(&job->arena, n + 1, sizeof(*list));
	if (!list)
		return arena_check(&job->arena);
	for (size_t i = 0; i < n && !failed(e); i++) {
		e = json_as_string(json_at(array, i), &list[i]);
		list[i] = arena_copy(&job->arena, list[i]);
		if (!failed(e) && all && n == 1 && span_eq_str(list[0], "*"))
			*all = true;
		else if (!failed(e))
			e = space_check(list[i]);
	}
	if (!failed(e))
		e = arena_check(&job->arena);
	if (failed(e))
		return e;
	if (all && *all)
		n = 0;
	qsort(list, n, sizeof(*list), compare);
	for (size_t i = 0; i < n; i++)
		if (kept == 0 || !span_eq(list[i], list[kept - 1]))
			list[kept++] = list[i];
	*out = list;
	*count = kept;
	return ERR_NONE;
}

void admin_spaces_write(struct json_writer *w, const struct span *spaces,
			size_t count, bool all)
{
	json_put_name(w, "spaces");
	json_open_array(w);
	if (all)
		json_put_string(w, span_str("*"));
	for (size_t i = 0; i < count && !all; i++)
		json_put_string(w, spaces[i]);
	json_close_array(w);
}

struct err admin_profile_read(struct job *job, const struct json *object,
			      struct peer_profile *out)
{
	const struct policy *policy = policing_policy(job->policing);
	struct peer_profile p = {0};
	const char *ceiling;
	struct err e = member_text(object, "ceiling", PEER_CEILING_MAX,
				   &job->arena, &p.ceiling);

	if (!failed(e))
		e = member_blob(object, "clearance", CLEARANCE_MAX, &job->arena,
				&p.clearance);
	if (!failed(e))
		e = admin_spaces_read(job, object, PEER_SPACES_MAX, &p.spaces,
				      &p.space_count, &p.all_spaces);
	if (!failed(e))
		e = admin_clearance_check(job, p.clearance);
	if (failed(e))
		return e;
	ceiling = arena_str(&job->arena, p.ceiling);
	if (!ceiling)
		return arena_check(&job->arena);
	if (!policy_has_class(policy, ceiling))
		return err_make(ERR_POLICY, "the ceiling is no classification "
					    "of the governing policy");
	*out = p;
	return ERR_NONE;
}

void admin_profile_write(struct json_writer *w,
			 const struct peer_profile *profile)
{
	json_member_string(w, "ceiling", profile->ceiling);
	json_member_bytes(w, "clearance", profile->clearance);
	admin_spaces_write(w, profile->spaces, profile->space_count,
			   profile->all_spaces);
}
