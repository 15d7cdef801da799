/* From a SPIF to tables, with the checks of ADatP-4774.1 s.3.4. */
#include <stdlib.h>

#include "proto/label/finding.h"
#include "proto/label/policy_table.h"

struct building {
	struct table *t;
	struct arena *arena;
	struct label_problem *problem;
};

static struct err no_room(void)
{
	return err_make(ERR_TOO_LARGE, "policy beyond the caps");
}

#define INVALID(b, line, ...)                                                  \
	finding_make((b)->problem, ERR_POLICY, "policy not valid", line,       \
		     __VA_ARGS__)

static const char *make_key(const struct building *b, const char *name)
{
	char key[LABEL_TEXT_MAX + 1];

	if (!table_key(b->t, span_str(name), key))
		return NULL;
	return arena_str(b->arena, span_str(key));
}

/* ---- classifications ---- */

static int by_hierarchy(const void *a, const void *b)
{
	uint64_t x = ((const struct table_class *)a)->from->hierarchy;
	uint64_t y = ((const struct table_class *)b)->from->hierarchy;

	return (x > y) - (x < y);
}

static bool same_color(const char *a, const char *b)
{
	size_t i = 0;

	for (; a[i] && b[i]; i++) {
		if ((a[i] | 0x20) != (b[i] | 0x20))
			return false;
	}
	return a[i] == b[i] && i > 0;
}

static struct err check_classes(const struct building *b)
{
	const struct table *t = b->t;

	for (size_t i = 0; i < t->class_count; i++) {
		for (size_t n = i + 1; n < t->class_count; n++) {
			const struct table_class *x = &t->classes[i];
			const struct table_class *y = &t->classes[n];
			const char *what = NULL;

			if (strcmp(x->key, y->key) == 0)
				what = "name";
			else if (x->from->lacv == y->from->lacv)
				what = "lacv";
			else if (x->from->hierarchy == y->from->hierarchy)
				what = "hierarchy";
			else if (same_color(x->from->color, y->from->color))
				what = "color";
			if (what)
				return INVALID(b, y->from->line,
					       "element "
					       "securityClassification: %s and "
					       "%s have one %s",
					       x->from->name, y->from->name,
					       what);
		}
	}
	return ERR_NONE;
}

static struct err build_classes(const struct building *b)
{
	struct table *t = b->t;

	t->class_count = t->spif->class_count;
	t->classes = arena_array(b->arena, t->class_count, sizeof(*t->classes));
	if (!t->classes)
		return no_room();
	for (size_t i = 0; i < t->class_count; i++) {
		t->classes[i].from = &t->spif->classes[i];
		t->classes[i].key = make_key(b, t->spif->classes[i].name);
		t->classes[i].governing = -1;
		if (!t->classes[i].key)
			return no_room();
	}
	qsort(t->classes, t->class_count, sizeof(*t->classes), by_hierarchy);
	return check_classes(b);
}

/* ---- tags and values ---- */

static int by_lacv(const void *a, const void *b)
{
	const struct table_entry *x = a, *y = b;

	if (x->set != y->set)
		return x->set < y->set ? -1 : 1;
	if (x->tag->type != y->tag->type)
		return x->tag->type < y->tag->type ? -1 : 1;
	return strcmp(x->value->lacv, y->value->lacv);
}

/* All entries of the SPIF, sorted.  NATO's v88 has one lacv for two names (NATO
 * and OCCAR): harmless until something refers to it, see table_value_by_lacv.
 */
static struct err build_entries(const struct building *b)
{
	struct table *t = b->t;
	size_t count = 0;

	for (size_t i = 0; i < t->spif->set_count; i++) {
		for (size_t n = 0; n < t->spif->sets[i].tag_count; n++)
			count += t->spif->sets[i].tags[n].value_count;
	}
	t->by_lacv = arena_array(b->arena, count + 1, sizeof(*t->by_lacv));
	if (!t->by_lacv)
		return no_room();
	for (size_t i = 0; i < t->spif->set_count; i++) {
		const struct spif_set *set = &t->spif->sets[i];

		for (size_t n = 0; n < set->tag_count; n++) {
			const struct spif_tag *tag = &set->tags[n];

			for (size_t v = 0; v < tag->value_count; v++)
				t->by_lacv[t->entry_count++] =
					(struct table_entry){set, tag,
							     &tag->values[v]};
		}
	}
	qsort(t->by_lacv, t->entry_count, sizeof(*t->by_lacv), by_lacv);
	return ERR_NONE;
}

static struct err check_sets(const struct building *b)
{
	const struct spif *spif = b->t->spif;

	for (size_t i = 0; i < spif->set_count; i++) {
		char x[LABEL_TEXT_MAX + 1], y[LABEL_TEXT_MAX + 1];

		table_key(b->t, span_str(spif->sets[i].name), x);
		for (size_t n = i + 1; n < spif->set_count; n++) {
			table_key(b->t, span_str(spif->sets[n].name), y);
			if (strcmp(x, y) == 0 ||
			    strcmp(spif->sets[i].id, spif->sets[n].id) == 0)
				return INVALID(b, spif->sets[n].line,
					       "element securityCategoryTagSet"
					       ": %s and %s have one name or "
					       "id",
					       spif->sets[i].name,
					       spif->sets[n].name);
		}
	}
	return ERR_NONE;
}

struct keyed {
	const char *key;
	struct table_entry entry;
};

static int by_key(const void *a, const void *b)
{
	return strcmp(((const struct keyed *)a)->key,
		      ((const struct keyed *)b)->key);
}

/* The values of one tag: entries of one name are one value. */
static struct err build_values(const struct building *b, size_t tag,
			       struct keyed *entries, size_t count)
{
	struct table *t = b->t;
	struct table_entry *kept =
		arena_array(b->arena, count + 1, sizeof(*kept));

	if (!kept)
		return no_room();
	qsort(entries, count, sizeof(*entries), by_key);
	t->tags[tag].first = (uint32_t)t->value_count;
	for (size_t i = 0; i < count; i++) {
		struct table_value *last =
			t->value_count > t->tags[tag].first
				? &t->values[t->value_count - 1]
				: NULL;

		kept[i] = entries[i].entry;
		if (last && strcmp(last->key, entries[i].key) == 0) {
			last->entry_count++;
			continue;
		}
		t->values[t->value_count++] =
			(struct table_value){entries[i].entry.value->name,
					     entries[i].key, (uint16_t)tag,
					     &kept[i], 1};
	}
	t->tags[tag].count = (uint32_t)t->value_count - t->tags[tag].first;
	return ERR_NONE;
}

static struct err build_tag(const struct building *b,
			    const struct spif_set *set, enum label_type type)
{
	static const char *const words[] = {"restrictive", "permissive",
					    "informative"};
	struct table *t = b->t;
	struct table_tag *tag = &t->tags[t->tag_count];
	struct keyed *entries;
	struct buf rule;
	size_t room = 0, count = 0;
	bool any = false;

	for (size_t i = 0; i < set->tag_count; i++)
		room += set->tags[i].value_count;
	entries = arena_array(b->arena, room + 1, sizeof(*entries));
	if (!entries)
		return no_room();
	*tag = (struct table_tag){.name = set->name, .type = type, .set = set};
	for (size_t i = 0; i < set->tag_count; i++) {
		enum label_type mine;

		if (!spif_label_type(set->tags[i].type, &mine) || mine != type)
			continue;
		any = true;
		for (size_t n = 0; n < set->tags[i].value_count; n++) {
			const struct spif_value *v = &set->tags[i].values[n];
			const char *key = make_key(b, v->name);

			if (!key)
				return no_room();
			/* Only what never decides may be free text. */
			if (v->user_input && type == LABEL_INFORMATIVE)
				tag->free_text = true;
			entries[count++] =
				(struct keyed){key, {set, &set->tags[i], v}};
		}
	}
	if (!any)
		return ERR_NONE;
	buf_init(&rule, 1024);
	buf_printf(&rule, "%s:%s", words[type], set->name);
	tag->rule = arena_str(b->arena, buf_span(&rule));
	buf_clear(&rule);
	tag->key = make_key(b, set->name);
	if (!tag->rule || !tag->key)
		return no_room();
	return build_values(b, t->tag_count++, entries, count);
}

static struct err build_tags(const struct building *b)
{
	struct table *t = b->t;
	struct err e = check_sets(b);

	t->tags = arena_array(b->arena, 3 * t->spif->set_count + 1,
			      sizeof(*t->tags));
	t->values =
		arena_array(b->arena, t->entry_count + 1, sizeof(*t->values));
	if (!t->tags || !t->values)
		return no_room();
	for (size_t i = 0; i < t->spif->set_count; i++) {
		for (int type = 0; type <= LABEL_INFORMATIVE && !failed(e);
		     type++)
			e = build_tag(b, &t->spif->sets[i],
				      (enum label_type)type);
	}
	return e;
}

/* ---- every reference resolves ---- */

static bool resolves(const struct table *t, const struct spif_reference *ref)
{
	const struct spif_set *set = table_set_by_name(t, ref->tag_set);

	if (!set)
		return false;
	if (ref->lacv)
		return table_value_by_lacv(t, set, ref->type, ref->lacv) >= 0;
	for (size_t i = 0; i < set->tag_count; i++) {
		if (set->tags[i].type == ref->type)
			return true;
	}
	return false;
}

static struct err check_reference(const struct building *b,
				  const struct table *in,
				  const struct spif_reference *ref)
{
	if (resolves(in, ref))
		return ERR_NONE;
	return INVALID(b, ref->line,
		       "reference to tag set \"%.60s\", value \"%.30s\": %s "
		       "has no such category, or two",
		       ref->tag_set, ref->lacv ? ref->lacv : "(all)",
		       in->spif->name);
}

static struct err check_required(const struct building *b,
				 const struct table *in,
				 const struct spif_required *required,
				 size_t count)
{
	struct err e = ERR_NONE;

	for (size_t i = 0; i < count; i++) {
		for (size_t n = 0; n < required[i].group_count && !failed(e);
		     n++)
			e = check_reference(b, in, &required[i].groups[n]);
	}
	return e;
}

static struct err check_class_name(const struct building *b, const char *name,
				   unsigned line)
{
	if (table_class_find(b->t, span_str(name)) >= 0)
		return ERR_NONE;
	return INVALID(b, line,
		       "element tagCategory: no classification is named "
		       "\"%.60s\"",
		       name);
}

static struct err check_references(const struct building *b)
{
	const struct table *t = b->t;
	struct err e = ERR_NONE;

	for (size_t i = 0; i < t->class_count && !failed(e); i++)
		e = check_required(b, t, t->classes[i].from->required,
				   t->classes[i].from->required_count);
	for (size_t i = 0; i < t->entry_count && !failed(e); i++) {
		const struct spif_value *v = t->by_lacv[i].value;

		e = check_required(b, t, v->required, v->required_count);
		if (!failed(e) && v->required_class)
			e = check_class_name(b, v->required_class, v->line);
		for (size_t n = 0; n < v->excluded_class_count && !failed(e);
		     n++)
			e = check_class_name(b, v->excluded_classes[n].name,
					     v->excluded_classes[n].line);
		for (size_t n = 0; n < v->excluded_count && !failed(e); n++)
			e = check_reference(b, t, &v->excluded[n]);
	}
	return e;
}

struct err table_build(struct table *t, const struct spif *spif,
		       struct arena *arena, struct label_problem *problem)
{
	struct building b = {t, arena, problem};
	struct err e;

	t->spif = spif;
	/* 4774 App 2 Annex C: NATO and PUBLIC compare without case. */
	if (strcmp(spif->id, "1.3.26.1.3.1") == 0) {
		t->fold = true;
		t->profile = PROFILE_NATO;
	} else if (strcmp(spif->id, "1.3.6.1.4.1.31778.12.2.1") == 0) {
		t->fold = true;
	}
	t->key = make_key(&b, spif->name);
	if (!t->key)
		return no_room();
	e = build_classes(&b);
	if (!failed(e))
		e = build_entries(&b);
	if (!failed(e))
		e = build_tags(&b);
	if (!failed(e))
		e = check_references(&b);
	return e;
}

/* ---- equivalences ---- */

static struct err undeclared(const struct building *b, const char *policy,
			     unsigned line)
{
	const struct spif *spif = b->t->spif;

	for (size_t i = 0; i < spif->equivalent_count; i++) {
		if (strcmp(spif->equivalents[i].name, policy) == 0)
			return ERR_NONE;
	}
	return INVALID(
		b, line,
		"policyRef \"%.60s\" is not among the equivalentPolicies",
		policy);
}

static const struct table *target(const struct policy *p, const char *name)
{
	for (size_t i = 0; i < p->count; i++) {
		if (strcmp(p->tables[i].spif->name, name) == 0)
			return &p->tables[i];
	}
	return NULL;
}

static struct err link_class(const struct building *b, struct policy *p,
			     struct table_class *c)
{
	struct err e = ERR_NONE;

	for (size_t i = 0; i < c->from->equivalent_count && !failed(e); i++) {
		const struct spif_equivalent_class *q =
			&c->from->equivalents[i];
		const struct table *to = target(p, q->policy);
		int found;

		e = undeclared(b, q->policy, q->line);
		if (failed(e) || !to)
			continue;
		found = table_class_by_lacv(to, q->lacv);
		if (found < 0)
			return INVALID(b, q->line,
				       "element equivalentClassification: %s "
				       "has no classification with lacv %llu",
				       q->policy, (unsigned long long)q->lacv);
		e = check_required(b, to, q->required, q->required_count);
		if (to != &p->tables[0] || !(q->applied & SPIF_DECRYPT))
			continue;
		if (c->governing >= 0 && c->governing != found)
			return INVALID(b, q->line,
				       "element equivalentClassification: %s "
				       "maps to two classifications of %s",
				       c->from->name, q->policy);
		c->governing = found;
	}
	return e;
}

static struct err link_value(const struct building *b, struct policy *p,
			     const struct spif_value *v)
{
	struct err e = ERR_NONE;

	for (size_t i = 0; i < v->equivalent_count && !failed(e); i++) {
		const struct spif_equivalent_value *q = &v->equivalents[i];
		const struct table *to = target(p, q->policy);
		const struct spif_set *set;

		e = undeclared(b, q->policy, q->line);
		if (failed(e) || !to || q->discard)
			continue;
		set = table_set_by_id(to, q->tag_set_id);
		if (!set || table_value_by_lacv(to, set, q->type, q->lacv) < 0)
			return INVALID(
				b, q->line,
				"element equivalentSecCategoryTag: %s "
				"has no category %s in tag set %.60s, or two",
				q->policy, q->lacv, q->tag_set_id);
	}
	return e;
}

struct err table_link(struct policy *p, size_t i, struct label_problem *problem)
{
	struct table *t = &p->tables[i];
	struct building b = {t, &p->arena, problem};
	struct err e = ERR_NONE;

	for (size_t n = 0; n < t->spif->equivalent_count && !failed(e); n++) {
		const struct spif_equivalent_policy *q =
			&t->spif->equivalents[n];
		const struct table *to = target(p, q->name);

		if (!to)
			continue;
		if (strcmp(to->spif->id, q->id) != 0)
			return INVALID(&b, q->line,
				       "element equivalentPolicy: id of %s is "
				       "%.60s, not %.60s",
				       q->name, to->spif->id, q->id);
		e = check_required(&b, to, q->required, q->required_count);
	}
	for (size_t n = 0; n < t->class_count && !failed(e); n++)
		e = link_class(&b, p, &t->classes[n]);
	for (size_t n = 0; n < t->entry_count && !failed(e); n++)
		e = link_value(&b, p, t->by_lacv[n].value);
	if (i == 0) {
		for (size_t n = 0; n < t->class_count; n++)
			t->classes[n].governing = (int)n;
	}
	return e;
}
