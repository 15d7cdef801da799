/*
 * The published store of tests/vectors/storage.json, for the tests of this
 * folder; what shows that a record of it lies on the disk as published.
 */
#ifndef TESTS_STORAGE_VECTORS_H
#define TESTS_STORAGE_VECTORS_H

#include "tests/support/published.h"

struct kept {
	struct published vectors;
	struct tempstore temp;
};

/* For cmocka: *state is a struct kept with the store open. */
int kept_setup(void **state);
int kept_teardown(void **state);

/* The store has this record: as a value, and on the disk as bytes with their
 * MAC. */
void kept_record(struct kept *k, const struct json *record);
/* The file in this folder has the bytes of the row's member `file`. */
void kept_file(struct kept *k, const char *folder, const char *name,
	       const struct json *row);

#endif
