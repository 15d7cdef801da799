/*
 * Who came first: dots, contexts, and what a revision covers.
 *
 * A dot (replica, counter) is given in the seal by the relay of the author's
 * nation.  A context is a set of dots as closed ranges.  A seal is a nation's
 * word on dots of its own nation only: a revision covers another nation's dot
 * only if it is the dot of, or lies in the context of, a seal of that nation
 * that comes along as evidence.  Pure values; no I/O.
 */
#ifndef PROTO_DOCUMENT_VERSION_H
#define PROTO_DOCUMENT_VERSION_H

#include "proto/base/buf.h"
#include "proto/base/id.h"

enum {
	VERSION_RANGES_MAX = 64,
	VERSION_EVIDENCE_MAX = 32,
	VERSION_PARENTS_MAX = 16,
	/* "GBR.3:17" */
	VERSION_DOT_TEXT_MAX = REPLICA_TEXT_MAX + 1 + 20,
};

struct dot {
	struct replica replica;
	uint64_t counter; /* from 1 */
};

/* from <= to, both within. */
struct dot_range {
	struct replica replica;
	uint64_t from;
	uint64_t to;
};

/* Sorted by replica, then from; ranges of one replica neither overlap nor
 * touch.  So one set has one form.  Zeroed is the empty set. */
struct version_context {
	struct dot_range ranges[VERSION_RANGES_MAX];
	size_t count;
};

bool dot_eq(struct dot a, struct dot b);
/* "GBR.3:17" */
void dot_format(struct dot d, char out[VERSION_DOT_TEXT_MAX + 1]);
struct err dot_parse(struct span text, struct dot *out);

bool version_context_has(const struct version_context *c, struct dot d);
bool version_context_eq(const struct version_context *a,
			const struct version_context *b);
/* ERR_TOO_LARGE, and nothing changed, if more than 64 ranges were needed. */
struct err version_context_insert(struct version_context *c, struct dot d);
struct err version_context_union(struct version_context *c,
				 const struct version_context *other);
/* The number of dots, or UINT64_MAX if more. */
uint64_t version_context_dots(const struct version_context *c);

/* The list as it stands in leaf core and seal: u16 count of (nation, replica,
 * u16 count of (from, to)), in the order above. */
void version_context_encode(const struct version_context *c, struct buf *out);
/* ERR_MALFORMED for any other form of the set, ERR_TOO_LARGE for more than 64
 * ranges. */
struct err version_context_read(struct span_reader *r,
				struct version_context *out);

/* A nation's word: the dot that a seal gave, and its context. */
struct version_word {
	struct dot dot;
	const struct version_context *context;
};

/* A revision as the rules of this file see it.  Everything is borrowed. */
struct version {
	struct digest digest;
	struct version_word own; /* its seal's dot and context */
	const struct digest *parents;
	size_t parents_count;
	const struct version_word *evidence; /* seals of other nations that
						the context rests on */
	size_t evidence_count;
	uint64_t statement; /* the number it was written under */
};

/* True if `v` covers the dot: it lies in v's context, and is of v's own
 * nation or is vouched for by v's evidence. */
bool version_covers(const struct version *v, struct dot d);

/* True if head `a` falls because `by` stands: `by` names it as parent or
 * covers its dot.  Never by itself. */
bool version_falls(const struct version *a, const struct version *by);

/* Greater than 0 if `a` wins the display over `b`: greatest statement
 * number, then a dot of the home nation, then most dots in the context, then
 * greater manifest digest. */
int version_order(const struct version *a, const struct version *b,
		  struct nation home);

/* Where a seal of the new revision's evidence comes from: parent `parent`'s
 * own seal, or the `evidence`-th of its evidence. */
struct version_source {
	size_t parent;
	size_t evidence; /* VERSION_OWN_SEAL: the parent's own */
};
#define VERSION_OWN_SEAL SIZE_MAX

struct version_made {
	struct version_context context;
	struct version_source evidence[VERSION_EVIDENCE_MAX];
	size_t evidence_count;
};

/*
 * The context and the minimal evidence of a new revision that a relay of
 * `nation` accepts over `parents` (those signed parents that it holds and the
 * author may see; at most 16).  What would need more than 64 ranges or 32
 * seals covers less, and stands beside; that is no error.
 */
struct err version_make(struct nation nation, const struct version *parents,
			size_t count, struct version_made *out);

#endif
