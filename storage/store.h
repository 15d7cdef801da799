/*
 * One store: a folder with two LMDB environments, `records/` (small) and
 * `segments/` (sealed content), one lock file and a quota.
 *
 * LMDB is seen by store.c and txn.c alone.  Default sync flags only: a
 * commit that returns is on the disk.  The map is address space reserved once
 * at open and never resized.  LMDB pages carry no checksum, so every record
 * carries a MAC (storage/record) that txn_get checks; keys of that MAC come
 * from the ring, which is opened first.
 *
 * A store is used by many threads: one writer per environment at a time (a
 * second waits in txn_begin_write), readers beside it.  Never use a store
 * after fork.
 */
#ifndef STORAGE_STORE_H
#define STORAGE_STORE_H

#include "proto/base/clock.h"
#include "proto/base/id.h"
#include "proto/base/random.h"

#include <stdatomic.h>

enum { STORE_ID_LEN = 16, STORE_MAC_KEY_LEN = 32, STORE_FORMAT = 1 };

/* The version of what stands in the tables: storage/store_upgrade.h. */
enum { STORE_VERSION = 2 };

/* The two environments: a transaction is in one of them. */
enum store_env { STORE_RECORDS, STORE_SEGMENTS, STORE_ENV_COUNT };

/* Every table.  What each holds, and its keys: storage/key.h. */
enum table {
	/* records */
	TABLE_HEADER,
	TABLE_DOCUMENTS,
	TABLE_FEED,
	TABLE_GROUPS,
	TABLE_AUDIT,
	TABLE_LABELS,
	TABLE_AUTHORS,
	TABLE_SHELVES,
	TABLE_VIEWS,
	TABLE_SUBJECTS,
	TABLE_DEVICES,
	TABLE_LEDGERS,
	TABLE_SPACES,
	TABLE_PEERS,
	TABLE_STATEMENTS,
	TABLE_SLOTS,
	TABLE_UPLOADS,
	TABLE_QUARANTINE,
	TABLE_TOKENS,
	TABLE_POLICIES,
	TABLE_COUNTERS,
	TABLE_RECEIPTS,
	TABLE_CERTIFICATES,
	TABLE_NONCES,
	TABLE_TICKS,
	TABLE_RULES,
	TABLE_OFFICERS,
	TABLE_RETURNING,
	/* segments */
	TABLE_SEGMENT_HEADER,
	TABLE_SEGMENTS,
	TABLE_SEGMENT_TABLES,
	TABLE_COUNT
};

/* The name of a table on disk: "documents". */
const char *table_name(enum table t);
enum store_env table_env(enum table t);

/*
 * Failures for tests: the `at`-th call of LMDB or the allocator made for this
 * store from now on (1 is the next) fails with `error` (an errno value; 0 is
 * ENOMEM); with `forever` every later one too.  `at` 0 fails none.  `calls`
 * counts.
 */
struct store_faults {
	_Atomic uint64_t calls;
	uint64_t at;
	bool forever;
	int error;
};

struct store_options {
	const char *path; /* the folder; made by store_create */
	struct random random;
	struct clock clock;
	/* Who the store is, from the ring (ring_store_id, ring_mac_key). */
	uint8_t store_id[STORE_ID_LEN];
	uint8_t mac_key[STORE_MAC_KEY_LEN]; /* copied; wipe your own */
	uint64_t quota;		     /* bytes of both environments; 0 is none */
	struct store_faults *faults; /* borrowed; NULL for none */
	int lock; /* of store_lock, the caller's; 0: the store takes its own */
};

/* The store's header: what stands for life, and whose incarnation it is. */
struct store_header {
	uint32_t format;
	uint8_t store_id[STORE_ID_LEN];
	struct replica replica;
	/* Drawn anew with each replica; cursors name it. */
	uint64_t incarnation;
	uint64_t created; /* UTC seconds */
};

struct store;

/*
 * Takes the folder for this process, before anything in it is looked at (made
 * if need be): whoever opens the ring destroys ring keys, and must not do so
 * beside another guard.  ERR_BUSY if another process has it.
 */
struct err store_lock(const char *path, int *lock);
/* 0 does nothing. */
void store_unlock(int lock);

/* Whether the folder holds a store, or a half-made one: of that store_open is
 * ERR_NOT_FOUND, and store_create completes it. */
bool store_exists(const char *path);

/*
 * Make the folder (mode 0700) and both environments with a header.  ERR_EXISTS
 * if there is a store; a half-made one is completed.
 */
struct err store_create(const struct store_options *options,
			struct replica replica);

/*
 * Open.  Owns: close with store_close.  ERR_NOT_FOUND without a store,
 * ERR_BUSY if another process has it open, ERR_VERSION if a newer build wrote
 * it (an older one's store is upgraded), ERR_CORRUPT if the header fails its MAC (or the ring is another
 * store's).
 */
struct err store_open(const struct store_options *options, struct store **out);
/* Every transaction must have ended.  NULL does nothing. */
void store_close(struct store *store);

/* Borrowed; changes only in store_promote. */
const struct store_header *store_header(const struct store *store);
const char *store_path(const struct store *store);
const struct random *store_random(const struct store *store);
const struct clock *store_clock(const struct store *store);

/*
 * A new replica number and a fresh incarnation: after a restore or a
 * promotion, before anything else uses the store.  ERR_CONFLICT unless the
 * number rises.
 */
struct err store_promote(struct store *store, struct replica replica);

/*
 * True after the first I/O error of a commit: every later call is ERR_IO, and
 * the process must end (a failed sync may have lost pages that look clean).
 */
bool store_dead(const struct store *store);

struct store_usage {
	uint64_t used;	/* bytes in use, free pages not counted */
	uint64_t file;	/* bytes of both files */
	uint64_t quota; /* 0 is none */
	bool full;	/* from 95% of the quota: puts are ERR_DISK_FULL */
};

struct err store_usage(struct store *store, struct store_usage *out);

/* Reader slots left by dead processes are cleared; call it on a timer. */
struct err store_clear_readers(struct store *store);

#endif
