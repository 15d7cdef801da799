/*
 * An Open XML SPIF as it stands in the file: elements and attributes, forms
 * checked, references not yet resolved.  policy makes it a policy.
 */
#ifndef PROTO_LABEL_SPIF_H
#define PROTO_LABEL_SPIF_H

#include "proto/base/arena.h"
#include "proto/label/label.h"

/* tagType with enumType; notApplicable is refused in labels. */
enum spif_type {
	SPIF_RESTRICTIVE,
	SPIF_PERMISSIVE,
	SPIF_ENUM_RESTRICTIVE,
	SPIF_ENUM_PERMISSIVE,
	SPIF_INFORMATIVE, /* tagType7 */
	SPIF_NOT_APPLICABLE,
};

enum spif_operation { SPIF_ONLY_ONE, SPIF_ONE_OR_MORE, SPIF_ALL };

/* When an equivalence applies: by the originator, by whoever receives. */
enum spif_applied { SPIF_ENCRYPT = 1, SPIF_DECRYPT = 2, SPIF_BOTH = 3 };

/* Marking codes that change what is shown; the others say where. */
enum spif_code {
	SPIF_NO_NAME = 1,	 /* noNameDisplay */
	SPIF_NO_MARKING = 2,	 /* noMarkingDisplay */
	SPIF_SUPPRESS_CLASS = 4, /* suppressClassName */
	SPIF_REPLACE_POLICY = 8,
	SPIF_SHOWN = 16, /* any place on a page or document */
};

enum spif_qualifier_code { SPIF_PREFIX, SPIF_SUFFIX, SPIF_SEPARATOR };

/* optionalCategoryData: one value of a tag (lacv), or all of them. */
struct spif_reference {
	const char *tag_set;
	enum spif_type type;
	const char *lacv; /* NULL: the whole tag */
	unsigned line;
};

struct spif_required {
	enum spif_operation operation;
	const struct spif_reference *groups;
	size_t group_count;
};

struct spif_phrase {
	const char *lang;   /* "" if none */
	const char *phrase; /* NULL: the name */
	unsigned codes;	    /* of enum spif_code */
};

struct spif_qualifier {
	const char *lang;
	enum spif_qualifier_code code;
	const char *text;
};

/* Phrases and qualifiers of one thing. */
struct spif_marking {
	const struct spif_phrase *phrases;
	size_t phrase_count;
	const struct spif_qualifier *qualifiers;
	size_t qualifier_count;
};

struct spif_equivalent_class {
	const char *policy;
	uint64_t lacv;
	enum spif_applied applied;
	const struct spif_required *required;
	size_t required_count;
	unsigned line;
};

struct spif_class {
	const char *name;
	uint64_t lacv;
	uint64_t hierarchy;
	const char *color; /* "" if none */
	bool obsolete;
	const struct spif_equivalent_class *equivalents;
	size_t equivalent_count;
	const struct spif_required *required;
	size_t required_count;
	struct spif_marking marking;
	unsigned line;
};

struct spif_equivalent_value {
	const char *policy;
	const char *tag_set_id;
	enum spif_type type;
	const char *lacv;
	enum spif_applied applied;
	bool discard;
	unsigned line;
};

struct spif_name_line {
	const char *name;
	unsigned line;
};

struct spif_value {
	const char *name; /* trimmed */
	const char *lacv;
	const char *required_class; /* NULL if none */
	bool obsolete;
	bool user_input; /* the label's text is free */
	const struct spif_equivalent_value *equivalents;
	size_t equivalent_count;
	const struct spif_name_line *excluded_classes;
	size_t excluded_class_count;
	const struct spif_required *required;
	size_t required_count;
	const struct spif_reference *excluded;
	size_t excluded_count;
	struct spif_marking marking;
	unsigned line;
};

struct spif_tag {
	const char *name;
	enum spif_type type;
	uint64_t min; /* 0: none */
	uint64_t max; /* UINT64_MAX: any number */
	const struct spif_value *values;
	size_t value_count;
	struct spif_marking marking;
	unsigned line;
};

struct spif_set {
	const char *name;
	const char *id;
	const struct spif_tag *tags;
	size_t tag_count;
	unsigned line;
};

struct spif_equivalent_policy {
	const char *name;
	const char *id;
	const struct spif_required *required;
	size_t required_count;
	unsigned line;
};

struct spif_privacy_mark {
	const char *name;
	struct spif_marking marking;
};

struct spif {
	const char *name;
	const char *id;
	const char *schema_version;
	const char *version;
	const struct spif_class *classes;
	size_t class_count;
	const struct spif_set *sets;
	size_t set_count;
	const struct spif_privacy_mark *privacy_marks;
	size_t privacy_mark_count;
	const struct spif_equivalent_policy *equivalents;
	size_t equivalent_count;
	struct spif_marking marking;
};

/* Reads into `arena`; spans and strings live there.  ERR_POLICY, ERR_VERSION,
 * ERR_TOO_LARGE, ERR_NO_MEMORY. */
struct err spif_read(struct span xml, struct arena *arena,
		     struct label_problem *problem, struct spif **out);

/* Restrictive, permissive or informative; false for notApplicable. */
bool spif_label_type(enum spif_type type, enum label_type *out);

#endif
