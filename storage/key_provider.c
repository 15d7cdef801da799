/* Ring keys as files sealed under the root key. */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "proto/crypto/domain.h"
#include "storage/file.h"
#include "storage/key_provider.h"

/* A file: u8 version, id, nonce, sealed key. */
enum {
	VERSION = 1,
	SEALED_LEN = CRYPTO_KEY_LEN + CRYPTO_TAG_LEN,
	FILE_LEN = 1 + RING_KEY_ID_LEN + CRYPTO_NONCE_LEN + SEALED_LEN,
	NAME_ROOM = 64,
	PATH_ROOM = 4096,
};

struct provider {
	char *folder;
	const struct random *random;
	uint8_t root_key[CRYPTO_KEY_LEN];
};

static void file_name(struct ring_key_id id, char out[NAME_ROOM])
{
	char *at = out + snprintf(out, NAME_ROOM, "ring-");

	for (int i = 0; i < RING_KEY_ID_LEN; i++)
		at += snprintf(at, 3, "%02x", id.at[i]);
	snprintf(at, 5, ".key");
}

/* Whether a name in the folder is one of ours: "ring-", 32 digits, ".key",
 * perhaps ".new" of a write that did not end, ".next" and ".old" of a rotation. */
static bool is_ours(const char *name)
{
	return strncmp(name, "ring-", 5) == 0 && strlen(name) >= 5 + 32 + 4 &&
	       strncmp(name + 5 + 32, ".key", 4) == 0;
}

static struct err path_of(const struct provider *p, const char *name,
			  char out[PATH_ROOM])
{
	return file_join(out, PATH_ROOM, p->folder, name);
}

static struct err aad_of(struct ring_key_id id, struct buf *aad)
{
	buf_init(aad, 128);
	encode_domain(aad, DOMAIN_RING_KEY);
	buf_put(aad, SPAN_OBJ(id.at));
	return buf_check(aad);
}

static struct err write_key(const struct provider *p, const uint8_t *root_key,
			    struct ring_key_id id, const uint8_t *key,
			    const char *ending)
{
	uint8_t nonce[CRYPTO_NONCE_LEN], sealed[SEALED_LEN];
	char name[NAME_ROOM], path[PATH_ROOM];
	struct buf aad, file;
	struct err e;

	buf_init(&file, FILE_LEN);
	file_name(id, name);
	strcat(name, ending);
	e = aad_of(id, &aad);
	if (!failed(e))
		e = path_of(p, name, path);
	if (!failed(e))
		e = random_fill(p->random, nonce, sizeof(nonce));
	if (!failed(e))
		e = crypto_gcm_seal(root_key, nonce, buf_span(&aad),
				    span_of(key, CRYPTO_KEY_LEN), sealed);
	if (!failed(e)) {
		buf_put_u8(&file, VERSION);
		buf_put(&file, SPAN_OBJ(id.at));
		buf_put(&file, SPAN_OBJ(nonce));
		buf_put(&file, SPAN_OBJ(sealed));
		e = buf_check(&file);
	}
	if (!failed(e))
		e = file_write(path, buf_span(&file), false);
	buf_clear(&aad);
	buf_clear(&file);
	return e;
}

static struct err open_key(struct span file, const uint8_t *root_key,
			   struct ring_key_id *id, uint8_t *key)
{
	struct span_reader r = span_read(file);
	uint8_t version = span_read_u8(&r);
	struct span nonce, sealed;
	struct buf aad;
	struct err e;

	span_read_into(&r, id->at, RING_KEY_ID_LEN);
	nonce = span_read_raw(&r, CRYPTO_NONCE_LEN);
	sealed = span_read_raw(&r, SEALED_LEN);
	if (!span_read_done(&r))
		return err_make(ERR_CORRUPT, "a ring key file is malformed");
	if (version != VERSION)
		return err_make(ERR_VERSION, "a ring key of another version");
	e = aad_of(*id, &aad);
	if (!failed(e))
		e = crypto_gcm_open(root_key, nonce.at, buf_span(&aad), sealed,
				    key);
	if (e.code == ERR_DIGEST)
		e = err_make(ERR_SEALED, "the root key opens no ring key");
	buf_clear(&aad);
	return e;
}

static struct err provider_put(void *self, struct ring_key_id id,
			       const uint8_t key[CRYPTO_KEY_LEN])
{
	struct provider *p = self;

	return write_key(p, p->root_key, id, key, "");
}

static struct err provider_get(void *self, struct ring_key_id id,
			       uint8_t key[CRYPTO_KEY_LEN])
{
	struct provider *p = self;
	char name[NAME_ROOM], path[PATH_ROOM];
	struct ring_key_id have;
	struct buf file;
	struct err e;

	buf_init(&file, FILE_LEN);
	file_name(id, name);
	e = path_of(p, name, path);
	if (!failed(e))
		e = file_read(path, &file);
	if (!failed(e))
		e = open_key(buf_span(&file), p->root_key, &have, key);
	if (!failed(e) && memcmp(have.at, id.at, RING_KEY_ID_LEN) != 0)
		e = err_make(ERR_CORRUPT, "a ring key file under another name");
	buf_clear(&file);
	return e;
}

/* Calls `each` for every file of ours; stops at the first error. */
static struct err walk(struct provider *p,
		       struct err (*each)(struct provider *, const char *name,
					  const void *with),
		       const void *with)
{
	struct err e = ERR_NONE;
	struct dirent *d;
	DIR *dir = opendir(p->folder);

	if (!dir)
		return err_make(ERR_IO, "the key folder cannot be read");
	errno = 0;
	while (!failed(e) && (d = readdir(dir))) {
		if (is_ours(d->d_name))
			e = each(p, d->d_name, with);
		errno = 0;
	}
	if (!failed(e) && errno)
		e = err_make(ERR_IO, "the key folder cannot be read");
	closedir(dir);
	return e;
}

static struct err destroy_one(struct provider *p, const char *name,
			      const void *keep)
{
	char path[PATH_ROOM];
	struct err e;

	if (strcmp(name, keep) == 0)
		return ERR_NONE;
	e = path_of(p, name, path);
	return failed(e) ? e : file_destroy(path);
}

static struct err provider_destroy_others(void *self, struct ring_key_id keep)
{
	char name[NAME_ROOM];

	file_name(keep, name);
	return walk(self, destroy_one, name);
}

/* ---- another root key ---- */

static bool ends_in(const char *name, const char *ending)
{
	size_t len = strlen(name), n = strlen(ending);

	return len >= n && strcmp(name + len - n, ending) == 0;
}

/* Whether a file of ours opens under this root key; its key. */
static struct err read_key(struct provider *p, const char *name,
			   const uint8_t *root_key, struct ring_key_id *id,
			   uint8_t key[CRYPTO_KEY_LEN])
{
	char path[PATH_ROOM];
	struct buf file;
	struct err e = path_of(p, name, path);

	buf_init(&file, FILE_LEN);
	if (!failed(e))
		e = file_read(path, &file);
	if (!failed(e))
		e = open_key(buf_span(&file), root_key, id, key);
	buf_clear(&file);
	return e;
}

static struct err stage_one(struct provider *p, const char *name,
			    const void *root_key)
{
	uint8_t key[CRYPTO_KEY_LEN] = {0};
	struct ring_key_id id;
	struct err e;

	if (!ends_in(name, ".key"))
		return ERR_NONE;
	e = read_key(p, name, p->root_key, &id, key);
	if (!failed(e))
		e = write_key(p, root_key, id, key, ".next");
	wipe(key, sizeof(key));
	return e;
}

struct err key_provider_file_stage(struct key_provider *provider,
				   const uint8_t root_key[CRYPTO_KEY_LEN])
{
	return walk(provider->self, stage_one, root_key);
}

/* One name of the folder; `with` is not used. */
static struct err settle_one(struct provider *p, const char *name,
			     const void *with)
{
	char path[PATH_ROOM], plain[NAME_ROOM];
	uint8_t key[CRYPTO_KEY_LEN] = {0};
	struct ring_key_id id;
	struct err e, next;

	if (!ends_in(name, ".key.next") && !ends_in(name, ".key.old"))
		return ERR_NONE;
	snprintf(plain, sizeof(plain), "%.*s", 5 + 32 + 4, name);
	e = path_of(p, plain, path);
	if (!failed(e))
		e = file_settle(path);
	if (failed(e) || ends_in(name, ".old"))
		return e;
	next = read_key(p, name, p->root_key, &id, key);
	if (!failed(next)) {
		e = file_supersede(path);
	} else if (next.code == ERR_SEALED || next.code == ERR_CORRUPT) {
		/* Where neither opens the root key is wrong: nothing goes. */
		e = read_key(p, plain, p->root_key, &id, key);
		if (!failed(e))
			e = path_of(p, name, path);
		if (!failed(e))
			e = file_destroy(path);
		else if (e.code == ERR_SEALED)
			e = ERR_NONE;
	} else if (next.code != ERR_NOT_FOUND) { /* settled a moment ago */
		e = next;
	}
	wipe(key, sizeof(key));
	return e;
}

static void provider_close(void *self)
{
	struct provider *p = self;

	if (!p)
		return;
	wipe(p->root_key, sizeof(p->root_key));
	free(p->folder);
	free(p);
}

struct err key_provider_file_open(const char *folder,
				  const uint8_t root_key[CRYPTO_KEY_LEN],
				  const struct random *random,
				  struct key_provider *out)
{
	struct provider *p;
	struct err e = file_make_folder(folder);

	if (failed(e))
		return e;
	p = calloc(1, sizeof(*p));
	if (p)
		p->folder = strdup(folder);
	if (!p || !p->folder) {
		free(p);
		return err_make(ERR_NO_MEMORY, "no memory for a key provider");
	}
	p->random = random;
	memcpy(p->root_key, root_key, CRYPTO_KEY_LEN);
	*out = (struct key_provider){
		.put = provider_put,
		.get = provider_get,
		.destroy_others = provider_destroy_others,
		.close = provider_close,
		.self = p,
	};
	e = walk(p, settle_one, NULL);
	if (failed(e)) {
		provider_close(p);
		*out = (struct key_provider){0};
	}
	return e;
}
