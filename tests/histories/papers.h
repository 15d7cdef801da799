/*
 * The documents of a history: what the model knows of each, and the writes
 * that make it so in the store.  The model follows the rules of docs/STORAGE.md
 * ("What a head stands under") from the revisions and statements alone.
 */
#ifndef TESTS_HISTORIES_PAPERS_H
#define TESTS_HISTORIES_PAPERS_H

#include "tests/histories/book.h"
#include "tests/histories/chance.h"
#include "tests/support/tempstore.h"

enum {
	PAPERS = 5,
	PAPER_REVISIONS = 64,
	PAPER_STATEMENTS = 40,
	PAPER_HEADS = 4, /* of one nation: resolve.h */
};

struct paper_revision {
	struct digest digest;
	bool stands; /* a head */
	struct digest parents[2];
	size_t parents_count;
	uint64_t bases; /* bits of statement numbers */
};

struct paper_statement {
	struct digest digest;
	unsigned label;
	bool is_label;
	struct digest heads[PAPER_HEADS];
	size_t heads_count;
};

struct paper {
	bool there, deleted, recalled;
	struct doc_id id;
	unsigned space;
	uint64_t condition;
	unsigned revisions_count, statements_count;
	struct paper_revision revisions[PAPER_REVISIONS];
	struct paper_statement statements[PAPER_STATEMENTS]; /* by number - 1 */
};

struct papers {
	const struct book *book;
	struct chance *chance;
	uint64_t names; /* digests given, never again */
	struct paper paper[PAPERS];
	unsigned last; /* the one written last */
	bool plain;    /* one head each, put and relabelled, mostly */
};

/* The labels that a revision stands under, as bits; 0 for what stands
 * nowhere. */
unsigned paper_labels(const struct paper *p, const struct paper_revision *r);
/* The document of that id, or NULL. */
const struct paper *papers_find(const struct papers *p, struct doc_id id);
const struct paper_revision *paper_find(const struct paper *p,
					struct digest digest);
bool papers_see(const struct papers *papers, const struct paper *p,
		const struct paper_revision *r, const struct rights *rights);

/* None of its labels, now or before, is released to these rights. */
bool papers_hidden(const struct papers *papers, const struct paper *p,
		   const struct rights *rights);

/*
 * One write of a random kind to a random document: put, edit, relabel, delete,
 * recall, hold.  With `cut` it is aborted and the model stays.  An error is
 * one of the store.
 */
struct err papers_write(struct papers *p, struct store *store,
			struct shelf_index *index, bool cut);

/* Every row of the feed is the row that its document says it has, and there
 * is no other. */
bool papers_rows_agree(const struct papers *p, struct store *store);

#endif
