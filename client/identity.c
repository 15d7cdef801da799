/* Who a device is. */
#include "client/identity.h"

#include "client/files.h"
#include "proto/crypto/certificate.h"
#include "proto/crypto/domain.h"
#include "proto/crypto/keyfile.h"

enum { VERSION = 1, PLAIN_KEY_LEN = CRYPTO_KEY_LEN };

void identity_init(struct identity *id)
{
	*id = (struct identity){0};
	buf_init(&id->certificate, CERTIFICATE_MAX);
	buf_init(&id->ca, CERTIFICATE_MAX);
	buf_init(&id->root, CRYPTO_SPKI_MAX);
	buf_init(&id->replica, REPLICA_BLOB_MAX);
}

void identity_clear(struct identity *id)
{
	crypto_key_free(id->tls);
	crypto_key_free(id->author);
	crypto_key_free(id->wrapping);
	buf_clear(&id->certificate);
	buf_clear(&id->ca);
	buf_clear(&id->root);
	buf_clear(&id->replica);
	*id = (struct identity){0};
}

/* ---- the folder's key ---- */

static struct err make_folder_key(const char *path, struct span passphrase,
				  const struct random *random,
				  uint8_t key[CRYPTO_KEY_LEN])
{
	uint8_t salt[KEYFILE_SALT_LEN], nonce[CRYPTO_NONCE_LEN];
	struct buf file;
	struct err e = random_fill(random, key, CRYPTO_KEY_LEN);

	buf_init(&file, KEYFILE_ROOT_FILE_MAX);
	if (!failed(e))
		e = random_fill(random, salt, sizeof(salt));
	if (!failed(e))
		e = random_fill(random, nonce, sizeof(nonce));
	if (!failed(e) && passphrase.len)
		e = keyfile_encode_root(passphrase, KEYFILE_LOG2_N, salt, nonce,
					key, &file);
	else if (!failed(e))
		buf_put(&file, span_of(key, CRYPTO_KEY_LEN));
	if (!failed(e))
		e = buf_check(&file);
	if (!failed(e))
		e = files_write(path, buf_span(&file), 0600);
	buf_wipe(&file);
	return e;
}

struct err identity_folder_key(const char *folder, struct span passphrase,
			       const struct random *random,
			       uint8_t key[CRYPTO_KEY_LEN])
{
	char path[FILES_PATH_MAX];
	struct buf file;
	struct err e = files_path(folder, "folder.key", path);

	buf_init(&file, KEYFILE_ROOT_FILE_MAX);
	if (!failed(e))
		e = files_read(path, &file);
	if (e.code == ERR_NOT_FOUND)
		e = make_folder_key(path, passphrase, random, key);
	else if (!failed(e) && file.len == PLAIN_KEY_LEN)
		memcpy(key, file.at, PLAIN_KEY_LEN);
	else if (!failed(e) && passphrase.len == 0)
		e = err_make(ERR_SEALED, "this folder wants its passphrase");
	else if (!failed(e))
		e = keyfile_decode_root(buf_span(&file), passphrase, key);
	buf_wipe(&file);
	return e;
}

/* ---- the identity file ---- */

static void aad_of(struct buf *aad)
{
	buf_init(aad, 128);
	encode_domain(aad, DOMAIN_DEVICE_STORE);
	buf_put_var(aad, span_str("identity"));
}

static struct err put_key(struct buf *b, const struct crypto_key *key)
{
	uint8_t scalar[CRYPTO_KEY_LEN];
	struct err e = crypto_key_curve(key) == CRYPTO_P256
			       ? crypto_key_scalar(key, scalar)
			       : err_make(ERR_UNSUPPORTED, "a P-256 key");

	buf_put(b, SPAN_OBJ(scalar));
	wipe(scalar, sizeof(scalar));
	return e;
}

struct err identity_save(const char *folder, const uint8_t key[CRYPTO_KEY_LEN],
			 const struct random *random, const struct identity *id)
{
	char path[FILES_PATH_MAX];
	uint8_t nonce[CRYPTO_NONCE_LEN];
	struct buf plain, file, aad;
	uint8_t *at;
	struct err e;

	buf_init(&plain, IDENTITY_MAX);
	buf_init(&file, IDENTITY_MAX + 64);
	aad_of(&aad);
	buf_put_u8(&plain, VERSION);
	buf_put(&plain, span_of(id->nation.code, NATION_LEN));
	buf_put_var(&plain, span_str(id->endpoint));
	buf_put_var(&plain, span_str(id->subject));
	e = put_key(&plain, id->tls);
	if (!failed(e))
		e = put_key(&plain, id->author);
	if (!failed(e))
		e = put_key(&plain, id->wrapping);
	buf_put_var(&plain, buf_span(&id->certificate));
	buf_put_var(&plain, buf_span(&id->ca));
	buf_put_var(&plain, buf_span(&id->root));
	buf_put_var(&plain, buf_span(&id->replica));
	if (!failed(e))
		e = buf_check(&plain);
	if (!failed(e))
		e = random_fill(random, nonce, sizeof(nonce));
	buf_put(&file, SPAN_OBJ(nonce));
	at = buf_grow(&file, plain.len + CRYPTO_TAG_LEN);
	if (!failed(e))
		e = buf_check(&file);
	if (!failed(e))
		e = crypto_gcm_seal(key, nonce, buf_span(&aad),
				    buf_span(&plain), at);
	if (!failed(e))
		e = files_path(folder, "identity", path);
	if (!failed(e))
		e = files_write(path, buf_span(&file), 0600);
	buf_wipe(&plain);
	buf_clear(&file);
	buf_clear(&aad);
	return e;
}

static struct err read_key(struct span_reader *r, struct crypto_key **out)
{
	return crypto_key_from_scalar(CRYPTO_P256,
				      span_read_raw(r, CRYPTO_KEY_LEN), out);
}

static void read_text(struct span_reader *r, char out[IDENTITY_TEXT_MAX + 1])
{
	struct span text = span_read_var(r);

	if (text.len > IDENTITY_TEXT_MAX) {
		r->bad = true;
		return;
	}
	if (text.len)
		memcpy(out, text.at, text.len);
	out[text.len] = 0;
}

static struct err read_identity(struct span plain, struct identity *id)
{
	struct span_reader r = span_read(plain);
	struct err e;

	if (span_read_u8(&r) != VERSION)
		return err_make(ERR_VERSION, "a device's identity");
	span_read_into(&r, id->nation.code, NATION_LEN);
	read_text(&r, id->endpoint);
	read_text(&r, id->subject);
	e = read_key(&r, &id->tls);
	if (!failed(e))
		e = read_key(&r, &id->author);
	if (!failed(e))
		e = read_key(&r, &id->wrapping);
	buf_put(&id->certificate, span_read_var(&r));
	buf_put(&id->ca, span_read_var(&r));
	buf_put(&id->root, span_read_var(&r));
	buf_put(&id->replica, span_read_var(&r));
	if (!failed(e) && !span_read_done(&r))
		e = err_make(ERR_CORRUPT, "a device's identity");
	return e;
}

struct err identity_load(const char *folder, const uint8_t key[CRYPTO_KEY_LEN],
			 struct identity *out)
{
	char path[FILES_PATH_MAX];
	struct identity id;
	struct buf file, plain, aad;
	struct span sealed;
	uint8_t *at;
	struct err e = files_path(folder, "identity", path);

	identity_init(&id);
	buf_init(&file, IDENTITY_MAX + 64);
	buf_init(&plain, IDENTITY_MAX + 64);
	aad_of(&aad);
	if (!failed(e))
		e = files_read(path, &file);
	sealed = span_sub(buf_span(&file), CRYPTO_NONCE_LEN, SIZE_MAX);
	if (!failed(e) && sealed.len < CRYPTO_TAG_LEN)
		e = err_make(ERR_CORRUPT, "a device's identity");
	if (!failed(e)) {
		at = buf_grow(&plain, sealed.len - CRYPTO_TAG_LEN);
		e = buf_check(&plain);
	}
	if (!failed(e))
		e = crypto_gcm_open(key, file.at, buf_span(&aad), sealed, at);
	if (e.code == ERR_DIGEST)
		e = err_make(ERR_SEALED, "the folder's key is another");
	if (!failed(e))
		e = read_identity(buf_span(&plain), &id);
	if (!failed(e))
		*out = id;
	else
		identity_clear(&id);
	buf_clear(&file);
	buf_wipe(&plain);
	buf_clear(&aad);
	return e;
}
