/* One store: two LMDB environments in a folder. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <lmdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "storage/file.h"
#include "storage/record.h"
#include "storage/store_inside.h"
#include "storage/store_upgrade.h"
#include "storage/txn.h"

enum { PATH_ROOM = 4096, READERS_MAX = 512, QUOTA_EVERY = 16 };

/* Address space only, reserved once: LMDB must never resize with a reader
 * open.  Sanitizers keep a shadow of it. */
#if defined(ENTENTE_SANITIZE) || defined(__SANITIZE_ADDRESS__)
static const size_t map_sizes[STORE_ENV_COUNT] = {(size_t)1 << 30,
						  (size_t)4 << 30};
#else
static const size_t map_sizes[STORE_ENV_COUNT] = {(size_t)1 << 40,
						  (size_t)16 << 40};
#endif

static const char *const env_names[STORE_ENV_COUNT] = {"records", "segments"};

static const char *const table_names[TABLE_COUNT] = {
	[TABLE_HEADER] = "header",
	[TABLE_DOCUMENTS] = "documents",
	[TABLE_FEED] = "feed",
	[TABLE_GROUPS] = "groups",
	[TABLE_AUDIT] = "audit",
	[TABLE_LABELS] = "labels",
	[TABLE_AUTHORS] = "authors",
	[TABLE_SHELVES] = "shelves",
	[TABLE_VIEWS] = "views",
	[TABLE_SUBJECTS] = "subjects",
	[TABLE_DEVICES] = "devices",
	[TABLE_LEDGERS] = "ledgers",
	[TABLE_SPACES] = "spaces",
	[TABLE_PEERS] = "peers",
	[TABLE_STATEMENTS] = "statements",
	[TABLE_SLOTS] = "slots",
	[TABLE_UPLOADS] = "uploads",
	[TABLE_QUARANTINE] = "quarantine",
	[TABLE_TOKENS] = "tokens",
	[TABLE_POLICIES] = "policies",
	[TABLE_COUNTERS] = "counters",
	[TABLE_RECEIPTS] = "receipts",
	[TABLE_CERTIFICATES] = "certificates",
	[TABLE_NONCES] = "nonces",
	[TABLE_TICKS] = "ticks",
	[TABLE_RULES] = "rules",
	[TABLE_OFFICERS] = "officers",
	[TABLE_RETURNING] = "returning",
	[TABLE_SEGMENT_HEADER] = "segment-header",
	[TABLE_SEGMENTS] = "segments",
	[TABLE_SEGMENT_TABLES] = "segment-tables",
};

const char *table_name(enum table t)
{
	return table_names[t];
}

enum store_env table_env(enum table t)
{
	return t >= TABLE_SEGMENT_HEADER ? STORE_SEGMENTS : STORE_RECORDS;
}

int store_fault(struct store *store)
{
	struct store_faults *f = store->faults;
	uint64_t n;

	if (!f || f->at == 0)
		return 0;
	n = atomic_fetch_add(&f->calls, 1) + 1;
	if (n == f->at || (f->forever && n > f->at))
		return f->error ? f->error : ENOMEM;
	return 0;
}

void *store_alloc(struct store *store, size_t len)
{
	return store_fault(store) ? NULL : calloc(1, len);
}

struct err store_err(struct store *store, int rc)
{
	switch (rc) {
	case MDB_SUCCESS:
		return ERR_NONE;
	case MDB_NOTFOUND:
		return err_make(ERR_NOT_FOUND, "no such record");
	case MDB_KEYEXIST:
		return err_make(ERR_EXISTS, "the record exists");
	case MDB_MAP_FULL:
	case ENOSPC:
	case EDQUOT:
		return err_make(ERR_DISK_FULL, "the disk is full");
	case ENOMEM:
		return err_make(ERR_NO_MEMORY, "no memory for the store");
	case EIO:
	case MDB_PANIC:
		/* What was dirty may look clean now: nothing after this can
		 * be trusted until the store is opened again. */
		atomic_store(&store->dead, true);
		return err_make(ERR_IO, "the store's disk failed");
	case MDB_READERS_FULL:
		return err_make(ERR_BUSY, "all reader slots are taken");
	case MDB_TXN_FULL:
		return err_make(ERR_TOO_LARGE, "the transaction is too large");
	case MDB_BAD_VALSIZE:
		return err_make(ERR_TOO_LARGE, "a key of a bad length");
	case MDB_PAGE_NOTFOUND:
	case MDB_CORRUPTED:
	case MDB_INVALID:
		return err_make(ERR_CORRUPT, "the store's file is damaged");
	case MDB_VERSION_MISMATCH:
		return err_make(ERR_VERSION, "another version of LMDB's file");
	case ENOENT:
		return err_make(ERR_NOT_FOUND, "no store in this folder");
	case EACCES:
	case EPERM:
	case EROFS:
		return err_make(ERR_IO, "no right to the store's files");
	default:
		return err_make(ERR_INTERNAL, "LMDB refused");
	}
}

/* ---- use of space ---- */

/* Bytes up to the last page used, without looking at free ones. */
static uint64_t env_extent(struct store *store, enum store_env env)
{
	MDB_envinfo info;
	MDB_stat stat;

	if (mdb_env_info(store->env[env], &info) ||
	    mdb_env_stat(store->env[env], &stat))
		return 0;
	return ((uint64_t)info.me_last_pgno + 1) * stat.ms_psize;
}

/* Of a value of LMDB's free list, a count and so many numbers of pages: those
 * from `first` on. */
static uint64_t pages_from(MDB_val value, size_t n, size_t first)
{
	uint64_t pages = 0;
	size_t page;

	if (first == 0)
		return n;
	for (size_t i = 1; i <= n && (i + 1) * sizeof(page) <= value.mv_size;
	     i++) {
		memcpy(&page, (uint8_t *)value.mv_data + i * sizeof(page),
		       sizeof(page));
		pages += page >= first;
	}
	return pages;
}

/* Bytes of free pages from page `first` on: the sum over LMDB's free list,
 * table 0. */
static struct err env_free_from(struct store *store, enum store_env env,
				size_t first, uint64_t *out)
{
	MDB_txn *txn = NULL;
	MDB_cursor *cursor = NULL;
	MDB_val key, value;
	MDB_stat stat = {0};
	uint64_t pages = 0;
	size_t n;
	int rc;

	rc = store_fault(store);
	if (!rc)
		rc = mdb_txn_begin(store->env[env], NULL, MDB_RDONLY, &txn);
	if (!rc)
		rc = mdb_cursor_open(txn, 0, &cursor);
	if (!rc)
		rc = mdb_env_stat(store->env[env], &stat);
	while (!rc) {
		rc = mdb_cursor_get(cursor, &key, &value, MDB_NEXT);
		if (rc || value.mv_size < sizeof(n))
			break;
		memcpy(&n, value.mv_data, sizeof(n));
		pages += pages_from(value, n, first);
	}
	if (rc == MDB_NOTFOUND)
		rc = 0;
	if (cursor)
		mdb_cursor_close(cursor);
	if (txn)
		mdb_txn_abort(txn);
	if (!rc)
		*out = pages * stat.ms_psize;
	return store_err(store, rc);
}

static struct err env_free(struct store *store, enum store_env env,
			   uint64_t *out)
{
	return env_free_from(store, env, 0, out);
}

/*
 * A file that was cut short would end its reader by a signal.  At its end only
 * free pages may be missing: what a transaction took and gave back is never
 * written.  The file is as long as LMDB thinks afterwards, or as it was.
 */
static struct err env_whole(struct store *store, enum store_env env)
{
	uint64_t extent = env_extent(store, env), unused = 0;
	struct stat st;
	MDB_stat stat;
	struct err e;
	int fd;

	if (mdb_env_get_fd(store->env[env], &fd) != 0 || fstat(fd, &st) != 0 ||
	    mdb_env_stat(store->env[env], &stat) != 0)
		return err_make(ERR_IO, "the store's file cannot be looked at");
	if ((uint64_t)st.st_size >= extent)
		return ERR_NONE;
	if (ftruncate(fd, (off_t)extent) != 0)
		return store_err(store, errno);
	e = env_free_from(store, env, (size_t)st.st_size / stat.ms_psize,
			  &unused);
	if (e.code == ERR_CORRUPT ||
	    (!failed(e) && unused < extent - (uint64_t)st.st_size))
		e = err_make(ERR_CORRUPT, "the store's file is cut short");
	if (failed(e) && ftruncate(fd, st.st_size) != 0)
		return err_make(ERR_IO, "the store's file cannot be cut again");
	return e;
}

static bool over(const struct store *store, uint64_t used)
{
	return store->quota && used >= store->quota / 100 * 95;
}

struct err store_usage(struct store *store, struct store_usage *out)
{
	struct store_usage u = {.quota = store->quota};
	uint64_t unused = 0;
	struct err e;

	for (int i = 0; i < STORE_ENV_COUNT; i++) {
		uint64_t extent = env_extent(store, i);

		e = env_free(store, i, &unused);
		if (failed(e))
			return e;
		u.file += extent;
		u.used += extent > unused ? extent - unused : 0;
	}
	u.full = over(store, u.used);
	*out = u;
	return ERR_NONE;
}

struct err store_check_quota(struct store *store)
{
	uint64_t begun = atomic_fetch_add(&store->begun, 1);
	struct store_usage usage;
	struct err e;

	if (!store->quota)
		return ERR_NONE;
	/* The file never shrinks, so its extent alone says "full" too early;
	 * the free list is walked only near the limit, and then seldom. */
	if (!over(store, env_extent(store, STORE_RECORDS) +
				 env_extent(store, STORE_SEGMENTS))) {
		atomic_store(&store->full, false);
		return ERR_NONE;
	}
	if (!atomic_load(&store->full) && begun % QUOTA_EVERY != 0)
		return ERR_NONE;
	e = store_usage(store, &usage);
	if (!failed(e))
		atomic_store(&store->full, usage.full);
	return e;
}

struct err store_clear_readers(struct store *store)
{
	for (int i = 0; i < STORE_ENV_COUNT; i++) {
		int dead;
		int rc = mdb_reader_check(store->env[i], &dead);

		if (rc)
			return store_err(store, rc);
	}
	return ERR_NONE;
}

/* ---- open and close ---- */

struct err store_lock(const char *path, int *lock)
{
	char file[PATH_ROOM];
	struct err e;
	int fd;

	e = file_make_folder(path);
	if (!failed(e))
		e = file_join(file, sizeof(file), path, "lock");
	if (failed(e))
		return e;
	fd = open(file, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0)
		return err_make(errno == ENOENT ? ERR_NOT_FOUND : ERR_IO,
				"the store's lock file cannot be opened");
	if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
		e = err_make(errno == EWOULDBLOCK ? ERR_BUSY : ERR_IO,
			     "another process has this store open");
		close(fd);
		return e;
	}
	*lock = fd;
	return ERR_NONE;
}

void store_unlock(int lock)
{
	if (lock > 0)
		close(lock);
}

static struct err open_env(struct store *store, enum store_env env)
{
	char path[PATH_ROOM];
	MDB_txn *txn = NULL;
	struct err e;
	int rc;

	e = file_join(path, sizeof(path), store->path, env_names[env]);
	if (failed(e))
		return e;
	rc = store_fault(store);
	if (!rc)
		rc = mdb_env_create(&store->env[env]);
	if (!rc)
		rc = mdb_env_set_mapsize(store->env[env], map_sizes[env]);
	if (!rc)
		rc = mdb_env_set_maxdbs(store->env[env], TABLE_COUNT);
	if (!rc)
		rc = mdb_env_set_maxreaders(store->env[env], READERS_MAX);
	if (!rc)
		rc = store_fault(store);
	/* NOTLS: a reader belongs to its transaction, not to its thread. */
	if (!rc)
		rc = mdb_env_open(store->env[env], path, MDB_NOTLS, 0600);
	if (!rc) {
		e = env_whole(store, env);
		if (failed(e))
			return e;
		rc = store_fault(store);
	}
	if (!rc)
		rc = mdb_txn_begin(store->env[env], NULL, 0, &txn);
	for (int t = 0; !rc && t < TABLE_COUNT; t++) {
		MDB_dbi dbi;

		if (table_env(t) != env)
			continue;
		rc = store_fault(store);
		if (!rc)
			rc = mdb_dbi_open(txn, table_names[t], MDB_CREATE,
					  &dbi);
		if (!rc)
			store->dbi[t] = dbi;
	}
	if (!rc)
		rc = store_fault(store);
	if (!rc) {
		rc = mdb_txn_commit(txn);
		txn = NULL;
	}
	if (txn)
		mdb_txn_abort(txn);
	return store_err(store, rc);
}

/* Everything but the headers. */
static struct err open_files(const struct store_options *o, struct store **out)
{
	struct store *store = calloc(1, sizeof(*store));
	struct err e;

	if (!store)
		return err_make(ERR_NO_MEMORY, "no memory for the store");
	store->random = o->random;
	store->clock = o->clock;
	store->quota = o->quota;
	store->faults = o->faults;
	memcpy(store->store_id, o->store_id, STORE_ID_LEN);
	store->path = store_fault(store) ? NULL : strdup(o->path);
	e = store->path ? ERR_NONE
			: err_make(ERR_NO_MEMORY, "no memory for the store");
	if (!failed(e))
		e = hmac_key_new(span_of(o->mac_key, STORE_MAC_KEY_LEN),
				 &store->mac_key);
	if (!failed(e) && !o->lock)
		e = store_lock(store->path, &store->lock);
	if (!failed(e))
		e = open_env(store, STORE_RECORDS);
	if (!failed(e))
		e = open_env(store, STORE_SEGMENTS);
	if (failed(e)) {
		store_close(store);
		return e;
	}
	*out = store;
	return ERR_NONE;
}

void store_close(struct store *store)
{
	if (!store)
		return;
	for (int i = 0; i < STORE_ENV_COUNT; i++)
		if (store->env[i])
			mdb_env_close(store->env[i]);
	store_unlock(store->lock);
	hmac_key_free(store->mac_key);
	free(store->path);
	free(store);
}

bool store_exists(const char *path)
{
	char file[PATH_ROOM];
	int n = snprintf(file, sizeof(file), "%s/records/data.mdb", path);

	return n > 0 && n < PATH_ROOM && access(file, F_OK) == 0;
}

/* ---- headers ---- */

struct err store_read_u32(struct store *store, enum table table, struct key key,
			  uint32_t *out)
{
	MDB_val k = {key.len, key.at};
	MDB_val v;
	MDB_txn *txn = NULL;
	int rc;

	rc = store_fault(store);
	if (!rc)
		rc = mdb_txn_begin(store->env[table_env(table)], NULL,
				   MDB_RDONLY, &txn);
	if (!rc)
		rc = mdb_get(txn, store->dbi[table], &k, &v);
	if (!rc) {
		struct span_reader r = span_read(span_of(v.mv_data, v.mv_size));

		*out = span_read_u32(&r);
	}
	if (txn)
		mdb_txn_abort(txn);
	return store_err(store, rc);
}

/* A build that is older than the store must say so, whatever the rest of the
 * header looks like: the format is read before the MAC. */
static struct err check_format(struct store *store, enum table table)
{
	uint32_t format = 0;
	struct err e = store_read_u32(store, table, key_header(), &format);

	if (!failed(e) && format > STORE_FORMAT)
		return err_make(ERR_VERSION, "a newer build wrote this store");
	return e;
}

static struct err put_header(struct txn *txn, enum table table,
			     const struct store_header *h)
{
	struct buf b;
	struct err e;

	buf_init(&b, 128);
	buf_put_u32(&b, h->format);
	buf_put(&b, span_of(h->store_id, STORE_ID_LEN));
	if (table == TABLE_HEADER) {
		record_put_replica(&b, h->replica);
		buf_put_u64(&b, h->incarnation);
		buf_put_u64(&b, h->created);
	}
	e = buf_check(&b);
	if (!failed(e))
		e = txn_put(txn, table, key_header(), buf_span(&b));
	buf_clear(&b);
	return e;
}

static struct err write_header(struct store *store, enum table table,
			       const struct store_header *h)
{
	struct txn *txn = NULL;
	struct err e;

	e = txn_begin_reserve(store, table_env(table), &txn);
	if (!failed(e))
		e = put_header(txn, table, h);
	if (!failed(e))
		e = txn_commit(&txn);
	txn_abort(&txn);
	return e;
}

static struct err read_header(struct store *store, enum table table,
			      struct store_header *out)
{
	struct store_header h = {0};
	struct txn *txn = NULL;
	struct span_reader r;
	struct span value;
	struct err e;

	e = check_format(store, table);
	if (!failed(e))
		e = txn_begin_read(store, table_env(table), &txn);
	if (!failed(e))
		e = txn_get(txn, table, key_header(), &value);
	if (failed(e))
		goto out;
	r = span_read(value);
	h.format = span_read_u32(&r);
	span_read_into(&r, h.store_id, STORE_ID_LEN);
	if (table == TABLE_HEADER) {
		h.replica = record_read_replica(&r);
		h.incarnation = span_read_u64(&r);
		h.created = span_read_u64(&r);
	}
	e = record_read_end(&r, "the store's header is malformed");
	if (!failed(e) && memcmp(h.store_id, store->store_id, STORE_ID_LEN))
		e = err_make(ERR_CORRUPT, "the ring is another store's");
	if (!failed(e))
		*out = h;
out:
	txn_abort(&txn);
	return e;
}

static struct err draw_incarnation(struct store *store, uint64_t *out)
{
	struct err e = random_fill(&store->random, out, sizeof(*out));

	if (!failed(e) && *out == 0)
		*out = 1; /* 0 is "none" in memory */
	return e;
}

struct err store_create(const struct store_options *options,
			struct replica replica)
{
	char path[PATH_ROOM];
	struct store_header h = {.format = STORE_FORMAT, .replica = replica};
	struct store *store = NULL;
	struct err e;

	for (int i = 0; i < STORE_ENV_COUNT; i++) {
		e = file_join(path, sizeof(path), options->path, env_names[i]);
		if (!failed(e))
			e = file_make_folder(path);
		if (failed(e))
			return e;
	}
	e = open_files(options, &store);
	if (failed(e))
		goto out;
	e = check_format(store, TABLE_HEADER);
	if (!failed(e))
		e = err_make(ERR_EXISTS, "there is a store in this folder");
	else if (e.code == ERR_NOT_FOUND)
		e = draw_incarnation(store, &h.incarnation);
	if (failed(e))
		goto out;
	h.created = clock_s(&store->clock);
	memcpy(h.store_id, store->store_id, STORE_ID_LEN);
	/* The records' header last: with it the store is there. */
	e = write_header(store, TABLE_SEGMENT_HEADER, &h);
	if (!failed(e))
		e = write_header(store, TABLE_HEADER, &h);
	if (!failed(e))
		e = file_sync_folder(options->path);
out:
	store_close(store);
	return e;
}

struct err store_open(const struct store_options *options, struct store **out)
{
	struct store_header beside;
	struct store *store = NULL;
	struct err e;

	if (!store_exists(options->path))
		return err_make(ERR_NOT_FOUND, "no store in this folder");
	e = open_files(options, &store);
	if (!failed(e))
		e = read_header(store, TABLE_HEADER, &store->header);
	if (!failed(e))
		e = read_header(store, TABLE_SEGMENT_HEADER, &beside);
	if (!failed(e))
		e = store_upgrade(store);
	/* Readers of a guard that was killed would pin old pages. */
	if (!failed(e))
		e = store_clear_readers(store);
	if (failed(e)) {
		store_close(store);
		return e;
	}
	*out = store;
	return ERR_NONE;
}

struct err store_promote(struct store *store, struct replica replica)
{
	struct store_header h = store->header;
	struct err e;

	if (!nation_eq(replica.nation, h.replica.nation) ||
	    replica.number <= h.replica.number)
		return err_make(ERR_CONFLICT, "a replica number only rises");
	h.replica = replica;
	e = draw_incarnation(store, &h.incarnation);
	if (!failed(e))
		e = write_header(store, TABLE_HEADER, &h);
	if (!failed(e))
		store->header = h;
	return e;
}

const struct store_header *store_header(const struct store *store)
{
	return &store->header;
}

const char *store_path(const struct store *store)
{
	return store->path;
}

const struct random *store_random(const struct store *store)
{
	return &store->random;
}

const struct clock *store_clock(const struct store *store)
{
	return &store->clock;
}

bool store_dead(const struct store *store)
{
	return atomic_load(&store->dead);
}
