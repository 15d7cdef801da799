/*
 * Whoever asks for documents: a device with its subject's clearance, or a
 * nation with its release profile.
 *
 * A clearance (ADatP-4774 App 2 Annex A) lists every classification held, not
 * only the highest, and the values held of each category.  A release profile
 * is a clearance with a ceiling and spaces.
 */
#ifndef PROTO_LABEL_READER_H
#define PROTO_LABEL_READER_H

#include "proto/label/label.h"
#include "proto/label/policy.h"

enum { CLEARANCE_MAX = 65536, READER_SPACE_MAX = 1024 };

/* ---- clearance: what the XML says, free of any policy ---- */

struct clearance;

/* Parse a ConfidentialityClearance; hardened like label_parse.  ERR_LABEL
 * (see `problem`), ERR_TOO_LARGE, ERR_NO_MEMORY. */
struct err clearance_parse(struct span xml, struct label_problem *problem,
			   struct clearance **out);
void clearance_free(struct clearance *clearance);

struct span clearance_policy(const struct clearance *clearance);
size_t clearance_class_count(const struct clearance *clearance);
struct span clearance_class(const struct clearance *clearance, size_t i);
size_t clearance_category_count(const struct clearance *clearance);
const struct label_category *
clearance_category(const struct clearance *clearance, size_t i);

/* Canonical bytes for storage, and back: equal clearances of equal order give
 * equal bytes.  ERR_MALFORMED if the bytes are not of the form. */
struct err clearance_encode(const struct clearance *clearance, struct buf *out);
struct err clearance_decode(struct span bytes, struct clearance **out);

/* ---- reader: bound to a policy, ready to decide with ---- */

enum reader_kind { READER_DEVICE, READER_NATION };

/* What a reader is made of; all borrowed for the call. */
struct reader_spec {
	enum reader_kind kind;
	const struct clearance *clearance; /* NULL: holds nothing */
	/* Spaces it is a member of, or that may pass to it ("GBR/ops"). */
	const struct span *spaces;
	size_t space_count;
	bool all_spaces; /* "*": for nations */
	/* The highest governing classification it may see; empty: no ceiling
	 * beyond its clearance. */
	struct span ceiling;
	bool in_posture; /* true for nations; false: an empty view */
};

struct reader;

/*
 * Bind a reader to a policy, which must outlive it.  What the policy does not
 * know in the clearance grants nothing and is no error.  ERR_POLICY for a
 * ceiling that is no governing classification, ERR_TOO_LARGE for too many
 * spaces, ERR_NO_MEMORY.  Never changes; any number of threads may read it.
 */
struct err reader_new(const struct policy *policy,
		      const struct reader_spec *spec, struct reader **out);
void reader_free(struct reader *reader);

#endif
