/*
 * The published vectors of tests/vectors/documents.json, and keys, for the
 * tests of this folder.
 */
#ifndef TESTS_DOCUMENT_VECTOR_H
#define TESTS_DOCUMENT_VECTOR_H

#include "proto/base/json.h"
#include "proto/base/random.h"
#include "proto/crypto/crypto.h"

struct vector {
	struct arena arena;
	struct json *file;
	const struct json *rows;
	const struct json *keys;
};

/* For cmocka_run_group_tests: *state is a struct vector. */
int vector_setup(void **state);
int vector_teardown(void **state);

/* A row and its members; a test fails where one is missing. */
const struct json *vector_row(struct vector *v, const char *name);
struct span vector_text(const struct json *row, const char *name);
struct span vector_bytes(struct vector *v, const struct json *row,
			 const char *name);
void vector_fixed(const struct json *row, const char *name, void *out,
		  size_t len);
uint64_t vector_u64(const struct json *row, const char *name);
struct digest vector_digest(const struct json *row, const char *name);
struct doc_id vector_doc_id(const struct json *row, const char *name);
/* The private key of that name; the caller frees it. */
struct crypto_key *vector_key(struct vector *v, const char *name);

struct nation vector_nation(const char *text);
/* The same bytes each time. */
struct random vector_random(uint64_t *seed);
uint64_t vector_next(uint64_t *seed);

#define assert_ok(e)	    assert_int_equal((e).code, ERR_OK)
#define assert_err(e, want) assert_int_equal((e).code, want)
void assert_bytes(struct span a, struct span b);

/*
 * Hands `decode` the bytes cut short at every length, with a byte more, and
 * with every bit of every byte turned; `decode` must refuse the first two
 * sorts, and may accept the third only if `same` says what it made encodes
 * to those very bytes again.
 */
struct vector_decoder {
	struct err (*decode)(struct span bytes, void *self);
	/* Whether what was decoded from `bytes` encodes to `bytes`. */
	bool (*same)(struct span bytes, void *self);
	void *self;
};
void vector_mutate(struct span bytes, const struct vector_decoder *d);

#endif
