/*
 * The OpenSSL 3.0 side of the seam: hashes, MACs, derivation, ciphers and
 * random bytes.  Curves are in ec_openssl.c.
 *
 * Algorithms are fetched once, before main: a fetch costs more than most of
 * what is done here, and a confined process can no longer read openssl.cnf.
 * They never change afterwards, so every thread may use them, and they live as
 * long as the process, for the library's own end comes first.  HMAC and HKDF
 * are built from the hash, since EVP_MAC and EVP_KDF spend several times the
 * work of a short message on their parameters.
 */
#include <limits.h>
#include <stdlib.h>

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rand.h>

#include "proto/base/memory.h"
#include "proto/crypto/crypto.h"
#include "proto/crypto/ec_openssl.h"
#include "proto/crypto/err_openssl.h"

enum { BLOCK_MAX = 128, SCRYPT_LOG2_N_MAX = 22 };

/* Written by fetch_algorithms alone, before main. */
static struct {
	EVP_MD *sha256, *sha384;
	EVP_CIPHER *gcm, *siv, *wrap;
} algorithms;

static void *get_memory(size_t len, const char *file, int line)
{
	return len ? memory_get(len) : NULL;
}

static void *resize_memory(void *at, size_t len, const char *file, int line)
{
	if (len)
		return memory_resize(at, len);
	memory_drop(at);
	return NULL;
}

static void drop_memory(void *at, const char *file, int line)
{
	memory_drop(at);
}

[[gnu::constructor]] static void fetch_algorithms(void)
{
	/* Refused once the library has allocated: nothing has yet. */
	(void)CRYPTO_set_mem_functions(get_memory, resize_memory, drop_memory);
	algorithms.sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
	algorithms.sha384 = EVP_MD_fetch(NULL, "SHA384", NULL);
	algorithms.gcm = EVP_CIPHER_fetch(NULL, "AES-256-GCM", NULL);
	algorithms.siv = EVP_CIPHER_fetch(NULL, "AES-256-SIV", NULL);
	algorithms.wrap = EVP_CIPHER_fetch(NULL, "AES-256-WRAP", NULL);
}

/* What the library refuses is a fault of ours. */
static struct err fault(const char *detail)
{
	return openssl_err(ERR_INTERNAL, detail);
}

/* ---- hash ---- */

static const EVP_MD *md_of(enum crypto_hash hash)
{
	return hash == CRYPTO_SHA256 ? algorithms.sha256 : algorithms.sha384;
}

struct err crypto_hash(enum crypto_hash hash, struct span bytes, void *out)
{
	const EVP_MD *md = md_of(hash);

	if (!md || EVP_Digest(bytes.at, bytes.len, out, NULL, md, NULL) != 1)
		return fault("a hash failed");
	return ERR_NONE;
}

struct err crypto_sha256(struct span bytes, struct digest *out)
{
	return crypto_hash(CRYPTO_SHA256, bytes, out->at);
}

struct crypto_hasher {
	EVP_MD_CTX *ctx;
};

struct err crypto_hasher_new(struct crypto_hasher **out)
{
	struct crypto_hasher *h = calloc(1, sizeof(*h));

	if (!h)
		return err_make(ERR_NO_MEMORY, "no memory for a hasher");
	h->ctx = EVP_MD_CTX_new();
	if (!h->ctx || !algorithms.sha256 ||
	    EVP_DigestInit_ex2(h->ctx, algorithms.sha256, NULL) != 1) {
		crypto_hasher_free(h);
		return fault("a hash did not begin");
	}
	*out = h;
	return ERR_NONE;
}

void crypto_hasher_free(struct crypto_hasher *h)
{
	if (!h)
		return;
	EVP_MD_CTX_free(h->ctx);
	free(h);
}

struct err crypto_hasher_update(struct crypto_hasher *h, struct span bytes)
{
	if (bytes.len && EVP_DigestUpdate(h->ctx, bytes.at, bytes.len) != 1)
		return fault("a hash failed");
	return ERR_NONE;
}

struct err crypto_hasher_final(struct crypto_hasher *h, struct digest *out)
{
	if (EVP_DigestFinal_ex(h->ctx, out->at, NULL) != 1)
		return fault("a hash failed");
	return ERR_NONE;
}

/* ---- HMAC (RFC 2104) and HKDF (RFC 5869) ---- */

static struct span none(void)
{
	return span_of(NULL, 0);
}

/* H(pad ^ key block, a, b), as each half of HMAC is. */
static bool hash_padded(EVP_MD_CTX *ctx, const EVP_MD *md, const uint8_t *block,
			size_t block_len, uint8_t pad, const struct span *parts,
			size_t count, uint8_t *out)
{
	uint8_t padded[BLOCK_MAX];
	bool ok;

	for (size_t i = 0; i < block_len; i++)
		padded[i] = block[i] ^ pad;
	ok = EVP_DigestInit_ex2(ctx, md, NULL) == 1 &&
	     EVP_DigestUpdate(ctx, padded, block_len) == 1;
	for (size_t i = 0; ok && i < count; i++)
		if (parts[i].len)
			ok = EVP_DigestUpdate(ctx, parts[i].at, parts[i].len) ==
			     1;
	if (ok)
		ok = EVP_DigestFinal_ex(ctx, out, NULL) == 1;
	wipe(padded, sizeof(padded));
	return ok;
}

/* HMAC over parts, one behind the other. */
static struct err hmac_parts(enum crypto_hash hash, struct span key,
			     const struct span *parts, size_t count, void *out)
{
	const size_t block_len = hash == CRYPTO_SHA256 ? 64 : 128;
	const EVP_MD *md = md_of(hash);
	uint8_t block[BLOCK_MAX] = {0};
	uint8_t inner[CRYPTO_HASH_MAX];
	struct span inner_span = span_of(inner, hash);
	EVP_MD_CTX *ctx = NULL;
	struct err e = ERR_NONE;

	if (key.len > block_len)
		e = crypto_hash(hash, key, block);
	else if (key.len)
		memcpy(block, key.at, key.len);
	if (failed(e))
		goto out;
	ctx = EVP_MD_CTX_new();
	if (!ctx || !md ||
	    !hash_padded(ctx, md, block, block_len, 0x36, parts, count,
			 inner) ||
	    !hash_padded(ctx, md, block, block_len, 0x5c, &inner_span, 1, out))
		e = fault("an HMAC failed");
out:
	EVP_MD_CTX_free(ctx);
	wipe(block, sizeof(block));
	wipe(inner, sizeof(inner));
	return e;
}

struct err crypto_hmac(enum crypto_hash hash, struct span key,
		       struct span bytes, void *out)
{
	return hmac_parts(hash, key, &bytes, 1, out);
}

struct err crypto_hkdf_extract(enum crypto_hash hash, struct span salt,
			       struct span ikm, void *prk)
{
	/* An absent salt is a hash of zeros (s.2.2): the same HMAC key. */
	return hmac_parts(hash, salt, &ikm, 1, prk);
}

struct err crypto_hkdf_expand(enum crypto_hash hash, struct span prk,
			      struct span info, void *out, size_t len)
{
	uint8_t t[CRYPTO_HASH_MAX];
	uint8_t counter = 0;
	uint8_t *to = out;
	struct err e = ERR_NONE;

	if (len > 255 * (size_t)hash)
		return err_make(ERR_TOO_LARGE, "more than HKDF can give");
	while (len) {
		size_t n = len < (size_t)hash ? len : (size_t)hash;
		struct span last = counter ? span_of(t, hash) : none();

		counter++;
		e = hmac_parts(hash, prk,
			       (struct span[]){last, info,
					       span_of(&counter, 1)},
			       3, t);
		if (failed(e))
			break;
		memcpy(to, t, n);
		to += n;
		len -= n;
	}
	wipe(t, sizeof(t));
	return e;
}

struct err crypto_hkdf(struct span ikm, struct span salt, struct span info,
		       void *out, size_t len)
{
	uint8_t prk[CRYPTO_SHA256];
	struct err e = crypto_hkdf_extract(CRYPTO_SHA256, salt, ikm, prk);

	if (!failed(e))
		e = crypto_hkdf_expand(CRYPTO_SHA256, SPAN_OBJ(prk), info, out,
				       len);
	wipe(prk, sizeof(prk));
	return e;
}

struct err crypto_scrypt(struct span password, struct span salt,
			 unsigned log2_n, void *out, size_t len)
{
	const uint64_t r = 8;

	if (log2_n < 1 || log2_n > SCRYPT_LOG2_N_MAX)
		return err_make(ERR_UNSUPPORTED, "scrypt's N is out of range");
	/* 128 r N bytes of work space, and as much again for small N. */
	if (EVP_PBE_scrypt((const char *)password.at, password.len, salt.at,
			   salt.len, UINT64_C(1) << log2_n, r, 1,
			   (UINT64_C(128) * r << log2_n) + (1 << 20), out,
			   len) != 1)
		return fault("scrypt failed");
	return ERR_NONE;
}

/* ---- AEAD ---- */

static struct err check_lengths(struct span aad, struct span text)
{
	if (aad.len > INT_MAX || text.len > INT_MAX - CRYPTO_TAG_LEN)
		return err_make(ERR_TOO_LARGE, "too much for one AEAD call");
	return ERR_NONE;
}

/* Feed associated data (to == NULL) or text; nothing to do for none. */
static bool feed(EVP_CIPHER_CTX *ctx, uint8_t *to, struct span in)
{
	int n;

	return !in.len ||
	       EVP_CipherUpdate(ctx, to, &n, in.at, (int)in.len) == 1;
}

struct err crypto_gcm_seal(const uint8_t key[CRYPTO_KEY_LEN],
			   const uint8_t nonce[CRYPTO_NONCE_LEN],
			   struct span aad, struct span plain, uint8_t *out)
{
	struct err e = check_lengths(aad, plain);
	EVP_CIPHER_CTX *ctx;
	int n;

	if (failed(e))
		return e;
	ctx = EVP_CIPHER_CTX_new();
	if (!ctx || !algorithms.gcm ||
	    EVP_EncryptInit_ex2(ctx, algorithms.gcm, key, nonce, NULL) != 1 ||
	    !feed(ctx, NULL, aad) || !feed(ctx, out, plain) ||
	    EVP_EncryptFinal_ex(ctx, out + plain.len, &n) != 1 ||
	    EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, CRYPTO_TAG_LEN,
				out + plain.len) != 1)
		e = fault("AES-GCM failed to seal");
	EVP_CIPHER_CTX_free(ctx);
	return e;
}

struct err crypto_gcm_open(const uint8_t key[CRYPTO_KEY_LEN],
			   const uint8_t nonce[CRYPTO_NONCE_LEN],
			   struct span aad, struct span sealed, uint8_t *out)
{
	struct span cipher = span_sub(sealed, 0, sealed.len - CRYPTO_TAG_LEN);
	uint8_t tag[CRYPTO_TAG_LEN], rest[CRYPTO_TAG_LEN];
	struct err e = check_lengths(aad, sealed);
	EVP_CIPHER_CTX *ctx;
	int n;

	if (failed(e))
		return e;
	if (sealed.len < CRYPTO_TAG_LEN)
		return err_make(ERR_DIGEST, "sealed bytes without a tag");
	memcpy(tag, sealed.at + cipher.len, sizeof(tag));
	ctx = EVP_CIPHER_CTX_new();
	if (!ctx || !algorithms.gcm ||
	    EVP_DecryptInit_ex2(ctx, algorithms.gcm, key, nonce, NULL) != 1 ||
	    EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, sizeof(tag), tag) !=
		    1 ||
	    !feed(ctx, NULL, aad) || !feed(ctx, out, cipher)) {
		e = fault("AES-GCM failed to open");
	} else if (EVP_DecryptFinal_ex(ctx, rest, &n) != 1) {
		e = openssl_err(ERR_DIGEST, "sealed bytes are not authentic");
	}
	if (failed(e))
		wipe(out, cipher.len);
	EVP_CIPHER_CTX_free(ctx);
	return e;
}

struct err crypto_siv_seal(const uint8_t key[CRYPTO_SIV_KEY_LEN],
			   struct span aad, struct span plain, uint8_t *out)
{
	struct err e = check_lengths(aad, plain);
	EVP_CIPHER_CTX *ctx;
	int n;

	if (failed(e))
		return e;
	/* OpenSSL makes no tag where there is no text. */
	if (!plain.len)
		return err_make(ERR_UNSUPPORTED, "SIV of nothing");
	ctx = EVP_CIPHER_CTX_new();
	if (!ctx || !algorithms.siv ||
	    EVP_EncryptInit_ex2(ctx, algorithms.siv, key, NULL, NULL) != 1 ||
	    EVP_EncryptUpdate(ctx, NULL, &n, aad.len ? aad.at : out,
			      (int)aad.len) != 1 ||
	    !feed(ctx, out + CRYPTO_TAG_LEN, plain) ||
	    EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, CRYPTO_TAG_LEN,
				out) != 1)
		e = fault("AES-SIV failed to seal");
	EVP_CIPHER_CTX_free(ctx);
	return e;
}

struct err crypto_siv_open(const uint8_t key[CRYPTO_SIV_KEY_LEN],
			   struct span aad, struct span sealed, uint8_t *out)
{
	struct span cipher = span_sub(sealed, CRYPTO_TAG_LEN, sealed.len);
	uint8_t tag[CRYPTO_TAG_LEN];
	struct err e = check_lengths(aad, sealed);
	EVP_CIPHER_CTX *ctx;
	int n;

	if (failed(e))
		return e;
	if (sealed.len <= CRYPTO_TAG_LEN)
		return err_make(ERR_DIGEST, "sealed bytes without text");
	memcpy(tag, sealed.at, sizeof(tag));
	ctx = EVP_CIPHER_CTX_new();
	if (!ctx || !algorithms.siv ||
	    EVP_DecryptInit_ex2(ctx, algorithms.siv, key, NULL, NULL) != 1 ||
	    EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, sizeof(tag), tag) !=
		    1 ||
	    EVP_DecryptUpdate(ctx, NULL, &n, aad.len ? aad.at : tag,
			      (int)aad.len) != 1) {
		e = fault("AES-SIV failed to open");
	} else if (!feed(ctx, out, cipher)) {
		e = openssl_err(ERR_DIGEST, "sealed bytes are not authentic");
	}
	if (failed(e))
		wipe(out, cipher.len);
	EVP_CIPHER_CTX_free(ctx);
	return e;
}

/* ---- key wrap (RFC 3394) ---- */

struct err crypto_key_wrap(const uint8_t kek[CRYPTO_KEY_LEN],
			   const uint8_t key[CRYPTO_KEY_LEN],
			   uint8_t out[CRYPTO_WRAPPED_LEN])
{
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	struct err e = ERR_NONE;
	int n = 0;

	if (ctx)
		EVP_CIPHER_CTX_set_flags(ctx, EVP_CIPHER_CTX_FLAG_WRAP_ALLOW);
	if (!ctx || !algorithms.wrap ||
	    EVP_EncryptInit_ex2(ctx, algorithms.wrap, kek, NULL, NULL) != 1 ||
	    EVP_EncryptUpdate(ctx, out, &n, key, CRYPTO_KEY_LEN) != 1 ||
	    n != CRYPTO_WRAPPED_LEN)
		e = fault("AES key wrap failed");
	EVP_CIPHER_CTX_free(ctx);
	return e;
}

struct err crypto_key_unwrap(const uint8_t kek[CRYPTO_KEY_LEN],
			     const uint8_t wrapped[CRYPTO_WRAPPED_LEN],
			     uint8_t out[CRYPTO_KEY_LEN])
{
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	uint8_t key[CRYPTO_WRAPPED_LEN];
	struct err e = ERR_NONE;
	int n = 0;

	if (ctx)
		EVP_CIPHER_CTX_set_flags(ctx, EVP_CIPHER_CTX_FLAG_WRAP_ALLOW);
	if (!ctx || !algorithms.wrap ||
	    EVP_DecryptInit_ex2(ctx, algorithms.wrap, kek, NULL, NULL) != 1) {
		e = fault("AES key unwrap did not begin");
	} else if (EVP_DecryptUpdate(ctx, key, &n, wrapped,
				     CRYPTO_WRAPPED_LEN) != 1 ||
		   n != CRYPTO_KEY_LEN) {
		e = openssl_err(ERR_DIGEST, "a wrapped key is not authentic");
	} else {
		memcpy(out, key, CRYPTO_KEY_LEN);
	}
	wipe(key, sizeof(key));
	EVP_CIPHER_CTX_free(ctx);
	return e;
}

/* ---- random ---- */

struct err crypto_random_fill(void *self, void *out, size_t len)
{
	(void)self;
	if (len && RAND_bytes_ex(NULL, out, len, 0) != 1)
		return fault("no random bytes");
	return ERR_NONE;
}
