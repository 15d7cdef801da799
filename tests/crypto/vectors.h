/*
 * Vectors from JSON files, for the tests of crypto: hex members as bytes,
 * and where the files are.
 */
#ifndef TESTS_CRYPTO_VECTORS_H
#define TESTS_CRYPTO_VECTORS_H

#include "proto/base/json.h"

enum { VECTOR_FILE_MAX = 8 * 1024 * 1024, VECTOR_BYTES_MAX = 4096 };

/* Bytes written in hex; at most VECTOR_BYTES_MAX of them. */
struct vector_bytes {
	uint8_t at[VECTOR_BYTES_MAX];
	size_t len;
};

static inline struct span vector_span(const struct vector_bytes *b)
{
	return span_of(b->at, b->len);
}

/* The bytes of hex text; the test fails if it is none. */
struct vector_bytes vector_hex(const char *hex);
/* The bytes of a hex member; the test fails if there is none. */
struct vector_bytes vector_get(const struct json *object, const char *name);
uint64_t vector_u64(const struct json *object, const char *name);
/* Does the member have exactly these bytes? */
void vector_expect(const struct json *object, const char *name,
		   struct span bytes);

/* tests/vectors/crypto.json, or a file under ENTENTE_DATA; NULL if it is not
 * there.  json_free it. */
struct json *vector_published(void);
struct json *vector_data(const char *path);

#endif
