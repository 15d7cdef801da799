/* Another root key: the ring key sealed anew. */
#define _GNU_SOURCE
#include <unistd.h>

#include "storage/root_rotate.h"

#include "storage/file.h"
#include "storage/key_provider.h"
#include "storage/root_key.h"

enum { PATH_ROOM = 4096 };

struct err root_rotate_settle(const char *keys)
{
	static const char *const left[] = {"root.key.next",
					   "root.key.next.new"};
	char path[PATH_ROOM];
	struct err e = file_join(path, sizeof(path), keys, "root.key");

	if (!failed(e))
		e = file_settle(path);
	for (size_t i = 0; i < 2 && !failed(e); i++) {
		e = file_join(path, sizeof(path), keys, left[i]);
		if (!failed(e))
			e = file_destroy(path);
	}
	return e;
}

/* The ring keys beside themselves, under `fresh`. */
static struct err stage(const char *keys, const uint8_t *old_root,
			const uint8_t *fresh, const struct random *random)
{
	struct key_provider provider;
	char ring[PATH_ROOM];
	struct err e = file_join(ring, sizeof(ring), keys, "ring");

	if (!failed(e))
		e = key_provider_file_open(ring, old_root, random, &provider);
	if (failed(e))
		return e;
	e = key_provider_file_stage(&provider, fresh);
	provider.close(provider.self);
	return e;
}

/* The new ones take the place of the old. */
static struct err settle(const char *keys, const uint8_t *fresh,
			 const struct random *random)
{
	struct key_provider provider;
	char ring[PATH_ROOM];
	struct err e = root_rotate_settle(keys);

	if (!failed(e))
		e = file_join(ring, sizeof(ring), keys, "ring");
	if (!failed(e))
		e = key_provider_file_open(ring, fresh, random, &provider);
	if (!failed(e))
		provider.close(provider.self);
	return e;
}

struct err root_rotate(const char *keys,
		       const uint8_t old_root[KEYFILE_ROOT_LEN],
		       struct span passphrase, unsigned log2_n,
		       const struct random *random)
{
	uint8_t fresh[KEYFILE_ROOT_LEN] = {0};
	char path[PATH_ROOM], next[PATH_ROOM], start[PATH_ROOM];
	struct err e = file_join(path, sizeof(path), keys, "root.key");

	if (!failed(e))
		e = file_join(next, sizeof(next), keys, "root.key.next");
	if (!failed(e))
		e = file_join(start, sizeof(start), keys, "start");
	if (!failed(e) && access(start, F_OK) == 0)
		e = err_make(ERR_CONFLICT, "the relay was never started: its "
					   "start file is under this key");
	if (!failed(e))
		e = root_rotate_settle(keys);
	if (!failed(e))
		e = root_key_create(next, passphrase, log2_n, random, fresh);
	if (!failed(e))
		e = stage(keys, old_root, fresh, random);
	if (!failed(e))
		e = file_supersede(path);
	if (!failed(e))
		e = settle(keys, fresh, random);
	wipe(fresh, sizeof(fresh));
	return e;
}
