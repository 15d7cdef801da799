/*
 * XML from strangers as a small tree: elements, attributes, text.
 *
 * libxml2 reads the bytes and does not leave xml.c.  No DTD (a DOCTYPE is
 * refused before its subset is read), no entities but XML's five, no network,
 * nothing fetched; caps on bytes, depth, elements and memory.  An element's
 * text is all its own character data, comments and processing instructions
 * removed, CDATA and references resolved.
 */
#ifndef PROTO_LABEL_XML_H
#define PROTO_LABEL_XML_H

#include "proto/base/arena.h"
#include "proto/label/label.h"

enum { XML_DEPTH_MAX = 64 };

struct xml_attribute {
	const char *ns; /* "" for none */
	const char *name;
	struct span value; /* NUL-terminated as well */
};

struct xml_element {
	const char *ns; /* "" for none */
	const char *name;
	unsigned line;
	struct span text; /* NUL-terminated as well */
	const struct xml_attribute *attributes;
	size_t attribute_count;
	struct xml_element *parent;
	struct xml_element *first; /* child */
	struct xml_element *last;
	struct xml_element *next; /* sibling */
};

/* Parse into `arena`.  Failures carry `code` (ERR_LABEL or ERR_POLICY), or
 * ERR_TOO_LARGE beyond `max` bytes or `elements_max`, or ERR_NO_MEMORY. */
struct err xml_parse(struct span bytes, size_t max, size_t elements_max,
		     enum err_code code, struct arena *arena,
		     struct label_problem *problem,
		     const struct xml_element **out);

bool xml_is(const struct xml_element *e, const char *ns, const char *name);
/* An attribute without namespace; NULL if absent. */
const struct xml_attribute *xml_attribute(const struct xml_element *e,
					  const char *name);
/* True if the element's own text is white space only. */
bool xml_blank(const struct xml_element *e);
/* Without white space at both ends. */
struct span xml_trim(struct span text);
/* xs:token: white space runs become one space, none at the ends. */
struct span xml_token(struct arena *arena, struct span text);

#endif
