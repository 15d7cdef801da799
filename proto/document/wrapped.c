/* Wrapped keys: HPKE export and AES key wrap (RFC 9180, RFC 3394). */
#include "proto/document/wrapped.h"

#include <stdlib.h>

#include "proto/base/base64.h"
#include "proto/crypto/hpke.h"
#include "proto/document/encoding.h"
#include "proto/document/segment.h"

uint16_t wrapped_suite(enum crypto_curve curve)
{
	return (uint16_t)hpke_suite_for(curve);
}

/* Info of the key schedule: the domain string, as it stands. */
static struct span info(void)
{
	return span_str(domain_string(DOMAIN_KEY));
}

/* The wrapping key of one content key. */
static struct err wrapping_key(const struct hpke_context *context,
			       const struct wrapped *w, struct doc_id document,
			       struct digest commitment,
			       uint8_t out[CRYPTO_KEY_LEN])
{
	struct buf b;
	struct err e;

	buf_init(&b, 192);
	encode_domain(&b, DOMAIN_WRAP);
	buf_put_u16(&b, w->suite);
	buf_put(&b, SPAN_OBJ(w->to.at));
	buf_put(&b, SPAN_OBJ(document.at));
	encoding_put_digest(&b, commitment);
	buf_put_u64(&b, w->until);
	e = buf_check(&b);
	if (!failed(e))
		e = hpke_export(context, buf_span(&b), out, CRYPTO_KEY_LEN);
	buf_clear(&b);
	return e;
}

/* ---- sender ---- */

struct wrapped_sender {
	struct key_id to;
	enum hpke_suite suite;
	struct hpke_enc enc;
	struct hpke_context context;
};

struct err wrapped_sender_new(const struct crypto_public *recipient,
			      const struct random *random,
			      struct wrapped_sender **out)
{
	struct wrapped_sender *s = calloc(1, sizeof(*s));
	struct err e;

	if (!s)
		return err_make(ERR_NO_MEMORY, "wrapping keys");
	s->to = crypto_public_point_id(recipient);
	s->suite = hpke_suite_for(crypto_public_curve(recipient));
	e = hpke_setup_sender(s->suite, recipient, info(), random, &s->enc,
			      &s->context);
	if (failed(e)) {
		wrapped_sender_free(s);
		return e;
	}
	*out = s;
	return ERR_NONE;
}

void wrapped_sender_free(struct wrapped_sender *s)
{
	if (!s)
		return;
	hpke_clear(&s->context);
	free(s);
}

struct err wrapped_make(struct wrapped_sender *s, struct doc_id document,
			struct digest commitment, uint64_t until,
			const uint8_t key[CRYPTO_KEY_LEN], struct wrapped *out)
{
	struct wrapped w = {.to = s->to,
			    .suite = (uint16_t)s->suite,
			    .enc_len = s->enc.len,
			    .until = until};
	uint8_t kek[CRYPTO_KEY_LEN];
	struct err e;

	memcpy(w.enc, s->enc.at, s->enc.len);
	e = wrapping_key(&s->context, &w, document, commitment, kek);
	if (!failed(e))
		e = crypto_key_wrap(kek, key, w.ct);
	wipe(kek, sizeof(kek));
	if (!failed(e))
		*out = w;
	return e;
}

/* ---- agreement ---- */

struct wrapped_agreement {
	struct key_id to;
	enum hpke_suite suite;
	struct hpke_enc enc;
	struct hpke_context context;
};

/* That a key for recipient `to` of `suite` could have been wrapped so. */
static struct err check_recipient(const struct wrapped *w, struct key_id to,
				  enum hpke_suite suite)
{
	if (w->suite != (uint16_t)suite)
		return err_make(ERR_UNSUPPORTED,
				"wrapped key of another suite");
	if (!key_id_eq(w->to, to))
		return err_make(ERR_STALE_KEY, "wrapped for another key");
	if (w->enc_len == 0 || w->enc_len > sizeof(w->enc))
		return err_make(ERR_MALFORMED, "wrapped key: enc");
	return ERR_NONE;
}

struct err wrapped_agreement_new(const struct crypto_key *key,
				 const struct wrapped *w,
				 struct wrapped_agreement **out)
{
	struct key_id to = crypto_public_point_id(crypto_key_public(key));
	enum hpke_suite suite = hpke_suite_for(crypto_key_curve(key));
	struct wrapped_agreement *a;
	struct err e = check_recipient(w, to, suite);

	if (failed(e))
		return e;
	a = calloc(1, sizeof(*a));
	if (!a)
		return err_make(ERR_NO_MEMORY, "unwrapping keys");
	a->to = to;
	a->suite = suite;
	memcpy(a->enc.at, w->enc, w->enc_len);
	a->enc.len = w->enc_len;
	e = hpke_setup_receiver(suite, key, hpke_enc_span(&a->enc), info(),
				&a->context);
	if (failed(e))
		wrapped_agreement_free(a);
	else
		*out = a;
	return e;
}

void wrapped_agreement_free(struct wrapped_agreement *a)
{
	if (!a)
		return;
	hpke_clear(&a->context);
	free(a);
}

bool wrapped_agreement_fits(const struct wrapped_agreement *a,
			    const struct wrapped *w)
{
	return key_id_eq(a->to, w->to) && w->suite == (uint16_t)a->suite &&
	       span_eq(hpke_enc_span(&a->enc), span_of(w->enc, w->enc_len));
}

struct err wrapped_agreement_open(const struct wrapped_agreement *a,
				  const struct wrapped *w,
				  struct doc_id document,
				  struct digest commitment,
				  uint8_t key[CRYPTO_KEY_LEN])
{
	uint8_t kek[CRYPTO_KEY_LEN], opened[CRYPTO_KEY_LEN];
	struct err e;

	if (!wrapped_agreement_fits(a, w))
		return err_make(ERR_INTERNAL, "another wrapped key's enc");
	e = wrapping_key(&a->context, w, document, commitment, kek);
	if (!failed(e))
		e = crypto_key_unwrap(kek, w->ct, opened);
	/* An injected key fails here: the author signed the commitment. */
	if (!failed(e))
		e = segment_check_key(opened, document, commitment);
	if (!failed(e))
		memcpy(key, opened, CRYPTO_KEY_LEN);
	wipe(kek, sizeof(kek));
	wipe(opened, sizeof(opened));
	return e;
}

/* ---- receiver ---- */

struct wrapped_receiver {
	const struct crypto_key *key;
	struct wrapped_agreement *last; /* NULL before the first */
};

struct err wrapped_receiver_new(const struct crypto_key *key,
				struct wrapped_receiver **out)
{
	struct wrapped_receiver *r = calloc(1, sizeof(*r));

	if (!r)
		return err_make(ERR_NO_MEMORY, "unwrapping keys");
	r->key = key;
	*out = r;
	return ERR_NONE;
}

void wrapped_receiver_free(struct wrapped_receiver *r)
{
	if (!r)
		return;
	wrapped_agreement_free(r->last);
	free(r);
}

struct err wrapped_receiver_open(struct wrapped_receiver *r,
				 const struct wrapped *w,
				 struct doc_id document,
				 struct digest commitment,
				 uint8_t key[CRYPTO_KEY_LEN])
{
	struct wrapped_agreement *fresh = NULL;
	struct err e = ERR_NONE;

	if (!r->last || !wrapped_agreement_fits(r->last, w)) {
		e = wrapped_agreement_new(r->key, w, &fresh);
		if (failed(e))
			return e;
		wrapped_agreement_free(r->last);
		r->last = fresh;
	}
	return wrapped_agreement_open(r->last, w, document, commitment, key);
}

struct err wrapped_open(const struct crypto_key *private_key,
			const struct wrapped *w, struct doc_id document,
			struct digest commitment, uint8_t key[CRYPTO_KEY_LEN])
{
	struct wrapped_agreement *a = NULL;
	struct err e = wrapped_agreement_new(private_key, w, &a);

	if (!failed(e))
		e = wrapped_agreement_open(a, w, document, commitment, key);
	wrapped_agreement_free(a);
	return e;
}

/* ---- JSON ---- */

void wrapped_to_json(const struct wrapped *w, struct json_writer *out)
{
	json_open_object(out);
	json_member_bytes(out, "ct", SPAN_OBJ(w->ct));
	json_member_bytes(out, "enc", span_of(w->enc, w->enc_len));
	json_member_u64(out, "suite", w->suite);
	json_member_key_id(out, "to", w->to);
	json_member_u64(out, "until", w->until);
	json_close_object(out);
}

struct err wrapped_from_json(const struct json *object, struct wrapped *out)
{
	static const char *const members[] = {"ct", "enc",   "suite",
					      "to", "until", NULL};
	struct wrapped w = {0};
	uint64_t suite;
	struct span enc;
	struct err e = json_only(object, members);

	if (!failed(e))
		e = json_get_fixed(object, "ct", w.ct, sizeof(w.ct));
	if (!failed(e))
		e = json_get_u64(object, "suite", &suite);
	if (!failed(e) && suite != WRAPPED_SUITE_P256 &&
	    suite != WRAPPED_SUITE_P384)
		e = err_make(ERR_UNSUPPORTED, "wrapped key: suite");
	if (!failed(e))
		e = json_get_string(object, "enc", &enc);
	if (failed(e))
		return e;
	w.suite = (uint16_t)suite;
	w.enc_len = crypto_point_len(suite == WRAPPED_SUITE_P256 ? CRYPTO_P256
								 : CRYPTO_P384);
	e = base64url_decode_fixed(enc, w.enc, w.enc_len);
	if (!failed(e))
		e = json_get_fixed(object, "to", w.to.at, sizeof(w.to.at));
	if (!failed(e))
		e = json_get_u64(object, "until", &w.until);
	if (!failed(e))
		*out = w;
	return e;
}
