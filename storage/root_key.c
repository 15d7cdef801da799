/* The root key file and the start file on disk. */
#include "storage/root_key.h"

#include "storage/file.h"

struct err root_key_create(const char *path, struct span passphrase,
			   unsigned log2_n, const struct random *random,
			   uint8_t out[KEYFILE_ROOT_LEN])
{
	uint8_t salt[KEYFILE_SALT_LEN], nonce[CRYPTO_NONCE_LEN];
	uint8_t root[KEYFILE_ROOT_LEN] = {0};
	struct buf file;
	struct err e;

	buf_init(&file, KEYFILE_ROOT_FILE_MAX);
	e = random_fill(random, root, sizeof(root));
	if (!failed(e))
		e = random_fill(random, salt, sizeof(salt));
	if (!failed(e))
		e = random_fill(random, nonce, sizeof(nonce));
	if (!failed(e))
		e = keyfile_encode_root(passphrase, log2_n, salt, nonce, root,
					&file);
	if (!failed(e))
		e = file_write(path, buf_span(&file), true);
	if (!failed(e))
		memcpy(out, root, sizeof(root));
	wipe(root, sizeof(root));
	buf_clear(&file);
	return e;
}

struct err root_key_open(const char *path, struct span passphrase,
			 uint8_t out[KEYFILE_ROOT_LEN])
{
	struct buf file;
	struct err e;

	buf_init(&file, KEYFILE_ROOT_FILE_MAX);
	e = file_read(path, &file);
	if (!failed(e))
		e = keyfile_decode_root(buf_span(&file), passphrase, out);
	buf_clear(&file);
	return e;
}

struct err start_file_create(const char *path,
			     const uint8_t root_key[KEYFILE_ROOT_LEN],
			     const struct random *random,
			     const struct keyfile_start *start)
{
	uint8_t nonce[CRYPTO_NONCE_LEN];
	struct buf file;
	struct err e;

	buf_init(&file, KEYFILE_START_FILE_MAX);
	e = random_fill(random, nonce, sizeof(nonce));
	if (!failed(e))
		e = keyfile_encode_start(root_key, nonce, start, &file);
	if (!failed(e))
		e = file_write(path, buf_span(&file), true);
	buf_clear(&file);
	return e;
}

struct err start_file_open(const char *path,
			   const uint8_t root_key[KEYFILE_ROOT_LEN],
			   struct buf *plain, struct keyfile_start *out)
{
	struct buf file;
	struct err e;

	buf_init(&file, KEYFILE_START_FILE_MAX);
	e = file_read(path, &file);
	if (!failed(e))
		e = keyfile_decode_start(buf_span(&file), root_key, plain, out);
	buf_clear(&file);
	return e;
}

struct err start_file_destroy(const char *path)
{
	return file_destroy(path);
}
