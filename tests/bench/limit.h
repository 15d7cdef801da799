/*
 * What bounds the figures, measured on the same machine in the same run: LMDB
 * alone with the same rows, and the arithmetic that a put cannot do without.
 */
#ifndef TESTS_BENCH_LIMIT_H
#define TESTS_BENCH_LIMIT_H

#include "tests/bench/place.h"

/* Rows as they stand in a store, MACs included. */
struct limit_rows;

/* The newest `documents` documents of the relay's store with their feed rows,
 * and one row each of audit and groups, as long as for groups of `group`. */
struct limit_rows *limit_rows_read(struct place *p, size_t documents,
				   size_t group);
void limit_rows_free(struct limit_rows *rows);

/* An LMDB environment of its own in `folder`/`name`, default sync flags. */
struct limit_store;
struct limit_store *limit_store_new(const char *folder, const char *name);
/* The same without a sync at each commit: limit_store_sync makes what was
 * committed durable. */
struct limit_store *limit_store_new_unsynced(const char *folder,
					     const char *name);
void limit_store_sync(struct limit_store *s);
/* The bytes of the commit that begins with document `first`, as a journal
 * keeps them: of each row u32 lengths, key, value. */
void limit_rows_record(const struct limit_rows *rows, size_t first,
		       struct buf *out);
void limit_store_free(struct limit_store *s);
/* Writes the rows, one commit for each group; seconds. */
double limit_store_write(struct limit_store *s, const struct limit_rows *rows);
/* The one commit that begins with document `first`; seconds. */
double limit_store_commit(struct limit_store *s, const struct limit_rows *rows,
			  size_t first);

/* One commit for each document, and the seconds that each took. */
void limit_store_commits(struct limit_store *s, const struct limit_rows *rows,
			 double *took);

/* Signature check and key opening of one put: seconds of one core while every
 * other does the same. */
struct limit_crypto {
	double verify_s, open_s;
};
struct limit_crypto limit_crypto(struct place *p);

/* A wrapped key more for a recipient that is begun: seconds of one core. */
double limit_wrap_s(struct place *p);

long limit_cores(void);

#endif
