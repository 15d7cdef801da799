/* Documents withdrawn with edits on their way home. */
#include "storage/record.h"
#include "storage/returning.h"

struct err returning_put(struct txn *txn, const struct returning *r)
{
	struct buf value;
	struct err e;

	buf_init(&value, 64);
	record_put_nation(&value, r->home);
	buf_put_u64(&value, r->seq.n);
	e = buf_check(&value);
	if (!failed(e))
		e = txn_put(txn, TABLE_RETURNING, key_document(r->doc),
			    buf_span(&value));
	buf_clear(&value);
	return e;
}

struct err returning_del(struct txn *txn, struct doc_id doc)
{
	struct err e = txn_del(txn, TABLE_RETURNING, key_document(doc));

	return e.code == ERR_NOT_FOUND ? ERR_NONE : e;
}

struct err returning_next(struct txn *txn, struct returning *out)
{
	struct key from = key_document(out->doc);
	struct txn_cursor *cursor = NULL;
	struct txn_row row;
	struct err e;

	key_put_u8(&from, 0);
	e = txn_cursor_open(txn, TABLE_RETURNING, key_empty(), &cursor);
	if (!failed(e))
		e = txn_cursor_seek(cursor, from, &row);
	if (!failed(e)) {
		struct span_reader k = span_read(row.key);
		struct span_reader r = span_read(row.value);

		out->doc = record_read_doc_id(&k);
		out->home = record_read_nation(&r);
		out->seq.n = span_read_u64(&r);
		e = record_read_end(&r, "returning");
	}
	txn_cursor_close(cursor);
	return e;
}
