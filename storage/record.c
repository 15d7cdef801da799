/* The MAC on every record, and helpers for values. */
#include "storage/record.h"

#include "proto/crypto/crypto.h"
#include "proto/crypto/domain.h"

struct err record_mac(struct span mac_key, struct span store_id,
		      const char *table, struct span key, struct span value,
		      struct buf *scratch, uint8_t out[RECORD_MAC_LEN])
{
	uint8_t full[CRYPTO_HASH_MAX];
	struct err e;

	buf_reset(scratch);
	encode_domain(scratch, DOMAIN_RECORD);
	buf_put(scratch, store_id);
	buf_put_var(scratch, span_str(table));
	buf_put_var(scratch, key);
	record_put_long(scratch, value);
	e = buf_check(scratch);
	if (!failed(e))
		e = crypto_hmac(CRYPTO_SHA256, mac_key, buf_span(scratch),
				full);
	if (!failed(e))
		memcpy(out, full, RECORD_MAC_LEN);
	return e;
}

void record_put_doc_id(struct buf *b, struct doc_id id)
{
	buf_put(b, SPAN_OBJ(id.at));
}

void record_put_digest(struct buf *b, struct digest d)
{
	buf_put(b, SPAN_OBJ(d.at));
}

void record_put_key_id(struct buf *b, struct key_id k)
{
	buf_put(b, SPAN_OBJ(k.at));
}

void record_put_nation(struct buf *b, struct nation n)
{
	buf_put(b, SPAN_OBJ(n.code));
}

void record_put_replica(struct buf *b, struct replica r)
{
	record_put_nation(b, r.nation);
	buf_put_u64(b, r.number);
}

void record_put_long(struct buf *b, struct span bytes)
{
	if (bytes.len > UINT32_MAX) {
		b->bad = true;
		return;
	}
	buf_put_u32(b, (uint32_t)bytes.len);
	buf_put(b, bytes);
}

struct doc_id record_read_doc_id(struct span_reader *r)
{
	struct doc_id id;

	span_read_into(r, id.at, sizeof(id.at));
	return id;
}

struct digest record_read_digest(struct span_reader *r)
{
	struct digest d;

	span_read_into(r, d.at, sizeof(d.at));
	return d;
}

struct key_id record_read_key_id(struct span_reader *r)
{
	struct key_id k;

	span_read_into(r, k.at, sizeof(k.at));
	return k;
}

struct nation record_read_nation(struct span_reader *r)
{
	struct nation n;

	span_read_into(r, n.code, sizeof(n.code));
	return n;
}

struct replica record_read_replica(struct span_reader *r)
{
	struct replica replica;

	replica.nation = record_read_nation(r);
	replica.number = span_read_u64(r);
	return replica;
}

struct span record_read_long(struct span_reader *r)
{
	uint32_t len = span_read_u32(r);

	return span_read_raw(r, len);
}

struct err record_read_end(const struct span_reader *r, const char *what)
{
	if (!span_read_done(r))
		return err_make(ERR_CORRUPT, what);
	return ERR_NONE;
}
