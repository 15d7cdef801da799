/*
 * A store with its ring in a temporary folder, for tests: a seeded random
 * source, a clock the test moves, failures on demand.  Every fault of the
 * support itself ends the test program.
 */
#ifndef TESTS_SUPPORT_TEMPSTORE_H
#define TESTS_SUPPORT_TEMPSTORE_H

#include "storage/ring.h"
#include "storage/store.h"
#include "storage/txn.h"
#include "tests/support/testclock.h"
#include "tests/support/testrandom.h"

enum { TEMPSTORE_PATH = 96 };

struct tempstore {
	char folder[TEMPSTORE_PATH]; /* holds store/ and keys/ */
	char path[TEMPSTORE_PATH];   /* the store */
	char keys[TEMPSTORE_PATH];   /* the key provider's */
	uint8_t root_key[KEYFILE_ROOT_LEN];
	struct testrandom source;
	struct testclock time;
	struct random random;
	struct clock clock;
	struct store_faults faults;
	struct key_provider provider;
	struct ring *ring;
	struct store *store; /* open, or NULL between close and open */
	uint64_t quota;	     /* of the next open */
};

/* A new folder, ring and store of replica GBR.1, open.  `keys` false makes a
 * ring without private keys: much quicker. */
void tempstore_new(struct tempstore *t, bool with_keys);
/* Close, remove the folder. */
void tempstore_free(struct tempstore *t);

/* Close store and ring; open them again. */
void tempstore_close(struct tempstore *t);
void tempstore_open(struct tempstore *t);
/* What tempstore_open hands to store_open, for a test that opens itself. */
struct store_options tempstore_options(struct tempstore *t);

/* One write transaction of records with one put: for tests that need a row. */
void tempstore_put(struct tempstore *t, enum table table, struct key key,
		   struct span value);

/*
 * Flip a bit of the last byte of `needle` wherever it stands in a file of the
 * store ("records/data.mdb"): everywhere, as old pages may hold the same
 * bytes.  Returns in how many places.  The store must be closed.
 */
unsigned tempstore_flip(struct tempstore *t, const char *file,
			struct span needle);

/* Ends the program with the error's text unless there is none. */
void tempstore_check(struct err e, const char *file, int line);
#define must(e) tempstore_check((e), __FILE__, __LINE__)

#endif
