/* Proves storage/record.c, storage/key.c and storage/file.c. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdlib.h>
#include <unistd.h>

#include "proto/crypto/crypto.h"
#include "storage/file.h"
#include "storage/key.h"
#include "storage/record.h"
#include "tests/support/tempstore.h"

/* Members written out by hand: E("entente record v1", store id, table, key,
 * value). */
static void the_mac_is_over_the_members_in_order(void **state)
{
	uint8_t key[32] = {1}, id[16] = {2}, tag[RECORD_MAC_LEN], full[32];
	struct hmac_key *ready = NULL;
	struct hmac *work = NULL;
	struct buf want;

	buf_init(&want, 4096);
	must(hmac_key_new(SPAN_OBJ(key), &ready));
	must(hmac_new(&work));
	must(record_mac(work, ready, SPAN_OBJ(id), "feed", span_str("k"),
			span_str("value"), tag));
	buf_put(&want, span_of("\0\021entente record v1", 19));
	buf_put(&want, SPAN_OBJ(id));
	buf_put(&want, span_of("\0\004feed\0\001k\0\0\0\005value", 18));
	must(crypto_hmac(CRYPTO_SHA256, SPAN_OBJ(key), buf_span(&want), full));
	assert_memory_equal(tag, full, RECORD_MAC_LEN);
	hmac_free(work);
	hmac_key_free(ready);
	buf_clear(&want);
}

static void the_mac_binds_store_table_key_and_value(void **state)
{
	uint8_t key[32] = {1}, id[16] = {2}, other[16] = {3};
	uint8_t a[RECORD_MAC_LEN], b[RECORD_MAC_LEN];
	struct span k = span_str("k"), v = span_str("v");
	struct hmac_key *ready = NULL;
	struct hmac *w = NULL;

	must(hmac_key_new(SPAN_OBJ(key), &ready));
	must(hmac_new(&w));
	must(record_mac(w, ready, SPAN_OBJ(id), "feed", k, v, a));
	must(record_mac(w, ready, SPAN_OBJ(other), "feed", k, v, b));
	assert_memory_not_equal(a, b, sizeof(a));
	must(record_mac(w, ready, SPAN_OBJ(id), "audit", k, v, b));
	assert_memory_not_equal(a, b, sizeof(a));
	must(record_mac(w, ready, SPAN_OBJ(id), "feed", v, k, b));
	assert_memory_not_equal(a, b, sizeof(a));
	must(record_mac(w, ready, SPAN_OBJ(id), "feed", k, v, b));
	assert_memory_equal(a, b, sizeof(a));
	hmac_free(w);
	hmac_key_free(ready);
}

static void values_are_read_as_written(void **state)
{
	struct replica replica = {{{'F', 'R', 'A'}}, 7};
	struct span_reader r;
	struct buf b;

	buf_init(&b, 256);
	record_put_replica(&b, replica);
	record_put_long(&b, span_str("long"));
	r = span_read(buf_span(&b));
	assert_true(replica_eq(record_read_replica(&r), replica));
	assert_true(span_eq_str(record_read_long(&r), "long"));
	must(record_read_end(&r, "x"));
	r = span_read(span_of(b.at, b.len - 1));
	record_read_replica(&r);
	record_read_long(&r);
	assert_int_equal(record_read_end(&r, "x").code, ERR_CORRUPT);
	buf_clear(&b);
}

static void numbers_stand_in_numeric_order(void **state)
{
	struct key a = key_feed(1, (struct seq){255});
	struct key b = key_feed(1, (struct seq){256});
	struct key c = key_feed(256, (struct seq){0});

	assert_true(span_cmp(key_span(&a), key_span(&b)) < 0);
	assert_true(span_cmp(key_span(&b), key_span(&c)) < 0);
}

static void a_prefix_of_text_ends_where_the_text_ends(void **state)
{
	struct key member =
		key_space_member(span_str("GBR/ab"), span_str("kim"));
	struct key a = key_space_members(span_str("GBR/a"));
	struct key ab = key_space_members(span_str("GBR/ab"));

	assert_false(
		span_eq(span_sub(key_span(&member), 0, a.len), key_span(&a)));
	assert_true(
		span_eq(span_sub(key_span(&member), 0, ab.len), key_span(&ab)));
	assert_true(key_subject(span_of("a\0b", 3)).bad);
	assert_true(key_subject(span_str("")).bad);
}

static void the_end_of_a_prefix_is_the_next_one(void **state)
{
	struct key k = key_raw(span_of("a\xff\xff", 3));

	k = key_after_prefix(k);
	assert_true(span_eq_str(key_span(&k), "b"));
	k = key_after_prefix(key_raw(span_of("\xff", 1)));
	assert_int_equal(k.len, 0);
}

static void a_file_is_written_whole_and_destroyed(void **state)
{
	char folder[] = "/tmp/entente-test-XXXXXX", path[64];
	struct buf b, small;

	assert_non_null(mkdtemp(folder));
	must(file_join(path, sizeof(path), folder, "file"));
	buf_init(&b, 64);
	buf_init(&small, 4);
	must(file_write(path, span_str("first"), true));
	assert_int_equal(file_write(path, span_str("x"), true).code,
			 ERR_EXISTS);
	must(file_write(path, span_str("second"), false));
	must(file_read(path, &b));
	assert_true(span_eq_str(buf_span(&b), "second"));
	assert_int_equal(file_read(path, &small).code, ERR_TOO_LARGE);
	must(file_destroy(path));
	must(file_destroy(path));
	buf_reset(&b);
	assert_int_equal(file_read(path, &b).code, ERR_NOT_FOUND);
	buf_clear(&b);
	buf_clear(&small);
	rmdir(folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_mac_is_over_the_members_in_order),
		cmocka_unit_test(the_mac_binds_store_table_key_and_value),
		cmocka_unit_test(values_are_read_as_written),
		cmocka_unit_test(numbers_stand_in_numeric_order),
		cmocka_unit_test(a_prefix_of_text_ends_where_the_text_ends),
		cmocka_unit_test(the_end_of_a_prefix_is_the_next_one),
		cmocka_unit_test(a_file_is_written_whole_and_destroyed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
