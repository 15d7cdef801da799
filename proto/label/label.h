/*
 * A confidentiality label as read: STANAG 4774 (ADatP-4774), alone or several
 * in one STANAG 4778 BindingInformation.
 *
 * The bytes are kept as received and named by their SHA-256; beside them
 * stands the canonical form, what the bytes say, which the decision works on.
 * What a label means is the policy's affair: see policy and bound.  A marking
 * is never read back into a label.
 *
 * label_parse needs libxml2 and meets foreign bytes; a process that must not
 * parse XML takes the canonical form instead (label_encode, label_decode).
 */
#ifndef PROTO_LABEL_LABEL_H
#define PROTO_LABEL_LABEL_H

#include "proto/base/buf.h"
#include "proto/base/id.h"

enum {
	LABEL_MAX = 65536,	  /* bytes of XML */
	LABEL_PART_MAX = 16,	  /* labels in one binding */
	LABEL_CATEGORY_MAX = 64,  /* categories of one label */
	LABEL_VALUE_MAX = 1024,	  /* values of one label */
	LABEL_TEXT_MAX = 512,	  /* bytes of one name or value */
	LABEL_REFERENCE_MAX = 16, /* data references of one binding */
	LABEL_CANONICAL_MAX = 131072,
	LABEL_PROBLEM_MAX = 256,
};

/*
 * What is wrong, and where, in one sentence for a person: "line 7, element
 * Category: attribute Type is "SECRET", not RESTRICTIVE, PERMISSIVE or
 * INFORMATIVE".  Written only when a call fails; may quote the input, so it is
 * for whoever sent that input, and not for the log.
 */
struct label_problem {
	size_t file;   /* which of several files, from 0 */
	unsigned line; /* from 1; 0: the whole */
	char text[LABEL_PROBLEM_MAX];
};

enum label_type { LABEL_RESTRICTIVE, LABEL_PERMISSIVE, LABEL_INFORMATIVE };
enum label_kind { LABEL_ORIGINATOR, LABEL_ALTERNATIVE, LABEL_METADATA };

/* One Category element: text after the XML rules, else untouched. */
struct label_category {
	struct span tag; /* TagName */
	enum label_type type;
	struct span uri;	   /* empty if absent */
	const struct span *values; /* GenericValue */
	size_t value_count;
	unsigned line; /* 0 after label_decode */
};

/* One label: ConfidentialityInformation and what stands around it.  White
 * space of policy and classification is collapsed (xs:token). */
struct label_part {
	enum label_kind kind;
	struct span policy;
	struct span policy_uri; /* empty if absent */
	struct span classification;
	struct span privacy_mark; /* never decides */
	const struct label_category *categories;
	size_t category_count;
	struct span created; /* CreationDateTime, as text; empty if absent */
	struct span review;  /* ReviewDateTime likewise */
	unsigned line;
};

/* Parts, references, bytes and digest of one label.  Owns all it points to;
 * never changes, so any number of threads may read it. */
struct label;

/*
 * Parse a label or a .bdo.  Exactly one part is the originator's.  Hardened:
 * no DTD, no entities but the five, no network, caps on bytes, depth and
 * counts.  ERR_LABEL (see `problem`), ERR_TOO_LARGE beyond a cap,
 * ERR_NO_MEMORY.  A missing CreationDateTime is accepted, since it decides
 * nothing and most labels in the field lack it.  `problem` may be NULL.
 */
struct err label_parse(struct span xml, struct label_problem *problem,
		       struct label **out);
void label_free(struct label *label);

/* The bytes as received, and their SHA-256.  Borrowed from the label. */
struct span label_bytes(const struct label *label);
struct digest label_digest(const struct label *label);

size_t label_part_count(const struct label *label);
const struct label_part *label_part(const struct label *label, size_t i);
/* The originator's part; never NULL. */
const struct label_part *label_originator(const struct label *label);

/* The URIs of DataReference in a binding, in order. */
size_t label_reference_count(const struct label *label);
struct span label_reference(const struct label *label, size_t i);
/*
 * Does the binding speak of this file?  True for a bare label, for an object
 * inside the binding, and where a reference is "" or its last path segment,
 * percent-decoded, is `file_name`.  Nothing is fetched.
 */
bool label_names(const struct label *label, struct span file_name);

/* The canonical form, and back; `xml` are the bytes it was made from.
 * ERR_MALFORMED if the form is not one of ours. */
struct err label_encode(const struct label *label, struct buf *out);
struct err label_decode(struct span canonical, struct span xml,
			struct label **out);

/* Writes `part` as a STANAG 4774 document with the root for its kind.  Only
 * form is checked: ERR_LABEL for text that XML cannot carry, an empty policy,
 * classification or tag name. */
struct err label_write(const struct label_part *part, struct buf *out);

#endif
