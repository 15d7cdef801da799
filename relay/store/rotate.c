/* Another root key for a relay that is stopped. */
#include "proto/crypto/crypto.h"
#include "relay/store/tool.h"
#include "relay/unseal.h"
#include "storage/file.h"
#include "storage/root_key.h"
#include "storage/root_rotate.h"
#include "storage/store.h"

enum { PATH_ROOM = 4096 };

static struct err rotate(const struct tool *t, const char **where)
{
	struct random random = {crypto_random_fill, NULL};
	char keys[PATH_ROOM], root[PATH_ROOM], store[PATH_ROOM];
	uint8_t old[KEYFILE_ROOT_LEN] = {0};
	struct buf was = {0}, next = {0};
	int lock = 0;
	struct err e = file_join(keys, sizeof(keys), t->path, "keys");

	*where = t->path;
	if (!failed(e))
		e = file_join(root, sizeof(root), keys, "root.key");
	if (!failed(e))
		e = file_join(store, sizeof(store), t->path, "store");
	if (!failed(e) && !store_exists(store))
		e = err_make(ERR_NOT_FOUND,
			     "there is no store: the relay never started");
	if (!failed(e))
		e = store_lock(store, &lock);
	if (!failed(e)) {
		*where = t->passphrase_file ? t->passphrase_file : "terminal";
		e = unseal_passphrase(t->passphrase_file,
				      "Passphrase of the root key: ", &was);
	}
	if (!failed(e)) {
		*where = "keys/root.key";
		e = root_key_open(root, buf_span(&was), old);
	}
	if (!failed(e) && t->new_passphrase_file) {
		*where = t->new_passphrase_file;
		e = unseal_passphrase(t->new_passphrase_file, "", &next);
		if (!failed(e) && next.len == 0)
			e = err_make(ERR_USAGE, "an empty passphrase");
	}
	if (!failed(e)) {
		*where = t->path;
		e = root_rotate(keys, old,
				t->new_passphrase_file ? buf_span(&next)
						       : buf_span(&was),
				KEYFILE_LOG2_N, &random);
	}
	wipe(old, sizeof(old));
	buf_wipe(&was);
	buf_wipe(&next);
	store_unlock(lock);
	return e;
}

int rotate_run(const struct tool *t)
{
	const char *where = t->path;
	struct err e = rotate(t, &where);
	struct json_writer w;
	struct buf json;
	int code;

	if (failed(e))
		return tool_fail(
			t, e,
			e.code == ERR_BUSY ? "Stop the relay first."
			: e.code == ERR_SEALED
				? "Give the passphrase of keys/root.key."
			: e.code == ERR_CONFLICT || e.code == ERR_NOT_FOUND
				? "Start the relay once, then stop it."
				: NULL,
			"%s", where);
	buf_init(&json, 4096);
	w = json_write(&json);
	json_open_object(&w);
	json_member_str(&w, "folder", t->path);
	json_member_bool(&w, "new_passphrase", t->new_passphrase_file != NULL);
	json_close_object(&w);
	code = tool_done(t, &json, "%s: the ring key is under a new root key",
			 t->path);
	buf_clear(&json);
	return code;
}
