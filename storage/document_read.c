/* Reading documents: for somebody, and for ourselves. */
#include "storage/document_internal.h"
#include "storage/faults.h"
#include "storage/record.h"

struct err document_read_internal(struct txn *txn, struct doc_id id,
				  struct arena *arena, struct document *out)
{
	struct span record;
	struct err e;

	e = txn_get(txn, TABLE_DOCUMENTS, key_document(id), &record);
	if (failed(e))
		return e;
	/* A writer's next put moves what it has read. */
	if (txn_writes(txn)) {
		record = arena_copy(arena, record);
		e = arena_check(arena);
		if (failed(e))
			return e;
	}
	return document_decode(record, arena, out);
}

/*
 * What is not there and what is not visible read the same records, wherever
 * the id would stand: its own, the first at or after it, the last.  For one
 * that is not there the neighbour is decoded in its stead.
 */
static void read_neighbours(struct txn *txn, struct doc_id id, bool decode,
			    struct arena *arena)
{
	struct txn_cursor *c = NULL;
	struct document doc;
	struct txn_row row, last;
	struct err at, e;

	e = txn_cursor_open(txn, TABLE_DOCUMENTS, key_empty(), &c);
	if (failed(e))
		return;
	at = txn_cursor_seek(c, key_document(id), &row);
	e = txn_cursor_last(c, &last);
	if (failed(at))
		row = last;
	if (!failed(e) && decode)
		e = document_decode(row.value, arena, &doc);
	txn_cursor_close(c);
}

struct err document_read_for(struct txn *txn, const struct view *view,
			     struct doc_id id, struct arena *arena,
			     struct document_read *out)
{
	struct document_read read = {.winner = SIZE_MAX};
	struct err e;

	e = document_read_internal(txn, id, arena, &read.doc);
	if (e.code == ERR_NOT_FOUND)
		read_neighbours(txn, id, true, arena);
	if (failed(e))
		return e;
	if (!doc_id_eq(read.doc.id, id))
		return err_make(ERR_CORRUPT, "a document under another's key");
	for (size_t i = 0; i < read.doc.heads_count; i++) {
		read.visible[i] = view_has(view, read.doc.heads[i].shelf);
		read.visible_count += read.visible[i];
	}
	if (read.visible_count == 0) {
		read_neighbours(txn, id, false, arena);
		if (FAULT(exists_told) ||
		    (FAULT(heads_told) && read.doc.serials_count &&
		     read.doc.serials[0].serial > 1))
			return err_make(ERR_CONFLICT, "planted by a test");
		return err_make(ERR_NOT_RELEASABLE, "no head is visible");
	}
	read.winner = document_winner(&read.doc, read.visible);
	*out = read;
	return ERR_NONE;
}

struct err document_put_internal(struct txn *txn, const struct document *doc)
{
	struct buf b;
	struct err e;

	buf_init(&b, DOCUMENT_RECORD_MAX + 65536);
	e = document_encode(doc, &b);
	if (!failed(e))
		e = txn_put(txn, TABLE_DOCUMENTS, key_document(doc->id),
			    buf_span(&b));
	buf_clear(&b);
	return e;
}

struct err document_next_internal(struct txn *txn, struct doc_id *id)
{
	struct txn_cursor *c = NULL;
	struct span_reader r;
	struct doc_id next;
	struct txn_row row;
	struct err e;

	e = txn_cursor_open(txn, TABLE_DOCUMENTS, key_empty(), &c);
	if (!failed(e))
		e = txn_cursor_seek(c, key_document(*id), &row);
	if (!failed(e) && span_eq(row.key, span_of(id->at, DOC_ID_LEN)))
		e = txn_cursor_next(c, &row);
	if (!failed(e)) {
		r = span_read(row.key);
		next = record_read_doc_id(&r);
		e = record_read_end(&r, "a document's key is malformed");
	}
	if (!failed(e))
		*id = next;
	txn_cursor_close(c);
	return e;
}

/* ---- small changes of one record ---- */

static struct err move_keys(struct ring *ring, struct document *doc,
			    uint64_t from, uint64_t to)
{
	uint8_t key[CRYPTO_KEY_LEN];
	struct err e = ERR_NONE;

	for (size_t i = 0; !failed(e) && i < doc->heads_count; i++) {
		struct document_head *h = &doc->heads[i];

		for (size_t j = 0; !failed(e) && j < h->keys_count; j++) {
			struct document_key *k = &h->keys[j];

			if (!k->present)
				continue;
			e = ring_unwrap(ring, from, doc->id, k->commitment,
					k->wrapped, key);
			if (!failed(e))
				e = ring_wrap(ring, to, doc->id, k->commitment,
					      key, k->wrapped);
		}
	}
	wipe(key, sizeof(key));
	return e;
}

struct err document_move(void *self, struct txn *txn, struct ring *ring,
			 struct doc_id id, uint64_t from, uint64_t to)
{
	struct document doc;
	struct arena arena;
	struct err e;

	(void)self;
	arena_init(&arena, DOCUMENT_ARENA_MAX);
	e = document_read_internal(txn, id, &arena, &doc);
	if (failed(e) || doc.slot != from)
		goto out;
	e = move_keys(ring, &doc, from, to);
	if (failed(e))
		goto out;
	doc.slot = to;
	e = document_put_internal(txn, &doc);
out:
	arena_clear(&arena);
	return e;
}

struct err document_content_came(struct txn *txn, struct doc_id id,
				 struct digest table)
{
	struct document doc;
	struct arena arena;
	bool changed = false;
	struct err e;

	arena_init(&arena, DOCUMENT_ARENA_MAX);
	e = document_read_internal(txn, id, &arena, &doc);
	if (failed(e))
		goto out;
	for (size_t i = 0; i < doc.heads_count; i++)
		if (digest_eq(doc.heads[i].table, table) &&
		    doc.heads[i].place == DOCUMENT_CONTENT_ABSENT) {
			doc.heads[i].place = DOCUMENT_CONTENT_SEGMENTS;
			changed = true;
		}
	e = changed ? document_put_internal(txn, &doc)
		    : err_make(ERR_NOT_FOUND, "no head waits for this table");
out:
	arena_clear(&arena);
	return e;
}

struct err document_key_came(struct txn *txn, struct doc_id id,
			     struct digest commitment,
			     const uint8_t wrapped[CRYPTO_WRAPPED_LEN])
{
	struct document doc;
	struct arena arena;
	bool changed = false;
	struct err e;

	arena_init(&arena, DOCUMENT_ARENA_MAX);
	e = document_read_internal(txn, id, &arena, &doc);
	if (failed(e))
		goto out;
	for (size_t i = 0; i < doc.heads_count; i++)
		for (size_t j = 0; j < doc.heads[i].keys_count; j++) {
			struct document_key *k = &doc.heads[i].keys[j];

			if (k->present || !digest_eq(k->commitment, commitment))
				continue;
			memcpy(k->wrapped, wrapped, CRYPTO_WRAPPED_LEN);
			k->present = true;
			changed = true;
		}
	e = changed ? document_put_internal(txn, &doc)
		    : err_make(ERR_NOT_FOUND, "no head waits for this key");
out:
	arena_clear(&arena);
	return e;
}
