#include "relay/reference.h"

#include "proto/base/base64.h"
#include "proto/crypto/domain.h"

static void put_plain(const struct reference *r, const uint8_t random[8],
		      struct buf *out)
{
	buf_put_u64(out, r->time);
	buf_put_u8(out, r->who);
	buf_put(out, SPAN_OBJ(r->who_id));
	buf_put_u8(out, r->has_doc);
	buf_put(out, SPAN_OBJ(r->doc));
	buf_put_u16(out, (uint16_t)r->code);
	buf_put(out, span_of(r->reason, REFERENCE_REASON_LEN));
	buf_put(out, span_of(random, 8));
}

struct err reference_write(const uint8_t key[CRYPTO_SIV_KEY_LEN],
			   uint8_t generation, const struct random *random,
			   const struct reference *reference, struct buf *out)
{
	uint8_t noise[8], sealed[REFERENCE_LEN];
	struct buf plain, aad;
	struct err e = random_fill(random, noise, sizeof(noise));

	buf_init(&plain, REFERENCE_PLAIN_LEN);
	buf_init(&aad, 64);
	if (failed(e))
		goto out;
	put_plain(reference, noise, &plain);
	encode_domain(&aad, DOMAIN_REFERENCE);
	e = buf_check(&plain);
	if (!failed(e))
		e = buf_check(&aad);
	if (!failed(e))
		e = crypto_siv_seal(key, buf_span(&aad), buf_span(&plain),
				    sealed + 1);
	sealed[0] = generation;
	if (!failed(e)) {
		base64url_encode(SPAN_OBJ(sealed), out);
		e = buf_check(out);
	}
out:
	buf_wipe(&plain);
	buf_clear(&aad);
	return e;
}

struct err reference_sealed(struct span text, uint8_t sealed[REFERENCE_LEN])
{
	return base64url_decode_fixed(text, sealed, REFERENCE_LEN);
}

static struct err read_plain(const uint8_t plain[REFERENCE_PLAIN_LEN],
			     struct reference *out)
{
	struct span_reader r = span_read(span_of(plain, REFERENCE_PLAIN_LEN));
	struct reference ref = {.time = span_read_u64(&r)};

	ref.who = span_read_u8(&r);
	span_read_into(&r, ref.who_id, sizeof(ref.who_id));
	ref.has_doc = span_read_u8(&r);
	span_read_into(&r, ref.doc.at, sizeof(ref.doc.at));
	ref.code = (enum err_code)span_read_u16(&r);
	span_read_into(&r, ref.reason, REFERENCE_REASON_LEN);
	if (r.bad)
		return err_make(ERR_CORRUPT, "a reference of another form");
	*out = ref;
	return ERR_NONE;
}

struct err reference_read(const uint8_t key[CRYPTO_SIV_KEY_LEN],
			  const uint8_t sealed[REFERENCE_LEN],
			  struct reference *out)
{
	uint8_t plain[REFERENCE_PLAIN_LEN];
	struct buf aad;
	struct err e;

	buf_init(&aad, 64);
	encode_domain(&aad, DOMAIN_REFERENCE);
	e = buf_check(&aad);
	if (!failed(e))
		e = crypto_siv_open(key, buf_span(&aad),
				    span_of(sealed + 1, REFERENCE_LEN - 1),
				    plain);
	if (e.code == ERR_DIGEST)
		e = err_make(ERR_NOT_FOUND,
			     "the reference was not made by this relay");
	if (!failed(e))
		e = read_plain(plain, out);
	wipe(plain, sizeof(plain));
	buf_clear(&aad);
	return e;
}

struct err reference_standing_key(const uint8_t root_key[32],
				  uint8_t key[CRYPTO_SIV_KEY_LEN])
{
	struct buf info;
	struct err e;

	buf_init(&info, 64);
	encode_domain(&info, DOMAIN_STANDING_REFERENCE);
	e = buf_check(&info);
	if (!failed(e))
		e = crypto_hkdf(span_of(root_key, 32), span_of(NULL, 0),
				buf_span(&info), key, CRYPTO_SIV_KEY_LEN);
	buf_clear(&info);
	return e;
}
