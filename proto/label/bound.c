/* Which part of a label decides, and what it says in numbers. */
#include <stdio.h>
#include <stdlib.h>

#include "proto/label/bound_form.h"
#include "proto/label/finding.h"

/* A part under the SPIF that it names: looked up and checked. */
static struct err select_part(const struct table *t,
			      const struct label_part *part,
			      struct label_problem *problem,
			      struct selection *out, const char **rule)
{
	struct err e;

	*rule = "invalid-label";
	e = selection_make(t, part, problem, out);
	return failed(e) ? e : selection_check(out, problem, rule);
}

static struct err foreign(const struct label_part *part,
			  struct label_problem *problem, const char **rule)
{
	*rule = "policy";
	return finding_make(problem, ERR_FOREIGN_POLICY,
			    "policy neither governs nor is mapped", part->line,
			    "element PolicyIdentifier: policy \"%.*s\" "
			    "neither governs here nor is mapped",
			    FINDING_SPAN(part->policy));
}

static struct err contradicts(const struct label_part *part,
			      struct label_problem *problem, const char **rule)
{
	*rule = "policy";
	return finding_make(problem, ERR_LABEL, "policy name and URI disagree",
			    part->line,
			    "element PolicyIdentifier: URI \"%.*s\" is not "
			    "that of policy \"%.*s\"",
			    FINDING_SPAN(part->policy_uri),
			    FINDING_SPAN(part->policy));
}

static bool same(const struct selection *a, const struct selection *b)
{
	return a->class == b->class && a->count == b->count &&
	       memcmp(a->ids, b->ids, a->count * sizeof(a->ids[0])) == 0;
}

/* ADatP-4774.1 s.4.2 rule 4; `*found` if there is an alternative at all. */
static struct err select_alternative(const struct policy *policy,
				     const struct label *label,
				     struct label_problem *problem,
				     struct selection *out, bool *found,
				     const char **rule)
{
	struct selection other;

	*found = false;
	for (size_t i = 0; i < label_part_count(label); i++) {
		const struct label_part *part = label_part(label, i);
		bool contradiction;
		const struct table *t =
			policy_table_find(policy, part->policy,
					  part->policy_uri, &contradiction);
		struct err e;

		if (part->kind != LABEL_ALTERNATIVE || t != &policy->tables[0])
			continue;
		if (contradiction)
			return contradicts(part, problem, rule);
		e = select_part(t, part, problem, *found ? &other : out, rule);
		if (failed(e))
			return e;
		if (*found && !same(out, &other)) {
			*rule = "invalid-label";
			return finding_make(problem, ERR_LABEL,
					    "alternative labels disagree",
					    part->line,
					    "two alternative labels of policy "
					    "%.60s disagree",
					    t->spif->name);
		}
		*found = true;
	}
	return ERR_NONE;
}

struct err bound_select(const struct policy *policy, const struct label *label,
			struct label_problem *problem, struct selection *out,
			bool *mapped, const char **rule)
{
	const struct label_part *origin = label_originator(label);
	struct selection own;
	const struct table *t;
	bool contradiction, found;
	struct err e;

	*mapped = false;
	t = policy_table_find(policy, origin->policy, origin->policy_uri,
			      &contradiction);
	if (contradiction)
		return contradicts(origin, problem, rule);
	if (t == &policy->tables[0])
		return select_part(t, origin, problem, out, rule);
	e = select_alternative(policy, label, problem, out, &found, rule);
	if (failed(e) || found)
		return e;
	if (!t)
		return foreign(origin, problem, rule);
	e = select_part(t, origin, problem, &own, rule);
	if (failed(e))
		return e;
	*mapped = true;
	*rule = "policy";
	/* A relay stands between: equivalences that apply on reception. */
	e = selection_map(&own, &policy->tables[0], SPIF_DECRYPT, problem, out);
	return failed(e) ? e : selection_check(out, problem, rule);
}

struct err bound_new(const struct policy *policy, const struct label *label,
		     struct bound **out)
{
	struct selection s = {0};
	struct label_problem problem = {0};
	const char *rule = "invalid-label";
	const struct table *t = &policy->tables[0];
	bool mapped = false;
	struct bound *b;
	struct err e;

	e = bound_select(policy, label, &problem, &s, &mapped, &rule);
	if (e.code == ERR_NO_MEMORY)
		return e;
	if (failed(e))
		s.count = 0;
	b = calloc(1, sizeof(*b) + s.count * sizeof(b->ids[0]));
	if (!b)
		return err_make(ERR_NO_MEMORY, "bound label");
	b->policy = policy;
	b->valid = !failed(e);
	b->mapped = b->valid && mapped;
	b->rule = b->valid ? "" : rule;
	snprintf(b->detail, sizeof(b->detail), "%s",
		 b->valid ? "" : problem.text);
	if (b->valid)
		b->class = (uint8_t)s.class;
	for (size_t i = 0; i < s.count; i++) {
		if (t->tags[t->values[s.ids[i]].tag].type != LABEL_INFORMATIVE)
			b->ids[b->count++] = s.ids[i];
	}
	*out = b;
	return ERR_NONE;
}

void bound_free(struct bound *bound)
{
	free(bound);
}

bool bound_valid(const struct bound *bound)
{
	return bound->valid;
}

const char *bound_rule(const struct bound *bound)
{
	return bound->rule;
}

const char *bound_detail(const struct bound *bound)
{
	return bound->detail;
}

const char *bound_classification(const struct bound *bound)
{
	return bound->valid ? bound->policy->tables[0]
				      .classes[bound->class]
				      .from->name
			    : NULL;
}

bool bound_mapped(const struct bound *bound)
{
	return bound->mapped;
}

struct err label_check(const struct policy *policy, const struct label *label,
		       struct label_problem *problem)
{
	struct selection s = {0};
	const char *rule;
	bool mapped;

	if (problem)
		*problem = (struct label_problem){0};
	return bound_select(policy, label, problem, &s, &mapped, &rule);
}

struct err ceiling_make(const struct policy *policy, struct span name,
			uint8_t *out)
{
	int class = POLICY_CLASS_MAX;

	if (name.len > 0)
		class = table_class_find(&policy->tables[0], name);
	if (class < 0)
		return err_make(ERR_POLICY,
				"ceiling is no governing classification");
	*out = (uint8_t) class;
	return ERR_NONE;
}

bool bound_above_ceiling(const struct bound *bound, const char *ceiling_name)
{
	uint8_t ceiling;
	struct span name = span_str(ceiling_name);

	/* Classes stand by rising hierarchy, so the index compares. */
	return !bound->valid || name.len == 0 ||
	       failed(ceiling_make(bound->policy, name, &ceiling)) ||
	       bound->class > ceiling;
}

bool label_above_ceiling(const struct policy *policy, const struct label *label,
			 const char *ceiling_name)
{
	struct bound *bound;
	bool above;

	if (failed(bound_new(policy, label, &bound)))
		return true;
	above = bound_above_ceiling(bound, ceiling_name);
	bound_free(bound);
	return above;
}
