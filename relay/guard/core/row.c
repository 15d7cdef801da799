/* A document as a row of the feed. */
#include "proto/document/segment.h"
#include "proto/exchange/write.h"
#include "relay/guard/core/row.h"

bool row_may_pass(const struct job *job, const struct document *doc)
{
	if (job->asker.kind != ASKER_NATION)
		return true;
	return nation_eq(doc->home, job->core->nation) ||
	       nation_eq(doc->home, job->asker.name.nation);
}

static struct span keep(struct buf *b, struct arena *arena)
{
	struct span copy = arena_copy(arena, buf_span(b));

	buf_reset(b);
	return copy;
}

/* The JWS again from payload and signature. */
static struct err jws_of(const struct document_head *head, struct arena *arena,
			 struct buf *scratch, struct span *out)
{
	struct manifest m = {.payload = head->payload};

	memcpy(m.signature, head->signature.at, MANIFEST_SIG_LEN);
	manifest_format(&m, scratch);
	*out = keep(scratch, arena);
	return arena_check(arena);
}

static struct err seal_of(struct txn *txn, struct document_seal_cache *cache,
			  const struct document_seal *seal, enum seal_kind kind,
			  struct arena *arena, struct buf *scratch,
			  struct span *out)
{
	struct err e =
		document_seal_blob_cached(txn, cache, seal, kind, scratch);

	*out = span_of(NULL, 0);
	if (e.code == ERR_NOT_FOUND) /* not signed yet */
		return ERR_NONE;
	if (failed(e))
		return e;
	*out = keep(scratch, arena);
	return arena_check(arena);
}

static struct err head_evidence(const struct document_head *head,
				struct arena *arena, struct changes_head *out)
{
	struct changes_evidence *list =
		arena_array(arena, head->evidence_count, sizeof(*list));

	for (size_t i = 0; list && i < head->evidence_count; i++) {
		const struct document_evidence *e = &head->evidence[i];

		list[i] = (struct changes_evidence){e->digest, e->author,
						    arena_copy(arena, e->blob)};
	}
	out->evidence = list;
	out->evidence_count = head->evidence_count;
	return arena_check(arena);
}

static struct err head_make(struct core *core, struct txn *txn, bool nation,
			    const struct document_head *head,
			    struct document_seal_cache *cache,
			    struct arena *arena, struct buf *scratch,
			    struct changes_head *out)
{
	const struct shelf_row *shelf = shelf_get(core->shelves, head->shelf);
	struct err e = jws_of(head, arena, scratch, &out->manifest);

	if (!failed(e) && !shelf)
		e = err_make(ERR_CORRUPT, "documents: unknown shelf");
	if (!failed(e))
		e = seal_of(txn, cache, &head->seals[0], SEAL_REVISION, arena,
			    scratch, &out->seal);
	if (!failed(e) && nation)
		e = head_evidence(head, arena, out);
	if (failed(e))
		return e;
	out->shelf = shelf->name;
	out->dot = head->seals[0].dot;
	out->content = segment_blob_len(head->size);
	return ERR_NONE;
}

static struct err statement_make(struct txn *txn,
				 const struct document_statement *s,
				 struct document_seal_cache *cache,
				 struct arena *arena, struct buf *scratch,
				 struct changes_statement *out)
{
	struct statement statement = {.payload = s->payload};
	struct manifest manifest = {.payload = s->payload};

	out->first = s->number == 1;
	if (out->first) {
		memcpy(manifest.signature, s->signature.at, MANIFEST_SIG_LEN);
		manifest_format(&manifest, scratch);
	} else {
		memcpy(statement.signature, s->signature.at, MANIFEST_SIG_LEN);
		statement_format(&statement, scratch);
	}
	out->jws = keep(scratch, arena);
	return seal_of(txn, cache, &s->seal,
		       out->first ? SEAL_REVISION : SEAL_STATEMENT, arena,
		       scratch, &out->seal);
}

/* For a nation: what its heads stand under, and the delete or recall. */
static bool statement_goes(const struct document_read *read, size_t i)
{
	const struct document *doc = &read->doc;

	if (doc->statements[i].kind != STATEMENT_LABEL)
		return true;
	for (size_t h = 0; h < doc->heads_count; h++) {
		const struct document_head *head = &doc->heads[h];

		if (!read->visible[h])
			continue;
		for (size_t s = 0; s < head->stands_count; s++)
			if (head->stands[s] == i)
				return true;
	}
	/* Statement 1 opens the document to whoever sees a head of it. */
	return doc->statements[i].number == 1 && read->visible_count > 0;
}

static struct err statements_make(struct txn *txn,
				  const struct document_read *read,
				  struct document_seal_cache *cache,
				  struct arena *arena, struct buf *scratch,
				  struct changes_row *out)
{
	struct changes_statement *list =
		arena_array(arena, read->doc.statements_count, sizeof(*list));
	struct err e = arena_check(arena);

	for (size_t i = 0; !failed(e) && i < read->doc.statements_count; i++) {
		struct changes_statement one;

		if (!statement_goes(read, i))
			continue;
		e = statement_make(txn, &read->doc.statements[i], cache, arena,
				   scratch, &one);
		/* One not signed yet comes with a later row. */
		if (!failed(e) && one.seal.len)
			list[out->statements_count++] = one;
	}
	out->statements = list;
	return e;
}

/* Whether the reader sees a shelf with the label: mostly one of a head that
 * he is shown. */
static bool label_visible(const struct core *core, const struct view *view,
			  const struct document_read *read, struct digest label)
{
	for (size_t i = 0; i < read->doc.heads_count; i++) {
		const struct shelf_row *row;

		if (!read->visible[i])
			continue;
		row = shelf_get(core->shelves, read->doc.heads[i].shelf);
		if (row && shelf_row_has_label(row, label))
			return true;
	}
	return view_has_label(view, core->shelves, label);
}

static struct err in_force(const struct core *core,
			   const struct document_read *read,
			   const struct view *view, struct arena *arena,
			   struct changes_row *out)
{
	const struct document *doc = &read->doc;
	size_t first;
	size_t count = document_in_force(doc, &first);
	struct digest *digests;

	if (count > CHANGES_DIGESTS_MAX)
		count = CHANGES_DIGESTS_MAX;
	digests = arena_array(arena, count, sizeof(*digests));
	for (size_t i = 0; digests && i < count; i++)
		digests[i] = doc->statements[first + i].digest;
	/* A label statement is what an edit is written under; its label is
	 * named to whoever sees a shelf with it. */
	for (size_t i = 0; !out->has_label && i < count; i++) {
		const struct document_statement *st =
			&doc->statements[first + i];
		bool visible = false;

		if (st->kind == STATEMENT_LABEL && view)
			visible = label_visible(core, view, read, st->label);
		out->has_label = visible;
		if (visible)
			out->label = st->label;
	}
	out->number = document_number(doc);
	out->digests = digests;
	out->digests_count = count;
	return arena_check(arena);
}

/*
 * Of what is gone for him a device is told the first statement, which never
 * changes: the number or the name of a later one would tell what was done out
 * of his sight.
 */
static struct err first_statement(const struct document *doc,
				  struct arena *arena, struct changes_row *out)
{
	struct digest *digest = arena_array(arena, 1, sizeof(*digest));

	if (doc->statements_count == 0)
		return err_make(ERR_CORRUPT, "a document without statements");
	if (digest)
		*digest = doc->statements[0].digest;
	out->number = doc->statements[0].number;
	out->digests = digest;
	out->digests_count = 1;
	return arena_check(arena);
}

struct err row_make(struct core *core, struct txn *txn, const struct view *view,
		    bool nation, const struct document_read *read,
		    struct arena *arena, struct row_shelves *shelves,
		    struct changes_row *out)
{
	const struct document *doc = &read->doc;
	struct changes_head *heads;
	struct buf scratch;
	struct err e = ERR_NONE;

	buf_init(&scratch, MANIFEST_JWS_MAX + SEAL_BLOB_MAX);
	*out = (struct changes_row){.id = doc->id, .home = doc->home};
	out->opening = doc->opening;
	out->opening.space = arena_copy(arena, doc->opening.space);
	heads = arena_array(arena, read->visible_count, sizeof(*heads));
	e = arena_check(arena);
	if (!failed(e))
		e = nation || read->visible_count
			    ? in_force(core, read, view, arena, out)
			    : first_statement(doc, arena, out);
	for (size_t i = 0; !failed(e) && i < doc->heads_count; i++) {
		struct changes_head head = {0};

		if (!read->visible[i])
			continue;
		e = head_make(core, txn, nation, &doc->heads[i],
			      &shelves->seals, arena, &scratch, &head);
		if (failed(e) || (nation && !head.seal.len))
			continue;
		head.winner = read->winner == i;
		shelf_set_add(&shelves->set, doc->heads[i].shelf);
		heads[out->heads_count++] = head;
	}
	out->heads = heads;
	if (!failed(e) && nation)
		e = statements_make(txn, read, &shelves->seals, arena, &scratch,
				    out);
	buf_clear(&scratch);
	return e;
}

struct err row_shelves_list(struct core *core,
			    const struct row_shelves *shelves,
			    struct arena *arena,
			    const struct changes_shelf **out, size_t *count)
{
	size_t n = shelf_set_size(&shelves->set), i = 0;
	struct changes_shelf *list = arena_array(arena, n, sizeof(*list));
	struct err e = shelf_set_check(&shelves->set);

	if (!failed(e))
		e = arena_check(arena);
	if (failed(e))
		return e;
	for (uint32_t s = shelf_set_next(&shelves->set, 0); s;
	     s = shelf_set_next(&shelves->set, s)) {
		const struct shelf_row *row = shelf_get(core->shelves, s);

		list[i++] =
			(struct changes_shelf){.shelf = row->name,
					       .space = span_of(row->space,
								row->space_len),
					       .labels = row->labels,
					       .labels_count =
						       row->labels_count,
					       .condition = row->condition};
	}
	*out = list;
	*count = n;
	return ERR_NONE;
}

void row_shelves_clear(struct row_shelves *shelves)
{
	shelf_set_clear(&shelves->set);
	wipe(&shelves->seals, sizeof(shelves->seals));
}

void row_conflict_members(const struct document_read *read, struct buf *out)
{
	struct digest heads[DOCUMENT_HEADS_MAX];
	struct digest digests[CHANGES_DIGESTS_MAX];
	struct write_conflict conflict = {.heads = heads, .digests = digests};
	size_t first, count = document_in_force(&read->doc, &first);

	for (size_t i = 0; i < read->doc.heads_count; i++)
		if (read->visible[i])
			heads[conflict.heads_count++] =
				read->doc.heads[i].digest;
	for (size_t i = 0; i < count && i < CHANGES_DIGESTS_MAX; i++)
		digests[conflict.digests_count++] =
			read->doc.statements[first + i].digest;
	conflict.number = document_number(&read->doc);
	write_conflict_members(&conflict, out);
}
