/* Receipts of destruction. */
#include "proto/document/receipt.h"

#include "proto/document/encoding.h"

static void encode(const struct receipt *r, struct buf *b)
{
	encode_domain(b, DOMAIN_RECEIPT);
	encoding_put_replica(b, r->replica);
	buf_put(b, SPAN_OBJ(r->document.at));
	encoding_put_digest(b, r->statement);
	buf_put_u8(b, (uint8_t)r->kind);
	buf_put_u64(b, r->backups_expire);
	buf_put_u64(b, r->time);
}

static struct err form_check(const struct receipt *r)
{
	if (r->kind < RECEIPT_KEY_DESTROYED || r->kind > RECEIPT_NOT_HELD ||
	    r->replica.number == 0)
		return err_make(ERR_MALFORMED, "receipt: kind or replica");
	return ERR_NONE;
}

struct err receipt_sign(const struct crypto_key *seal_key, struct receipt *r,
			struct buf *blob)
{
	struct buf b;
	struct err e = form_check(r);

	if (failed(e))
		return e;
	buf_init(&b, RECEIPT_BLOB_MAX);
	encode(r, &b);
	e = encoding_sign(seal_key, CRYPTO_P384, &b, r->signature);
	if (!failed(e)) {
		buf_put(blob, buf_span(&b));
		buf_put(blob, SPAN_OBJ(r->signature));
		e = buf_check(blob);
	}
	buf_clear(&b);
	return e;
}

struct err receipt_decode(struct span blob, struct receipt *out)
{
	struct span_reader r = span_read(blob);
	struct receipt v = {0};
	uint8_t kind;
	struct err e;

	encoding_read_domain(&r, DOMAIN_RECEIPT);
	encoding_read_replica(&r, &v.replica);
	span_read_into(&r, v.document.at, sizeof(v.document.at));
	span_read_into(&r, v.statement.at, sizeof(v.statement.at));
	kind = span_read_u8(&r);
	v.backups_expire = span_read_u64(&r);
	v.time = span_read_u64(&r);
	span_read_into(&r, v.signature, sizeof(v.signature));
	e = encoding_read_end(&r);
	v.kind = kind > RECEIPT_NOT_HELD ? 0 : (enum receipt_kind)kind;
	if (!failed(e))
		e = form_check(&v);
	if (!failed(e))
		*out = v;
	return e;
}

struct err receipt_check(const struct receipt *r,
			 const struct replica_certificate *certificate)
{
	struct buf b;
	struct err e;

	if (!replica_eq(r->replica, certificate->draft.replica))
		return err_make(ERR_UNAUTHENTICATED,
				"receipt of another replica");
	if (!replica_in_time(certificate, r->time))
		return err_make(ERR_TIME, "receipt outside its certificate");
	buf_init(&b, RECEIPT_BLOB_MAX);
	encode(r, &b);
	e = buf_check(&b);
	if (!failed(e))
		e = encoding_verify(certificate->draft.seal, CRYPTO_P384,
				    buf_span(&b), SPAN_OBJ(r->signature));
	buf_clear(&b);
	return e;
}
