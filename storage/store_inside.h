/*
 * The inside of a store, for store.c and txn.c alone.
 */
#ifndef STORAGE_STORE_INSIDE_H
#define STORAGE_STORE_INSIDE_H

#include "proto/crypto/hmac.h"
#include "storage/key.h"
#include "storage/store.h"

struct MDB_env;

struct store {
	char *path;
	int lock; /* its own, or 0 */
	struct MDB_env *env[STORE_ENV_COUNT];
	unsigned dbi[TABLE_COUNT];
	struct random random;
	struct clock clock;
	uint8_t store_id[STORE_ID_LEN];
	struct hmac_key *mac_key; /* for any thread */
	uint64_t quota;
	struct store_faults *faults;
	struct store_header header;
	_Atomic bool dead;
	_Atomic bool full;
	_Atomic uint64_t begun; /* write transactions, for the quota's check */
};

/* The error to give instead of making a call; 0 is none. */
int store_fault(struct store *store);
/* Memory, zeroed, counted as a call. */
void *store_alloc(struct store *store, size_t len);
/* LMDB's answer as ours; I/O errors are the store's end. */
struct err store_err(struct store *store, int rc);
/* The u32 that the value of a row of a header's table begins with, read before
 * its MAC; ERR_NOT_FOUND. */
struct err store_read_u32(struct store *store, enum table table, struct key key,
			  uint32_t *out);
/* At the begin of a write: whether the quota is reached. */
struct err store_check_quota(struct store *store);

#endif
