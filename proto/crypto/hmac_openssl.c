/* The OpenSSL 3.0 side of keyed HMAC states. */
#include <stdlib.h>

#include <openssl/err.h>
#include <openssl/evp.h>

#include "proto/crypto/hmac.h"

enum { BLOCK_LEN = 64, INNER_PAD = 0x36, OUTER_PAD = 0x5c };

/* Both halves, each with the padded key hashed in. */
struct hmac_key {
	EVP_MD_CTX *inner, *outer;
};

struct hmac {
	EVP_MD_CTX *ctx;
	const struct hmac_key *key;
};

static struct err fault(void)
{
	ERR_clear_error();
	return err_make(ERR_INTERNAL, "an HMAC failed");
}

static bool begin_half(EVP_MD_CTX *ctx, const uint8_t *block, uint8_t pad)
{
	uint8_t padded[BLOCK_LEN];
	bool ok;

	for (size_t i = 0; i < BLOCK_LEN; i++)
		padded[i] = block[i] ^ pad;
	ok = EVP_DigestInit_ex(ctx, EVP_sha256(), NULL) == 1 &&
	     EVP_DigestUpdate(ctx, padded, BLOCK_LEN) == 1;
	wipe(padded, sizeof(padded));
	return ok;
}

struct err hmac_key_new(struct span key, struct hmac_key **out)
{
	struct hmac_key *k = calloc(1, sizeof(*k));
	uint8_t block[BLOCK_LEN] = {0};
	struct err e = ERR_NONE;

	if (!k)
		return err_make(ERR_NO_MEMORY, "no memory for a key");
	if (key.len > BLOCK_LEN)
		e = crypto_hash(CRYPTO_SHA256, key, block);
	else if (key.len)
		memcpy(block, key.at, key.len);
	k->inner = EVP_MD_CTX_new();
	k->outer = EVP_MD_CTX_new();
	if (!failed(e) && (!k->inner || !k->outer ||
			   !begin_half(k->inner, block, INNER_PAD) ||
			   !begin_half(k->outer, block, OUTER_PAD)))
		e = fault();
	wipe(block, sizeof(block));
	if (failed(e))
		hmac_key_free(k);
	else
		*out = k;
	return e;
}

/* OpenSSL overwrites a state before it frees it. */
void hmac_key_free(struct hmac_key *key)
{
	if (!key)
		return;
	EVP_MD_CTX_free(key->inner);
	EVP_MD_CTX_free(key->outer);
	free(key);
}

struct err hmac_new(struct hmac **out)
{
	struct hmac *h = calloc(1, sizeof(*h));

	if (!h)
		return err_make(ERR_NO_MEMORY, "no memory for an HMAC");
	h->ctx = EVP_MD_CTX_new();
	if (!h->ctx) {
		free(h);
		return fault();
	}
	*out = h;
	return ERR_NONE;
}

void hmac_free(struct hmac *h)
{
	if (!h)
		return;
	EVP_MD_CTX_free(h->ctx);
	free(h);
}

struct err hmac_begin(struct hmac *h, const struct hmac_key *key)
{
	h->key = key;
	return EVP_MD_CTX_copy_ex(h->ctx, key->inner) == 1 ? ERR_NONE : fault();
}

struct err hmac_update(struct hmac *h, struct span bytes)
{
	if (bytes.len && EVP_DigestUpdate(h->ctx, bytes.at, bytes.len) != 1)
		return fault();
	return ERR_NONE;
}

struct err hmac_final(struct hmac *h, uint8_t out[CRYPTO_SHA256])
{
	uint8_t inner[CRYPTO_SHA256];
	bool ok;

	ok = EVP_DigestFinal_ex(h->ctx, inner, NULL) == 1 &&
	     EVP_MD_CTX_copy_ex(h->ctx, h->key->outer) == 1 &&
	     EVP_DigestUpdate(h->ctx, inner, sizeof(inner)) == 1 &&
	     EVP_DigestFinal_ex(h->ctx, out, NULL) == 1;
	wipe(inner, sizeof(inner));
	return ok ? ERR_NONE : fault();
}
