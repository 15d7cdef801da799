/* The SPIF from its root down: classifications, tag sets, equivalences. */
#include "proto/label/finding.h"
#include "proto/label/policy.h"
#include "proto/label/spif_element.h"

enum { ELEMENTS_MAX = 65536 };

bool spif_label_type(enum spif_type type, enum label_type *out)
{
	switch (type) {
	case SPIF_RESTRICTIVE:
	case SPIF_ENUM_RESTRICTIVE:
		*out = LABEL_RESTRICTIVE;
		return true;
	case SPIF_PERMISSIVE:
	case SPIF_ENUM_PERMISSIVE:
		*out = LABEL_PERMISSIVE;
		return true;
	case SPIF_INFORMATIVE:
		*out = LABEL_INFORMATIVE;
		return true;
	case SPIF_NOT_APPLICABLE:
		break;
	}
	return false;
}

/* ---- classifications ---- */

static const struct spif_equivalent_class *
equivalent_classes(struct spif_reading *r, const struct xml_element *e,
		   size_t *count)
{
	static const char *const inside[] = {"requiredCategory", NULL};
	static const char name[] = "equivalentClassification";
	struct spif_equivalent_class *out =
		spif_room(r, spif_count(e, name), sizeof(*out));

	*count = 0;
	for (const struct xml_element *c = spif_next(e->first, name); c && out;
	     c = spif_next(c->next, name)) {
		struct spif_equivalent_class *q = &out[(*count)++];

		spif_only(r, c, inside);
		q->policy = spif_text(r, c, "policyRef");
		q->lacv = spif_number(r, c, "lacv");
		q->applied = spif_read_applied(r, c);
		q->required = spif_read_required(r, c, &q->required_count);
		q->line = c->line;
	}
	return out;
}

/* xs:union of a W3C colour name and #RRGGBB. */
static bool is_color(const char *s)
{
	if (*s == '#')
		return strlen(s) == 7 &&
		       strspn(s + 1, "0123456789abcdefABCDEF") == 6;
	return *s && strlen(s) <= 20 &&
	       strspn(s,
		      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ") ==
		       strlen(s);
}

static void read_classes(struct spif_reading *r, const struct xml_element *e,
			 struct spif *spif)
{
	static const char *const within[] = {"securityClassification",
					     "markingData", "markingQualifier",
					     NULL};
	static const char *const inside[] = {"equivalentClassification",
					     "markingData", "markingQualifier",
					     "requiredCategory", NULL};
	static const char name[] = "securityClassification";
	size_t count = spif_count(e, name);
	struct spif_class *out = spif_room(r, count, sizeof(*out));

	spif_only(r, e, within);
	if (count == 0)
		spif_fail(r, e, "has no securityClassification");
	if (count > POLICY_CLASS_MAX)
		spif_fail(r, e, "%zu classifications, at most %d are allowed",
			  count, POLICY_CLASS_MAX);
	spif->classes = out;
	for (const struct xml_element *c = spif_next(e->first, name); c && out;
	     c = spif_next(c->next, name)) {
		struct spif_class *q = &out[spif->class_count++];
		const char *color = spif_text_if(r, c, "color");

		spif_only(r, c, inside);
		q->line = c->line;
		q->name = spif_text(r, c, "name");
		q->lacv = spif_number(r, c, "lacv");
		q->hierarchy = spif_number(r, c, "hierarchy");
		q->obsolete = spif_bool(r, c, "obsolete");
		q->color = color ? color : "";
		if (color && !is_color(color))
			spif_fail(r, c,
				  "attribute color is \"%.40s\", not a "
				  "name or #RRGGBB",
				  color);
		q->equivalents = equivalent_classes(r, c, &q->equivalent_count);
		q->required = spif_read_required(r, c, &q->required_count);
		q->marking = spif_read_marking(r, c);
	}
}

/* ---- tag sets ---- */

static void read_equivalent_values(struct spif_reading *r,
				   const struct xml_element *e,
				   struct spif_value *v)
{
	static const char *const nothing[] = {NULL};
	static const char name[] = "equivalentSecCategoryTag";
	struct spif_equivalent_value *out =
		spif_room(r, spif_count(e, name), sizeof(*out));

	v->equivalents = out;
	for (const struct xml_element *c = spif_next(e->first, name); c && out;
	     c = spif_next(c->next, name)) {
		struct spif_equivalent_value *q = &out[v->equivalent_count++];
		const char *action = spif_text_if(r, c, "action");

		spif_only(r, c, nothing);
		q->policy = spif_text(r, c, "policyRef");
		q->applied = spif_read_applied(r, c);
		q->line = c->line;
		q->discard = action && strcmp(action, "discard") == 0;
		if (action && !q->discard)
			spif_fail(r, c,
				  "attribute action is \"%.40s\", not "
				  "discard",
				  action);
		q->type = spif_tag_type(r, c);
		/* Not used with discard, and then often empty. */
		q->tag_set_id = q->discard ? "" : spif_text(r, c, "tagSetId");
		q->lacv = q->discard ? "" : spif_lacv(r, c);
	}
}

static void read_excluded(struct spif_reading *r, const struct xml_element *e,
			  struct spif_value *v)
{
	struct spif_name_line *classes =
		spif_room(r, spif_count(e, "excludedClass"), sizeof(*classes));
	struct spif_reference *refs =
		spif_room(r, spif_count(e, "excludedCategory"), sizeof(*refs));

	v->excluded_classes = classes;
	v->excluded = refs;
	for (const struct xml_element *c = spif_next(e->first, "excludedClass");
	     c && classes; c = spif_next(c->next, "excludedClass"))
		classes[v->excluded_class_count++] =
			(struct spif_name_line){arena_str(r->arena,
							  xml_trim(c->text)),
						c->line};
	for (const struct xml_element *c =
		     spif_next(e->first, "excludedCategory");
	     c && refs; c = spif_next(c->next, "excludedCategory"))
		refs[v->excluded_count++] = spif_read_reference(r, c);
}

static struct spif_value read_value(struct spif_reading *r,
				    const struct xml_element *e)
{
	static const char *const inside[] = {"equivalentSecCategoryTag",
					     "markingData",
					     "markingQualifier",
					     "excludedClass",
					     "requiredCategory",
					     "excludedCategory",
					     NULL};
	struct spif_value v = {.name = spif_text(r, e, "name"),
			       .lacv = spif_lacv(r, e),
			       .line = e->line};

	spif_only(r, e, inside);
	v.required_class = spif_text_if(r, e, "requiredClass");
	v.obsolete = spif_bool(r, e, "obsolete");
	v.user_input = spif_text_if(r, e, "userInput") != NULL;
	read_equivalent_values(r, e, &v);
	read_excluded(r, e, &v);
	v.required = spif_read_required(r, e, &v.required_count);
	v.marking = spif_read_marking(r, e);
	return v;
}

static uint64_t selection(struct spif_reading *r, const struct xml_element *e,
			  const char *name, uint64_t absent)
{
	const char *text = spif_text_if(r, e, name);

	if (!text || strcmp(text, "unbounded") == 0)
		return absent;
	return spif_number(r, e, name);
}

static struct spif_tag read_tag(struct spif_reading *r,
				const struct xml_element *e)
{
	static const char *const inside[] = {"tagCategory", "markingQualifier",
					     NULL};
	const char *name = spif_text_if(r, e, "name");
	struct spif_tag tag = {.name = name ? name : "",
			       .type = spif_tag_type(r, e),
			       .line = e->line};
	struct spif_value *values =
		spif_room(r, spif_count(e, "tagCategory"), sizeof(*values));

	spif_only(r, e, inside);
	tag.min = selection(r, e, "minSelection", 0);
	tag.max = selection(r, e, "maxSelection", UINT64_MAX);
	if (spif_bool(r, e, "singleSelection"))
		tag.max = 1;
	tag.marking = spif_read_marking(r, e);
	tag.values = values;
	for (const struct xml_element *c = spif_next(e->first, "tagCategory");
	     c && values; c = spif_next(c->next, "tagCategory"))
		values[tag.value_count++] = read_value(r, c);
	return tag;
}

static void read_sets(struct spif_reading *r, const struct xml_element *e,
		      struct spif *spif)
{
	static const char *const within[] = {"securityCategoryTagSet", NULL};
	static const char *const inside[] = {"securityCategoryTag",
					     "equivalentSecurityCategoryTagSet",
					     NULL};
	struct spif_set *sets =
		spif_room(r, spif_count(e, "securityCategoryTagSet"),
			  sizeof(*sets));
	size_t tag_count = 0, value_count = 0;

	spif_only(r, e, within);
	spif->sets = sets;
	for (const struct xml_element *c =
		     spif_next(e->first, "securityCategoryTagSet");
	     c && sets; c = spif_next(c->next, "securityCategoryTagSet")) {
		struct spif_set *s = &sets[spif->set_count++];
		struct spif_tag *tags =
			spif_room(r, spif_count(c, "securityCategoryTag"),
				  sizeof(*tags));

		spif_only(r, c, inside);
		s->name = spif_text(r, c, "name");
		s->id = spif_text(r, c, "id");
		s->line = c->line;
		s->tags = tags;
		for (const struct xml_element *d =
			     spif_next(c->first, "securityCategoryTag");
		     d && tags; d = spif_next(d->next, "securityCategoryTag")) {
			tags[s->tag_count] = read_tag(r, d);
			value_count += tags[s->tag_count++].value_count;
			tag_count++;
		}
		if (s->tag_count == 0)
			spif_fail(r, c, "has no securityCategoryTag");
	}
	if (tag_count > POLICY_TAG_MAX || value_count > POLICY_VALUE_MAX)
		spif_fail(r, e,
			  "%zu tags and %zu values, at most %d and %d "
			  "are allowed",
			  tag_count, value_count, POLICY_TAG_MAX,
			  POLICY_VALUE_MAX);
}

/* ---- the rest ---- */

static void read_privacy_marks(struct spif_reading *r,
			       const struct xml_element *e, struct spif *spif)
{
	struct spif_privacy_mark *marks =
		spif_room(r, spif_count(e, "privacyMark"), sizeof(*marks));

	spif->privacy_marks = marks;
	for (const struct xml_element *c = spif_next(e->first, "privacyMark");
	     c && marks; c = spif_next(c->next, "privacyMark"))
		marks[spif->privacy_mark_count++] =
			(struct spif_privacy_mark){spif_text(r, c, "name"),
						   spif_read_marking(r, c)};
}

static void read_policies(struct spif_reading *r, const struct xml_element *e,
			  struct spif *spif)
{
	static const char *const within[] = {"equivalentPolicy", NULL};
	struct spif_equivalent_policy *out =
		spif_room(r, spif_count(e, "equivalentPolicy"), sizeof(*out));

	spif_only(r, e, within);
	spif->equivalents = out;
	for (const struct xml_element *c =
		     spif_next(e->first, "equivalentPolicy");
	     c && out; c = spif_next(c->next, "equivalentPolicy")) {
		struct spif_equivalent_policy *q =
			&out[spif->equivalent_count++];

		q->name = spif_text(r, c, "name");
		q->id = spif_text(r, c, "id");
		q->required = spif_read_required(r, c, &q->required_count);
		q->line = c->line;
	}
}

static bool is_oid(const char *s)
{
	bool digit = false;

	for (; *s; s++) {
		if (*s >= '0' && *s <= '9')
			digit = true;
		else if (*s == '.' && digit)
			digit = false;
		else
			return false;
	}
	return digit;
}

/* A known version and no other: 3.0 exists and means other things. */
static void check_version(struct spif_reading *r, const struct xml_element *e,
			  struct spif *spif)
{
	static const char *const known[] = {"1.0", "2.0", "2.1"};

	spif->schema_version = spif_text(r, e, "schemaVersion");
	for (size_t i = 0; i < 3; i++) {
		if (strcmp(spif->schema_version, known[i]) == 0)
			return;
	}
	if (!failed(r->failure))
		r->failure = finding_make(
			r->problem, ERR_VERSION, "SPIF version unknown",
			e->line,
			"element SPIF: schemaVersion %.40s is not supported; "
			"1.0, 2.0 and 2.1 are",
			spif->schema_version);
}

static const struct xml_element *only(struct spif_reading *r,
				      const struct xml_element *root,
				      const char *name, bool required)
{
	size_t count = spif_count(root, name);

	if (count > 1 || (count == 0 && required))
		spif_fail(r, root, "%s %s", name,
			  count ? "stands more than once" : "is missing");
	return spif_next(root->first, name);
}

static void read_root(struct spif_reading *r, const struct xml_element *root,
		      struct spif *spif)
{
	static const char *const inside[] = {"defaultSecurityPolicyId",
					     "securityPolicyId",
					     "updateInfo",
					     "securityClassifications",
					     "securityCategoryTagSets",
					     "privacyMarks",
					     "equivalentPolicies",
					     "markingData",
					     "markingQualifier",
					     "extensions",
					     NULL};
	const struct xml_element *id, *classes, *sets, *marks, *policies;
	const char *version;

	if (!spif_is(root, "SPIF") || !*root->ns) {
		spif_fail(r, root,
			  "namespace \"%.80s\" is not that of an "
			  "Open XML SPIF",
			  root->ns);
		return;
	}
	check_version(r, root, spif);
	spif_only(r, root, inside);
	id = only(r, root, "securityPolicyId", true);
	classes = only(r, root, "securityClassifications", true);
	sets = only(r, root, "securityCategoryTagSets", false);
	marks = only(r, root, "privacyMarks", false);
	policies = only(r, root, "equivalentPolicies", false);
	if (failed(r->failure))
		return;
	version = spif_text_if(r, root, "version");
	spif->version = version ? version : "1";
	spif->name = spif_text(r, id, "name");
	spif->id = spif_text(r, id, "id");
	if (!is_oid(spif->id))
		spif_fail(r, id, "attribute id is \"%.40s\", not an OID",
			  spif->id);
	read_classes(r, classes, spif);
	if (sets)
		read_sets(r, sets, spif);
	if (marks)
		read_privacy_marks(r, marks, spif);
	if (policies)
		read_policies(r, policies, spif);
	spif->marking = spif_read_marking(r, root);
}

struct err spif_read(struct span xml, struct arena *arena,
		     struct label_problem *problem, struct spif **out)
{
	struct spif_reading r = {arena, problem, ERR_NONE};
	const struct xml_element *root = NULL;
	struct spif *spif;

	r.failure = xml_parse(xml, POLICY_FILE_MAX, ELEMENTS_MAX, ERR_POLICY,
			      arena, problem, &root);
	if (failed(r.failure))
		return r.failure;
	spif = spif_room(&r, 1, sizeof(*spif));
	if (spif)
		read_root(&r, root, spif);
	if (!failed(r.failure))
		r.failure = arena_check(arena);
	if (!failed(r.failure))
		*out = spif;
	return r.failure;
}
