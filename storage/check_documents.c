/* Documents against all that they name, and the feed against them. */
#include <stdlib.h>

#include "proto/document/segment.h"
#include "proto/document/statement.h"
#include "storage/check_inside.h"
#include "storage/label_store.h"
#include "storage/record.h"

/* A document that is being looked at, with its key on the disk. */
struct look {
	struct check *c;
	const struct document *doc;
	struct span key;
};

static void fault(const struct look *l, const char *what)
{
	check_fault(l->c, TABLE_DOCUMENTS, l->key, what);
}

/* ---- what was signed, and what the record says of it ---- */

static bool same_parents(const struct manifest *m,
			 const struct document_head *h)
{
	return m->parents_count == h->parents_count &&
	       (h->parents_count == 0 ||
		memcmp(m->parents, h->parents,
		       h->parents_count * sizeof(h->parents[0])) == 0);
}

static bool same_keys(const struct manifest *m, const struct document_head *h)
{
	if (m->keys_count != h->keys_count)
		return false;
	for (size_t i = 0; i < m->keys_count; i++)
		if (!digest_eq(m->keys[i], h->keys[i].commitment))
			return false;
	return true;
}

static void check_manifest(const struct look *l, const struct document_head *h)
{
	struct arena *arena = &l->c->arena;
	struct manifest m;

	if (failed(manifest_decode_stored(h->payload, h->signature, arena,
					  &m))) {
		fault(l, "a manifest is not of its form");
		return;
	}
	if (!digest_eq(m.digest, h->digest))
		fault(l, "a manifest has not the digest that names it");
	if (!doc_id_eq(m.id, l->doc->id))
		fault(l, "a manifest is another document's");
	if (!key_id_eq(m.author, h->author) || m.serial != h->serial ||
	    m.statement != h->statement || !digest_eq(m.label, h->label) ||
	    m.size != h->size || !digest_eq(m.table, h->table) ||
	    m.priority != h->priority || !same_parents(&m, h) ||
	    !same_keys(&m, h))
		fault(l, "the record says other things than its manifest");
}

static void check_label(const struct look *l, struct digest label)
{
	if (!check_has(l->c, TABLE_LABELS, key_label(label)))
		fault(l, "a label that it stands under is not kept");
}

static void check_author(const struct look *l, struct key_id author)
{
	if (!check_has(l->c, TABLE_AUTHORS, key_author(author)))
		fault(l, "the record of an author is not kept");
}

static void check_seal(const struct look *l, const struct document_seal *s,
		       enum seal_kind kind, struct digest digest,
		       struct key_id author)
{
	struct seal_subject subject = {kind, l->doc->id, digest, author};
	struct seal_word word;
	struct digest core;
	struct seal seal;

	if (failed(document_word(s, kind, &word))) {
		fault(l, "what a seal says is not of its form");
	} else if (s->group) {
		if (failed(seal_core(&subject, &word, &core)))
			fault(l, "what a seal says is not of its form");
		else
			check_leaf(l->c, s->group, s->leaf, core, l->key);
	} else if (failed(seal_decode(s->blob, &seal)) ||
		   failed(seal_check_path(&seal, &subject))) {
		fault(l, "a foreign seal does not fit its revision");
	}
}

static void check_statement(const struct look *l,
			    const struct document_statement *s)
{
	struct statement st;
	struct manifest m;
	bool first = s->number == 1;
	struct digest digest;
	struct err e;

	if (first) {
		e = manifest_decode_stored(s->payload, s->signature,
					   &l->c->arena, &m);
		digest = m.digest;
	} else {
		e = statement_decode_stored(s->payload, s->signature,
					    &l->c->arena, &st);
		digest = st.digest;
	}
	if (failed(e))
		fault(l, "a statement is not of its form");
	else if (!digest_eq(digest, s->digest))
		fault(l, "a statement has not the digest that names it");
	if (s->kind == STATEMENT_LABEL)
		check_label(l, s->label);
	check_author(l, s->author);
	check_seal(l, &s->seal, first ? SEAL_REVISION : SEAL_STATEMENT,
		   s->digest, s->author);
}

/* ---- content and keys ---- */

static void check_content(const struct look *l, const struct document_head *h)
{
	struct check *c = l->c;
	struct span table;

	if (h->place == DOCUMENT_CONTENT_INLINE) {
		if (failed(segment_blob_check(l->doc->content, h->size,
					      h->table, h->keys_count)))
			fault(l, "the content is not what its manifest says");
		return;
	}
	if (h->place != DOCUMENT_CONTENT_SEGMENTS)
		return;
	switch (check_find(c, TABLE_SEGMENT_TABLES,
			   key_segment_table(l->doc->id, h->table), &table)) {
	case CHECK_MISSING:
		fault(l, "the table of its content is missing");
		return;
	case CHECK_UNREADABLE:
		return;
	case CHECK_THERE:
		break;
	}
	if (failed(segment_table_check(table, h->size, h->table,
				       h->keys_count)))
		fault(l, "the table of its content is not the manifest's");
}

static void check_keys(const struct look *l, const struct document_head *h)
{
	const struct document *doc = l->doc;
	uint8_t key[CRYPTO_KEY_LEN];
	struct err e;

	for (size_t i = 0; i < h->keys_count && l->c->order->ring; i++) {
		if (!h->keys[i].present)
			continue;
		e = ring_unwrap(l->c->order->ring, doc->slot, doc->id,
				h->keys[i].commitment, h->keys[i].wrapped, key);
		wipe(key, sizeof(key));
		if (e.code == ERR_NOT_FOUND)
			fault(l, "the slot of its keys is not in the ring");
		else if (failed(e))
			fault(l, "a key at rest does not open under its slot");
	}
}

static void check_slot(const struct look *l)
{
	const struct document *doc = l->doc;

	if (!doc->slot)
		return;
	if (check_has(l->c, TABLE_SLOTS, key_slot_document(doc->slot, doc->id)))
		l->c->slots_named++;
	else
		fault(l, "the slot of its keys does not name it");
}

/* ---- the feed ---- */

static void check_row(const struct look *l, const struct document_row *row)
{
	struct span value;
	struct span_reader r;
	enum check_look found =
		check_find(l->c, TABLE_FEED, key_feed(row->shelf, row->seq),
			   &value);

	if (found == CHECK_MISSING)
		fault(l, "a row of the feed is missing");
	l->c->rows_named += found != CHECK_MISSING;
	if (found != CHECK_THERE)
		return;
	r = span_read(value);
	if (!doc_id_eq(record_read_doc_id(&r), l->doc->id) ||
	    span_read_u8(&r) != row->gone || span_read_u64(&r) != row->time ||
	    !span_read_done(&r))
		fault(l, "a row of the feed says other things than the record");
}

/* Heads stand on the shelf of their labels, and each such shelf has a row
 * that is not gone. */
static void check_shelf(const struct look *l, const struct document_head *h)
{
	const struct document *doc = l->doc;
	struct digest labels[DOCUMENT_STANDS_MAX], name;
	size_t count = document_labels(doc, h, labels);
	uint32_t number = SHELF_NONE;
	bool stands = false;
	struct err e;

	if (h->shelf == SHELF_NONE)
		return;
	e = shelf_row_name(doc->opening.space, labels, count, doc->condition,
			   &name);
	if (!failed(e))
		e = shelf_by_name(l->c->txn[STORE_RECORDS], name, &number);
	if (e.code != ERR_CORRUPT && number != h->shelf)
		fault(l, "a head stands on a shelf that is not its labels'");
	for (size_t i = 0; i < doc->rows_count && !stands; i++)
		stands = doc->rows[i].shelf == h->shelf && !doc->rows[i].gone;
	if (!stands)
		fault(l, "a head stands on a shelf without a row");
}

static void check_rows(const struct look *l)
{
	const struct document *doc = l->doc;

	for (size_t i = 0; i < doc->rows_count; i++) {
		const struct document_row *row = &doc->rows[i];
		bool head = false;

		check_row(l, row);
		if (i && doc->rows[i - 1].shelf >= row->shelf)
			fault(l, "it has two rows on one shelf");
		for (size_t h = 0; h < doc->heads_count; h++)
			head = head || doc->heads[h].shelf == row->shelf;
		if (!row->gone && !head)
			fault(l, "a row of the feed stands without a head");
	}
}

struct err check_feed_row(struct check *c, const struct txn_row *row)
{
	struct span_reader r = span_read(row->value);
	uint32_t shelf = 0;
	struct seq seq = {0};
	uint64_t bit;

	c->found.feed_rows++;
	c->rows_seen++;
	span_read_raw(&r, DOC_ID_LEN + 1 + 8);
	if (failed(key_feed_decode(row->key, &shelf, &seq)) ||
	    !span_read_done(&r) || seq.n == 0) {
		check_fault(c, TABLE_FEED, row->key,
			    "a row is not of its form");
		return ERR_NONE;
	}
	if (shelf > c->shelves)
		check_fault(c, TABLE_FEED, row->key,
			    "a row on a shelf that was never made");
	if (seq.n > c->sequence) {
		check_fault(c, TABLE_FEED, row->key,
			    "a sequence beyond the counter");
		return ERR_NONE;
	}
	if (!c->sequences)
		return ERR_NONE;
	bit = UINT64_C(1) << (seq.n % 64);
	if (c->sequences[seq.n / 64] & bit)
		check_fault(c, TABLE_FEED, row->key, "a sequence stands twice");
	c->sequences[seq.n / 64] |= bit;
	return ERR_NONE;
}

/* ---- one document ---- */

struct err check_document(struct check *c, const struct txn_row *row)
{
	struct document doc;
	struct look l = {c, &doc, row->key};
	struct err e;

	c->found.documents++;
	if (failed(document_decode(row->value, &c->arena, &doc))) {
		fault(&l, "the record is not of its form");
		return ERR_NONE;
	}
	if (!span_eq(SPAN_OBJ(doc.id.at), row->key))
		fault(&l, "the record is another document's");
	if (failed(docid_check(doc.id, &doc.opening, doc.home)))
		fault(&l, "its opening does not make its id");
	for (size_t i = 0; i < doc.heads_count; i++) {
		const struct document_head *h = &doc.heads[i];

		check_manifest(&l, h);
		check_label(&l, h->label);
		check_author(&l, h->author);
		for (size_t s = 0; s < h->seals_count; s++)
			check_seal(&l, &h->seals[s], SEAL_REVISION, h->digest,
				   h->author);
		check_shelf(&l, h);
		check_content(&l, h);
		check_keys(&l, h);
	}
	for (size_t i = 0; i < doc.statements_count; i++)
		check_statement(&l, &doc.statements[i]);
	check_slot(&l);
	check_rows(&l);
	e = check_gather(c, &doc);
	c->segments_named += c->named_count;
	c->named_count = 0;
	if (!failed(e) && c->arena.full)
		e = err_make(ERR_NO_MEMORY, "the check");
	return e;
}
