/*
 * A scene for tests of documents and the feed: a temporary store, its
 * shelves, one open write transaction, and manifests and seals made without
 * signatures (what checks those stands above storage).
 */
#ifndef TESTS_STORAGE_SCENE_H
#define TESTS_STORAGE_SCENE_H

#include "storage/document_apply.h"
#include "storage/document_internal.h"
#include "storage/feed.h"
#include "tests/support/tempstore.h"

struct scene {
	struct tempstore *temp;
	struct shelf_index *index;
	struct txn *txn; /* of records, writing; reads see what it wrote */
	uint64_t names;	 /* digests given */
	uint64_t group;
};

void scene_new(struct scene *s, struct tempstore *temp);
/* Aborts: the store is as it was before. */
void scene_free(struct scene *s);
/* Commit, and begin again. */
void scene_commit(struct scene *s);

struct nation scene_nation(const char *code);
struct digest scene_digest(uint64_t n);
struct doc_id scene_doc(uint64_t n);
/* Label number `n`. */
struct digest scene_label(unsigned n);
struct opening scene_opening(void);

/* A manifest of home GBR in space GBR/ops, serial rising, digest fresh. */
struct manifest scene_manifest(struct scene *s, struct doc_id id,
			       const struct digest *parents, size_t count,
			       uint64_t statement, unsigned label);
struct statement scene_statement(struct scene *s, struct doc_id id,
				 enum statement_kind kind, uint64_t number,
				 const struct digest *previous, unsigned label,
				 const struct digest *heads, size_t count);

/* Local writes through resolve and apply, with any parents; the outcome. */
enum resolve_outcome scene_put(struct scene *s, const struct manifest *m);
enum resolve_outcome scene_state(struct scene *s, const struct statement *st);
/* The document now; lives in `arena`. */
struct document scene_read(struct scene *s, struct doc_id id,
			   struct arena *arena);

/* A view of everything whose labels are all among the bits of `labels`. */
struct view *scene_view(struct scene *s, unsigned labels);

#endif
