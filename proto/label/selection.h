/*
 * One label part in the terms of one SPIF: which classification, which
 * values; whether that is valid; and what it is in the governing policy.  For
 * the files of this folder alone.
 */
#ifndef PROTO_LABEL_SELECTION_H
#define PROTO_LABEL_SELECTION_H

#include "proto/label/policy_table.h"

enum { SELECTION_FREE_MAX = 64 };

struct selection {
	const struct table *table;
	int class;		       /* index into the table's classes */
	uint16_t ids[LABEL_VALUE_MAX]; /* of values: rising, distinct */
	size_t count;
	/* Free text of informative tags: only for markings. */
	struct {
		uint16_t tag;
		struct span text; /* borrowed from the label */
	} free[SELECTION_FREE_MAX];
	size_t free_count;
};

/* Look every name up.  ERR_LABEL for one that the SPIF does not know. */
struct err selection_make(const struct table *t, const struct label_part *part,
			  struct label_problem *problem, struct selection *out);

/*
 * Required and excluded classes and categories, how many values, and the
 * profile.  ERR_LABEL; `*rule` then is "invalid-label" or the profile's name.
 */
struct err selection_check(const struct selection *s,
			   struct label_problem *problem, const char **rule);

/* Of a value's entries, the one that allows it in this label; the first if
 * none does. */
const struct table_entry *selection_entry(const struct selection *s,
					  const struct table_value *v);

/*
 * Map a valid selection to another SPIF of the set by its own equivalences
 * that apply to `use`.  ERR_FOREIGN_POLICY if the classification or a value
 * has no equivalent.  Only informative values may be discarded: a limit that
 * is dropped widens the release.
 */
struct err selection_map(const struct selection *s, const struct table *to,
			 enum spif_applied use, struct label_problem *problem,
			 struct selection *out);

#endif
