/* Hash, MAC, derivation and signature over encodings E. */
#include "proto/document/encoding.h"

struct err encoding_hash(const struct buf *b, struct digest *out)
{
	struct err e = buf_check(b);

	return failed(e) ? e : crypto_sha256(buf_span(b), out);
}

struct err encoding_mac(const uint8_t key[32], const struct buf *b,
			uint8_t out[32])
{
	struct err e = buf_check(b);

	if (failed(e))
		return e;
	return crypto_hmac(CRYPTO_SHA256, span_of(key, 32), buf_span(b), out);
}

struct err encoding_derive(struct span secret, const struct buf *b,
			   uint8_t out[32])
{
	struct err e = buf_check(b);

	if (failed(e))
		return e;
	return crypto_hkdf(secret, span_of(NULL, 0), buf_span(b), out, 32);
}

struct err encoding_sign(const struct crypto_key *key, enum crypto_curve curve,
			 const struct buf *b, uint8_t *sig)
{
	struct err e = buf_check(b);

	if (failed(e))
		return e;
	if (crypto_key_curve(key) != curve)
		return err_make(ERR_UNSUPPORTED, "key on another curve");
	return crypto_sign(key, buf_span(b), sig);
}

struct err encoding_verify(const struct crypto_public *key,
			   enum crypto_curve curve, struct span bytes,
			   struct span sig)
{
	if (crypto_public_curve(key) != curve)
		return err_make(ERR_UNSUPPORTED, "key on another curve");
	if (sig.len != crypto_sig_len(curve))
		return err_make(ERR_SIGNATURE, "signature of a wrong length");
	return crypto_verify(key, bytes, sig);
}

struct err encoding_sign_blob(const struct crypto_key *key, const struct buf *b,
			      struct buf *blob)
{
	uint8_t sig[CRYPTO_SIG_P384_LEN];
	struct err e = encoding_sign(key, CRYPTO_P384, b, sig);

	if (failed(e))
		return e;
	buf_put(blob, buf_span(b));
	buf_put(blob, SPAN_OBJ(sig));
	return buf_check(blob);
}

struct err encoding_split_blob(struct span blob, struct span *tbs,
			       struct span *sig)
{
	if (blob.len < CRYPTO_SIG_P384_LEN)
		return err_make(ERR_MALFORMED, "shorter than a signature");
	*tbs = span_sub(blob, 0, blob.len - CRYPTO_SIG_P384_LEN);
	*sig = span_sub(blob, tbs->len, CRYPTO_SIG_P384_LEN);
	return ERR_NONE;
}

void encoding_read_domain(struct span_reader *r, enum domain d)
{
	if (!span_eq_str(span_read_var(r), domain_string(d)))
		r->bad = true;
}

void encoding_read_nation(struct span_reader *r, struct nation *out)
{
	struct span text = span_read_raw(r, NATION_LEN);

	*out = (struct nation){0};
	if (r->bad || failed(nation_parse(text, out)))
		r->bad = true;
}

void encoding_read_replica(struct span_reader *r, struct replica *out)
{
	encoding_read_nation(r, &out->nation);
	out->number = span_read_u64(r);
	if (out->number == 0)
		r->bad = true;
}

struct err encoding_read_end(const struct span_reader *r)
{
	if (!span_read_done(r))
		return err_make(ERR_MALFORMED, "encoding of another form");
	return ERR_NONE;
}
