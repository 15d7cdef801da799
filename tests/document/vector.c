/* Vectors and helpers. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/document/vector.h"

int vector_setup(void **state)
{
	struct vector *v = calloc(1, sizeof(*v));
	FILE *f = fopen("tests/vectors/documents.json", "rb");
	struct buf text;
	uint8_t chunk[4096];
	size_t n;

	if (!v || !f)
		return -1;
	buf_init(&text, 1 << 20);
	while ((n = fread(chunk, 1, sizeof(chunk), f)) > 0)
		buf_put(&text, span_of(chunk, n));
	fclose(f);
	arena_init(&v->arena, 4 << 20);
	if (failed(json_parse(buf_span(&text), &v->file)) ||
	    failed(json_get_object(v->file, "rows", &v->rows)) ||
	    failed(json_get_object(v->file, "keys", &v->keys)))
		return -1;
	buf_clear(&text);
	*state = v;
	return 0;
}

int vector_teardown(void **state)
{
	struct vector *v = *state;

	json_free(v->file);
	arena_clear(&v->arena);
	free(v);
	return 0;
}

const struct json *vector_row(struct vector *v, const char *name)
{
	const struct json *row = NULL;

	assert_ok(json_get_object(v->rows, name, &row));
	return row;
}

struct span vector_text(const struct json *row, const char *name)
{
	struct span text = {0};

	assert_ok(json_get_string(row, name, &text));
	return text;
}

struct span vector_bytes(struct vector *v, const struct json *row,
			 const char *name)
{
	struct span bytes = {0};

	assert_ok(json_get_bytes(row, name, &v->arena, &bytes));
	return bytes;
}

void vector_fixed(const struct json *row, const char *name, void *out,
		  size_t len)
{
	assert_ok(json_get_fixed(row, name, out, len));
}

uint64_t vector_u64(const struct json *row, const char *name)
{
	uint64_t n = 0;

	assert_ok(json_get_u64(row, name, &n));
	return n;
}

struct digest vector_digest(const struct json *row, const char *name)
{
	struct digest d = {0};

	assert_ok(json_get_digest(row, name, &d));
	return d;
}

struct doc_id vector_doc_id(const struct json *row, const char *name)
{
	struct doc_id id = {0};

	assert_ok(json_get_doc_id(row, name, &id));
	return id;
}

struct crypto_key *vector_key(struct vector *v, const char *name)
{
	const struct json *row = NULL;
	struct crypto_key *key = NULL;
	struct span scalar;

	assert_ok(json_get_object(v->keys, name, &row));
	scalar = vector_bytes(v, row, "scalar");
	assert_ok(crypto_key_from_scalar(scalar.len == 32 ? CRYPTO_P256
							  : CRYPTO_P384,
					 scalar, &key));
	assert_bytes(crypto_public_spki(crypto_key_public(key)),
		     vector_bytes(v, row, "spki"));
	return key;
}

struct nation vector_nation(const char *text)
{
	struct nation n = {0};

	assert_ok(nation_parse(span_str(text), &n));
	return n;
}

/* splitmix64 */
uint64_t vector_next(uint64_t *seed)
{
	uint64_t z = *seed += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

static struct err fill(void *self, void *out, size_t len)
{
	uint8_t *at = out;

	for (size_t i = 0; i < len; i++)
		at[i] = (uint8_t)vector_next(self);
	return ERR_NONE;
}

struct random vector_random(uint64_t *seed)
{
	return (struct random){fill, seed};
}

void assert_bytes(struct span a, struct span b)
{
	assert_int_equal(a.len, b.len);
	if (a.len)
		assert_memory_equal(a.at, b.at, a.len);
}

/* `decode` sees a heap copy of exactly its bytes, so that a sanitizer sees a
 * read beyond the end. */
static bool taken(const uint8_t *bytes, size_t len,
		  const struct vector_decoder *d, bool *same)
{
	uint8_t *copy = malloc(len ? len : 1);
	bool ok;

	assert_non_null(copy);
	if (len)
		memcpy(copy, bytes, len);
	ok = !failed(d->decode(span_of(copy, len), d->self));
	if (ok && same)
		*same = d->same(span_of(copy, len), d->self);
	free(copy);
	return ok;
}

void vector_mutate(struct span bytes, const struct vector_decoder *d)
{
	uint8_t *work = malloc(bytes.len + 1);
	bool same = false;

	assert_non_null(work);
	memcpy(work, bytes.at, bytes.len);
	work[bytes.len] = 0;
	assert_true(taken(work, bytes.len, d, &same));
	assert_true(same);
	for (size_t len = 0; len < bytes.len; len++)
		assert_false(taken(work, len, d, NULL));
	assert_false(taken(work, bytes.len + 1, d, NULL));
	for (size_t i = 0; i < bytes.len; i++)
		for (int bit = 0; bit < 8; bit++) {
			work[i] ^= (uint8_t)(1 << bit);
			same = true;
			taken(work, bytes.len, d, &same);
			assert_true(same);
			work[i] ^= (uint8_t)(1 << bit);
		}
	free(work);
}
