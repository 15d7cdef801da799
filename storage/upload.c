/* Upload leases. */
#include "storage/upload.h"

#include "storage/record.h"

enum { UPLOAD_ROW_MAX = 256 };

struct err upload_put(struct txn *txn, const struct upload *upload)
{
	struct buf b;
	struct err e;

	buf_init(&b, UPLOAD_ROW_MAX);
	record_put_doc_id(&b, upload->doc);
	record_put_key_id(&b, upload->author);
	record_put_digest(&b, upload->table);
	buf_put_u64(&b, upload->size);
	record_put_digest(&b, upload->parent);
	buf_put_u64(&b, upload->total);
	buf_put_u64(&b, upload->offset);
	buf_put_u64(&b, upload->time);
	e = buf_check(&b);
	if (!failed(e))
		e = txn_put(txn, TABLE_UPLOADS, key_upload(upload->id),
			    buf_span(&b));
	buf_clear(&b);
	return e;
}

static struct err decode(struct span id, struct span value, struct upload *out)
{
	struct span_reader r = span_read(value);
	struct upload u;
	struct err e;

	if (id.len != LEASE_ID_LEN)
		return err_make(ERR_CORRUPT, "an upload's key is malformed");
	memcpy(u.id, id.at, LEASE_ID_LEN);
	u.doc = record_read_doc_id(&r);
	u.author = record_read_key_id(&r);
	u.table = record_read_digest(&r);
	u.size = span_read_u64(&r);
	u.parent = record_read_digest(&r);
	u.total = span_read_u64(&r);
	u.offset = span_read_u64(&r);
	u.time = span_read_u64(&r);
	e = record_read_end(&r, "an upload's record is malformed");
	if (!failed(e))
		*out = u;
	return e;
}

struct err upload_get(struct txn *txn, const uint8_t id[LEASE_ID_LEN],
		      struct upload *out)
{
	struct span value;
	struct err e = txn_get(txn, TABLE_UPLOADS, key_upload(id), &value);

	return failed(e) ? e : decode(span_of(id, LEASE_ID_LEN), value, out);
}

struct err upload_del(struct txn *txn, const uint8_t id[LEASE_ID_LEN])
{
	struct err e = txn_del(txn, TABLE_UPLOADS, key_upload(id));

	return e.code == ERR_NOT_FOUND ? ERR_NONE : e;
}

struct err upload_next(struct txn *txn, struct upload *out)
{
	struct key after = key_upload(out->id);
	struct txn_cursor *cursor = NULL;
	struct txn_row row;
	struct err e;

	e = txn_cursor_open(txn, TABLE_UPLOADS, key_empty(), &cursor);
	if (!failed(e))
		e = txn_cursor_seek(cursor, after, &row);
	if (!failed(e) && span_eq(row.key, key_span(&after)))
		e = txn_cursor_next(cursor, &row);
	if (!failed(e))
		e = decode(row.key, row.value, out);
	txn_cursor_close(cursor);
	return e;
}

struct err upload_count(struct txn *txn, struct key_id author, unsigned *out)
{
	struct txn_cursor *cursor = NULL;
	struct txn_row row;
	struct upload u;
	unsigned count = 0;
	struct err e;

	e = txn_cursor_open(txn, TABLE_UPLOADS, key_empty(), &cursor);
	while (!failed(e)) {
		e = txn_cursor_next(cursor, &row);
		if (!failed(e))
			e = decode(row.key, row.value, &u);
		if (!failed(e) && key_id_eq(u.author, author))
			count++;
	}
	txn_cursor_close(cursor);
	if (e.code != ERR_NOT_FOUND)
		return e;
	*out = count;
	return ERR_NONE;
}
