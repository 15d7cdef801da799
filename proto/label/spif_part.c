/* Elements, attributes and parts that many SPIF elements share. */
#include <stdarg.h>
#include <stdio.h>

#include "proto/label/finding.h"
#include "proto/label/spif_element.h"

#define SPIF_NS "http://www.xmlspif.org/spif"

bool spif_is(const struct xml_element *e, const char *name)
{
	return xml_is(e, SPIF_NS, name) || xml_is(e, "", name);
}

const struct xml_element *spif_next(const struct xml_element *e,
				    const char *name)
{
	while (e && !spif_is(e, name))
		e = e->next;
	return e;
}

size_t spif_count(const struct xml_element *parent, const char *name)
{
	size_t count = 0;

	for (const struct xml_element *e = spif_next(parent->first, name); e;
	     e = spif_next(e->next, name))
		count++;
	return count;
}

void *spif_room(struct spif_reading *r, size_t count, size_t size)
{
	void *room = arena_array(r->arena, count + 1, size);

	if (!room && !failed(r->failure))
		r->failure = finding_make(r->problem, ERR_TOO_LARGE,
					  "policy beyond the caps", 0,
					  "the policy holds more than is "
					  "allowed here");
	return room;
}

void spif_fail(struct spif_reading *r, const struct xml_element *e,
	       const char *fmt, ...)
{
	char text[LABEL_PROBLEM_MAX];
	va_list args;

	if (failed(r->failure))
		return;
	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	r->failure = finding_make(r->problem, ERR_POLICY, "policy not valid",
				  e->line, "element %.60s: %s", e->name, text);
}

void spif_only(struct spif_reading *r, const struct xml_element *e,
	       const char *const *names)
{
	if (!xml_blank(e))
		spif_fail(r, e, "text \"%.*s\" between elements",
			  FINDING_SPAN(xml_trim(e->text)));
	for (const struct xml_element *c = e->first; c; c = c->next) {
		const char *const *name = names;

		while (*name && !spif_is(c, *name))
			name++;
		if (!*name)
			spif_fail(r, c, "not allowed in %.60s", e->name);
	}
}

const char *spif_text_if(struct spif_reading *r, const struct xml_element *e,
			 const char *name)
{
	const struct xml_attribute *a = xml_attribute(e, name);
	const char *text;

	if (!a)
		return NULL;
	if (a->value.len > LABEL_TEXT_MAX)
		spif_fail(r, e, "attribute %s is longer than %d bytes", name,
			  LABEL_TEXT_MAX);
	/* SPIF v88 has a name that ends in a line feed. */
	text = arena_str(r->arena, xml_trim(a->value));
	if (!text) {
		spif_fail(r, e, "the policy holds more than is allowed here");
		return "";
	}
	return text;
}

const char *spif_text(struct spif_reading *r, const struct xml_element *e,
		      const char *name)
{
	const char *text = spif_text_if(r, e, name);

	if (text && *text)
		return text;
	spif_fail(r, e, "attribute %s is missing", name);
	return "";
}

const char *spif_lacv(struct spif_reading *r, const struct xml_element *e)
{
	const char *text = spif_text(r, e, "lacv");

	while (text[0] == '0' && text[1])
		text++;
	return text;
}

uint64_t spif_number(struct spif_reading *r, const struct xml_element *e,
		     const char *name)
{
	const char *text = spif_text(r, e, name);
	uint64_t n = 0;

	for (const char *c = text; *c; c++) {
		if (*c < '0' || *c > '9' || n > UINT32_MAX) {
			spif_fail(r, e,
				  "attribute %s is \"%.40s\", not a "
				  "number below 2^32",
				  name, text);
			return 0;
		}
		n = n * 10 + (uint64_t)(*c - '0');
	}
	if (n > UINT32_MAX)
		spif_fail(r, e, "attribute %s is too large", name);
	return n;
}

bool spif_bool(struct spif_reading *r, const struct xml_element *e,
	       const char *name)
{
	const char *text = spif_text_if(r, e, name);

	if (!text || strcmp(text, "false") == 0 || strcmp(text, "0") == 0)
		return false;
	if (strcmp(text, "true") != 0 && strcmp(text, "1") != 0)
		spif_fail(r, e, "attribute %s is \"%.40s\", not true or false",
			  name, text);
	return true;
}

enum spif_type spif_tag_type(struct spif_reading *r,
			     const struct xml_element *e)
{
	const char *type = spif_text(r, e, "tagType");
	const char *kind = spif_text_if(r, e, "enumType");

	if (strcmp(type, "restrictive") == 0)
		return SPIF_RESTRICTIVE;
	if (strcmp(type, "permissive") == 0)
		return SPIF_PERMISSIVE;
	if (strcmp(type, "tagType7") == 0)
		return SPIF_INFORMATIVE;
	if (strcmp(type, "notApplicable") == 0)
		return SPIF_NOT_APPLICABLE;
	if (strcmp(type, "enumerated") != 0)
		spif_fail(r, e, "attribute tagType is \"%.40s\", not known",
			  type);
	else if (!kind)
		spif_fail(r, e, "attribute enumType is missing");
	else if (strcmp(kind, "permissive") == 0)
		return SPIF_ENUM_PERMISSIVE;
	else if (strcmp(kind, "restrictive") != 0)
		spif_fail(r, e, "attribute enumType is \"%.40s\", not known",
			  kind);
	return SPIF_ENUM_RESTRICTIVE;
}

/* ---- markings ---- */

/* xml:lang, lower-cased; "" if there is none. */
static const char *language(struct spif_reading *r, const struct xml_element *e)
{
	for (size_t i = 0; i < e->attribute_count; i++) {
		const struct xml_attribute *a = &e->attributes[i];
		char *lang;

		if (strcmp(a->name, "lang") != 0 ||
		    strcmp(a->ns, "http://www.w3.org/XML/1998/namespace") != 0)
			continue;
		lang = spif_room(r, a->value.len, 1);
		for (size_t n = 0; lang && n < a->value.len; n++) {
			char c = (char)a->value.at[n];

			lang[n] = c >= 'A' && c <= 'Z' ? c + 32 : c;
		}
		if (a->value.len > 35)
			spif_fail(r, e, "attribute xml:lang is too long");
		return lang ? lang : "";
	}
	return "";
}

static unsigned codes(struct spif_reading *r, const struct xml_element *e)
{
	static const struct {
		const char *name;
		unsigned code;
	} known[] = {
		{"noNameDisplay", SPIF_NO_NAME},
		{"noMarkingDisplay", SPIF_NO_MARKING},
		{"suppressClassName", SPIF_SUPPRESS_CLASS},
		{"replacePolicy", SPIF_REPLACE_POLICY},
		{"pageTop", SPIF_SHOWN},
		{"pageBottom", SPIF_SHOWN},
		{"pageTopBottom", SPIF_SHOWN},
		{"documentStart", SPIF_SHOWN},
		{"documentEnd", SPIF_SHOWN},
		{"firstLineOfText", 0},
		{"lastLineOfText", 0},
		{"subject", 0},
		{"xHeader", 0},
		{"portionMarking", 0},
		{"inputTitle", 0},
		{"waterMark", 0},
	};
	unsigned all = 0;

	for (const struct xml_element *c = spif_next(e->first, "code"); c;
	     c = spif_next(c->next, "code")) {
		struct span text = xml_trim(c->text);
		size_t i = 0;

		while (i < sizeof(known) / sizeof(known[0]) &&
		       !span_eq_str(text, known[i].name))
			i++;
		if (i == sizeof(known) / sizeof(known[0]))
			spif_fail(r, c, "\"%.*s\" is no marking code",
				  FINDING_SPAN(text));
		else
			all |= known[i].code;
	}
	return all;
}

/* Kept as it stands: white space in qualifiers is what they are for. */
static const char *raw(struct spif_reading *r, const struct xml_element *e,
		       const char *name)
{
	const struct xml_attribute *a = xml_attribute(e, name);

	if (a && a->value.len > LABEL_TEXT_MAX)
		spif_fail(r, e, "attribute %s is longer than %d bytes", name,
			  LABEL_TEXT_MAX);
	return a ? arena_str(r->arena, a->value) : NULL;
}

static struct spif_qualifier qualifier(struct spif_reading *r,
				       const struct xml_element *e)
{
	const char *code = spif_text(r, e, "qualifierCode");
	struct spif_qualifier q = {.lang = language(r, e),
				   .text = raw(r, e, "markingQualifier")};

	if (!q.text) {
		spif_fail(r, e, "attribute markingQualifier is missing");
		q.text = "";
	}
	if (strcmp(code, "prefix") == 0)
		q.code = SPIF_PREFIX;
	else if (strcmp(code, "suffix") == 0)
		q.code = SPIF_SUFFIX;
	else if (strcmp(code, "separator") == 0)
		q.code = SPIF_SEPARATOR;
	else
		spif_fail(r, e,
			  "attribute qualifierCode is \"%.40s\", not "
			  "prefix, suffix or separator",
			  code);
	return q;
}

struct spif_marking spif_read_marking(struct spif_reading *r,
				      const struct xml_element *e)
{
	static const char *const in_data[] = {"code", NULL};
	static const char *const in_qualifier[] = {"qualifier", NULL};
	size_t phrases = spif_count(e, "markingData");
	size_t qualifiers = 0;
	struct spif_marking m = {0};
	struct spif_phrase *phrase;
	struct spif_qualifier *q;

	for (const struct xml_element *c =
		     spif_next(e->first, "markingQualifier");
	     c; c = spif_next(c->next, "markingQualifier")) {
		spif_only(r, c, in_qualifier);
		qualifiers += spif_count(c, "qualifier");
	}
	phrase = spif_room(r, phrases, sizeof(*phrase));
	q = spif_room(r, qualifiers, sizeof(*q));
	if (!phrase || !q)
		return m;
	m.phrases = phrase;
	m.qualifiers = q;
	for (const struct xml_element *c = spif_next(e->first, "markingData");
	     c; c = spif_next(c->next, "markingData")) {
		spif_only(r, c, in_data);
		phrase[m.phrase_count++] =
			(struct spif_phrase){language(r, c),
					     raw(r, c, "phrase"), codes(r, c)};
	}
	for (const struct xml_element *c =
		     spif_next(e->first, "markingQualifier");
	     c; c = spif_next(c->next, "markingQualifier")) {
		for (const struct xml_element *d =
			     spif_next(c->first, "qualifier");
		     d; d = spif_next(d->next, "qualifier"))
			q[m.qualifier_count++] = qualifier(r, d);
	}
	return m;
}

/* ---- references ---- */

struct spif_reference spif_read_reference(struct spif_reading *r,
					  const struct xml_element *e)
{
	struct spif_reference ref = {.tag_set = spif_text(r, e, "tagSetRef"),
				     .type = spif_tag_type(r, e),
				     .line = e->line};
	bool all = spif_bool(r, e, "all");

	if (xml_attribute(e, "lacv"))
		ref.lacv = spif_lacv(r, e);
	/* With neither, the whole tag is meant. */
	if (ref.lacv && all)
		spif_fail(r, e, "has both lacv and all");
	return ref;
}

const struct spif_required *spif_read_required(struct spif_reading *r,
					       const struct xml_element *e,
					       size_t *count)
{
	static const char *const inside[] = {"categoryGroup", NULL};
	size_t n = spif_count(e, "requiredCategory");
	struct spif_required *required = spif_room(r, n, sizeof(*required));

	*count = 0;
	for (const struct xml_element *c =
		     spif_next(e->first, "requiredCategory");
	     c && required; c = spif_next(c->next, "requiredCategory")) {
		const char *operation = spif_text(r, c, "operation");
		size_t groups = spif_count(c, "categoryGroup");
		struct spif_reference *g = spif_room(r, groups, sizeof(*g));
		struct spif_required *q = &required[(*count)++];

		spif_only(r, c, inside);
		if (strcmp(operation, "onlyOne") == 0)
			q->operation = SPIF_ONLY_ONE;
		else if (strcmp(operation, "oneOrMore") == 0)
			q->operation = SPIF_ONE_OR_MORE;
		else if (strcmp(operation, "all") == 0)
			q->operation = SPIF_ALL;
		else
			spif_fail(r, c,
				  "attribute operation is \"%.40s\", "
				  "not onlyOne, oneOrMore or all",
				  operation);
		if (groups == 0)
			spif_fail(r, c, "has no categoryGroup");
		q->groups = g;
		for (const struct xml_element *d =
			     spif_next(c->first, "categoryGroup");
		     d && g; d = spif_next(d->next, "categoryGroup"))
			g[q->group_count++] = spif_read_reference(r, d);
	}
	return required;
}

enum spif_applied spif_read_applied(struct spif_reading *r,
				    const struct xml_element *e)
{
	const char *applied = spif_text(r, e, "applied");

	if (strcmp(applied, "both") == 0)
		return SPIF_BOTH;
	if (strcmp(applied, "decrypt") == 0)
		return SPIF_DECRYPT;
	if (strcmp(applied, "encrypt") != 0)
		spif_fail(r, e,
			  "attribute applied is \"%.40s\", not encrypt, "
			  "decrypt or both",
			  applied);
	return SPIF_ENCRYPT;
}
