/* Inside of struct bound and struct reader: numbers of one policy. */
#ifndef PROTO_LABEL_BOUND_FORM_H
#define PROTO_LABEL_BOUND_FORM_H

#include "proto/label/bound.h"
#include "proto/label/policy_table.h"
#include "proto/label/reader.h"
#include "proto/label/selection.h"

enum { VALUE_WORDS = (POLICY_VALUE_MAX + 63) / 64 };

struct bound {
	const struct policy *policy;
	bool valid;
	bool mapped;
	const char *rule;
	char detail[LABEL_PROBLEM_MAX];
	uint8_t class; /* index into the governing classes */
	uint16_t count;
	/* Values of the governing policy that decide, rising: so those of one
	 * tag stand together. */
	uint16_t ids[];
};

struct space_list {
	char (*names)[SPACE_NAME_MAX + 1]; /* sorted */
	size_t count;
	bool all;
};

/* ERR_MALFORMED for a space not of its form, ERR_TOO_LARGE, ERR_NO_MEMORY.
 * Owns; release with space_list_clear. */
struct err space_list_make(const struct span *names, size_t count, bool all,
			   struct space_list *out);
void space_list_clear(struct space_list *list);
bool space_list_has(const struct space_list *list, struct span name);

/* A ceiling as the highest class index that passes; every class for an empty
 * name.  ERR_POLICY if the policy has no such class. */
struct err ceiling_make(const struct policy *policy, struct span name,
			uint8_t *out);

struct reader {
	const struct policy *policy;
	bool in_posture;
	bool nation;	    /* a release profile, no device */
	bool policy_agrees; /* the clearance is of the governing policy */
	uint8_t ceiling;
	uint64_t classes; /* bit per governing class held */
	uint64_t values[VALUE_WORDS];
	struct space_list spaces;
};

struct rules {
	const struct policy *policy;
	uint8_t ceiling;
	struct space_list spaces;
};

/* Which part of a label decides, as a selection of the governing policy; also
 * what `bound` is made from.  ERR_LABEL or ERR_FOREIGN_POLICY with rule. */
struct err bound_select(const struct policy *policy, const struct label *label,
			struct label_problem *problem, struct selection *out,
			bool *mapped, const char **rule);

#endif
