/* The MAC on every record, and helpers for values. */
#include "storage/record.h"

#include "proto/crypto/domain.h"

/* What stands before the value, put together without memory of the heap. */
enum { HEAD_MAX = 512 };

struct head {
	uint8_t at[HEAD_MAX];
	size_t len;
	bool bad;
};

static void head_put(struct head *h, struct span bytes)
{
	h->bad |= bytes.len > sizeof(h->at) - h->len;
	if (h->bad || !bytes.len)
		return;
	memcpy(h->at + h->len, bytes.at, bytes.len);
	h->len += bytes.len;
}

static void head_put_var(struct head *h, struct span bytes)
{
	uint8_t len[2] = {(uint8_t)(bytes.len >> 8), (uint8_t)bytes.len};

	head_put(h, SPAN_OBJ(len));
	head_put(h, bytes);
}

struct err record_mac(struct hmac *work, const struct hmac_key *mac_key,
		      struct span store_id, const char *table, struct span key,
		      struct span value, uint8_t out[RECORD_MAC_LEN])
{
	uint8_t full[CRYPTO_SHA256], len[4];
	struct head head;
	struct err e;

	head.len = 0;
	head.bad = value.len > UINT32_MAX;
	head_put_var(&head, span_str(domain_string(DOMAIN_RECORD)));
	head_put(&head, store_id);
	head_put_var(&head, span_str(table));
	head_put_var(&head, key);
	for (size_t i = 0; i < sizeof(len); i++)
		len[i] = (uint8_t)(value.len >> (24 - 8 * i));
	head_put(&head, SPAN_OBJ(len));
	if (head.bad)
		return err_make(ERR_TOO_LARGE, "a record beyond its MAC");
	e = hmac_begin(work, mac_key);
	if (!failed(e))
		e = hmac_update(work, span_of(head.at, head.len));
	if (!failed(e))
		e = hmac_update(work, value);
	if (!failed(e))
		e = hmac_final(work, full);
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
