/* Whole contents. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdlib.h>

#include "proto/document/package.h"
#include "tests/document/vector.h"

static const struct doc_id document = {{1, 2, 3}};

/* A revision's content, whole; tests only. */
struct content {
	struct manifest m;
	struct digest keys[MANIFEST_KEYS_MAX];
	struct buf table, segments, title;
	uint8_t key[CRYPTO_KEY_LEN];
};

static void content_clear(struct content *c)
{
	buf_clear(&c->table);
	buf_clear(&c->segments);
	buf_clear(&c->title);
}

static uint8_t byte_at(size_t i)
{
	return (uint8_t)(i * 31 + (i >> 8));
}

/* Seals `size` bytes; keeps segments below `kept` from `parent`. */
static void content_seal(struct content *c, uint64_t size,
			 const struct random *random,
			 const struct content *parent, uint64_t kept)
{
	struct package_writer *w = NULL;
	uint8_t *plain = malloc(SEGMENT_SIZE);

	assert_non_null(plain);
	*c = (struct content){.m.id = document};
	buf_init(&c->table, 1 << 16);
	buf_init(&c->segments, 4 << 20);
	buf_init(&c->title, MANIFEST_SEALED_MAX);
	assert_ok(package_writer_new(document, size, random, &w));
	for (uint64_t i = 0; i < segment_count(size); i++) {
		size_t len = segment_plain_len(size, i);

		if (i < kept) {
			assert_ok(package_writer_keep(
				w, &parent->m,
				segment_table_at(buf_span(&parent->table), i)));
			buf_put(&c->segments,
				span_sub(buf_span(&parent->segments),
					 i * SEGMENT_SEALED_MAX,
					 segment_sealed_len(size, i)));
			continue;
		}
		for (size_t k = 0; k < len; k++)
			plain[k] = byte_at(i * SEGMENT_SIZE + k);
		assert_ok(package_writer_segment(w, span_of(plain, len),
						 &c->segments));
	}
	assert_ok(package_writer_title(w, span_str("{\"title\":\"x\"}"),
				       &c->title));
	assert_ok(package_writer_finish(w, &c->table, &c->m));
	for (size_t i = 0; i < c->m.keys_count; i++)
		c->keys[i] = c->m.keys[i];
	c->m.keys = c->keys;
	c->m.sealed = buf_span(&c->title);
	memcpy(c->key, package_writer_key(w), CRYPTO_KEY_LEN);
	package_writer_free(w);
	free(plain);
}

static struct span segment_at(const struct content *c, uint64_t i)
{
	return span_sub(buf_span(&c->segments), i * SEGMENT_SEALED_MAX,
			segment_sealed_len(c->m.size, i));
}

static void assert_opens(const struct content *c, struct package_reader *r)
{
	struct buf plain;

	buf_init(&plain, SEGMENT_SIZE);
	for (uint64_t i = segment_count(c->m.size); i-- > 0;) {
		buf_reset(&plain);
		assert_ok(
			package_reader_segment(r, i, segment_at(c, i), &plain));
		assert_int_equal(plain.len, segment_plain_len(c->m.size, i));
		for (size_t k = 0; k < plain.len; k++)
			if (plain.at[k] != byte_at(i * SEGMENT_SIZE + k))
				fail();
	}
	buf_reset(&plain);
	assert_ok(package_reader_title(r, &plain));
	assert_bytes(buf_span(&plain), span_str("{\"title\":\"x\"}"));
	buf_clear(&plain);
}

static void what_was_sealed_opens_at_every_size(void **state)
{
	static const uint64_t sizes[] = {0,
					 1,
					 SEGMENT_SIZE - 1,
					 SEGMENT_SIZE,
					 SEGMENT_SIZE + 1,
					 2 * UINT64_C(262144) + 77};
	uint64_t seed = 5;
	struct random random = vector_random(&seed);

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		struct package_reader *r = NULL;
		struct content c;

		content_seal(&c, sizes[i], &random, NULL, 0);
		assert_int_equal(c.table.len + c.segments.len,
				 segment_blob_len(sizes[i]));
		assert_ok(package_reader_new(&c.m, buf_span(&c.table), &r));
		assert_ok(package_reader_key(r, 0, c.key));
		assert_opens(&c, r);
		package_reader_free(r);
		content_clear(&c);
	}
}

static void an_edit_keeps_unchanged_segments_and_their_key(void **state)
{
	uint64_t seed = 6, size = 3 * UINT64_C(262144);
	struct random random = vector_random(&seed);
	struct package_reader *r = NULL;
	struct buf plain;
	struct content first, edit;

	content_seal(&first, size, &random, NULL, 0);
	content_seal(&edit, size, &random, &first, 2);
	assert_int_equal(edit.m.keys_count, 2);
	assert_bytes(segment_at(&edit, 1), segment_at(&first, 1));
	assert_ok(package_reader_new(&edit.m, buf_span(&edit.table), &r));
	buf_init(&plain, SEGMENT_SIZE);
	assert_ok(package_reader_key(r, 0, edit.key));
	assert_err(package_reader_segment(r, 0, segment_at(&edit, 0), &plain),
		   ERR_MISSING_KEY);
	assert_err(package_reader_key(r, 1, edit.key), ERR_COMMITMENT);
	assert_err(package_reader_key(r, 2, edit.key), ERR_NOT_FOUND);
	assert_ok(package_reader_key(r, 1, first.key));
	assert_opens(&edit, r);
	package_reader_free(r);
	buf_clear(&plain);
	content_clear(&first);
	content_clear(&edit);
}

static void a_segment_is_kept_only_where_it_stood(void **state)
{
	uint64_t seed = 7;
	struct random random = vector_random(&seed);
	struct package_writer *w = NULL;
	struct content first;
	struct segment_entry entry, bad;

	content_seal(&first, SEGMENT_SIZE, &random, NULL, 0);
	entry = segment_table_at(buf_span(&first.table), 0);
	/* It was the last; here it would not be. */
	assert_ok(package_writer_new(document, SEGMENT_SIZE + 1, &random, &w));
	assert_err(package_writer_keep(w, &first.m, entry), ERR_CONFLICT);
	package_writer_free(w);
	assert_ok(package_writer_new(document, SEGMENT_SIZE - 1, &random, &w));
	assert_err(package_writer_keep(w, &first.m, entry), ERR_CONFLICT);
	package_writer_free(w);
	assert_ok(package_writer_new(document, SEGMENT_SIZE, &random, &w));
	bad = entry;
	bad.key = 1;
	assert_err(package_writer_keep(w, &first.m, bad), ERR_CONFLICT);
	assert_ok(package_writer_keep(w, &first.m, entry));
	assert_err(package_writer_keep(w, &first.m, entry), ERR_CONFLICT);
	package_writer_free(w);
	content_clear(&first);
}

static void segments_do_not_change_places(void **state)
{
	uint64_t seed = 8, size = 2 * UINT64_C(262144);
	struct random random = vector_random(&seed);
	struct package_reader *r = NULL;
	struct content c;
	struct buf plain;

	content_seal(&c, size, &random, NULL, 0);
	buf_init(&plain, SEGMENT_SIZE);
	assert_ok(package_reader_new(&c.m, buf_span(&c.table), &r));
	assert_ok(package_reader_key(r, 0, c.key));
	assert_err(package_reader_segment(r, 0, segment_at(&c, 1), &plain),
		   ERR_DIGEST);
	assert_err(package_reader_segment(r, 2, segment_at(&c, 1), &plain),
		   ERR_NOT_FOUND);
	assert_err(package_reader_segment(r, 0,
					  span_sub(segment_at(&c, 0), 0, 100),
					  &plain),
		   ERR_MALFORMED);
	assert_int_equal(plain.len, 0);
	package_reader_free(r);
	/* A table of another revision is not taken. */
	c.table.at[0] ^= 1;
	assert_err(package_reader_new(&c.m, buf_span(&c.table), &r),
		   ERR_DIGEST);
	buf_clear(&plain);
	content_clear(&c);
}

static void a_small_document_is_one_blob(void **state)
{
	static const size_t sizes[] = {0, 1, 500, SEGMENT_SMALL_MAX};
	uint64_t seed = 9;
	struct random random = vector_random(&seed);
	uint8_t text[SEGMENT_SMALL_MAX + 1] = {1, 2, 3};

	for (size_t i = 0; i < 4; i++) {
		struct package_writer *w = NULL;
		struct manifest m = {.id = document};
		struct buf blob, plain;

		buf_init(&blob, 1 << 16);
		buf_init(&plain, 1 << 16);
		assert_ok(package_writer_new(document, sizes[i], &random, &w));
		assert_err(package_writer_finish(w, &blob, &m), ERR_CONFLICT);
		assert_err(package_seal_small(w, span_of(text, sizes[i] + 1),
					      &blob, &m),
			   i == 3 ? ERR_TOO_LARGE : ERR_CONFLICT);
		assert_ok(package_seal_small(w, span_of(text, sizes[i]), &blob,
					     &m));
		assert_int_equal(blob.len, segment_blob_len(sizes[i]));
		assert_ok(package_open_small(&m, buf_span(&blob),
					     package_writer_key(w), &plain));
		assert_bytes(buf_span(&plain), span_of(text, sizes[i]));
		for (size_t len = 0; len < blob.len && len < 200; len++)
			assert_true(failed(
				package_open_small(&m, span_of(blob.at, len),
						   package_writer_key(w),
						   &plain)));
		package_writer_free(w);
		buf_clear(&blob);
		buf_clear(&plain);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_was_sealed_opens_at_every_size),
		cmocka_unit_test(
			an_edit_keeps_unchanged_segments_and_their_key),
		cmocka_unit_test(a_segment_is_kept_only_where_it_stood),
		cmocka_unit_test(segments_do_not_change_places),
		cmocka_unit_test(a_small_document_is_one_blob),
	};

	return cmocka_run_group_tests(tests, vector_setup, vector_teardown);
}
