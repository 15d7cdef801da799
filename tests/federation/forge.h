/*
 * Nations made of keys alone, whose words can be true or forged: for tests of
 * trust and import.
 */
#ifndef TESTS_FEDERATION_FORGE_H
#define TESTS_FEDERATION_FORGE_H

#include "federation/import.h"
#include "proto/document/author.h"
#include "tests/support/tempstore.h"

struct forge {
	struct nation nation;
	struct replica replica;
	struct crypto_key *root, *seal, *p256, *p384, *request, *author;
	struct key_id author_id;
	struct buf certificate; /* issue 1 */
	struct buf record;	/* of the author */
	uint64_t now;
};

/* Keys, a certificate good for a year around `now`, an author. */
void forge_new(struct forge *f, const char *nation, uint64_t now);
void forge_free(struct forge *f);
struct span forge_root(const struct forge *f);
/* A certificate of that issue, signed by `root` (normally f->root). */
void forge_certificate(const struct forge *f, const struct crypto_key *root,
		       uint64_t issue, struct buf *out);

/* Pins root, certificate and author of `f` in the transaction. */
void forge_pin(const struct forge *f, struct trust *trust, struct txn *txn);

/* One revision or statement on its way: bytes live in the arena. */
struct forge_head {
	struct manifest m;
	struct span jws;
	struct seal_word word;
	struct span seal;
};

/*
 * A revision by the author of `by`: with `first` NULL a new document of its
 * nation, else an edit of that one's document over `parent`.
 */
void forge_revision(struct forge *by, const struct forge_head *first,
		    const struct forge_head *parent, uint64_t statement,
		    struct digest label, uint64_t counter, struct arena *arena,
		    struct forge_head *out);
/* The nation's seal on subject and word. */
struct span forge_seal(const struct forge *f,
		       const struct seal_subject *subject,
		       const struct seal_word *word, struct arena *arena);
/* A statement over the document of `first`, signed by the author of `by` and
 * sealed by `sealer`. */
struct changes_statement
forge_statement(struct forge *by, struct forge *sealer,
		const struct forge_head *first, enum statement_kind kind,
		uint64_t number, struct digest previous, struct digest label,
		const struct digest *heads, size_t heads_count,
		struct arena *arena, struct digest *digest);

#endif
