/* Countersignatures of ticks. */
#include "proto/document/witness.h"

#include "proto/document/encoding.h"

static void encode(const struct witness *w, struct buf *b)
{
	encode_domain(b, DOMAIN_WITNESS);
	encoding_put_replica(b, w->by);
	encoding_put_replica(b, w->of);
	buf_put_u64(b, w->minute);
	encoding_put_digest(b, w->tick);
	buf_put_u64(b, w->time);
}

static struct err form_check(const struct witness *w)
{
	if (nation_eq(w->by.nation, w->of.nation))
		return err_make(ERR_MALFORMED, "a witness of its own tick");
	return ERR_NONE;
}

struct err witness_sign(const struct crypto_key *seal_key, struct witness *w,
			struct buf *blob)
{
	struct buf b;
	struct err e = form_check(w);

	if (failed(e))
		return e;
	buf_init(&b, WITNESS_BLOB_MAX);
	encode(w, &b);
	e = encoding_sign(seal_key, CRYPTO_P384, &b, w->signature);
	if (!failed(e)) {
		buf_put(blob, buf_span(&b));
		buf_put(blob, SPAN_OBJ(w->signature));
		e = buf_check(blob);
	}
	buf_clear(&b);
	return e;
}

struct err witness_decode(struct span blob, struct witness *out)
{
	struct span_reader r = span_read(blob);
	struct witness w = {0};
	struct err e;

	encoding_read_domain(&r, DOMAIN_WITNESS);
	encoding_read_replica(&r, &w.by);
	encoding_read_replica(&r, &w.of);
	w.minute = span_read_u64(&r);
	span_read_into(&r, w.tick.at, DIGEST_LEN);
	w.time = span_read_u64(&r);
	span_read_into(&r, w.signature, sizeof(w.signature));
	e = encoding_read_end(&r);
	if (!failed(e))
		e = form_check(&w);
	if (!failed(e))
		*out = w;
	return e;
}

struct err witness_check(const struct witness *w,
			 const struct replica_certificate *certificate)
{
	struct buf b;
	struct err e;

	if (!replica_eq(w->by, certificate->draft.replica))
		return err_make(ERR_UNAUTHENTICATED,
				"witness of another replica");
	if (!replica_in_time(certificate, w->time))
		return err_make(ERR_TIME, "witness outside its certificate");
	buf_init(&b, WITNESS_BLOB_MAX);
	encode(w, &b);
	e = buf_check(&b);
	if (!failed(e))
		e = encoding_verify(certificate->draft.seal, CRYPTO_P384,
				    buf_span(&b), SPAN_OBJ(w->signature));
	buf_clear(&b);
	return e;
}
