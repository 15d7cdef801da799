/* Taking in one row of a peer's feed. */
#include <string.h>

#include "federation/import.h"
#include "proto/document/author.h"
#include "proto/document/segment.h"
#include "proto/label/shelf.h"
#include "storage/author_store.h"
#include "storage/document_internal.h"
#include "storage/quarantine.h"
#include "storage/returning.h"
#include "storage/segment.h"

enum { ROW_ARENA_MAX = 12 << 20 };

/* One row on its way in. */
struct taking {
	struct import *in;
	const struct changes_row *row;
	struct arena arena;
	struct document *old; /* as it stands in the transaction now */
	struct seq last;      /* of its newest row */
	const struct changes_head *first; /* taken as statement 1 */
};

/* Faults of ours end the batch; the rest is the peer's doing. */
static bool ours(struct err e)
{
	switch (e.code) {
	case ERR_NO_MEMORY:
	case ERR_IO:
	case ERR_INTERNAL:
	case ERR_CORRUPT:
	case ERR_DISK_FULL:
	case ERR_BUSY:
		return true;
	default:
		return false;
	}
}

static struct err refuse(struct taking *t, struct digest digest, struct err why)
{
	struct quarantined q = {.from = t->in->from,
				.digest = digest,
				.doc = t->row->id,
				.code = why.code,
				.time = t->in->now,
				.detail = span_str(why.detail)};

	if (ours(why))
		return why;
	t->in->refused++;
	return quarantine_put(t->in->txn, &q);
}

/* The record, copied: it must outlive the next put. */
static struct err reload(struct taking *t)
{
	struct span record;
	struct err e = txn_get(t->in->txn, TABLE_DOCUMENTS,
			       key_document(t->row->id), &record);

	t->old = NULL;
	if (e.code == ERR_NOT_FOUND)
		return ERR_NONE;
	if (failed(e))
		return e;
	t->old = arena_alloc(&t->arena, sizeof(*t->old));
	record = arena_copy(&t->arena, record);
	e = arena_check(&t->arena);
	if (!failed(e))
		e = document_decode(record, &t->arena, t->old);
	return e;
}

/* ---- proofs ---- */

/* The author's key, vouched for by a record under its nation's seal key. */
static struct err author_key(struct taking *t, struct key_id author,
			     struct nation nation, struct author_record **out)
{
	const struct replica_certificate *c = NULL;
	struct author_record *record = NULL;
	struct span blob;
	struct err e = author_store_get(t->in->txn, author, &blob);

	if (e.code == ERR_NOT_FOUND)
		return err_make(ERR_UNAUTHENTICATED,
				"no record of that author came");
	if (!failed(e))
		e = author_decode(blob, &record);
	if (!failed(e) && !nation_eq(record->replica.nation, nation))
		e = err_make(ERR_UNAUTHENTICATED,
			     "the author is of another nation than the seal");
	if (!failed(e))
		e = trust_certificate(t->in->trust, t->in->txn, record->replica,
				      &c);
	if (e.code == ERR_NOT_FOUND)
		e = err_make(ERR_UNAUTHENTICATED,
			     "the author's replica is not known here");
	if (!failed(e))
		e = author_check(record, c);
	if (failed(e)) {
		author_free(record);
		return e;
	}
	*out = record;
	return ERR_NONE;
}

static bool gave_dot(const struct document *doc, struct dot dot)
{
	for (size_t i = 0; doc && i < doc->dots_count; i++)
		if (replica_eq(doc->dots[i].replica, dot.replica))
			return dot.counter <= doc->dots[i].counter;
	return false;
}

static struct err manifest_proved(struct taking *t, struct manifest *m,
				  struct span seal_blob, struct seal *seal)
{
	struct seal_subject subject = seal_subject_of_manifest(m);
	struct author_record *author = NULL;
	struct err e = seal_decode(seal_blob, seal);

	if (!failed(e) && seal->word.kind != SEAL_REVISION)
		e = err_make(ERR_MALFORMED, "a seal of another kind");
	if (!failed(e))
		e = trust_seal(t->in->trust, t->in->txn, seal, &subject);
	if (!failed(e))
		e = author_key(t, m->author, seal->word.dot.replica.nation,
			       &author);
	if (!failed(e))
		e = manifest_check_signature(author->key, m);
	if (!failed(e))
		e = manifest_check_id(m, &t->row->opening);
	if (!failed(e) && !nation_eq(m->home, t->row->home))
		e = err_make(ERR_FOREIGN_ID, "the manifest names another "
					     "home than the row");
	if (!failed(e) && manifest_is_first(m) &&
	    !nation_eq(seal->word.dot.replica.nation, t->row->home))
		e = err_make(ERR_FORBIDDEN,
			     "a first manifest that its home did not seal");
	/* Our own word comes back: it must be one that we know we gave.  (It
	 * need not stand here any more: what its home withdrew from us may
	 * come again, and what fell here may still stand there.) */
	if (!failed(e) &&
	    nation_eq(seal->word.dot.replica.nation, t->in->self) &&
	    !gave_dot(t->old, seal->word.dot))
		e = err_make(ERR_REPLAYED, "a revision of our own that this "
					   "store does not know of");
	author_free(author);
	return e;
}

static struct err statement_proved(struct taking *t, struct statement *s,
				   struct span seal_blob, struct seal *seal)
{
	struct seal_subject subject = seal_subject_of_statement(s);
	struct author_record *author = NULL;
	struct err e = seal_decode(seal_blob, seal);

	if (!failed(e) && seal->word.kind != SEAL_STATEMENT)
		e = err_make(ERR_MALFORMED, "a seal of another kind");
	/* Originator control: the home nation's word, and nobody else's. */
	if (!failed(e) &&
	    (!nation_eq(s->home, t->row->home) ||
	     !nation_eq(seal->word.dot.replica.nation, t->row->home)))
		e = err_make(ERR_FORBIDDEN, "a statement that is not of the "
					    "home nation");
	if (!failed(e))
		e = trust_seal(t->in->trust, t->in->txn, seal, &subject);
	if (!failed(e))
		e = author_key(t, s->author, t->row->home, &author);
	if (!failed(e))
		e = statement_check_signature(author->key, s);
	author_free(author);
	return e;
}

static struct err evidence_proved(struct taking *t,
				  const struct changes_head *head,
				  struct document_evidence **out)
{
	struct document_evidence *list =
		arena_array(&t->arena, head->evidence_count, sizeof(*list));
	struct err e = arena_check(&t->arena);

	for (size_t i = 0; !failed(e) && i < head->evidence_count; i++) {
		const struct changes_evidence *ev = &head->evidence[i];
		struct seal_subject subject = {SEAL_REVISION, t->row->id,
					       ev->digest, ev->author};
		struct seal *seal = arena_alloc(&t->arena, sizeof(*seal));

		e = arena_check(&t->arena);
		if (!failed(e))
			e = seal_decode(ev->seal, seal);
		if (!failed(e))
			e = trust_seal(t->in->trust, t->in->txn, seal,
				       &subject);
		list[i] = (struct document_evidence){ev->digest, ev->author,
						     ev->seal};
	}
	*out = list;
	return e;
}

/* ---- writing ---- */

static struct err apply(struct taking *t, struct resolve_result *result)
{
	struct import *in = t->in;
	struct err e = document_apply(in->writer, in->txn, t->old, result,
				      in->now, &t->last);

	if (!failed(e) && result->purge && result->purge_slot) {
		e = ring_drop_document(in->ring, in->txn, result->purge_slot,
				       t->row->id);
		in->purges = true;
	}
	if (!failed(e) && (result->purge || result->fallen_count) &&
	    in->garbage)
		in->garbage(in->garbage_self, t->row->id);
	if (!failed(e))
		e = reload(t);
	in->taken++;
	return e;
}

static struct err outcome(struct taking *t, struct digest digest,
			  struct resolve_result *result)
{
	switch (result->outcome) {
	case RESOLVE_ACCEPTED:
		return apply(t, result);
	case RESOLVE_KNOWN:
	case RESOLVE_COVERED:
	case RESOLVE_RECALLED: /* refused for ever: nothing to tell */
		return ERR_NONE;
	default:
		return refuse(t, digest,
			      err_make(resolve_outcome_code(result->outcome),
				       resolve_outcome_name(result->outcome)));
	}
}

/* ---- keys and content ---- */

static const struct import_key *find_key(const struct import *in,
					 struct digest commitment)
{
	for (size_t i = 0; i < in->key_count; i++)
		if (digest_eq(in->keys[i].commitment, commitment))
			return &in->keys[i];
	return NULL;
}

/* A key that a standing head of the document has already. */
static const struct document_key *known_key(const struct document *doc,
					    struct digest commitment)
{
	for (size_t h = 0; doc && h < doc->heads_count; h++)
		for (size_t i = 0; i < doc->heads[h].keys_count; i++)
			if (doc->heads[h].keys[i].present &&
			    digest_eq(doc->heads[h].keys[i].commitment,
				      commitment))
				return &doc->heads[h].keys[i];
	return NULL;
}

static struct err wrap_keys(struct taking *t, const struct manifest *m,
			    struct resolve_result *result,
			    struct document_key *keys)
{
	struct document *doc = &result->doc;
	struct import *in = t->in;
	struct err e = ERR_NONE;

	if (!doc->slot)
		e = ring_take_slot(in->ring, in->txn, doc->id, &doc->slot);
	for (size_t i = 0; !failed(e) && i < m->keys_count; i++) {
		const struct import_key *k = find_key(in, m->keys[i]);

		if (!k)
			continue;
		e = ring_wrap(in->ring, doc->slot, doc->id, m->keys[i], k->key,
			      keys[i].wrapped);
		keys[i].present = !failed(e);
	}
	for (size_t h = 0; !failed(e) && h < doc->heads_count; h++)
		if (digest_eq(doc->heads[h].digest, m->digest)) {
			doc->heads[h].keys = keys;
			doc->heads[h].keys_count = (uint8_t)m->keys_count;
		}
	return e;
}

static struct span find_content(const struct import *in, struct digest d)
{
	for (size_t i = 0; i < in->content_count; i++)
		if (digest_eq(in->contents[i].manifest, d))
			return in->contents[i].blob;
	return span_of(NULL, 0);
}

/* ---- revisions ---- */

/* Is the table of a larger content here, and so all of it? */
static struct err content_here(struct taking *t, const struct manifest *m,
			       bool *here)
{
	struct txn *txn = NULL;
	struct span table;
	struct err e =
		txn_begin_read(txn_store(t->in->txn), STORE_SEGMENTS, &txn);

	if (!failed(e))
		e = segment_table_get(txn, m->id, m->table, &table);
	*here = !failed(e);
	txn_abort(&txn);
	return e.code == ERR_NOT_FOUND ? ERR_NONE : e;
}

static struct err resolve_head(struct taking *t, const struct manifest *m,
			       const struct seal *seal, struct span seal_blob,
			       const struct document_evidence *evidence,
			       size_t evidence_count, struct span content,
			       bool as_statement)
{
	struct document_key *keys =
		arena_array(&t->arena, m->keys_count, sizeof(*keys));
	struct resolve_revision in = {
		.manifest = m,
		.opening = t->row->opening,
		.from = t->in->from,
		.now = t->in->now,
		.as_statement = as_statement,
		.seal = seal,
		.seal_blob = seal_blob,
		.evidence = evidence,
		.evidence_count = evidence_count,
		.keys = keys,
		.keys_count = m->keys_count,
		.content = content,
		.place = content.len ? DOCUMENT_CONTENT_SEGMENTS
				     : DOCUMENT_CONTENT_ABSENT,
	};
	struct resolve_result result;
	struct err e = arena_check(&t->arena);

	for (size_t i = 0; !failed(e) && i < m->keys_count; i++) {
		const struct document_key *k = known_key(t->old, m->keys[i]);

		keys[i] = k ? *k
			    : (struct document_key){.commitment = m->keys[i]};
	}
	if (!failed(e) && !content.len) {
		/* Larger content was fetched before, segment by segment. */
		bool here;

		e = content_here(t, m, &here);
		if (!failed(e) && here)
			in.place = DOCUMENT_CONTENT_SEGMENTS;
	}
	if (!failed(e))
		e = resolve_revision(t->old, &in, &t->arena, &result);
	if (!failed(e) && result.outcome == RESOLVE_ACCEPTED) {
		if (content.len && !result.content_inline)
			e = segment_put_blob(txn_store(t->in->txn), m->id,
					     m->size, m->table, content);
		if (!failed(e))
			e = wrap_keys(t, m, &result, keys);
	}
	if (failed(e))
		return e;
	return outcome(t, m->digest, &result);
}

/* A head that is known, whose content came only now. */
static struct err complete_content(struct taking *t, const struct manifest *m)
{
	struct span blob = find_content(t->in, m->digest);
	bool here = false;
	struct err e = ERR_NONE;

	if (blob.len) {
		e = segment_blob_check(blob, m->size, m->table, m->keys_count);
		if (failed(e))
			return refuse(t, m->digest, e);
		e = segment_put_blob(txn_store(t->in->txn), m->id, m->size,
				     m->table, blob);
		here = !failed(e);
	} else {
		e = content_here(t, m, &here);
	}
	if (!failed(e) && here)
		e = document_content_came(t->in->txn, m->id, m->table);
	return e;
}

/* A head that is known: a key or its content may have been missing. */
static struct err complete_head(struct taking *t, const struct manifest *m)
{
	const struct document_head *head = document_head(t->old, m->digest);
	struct import *in = t->in;
	struct err e = ERR_NONE;

	if (import_has_head(t->old, m->digest))
		return ERR_NONE;
	for (size_t i = 0; !failed(e) && i < head->keys_count; i++) {
		struct digest commitment = head->keys[i].commitment;
		const struct import_key *k = find_key(in, commitment);
		uint8_t wrapped[CRYPTO_WRAPPED_LEN];

		if (head->keys[i].present || !k)
			continue;
		e = ring_wrap(in->ring, t->old->slot, m->id, commitment, k->key,
			      wrapped);
		if (!failed(e))
			e = document_key_came(in->txn, m->id, commitment,
					      wrapped);
	}
	if (!failed(e) && head->place == DOCUMENT_CONTENT_ABSENT)
		e = complete_content(t, m);
	if (!failed(e))
		e = reload(t);
	return e;
}

static struct err take_head(struct taking *t, const struct changes_head *head)
{
	struct document_evidence *evidence = NULL;
	struct manifest *m = arena_alloc(&t->arena, sizeof(*m));
	struct seal *seal = arena_alloc(&t->arena, sizeof(*seal));
	struct span content = {0};
	struct err e = arena_check(&t->arena);

	if (failed(e))
		return e;
	e = manifest_decode(head->manifest, &t->arena, m);
	if (!failed(e) && t->old && document_head(t->old, m->digest))
		return complete_head(t, m);
	if (!failed(e))
		e = manifest_proved(t, m, head->seal, seal);
	if (!failed(e) && !dot_eq(seal->word.dot, head->dot))
		e = err_make(ERR_SIGNATURE, "the row names another dot than "
					    "the seal");
	if (!failed(e))
		e = evidence_proved(t, head, &evidence);
	if (!failed(e))
		e = t->in->judge.label(t->in->judge.self, t->in->txn, m->label);
	/* A label statement may have moved it away from a label that we may
	 * not have: then that statement's label was judged. */
	if (e.code == ERR_NOT_FOUND && t->row->number > 1)
		e = ERR_NONE;
	if (!failed(e)) {
		content = find_content(t->in, m->digest);
		if (content.len)
			e = segment_blob_check(content, m->size, m->table,
					       m->keys_count);
	}
	if (!failed(e))
		e = resolve_head(t, m, seal, head->seal, evidence,
				 head->evidence_count, content, false);
	if (failed(e))
		return refuse(t, m->digest, e);
	return ERR_NONE;
}

/* ---- statements ---- */

/* The head of the row that is that manifest, or NULL. */
static const struct changes_head *head_of(struct taking *t,
					  struct digest digest)
{
	for (size_t i = 0; i < t->row->heads_count; i++) {
		struct manifest *m = arena_alloc(&t->arena, sizeof(*m));

		if (m &&
		    !failed(manifest_decode(t->row->heads[i].manifest,
					    &t->arena, m)) &&
		    digest_eq(m->digest, digest))
			return &t->row->heads[i];
	}
	return NULL;
}

/*
 * Statement 1 is the first manifest.  Where it still is a head it is taken as
 * one, with all that is asked of a head; most often it is superseded, and
 * then no more than a statement.
 */
static struct err take_first(struct taking *t,
			     const struct changes_statement *s)
{
	struct manifest *m = arena_alloc(&t->arena, sizeof(*m));
	struct seal *seal = arena_alloc(&t->arena, sizeof(*seal));
	struct err e = arena_check(&t->arena);

	if (failed(e))
		return e;
	if (t->old && t->old->statements_count &&
	    t->old->statements[0].number == 1)
		return ERR_NONE;
	e = manifest_decode(s->jws, &t->arena, m);
	if (!failed(e) && !manifest_is_first(m))
		e = err_make(ERR_MALFORMED, "statement 1 is no first manifest");
	if (!failed(e))
		t->first = head_of(t, m->digest);
	if (!failed(e) && t->first)
		return take_head(t, t->first);
	if (!failed(e))
		e = manifest_proved(t, m, s->seal, seal);
	if (!failed(e))
		e = resolve_head(t, m, seal, s->seal, NULL, 0, span_of(NULL, 0),
				 true);
	if (failed(e))
		return refuse(t, m->digest, e);
	return ERR_NONE;
}

static struct err take_statement(struct taking *t,
				 const struct changes_statement *cs)
{
	struct statement *s = arena_alloc(&t->arena, sizeof(*s));
	struct seal *seal = arena_alloc(&t->arena, sizeof(*seal));
	struct resolve_statement in = {.statement = s,
				       .opening = t->row->opening,
				       .from = t->in->from,
				       .now = t->in->now,
				       .seal = seal,
				       .seal_blob = cs->seal};
	struct resolve_result result;
	struct err e = arena_check(&t->arena);

	if (failed(e))
		return e;
	e = statement_decode(cs->jws, &t->arena, s);
	if (!failed(e) && !doc_id_eq(s->id, t->row->id))
		e = err_make(ERR_FOREIGN_ID, "a statement of another document");
	if (!failed(e))
		e = statement_proved(t, s, cs->seal, seal);
	if (!failed(e)) {
		in.evaluable = !s->must_understand;
		if (s->kind == STATEMENT_LABEL) {
			struct err judged =
				t->in->judge.label(t->in->judge.self,
						   t->in->txn, s->label);

			if (ours(judged))
				return judged;
			in.evaluable = in.evaluable && !failed(judged);
		}
		e = resolve_statement(t->old, &in, &t->arena, &result);
	}
	if (failed(e))
		return refuse(t, s->digest, e);
	return outcome(t, s->digest, &result);
}

/* ---- the row ---- */

/* A head that one of our own authors made: its home may not have it yet. */
static bool has_own_edit(const struct taking *t)
{
	for (size_t h = 0; h < t->old->heads_count; h++)
		if (nation_eq(t->old->heads[h].seals[0].dot.replica.nation,
			      t->in->self))
			return true;
	return false;
}

static struct err set_condition(struct taking *t, uint64_t condition)
{
	struct resolve_result result;
	struct err e = resolve_condition(t->old, condition, &t->arena, &result);

	if (!failed(e) && result.outcome == RESOLVE_ACCEPTED)
		e = apply(t, &result);
	return e;
}

/*
 * Its home says "gone".  What came from there goes at once; an edit made here
 * that it may not have yet is hidden from our readers and kept until its own
 * cursor has passed it (import_returned), so that no edit is lost.
 */
static struct err withdraw(struct taking *t)
{
	struct returning returning = {t->row->id, t->row->home, {0}};
	struct resolve_result result;
	struct err e;

	/* Only its home says "gone" for all. */
	if (!t->old || !nation_eq(t->row->home, t->in->from) ||
	    t->old->state != DOCUMENT_LIVE)
		return ERR_NONE;
	if (has_own_edit(t)) {
		if (t->old->condition == SHELF_CONDITION_RETURNING)
			return ERR_NONE;
		e = set_condition(t, SHELF_CONDITION_RETURNING);
		returning.seq = t->last;
		if (!failed(e))
			e = returning_put(t->in->txn, &returning);
		return e;
	}
	e = resolve_withdraw(t->old, &t->arena, &result);
	if (failed(e))
		return e;
	if (result.outcome == RESOLVE_ACCEPTED)
		e = apply(t, &result);
	return e;
}

/* The home shows it to us again: it is back for our readers too. */
static struct err come_back(struct taking *t)
{
	struct err e;

	if (!t->old || t->old->condition != SHELF_CONDITION_RETURNING ||
	    !nation_eq(t->row->home, t->in->from))
		return ERR_NONE;
	e = returning_del(t->in->txn, t->row->id);
	if (!failed(e))
		e = set_condition(t, SHELF_CONDITION_NONE);
	return e;
}

/*
 * A row of the home is all that it shows us now.  A label that was narrowed
 * over one head takes that one back, although others stay.  (Without a newer
 * statement what is missing was superseded; if what superseded it was refused
 * here, it stays meanwhile.)
 */
static struct err take_back(struct taking *t, uint64_t refused)
{
	const struct changes_row *row = t->row;
	struct digest *shown =
		arena_array(&t->arena, row->heads_count, sizeof(*shown));
	struct resolve_result result;
	struct err e = arena_check(&t->arena);

	if (failed(e) || !t->old || t->old->state != DOCUMENT_LIVE ||
	    !nation_eq(row->home, t->in->from) ||
	    (t->in->refused != refused &&
	     row->number <= document_number(t->old)))
		return e;
	for (size_t i = 0; i < row->heads_count; i++) {
		struct manifest *m = arena_alloc(&t->arena, sizeof(*m));

		if (!m || failed(manifest_decode(row->heads[i].manifest,
						 &t->arena, m)))
			return arena_check(&t->arena); /* not all is known */
		shown[i] = m->digest;
	}
	e = resolve_shown(t->old, shown, row->heads_count, &t->arena, &result);
	if (!failed(e) && result.outcome == RESOLVE_ACCEPTED)
		e = apply(t, &result);
	return e;
}

static struct err take(struct taking *t)
{
	const struct changes_row *row = t->row;
	uint64_t refused = t->in->refused;
	struct digest none = {0};
	struct err e = docid_check(row->id, &row->opening, row->home);

	if (failed(e))
		return refuse(t, none, e);
	/* Originator control: a nation passes on its own documents, and its
	 * edits of ours. */
	if (!nation_eq(row->home, t->in->from) &&
	    !nation_eq(row->home, t->in->self))
		return refuse(t, none,
			      err_make(ERR_FORBIDDEN,
				       "a third nation's document, and no "
				       "transit rule of its home"));
	e = reload(t);
	if (!failed(e) && row->heads_count)
		e = come_back(t);
	for (size_t i = 0; !failed(e) && i < row->statements_count; i++)
		if (row->statements[i].first)
			e = take_first(t, &row->statements[i]);
	for (size_t i = 0; !failed(e) && i < row->statements_count; i++)
		if (!row->statements[i].first)
			e = take_statement(t, &row->statements[i]);
	for (size_t i = 0; !failed(e) && i < row->heads_count; i++)
		if (&row->heads[i] != t->first)
			e = take_head(t, &row->heads[i]);
	if (!failed(e))
		e = row->heads_count ? take_back(t, refused) : withdraw(t);
	return e;
}

struct err import_row(struct import *in, const struct changes_row *row)
{
	struct taking t = {.in = in, .row = row};
	struct err e;

	arena_init(&t.arena, ROW_ARENA_MAX);
	e = take(&t);
	arena_clear(&t.arena);
	return e;
}

struct err import_unshown(struct import *in, struct doc_id doc, uint32_t shelf)
{
	struct changes_row row = {.id = doc, .home = in->from};
	struct taking t = {.in = in, .row = &row};
	struct digest shown[DOCUMENT_HEADS_MAX];
	struct resolve_result result;
	size_t count = 0;
	struct err e;

	arena_init(&t.arena, ROW_ARENA_MAX);
	e = reload(&t);
	if (failed(e) || !t.old || !nation_eq(t.old->home, in->from) ||
	    t.old->state != DOCUMENT_LIVE)
		goto out;
	for (size_t i = 0; i < t.old->heads_count; i++)
		if (t.old->heads[i].shelf != shelf)
			shown[count++] = t.old->heads[i].digest;
	if (!count) {
		e = withdraw(&t);
		goto out;
	}
	e = resolve_shown(t.old, shown, count, &t.arena, &result);
	if (!failed(e) && result.outcome == RESOLVE_ACCEPTED)
		e = apply(&t, &result);
out:
	arena_clear(&t.arena);
	return e;
}

struct err import_returned(struct import *in, struct doc_id doc)
{
	struct changes_row row = {.id = doc};
	struct taking t = {.in = in, .row = &row};
	struct resolve_result result;
	struct err e;

	arena_init(&t.arena, ROW_ARENA_MAX);
	e = returning_del(in->txn, doc);
	if (!failed(e))
		e = reload(&t);
	if (failed(e) || !t.old || t.old->state != DOCUMENT_LIVE ||
	    t.old->condition != SHELF_CONDITION_RETURNING)
		goto out;
	e = set_condition(&t, SHELF_CONDITION_NONE);
	if (!failed(e))
		e = resolve_withdraw(t.old, &t.arena, &result);
	if (!failed(e) && result.outcome == RESOLVE_ACCEPTED)
		e = apply(&t, &result);
out:
	arena_clear(&t.arena);
	return e;
}

bool import_has_head(const struct document *doc, struct digest manifest)
{
	const struct document_head *head =
		doc ? document_head(doc, manifest) : NULL;

	if (!head || head->place == DOCUMENT_CONTENT_ABSENT)
		return false;
	for (size_t i = 0; i < head->keys_count; i++)
		if (!head->keys[i].present)
			return false;
	return true;
}
