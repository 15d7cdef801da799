/* Transactions and cursors over LMDB, a MAC on every record. */
#include <assert.h>
#include <errno.h>
#include <lmdb.h>
#include <stdlib.h>
#include <sys/statvfs.h>

#include "storage/record.h"
#include "storage/store_inside.h"
#include "storage/txn.h"

enum {
	SCRATCH_FIRST = 4096,
	SCRATCH_MAX = RECORD_VALUE_MAX + RECORD_MAC_LEN,
	CUT_SHORT_MAX = 1 << 20, /* what is left of a disk that cuts short */
};

struct txn {
	struct store *store;
	enum store_env env;
	MDB_txn *mdb;
	struct txn *outer;
	bool writes;
	bool reserve; /* beyond the quota */
	struct txn_steps steps;
	struct hmac *work;  /* made with the first MAC */
	struct buf scratch; /* a value and its MAC, on their way */
};

/* Where a cursor stands, beyond what LMDB knows. */
enum cursor_at { CURSOR_FRESH, CURSOR_ON, CURSOR_BEFORE, CURSOR_AFTER };

struct txn_cursor {
	struct txn *txn;
	enum table table;
	MDB_cursor *mdb;
	struct key prefix;
	enum cursor_at at;
};

static const char *const corrupt_names[TABLE_COUNT] = {
#define CORRUPT(t, name) [t] = "a record of " name " fails its MAC"
	CORRUPT(TABLE_HEADER, "header"),
	CORRUPT(TABLE_DOCUMENTS, "documents"),
	CORRUPT(TABLE_FEED, "feed"),
	CORRUPT(TABLE_GROUPS, "groups"),
	CORRUPT(TABLE_AUDIT, "audit"),
	CORRUPT(TABLE_LABELS, "labels"),
	CORRUPT(TABLE_AUTHORS, "authors"),
	CORRUPT(TABLE_SHELVES, "shelves"),
	CORRUPT(TABLE_VIEWS, "views"),
	CORRUPT(TABLE_SUBJECTS, "subjects"),
	CORRUPT(TABLE_DEVICES, "devices"),
	CORRUPT(TABLE_LEDGERS, "ledgers"),
	CORRUPT(TABLE_SPACES, "spaces"),
	CORRUPT(TABLE_PEERS, "peers"),
	CORRUPT(TABLE_STATEMENTS, "statements"),
	CORRUPT(TABLE_SLOTS, "slots"),
	CORRUPT(TABLE_UPLOADS, "uploads"),
	CORRUPT(TABLE_QUARANTINE, "quarantine"),
	CORRUPT(TABLE_TOKENS, "tokens"),
	CORRUPT(TABLE_POLICIES, "policies"),
	CORRUPT(TABLE_COUNTERS, "counters"),
	CORRUPT(TABLE_RECEIPTS, "receipts"),
	CORRUPT(TABLE_CERTIFICATES, "certificates"),
	CORRUPT(TABLE_NONCES, "nonces"),
	CORRUPT(TABLE_TICKS, "ticks"),
	CORRUPT(TABLE_RULES, "rules"),
	CORRUPT(TABLE_OFFICERS, "officers"),
	CORRUPT(TABLE_RETURNING, "returning"),
	CORRUPT(TABLE_SEGMENT_HEADER, "segment-header"),
	CORRUPT(TABLE_SEGMENTS, "segments"),
	CORRUPT(TABLE_SEGMENT_TABLES, "segment-tables"),
#undef CORRUPT
};

static struct err dead(void)
{
	return err_make(ERR_IO, "the store's disk failed before");
}

/* The error that stands before any call, if one does. */
static struct err ready(const struct txn *txn, enum table table,
			const struct key *key)
{
	assert(table_env(table) == txn->env);
	if (store_dead(txn->store))
		return dead();
	if (key->bad || key->len == 0)
		return err_make(ERR_TOO_LARGE, "a key of a bad length");
	return ERR_NONE;
}

/* ---- begin and end ---- */

static struct err begin(struct store *store, enum store_env env,
			struct txn *outer, bool writes, bool reserve,
			struct txn **out)
{
	struct txn *txn;
	int rc;

	if (store_dead(store))
		return dead();
	txn = store_alloc(store, sizeof(*txn));
	if (!txn)
		return err_make(ERR_NO_MEMORY, "no memory for a transaction");
	txn->store = store;
	txn->env = env;
	txn->outer = outer;
	txn->writes = writes;
	txn->reserve = reserve;
	buf_init(&txn->scratch, SCRATCH_MAX);
	rc = store_fault(store);
	if (!rc)
		rc = mdb_txn_begin(store->env[env], outer ? outer->mdb : NULL,
				   writes ? 0 : MDB_RDONLY, &txn->mdb);
	if (rc) {
		free(txn);
		return store_err(store, rc);
	}
	*out = txn;
	return ERR_NONE;
}

struct err txn_begin_read(struct store *store, enum store_env env,
			  struct txn **out)
{
	return begin(store, env, NULL, false, false, out);
}

struct err txn_begin_write(struct store *store, enum store_env env,
			   struct txn **out)
{
	struct err e = store_dead(store) ? dead() : store_check_quota(store);

	return failed(e) ? e : begin(store, env, NULL, true, false, out);
}

struct err txn_begin_reserve(struct store *store, enum store_env env,
			     struct txn **out)
{
	return begin(store, env, NULL, true, true, out);
}

struct err txn_nest(struct txn *outer, struct txn **out)
{
	assert(outer->writes);
	return begin(outer->store, outer->env, outer, true, outer->reserve,
		     out);
}

static void release(struct txn *txn)
{
	if (txn->outer) {
		txn->outer->steps.reads += txn->steps.reads;
		txn->outer->steps.steps += txn->steps.steps;
		txn->outer->steps.writes += txn->steps.writes;
	}
	hmac_free(txn->work);
	buf_clear(&txn->scratch);
	free(txn);
}

/* LMDB calls a write that a full disk cut short EIO.  Its pages were free
 * ones and its meta page was not written: the store is as it was. */
static int cut_short(const struct txn *txn, int rc)
{
	struct statvfs disk;
	int fd;

	if (rc != EIO || mdb_env_get_fd(txn->store->env[txn->env], &fd) != 0 ||
	    fstatvfs(fd, &disk) != 0 ||
	    disk.f_bavail * disk.f_frsize >= CUT_SHORT_MAX)
		return rc;
	return ENOSPC;
}

/* After a commit that failed: a meta page that could not be written leaves
 * LMDB refusing everything until it is opened again, whatever the error. */
static bool panics(struct store *store, enum store_env env)
{
	MDB_txn *txn = NULL;
	int rc = mdb_txn_begin(store->env[env], NULL, MDB_RDONLY, &txn);

	if (!rc)
		mdb_txn_abort(txn);
	return rc == MDB_PANIC;
}

struct err txn_commit(struct txn **at)
{
	struct txn *txn = *at;
	struct store *store = txn->store;
	enum store_env env = txn->env;
	bool outer = !txn->outer;
	int rc;

	*at = NULL;
	rc = store_dead(store) ? EIO : store_fault(store);
	if (rc)
		mdb_txn_abort(txn->mdb);
	else
		rc = cut_short(txn, mdb_txn_commit(txn->mdb));
	release(txn);
	if (rc && outer && panics(store, env))
		rc = MDB_PANIC;
	return store_err(store, rc);
}

void txn_abort(struct txn **at)
{
	struct txn *txn = *at;

	if (!txn)
		return;
	*at = NULL;
	mdb_txn_abort(txn->mdb);
	release(txn);
}

struct err txn_renew(struct txn *txn)
{
	int rc;

	assert(!txn->writes);
	if (store_dead(txn->store))
		return dead();
	rc = store_fault(txn->store);
	if (rc)
		return store_err(txn->store, rc);
	mdb_txn_reset(txn->mdb);
	return store_err(txn->store, mdb_txn_renew(txn->mdb));
}

struct store *txn_store(const struct txn *txn)
{
	return txn->store;
}

bool txn_writes(const struct txn *txn)
{
	return txn->writes;
}

struct txn_steps txn_steps(const struct txn *txn)
{
	return txn->steps;
}

/* ---- records ---- */

static struct err mac(struct txn *txn, enum table table, struct span key,
		      struct span value, uint8_t out[RECORD_MAC_LEN])
{
	struct store *s = txn->store;
	struct err e = ERR_NONE;

	if (!txn->work && store_fault(s))
		return err_make(ERR_NO_MEMORY, "no memory for a record");
	if (!txn->work)
		e = hmac_new(&txn->work);
	if (failed(e))
		return e;
	return record_mac(txn->work, s->mac_key,
			  span_of(s->store_id, STORE_ID_LEN), table_name(table),
			  key, value, out);
}

/* From what stands on disk to the value. */
static struct err checked(struct txn *txn, enum table table, struct span key,
			  MDB_val stored, struct span *value)
{
	uint8_t want[RECORD_MAC_LEN];
	struct span v, have;
	struct err e;

	if (stored.mv_size < RECORD_MAC_LEN ||
	    stored.mv_size > RECORD_VALUE_MAX + RECORD_MAC_LEN)
		return err_make(ERR_CORRUPT, corrupt_names[table]);
	v = span_of(stored.mv_data, stored.mv_size - RECORD_MAC_LEN);
	have = span_of(v.at + v.len, RECORD_MAC_LEN);
	e = mac(txn, table, key, v, want);
	if (failed(e))
		return e;
	if (!span_eq_const_time(have, span_of(want, sizeof(want))))
		return err_make(ERR_CORRUPT, corrupt_names[table]);
	*value = v;
	return ERR_NONE;
}

struct err txn_get(struct txn *txn, enum table table, struct key key,
		   struct span *value)
{
	MDB_val k = {key.len, key.at};
	MDB_val v;
	struct err e;
	int rc;

	e = ready(txn, table, &key);
	if (failed(e))
		return e;
	txn->steps.reads++;
	rc = store_fault(txn->store);
	if (!rc)
		rc = mdb_get(txn->mdb, txn->store->dbi[table], &k, &v);
	if (rc)
		return store_err(txn->store, rc);
	return checked(txn, table, key_span(&key), v, value);
}

struct err txn_tag(struct txn *txn, enum table table, struct key key,
		   struct txn_tag *out)
{
	_Static_assert((int)TXN_TAG_LEN == (int)RECORD_MAC_LEN,
		       "a tag is a MAC");
	MDB_val k = {key.len, key.at};
	MDB_val v;
	struct err e;
	int rc;

	e = ready(txn, table, &key);
	if (failed(e))
		return e;
	txn->steps.reads++;
	rc = store_fault(txn->store);
	if (!rc)
		rc = mdb_get(txn->mdb, txn->store->dbi[table], &k, &v);
	if (rc)
		return store_err(txn->store, rc);
	if (v.mv_size < RECORD_MAC_LEN)
		return err_make(ERR_CORRUPT, corrupt_names[table]);
	memcpy(out->at, (const uint8_t *)v.mv_data + v.mv_size - TXN_TAG_LEN,
	       TXN_TAG_LEN);
	return ERR_NONE;
}

struct err txn_has(struct txn *txn, enum table table, struct key key, bool *out)
{
	struct span value;
	struct err e = txn_get(txn, table, key, &value);

	if (failed(e) && e.code != ERR_NOT_FOUND)
		return e;
	*out = !failed(e);
	return ERR_NONE;
}

struct err txn_rows(struct txn *txn, enum table table, uint64_t *out)
{
	MDB_stat stat;
	int rc = store_fault(txn->store);

	if (!rc)
		rc = mdb_stat(txn->mdb, txn->store->dbi[table], &stat);
	if (rc)
		return store_err(txn->store, rc);
	*out = stat.ms_entries;
	return ERR_NONE;
}

static struct err put(struct txn *txn, enum table table, struct key key,
		      struct span value, unsigned flags)
{
	uint8_t tag[RECORD_MAC_LEN];
	MDB_val k = {key.len, key.at};
	MDB_val v;
	struct err e;
	int rc;

	assert(txn->writes);
	e = ready(txn, table, &key);
	if (failed(e))
		return e;
	if (value.len > RECORD_VALUE_MAX)
		return err_make(ERR_TOO_LARGE, "a value beyond the cap");
	if (!txn->reserve && atomic_load(&txn->store->full))
		return err_make(ERR_DISK_FULL, "the store's quota is reached");
	e = mac(txn, table, key_span(&key), value, tag);
	if (failed(e))
		return e;
	/* A copy: `value` may lie in a page that the put itself moves. */
	buf_reset(&txn->scratch);
	if (!txn->scratch.at)
		(void)buf_grow(&txn->scratch, SCRATCH_FIRST);
	buf_reset(&txn->scratch);
	buf_put(&txn->scratch, value);
	buf_put(&txn->scratch, SPAN_OBJ(tag));
	e = buf_check(&txn->scratch);
	if (failed(e))
		return e;
	v.mv_size = txn->scratch.len;
	v.mv_data = txn->scratch.at;
	txn->steps.writes++;
	rc = store_fault(txn->store);
	if (!rc)
		rc = mdb_put(txn->mdb, txn->store->dbi[table], &k, &v, flags);
	return store_err(txn->store, rc);
}

struct err txn_put(struct txn *txn, enum table table, struct key key,
		   struct span value)
{
	return put(txn, table, key, value, 0);
}

struct err txn_put_new(struct txn *txn, enum table table, struct key key,
		       struct span value)
{
	return put(txn, table, key, value, MDB_NOOVERWRITE);
}

struct err txn_del(struct txn *txn, enum table table, struct key key)
{
	MDB_val k = {key.len, key.at};
	struct err e;
	int rc;

	assert(txn->writes);
	e = ready(txn, table, &key);
	if (failed(e))
		return e;
	txn->steps.writes++;
	rc = store_fault(txn->store);
	if (!rc)
		rc = mdb_del(txn->mdb, txn->store->dbi[table], &k, NULL);
	return store_err(txn->store, rc);
}

/* ---- counters ---- */

struct err txn_counter(struct txn *txn, const char *name, uint64_t *out)
{
	struct span_reader r;
	struct span value;
	uint64_t n;
	struct err e;

	e = txn_get(txn, TABLE_COUNTERS, key_counter(name), &value);
	if (e.code == ERR_NOT_FOUND) {
		*out = 0;
		return ERR_NONE;
	}
	if (failed(e))
		return e;
	r = span_read(value);
	n = span_read_u64(&r);
	e = record_read_end(&r, "a counter is malformed");
	if (!failed(e))
		*out = n;
	return e;
}

struct err txn_counter_set(struct txn *txn, const char *name, uint64_t value)
{
	uint8_t at[8];

	for (int i = 0; i < 8; i++)
		at[i] = (uint8_t)(value >> (56 - 8 * i));
	return txn_put(txn, TABLE_COUNTERS, key_counter(name), SPAN_OBJ(at));
}

struct err txn_counter_next(struct txn *txn, const char *name, uint64_t *out)
{
	uint64_t n;
	struct err e = txn_counter(txn, name, &n);

	if (!failed(e))
		e = txn_counter_set(txn, name, n + 1);
	if (!failed(e))
		*out = n + 1;
	return e;
}

/* ---- cursors ---- */

static struct err none(void)
{
	return err_make(ERR_NOT_FOUND, "no more rows");
}

struct err txn_cursor_open(struct txn *txn, enum table table, struct key prefix,
			   struct txn_cursor **out)
{
	struct txn_cursor *c;
	int rc;

	assert(table_env(table) == txn->env);
	if (store_dead(txn->store))
		return dead();
	if (prefix.bad)
		return err_make(ERR_TOO_LARGE, "a key of a bad length");
	c = store_alloc(txn->store, sizeof(*c));
	if (!c)
		return err_make(ERR_NO_MEMORY, "no memory for a cursor");
	c->txn = txn;
	c->table = table;
	c->prefix = prefix;
	rc = store_fault(txn->store);
	if (!rc)
		rc = mdb_cursor_open(txn->mdb, txn->store->dbi[table], &c->mdb);
	if (rc) {
		free(c);
		return store_err(txn->store, rc);
	}
	*out = c;
	return ERR_NONE;
}

void txn_cursor_close(struct txn_cursor *cursor)
{
	if (!cursor)
		return;
	mdb_cursor_close(cursor->mdb);
	free(cursor);
}

/* One call of LMDB; `k` in and out.  Off the prefix, or off the table, the
 * cursor stands at `beyond`. */
static struct err move(struct txn_cursor *c, MDB_val k, MDB_cursor_op op,
		       enum cursor_at beyond, struct txn_row *row)
{
	struct span prefix = key_span(&c->prefix);
	struct span key, value;
	MDB_val v;
	struct err e;
	int rc;

	if (store_dead(c->txn->store))
		return dead();
	rc = store_fault(c->txn->store);
	if (!rc)
		rc = mdb_cursor_get(c->mdb, &k, &v, op);
	if (rc == MDB_NOTFOUND) {
		c->at = beyond;
		return none();
	}
	if (rc)
		return store_err(c->txn->store, rc);
	c->txn->steps.steps++;
	key = span_of(k.mv_data, k.mv_size);
	if (!span_eq(span_sub(key, 0, prefix.len), prefix)) {
		c->at = beyond;
		return none();
	}
	c->at = CURSOR_ON;
	e = checked(c->txn, c->table, key, v, &value);
	*row = (struct txn_row){key, failed(e) ? (struct span){0} : value};
	return e;
}

/* The first row at or after `key`, which is not before the prefix. */
static struct err seek(struct txn_cursor *c, const struct key *key,
		       struct txn_row *row)
{
	MDB_val k = {key->len, (void *)key->at};

	return move(c, k, key->len ? MDB_SET_RANGE : MDB_FIRST, CURSOR_AFTER,
		    row);
}

struct err txn_cursor_seek(struct txn_cursor *cursor, struct key key,
			   struct txn_row *row)
{
	if (key.bad)
		return err_make(ERR_TOO_LARGE, "a key of a bad length");
	if (span_cmp(key_span(&key), key_span(&cursor->prefix)) < 0)
		key = cursor->prefix;
	return seek(cursor, &key, row);
}

/* The last row of the table that is before `key`, whatever its prefix is. */
static struct err seek_before(struct txn_cursor *c, const struct key *key,
			      struct txn_row *row)
{
	MDB_val k = {key->len, (void *)key->at};
	MDB_val v;
	int rc = MDB_NOTFOUND;

	if (store_dead(c->txn->store))
		return dead();
	/* An empty key stands for the end of the table. */
	if (key->len) {
		rc = store_fault(c->txn->store);
		if (!rc)
			rc = mdb_cursor_get(c->mdb, &k, &v, MDB_SET_RANGE);
	}
	if (rc && rc != MDB_NOTFOUND)
		return store_err(c->txn->store, rc);
	return move(c, k, rc ? MDB_LAST : MDB_PREV, CURSOR_BEFORE, row);
}

struct err txn_cursor_seek_before(struct txn_cursor *cursor, struct key key,
				  struct txn_row *row)
{
	struct key end = key_after_prefix(cursor->prefix);

	if (key.bad)
		return err_make(ERR_TOO_LARGE, "a key of a bad length");
	if (span_cmp(key_span(&key), key_span(&cursor->prefix)) <= 0) {
		cursor->at = CURSOR_BEFORE;
		return none();
	}
	if (end.len && span_cmp(key_span(&key), key_span(&end)) > 0)
		key = end;
	return seek_before(cursor, &key, row);
}

struct err txn_cursor_first(struct txn_cursor *cursor, struct txn_row *row)
{
	return seek(cursor, &cursor->prefix, row);
}

struct err txn_cursor_last(struct txn_cursor *cursor, struct txn_row *row)
{
	struct key end = key_after_prefix(cursor->prefix);

	return seek_before(cursor, &end, row);
}

struct err txn_cursor_next(struct txn_cursor *cursor, struct txn_row *row)
{
	switch (cursor->at) {
	case CURSOR_FRESH:
	case CURSOR_BEFORE:
		return txn_cursor_first(cursor, row);
	case CURSOR_ON:
		return move(cursor, (MDB_val){0}, MDB_NEXT, CURSOR_AFTER, row);
	case CURSOR_AFTER:
		break;
	}
	return none();
}

struct err txn_cursor_prev(struct txn_cursor *cursor, struct txn_row *row)
{
	switch (cursor->at) {
	case CURSOR_FRESH:
	case CURSOR_AFTER:
		return txn_cursor_last(cursor, row);
	case CURSOR_ON:
		return move(cursor, (MDB_val){0}, MDB_PREV, CURSOR_BEFORE, row);
	case CURSOR_BEFORE:
		break;
	}
	return none();
}

struct err txn_cursor_del(struct txn_cursor *cursor)
{
	int rc;

	assert(cursor->txn->writes);
	if (store_dead(cursor->txn->store))
		return dead();
	if (cursor->at != CURSOR_ON)
		return none();
	cursor->txn->steps.writes++;
	rc = store_fault(cursor->txn->store);
	if (!rc)
		rc = mdb_cursor_del(cursor->mdb, 0);
	return store_err(cursor->txn->store, rc);
}
