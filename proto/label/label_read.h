/*
 * Parts that labels and clearances share (namespace of STANAG 4774):
 * Category, PolicyIdentifier, text.  For label_xml.c and reader.c alone.
 */
#ifndef PROTO_LABEL_LABEL_READ_H
#define PROTO_LABEL_LABEL_READ_H

#include "proto/label/finding.h"
#include "proto/label/xml.h"

#define LABEL_NS "urn:nato:stanag:4774:confidentialitymetadatalabel:1:0"

/* Keeps what is read in `arena`. */
struct label_read {
	struct arena *arena;
	struct label_problem *problem;
};

/* Element content that must be text alone, as xs:token, not empty. */
struct err label_read_token(const struct label_read *r,
			    const struct xml_element *e, struct span *out);
/* A Category with at least one value. */
struct err label_read_category(const struct label_read *r,
			       const struct xml_element *e,
			       struct label_category *out);
/* ERR_LABEL if there is text between the child elements. */
struct err label_read_only_elements(const struct label_read *r,
				    const struct xml_element *e);
/* What is wrong with an element. */
struct err label_read_unexpected(const struct label_read *r,
				 const struct xml_element *e);
size_t label_read_count(const struct xml_element *parent, const char *ns,
			const char *name);

#endif
