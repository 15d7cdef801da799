/*
 * Policy files by digest, sets of them (one governing, then nationals) by set
 * digest, and the versions in force, by number.
 */
#ifndef STORAGE_POLICY_STORE_H
#define STORAGE_POLICY_STORE_H

#include "storage/txn.h"

enum { POLICY_STORE_FILE_MAX = 1 << 20, POLICY_STORE_FILES_MAX = 64 };

/* A file, named by its SHA-256; the same again is nothing. */
struct err policy_store_put_file(struct txn *txn, struct span file,
				 struct digest *digest);
/* Borrowed from the transaction.  ERR_NOT_FOUND. */
struct err policy_store_get_file(struct txn *txn, struct digest digest,
				 struct span *file);

/* A set: `files[0]` governs.  ERR_NOT_FOUND if a file is not kept. */
struct err policy_store_put_set(struct txn *txn, struct digest set,
				const struct digest *files, size_t count);
/* Up to POLICY_STORE_FILES_MAX digests. */
struct err policy_store_get_set(struct txn *txn, struct digest set,
				struct digest *files, size_t *count);

struct policy_version {
	uint64_t number; /* from 1 */
	struct digest set;
	uint64_t time; /* UTC seconds it came into force */
};

/* This set is in force from now on. */
struct err policy_store_activate(struct txn *txn, struct digest set,
				 uint64_t time, uint64_t *number);
/* ERR_NOT_FOUND before the first. */
struct err policy_store_current(struct txn *txn, struct policy_version *out);
struct err policy_store_version(struct txn *txn, uint64_t number,
				struct policy_version *out);

#endif
