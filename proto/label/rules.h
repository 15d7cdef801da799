/*
 * Release rules of the relay's operator and of a peer, beside the label: up to
 * which classification, and which spaces.
 *
 * A relay has one operator's rule set; what is agreed with one peer stands in
 * that reader's profile (reader.h).  Rules only take away: no rule releases
 * what the label does not.
 */
#ifndef PROTO_LABEL_RULES_H
#define PROTO_LABEL_RULES_H

#include "proto/label/policy.h"

enum { RULES_SPACE_MAX = 1024 };

struct rules_spec {
	struct span ceiling; /* governing classification; empty: none */
	/* Spaces that may leave at all; NULL with all_spaces. */
	const struct span *spaces;
	size_t space_count;
	bool all_spaces;
};

struct rules;

/* Bind rules to a policy, which must outlive them.  ERR_POLICY for a ceiling
 * that is no governing classification, ERR_MALFORMED for a space not of its
 * form, ERR_TOO_LARGE, ERR_NO_MEMORY. */
struct err rules_new(const struct policy *policy, const struct rules_spec *spec,
		     struct rules **out);
void rules_free(struct rules *rules);

#endif
