/* A label part under one SPIF. */
#include "proto/label/finding.h"
#include "proto/label/selection.h"

#define INVALID(problem, line, ...)                                            \
	finding_make(problem, ERR_LABEL, "label not valid under the policy",   \
		     line, __VA_ARGS__)

static const char *const type_names[] = {"RESTRICTIVE", "PERMISSIVE",
					 "INFORMATIVE"};

/* Keeps ids rising and distinct; false if there is no room. */
static bool add_id(struct selection *s, uint16_t id)
{
	size_t at = s->count;

	while (at > 0 && s->ids[at - 1] > id)
		at--;
	if (at > 0 && s->ids[at - 1] == id)
		return true;
	if (s->count == LABEL_VALUE_MAX)
		return false;
	memmove(&s->ids[at + 1], &s->ids[at],
		(s->count - at) * sizeof(s->ids[0]));
	s->ids[at] = id;
	s->count++;
	return true;
}

/* ---- making ---- */

static bool tag_uri_agrees(const struct table_tag *tag, struct span uri)
{
	static const char prefix[] = "urn:oid:";

	return uri.len >= sizeof(prefix) - 1 &&
	       memcmp(uri.at, prefix, sizeof(prefix) - 1) == 0 &&
	       span_eq_str(span_sub(uri, sizeof(prefix) - 1, uri.len),
			   tag->set->id);
}

static struct err add_category(struct selection *s,
			       const struct label_category *c,
			       struct label_problem *problem)
{
	const struct table *t = s->table;
	int tag = table_tag_find(t, c->tag, c->type);

	if (tag < 0)
		return INVALID(problem, c->line,
			       "element Category: policy %s has no tag "
			       "\"%.*s\" of type %s",
			       t->spif->name, FINDING_SPAN(c->tag),
			       type_names[c->type]);
	if (c->uri.len > 0 && !tag_uri_agrees(&t->tags[tag], c->uri))
		return INVALID(problem, c->line,
			       "element Category: attribute URI is not "
			       "urn:oid:%s, the id of %s",
			       t->tags[tag].set->id, t->tags[tag].name);
	if (c->value_count == 0)
		return INVALID(problem, c->line,
			       "element Category: \"%.*s\" has no value",
			       FINDING_SPAN(c->tag));
	for (size_t i = 0; i < c->value_count; i++) {
		int id = table_value_find(t, tag, c->values[i]);

		if (id >= 0) {
			if (!add_id(s, (uint16_t)id))
				return INVALID(problem, c->line,
					       "element Category: too many "
					       "values");
			continue;
		}
		if (!t->tags[tag].free_text ||
		    s->free_count == SELECTION_FREE_MAX)
			return INVALID(problem, c->line,
				       "element GenericValue: \"%.*s\" is no "
				       "value of %s in policy %s",
				       FINDING_SPAN(c->values[i]),
				       t->tags[tag].name, t->spif->name);
		s->free[s->free_count].tag = (uint16_t)tag;
		s->free[s->free_count++].text = c->values[i];
	}
	return ERR_NONE;
}

struct err selection_make(const struct table *t, const struct label_part *part,
			  struct label_problem *problem, struct selection *out)
{
	struct err e = ERR_NONE;

	out->table = t;
	out->count = out->free_count = 0;
	out->class = table_class_find(t, part->classification);
	if (out->class < 0)
		return INVALID(problem, part->line,
			       "element Classification: \"%.*s\" is no "
			       "classification of policy %s",
			       FINDING_SPAN(part->classification),
			       t->spif->name);
	for (size_t i = 0; i < part->category_count && !failed(e); i++)
		e = add_category(out, &part->categories[i], problem);
	return e;
}

/* ---- relations of the SPIF ---- */

static bool meets(const struct table *t, const struct table_value *v,
		  const struct spif_set *set, const struct spif_reference *ref)
{
	for (size_t i = 0; i < v->entry_count; i++) {
		const struct table_entry *e = &v->entries[i];

		if (e->set == set && e->tag->type == ref->type &&
		    (!ref->lacv || strcmp(e->value->lacv, ref->lacv) == 0))
			return true;
	}
	return false;
}

/* How many of the selected values the reference identifies. */
static size_t count_of(const struct selection *s,
		       const struct spif_reference *ref)
{
	const struct spif_set *set = table_set_by_name(s->table, ref->tag_set);
	size_t count = 0;

	for (size_t i = 0; i < s->count; i++)
		count +=
			meets(s->table, &s->table->values[s->ids[i]], set, ref);
	for (size_t i = 0; i < s->free_count; i++)
		count += !ref->lacv && ref->type == SPIF_INFORMATIVE &&
			 s->table->tags[s->free[i].tag].set == set;
	return count;
}

static bool required_met(const struct selection *s,
			 const struct spif_required *required, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		const struct spif_required *q = &required[i];
		size_t groups = 0, values = 0;

		for (size_t n = 0; n < q->group_count; n++) {
			size_t found = count_of(s, &q->groups[n]);

			groups += found > 0;
			values += found;
		}
		if (q->operation == SPIF_ALL && groups < q->group_count)
			return false;
		if (q->operation == SPIF_ONE_OR_MORE && values == 0)
			return false;
		/* The schema counts values, some readers count groups; one
		 * value is one in both. */
		if (q->operation == SPIF_ONLY_ONE && values != 1)
			return false;
	}
	return true;
}

/* NULL if this entry allows the value, else what stands against it. */
static const char *entry_against(const struct selection *s,
				 const struct spif_value *v)
{
	for (size_t i = 0; i < v->excluded_class_count; i++) {
		if (table_class_find(s->table,
				     span_str(v->excluded_classes[i].name)) ==
		    s->class)
			return "excludes this classification";
	}
	if (v->required_class &&
	    table_class_find(s->table, span_str(v->required_class)) != s->class)
		return "requires another classification";
	if (!required_met(s, v->required, v->required_count))
		return "requires a category that is missing";
	for (size_t i = 0; i < v->excluded_count; i++) {
		if (count_of(s, &v->excluded[i]) > 0)
			return "excludes another category of the label";
	}
	return NULL;
}

/* Where one name has several entries, one that allows it is enough. */
static struct err check_value(const struct selection *s,
			      const struct table_value *v,
			      struct label_problem *problem)
{
	const char *against = NULL;

	for (size_t i = 0; i < v->entry_count; i++) {
		const char *mine = entry_against(s, v->entries[i].value);

		if (!mine)
			return ERR_NONE;
		if (!against)
			against = mine;
	}
	return INVALID(problem, 0,
		       "value \"%.60s\" of %.60s with classification %.60s: "
		       "policy %.40s: the value %s",
		       v->name, s->table->tags[v->tag].name,
		       s->table->classes[s->class].from->name,
		       s->table->spif->name, against);
}

const struct table_entry *selection_entry(const struct selection *s,
					  const struct table_value *v)
{
	for (size_t i = 0; i < v->entry_count; i++) {
		if (!entry_against(s, v->entries[i].value))
			return &v->entries[i];
	}
	return &v->entries[0];
}

/* minSelection counts where the tag is used at all: a tag that every label
 * must have is said with requiredCategory. */
static struct err check_counts(const struct selection *s,
			       struct label_problem *problem)
{
	for (size_t i = 0; i < s->table->spif->set_count; i++) {
		const struct spif_set *set = &s->table->spif->sets[i];

		for (size_t n = 0; n < set->tag_count; n++) {
			const struct spif_tag *tag = &set->tags[n];
			size_t count = 0;

			if (tag->max == UINT64_MAX && tag->min == 0)
				continue;
			for (size_t k = 0; k < s->count; k++)
				count += s->table->values[s->ids[k]]
						 .entries[0]
						 .tag == tag;
			for (size_t k = 0;
			     tag->type == SPIF_INFORMATIVE && k < s->free_count;
			     k++)
				count += s->table->tags[s->free[k].tag].set ==
					 set;
			if (count > tag->max || (count > 0 && count < tag->min))
				return INVALID(problem, 0,
					       "element Category \"%.60s\": "
					       "%zu values, the policy allows "
					       "%llu to %llu",
					       set->name, count,
					       (unsigned long long)tag->min,
					       (unsigned long long)tag->max);
		}
	}
	return ERR_NONE;
}

/* ---- the NATO profile: ADatP-4774 App 2 ---- */

static struct err check_nato(const struct selection *s,
			     struct label_problem *problem)
{
	int context =
		table_tag_find(s->table, span_str("Context"), LABEL_PERMISSIVE);
	int to = table_tag_find(s->table, span_str("Releasable To"),
				LABEL_PERMISSIVE);
	size_t contexts = 0;
	bool releasable = false, releasable_to = false;

	for (size_t i = 0; i < s->count; i++) {
		const struct table_value *v = &s->table->values[s->ids[i]];

		releasable_to |= v->tag == to;
		if (v->tag != context)
			continue;
		if (strcmp(v->key, "RELEASABLE") == 0)
			releasable = true;
		else
			contexts++;
	}
	if (contexts != 1)
		return INVALID(problem, 0,
			       "element Category \"Context\": %zu contexts, "
			       "a label of the NATO policy has exactly one",
			       contexts);
	if (releasable_to && !releasable)
		return INVALID(problem, 0,
			       "element Category \"Releasable To\": Context "
			       "lacks the value Releasable");
	/* The standard couples them in the other direction only; without
	 * this, Releasable alone would go to every partner. */
	if (releasable && !releasable_to)
		return INVALID(problem, 0,
			       "element Category \"Context\": Releasable "
			       "without a Releasable To");
	return ERR_NONE;
}

struct err selection_check(const struct selection *s,
			   struct label_problem *problem, const char **rule)
{
	const struct spif_class *c = s->table->classes[s->class].from;
	struct err e = ERR_NONE;

	*rule = "invalid-label";
	if (!required_met(s, c->required, c->required_count))
		return INVALID(problem, 0,
			       "classification %.60s requires a category that "
			       "is missing",
			       c->name);
	for (size_t i = 0; i < s->count && !failed(e); i++)
		e = check_value(s, &s->table->values[s->ids[i]], problem);
	if (!failed(e))
		e = check_counts(s, problem);
	if (!failed(e) && s->table->profile == PROFILE_NATO) {
		*rule = "profile:nato-context";
		e = check_nato(s, problem);
	}
	return e;
}

/* ---- mapping ---- */

#define UNMAPPED(problem, ...)                                                 \
	finding_make(problem, ERR_FOREIGN_POLICY, "no equivalent", 0,          \
		     __VA_ARGS__)

/* What an equivalence asks for besides; single values of "all" are added. */
static bool add_required(struct selection *out,
			 const struct spif_required *required, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		for (size_t n = 0; required[i].operation == SPIF_ALL &&
				   n < required[i].group_count;
		     n++) {
			const struct spif_reference *ref =
				&required[i].groups[n];
			const struct spif_set *set =
				table_set_by_name(out->table, ref->tag_set);
			int id = ref->lacv && set
					 ? table_value_by_lacv(out->table, set,
							       ref->type,
							       ref->lacv)
					 : -1;

			if (id >= 0 && !add_id(out, (uint16_t)id))
				return false;
		}
	}
	return true;
}

static const struct spif_equivalent_class *
class_equivalent(const struct selection *s, const struct table *to,
		 enum spif_applied use)
{
	const struct spif_class *c = s->table->classes[s->class].from;

	for (size_t i = 0; i < c->equivalent_count; i++) {
		const struct spif_equivalent_class *q = &c->equivalents[i];

		if ((q->applied & use) &&
		    strcmp(q->policy, to->spif->name) == 0)
			return q;
	}
	return NULL;
}

static const struct spif_equivalent_policy *
policy_equivalent(const struct selection *s, const struct table *to)
{
	for (size_t i = 0; i < s->table->spif->equivalent_count; i++) {
		if (strcmp(s->table->spif->equivalents[i].name,
			   to->spif->name) == 0)
			return &s->table->spif->equivalents[i];
	}
	return NULL;
}

static struct err map_value(const struct selection *s,
			    const struct table_value *v, enum spif_applied use,
			    struct label_problem *problem,
			    struct selection *out)
{
	const struct table_tag *tag = &s->table->tags[v->tag];
	bool mapped = false, discarded = false;

	for (size_t i = 0; i < v->entry_count; i++) {
		const struct spif_value *entry = v->entries[i].value;

		for (size_t n = 0; n < entry->equivalent_count; n++) {
			const struct spif_equivalent_value *q =
				&entry->equivalents[n];
			const struct spif_set *set;
			int id;

			if (!(q->applied & use) ||
			    strcmp(q->policy, out->table->spif->name) != 0)
				continue;
			if (q->discard) {
				discarded = true;
				continue;
			}
			set = table_set_by_id(out->table, q->tag_set_id);
			id = set ? table_value_by_lacv(out->table, set, q->type,
						       q->lacv)
				 : -1;
			if (id < 0 || !add_id(out, (uint16_t)id))
				return UNMAPPED(problem,
						"value \"%.60s\" of %.60s: "
						"its equivalent is not here",
						v->name, tag->name);
			mapped = true;
		}
	}
	if (mapped || (discarded && tag->type == LABEL_INFORMATIVE))
		return ERR_NONE;
	return UNMAPPED(problem,
			"value \"%.60s\" of %.60s in policy %.40s has no "
			"equivalent in policy %.40s",
			v->name, tag->name, s->table->spif->name,
			out->table->spif->name);
}

struct err selection_map(const struct selection *s, const struct table *to,
			 enum spif_applied use, struct label_problem *problem,
			 struct selection *out)
{
	const struct spif_equivalent_class *c = class_equivalent(s, to, use);
	const struct spif_equivalent_policy *p = policy_equivalent(s, to);
	struct err e = ERR_NONE;

	out->table = to;
	out->count = out->free_count = 0;
	out->class = c ? table_class_by_lacv(to, c->lacv) : -1;
	if (!p || out->class < 0)
		return UNMAPPED(problem,
				"classification %.60s of policy %.40s has no "
				"equivalent in policy %.40s",
				s->table->classes[s->class].from->name,
				s->table->spif->name, to->spif->name);
	for (size_t i = 0; i < s->count && !failed(e); i++)
		e = map_value(s, &s->table->values[s->ids[i]], use, problem,
			      out);
	if (failed(e))
		return e;
	if (s->free_count > 0)
		return UNMAPPED(problem, "\"%.*s\" has no equivalent",
				FINDING_SPAN(s->free[0].text));
	if (!add_required(out, c->required, c->required_count) ||
	    !add_required(out, p->required, p->required_count) ||
	    !required_met(out, c->required, c->required_count) ||
	    !required_met(out, p->required, p->required_count))
		return UNMAPPED(problem,
				"the mapping to policy %.40s requires a "
				"category that the label does not give",
				to->spif->name);
	return ERR_NONE;
}
