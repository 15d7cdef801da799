/* Clearances, and readers bound to a policy. */
#include <stdlib.h>

#include "proto/label/bound_form.h"
#include "proto/label/label_read.h"
#include "proto/label/reader.h"

#define CLEARANCE_NS "urn:nato:stanag:4774:confidentialityclearance:1:0"

enum {
	CLEARANCE_VERSION = 1,
	CLEARANCE_CLASS_MAX = 256,
	ELEMENTS_MAX = 8192,
	CLEARANCE_ARENA_MAX = 8 << 20,
	CLEARANCE_CANONICAL_MAX = 262144,
};

struct clearance {
	struct arena arena;
	struct span policy;
	struct span policy_uri;
	struct span *classes;
	size_t class_count;
	struct label_category *categories;
	size_t category_count;
};

/* ---- life ---- */

static struct err clearance_new(struct clearance **out)
{
	struct clearance *c = calloc(1, sizeof(*c));

	if (!c)
		return err_make(ERR_NO_MEMORY, "clearance");
	arena_init(&c->arena, CLEARANCE_ARENA_MAX);
	c->classes = arena_array(&c->arena, CLEARANCE_CLASS_MAX,
				 sizeof(*c->classes));
	c->categories = arena_array(&c->arena, LABEL_CATEGORY_MAX,
				    sizeof(*c->categories));
	if (!c->classes || !c->categories) {
		clearance_free(c);
		return err_make(ERR_NO_MEMORY, "clearance");
	}
	*out = c;
	return ERR_NONE;
}

void clearance_free(struct clearance *clearance)
{
	if (!clearance)
		return;
	arena_clear(&clearance->arena);
	free(clearance);
}

struct span clearance_policy(const struct clearance *clearance)
{
	return clearance->policy;
}

size_t clearance_class_count(const struct clearance *clearance)
{
	return clearance->class_count;
}

struct span clearance_class(const struct clearance *clearance, size_t i)
{
	return i < clearance->class_count ? clearance->classes[i]
					  : span_of(NULL, 0);
}

size_t clearance_category_count(const struct clearance *clearance)
{
	return clearance->category_count;
}

const struct label_category *
clearance_category(const struct clearance *clearance, size_t i)
{
	return i < clearance->category_count ? &clearance->categories[i] : NULL;
}

/* ---- XML ---- */

static struct err missing(const struct label_read *r,
			  const struct xml_element *e, const char *what)
{
	return finding_make(r->problem, ERR_LABEL, "missing element", e->line,
			    "element %.60s: not exactly one %s", e->name, what);
}

static struct err read_classes(const struct label_read *r,
			       const struct xml_element *e, struct clearance *c)
{
	struct err err = label_read_only_elements(r, e);

	for (const struct xml_element *v = e->first; v && !failed(err);
	     v = v->next) {
		if (xml_is(v, CLEARANCE_NS,
			   "ConfidentialityClearanceExtensions"))
			continue; /* what is not known grants nothing */
		if (!xml_is(v, LABEL_NS, "Classification"))
			return label_read_unexpected(r, v);
		if (c->class_count == CLEARANCE_CLASS_MAX)
			return err_make(ERR_TOO_LARGE,
					"too many classifications");
		err = label_read_token(r, v, &c->classes[c->class_count]);
		if (!failed(err))
			c->class_count++;
	}
	if (!failed(err) && c->class_count == 0)
		return missing(r, e, "Classification, or more");
	return err;
}

static struct err read_clearance(const struct label_read *r,
				 const struct xml_element *root,
				 struct clearance *c)
{
	struct err err;

	if (!xml_is(root, CLEARANCE_NS, "ConfidentialityClearance"))
		return finding_make(r->problem, ERR_LABEL, "not a clearance",
				    root->line,
				    "element %.60s in namespace \"%.90s\": "
				    "not a ConfidentialityClearance",
				    root->name, root->ns);
	if (label_read_count(root, LABEL_NS, "PolicyIdentifier") != 1)
		return missing(r, root, "PolicyIdentifier");
	if (label_read_count(root, CLEARANCE_NS, "ClassificationList") != 1)
		return missing(r, root, "ClassificationList");
	err = label_read_only_elements(r, root);
	for (const struct xml_element *e = root->first; e && !failed(err);
	     e = e->next) {
		const struct xml_attribute *uri = xml_attribute(e, "URI");

		if (xml_is(e, LABEL_NS, "PolicyIdentifier")) {
			err = label_read_token(r, e, &c->policy);
			if (uri)
				c->policy_uri = xml_token(r->arena, uri->value);
			if (c->policy_uri.len > LABEL_TEXT_MAX)
				err = missing(r, e, "short URI");
		} else if (xml_is(e, CLEARANCE_NS, "ClassificationList")) {
			err = read_classes(r, e, c);
		} else if (xml_is(e, LABEL_NS, "Category")) {
			if (c->category_count == LABEL_CATEGORY_MAX)
				return err_make(ERR_TOO_LARGE,
						"too many categories");
			err = label_read_category(
				r, e, &c->categories[c->category_count]);
			if (!failed(err))
				c->category_count++;
		} else if (!xml_is(e, CLEARANCE_NS,
				   "ConfidentialityClearanceExtensions")) {
			err = label_read_unexpected(r, e);
		}
	}
	return err;
}

struct err clearance_parse(struct span xml, struct label_problem *problem,
			   struct clearance **out)
{
	const struct xml_element *root = NULL;
	struct clearance *c = NULL;
	struct err e;

	if (problem)
		*problem = (struct label_problem){0};
	e = clearance_new(&c);
	if (failed(e))
		return e;
	e = xml_parse(xml, CLEARANCE_MAX, ELEMENTS_MAX, ERR_LABEL, &c->arena,
		      problem, &root);
	if (!failed(e))
		e = read_clearance(&(struct label_read){&c->arena, problem},
				   root, c);
	if (!failed(e))
		e = arena_check(&c->arena);
	if (failed(e)) {
		if (problem && !*problem->text)
			e = finding_make(problem, e.code, e.detail, 0, "%s",
					 e.detail);
		clearance_free(c);
		return e;
	}
	*out = c;
	return ERR_NONE;
}

/* ---- canonical bytes ---- */

struct err clearance_encode(const struct clearance *c, struct buf *out)
{
	buf_put_u8(out, CLEARANCE_VERSION);
	buf_put_var(out, c->policy);
	buf_put_var(out, c->policy_uri);
	buf_put_u16(out, (uint16_t)c->class_count);
	for (size_t i = 0; i < c->class_count; i++)
		buf_put_var(out, c->classes[i]);
	buf_put_u16(out, (uint16_t)c->category_count);
	for (size_t i = 0; i < c->category_count; i++) {
		const struct label_category *k = &c->categories[i];

		buf_put_var(out, k->tag);
		buf_put_u8(out, (uint8_t)k->type);
		buf_put_u16(out, (uint16_t)k->value_count);
		for (size_t n = 0; n < k->value_count; n++)
			buf_put_var(out, k->values[n]);
	}
	return buf_check(out);
}

static struct span text(struct clearance *c, struct span_reader *r)
{
	struct span s = span_read_var(r);

	if (s.len > LABEL_TEXT_MAX)
		r->bad = true;
	return arena_copy(&c->arena, s);
}

static size_t count(struct span_reader *r, size_t max)
{
	size_t n = span_read_u16(r);

	if (n > max)
		r->bad = true;
	return r->bad ? 0 : n;
}

static bool decode(struct clearance *c, struct span bytes)
{
	struct span_reader r = span_read(bytes);

	if (span_read_u8(&r) != CLEARANCE_VERSION)
		return false;
	c->policy = text(c, &r);
	c->policy_uri = text(c, &r);
	c->class_count = count(&r, CLEARANCE_CLASS_MAX);
	for (size_t i = 0; i < c->class_count; i++)
		c->classes[i] = text(c, &r);
	c->category_count = count(&r, LABEL_CATEGORY_MAX);
	for (size_t i = 0; i < c->category_count && !r.bad; i++) {
		struct label_category *k = &c->categories[i];
		struct span *values;

		k->tag = text(c, &r);
		k->type = span_read_u8(&r);
		k->value_count = count(&r, LABEL_VALUE_MAX);
		values = arena_array(&c->arena, k->value_count + 1,
				     sizeof(*values));
		if (!values || k->type > LABEL_INFORMATIVE)
			return false;
		for (size_t n = 0; n < k->value_count && !r.bad; n++)
			values[n] = text(c, &r);
		k->values = values;
	}
	return span_read_done(&r) && !c->arena.full && c->policy.len > 0;
}

struct err clearance_decode(struct span bytes, struct clearance **out)
{
	struct clearance *c = NULL;
	struct err e = clearance_new(&c);

	if (failed(e))
		return e;
	if (bytes.len > CLEARANCE_CANONICAL_MAX || !decode(c, bytes)) {
		e = err_make(c->arena.starved ? ERR_NO_MEMORY : ERR_MALFORMED,
			     "clearance: not of its form");
		clearance_free(c);
		return e;
	}
	*out = c;
	return ERR_NONE;
}

/* ---- reader ---- */

/* What the policy does not know is passed over: it can only grant. */
static void hold(struct reader *r, const struct table *t,
		 const struct clearance *c)
{
	bool contradiction;

	if (policy_table_find(r->policy, c->policy, c->policy_uri,
			      &contradiction) != t ||
	    contradiction)
		return;
	r->policy_agrees = true;
	for (size_t i = 0; i < c->class_count; i++) {
		int class = table_class_find(t, c->classes[i]);

		if (class >= 0)
			r->classes |= UINT64_C(1) << class;
	}
	for (size_t i = 0; i < c->category_count; i++) {
		const struct label_category *k = &c->categories[i];
		int tag = table_tag_find(t, k->tag, k->type);

		for (size_t n = 0; tag >= 0 && n < k->value_count; n++) {
			int id = table_value_find(t, tag, k->values[n]);

			if (id >= 0)
				r->values[id / 64] |= UINT64_C(1) << id % 64;
		}
	}
}

struct err reader_new(const struct policy *policy,
		      const struct reader_spec *spec, struct reader **out)
{
	struct reader *r = calloc(1, sizeof(*r));
	struct err e;

	if (!r)
		return err_make(ERR_NO_MEMORY, "reader");
	r->policy = policy;
	r->in_posture = spec->in_posture;
	r->nation = spec->kind == READER_NATION;
	e = ceiling_make(policy, spec->ceiling, &r->ceiling);
	if (!failed(e))
		e = space_list_make(spec->spaces, spec->space_count,
				    spec->all_spaces, &r->spaces);
	if (failed(e)) {
		reader_free(r);
		return e;
	}
	if (spec->clearance)
		hold(r, &policy->tables[0], spec->clearance);
	*out = r;
	return ERR_NONE;
}

void reader_free(struct reader *reader)
{
	if (!reader)
		return;
	space_list_clear(&reader->spaces);
	free(reader);
}
