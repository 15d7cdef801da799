/*
 * The document record: everything that is kept of one document, in one row of
 * `documents`; and reading it for somebody, which takes a view.
 *
 * A decoded document borrows its bytes from the record (so from the
 * transaction) and its lists from an arena.  Facts of a manifest that the
 * store needs stand beside it, in binary; whoever wraps a key decides again
 * from the signed payload.
 */
#ifndef STORAGE_DOCUMENT_H
#define STORAGE_DOCUMENT_H

#include "proto/document/seal.h"
#include "storage/view.h"

enum {
	DOCUMENT_HEADS_MAX = 64,
	DOCUMENT_HEADS_NATION_MAX = 4,
	DOCUMENT_SEALS_MAX = 4,	  /* of one head: promotions */
	DOCUMENT_STANDS_MAX = 16, /* statements that a head stands under */
	DOCUMENT_STATEMENTS_MAX = 256,
	DOCUMENT_ROWS_MAX = 256,	  /* shelves it stands or stood on */
	DOCUMENT_DOTS_MAX = 256,	  /* replicas that gave it dots */
	DOCUMENT_SERIALS_MAX = 256,	  /* own authors */
	DOCUMENT_INLINE_MAX = 16384 + 64, /* content blob inside the record */
	DOCUMENT_RECORD_MAX = (1 << 20) - 64,
	DOCUMENT_ARENA_MAX = 16 << 20, /* enough for any record */
};

enum document_state {
	DOCUMENT_LIVE = 1,
	DOCUMENT_DELETED = 2,	/* heads are kept, on no shelf */
	DOCUMENT_RECALLED = 3,	/* heads are gone, the id is refused */
	DOCUMENT_WITHDRAWN = 4, /* by its home, from us; may come again */
};

/* How a seal is kept: its place in a group of our own, or the blob. */
struct document_seal {
	struct dot dot;	     /* counter 0 for a statement */
	struct span context; /* version_context_encode */
	uint8_t statements_count;
	uint64_t statements[SEAL_STATEMENTS_MAX]; /* as sealed */
	uint64_t group;	  /* number of our group; 0: `blob` */
	uint16_t leaf;	  /* the i-th leaf handed in */
	struct span blob; /* seal_encode */
};

struct document_key {
	struct digest commitment;
	bool present;			     /* false: the key never came */
	uint8_t wrapped[CRYPTO_WRAPPED_LEN]; /* under the document's slot */
};

/* A foreign seal that a head's context rests on. */
struct document_evidence {
	struct digest digest;
	struct key_id author;
	struct span blob; /* seal_encode */
};

enum document_place {
	DOCUMENT_CONTENT_SEGMENTS = 0,
	DOCUMENT_CONTENT_INLINE = 1, /* document->content is this head's */
	DOCUMENT_CONTENT_ABSENT = 2, /* announced, not fetched yet */
};

struct document_head {
	struct digest digest;
	struct span payload;   /* of the manifest */
	struct span signature; /* 64 bytes */
	/* Facts of the manifest. */
	struct key_id author;
	uint64_t serial;
	uint64_t statement; /* written under */
	struct digest label;
	uint64_t size;
	struct digest table;
	uint8_t priority;
	bool must_understand; /* unknown `ext`: no shelf */
	uint8_t parents_count;
	const struct digest *parents;
	/* What relays said. */
	uint8_t seals_count; /* at least 1; the first is the oldest here */
	struct document_seal *seals;
	uint8_t evidence_count;
	struct document_evidence *evidence;
	struct nation from; /* whom we have it from; our own: written here */
	/* Where it stands. */
	uint8_t bases_count; /* statement numbers kept at acceptance: its own
				and those of its parents */
	uint64_t bases[DOCUMENT_STANDS_MAX];
	uint8_t stands_count; /* indices into document->statements: worked
				 out by resolve; all their labels must
				 release it */
	uint16_t stands[DOCUMENT_STANDS_MAX];
	uint32_t shelf; /* SHELF_NONE: seen by nobody */
	/* Content. */
	uint8_t keys_count;
	struct document_key *keys;
	enum document_place place;
};

/* A statement with its seal.  Number 1 is the first manifest. */
struct document_statement {
	uint64_t number;
	uint8_t kind;	/* enum statement_kind; 1 for number 1 too */
	bool evaluable; /* false: in force, it moves all to no shelf */
	struct digest digest;
	struct digest label; /* zero unless a label */
	struct key_id author;
	struct span payload; /* of statement, or manifest for number 1 */
	struct span signature;
	struct document_seal seal;
	uint8_t heads_count;
	const struct digest *heads; /* it was made over */
	struct nation from;
};

/* One row of the feed that the document has. */
struct document_row {
	uint32_t shelf;
	bool gone;
	struct seq seq;
	uint64_t time; /* UTC seconds when it went; 0 while it stands */
};

struct document_dots {
	struct replica replica;
	uint64_t counter; /* the highest ever seen */
};

struct document_serial {
	struct key_id author;
	uint64_t serial;
};

struct document {
	struct doc_id id;
	struct nation home;
	struct opening opening;
	uint64_t first_time; /* when we first had it, UTC seconds */
	enum document_state state;
	uint64_t condition; /* hold, embargo, expiry; 0 is none */
	uint64_t slot;	    /* of the ring; 0 if none */
	size_t heads_count;
	struct document_head *heads; /* the winner among all first */
	size_t statements_count;
	struct document_statement *statements; /* by number, kind, digest */
	size_t rows_count;
	struct document_row *rows; /* by shelf */
	size_t dots_count;
	struct document_dots *dots; /* by replica */
	size_t serials_count;
	struct document_serial *serials; /* by author */
	struct span content; /* blob of the head placed inline, or empty */
};

/* ERR_TOO_LARGE beyond a cap above, or of the whole. */
struct err document_encode(const struct document *doc, struct buf *out);
/* ERR_CORRUPT for anything that encoding does not make. */
struct err document_decode(struct span record, struct arena *arena,
			   struct document *out);

/* ---- looking at a document ---- */

/* The head with this manifest digest, or NULL. */
const struct document_head *document_head(const struct document *doc,
					  struct digest digest);
/* The known statements of the highest number: what the next one names as
 * `previous`.  `first` is an index into document->statements; they stand side
 * by side.  Returns their count. */
size_t document_latest(const struct document *doc, size_t *first);
/* Those of them in force: the strongest kind alone (several only after a
 * fork). */
size_t document_in_force(const struct document *doc, size_t *first);
/* Their number; 0 for a document without statements. */
uint64_t document_number(const struct document *doc);
/* The distinct labels that a head stands under, sorted; returns the count, at
 * most DOCUMENT_STANDS_MAX. */
size_t document_labels(const struct document *doc,
		       const struct document_head *head,
		       struct digest out[DOCUMENT_STANDS_MAX]);
/* The context of a head's seal `i`; ERR_CORRUPT. */
struct err document_context(const struct document_seal *seal,
			    struct version_context *out);
/* Greater than 0 if `a` wins the display over `b`; ERR_CORRUPT. */
struct err document_order(const struct document *doc,
			  const struct document_head *a,
			  const struct document_head *b, int *out);
/*
 * The winner among the heads that `visible` names (NULL: all on a shelf);
 * SIZE_MAX if there is none.
 */
size_t document_winner(const struct document *doc, const bool *visible);
/* The word that a seal of this head (statement) carries, for seal_group_seal
 * and seal_core. */
struct err document_word(const struct document_seal *seal, enum seal_kind kind,
			 struct seal_word *out);
/*
 * The seal as a blob: the foreign one as it came, our own made from its
 * group.  ERR_NOT_FOUND while the group is unsigned.
 */
struct err document_seal_blob(struct txn *txn, const struct document_seal *seal,
			      enum seal_kind kind, struct buf *out);

/* The group met last, for pages: its root and signature; and its tree, if
 * the way of a leaf was not kept (some hundred hashes).  Zeroed at first; of
 * one transaction. */
struct document_seal_cache {
	uint64_t group, built_group; /* 0: none */
	struct digest root;
	uint8_t signature[SEAL_SIG_LEN];
	struct seal_group built;
};
struct err document_seal_blob_cached(struct txn *txn,
				     struct document_seal_cache *cache,
				     const struct document_seal *seal,
				     enum seal_kind kind, struct buf *out);

/* ---- reading for somebody ---- */

/* What a reader may see of a document. */
struct document_read {
	struct document doc; /* whole; show only what `visible` allows */
	bool visible[DOCUMENT_HEADS_MAX];
	size_t visible_count; /* 0 in a feed row: gone for this reader */
	size_t winner;	      /* among the visible; SIZE_MAX if there is none */
};

/*
 * The document as `view` shows it.  ERR_NOT_FOUND if there is none,
 * ERR_NOT_RELEASABLE if no head of it is visible, ERR_GONE never: to the
 * outside the two are one, and cost the same work (a document that is not
 * there costs the decoding of one that is).
 */
struct err document_read_for(struct txn *txn, const struct view *view,
			     struct doc_id id, struct arena *arena,
			     struct document_read *out);

#endif
