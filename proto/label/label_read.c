/* What labels and clearances share. */
#include "proto/label/label_read.h"

struct err label_read_unexpected(const struct label_read *r,
				 const struct xml_element *e)
{
	return finding_make(r->problem, ERR_LABEL, "unexpected element",
			    e->line, "element %.60s%s: not allowed in %.60s",
			    e->name,
			    strcmp(e->ns, LABEL_NS) == 0
				    ? ""
				    : " of another namespace",
			    e->parent ? e->parent->name : "the document");
}

struct err label_read_only_elements(const struct label_read *r,
				    const struct xml_element *e)
{
	if (xml_blank(e))
		return ERR_NONE;
	return finding_make(r->problem, ERR_LABEL, "stray text", e->line,
			    "element %.60s: text \"%.*s\" between elements",
			    e->name, FINDING_SPAN(xml_trim(e->text)));
}

/* Text only: an element inside would hide a part of the value. */
static struct err text_only(const struct label_read *r,
			    const struct xml_element *e)
{
	if (e->first)
		return label_read_unexpected(r, e->first);
	if (e->text.len > LABEL_TEXT_MAX)
		return finding_make(r->problem, ERR_LABEL, "text too long",
				    e->line,
				    "element %.60s: %zu bytes of text, at "
				    "most %d are allowed",
				    e->name, e->text.len, LABEL_TEXT_MAX);
	return ERR_NONE;
}

struct err label_read_token(const struct label_read *r,
			    const struct xml_element *e, struct span *out)
{
	struct err err = text_only(r, e);

	if (failed(err))
		return err;
	*out = xml_token(r->arena, e->text);
	if (r->arena->full)
		return r->arena->starved
			       ? arena_check(r->arena)
			       : err_make(ERR_TOO_LARGE, "label too large");
	if (out->len == 0)
		return finding_make(r->problem, ERR_LABEL, "empty element",
				    e->line, "element %.60s: empty", e->name);
	return ERR_NONE;
}

static struct err attribute(const struct label_read *r,
			    const struct xml_element *e, const char *name,
			    struct span *out)
{
	const struct xml_attribute *a = xml_attribute(e, name);

	if (!a || xml_trim(a->value).len == 0)
		return finding_make(r->problem, ERR_LABEL, "missing attribute",
				    e->line,
				    "element %.60s: attribute %s is missing",
				    e->name, name);
	if (a->value.len > LABEL_TEXT_MAX)
		return finding_make(r->problem, ERR_LABEL, "attribute too long",
				    e->line,
				    "element %.60s: attribute %s is too long",
				    e->name, name);
	*out = a->value;
	return ERR_NONE;
}

static struct err read_type(const struct label_read *r,
			    const struct xml_element *e, enum label_type *out)
{
	struct span text = {0};
	struct err err = attribute(r, e, "Type", &text);

	if (failed(err))
		return err;
	if (span_eq_str(text, "RESTRICTIVE"))
		*out = LABEL_RESTRICTIVE;
	else if (span_eq_str(text, "PERMISSIVE"))
		*out = LABEL_PERMISSIVE;
	else if (span_eq_str(text, "INFORMATIVE"))
		*out = LABEL_INFORMATIVE;
	else
		return finding_make(r->problem, ERR_LABEL,
				    "unknown category type", e->line,
				    "element Category: attribute Type is "
				    "\"%.*s\", not RESTRICTIVE, PERMISSIVE "
				    "or INFORMATIVE",
				    FINDING_SPAN(text));
	return ERR_NONE;
}

size_t label_read_count(const struct xml_element *parent, const char *ns,
			const char *name)
{
	size_t count = 0;

	for (const struct xml_element *c = parent->first; c; c = c->next)
		count += xml_is(c, ns, name);
	return count;
}

struct err label_read_category(const struct label_read *r,
			       const struct xml_element *e,
			       struct label_category *out)
{
	size_t count = label_read_count(e, LABEL_NS, "GenericValue");
	const struct xml_attribute *uri = xml_attribute(e, "URI");
	struct label_category c = {.line = e->line};
	struct span *values;
	struct err err;

	err = attribute(r, e, "TagName", &c.tag);
	if (!failed(err))
		err = read_type(r, e, &c.type);
	if (!failed(err) && uri)
		err = attribute(r, e, "URI", &c.uri);
	if (!failed(err))
		err = label_read_only_elements(r, e);
	if (failed(err))
		return err;
	/* ADatP-4774: IntegerValue and BitStringValue shall not be used. */
	for (const struct xml_element *v = e->first; v; v = v->next) {
		if (!xml_is(v, LABEL_NS, "GenericValue"))
			return label_read_unexpected(r, v);
	}
	if (count == 0)
		return finding_make(r->problem, ERR_LABEL,
				    "category without a value", e->line,
				    "element Category, TagName \"%.*s\": no "
				    "GenericValue",
				    FINDING_SPAN(c.tag));
	if (count > LABEL_VALUE_MAX)
		return finding_make(r->problem, ERR_TOO_LARGE,
				    "too many values", e->line,
				    "element Category: %zu values, at most "
				    "%d are allowed",
				    count, LABEL_VALUE_MAX);
	values = arena_array(r->arena, count, sizeof(*values));
	if (!values)
		return err_make(ERR_TOO_LARGE, "label too large");
	for (const struct xml_element *v = e->first; v; v = v->next) {
		err = text_only(r, v);
		if (failed(err))
			return err;
		values[c.value_count++] = v->text;
	}
	c.values = values;
	*out = c;
	return ERR_NONE;
}
