/* Sealed segments, tables, titles. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdlib.h>

#include "proto/document/segment.h"
#include "tests/document/vector.h"

static struct segment_keys vector_keys(struct vector *v, struct doc_id *doc)
{
	const struct json *row = vector_row(v, "subkeys");
	uint8_t key[CRYPTO_KEY_LEN];
	struct segment_keys keys;

	vector_fixed(row, "key", key, sizeof(key));
	*doc = vector_doc_id(row, "document");
	assert_ok(segment_keys_derive(key, *doc, &keys));
	return keys;
}

static void subkeys_are_the_published_ones(void **state)
{
	struct vector *v = *state;
	const struct json *row = vector_row(v, "subkeys");
	struct doc_id doc;
	struct segment_keys keys = vector_keys(v, &doc);
	uint8_t key[CRYPTO_KEY_LEN], want[32];

	assert_true(
		digest_eq(keys.commitment, vector_digest(row, "commitment")));
	vector_fixed(row, "segment", want, 32);
	assert_memory_equal(keys.segment, want, 32);
	vector_fixed(row, "title", want, 32);
	assert_memory_equal(keys.title, want, 32);
	vector_fixed(row, "key", key, sizeof(key));
	assert_ok(segment_check_key(key, doc, keys.commitment));
	key[31] ^= 1;
	assert_err(segment_check_key(key, doc, keys.commitment),
		   ERR_COMMITMENT);
	key[31] ^= 1;
	doc.at[15] ^= 1;
	assert_err(segment_check_key(key, doc, keys.commitment),
		   ERR_COMMITMENT);
}

static void a_segment_is_the_published_one(void **state)
{
	struct vector *v = *state;
	const struct json *row = vector_row(v, "segment");
	struct doc_id doc;
	struct segment_keys keys = vector_keys(v, &doc);
	uint8_t nonce[CRYPTO_NONCE_LEN];
	struct buf out;

	buf_init(&out, SEGMENT_SEALED_MAX);
	vector_fixed(row, "nonce", nonce, sizeof(nonce));
	assert_ok(segment_seal(&keys, doc, 1, true, nonce,
			       vector_bytes(v, row, "plain"), &out));
	assert_bytes(buf_span(&out), vector_bytes(v, row, "sealed"));
	buf_clear(&out);
}

static void a_segment_opens_in_its_place_alone(void **state)
{
	struct vector *v = *state;
	struct span sealed =
		vector_bytes(v, vector_row(v, "segment"), "sealed");
	struct doc_id doc, other;
	struct segment_keys keys = vector_keys(v, &doc), bad;
	uint8_t *work = malloc(sealed.len);
	struct buf out;

	assert_non_null(work);
	buf_init(&out, SEGMENT_SIZE);
	assert_ok(segment_open(&keys, doc, 1, true, sealed, &out));
	assert_bytes(buf_span(&out),
		     vector_bytes(v, vector_row(v, "segment"), "plain"));
	buf_reset(&out);
	assert_err(segment_open(&keys, doc, 0, true, sealed, &out), ERR_DIGEST);
	assert_err(segment_open(&keys, doc, 1, false, sealed, &out),
		   ERR_DIGEST);
	other = doc;
	other.at[0] ^= 1;
	assert_err(segment_open(&keys, other, 1, true, sealed, &out),
		   ERR_DIGEST);
	bad = keys;
	bad.commitment.at[0] ^= 1;
	assert_err(segment_open(&bad, doc, 1, true, sealed, &out), ERR_DIGEST);
	memcpy(work, sealed.at, sealed.len);
	for (size_t i = 0; i < sealed.len; i++) {
		work[i] ^= 1;
		assert_err(segment_open(&keys, doc, 1, true,
					span_of(work, sealed.len), &out),
			   ERR_DIGEST);
		work[i] ^= 1;
		assert_true(failed(segment_open(&keys, doc, 1, true,
						span_of(work, i), &out)));
	}
	assert_int_equal(out.len, 0);
	buf_clear(&out);
	free(work);
}

static void a_title_is_the_published_one(void **state)
{
	struct vector *v = *state;
	const struct json *row = vector_row(v, "title");
	struct doc_id doc;
	struct segment_keys keys = vector_keys(v, &doc);
	uint8_t nonce[CRYPTO_NONCE_LEN];
	struct span sealed = vector_bytes(v, row, "sealed");
	struct buf out;

	buf_init(&out, 4096);
	vector_fixed(row, "nonce", nonce, sizeof(nonce));
	assert_ok(segment_title_seal(&keys, doc, nonce,
				     vector_text(row, "plain"), &out));
	assert_bytes(buf_span(&out), sealed);
	buf_reset(&out);
	assert_ok(segment_title_open(&keys, doc, sealed, &out));
	assert_bytes(buf_span(&out), vector_text(row, "plain"));
	buf_reset(&out);
	/* No segment opens as a title, nor the reverse. */
	assert_err(segment_open(&keys, doc, 0, true, sealed, &out), ERR_DIGEST);
	doc.at[3] ^= 4;
	assert_err(segment_title_open(&keys, doc, sealed, &out), ERR_DIGEST);
	assert_err(segment_title_open(&keys, doc, span_sub(sealed, 0, 27),
				      &out),
		   ERR_MALFORMED);
	buf_clear(&out);
}

static void a_table_is_the_published_one(void **state)
{
	struct vector *v = *state;
	const struct json *row = vector_row(v, "table");
	struct span table = vector_bytes(v, row, "table");
	struct digest digest = vector_digest(row, "digest"), made;
	struct segment_entry entries[2];
	uint64_t size = vector_u64(row, "size");
	struct buf out;

	assert_ok(segment_table_digest(table, &made));
	assert_true(digest_eq(made, digest));
	assert_ok(segment_table_check(table, size, digest, 1));
	entries[0] = segment_table_at(table, 0);
	entries[1] = segment_table_at(table, 1);
	buf_init(&out, 128);
	segment_table_encode(entries, 2, &out);
	assert_bytes(buf_span(&out), table);
	buf_clear(&out);
	assert_ok(segment_check(&entries[1],
				vector_bytes(v, vector_row(v, "segment"),
					     "sealed")));
	assert_err(segment_check(&entries[0],
				 vector_bytes(v, vector_row(v, "segment"),
					      "sealed")),
		   ERR_DIGEST);
	assert_true(digest_eq(entries[0].digest,
			      vector_digest(vector_row(v, "segment"),
					    "first_digest")));
	/* Another size, digest or number of keys. */
	assert_err(segment_table_check(table, size - 5, digest, 1),
		   ERR_MALFORMED);
	digest.at[0] ^= 1;
	assert_err(segment_table_check(table, size, digest, 1), ERR_DIGEST);
}

static void a_table_uses_every_key_and_no_other(void **state)
{
	uint8_t bytes[2 * SEGMENT_ENTRY_LEN] = {0};
	struct span table = SPAN_OBJ(bytes);
	uint64_t size = SEGMENT_SIZE + 1;
	struct digest d;

	/* Both segments under key 1: key 0 is there for the title. */
	bytes[32] = bytes[65] = 1;
	assert_ok(segment_table_digest(table, &d));
	assert_ok(segment_table_check(table, size, d, 2));
	assert_err(segment_table_check(table, size, d, 1), ERR_MALFORMED);
	assert_err(segment_table_check(table, size, d, 3), ERR_MALFORMED);
	bytes[65] = 255;
	assert_ok(segment_table_digest(table, &d));
	assert_err(segment_table_check(table, size, d, 16), ERR_MALFORMED);
	assert_err(segment_table_digest(span_of(bytes, 65), &d), ERR_MALFORMED);
	assert_err(segment_table_digest(span_of(bytes, 0), &d), ERR_MALFORMED);
}

static void the_layout_follows_from_the_size(void **state)
{
	static const struct {
		uint64_t size, count, last;
	} rows[] = {
		{0, 1, 0},
		{1, 1, 1},
		{SEGMENT_SIZE - 1, 1, SEGMENT_SIZE - 1},
		{SEGMENT_SIZE, 1, SEGMENT_SIZE},
		{SEGMENT_SIZE + 1, 2, 1},
		{3 * UINT64_C(262144), 3, SEGMENT_SIZE},
		{65535 * UINT64_C(262144), 65535, SEGMENT_SIZE},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		uint64_t size = rows[i].size, last = rows[i].count - 1;

		assert_int_equal(segment_count(size), rows[i].count);
		assert_int_equal(segment_plain_len(size, last), rows[i].last);
		assert_int_equal(segment_plain_len(size, last + 1), 0);
		assert_int_equal(segment_table_len(size), 33 * rows[i].count);
		assert_int_equal(segment_offset(size, last) + 28 + rows[i].last,
				 segment_blob_len(size));
	}
}

static void a_range_of_the_blob_names_its_segments(void **state)
{
	uint64_t size = 2 * UINT64_C(262144) + 10, first, end;
	uint64_t table = segment_table_len(size);
	uint64_t one = segment_offset(size, 1);

	segment_span(size, 0, table, &first, &end);
	assert_int_equal(first, end);
	segment_span(size, 0, table + 1, &first, &end);
	assert_true(first == 0 && end == 1);
	segment_span(size, one, one + 1, &first, &end);
	assert_true(first == 1 && end == 2);
	segment_span(size, one - 1, one + 1, &first, &end);
	assert_true(first == 0 && end == 2);
	segment_span(size, 0, UINT64_MAX, &first, &end);
	assert_true(first == 0 && end == 3);
	segment_span(size, segment_blob_len(size), UINT64_MAX, &first, &end);
	assert_int_equal(first, end);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(subkeys_are_the_published_ones),
		cmocka_unit_test(a_segment_is_the_published_one),
		cmocka_unit_test(a_segment_opens_in_its_place_alone),
		cmocka_unit_test(a_title_is_the_published_one),
		cmocka_unit_test(a_table_is_the_published_one),
		cmocka_unit_test(a_table_uses_every_key_and_no_other),
		cmocka_unit_test(the_layout_follows_from_the_size),
		cmocka_unit_test(a_range_of_the_blob_names_its_segments),
	};

	return cmocka_run_group_tests(tests, vector_setup, vector_teardown);
}
