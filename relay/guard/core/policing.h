/*
 * The policy in force with everything derived from it: operators' rules,
 * labels bound once, readers bound once with their views.
 *
 * A policing never changes its policy; when policy or rules change, a new one
 * takes its place and the old one goes with its last job.  Safe from any
 * thread.
 */
#ifndef RELAY_GUARD_CORE_POLICING_H
#define RELAY_GUARD_CORE_POLICING_H

#include "proto/label/decision.h"
#include "relay/guard/core/policing_reader.h"
#include "storage/label_store.h"
#include "storage/view.h"

struct policing;

/* A label as this policy sees it. */
struct policing_label {
	struct digest digest;
	struct label *label;
	struct bound *bound;
	bool above; /* above the relay's ceiling */
};

/* Takes `policy`; `ceiling` is the relay's. One reference. */
struct err policing_new(struct policy *policy, const char *ceiling,
			const struct shelf_index *shelves,
			struct policing **out);
struct policing *policing_keep(struct policing *p);
void policing_release(struct policing *p);

const struct policy *policing_policy(const struct policing *p);
struct digest policing_digest(const struct policing *p);

/*
 * The label of that digest: from memory, else from the store.  Lives as long
 * as the policing.  ERR_NOT_FOUND if the store lacks it.
 */
struct err policing_label(struct policing *p, struct txn *txn,
			  struct digest digest,
			  const struct policing_label **out);
/*
 * A label that somebody brings and that is perhaps not stored: parsed and
 * bound, but not kept, so that nobody fills the memory with labels of his
 * own.  `*owned` is NULL if it is known already, else what the caller must
 * release with policing_label_free.
 */
struct err policing_label_xml(struct policing *p, struct span xml,
			      struct label_problem *problem,
			      const struct policing_label **out,
			      struct policing_label **owned);
void policing_label_free(struct policing_label *label);

/* Bytes of readers and their views that a policing holds at most. */
enum { POLICING_READERS_BYTES = 32 << 20 };

/*
 * A reader of this policy, with the profile that names everything that
 * decides: that of `spec`, whose clearance is given as XML (empty: holds
 * nothing).  Equal specs give the same reader.  Held: release it with
 * policing_reader_release, before the policing.
 */
struct err policing_reader(struct policing *p, struct span clearance_xml,
			   const struct reader_spec *spec,
			   struct label_problem *problem,
			   struct policing_reader **out);
/* Its view in this snapshot: worked out once for each distinct reader and
 * shelf, whoever asks at the same time.  Owns: view_free. */
struct err policing_view(struct policing *p, struct policing_reader *r,
			 struct txn *txn, struct view **out);

/* The decision on one label that is perhaps not stored. */
struct verdict policing_decide_label(struct policing *p,
				     const struct reader *reader,
				     struct span space,
				     const struct policing_label *label);

/*
 * The decision on a shelf by its parts.  A label that cannot be read for a
 * fault of ours is that fault, and no decision: one made without it would tell
 * the reader to forget what he may see.
 */
struct err policing_decide(struct policing *p, struct txn *txn,
			   const struct reader *reader, struct span space,
			   const struct digest *labels, size_t label_count,
			   uint64_t condition, struct verdict *out);

/* For whoever measures: decisions made for views so far, and what is held. */
struct policing_counts {
	uint64_t decisions;
	struct policing_held held;
};
struct policing_counts policing_counts(struct policing *p);
/* Another cap than POLICING_READERS_BYTES. */
void policing_cap(struct policing *p, size_t bytes);

#endif
