/* What a page needs that is not here. */
#include <stdlib.h>

#include "federation/pull_state.h"
#include "storage/author_store.h"
#include "storage/label_store.h"

static struct err want_add(struct pull *p, const struct pull_want *w)
{
	for (size_t i = 0; i < p->want_count; i++)
		if (p->wants[i].kind == w->kind &&
		    digest_eq(p->wants[i].name, w->name))
			return ERR_NONE;
	if (p->want_count == PULL_WANTS_MAX)
		return err_make(ERR_TOO_LARGE, "a page that needs too much");
	p->wants[p->want_count++] = *w;
	return ERR_NONE;
}

static struct err want_label(struct pull *p, struct txn *txn,
			     struct digest label)
{
	struct pull_want w = {.kind = WANT_LABEL, .name = label};
	struct err e = label_store_get(txn, label, NULL, NULL);

	if (e.code == ERR_NOT_FOUND)
		return want_add(p, &w);
	return e;
}

static struct err want_author(struct pull *p, struct txn *txn,
			      struct key_id author)
{
	struct pull_want w = {.kind = WANT_AUTHOR};
	bool known = false;
	struct err e = author_store_has(txn, author, &known);

	memcpy(w.name.at, author.at, DIGEST_LEN);
	if (!failed(e) && !known)
		e = want_add(p, &w);
	return e;
}

/* The certificate of the replica that sealed; ours is always known. */
static struct err want_certificate(struct pull *p, struct txn *txn,
				   struct span seal_blob)
{
	const struct replica_certificate *c;
	struct pull_want w = {.kind = WANT_CERTIFICATES};
	struct seal *seal = malloc(sizeof(*seal));
	struct err e;

	if (!seal)
		return err_make(ERR_NO_MEMORY, "pull");
	e = seal_decode(seal_blob, seal);
	if (failed(e)) {
		free(seal);
		return ERR_NONE; /* import says what is wrong with it */
	}
	e = trust_certificate(p->config.trust, txn, seal->word.dot.replica, &c);
	free(seal);
	if (e.code == ERR_NOT_FOUND)
		e = want_add(p, &w);
	return e;
}

static struct err key_wanted(struct pull *p, struct doc_id doc,
			     struct digest commitment)
{
	for (size_t i = 0; i < p->keys_count; i++)
		if (digest_eq(p->keys_wanted[i].commitment, commitment))
			return ERR_NONE;
	if (p->keys_count == PULL_WANTS_MAX)
		return err_make(ERR_TOO_LARGE, "a page with too many keys");
	p->keys_wanted[p->keys_count++] = (struct keys_want){doc, commitment};
	return ERR_NONE;
}

static bool key_known(const struct document *doc, struct digest commitment)
{
	for (size_t h = 0; doc && h < doc->heads_count; h++)
		for (size_t i = 0; i < doc->heads[h].keys_count; i++)
			if (doc->heads[h].keys[i].present &&
			    digest_eq(doc->heads[h].keys[i].commitment,
				      commitment))
				return true;
	return false;
}

static struct err plan_head(struct pull *p, struct txn *txn,
			    const struct document *old,
			    const struct changes_head *head)
{
	struct manifest *m = arena_alloc(&p->arena, sizeof(*m));
	struct pull_want w = {.kind = WANT_CONTENT};
	struct err e = arena_check(&p->arena);

	if (failed(e))
		return e;
	if (failed(manifest_decode(head->manifest, &p->arena, m)))
		return ERR_NONE; /* import says what is wrong with it */
	e = want_certificate(p, txn, head->seal);
	for (size_t i = 0; !failed(e) && i < head->evidence_count; i++)
		e = want_certificate(p, txn, head->evidence[i].seal);
	if (!failed(e))
		e = want_author(p, txn, m->author);
	if (!failed(e))
		e = want_label(p, txn, m->label);
	if (failed(e) || import_has_head(old, m->digest))
		return e;
	for (size_t i = 0; !failed(e) && i < m->keys_count; i++)
		if (!key_known(old, m->keys[i]))
			e = key_wanted(p, m->id, m->keys[i]);
	w.name = m->digest;
	w.doc = m->id;
	w.size = m->size;
	w.table = m->table;
	w.keys_count = m->keys_count;
	if (!failed(e))
		e = want_add(p, &w);
	return e;
}

static struct err plan_statement(struct pull *p, struct txn *txn,
				 const struct changes_statement *s)
{
	struct err e = want_certificate(p, txn, s->seal);

	if (failed(e))
		return e;
	if (s->first) {
		struct manifest *m = arena_alloc(&p->arena, sizeof(*m));

		if (m && !failed(manifest_decode(s->jws, &p->arena, m)))
			e = want_author(p, txn, m->author);
	} else {
		struct statement *st = arena_alloc(&p->arena, sizeof(*st));

		if (st && !failed(statement_decode(s->jws, &p->arena, st))) {
			e = want_author(p, txn, st->author);
			if (!failed(e) && st->kind == STATEMENT_LABEL)
				e = want_label(p, txn, st->label);
		}
	}
	if (failed(e))
		return e;
	return arena_check(&p->arena);
}

static struct err plan_row(struct pull *p, struct txn *txn,
			   const struct changes_row *row)
{
	struct document *old = NULL;
	struct span record;
	struct err e =
		txn_get(txn, TABLE_DOCUMENTS, key_document(row->id), &record);

	if (!failed(e)) {
		old = arena_alloc(&p->arena, sizeof(*old));
		e = arena_check(&p->arena);
		if (!failed(e))
			e = document_decode(record, &p->arena, old);
	} else if (e.code == ERR_NOT_FOUND) {
		e = ERR_NONE;
	}
	for (size_t i = 0; !failed(e) && i < row->statements_count; i++)
		e = plan_statement(p, txn, &row->statements[i]);
	for (size_t i = 0; !failed(e) && i < row->heads_count; i++)
		e = plan_head(p, txn, old, &row->heads[i]);
	return e;
}

struct err pull_plan(struct pull *p, struct txn *txn)
{
	struct err e;

	p->wants = arena_array(&p->arena, PULL_WANTS_MAX, sizeof(*p->wants));
	p->keys_wanted =
		arena_array(&p->arena, PULL_WANTS_MAX, sizeof(*p->keys_wanted));
	e = arena_check(&p->arena);
	for (size_t i = 0; !failed(e) && i < p->page.rows_count; i++)
		e = plan_row(p, txn, &p->page.rows[i]);
	for (size_t i = 0; !failed(e) && i < p->page.shelves_count; i++)
		for (size_t l = 0;
		     !failed(e) && l < p->page.shelves[i].labels_count; l++)
			e = want_label(p, txn, p->page.shelves[i].labels[l]);
	p->keys = arena_array(&p->arena, p->keys_count, sizeof(*p->keys));
	if (!failed(e))
		e = arena_check(&p->arena);
	return e;
}
