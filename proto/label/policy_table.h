/*
 * Inside of struct policy: each SPIF's names interned and sorted, so that a
 * label or clearance is looked up once and then is numbers.  For the files of
 * this folder alone.
 */
#ifndef PROTO_LABEL_POLICY_TABLE_H
#define PROTO_LABEL_POLICY_TABLE_H

#include "proto/base/arena.h"
#include "proto/label/policy.h"
#include "proto/label/spif.h"

/* One tagCategory with the tag and tag set it stands in. */
struct table_entry {
	const struct spif_set *set;
	const struct spif_tag *tag;
	const struct spif_value *value;
};

/* What a GenericValue can name: entries of one name in one tag. */
struct table_value {
	const char *name;
	const char *key; /* name as the policy compares */
	uint16_t tag;	 /* index into tags */
	const struct table_entry *entries;
	size_t entry_count;
};

/* What a Category can name: TagName and Type.  Several securityCategoryTag of
 * a set may stand behind it. */
struct table_tag {
	const char *name;
	const char *key;
	enum label_type type;
	const char *rule; /* "permissive:Releasable To" */
	const struct spif_set *set;
	uint32_t first; /* its values are consecutive, sorted by key */
	uint32_t count;
	bool free_text; /* userInput: informative text of any content */
};

struct table_class {
	const struct spif_class *from;
	const char *key;
	/* Index of the governing class it maps to on reception, or -1. */
	int governing;
};

/* Rules that no SPIF can say, by policy OID. */
enum table_profile { PROFILE_NONE, PROFILE_NATO };

struct table {
	const struct spif *spif;
	const char *key; /* of the policy's name */
	bool fold;	 /* names compare without regard to case */
	enum table_profile profile;
	struct table_class *classes; /* by rising hierarchy */
	size_t class_count;
	struct table_tag *tags;
	size_t tag_count;
	struct table_value *values;
	size_t value_count;
	struct table_entry *by_lacv; /* by set, type, lacv */
	size_t entry_count;
};

struct policy {
	struct arena arena;
	struct span files[POLICY_FILES_MAX];
	struct table tables[POLICY_FILES_MAX]; /* [0] governs */
	size_t count;
	struct digest digest;
	const char *langs[POLICY_LANG_MAX];
	size_t lang_count;
};

/* Build one table and check it in itself (policy_build.c). */
struct err table_build(struct table *t, const struct spif *spif,
		       struct arena *arena, struct label_problem *problem);
/* Check a table's equivalences against the others of its set. */
struct err table_link(struct policy *p, size_t i,
		      struct label_problem *problem);

/* The text as this policy compares it, in `out` of LABEL_TEXT_MAX + 1 bytes;
 * false if it is too long. */
bool table_key(const struct table *t, struct span text, char *out);
/* -1 if there is none. */
int table_class_find(const struct table *t, struct span name);
int table_class_by_lacv(const struct table *t, uint64_t lacv);
int table_tag_find(const struct table *t, struct span name,
		   enum label_type type);
int table_value_find(const struct table *t, int tag, struct span name);
/* The value of that set, type and lacv; -1 also where two names share it. */
int table_value_by_lacv(const struct table *t, const struct spif_set *set,
			enum spif_type type, const char *lacv);
const struct spif_set *table_set_by_name(const struct table *t,
					 const char *name);
const struct spif_set *table_set_by_id(const struct table *t, const char *id);

/* The table whose policy a label names; NULL if none.  `*contradiction` if
 * the name is known and the URI is not its OID. */
const struct table *policy_table_find(const struct policy *p, struct span name,
				      struct span uri, bool *contradiction);

#endif
