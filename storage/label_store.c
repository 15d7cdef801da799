/* Labels as received, by digest. */
#include "storage/label_store.h"

#include "proto/crypto/crypto.h"
#include "storage/record.h"

struct err label_store_put(struct txn *txn, struct digest digest,
			   struct span xml, struct span canonical)
{
	struct digest have;
	struct buf b;
	struct err e;

	if (xml.len > LABEL_STORE_XML_MAX ||
	    canonical.len > LABEL_STORE_CANONICAL_MAX)
		return err_make(ERR_TOO_LARGE, "a label beyond the cap");
	e = crypto_sha256(xml, &have);
	if (failed(e))
		return e;
	if (!digest_eq(have, digest))
		return err_make(ERR_DIGEST, "a label under another digest");
	buf_init(&b, 8 + LABEL_STORE_XML_MAX + LABEL_STORE_CANONICAL_MAX);
	record_put_long(&b, xml);
	record_put_long(&b, canonical);
	e = buf_check(&b);
	if (!failed(e))
		e = txn_put(txn, TABLE_LABELS, key_label(digest), buf_span(&b));
	buf_clear(&b);
	return e;
}

struct err label_store_get(struct txn *txn, struct digest digest,
			   struct span *xml, struct span *canonical)
{
	struct span value, x, c;
	struct span_reader r;
	struct err e;

	e = txn_get(txn, TABLE_LABELS, key_label(digest), &value);
	if (failed(e))
		return e;
	r = span_read(value);
	x = record_read_long(&r);
	c = record_read_long(&r);
	e = record_read_end(&r, "a label's record is malformed");
	if (failed(e))
		return e;
	if (xml)
		*xml = x;
	if (canonical)
		*canonical = c;
	return ERR_NONE;
}

struct err label_store_next(struct txn *txn, struct digest *digest)
{
	struct key after = key_label(*digest);
	struct txn_cursor *cursor = NULL;
	struct txn_row row;
	struct err e;

	e = txn_cursor_open(txn, TABLE_LABELS, key_empty(), &cursor);
	if (!failed(e))
		e = txn_cursor_seek(cursor, after, &row);
	if (!failed(e) && span_eq(row.key, key_span(&after)))
		e = txn_cursor_next(cursor, &row);
	if (!failed(e) && row.key.len != DIGEST_LEN)
		e = err_make(ERR_CORRUPT, "a label's key is malformed");
	if (!failed(e))
		memcpy(digest->at, row.key.at, DIGEST_LEN);
	txn_cursor_close(cursor);
	return e;
}
