/*
 * A security policy: a governing Open XML SPIF and the national SPIFs that map
 * to it, read, checked and made ready to decide with.
 *
 * schemaVersion 1.0, 2.0 and 2.1; any other is refused by its name.  Checked
 * as ADatP-4774.1 s.3.4 asks: unique names, values and levels, every reference
 * resolves.  Never changes after loading; any number of threads may read it.
 */
#ifndef PROTO_LABEL_POLICY_H
#define PROTO_LABEL_POLICY_H

#include "proto/base/buf.h"
#include "proto/base/id.h"
#include "proto/label/label.h"

enum {
	POLICY_FILE_MAX = 1 << 20, /* bytes of one SPIF */
	POLICY_FILES_MAX = 16,	   /* governing and nationals */
	POLICY_CLASS_MAX = 64,	   /* classifications of one SPIF */
	POLICY_TAG_MAX = 256,	   /* tags of one SPIF */
	POLICY_VALUE_MAX = 8192,   /* values of one SPIF */
	POLICY_LANG_MAX = 16,	   /* languages of a set */
};

struct policy;

/*
 * Load a set: `files[0]` governs, the others are nationals in any order.
 * Copies the bytes.  ERR_POLICY (`problem` says which file, which line and
 * what), ERR_VERSION for another schemaVersion, ERR_TOO_LARGE beyond a cap,
 * ERR_NO_MEMORY.  A national that maps to another policy than the governing
 * one is allowed and of no use; two policies of one name or OID are refused.
 * `problem` may be NULL.
 */
struct err policy_load(const struct span *files, size_t count,
		       struct label_problem *problem, struct policy **out);
void policy_free(struct policy *policy);

/* H(E("entente policy v1", digests of the files)): governing first, then the
 * nationals sorted by digest. */
struct digest policy_digest(const struct policy *policy);

/* Files as loaded, governing first.  Borrowed. */
size_t policy_file_count(const struct policy *policy);
struct span policy_file(const struct policy *policy, size_t i);

/* Name ("NATO") and OID ("1.3.26.1.3.1") of file i; version is that of the
 * SPIF, as text.  NUL-terminated, borrowed. */
const char *policy_name(const struct policy *policy, size_t i);
const char *policy_oid(const struct policy *policy, size_t i);
const char *policy_version(const struct policy *policy, size_t i);

/* The classifications of file i, by rising hierarchy. */
struct policy_class {
	const char *name;
	uint64_t hierarchy; /* greater is more sensitive */
	const char *color;  /* "" if the SPIF gives none */
	bool obsolete;	    /* not for new labels */
	/* The governing classification that it maps to on reception; its own
	 * name in the governing policy; NULL if none. */
	const char *governing;
};
size_t policy_class_count(const struct policy *policy, size_t i);
struct policy_class policy_class(const struct policy *policy, size_t i,
				 size_t n);

/* A classification of the governing policy by name (compared as the policy
 * compares); false if there is none.  For ceilings. */
bool policy_has_class(const struct policy *policy, const char *name);

/* The tags of file i and their values, for whoever offers a choice. */
struct policy_tag {
	const char *name; /* of the tag set: a label's TagName */
	enum label_type type;
	bool single; /* at most one value */
	size_t value_count;
};
size_t policy_tag_count(const struct policy *policy, size_t i);
struct policy_tag policy_tag(const struct policy *policy, size_t i, size_t n);
const char *policy_tag_value(const struct policy *policy, size_t i, size_t n,
			     size_t value);

/* Languages of the set's markings ("en", "fr", ...); "en" stands for phrases
 * without a language. */
size_t policy_lang_count(const struct policy *policy);
const char *policy_lang(const struct policy *policy, size_t i);

#endif
