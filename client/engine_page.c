/* A page that was checked, into the journal: page and cursor in one
 * transaction. */
#include "client/engine_task.h"
#include "proto/document/seal.h"

#include <stdlib.h>

/*
 * A head that may be shown: form, id, space and signature of its author; and
 * where our own nation's seal is there, that too.  What fails is kept, so
 * that the feed's later words find it, and never opened.
 */
static bool head_verified(struct engine *e, const struct changes_row *row,
			  const struct changes_head *head,
			  const struct manifest *m)
{
	const struct journal_author *author =
		journal_find_author(e->journal, m->author);
	struct crypto_public *key = NULL;
	struct err err;

	if (!author || !doc_id_eq(m->id, row->id) ||
	    !nation_eq(m->home, row->home) || m->must_understand ||
	    failed(manifest_check_id(m, &row->opening)))
		return false;
	err = crypto_public_from_spki(span_of(author->spki, author->spki_len),
				      &key);
	if (!failed(err))
		err = manifest_check_signature(key, m);
	crypto_public_free(key);
	if (!failed(err) && head->seal.len &&
	    replica_eq(head->dot.replica, e->replica->draft.replica)) {
		struct seal_subject subject = seal_subject_of_manifest(m);
		struct seal *seal = malloc(sizeof(*seal));

		err = seal ? seal_decode(head->seal, seal)
			   : err_make(ERR_NO_MEMORY, "a seal");
		if (!failed(err))
			err = seal_check(seal, &subject, e->replica);
		if (!failed(err) && !dot_eq(seal->word.dot, head->dot))
			err = err_make(ERR_DIGEST, "the seal's dot differs");
		free(seal);
	}
	return !failed(err);
}

static struct err put_row(struct engine *e, struct task *t,
			  const struct changes_row *row,
			  struct journal_txn *txn)
{
	struct journal_head *heads =
		arena_array(&t->arena, row->heads_count + 1, sizeof(*heads));
	struct digest *digests = arena_array(&t->arena, row->digests_count + 1,
					     sizeof(*digests));
	struct journal_document d = {
		.id = row->id,
		.home = row->home,
		.opening = row->opening,
		.number = row->number,
		.heads = heads,
		.digests = digests,
		.digests_count = row->digests_count,
		.has_label = row->has_label,
		.label = row->label,
	};

	if (!heads || !digests)
		return arena_check(&t->arena);
	memcpy(digests, row->digests, row->digests_count * sizeof(*digests));
	for (size_t i = 0; i < row->heads_count; i++) {
		const struct changes_head *from = &row->heads[i];
		struct manifest m;
		struct arena arena;

		arena_init(&arena, 256 * 1024);
		/* What does not decode has no name to be kept by. */
		if (!failed(manifest_decode(from->manifest, &arena, &m)))
			heads[d.heads_count++] = (struct journal_head){
				.digest = m.digest,
				.manifest = from->manifest,
				.seal = from->seal,
				.dot = from->dot,
				.shelf = from->shelf,
				.content = from->content,
				.winner = from->winner,
				.verified = head_verified(e, row, from, &m),
			};
		arena_clear(&arena);
	}
	journal_put_document(txn, &d);
	engine_tell(e, &(struct engine_event){
			       .kind = d.heads_count ? ENGINE_CHANGED
						     : ENGINE_DROPPED,
			       .task = t->id,
			       .document = d.id,
		       });
	return ERR_NONE;
}

/* Those that a forget or a sweep took, by comparing. */
static void tell_dropped(struct engine *e, struct task *t,
			 const struct doc_id *before, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (!journal_find_document(e->journal, before[i]))
			engine_tell(e, &(struct engine_event){
					       .kind = ENGINE_DROPPED,
					       .task = t->id,
					       .document = before[i],
				       });
}

struct err engine_page_apply(struct engine *e, struct task *t)
{
	const struct changes_page *p = &t->page;
	struct journal *j = e->journal;
	bool sweeping = p->fresh || j->sweeping;
	struct journal_txn *txn = NULL;
	struct doc_id *before = NULL;
	size_t before_count = 0;
	struct err err = journal_begin(j, &txn);

	if (!failed(err) && (p->forget_count || (sweeping && !p->more))) {
		before_count = j->documents_count;
		before = calloc(before_count + 1, sizeof(*before));
		if (!before)
			err = err_make(ERR_NO_MEMORY, "a page");
		for (size_t i = 0; before && i < before_count; i++)
			before[i] = j->documents[i].id;
	}
	if (!failed(err) && p->fresh)
		journal_put_mark(txn);
	for (size_t i = 0; !failed(err) && i < p->shelves_count; i++)
		journal_put_shelf(txn,
				  &(struct journal_shelf){
					  .shelf = p->shelves[i].shelf,
					  .space = p->shelves[i].space,
					  .labels = p->shelves[i].labels,
					  .labels_count =
						  p->shelves[i].labels_count,
					  .condition = p->shelves[i].condition,
				  });
	for (size_t i = 0; !failed(err) && i < p->forget_count; i++)
		journal_forget_shelf(txn, p->forget[i]);
	for (size_t i = 0; !failed(err) && i < p->rows_count; i++)
		err = put_row(e, t, &p->rows[i], txn);
	if (!failed(err)) {
		if (sweeping && !p->more)
			journal_put_sweep(txn);
		journal_put_cursor(txn, p->cursor);
		err = journal_commit(&txn);
	}
	if (!failed(err) && before)
		tell_dropped(e, t, before, before_count);
	journal_abort(&txn);
	free(before);
	return err;
}
