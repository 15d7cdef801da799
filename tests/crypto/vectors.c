#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/crypto/vectors.h"

static unsigned digit(uint8_t c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10u;
	assert_in_range(c, 'A', 'F');
	return c - 'A' + 10u;
}

static struct vector_bytes from_hex(struct span text)
{
	struct vector_bytes b = {.len = text.len / 2};

	assert_true(text.len % 2 == 0 && b.len <= VECTOR_BYTES_MAX);
	for (size_t i = 0; i < b.len; i++)
		b.at[i] = (uint8_t)(digit(text.at[2 * i]) << 4 |
				    digit(text.at[2 * i + 1]));
	return b;
}

struct vector_bytes vector_hex(const char *hex)
{
	return from_hex(span_str(hex));
}

struct vector_bytes vector_get(const struct json *object, const char *name)
{
	struct span text;

	assert_false(failed(json_get_string(object, name, &text)));
	return from_hex(text);
}

uint64_t vector_u64(const struct json *object, const char *name)
{
	uint64_t v;

	assert_false(failed(json_get_u64(object, name, &v)));
	return v;
}

void vector_expect(const struct json *object, const char *name,
		   struct span bytes)
{
	struct vector_bytes want = vector_get(object, name);

	assert_int_equal(want.len, bytes.len);
	assert_memory_equal(want.at, bytes.at, bytes.len);
}

static struct json *load(const char *path)
{
	FILE *f = fopen(path, "rb");
	struct json *json;
	uint8_t *at;
	size_t len;

	if (!f)
		return NULL;
	at = malloc(VECTOR_FILE_MAX);
	assert_non_null(at);
	len = fread(at, 1, VECTOR_FILE_MAX, f);
	fclose(f);
	assert_false(failed(json_parse(span_of(at, len), &json)));
	free(at);
	return json;
}

struct json *vector_published(void)
{
	return load("tests/vectors/crypto.json");
}

struct json *vector_data(const char *path)
{
	const char *root = getenv("ENTENTE_DATA");
	char full[1024];

	snprintf(full, sizeof(full), "%s/%s", root ? root : "../shared/data",
		 path);
	return load(full);
}
