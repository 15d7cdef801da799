/* A relay's folder out of a backup; and whether a backup would give one. */
#define _GNU_SOURCE /* nftw */
#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "proto/crypto/certificate.h"
#include "relay/store/tool.h"
#include "relay/unseal.h"
#include "storage/backup_unpack.h"
#include "storage/file.h"
#include "storage/store_check.h"

enum { PATH_ROOM = 4096, FINDINGS_TOLD = 100, CHEAP_LOG2_N = 10 };

static uint64_t now_ms(void *self)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

static const struct random source = {crypto_random_fill, NULL};
static const struct clock machine = {now_ms, NULL};

static int remove_one(const char *path, const struct stat *st, int flag,
		      struct FTW *ftw)
{
	return remove(path);
}

static void remove_folder(const char *path)
{
	nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/* A private key as PEM; of a folder, its root.key. */
static struct err read_key(const char *path, struct crypto_key **out)
{
	char inside[PATH_ROOM];
	struct stat st;
	struct buf pem;
	struct err e = ERR_NONE;

	buf_init(&pem, CERTIFICATE_PEM_MAX);
	if (stat(path, &st) == 0 && S_ISDIR(st.st_mode)) {
		e = file_join(inside, sizeof(inside), path, "root.key");
		path = inside;
	}
	if (!failed(e))
		e = file_read(path, &pem);
	if (!failed(e))
		e = certificate_key_from_pem(buf_span(&pem), out);
	if (!failed(e) && crypto_key_curve(*out) != CRYPTO_P384)
		e = err_make(ERR_MALFORMED, "this key is not a P-384 key");
	buf_wipe(&pem);
	return e;
}

static void on_progress(void *self, uint64_t done, uint64_t total)
{
	const struct tool *t = self;

	tool_progress(t, "read", done, total);
}

static const char *mend_of(struct err e)
{
	switch (e.code) {
	case ERR_EXISTS:
		return "Name a folder that is not there yet.";
	case ERR_SEALED:
		return "Give the recovery key that `entente init` made for "
		       "this relay.";
	case ERR_CORRUPT:
		return "The backup is damaged: take another one.";
	case ERR_VERSION:
		return "Use the build that wrote it, or a newer one.";
	case ERR_MALFORMED:
		return "Name a backup of `entente backup create`, and keys in "
		       "PEM as `entente init` made them.";
	case ERR_CONFLICT:
		return "Give --replica a number above every one that this "
		       "relay ever had.";
	case ERR_UNAUTHENTICATED:
		return "Give the seal root of this nation.";
	default:
		return NULL;
	}
}

/* ---- restore ---- */

struct restoring {
	const struct tool *tool;
	const char *where;
	char folder[PATH_ROOM]; /* until it is complete */
	struct crypto_key *recovery, *seal_root;
	struct buf passphrase;
	uint8_t root_key[KEYFILE_ROOT_LEN];
	uint64_t replica;
	struct backup_found found;
};

static struct err prepare(struct restoring *r)
{
	const struct tool *t = r->tool;
	struct err e = ERR_NONE;
	int n = snprintf(r->folder, sizeof(r->folder), "%s.restoring", t->to);

	r->where = t->to;
	if (n <= 0 || n >= PATH_ROOM)
		return err_make(ERR_TOO_LARGE, "a path beyond the cap");
	if (access(t->to, F_OK) == 0)
		return err_make(ERR_EXISTS, "the folder is there already");
	/* Of a restore that was cut off: nothing else has such a name. */
	remove_folder(r->folder);
	r->where = t->recovery_key;
	e = read_key(t->recovery_key, &r->recovery);
	if (failed(e))
		return e;
	r->where = t->seal_root;
	e = read_key(t->seal_root, &r->seal_root);
	if (failed(e))
		return e;
	r->where = t->passphrase_file ? t->passphrase_file : "terminal";
	e = unseal_passphrase(t->passphrase_file,
			      "Passphrase for the new root key: ",
			      &r->passphrase);
	if (!failed(e) && r->passphrase.len == 0)
		e = err_make(ERR_USAGE, "an empty passphrase");
	return e;
}

static struct err restore(struct restoring *r)
{
	const struct tool *t = r->tool;
	struct backup_unpack_order unpack = {
		.file = t->path,
		.recovery = r->recovery,
		.folder = r->folder,
		.passphrase = buf_span(&r->passphrase),
		.log2_n = KEYFILE_LOG2_N,
		.random = source,
		.clock = machine,
		.progress = on_progress,
		.self = (void *)t,
	};
	struct backup_promote_order promote = {.folder = r->folder,
					       .root_key = r->root_key,
					       .seal_root = r->seal_root,
					       .random = source,
					       .clock = machine};
	struct err e;

	r->where = t->path;
	e = backup_unpack(&unpack, r->root_key, &r->found);
	tool_progress(t, "read", 0, 0);
	if (failed(e))
		return e;
	r->replica = t->replica ? t->replica : r->found.head.replica.number + 1;
	promote.replica = r->replica;
	promote.backup_time = r->found.head.time;
	e = backup_promote(&promote);
	if (!failed(e) && rename(r->folder, t->to) != 0)
		e = err_make(ERR_IO, "the folder cannot be put in place");
	return e;
}

static int say_restored(const struct restoring *r)
{
	const struct tool *t = r->tool;
	struct json_writer w;
	struct buf json;
	int code;

	buf_init(&json, 8192);
	w = json_write(&json);
	json_open_object(&w);
	json_member_str(&w, "backup", t->path);
	json_member_u64(&w, "backup_time", r->found.head.time);
	json_member_u64(&w, "files", r->found.files);
	json_member_str(&w, "folder", t->to);
	json_member_bool(&w, "held", true);
	json_member_u64(&w, "replica", r->replica);
	json_member_u64(&w, "rows", r->found.rows);
	json_close_object(&w);
	code = tool_done(
		t, &json,
		"%s: replica %.3s.%llu, %llu records, of a backup of %llu\n"
		"  It is held: it releases nothing until two officers say so "
		"(entente release), for\n"
		"  recalls, revocations and changes of policy since the backup "
		"are not in it.\n"
		"  Start it: entented --folder %s",
		t->to, r->found.head.replica.nation.code,
		(unsigned long long)r->replica,
		(unsigned long long)r->found.rows,
		(unsigned long long)r->found.head.time, t->to);
	buf_clear(&json);
	return code;
}

int restore_run(const struct tool *t)
{
	struct restoring r = {.tool = t};
	struct err e;
	int code;

	if (!t->to || !t->recovery_key || !t->seal_root)
		return tool_fail(t,
				 err_make(ERR_USAGE, "--to, --recovery-key and "
						     "--seal-root are needed"),
				 NULL, "backup restore");
	e = prepare(&r);
	if (!failed(e)) {
		e = restore(&r);
		if (failed(e))
			remove_folder(r.folder);
	}
	code = failed(e) ? tool_fail(t, e, mend_of(e), "%s", r.where)
			 : say_restored(&r);
	crypto_key_free(r.recovery);
	crypto_key_free(r.seal_root);
	buf_wipe(&r.passphrase);
	wipe(r.root_key, sizeof(r.root_key));
	return code;
}

/* ---- verify ---- */

struct looking {
	const struct tool *tool;
	uint64_t told;
};

static void on_finding(void *self, const struct store_finding *f)
{
	struct looking *l = self;

	if (l->told++ < FINDINGS_TOLD)
		fprintf(stderr, "%s: %s: %s\n",
			f->grade == CHECK_FAULT ? "fault" : "left",
			table_name(f->table), f->what);
}

static void on_records(void *self, uint64_t records, uint64_t total)
{
	const struct looking *l = self;

	tool_progress(l->tool, "checked", records << 10, total << 10);
}

static struct err look(const struct tool *t, const char *folder,
		       const uint8_t *root_key, struct store_check *out)
{
	struct store_options options = {.random = source, .clock = machine};
	struct looking l = {.tool = t};
	struct store_check_order order = {.finding = on_finding,
					  .progress = on_records,
					  .self = &l};
	struct key_provider provider = {0};
	struct store *store = NULL;
	char keys[PATH_ROOM], path[PATH_ROOM];
	struct err e = file_join(keys, sizeof(keys), folder, "keys/ring");

	if (!failed(e))
		e = file_join(path, sizeof(path), folder, "store");
	if (!failed(e))
		e = key_provider_file_open(keys, root_key, &source, &provider);
	if (!failed(e))
		e = ring_open(path, &provider, &source, &machine, &order.ring);
	if (!failed(e)) {
		options.path = path;
		ring_store_id(order.ring, options.store_id);
		ring_mac_key(order.ring, options.mac_key);
		e = store_open(&options, &store);
	}
	if (!failed(e))
		e = store_check(store, &order, out);
	tool_progress(t, "checked", 0, 0);
	store_close(store);
	ring_close(order.ring);
	if (provider.close)
		provider.close(provider.self);
	wipe(&options, sizeof(options));
	return e;
}

static int say_verified(const struct tool *t, const struct backup_found *found,
			const struct store_check *check)
{
	struct json_writer w;
	struct buf json;
	int code;

	buf_init(&json, 8192);
	w = json_write(&json);
	json_open_object(&w);
	json_member_str(&w, "backup", t->path);
	json_member_u64(&w, "backup_time", found->head.time);
	json_member_u64(&w, "documents", check->documents);
	json_member_u64(&w, "faults", check->faults);
	json_member_u64(&w, "left", check->left);
	json_member_nation(&w, "nation", found->head.replica.nation);
	json_member_u64(&w, "replica", found->head.replica.number);
	json_member_u64(&w, "rows", found->rows);
	json_member_u64(&w, "segments", check->segments);
	json_member_bool(&w, "sound", check->faults == 0);
	json_close_object(&w);
	code = tool_done(t, &json,
			 "%s: %s: replica %.3s.%llu, %llu records, %llu "
			 "documents, %llu segments; %llu faults",
			 t->path, check->faults ? "NOT SOUND" : "sound",
			 found->head.replica.nation.code,
			 (unsigned long long)found->head.replica.number,
			 (unsigned long long)found->rows,
			 (unsigned long long)check->documents,
			 (unsigned long long)check->segments,
			 (unsigned long long)check->faults);
	buf_clear(&json);
	return code ? code : check->faults ? 2 : 0;
}

/* Unpacked beside itself, walked through, removed. */
static struct err verify(const struct tool *t, const char **where,
			 struct backup_found *found, struct store_check *check)
{
	uint8_t root_key[KEYFILE_ROOT_LEN] = {0};
	struct backup_unpack_order unpack = {.file = t->path,
					     .passphrase = SPAN_OBJ(root_key),
					     .log2_n = CHEAP_LOG2_N,
					     .random = source,
					     .clock = machine,
					     .progress = on_progress,
					     .self = (void *)t};
	struct crypto_key *recovery = NULL;
	char folder[PATH_ROOM], inside[PATH_ROOM];
	uint8_t passphrase[KEYFILE_ROOT_LEN];
	struct err e;
	int n = snprintf(folder, sizeof(folder), "%s.verify-XXXXXX", t->path);

	*where = t->recovery_key;
	e = read_key(t->recovery_key, &recovery);
	if (failed(e))
		return e;
	*where = t->path;
	/* Nobody knows it: what lies there for a while opens to nobody. */
	e = random_fill(&source, passphrase, sizeof(passphrase));
	unpack.passphrase = SPAN_OBJ(passphrase);
	unpack.recovery = recovery;
	if (!failed(e) && (n <= 0 || n >= PATH_ROOM || !mkdtemp(folder)))
		e = err_make(ERR_IO, "no folder can be made beside the backup");
	if (failed(e))
		goto out;
	e = file_join(inside, sizeof(inside), folder, "relay");
	unpack.folder = inside;
	if (!failed(e))
		e = backup_unpack(&unpack, root_key, found);
	tool_progress(t, "read", 0, 0);
	if (!failed(e))
		e = look(t, inside, root_key, check);
	remove_folder(folder);
out:
	crypto_key_free(recovery);
	wipe(root_key, sizeof(root_key));
	wipe(passphrase, sizeof(passphrase));
	return e;
}

int verify_run(const struct tool *t)
{
	struct backup_found found = {0};
	struct store_check check = {0};
	const char *where = t->path;
	struct err e;

	if (!t->recovery_key)
		return tool_fail(t,
				 err_make(ERR_USAGE,
					  "--recovery-key is needed"),
				 NULL, "backup verify");
	e = verify(t, &where, &found, &check);
	return failed(e) ? tool_fail(t, e, mend_of(e), "%s", where)
			 : say_verified(t, &found, &check);
}
