/* The bytes of the root key file and of the start file. */
#include "proto/crypto/keyfile.h"

#include "proto/crypto/domain.h"

enum { MAGIC_LEN = 7, VERSION = 1, LOG2_N_MIN = 10, AAD_MAX = 128 };

static const char root_magic[MAGIC_LEN + 1] = "ENTROOT";
static const char start_magic[MAGIC_LEN + 1] = "ENTSTRT";

void keyfile_start_wipe(struct keyfile_start *start)
{
	wipe(start, sizeof(*start));
}

struct err keyfile_start_add(struct keyfile_start *start,
			     enum keyfile_key purpose,
			     const struct crypto_key *key)
{
	struct keyfile_private *p = &start->keys[start->count];
	struct err e;

	if (start->count >= KEYFILE_KEYS_MAX)
		return err_make(ERR_TOO_LARGE, "too many keys of a guard");
	p->purpose = purpose;
	p->curve = crypto_key_curve(key);
	e = crypto_key_scalar(key, p->scalar);
	if (!failed(e))
		start->count++;
	return e;
}

struct err keyfile_start_key(const struct keyfile_start *start,
			     enum keyfile_key purpose, struct crypto_key **out)
{
	for (unsigned i = 0; i < start->count; i++) {
		const struct keyfile_private *p = &start->keys[i];

		if (p->purpose == purpose)
			return crypto_key_from_scalar(
				p->curve,
				span_of(p->scalar, crypto_scalar_len(p->curve)),
				out);
	}
	return err_make(ERR_NOT_FOUND, "no key for that purpose");
}

static struct err read_magic(struct span_reader *r, const char *magic)
{
	struct span have = span_read_raw(r, MAGIC_LEN);
	uint8_t version = span_read_u8(r);

	if (r->bad || !span_eq_str(have, magic))
		return err_make(ERR_MALFORMED, "not a key file");
	if (version != VERSION)
		return err_make(ERR_VERSION, "a key file of another version");
	return ERR_NONE;
}

/* ---- root key file ---- */

/* The key the passphrase makes, and the associated data. */
static struct err root_secrets(struct span passphrase, unsigned log2_n,
			       const uint8_t *salt, uint8_t *key,
			       struct buf *aad)
{
	struct err e;

	encode_domain(aad, DOMAIN_ROOT_KEY);
	buf_put_u8(aad, (uint8_t)log2_n);
	buf_put(aad, span_of(salt, KEYFILE_SALT_LEN));
	e = buf_check(aad);
	if (!failed(e))
		e = crypto_scrypt(passphrase, span_of(salt, KEYFILE_SALT_LEN),
				  log2_n, key, CRYPTO_KEY_LEN);
	return e;
}

struct err keyfile_encode_root(struct span passphrase, unsigned log2_n,
			       const uint8_t salt[KEYFILE_SALT_LEN],
			       const uint8_t nonce[CRYPTO_NONCE_LEN],
			       const uint8_t root_key[KEYFILE_ROOT_LEN],
			       struct buf *out)
{
	uint8_t sealed[KEYFILE_ROOT_LEN + CRYPTO_TAG_LEN];
	uint8_t key[CRYPTO_KEY_LEN] = {0};
	struct buf aad;
	struct err e;

	buf_init(&aad, AAD_MAX);
	if (log2_n < LOG2_N_MIN || log2_n > KEYFILE_LOG2_N_MAX)
		e = err_make(ERR_UNSUPPORTED, "a cost of scrypt out of range");
	else
		e = root_secrets(passphrase, log2_n, salt, key, &aad);
	if (!failed(e))
		e = crypto_gcm_seal(key, nonce, buf_span(&aad),
				    span_of(root_key, KEYFILE_ROOT_LEN),
				    sealed);
	if (!failed(e)) {
		buf_put(out, span_of(root_magic, MAGIC_LEN));
		buf_put_u8(out, VERSION);
		buf_put_u8(out, (uint8_t)log2_n);
		buf_put(out, span_of(salt, KEYFILE_SALT_LEN));
		buf_put(out, span_of(nonce, CRYPTO_NONCE_LEN));
		buf_put(out, SPAN_OBJ(sealed));
		e = buf_check(out);
	}
	wipe(key, sizeof(key));
	buf_clear(&aad);
	return e;
}

struct err keyfile_decode_root(struct span file, struct span passphrase,
			       uint8_t root_key[KEYFILE_ROOT_LEN])
{
	struct span_reader r = span_read(file);
	uint8_t key[CRYPTO_KEY_LEN] = {0};
	uint8_t plain[KEYFILE_ROOT_LEN] = {0};
	struct span salt, nonce, sealed;
	struct buf aad;
	unsigned log2_n;
	struct err e;

	buf_init(&aad, AAD_MAX);
	e = read_magic(&r, root_magic);
	if (failed(e))
		goto out;
	log2_n = span_read_u8(&r);
	salt = span_read_raw(&r, KEYFILE_SALT_LEN);
	nonce = span_read_raw(&r, CRYPTO_NONCE_LEN);
	sealed = span_read_raw(&r, KEYFILE_ROOT_LEN + CRYPTO_TAG_LEN);
	if (!span_read_done(&r) || log2_n < LOG2_N_MIN ||
	    log2_n > KEYFILE_LOG2_N_MAX) {
		e = err_make(ERR_MALFORMED, "a root key file is malformed");
		goto out;
	}
	e = root_secrets(passphrase, log2_n, salt.at, key, &aad);
	if (failed(e))
		goto out;
	e = crypto_gcm_open(key, nonce.at, buf_span(&aad), sealed, plain);
	if (e.code == ERR_DIGEST)
		e = err_make(ERR_SEALED, "the passphrase does not open it");
	if (!failed(e))
		memcpy(root_key, plain, KEYFILE_ROOT_LEN);
out:
	wipe(key, sizeof(key));
	wipe(plain, sizeof(plain));
	buf_clear(&aad);
	return e;
}

/* ---- start file ---- */

static struct err start_aad(struct buf *aad)
{
	buf_init(aad, AAD_MAX);
	encode_domain(aad, DOMAIN_START_FILE);
	return buf_check(aad);
}

static void put_start(const struct keyfile_start *start, struct buf *out)
{
	buf_put(out, SPAN_OBJ(start->replica.nation.code));
	buf_put_u64(out, start->replica.number);
	buf_put(out, SPAN_OBJ(start->root_id.at));
	buf_put_u8(out, (uint8_t)start->count);
	for (unsigned i = 0; i < start->count; i++) {
		const struct keyfile_private *p = &start->keys[i];

		buf_put_u8(out, (uint8_t)p->purpose);
		buf_put_u16(out, (uint16_t)p->curve);
		buf_put(out, span_of(p->scalar, crypto_scalar_len(p->curve)));
	}
	buf_put_var(out, start->certificate);
	buf_put_var(out, start->ca);
}

struct err keyfile_encode_start(const uint8_t root_key[KEYFILE_ROOT_LEN],
				const uint8_t nonce[CRYPTO_NONCE_LEN],
				const struct keyfile_start *start,
				struct buf *out)
{
	struct buf plain, sealed, aad;
	uint8_t *at = NULL;
	struct err e;

	buf_init(&plain, KEYFILE_START_FILE_MAX);
	buf_init(&sealed, KEYFILE_START_FILE_MAX);
	e = start_aad(&aad);
	if (!failed(e) && (start->count > KEYFILE_KEYS_MAX ||
			   start->certificate.len > KEYFILE_BLOB_MAX ||
			   start->ca.len > KEYFILE_BLOB_MAX))
		e = err_make(ERR_TOO_LARGE, "a start file beyond its caps");
	if (!failed(e)) {
		(void)buf_grow(&plain, 2 * KEYFILE_BLOB_MAX + 1024);
		buf_reset(&plain); /* so growing leaves no copies behind */
		put_start(start, &plain);
		e = buf_check(&plain);
	}
	if (!failed(e)) {
		at = buf_grow(&sealed, plain.len + CRYPTO_TAG_LEN);
		e = buf_check(&sealed);
	}
	if (!failed(e))
		e = crypto_gcm_seal(root_key, nonce, buf_span(&aad),
				    buf_span(&plain), at);
	if (!failed(e)) {
		buf_put(out, span_of(start_magic, MAGIC_LEN));
		buf_put_u8(out, VERSION);
		buf_put(out, span_of(nonce, CRYPTO_NONCE_LEN));
		buf_put(out, buf_span(&sealed));
		e = buf_check(out);
	}
	buf_wipe(&plain);
	buf_clear(&sealed);
	buf_clear(&aad);
	return e;
}

static struct err read_private(struct span_reader *r,
			       struct keyfile_private *out)
{
	uint8_t purpose = span_read_u8(r);
	uint16_t curve = span_read_u16(r);

	if (purpose < KEYFILE_SEAL || purpose > KEYFILE_DEVICE_CA ||
	    (curve != CRYPTO_P256 && curve != CRYPTO_P384))
		return err_make(ERR_MALFORMED, "a start file is malformed");
	out->purpose = purpose;
	out->curve = curve;
	span_read_into(r, out->scalar, crypto_scalar_len(out->curve));
	return ERR_NONE;
}

static struct err read_start(struct span plain, struct keyfile_start *out)
{
	struct span_reader r = span_read(plain);
	struct err e = ERR_NONE;
	unsigned count;

	span_read_into(&r, out->replica.nation.code, NATION_LEN);
	out->replica.number = span_read_u64(&r);
	span_read_into(&r, out->root_id.at, DIGEST_LEN);
	count = span_read_u8(&r);
	if (count > KEYFILE_KEYS_MAX)
		return err_make(ERR_MALFORMED, "a start file is malformed");
	for (unsigned i = 0; i < count && !failed(e); i++)
		e = read_private(&r, &out->keys[out->count++]);
	if (failed(e))
		return e;
	out->certificate = span_read_var(&r);
	out->ca = span_read_var(&r);
	if (!span_read_done(&r))
		return err_make(ERR_MALFORMED, "a start file is malformed");
	return ERR_NONE;
}

struct err keyfile_decode_start(struct span file,
				const uint8_t root_key[KEYFILE_ROOT_LEN],
				struct buf *plain, struct keyfile_start *out)
{
	struct span_reader r = span_read(file);
	struct keyfile_start start = {0};
	struct span nonce, sealed;
	struct buf aad;
	uint8_t *at;
	struct err e;

	e = start_aad(&aad);
	if (!failed(e))
		e = read_magic(&r, start_magic);
	if (failed(e))
		goto out;
	nonce = span_read_raw(&r, CRYPTO_NONCE_LEN);
	sealed = r.left;
	if (r.bad || sealed.len < CRYPTO_TAG_LEN) {
		e = err_make(ERR_MALFORMED, "a start file is malformed");
		goto out;
	}
	buf_reset(plain);
	at = buf_grow(plain, sealed.len - CRYPTO_TAG_LEN);
	e = buf_check(plain);
	if (failed(e))
		goto out;
	e = crypto_gcm_open(root_key, nonce.at, buf_span(&aad), sealed, at);
	if (e.code == ERR_DIGEST)
		e = err_make(ERR_SEALED, "the root key does not open it");
	if (!failed(e))
		e = read_start(buf_span(plain), &start);
	if (!failed(e))
		*out = start;
out:
	keyfile_start_wipe(&start);
	buf_clear(&aad);
	return e;
}
