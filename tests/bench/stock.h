/*
 * A relay with very many documents, made quickly: records, feed rows, groups
 * with their signed trees and shelves are written by the functions that the
 * writer uses, with large commits.
 *
 * What is left out because no figure here reads it: the audit, keys wrapped
 * under a slot (random bytes of the same length stand for them), and the
 * authors' signatures of documents beyond the first space (a constant).
 */
#ifndef TESTS_BENCH_STOCK_H
#define TESTS_BENCH_STOCK_H

#include "tests/bench/place.h"

enum {
	STOCK_SPACES = 100,
	STOCK_SHELVES = 2 * STOCK_SPACES, /* an open and a restricted label */
	STOCK_CONTENT = 256,		  /* bytes inside the record */
	STOCK_NAME_MAX = 16,
};

/* The documents of a place; make it after place_new. */
struct stock;
struct stock *stock_new(struct place *p);
void stock_free(struct stock *s);

/* "GBR/s042" */
void stock_space(size_t i, char out[STOCK_NAME_MAX]);

/* Adds documents, each on one of the shelves `from` <= n < `to` by chance;
 * shelf n is that of space n / 2.  In groups of 256, and signed. */
void stock_add(struct stock *s, size_t count, size_t from, size_t to);

/* A subject of that clearance, member of `count` spaces from `first` on. */
void stock_subject(struct txn *txn, const char *name, struct span clearance,
		   size_t first, size_t count);
/* A device whose certificate is `certificate` (any bytes), of a subject that
 * exists: as if it had enrolled, with the keys of the place's reader. */
void stock_device(struct place *p, struct txn *txn, struct span certificate,
		  const char *subject);

#endif
