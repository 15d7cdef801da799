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
