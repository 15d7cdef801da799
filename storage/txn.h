/*
 * Transactions over one environment of a store, and cursors.
 *
 * Values are borrowed from the map: those of a read transaction are good
 * until it ends (or is renewed), those of a write transaction until its next
 * put or del.  Every read checks the record's MAC; one that fails is
 * ERR_CORRUPT with the name of its table, never an answer.  After the store
 * has died every call is ERR_IO.
 *
 * A transaction belongs to one thread at a time.
 */
#ifndef STORAGE_TXN_H
#define STORAGE_TXN_H

#include "storage/key.h"
#include "storage/store.h"

struct txn;

enum { TXN_TAG_LEN = 16 };
struct txn_tag {
	uint8_t at[TXN_TAG_LEN];
};

/* A snapshot; ERR_BUSY when all reader slots are taken. */
struct err txn_begin_read(struct store *store, enum store_env env,
			  struct txn **out);
/*
 * The writer of an environment; waits while another has it.  Puts are
 * ERR_DISK_FULL when the quota is reached; deletes go on.
 */
struct err txn_begin_write(struct store *store, enum store_env env,
			   struct txn **out);
/* As txn_begin_write, beyond the quota: for recall, purge, audit, operators. */
struct err txn_begin_reserve(struct store *store, enum store_env env,
			     struct txn **out);
/*
 * A transaction inside a write transaction: its abort leaves the outer one as
 * it was.  The outer one must not be used, and have no open cursor, until it
 * ends.
 */
struct err txn_nest(struct txn *outer, struct txn **out);

/*
 * Commit and release; `*txn` becomes NULL in any case.  Of an outermost write
 * transaction: durable when this returns.  ERR_DISK_FULL leaves the store as
 * it was; ERR_IO is the end of the store.
 */
struct err txn_commit(struct txn **txn);
/* Release without a trace; `*txn` becomes NULL, which does nothing again. */
void txn_abort(struct txn **txn);

/* A read transaction moves to the newest snapshot: cheaper than a new one. */
struct err txn_renew(struct txn *txn);

struct store *txn_store(const struct txn *txn);
bool txn_writes(const struct txn *txn);

/* Work done: with it, tests and the bench see that a sync reads only what it
 * must.  A nested transaction's count goes to the outer one at its end. */
struct txn_steps {
	uint64_t reads;	 /* txn_get and txn_has */
	uint64_t steps;	 /* rows that cursors came to */
	uint64_t writes; /* put and del */
};
struct txn_steps txn_steps(const struct txn *txn);

/* ---- single records ---- */

/* ERR_NOT_FOUND if there is none. */
struct err txn_get(struct txn *txn, enum table table, struct key key,
		   struct span *value);
struct err txn_has(struct txn *txn, enum table table, struct key key,
		   bool *out);
/*
 * The MAC that stands with the record, not checked: it tells whether the
 * record is still the one that was read (and checked) before, and nothing
 * else.  ERR_NOT_FOUND.
 */
struct err txn_tag(struct txn *txn, enum table table, struct key key,
		   struct txn_tag *out);
/* How many rows a table has, as LMDB counts them. */
struct err txn_rows(struct txn *txn, enum table table, uint64_t *out);
/* Makes or replaces. */
struct err txn_put(struct txn *txn, enum table table, struct key key,
		   struct span value);
/* ERR_EXISTS if there is one. */
struct err txn_put_new(struct txn *txn, enum table table, struct key key,
		       struct span value);
/* ERR_NOT_FOUND if there is none. */
struct err txn_del(struct txn *txn, enum table table, struct key key);

/* ---- counters (TABLE_COUNTERS), named by short text ---- */

/* 0 if never set. */
struct err txn_counter(struct txn *txn, const char *name, uint64_t *out);
struct err txn_counter_set(struct txn *txn, const char *name, uint64_t value);
/* Adds one and gives the new value: 1 at first. */
struct err txn_counter_next(struct txn *txn, const char *name, uint64_t *out);

/* ---- cursors: rows in key order under a prefix ---- */

struct txn_cursor;

struct txn_row {
	struct span key;   /* whole, with the prefix */
	struct span value; /* MAC checked */
};

/* Rows of `table` whose key begins with `prefix` (empty: all).  Owns: close
 * before the transaction ends. */
struct err txn_cursor_open(struct txn *txn, enum table table, struct key prefix,
			   struct txn_cursor **out);
void txn_cursor_close(struct txn_cursor *cursor);

/* Each of these is ERR_NOT_FOUND when no row of the prefix is there.  Of a row
 * that is ERR_CORRUPT the key alone is given. */

/* The first row at or after `key`. */
struct err txn_cursor_seek(struct txn_cursor *cursor, struct key key,
			   struct txn_row *row);
/* The last row before `key`. */
struct err txn_cursor_seek_before(struct txn_cursor *cursor, struct key key,
				  struct txn_row *row);
struct err txn_cursor_first(struct txn_cursor *cursor, struct txn_row *row);
struct err txn_cursor_last(struct txn_cursor *cursor, struct txn_row *row);
/* One on; the first row if the cursor has not moved yet. */
struct err txn_cursor_next(struct txn_cursor *cursor, struct txn_row *row);
/* One back; the last row if the cursor has not moved yet. */
struct err txn_cursor_prev(struct txn_cursor *cursor, struct txn_row *row);
/* Remove the row the cursor is on; `next` then gives the one after it. */
struct err txn_cursor_del(struct txn_cursor *cursor);

#endif
