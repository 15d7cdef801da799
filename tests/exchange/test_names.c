/*
 * The rows request, page, shelf and policy of tests/vectors/documents.json.
 * proto/exchange/page.c is proved here and in test_signature.c.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdio.h>

#include "proto/base/json.h"
#include "proto/crypto/domain.h"
#include "proto/exchange/page.h"
#include "proto/exchange/signature.h"
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

static struct span text_of(const struct json *row, const char *name)
{
	struct span text = {0};

	assert_false(failed(json_get_string(row, name, &text)));
	return text;
}

static void assert_text(struct span got, const struct json *row,
			const char *name)
{
	struct span want = text_of(row, name);

	assert_int_equal(got.len, want.len);
	assert_memory_equal(got.at, want.at, want.len);
}

static void assert_request(struct file *f, const char *name)
{
	const struct json *row = row_of(f, name), *list, *keys, *author;
	struct http_field fields[8];
	struct http_request request = {
		.method = http_method_parse(text_of(row, "method")),
		.authority = text_of(row, "authority"),
		.path = text_of(row, "path"),
		.query = text_of(row, "query"),
		.body = text_of(row, "body"),
	};
	struct crypto_public *public = NULL;
	struct crypto_key *key = NULL;
	struct signature_fields made;
	struct digest of_base, want;
	struct signature s;
	struct nonce nonce;
	uint64_t created;
	struct buf base;
	size_t n;

	assert_false(failed(json_get_array(row, "fields", &list)));
	for (n = 0; n < json_count(list); n++)
		fields[n] =
			(struct http_field){text_of(json_at(list, n), "name"),
					    text_of(json_at(list, n), "value")};
	request.fields = (struct http_fields){fields, n};
	assert_false(failed(json_get_object(f->json, "keys", &keys)));
	assert_false(failed(json_get_object(keys, "author", &author)));
	assert_false(failed(
		crypto_key_from_scalar(CRYPTO_P256,
				       bytes_of(f, author, "scalar"), &key)));
	assert_false(failed(
		crypto_public_from_spki(bytes_of(f, author, "spki"), &public)));
	assert_false(failed(json_get_u64(row, "created", &created)));
	assert_false(failed(
		json_get_fixed(row, "nonce", nonce.at, sizeof(nonce.at))));
	/* What we would send. */
	signature_fields_init(&made);
	assert_false(
		failed(signature_sign(key, &request, &nonce, created, &made)));
	assert_text(buf_span(&made.digest), row, "content_digest");
	assert_text(buf_span(&made.input), row, "signature_input");
	/* What was signed elsewhere. */
	fields[n++] = (struct http_field){span_str("content-digest"),
					  text_of(row, "content_digest")};
	fields[n++] = (struct http_field){span_str("signature-input"),
					  text_of(row, "signature_input")};
	fields[n++] = (struct http_field){span_str("signature"),
					  text_of(row, "signature")};
	request.fields.count = n;
	assert_false(failed(signature_parse(&request, &s)));
	buf_init(&base, SIGNATURE_BASE_MAX);
	assert_false(failed(signature_base(&request, &s, &base)));
	assert_text(buf_span(&base), row, "base");
	assert_false(failed(signature_check(public, &request, &s, &of_base)));
	assert_false(failed(json_get_digest(row, "base_digest", &want)));
	assert_true(digest_eq(of_base, want));
	buf_clear(&base);
	signature_fields_clear(&made);
	crypto_key_free(key);
	crypto_public_free(public);
}

static void signed_requests_are_the_published_ones(void **state)
{
	assert_request(*state, "request_read");
	assert_request(*state, "request_write");
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
		cmocka_unit_test(signed_requests_are_the_published_ones),
		cmocka_unit_test(a_page_is_the_published_one),
		cmocka_unit_test(a_shelf_is_the_published_one),
		cmocka_unit_test(a_policy_set_is_encoded_as_published),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
