/* The rows page, shelf and policy of tests/vectors/documents.json. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdio.h>

#include "proto/base/json.h"
#include "proto/crypto/domain.h"
#include "proto/exchange/page.h"
#include "proto/label/shelf.h"

struct file {
	struct json *json;
	const struct json *rows;
	struct arena arena;
};

static int setup(void **state)
{
	static struct file file;
	FILE *f = fopen("tests/vectors/documents.json", "rb");
	struct buf text;
	uint8_t chunk[4096];
	size_t n;

	if (!f)
		return -1;
	buf_init(&text, 1 << 20);
	while ((n = fread(chunk, 1, sizeof(chunk), f)) > 0)
		buf_put(&text, span_of(chunk, n));
	fclose(f);
	arena_init(&file.arena, 1 << 20);
	if (failed(json_parse(buf_span(&text), &file.json)) ||
	    failed(json_get_object(file.json, "rows", &file.rows)))
		return -1;
	buf_clear(&text);
	*state = &file;
	return 0;
}

static int teardown(void **state)
{
	struct file *f = *state;

	json_free(f->json);
	arena_clear(&f->arena);
	return 0;
}

static const struct json *row_of(struct file *f, const char *name)
{
	const struct json *row = NULL;

	assert_false(failed(json_get_object(f->rows, name, &row)));
	return row;
}

static struct span bytes_of(struct file *f, const struct json *row,
			    const char *name)
{
	struct span s = {0};

	assert_false(failed(json_get_bytes(row, name, &f->arena, &s)));
	return s;
}

static void a_page_is_the_published_one(void **state)
{
	struct file *f = *state;
	const struct json *row = row_of(f, "page"), *keys, *request;
	struct page_signature sig;
	struct page_facts facts = {0};
	struct crypto_public *key = NULL;
	struct span tbs = bytes_of(f, row, "to_be_signed");
	struct buf base;

	assert_false(
		failed(json_get_nation(row, "nation", &facts.replica.nation)));
	assert_false(
		failed(json_get_u64(row, "replica", &facts.replica.number)));
	assert_false(failed(json_get_fixed(row, "reader", facts.reader,
					   sizeof(facts.reader))));
	assert_false(failed(
		json_get_fixed(row, "ask", facts.ask, sizeof(facts.ask))));
	assert_false(failed(json_get_string(row, "since", &facts.since)));
	assert_false(failed(json_get_string(row, "body", &facts.body)));
	assert_false(failed(json_get_digest(row, "policy", &facts.policy)));
	assert_false(failed(json_get_u64(row, "time", &facts.time)));
	buf_init(&base, 512);
	assert_false(failed(page_base(&facts, &base)));
	assert_int_equal(base.len, tbs.len);
	assert_memory_equal(base.at, tbs.at, tbs.len);
	/* A signature made elsewhere. */
	sig.time = facts.time;
	sig.policy = facts.policy;
	assert_false(failed(
		json_get_fixed(row, "signature", sig.sig, sizeof(sig.sig))));
	assert_false(failed(json_get_object(f->json, "keys", &keys)));
	assert_false(failed(json_get_object(keys, "request", &request)));
	assert_false(failed(
		crypto_public_from_spki(bytes_of(f, request, "spki"), &key)));
	assert_false(failed(page_check(key, &facts, &sig)));
	sig.time++;
	assert_int_equal(page_check(key, &facts, &sig).code, ERR_SIGNATURE);
	crypto_public_free(key);
	buf_clear(&base);
}

static void a_shelf_is_the_published_one(void **state)
{
	struct file *f = *state;
	const struct json *row = row_of(f, "shelf"), *list;
	struct digest labels[4], name, want;
	struct shelf shelf;
	struct span space;
	uint64_t condition;
	size_t count;

	assert_false(failed(json_get_string(row, "space", &space)));
	assert_false(failed(json_get_array(row, "labels", &list)));
	assert_false(failed(json_get_u64(row, "condition", &condition)));
	count = json_count(list);
	/* Handed in from the last to the first: the shelf sorts them. */
	for (size_t i = 0; i < count; i++)
		assert_false(failed(json_as_digest(json_at(list, i),
						   &labels[count - 1 - i])));
	assert_false(
		failed(shelf_make(space, labels, count, condition, &shelf)));
	assert_false(failed(shelf_name(&shelf, &name)));
	assert_false(failed(json_get_digest(row, "shelf", &want)));
	assert_true(digest_eq(name, want));
}

static void a_policy_set_is_encoded_as_published(void **state)
{
	struct file *f = *state;
	const struct json *row = row_of(f, "policy"), *list;
	struct digest files[3], digest, want;
	struct span text, encoded = bytes_of(f, row, "encoded");
	struct buf b;

	assert_false(failed(json_get_array(row, "files", &list)));
	assert_int_equal(json_count(list), 3);
	for (size_t i = 0; i < 3; i++) {
		assert_false(failed(json_as_string(json_at(list, i), &text)));
		assert_false(failed(crypto_sha256(text, &files[i])));
	}
	if (digest_cmp(files[1], files[2]) > 0) {
		digest = files[1];
		files[1] = files[2];
		files[2] = digest;
	}
	buf_init(&b, 512);
	encode_domain(&b, DOMAIN_POLICY);
	buf_put_u16(&b, 3);
	buf_put(&b, SPAN_OBJ(files));
	assert_int_equal(b.len, encoded.len);
	assert_memory_equal(b.at, encoded.at, encoded.len);
	assert_false(failed(crypto_sha256(buf_span(&b), &digest)));
	assert_false(failed(json_get_digest(row, "digest", &want)));
	assert_true(digest_eq(digest, want));
	buf_clear(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_page_is_the_published_one),
		cmocka_unit_test(a_shelf_is_the_published_one),
		cmocka_unit_test(a_policy_set_is_encoded_as_published),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
