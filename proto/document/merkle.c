/* Tree hashes (RFC 6962 s.2.1). */
#include "proto/document/merkle.h"

struct err merkle_leaf(const uint8_t salt[DIGEST_LEN], struct digest core,
		       struct digest *out)
{
	struct buf b;
	struct err e;

	buf_init(&b, 128);
	buf_put_u8(&b, 0);
	encode_domain(&b, DOMAIN_SALTED_LEAF);
	buf_put(&b, span_of(salt, DIGEST_LEN));
	encoding_put_digest(&b, core);
	e = encoding_hash(&b, out);
	buf_clear(&b);
	return e;
}

struct err merkle_node(struct digest left, struct digest right,
		       struct digest *out)
{
	uint8_t bytes[1 + 2 * DIGEST_LEN] = {1};

	memcpy(bytes + 1, left.at, DIGEST_LEN);
	memcpy(bytes + 1 + DIGEST_LEN, right.at, DIGEST_LEN);
	return crypto_sha256(SPAN_OBJ(bytes), out);
}

struct err merkle_root(struct digest leaf, uint32_t place,
		       const struct digest *path, size_t levels,
		       struct digest *out)
{
	struct digest at = leaf;
	struct err e = ERR_NONE;

	for (size_t i = 0; i < levels && !failed(e); i++) {
		if (place >> i & 1)
			e = merkle_node(path[i], at, &at);
		else
			e = merkle_node(at, path[i], &at);
	}
	if (!failed(e))
		*out = at;
	return e;
}

struct err merkle_derive(const uint8_t secret[32], enum domain domain,
			 uint64_t n, uint8_t out[DIGEST_LEN])
{
	struct buf b;
	struct err e;

	buf_init(&b, 64);
	encode_domain(&b, domain);
	buf_put_u64(&b, n);
	e = encoding_mac(secret, &b, out);
	buf_clear(&b);
	return e;
}

struct err merkle_secret_init(const uint8_t secret[32],
			      struct merkle_secret *out)
{
	struct err e;

	*out = (struct merkle_secret){0};
	e = hmac_key_new(span_of(secret, 32), &out->key);
	if (!failed(e))
		e = hmac_new(&out->work);
	if (failed(e))
		merkle_secret_clear(out);
	return e;
}

void merkle_secret_clear(struct merkle_secret *s)
{
	hmac_key_free(s->key);
	hmac_free(s->work);
	*s = (struct merkle_secret){0};
}

struct err merkle_secret_derive(const struct merkle_secret *s,
				enum domain domain, uint64_t n,
				uint8_t out[DIGEST_LEN])
{
	struct span name = span_str(domain_string(domain));
	uint8_t len[2] = {(uint8_t)(name.len >> 8), (uint8_t)name.len};
	uint8_t number[8];
	struct err e = hmac_begin(s->work, s->key);

	for (size_t i = 0; i < sizeof(number); i++)
		number[i] = (uint8_t)(n >> (56 - 8 * i));
	if (!failed(e))
		e = hmac_update(s->work, SPAN_OBJ(len));
	if (!failed(e))
		e = hmac_update(s->work, name);
	if (!failed(e))
		e = hmac_update(s->work, SPAN_OBJ(number));
	if (!failed(e))
		e = hmac_final(s->work, out);
	return e;
}
