/*
 * What becomes of a document when a revision or a statement comes: which
 * heads stand, under which statements, on which labels.
 *
 * Pure: no I/O, no clock, nothing written.  Signatures, seals, ids and labels
 * were checked by the caller.  Results are a new document that borrows from
 * the old one, from the input and from the arena; document_apply writes it.
 */
#ifndef STORAGE_RESOLVE_H
#define STORAGE_RESOLVE_H

#include "storage/document.h"

enum resolve_outcome {
	RESOLVE_ACCEPTED,  /* `doc` is the new document */
	RESOLVE_KNOWN,	   /* nothing new: it is here already */
	RESOLVE_COVERED,   /* a standing head supersedes it: nothing to do */
	RESOLVE_HELD,	   /* under a statement unknown here: keep it aside */
	RESOLVE_STALE,	   /* local: written under a statement that is no
			     longer in force (412), or number not n+1 */
	RESOLVE_CONFLICT,  /* local: If-Match names no current head (412) */
	RESOLVE_EXISTS,	   /* local: If-None-Match: * on what exists (412) */
	RESOLVE_NOT_THERE, /* an edit or statement of a document that is not
			      here and is not its first */
	RESOLVE_REPLAYED,  /* local: the author's serial does not rise */
	RESOLVE_TOO_MANY,  /* beyond 4 heads of a nation, 64 in all, or a cap
			     of the record */
	RESOLVE_TWO_FACES, /* one dot, two leaf cores: proof (keep both) */
	RESOLVE_RECALLED,  /* the id is refused for ever */
	RESOLVE_LABEL,	   /* its label is not that of its statement */
	RESOLVE_FOREIGN,   /* home or space differ from the first manifest's */
};

/* "accepted", "known", ...: for logs, audit and quarantine. */
const char *resolve_outcome_name(enum resolve_outcome o);
/* The error that a request ends with; ERR_OK for accepted, known, covered. */
enum err_code resolve_outcome_code(enum resolve_outcome o);

enum resolve_match {
	RESOLVE_MATCH_ANY,  /* If-Match: *, and every import */
	RESOLVE_MATCH_NONE, /* If-None-Match: * */
	RESOLVE_MATCH_HEAD, /* If-Match: "digest": a current head, a parent */
};

/* A revision that comes.  Everything is borrowed until document_apply. */
struct resolve_revision {
	const struct manifest *manifest;
	struct opening opening;
	struct nation from; /* whom it came from; our own if local */
	uint64_t now;	    /* UTC seconds */

	/* Local: we give dot, context and seal. */
	bool local;
	struct replica replica;	 /* ours */
	const struct view *sees; /* what the author may see: only parents on
				     it go into the context; NULL: all */
	enum resolve_match match;
	struct digest match_head;

	/* Imported: the first manifest as statement 1 alone, no longer a
	 * head where it comes from. */
	bool as_statement;
	/* Imported: the seal of the dot's nation, and what it rests on. */
	const struct seal *seal;
	struct span seal_blob; /* seal_encode of it */
	const struct document_evidence *evidence;
	size_t evidence_count;

	/* Kept with it. Keys in the order of the manifest's commitments. */
	const struct document_key *keys;
	size_t keys_count;
	uint64_t slot;		   /* used if the document has none yet */
	struct span content;	   /* a small blob to stand inline, or empty */
	enum document_place place; /* SEGMENTS or ABSENT if not inline */
};

/* A statement that comes. */
struct resolve_statement {
	const struct statement *statement;
	struct opening opening;
	struct nation from;
	uint64_t now;
	bool evaluable; /* its label can be judged here */
	bool local;	/* we seal it; number must be n+1 over all known n */
	struct replica replica;
	const struct seal *seal; /* imported: of the home nation */
	struct span seal_blob;
};

struct resolve_result {
	enum resolve_outcome outcome;
	/* The rest only when accepted. */
	struct document doc;  /* shelves of its heads not yet numbered */
	struct digest digest; /* of the revision or statement */
	struct dot dot;	      /* of a revision */
	bool unchanged_rows;  /* only kept (a late edit of a deleted one) */
	bool needs_leaf;      /* local: `core` wants a place in the group */
	struct digest core;
	/* False: `content` was handed in, and the place inside the record is
	 * taken by a head that stands: put it into segments before
	 * document_apply, `doc` says that it is there.  (The one there is
	 * kept: moving it would take a commit of both environments.) */
	bool content_inline;
	bool purge; /* recalled or withdrawn: ring_drop_document (slot below)
		       and segment_del_document */
	uint64_t purge_slot;
	bool fork; /* another statement of the same number is known */
	/* Heads that fell: their content may be collected. */
	size_t fallen_count;
	struct digest *fallen; /* manifest digests */
	struct digest *fallen_tables;
	/* With TWO_FACES: the other digest. */
	struct digest other;
};

/*
 * `old` is NULL if the document is not known.  An error is one of memory or
 * of a corrupt record; what the input deserves is an outcome.
 */
struct err resolve_revision(const struct document *old,
			    const struct resolve_revision *in,
			    struct arena *arena, struct resolve_result *out);
struct err resolve_statement(const struct document *old,
			     const struct resolve_statement *in,
			     struct arena *arena, struct resolve_result *out);

/* Its home nation says "gone" to us: off every shelf, heads and keys go,
 * statements and dots stay. */
struct err resolve_withdraw(const struct document *old, struct arena *arena,
			    struct resolve_result *out);

/* What its home shows us of it now: of the heads that we have from `home` all
 * but these `count` go, be they superseded there or no longer ours to see.
 * (Our own, which it may not know yet, stay.) */
struct err resolve_shown(const struct document *old, const struct digest *shown,
			 size_t count, struct arena *arena,
			 struct resolve_result *out);

/* Hold, embargo or expiry: the same heads on shelves of another condition. */
struct err resolve_condition(const struct document *old, uint64_t condition,
			     struct arena *arena, struct resolve_result *out);

/* The same document with its statements judged anew (a new policy): bit i of
 * `evaluable` for statement i. */
struct err resolve_again(const struct document *old, const bool *evaluable,
			 struct arena *arena, struct resolve_result *out);

#endif
