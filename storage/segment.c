/* Sealed content in the segments environment. */
#include "storage/segment.h"

#include "proto/document/segment.h"

static struct err put_once(struct txn *txn, enum table table, struct key key,
			   struct span bytes)
{
	struct err e = txn_put_new(txn, table, key, bytes);

	return e.code == ERR_EXISTS ? ERR_NONE : e;
}

static struct err del_if(struct txn *txn, enum table table, struct key key)
{
	struct err e = txn_del(txn, table, key);

	return e.code == ERR_NOT_FOUND ? ERR_NONE : e;
}

struct err segment_put(struct txn *txn, struct doc_id doc,
		       struct digest segment, struct span sealed)
{
	if (sealed.len > SEGMENT_STORED_MAX)
		return err_make(ERR_TOO_LARGE, "a segment beyond the cap");
	return put_once(txn, TABLE_SEGMENTS, key_segment(doc, segment), sealed);
}

struct err segment_has(struct txn *txn, struct doc_id doc,
		       struct digest segment, bool *out)
{
	return txn_has(txn, TABLE_SEGMENTS, key_segment(doc, segment), out);
}

struct err segment_get(struct txn *txn, struct doc_id doc,
		       struct digest segment, uint64_t offset, uint64_t len,
		       struct span *out)
{
	struct span whole;
	struct err e;

	e = txn_get(txn, TABLE_SEGMENTS, key_segment(doc, segment), &whole);
	if (failed(e))
		return e;
	if (offset > whole.len)
		return err_make(ERR_RANGE, "beyond the end of a segment");
	if (len > whole.len - offset)
		len = whole.len - offset;
	*out = span_sub(whole, offset, len);
	return ERR_NONE;
}

struct err segment_del(struct txn *txn, struct doc_id doc,
		       struct digest segment)
{
	return del_if(txn, TABLE_SEGMENTS, key_segment(doc, segment));
}

struct err segment_table_put(struct txn *txn, struct doc_id doc,
			     struct digest table, struct span blob)
{
	if (blob.len > SEGMENT_TABLE_MAX)
		return err_make(ERR_TOO_LARGE, "a table beyond the cap");
	return put_once(txn, TABLE_SEGMENT_TABLES,
			key_segment_table(doc, table), blob);
}

struct err segment_table_get(struct txn *txn, struct doc_id doc,
			     struct digest table, struct span *out)
{
	return txn_get(txn, TABLE_SEGMENT_TABLES, key_segment_table(doc, table),
		       out);
}

struct err segment_table_del(struct txn *txn, struct doc_id doc,
			     struct digest table)
{
	return del_if(txn, TABLE_SEGMENT_TABLES, key_segment_table(doc, table));
}

/* ---- walking, for collection ---- */

/* The first row of `table` under `prefix` strictly after `after`. */
static struct err row_after(struct txn *txn, enum table table,
			    struct key prefix, struct key after,
			    struct key *out)
{
	struct txn_cursor *cursor = NULL;
	struct txn_row row;
	struct err e;

	e = txn_cursor_open(txn, table, prefix, &cursor);
	if (!failed(e))
		e = txn_cursor_seek(cursor, after, &row);
	if (!failed(e) && span_eq(row.key, key_span(&after)))
		e = txn_cursor_next(cursor, &row);
	if (!failed(e))
		*out = key_raw(row.key);
	txn_cursor_close(cursor);
	return e;
}

static struct err next_digest(struct txn *txn, enum table table,
			      struct doc_id doc, struct digest *digest)
{
	struct key found;
	struct err e;

	e = row_after(txn, table, key_document(doc), key_segment(doc, *digest),
		      &found);
	if (!failed(e) && found.len != DOC_ID_LEN + DIGEST_LEN)
		e = err_make(ERR_CORRUPT, "a segment's key is malformed");
	if (!failed(e))
		memcpy(digest->at, found.at + DOC_ID_LEN, DIGEST_LEN);
	return e;
}

struct err segment_next(struct txn *txn, struct doc_id doc,
			struct digest *digest)
{
	return next_digest(txn, TABLE_SEGMENTS, doc, digest);
}

struct err segment_table_next(struct txn *txn, struct doc_id doc,
			      struct digest *digest)
{
	return next_digest(txn, TABLE_SEGMENT_TABLES, doc, digest);
}

/* The document of the first row of `table` after all of `doc`. */
static struct err next_document(struct txn *txn, enum table table,
				struct doc_id doc, struct doc_id *out)
{
	struct key after = key_after_prefix(key_document(doc));
	struct key found;
	struct err e;

	if (after.len == 0)
		return err_make(ERR_NOT_FOUND, "no more documents");
	e = row_after(txn, table, key_empty(), after, &found);
	if (!failed(e) && found.len < DOC_ID_LEN)
		e = err_make(ERR_CORRUPT, "a segment's key is malformed");
	if (!failed(e))
		memcpy(out->at, found.at, DOC_ID_LEN);
	return e;
}

struct err segment_next_document(struct txn *txn, struct doc_id *doc)
{
	struct doc_id a, b;
	struct err ea, eb;

	ea = next_document(txn, TABLE_SEGMENTS, *doc, &a);
	if (failed(ea) && ea.code != ERR_NOT_FOUND)
		return ea;
	eb = next_document(txn, TABLE_SEGMENT_TABLES, *doc, &b);
	if (failed(eb) && eb.code != ERR_NOT_FOUND)
		return eb;
	if (failed(ea) && failed(eb))
		return ea;
	if (failed(ea) || (!failed(eb) && memcmp(b.at, a.at, DOC_ID_LEN) < 0))
		a = b;
	*doc = a;
	return ERR_NONE;
}

static struct err del_all(struct txn *txn, enum table table, struct key prefix)
{
	struct txn_cursor *cursor = NULL;
	struct txn_row row;
	struct err e;

	e = txn_cursor_open(txn, table, prefix, &cursor);
	while (!failed(e)) {
		e = txn_cursor_next(cursor, &row);
		if (!failed(e))
			e = txn_cursor_del(cursor);
	}
	txn_cursor_close(cursor);
	return e.code == ERR_NOT_FOUND ? ERR_NONE : e;
}

struct err segment_del_document(struct txn *txn, struct doc_id doc)
{
	struct err e = del_all(txn, TABLE_SEGMENT_TABLES, key_document(doc));

	return failed(e) ? e : del_all(txn, TABLE_SEGMENTS, key_document(doc));
}

struct err segment_put_blob(struct store *store, struct doc_id doc,
			    uint64_t size, struct digest table,
			    struct span blob)
{
	struct span bytes = span_sub(blob, 0, segment_table_len(size));
	struct txn *txn = NULL;
	struct err e = txn_begin_write(store, STORE_SEGMENTS, &txn);

	for (uint64_t i = 0; !failed(e) && i < segment_count(size); i++)
		e = segment_put(txn, doc, segment_table_at(bytes, i).digest,
				span_sub(blob, segment_offset(size, i),
					 segment_sealed_len(size, i)));
	if (!failed(e))
		e = segment_table_put(txn, doc, table, bytes);
	if (!failed(e))
		e = txn_commit(&txn);
	txn_abort(&txn);
	return e;
}
