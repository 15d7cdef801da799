/* Nonces of signed requests. */
#include "proto/base/base64.h"
#include "proto/crypto/crypto.h"
#include "proto/crypto/domain.h"
#include "proto/exchange/nonce.h"

enum { SLOT_LEN = 8, MAC_LEN = NONCE_LEN - SLOT_LEN };

static struct err make(const uint8_t key[NONCE_KEY_LEN], struct key_id asker,
		       uint64_t slot, struct nonce *out)
{
	uint8_t mac[CRYPTO_SHA256];
	struct buf b;
	struct err e;

	buf_init(&b, 128);
	encode_domain(&b, DOMAIN_NONCE);
	buf_put(&b, SPAN_OBJ(asker.at));
	buf_put_u64(&b, slot);
	e = buf_check(&b);
	if (!failed(e))
		e = crypto_hmac(CRYPTO_SHA256, span_of(key, NONCE_KEY_LEN),
				buf_span(&b), mac);
	if (!failed(e)) {
		for (int i = 0; i < SLOT_LEN; i++)
			out->at[i] = (uint8_t)(slot >> 8 * (SLOT_LEN - 1 - i));
		memcpy(out->at + SLOT_LEN, mac, MAC_LEN);
	}
	wipe(mac, sizeof(mac));
	buf_clear(&b);
	return e;
}

struct err nonce_make(const uint8_t key[NONCE_KEY_LEN], struct key_id asker,
		      uint64_t now_s, struct nonce *out)
{
	return make(key, asker, now_s / NONCE_SLOT_S, out);
}

uint64_t nonce_slot(const struct nonce *nonce)
{
	struct span_reader r = span_read(SPAN_OBJ(nonce->at));

	return span_read_u64(&r);
}

struct err nonce_check(const uint8_t key[NONCE_KEY_LEN], struct key_id asker,
		       uint64_t now_s, const struct nonce *nonce)
{
	uint64_t now = now_s / NONCE_SLOT_S;
	uint64_t slot = nonce_slot(nonce);
	struct nonce right;
	struct err e;

	if (slot != now && slot + 1 != now)
		return err_make(ERR_NONCE, "a nonce of another time");
	e = make(key, asker, slot, &right);
	if (failed(e))
		return e;
	if (!span_eq_const_time(SPAN_OBJ(right.at), SPAN_OBJ(nonce->at)))
		return err_make(ERR_NONCE, "a nonce that was not made for you");
	return ERR_NONE;
}

void nonce_format(const struct nonce *nonce, char out[NONCE_TEXT_LEN + 1])
{
	base64url_encode_to(SPAN_OBJ(nonce->at), out);
}

struct err nonce_parse(struct span text, struct nonce *out)
{
	return base64url_decode_fixed(text, out->at, NONCE_LEN);
}
