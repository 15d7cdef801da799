/* The one file that sees libxml2. */
#include <libxml/SAX2.h>
#include <libxml/parser.h>
#include <libxml/xmlmemory.h>

#include "proto/base/buf.h"
#include "proto/base/memory.h"
#include "proto/label/finding.h"
#include "proto/label/xml.h"

struct reading {
	xmlParserCtxtPtr ctxt;
	struct arena *arena;
	struct label_problem *problem;
	enum err_code code;
	size_t elements;
	size_t elements_max;
	size_t depth;
	struct xml_element *root;
	struct xml_element *at;
	struct buf text[XML_DEPTH_MAX];
	struct err failure; /* the first */
};

[[gnu::constructor]] static void take_memory(void)
{
	(void)xmlMemSetup(memory_drop, memory_get, memory_resize, memory_text);
}

static void stop(struct reading *r, struct err e)
{
	if (!failed(r->failure))
		r->failure = e;
	xmlStopParser(r->ctxt);
}

static unsigned line_now(const struct reading *r)
{
	int line = r->ctxt->input ? r->ctxt->input->line : 0;

	return line > 0 ? (unsigned)line : 1;
}

static struct err no_room(struct reading *r)
{
	if (r->arena->starved)
		return arena_check(r->arena);
	return finding_make(r->problem, ERR_TOO_LARGE, "XML beyond the caps",
			    line_now(r),
			    "the document holds more than is allowed here");
}

/* Namespaces repeat: most elements share their parent's. */
static const char *keep_ns(struct reading *r, const xmlChar *ns)
{
	const char *s = ns ? (const char *)ns : "";

	if (r->at && strcmp(r->at->ns, s) == 0)
		return r->at->ns;
	return *s ? arena_str(r->arena, span_str(s)) : "";
}

static bool keep_attributes(struct reading *r, struct xml_element *e,
			    const xmlChar **attributes, size_t count)
{
	struct xml_attribute *out = arena_array(r->arena, count, sizeof(*out));

	if (!out)
		return false;
	for (size_t i = 0; i < count; i++) {
		const xmlChar **a = attributes + 5 * i;
		size_t len = (size_t)(a[4] - a[3]);
		const char *value = arena_str(r->arena, span_of(a[3], len));

		out[i].ns = keep_ns(r, a[2]);
		out[i].name = arena_str(r->arena, span_str((const char *)a[0]));
		if (!value || !out[i].ns || !out[i].name)
			return false;
		out[i].value = span_of(value, len);
	}
	e->attributes = out;
	e->attribute_count = count;
	return true;
}

static void on_start(void *user, const xmlChar *name, const xmlChar *prefix,
		     const xmlChar *uri, int ns_count, const xmlChar **nss,
		     int attribute_count, int defaulted,
		     const xmlChar **attributes)
{
	struct reading *r = user;
	struct xml_element *e;

	if (failed(r->failure))
		return;
	if (r->depth == XML_DEPTH_MAX || r->elements == r->elements_max) {
		stop(r, no_room(r));
		return;
	}
	e = arena_alloc(r->arena, sizeof(*e));
	if (!e) {
		stop(r, no_room(r));
		return;
	}
	e->line = line_now(r);
	e->parent = r->at;
	e->ns = keep_ns(r, uri);
	e->name = arena_str(r->arena, span_str((const char *)name));
	if (!e->ns || !e->name ||
	    (attribute_count > 0 &&
	     !keep_attributes(r, e, attributes, (size_t)attribute_count))) {
		stop(r, no_room(r));
		return;
	}
	if (!r->at)
		r->root = e;
	else if (!r->at->first)
		r->at->first = r->at->last = e;
	else
		r->at->last = r->at->last->next = e;
	r->at = e;
	r->elements++;
	buf_reset(&r->text[r->depth++]);
}

static void on_end(void *user, const xmlChar *name, const xmlChar *prefix,
		   const xmlChar *uri)
{
	struct reading *r = user;
	struct buf *text;
	const char *kept;

	if (failed(r->failure) || !r->at)
		return;
	text = &r->text[--r->depth];
	kept = text->bad ? NULL : arena_str(r->arena, buf_span(text));
	if (!kept) {
		stop(r, text->starved ? buf_check(text) : no_room(r));
		return;
	}
	r->at->text = span_of(kept, text->len);
	r->at = r->at->parent;
}

static void on_text(void *user, const xmlChar *text, int len)
{
	struct reading *r = user;

	if (!failed(r->failure) && r->depth > 0 && len > 0)
		buf_put(&r->text[r->depth - 1], span_of(text, (size_t)len));
}

/* Called at "<!DOCTYPE name", before anything in it is read. */
static void on_doctype(void *user, const xmlChar *name, const xmlChar *public,
		       const xmlChar *system)
{
	struct reading *r = user;

	stop(r, finding_make(r->problem, r->code, "XML with a DOCTYPE",
			     line_now(r),
			     "DOCTYPE: a document type is not allowed"));
}

static void on_reference(void *user, const xmlChar *name)
{
	struct reading *r = user;

	stop(r, finding_make(r->problem, r->code, "XML with an entity",
			     line_now(r), "entity %.60s: not allowed",
			     (const char *)name));
}

static void on_error(void *user, xmlErrorPtr error)
{
	struct reading *r = user;
	const char *where = r->at ? r->at->name : "(document)";

	if (failed(r->failure) || error->level < XML_ERR_ERROR)
		return;
	if (error->code == XML_ERR_NO_MEMORY) {
		stop(r, err_make(ERR_NO_MEMORY, "XML parser"));
		return;
	}
	stop(r, finding_make(r->problem, r->code, "XML not well-formed",
			     error->line > 0 ? (unsigned)error->line : 1,
			     "in element %.60s: not well-formed XML: %s", where,
			     error->message ? error->message : "error"));
}

struct err xml_parse(struct span bytes, size_t max, size_t elements_max,
		     enum err_code code, struct arena *arena,
		     struct label_problem *problem,
		     const struct xml_element **out)
{
	xmlSAXHandler sax = {
		.initialized = XML_SAX2_MAGIC,
		.startElementNs = on_start,
		.endElementNs = on_end,
		.characters = on_text,
		.ignorableWhitespace = on_text,
		.cdataBlock = on_text,
		.internalSubset = on_doctype,
		.reference = on_reference,
		.serror = on_error,
	};
	struct reading r = {
		.arena = arena,
		.problem = problem,
		.code = code,
		.elements_max = elements_max,
		.failure = ERR_NONE,
	};

	if (bytes.len > max)
		return finding_make(problem, ERR_TOO_LARGE,
				    "XML document too large", 0,
				    "the document has %zu bytes, at most %zu "
				    "are allowed",
				    bytes.len, max);
	if (bytes.len == 0)
		return finding_make(problem, code, "XML document empty", 0,
				    "the document is empty");
	for (size_t i = 0; i < XML_DEPTH_MAX; i++)
		buf_init(&r.text[i], 2 * max);
	(void)memory_ran_out();
	r.ctxt = xmlCreatePushParserCtxt(&sax, &r, NULL, 0, NULL);
	if (!r.ctxt) {
		r.failure = err_make(ERR_NO_MEMORY, "XML parser");
		goto out;
	}
	xmlCtxtUseOptions(r.ctxt, XML_PARSE_NONET);
	if (xmlParseChunk(r.ctxt, (const char *)bytes.at, (int)bytes.len, 1) !=
		    0 ||
	    !r.ctxt->wellFormed) {
		if (!failed(r.failure))
			r.failure = finding_make(problem, code,
						 "XML not well-formed",
						 line_now(&r),
						 "not well-formed XML");
	}
	/* Whatever it says then, it says for want of memory. */
	if (memory_ran_out())
		r.failure = err_make(ERR_NO_MEMORY, "XML parser");
	if (!failed(r.failure) && (!r.root || r.at))
		r.failure = finding_make(problem, code, "XML not complete", 0,
					 "the document is not complete");
	if (!failed(r.failure))
		*out = r.root;
out:
	xmlFreeParserCtxt(r.ctxt);
	for (size_t i = 0; i < XML_DEPTH_MAX; i++)
		buf_clear(&r.text[i]);
	return r.failure;
}

bool xml_is(const struct xml_element *e, const char *ns, const char *name)
{
	return strcmp(e->name, name) == 0 && strcmp(e->ns, ns) == 0;
}

const struct xml_attribute *xml_attribute(const struct xml_element *e,
					  const char *name)
{
	for (size_t i = 0; i < e->attribute_count; i++) {
		const struct xml_attribute *a = &e->attributes[i];

		if (!*a->ns && strcmp(a->name, name) == 0)
			return a;
	}
	return NULL;
}

static bool is_space(uint8_t c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

struct span xml_trim(struct span s)
{
	while (s.len > 0 && is_space(s.at[0]))
		s = span_of(s.at + 1, s.len - 1);
	while (s.len > 0 && is_space(s.at[s.len - 1]))
		s.len--;
	return s;
}

bool xml_blank(const struct xml_element *e)
{
	return xml_trim(e->text).len == 0;
}

struct span xml_token(struct arena *arena, struct span text)
{
	struct span s = xml_trim(text);
	uint8_t *out = arena_alloc(arena, s.len + 1);
	size_t len = 0;

	if (!out)
		return span_of(NULL, 0);
	for (size_t i = 0; i < s.len; i++) {
		if (!is_space(s.at[i]))
			out[len++] = s.at[i];
		else if (out[len - 1] != ' ')
			out[len++] = ' ';
	}
	return span_of(out, len);
}
