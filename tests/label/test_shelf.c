/* A shelf as a value: sorted, named, encoded one way only. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "proto/crypto/crypto.h"
#include "proto/label/shelf.h"

static struct digest digest_of(uint8_t byte)
{
	struct digest d;

	memset(d.at, byte, sizeof(d.at));
	return d;
}

static struct shelf shelf_of(const uint8_t *bytes, size_t count)
{
	struct digest labels[4];
	struct shelf s;

	for (size_t i = 0; i < count; i++)
		labels[i] = digest_of(bytes[i]);
	assert_false(
		failed(shelf_make(span_str("GBR/ops"), labels, count, 0, &s)));
	return s;
}

static void order_and_repetition_do_not_matter(void **state)
{
	struct shelf a = shelf_of((uint8_t[]){3, 1, 3, 2}, 4);
	struct shelf b = shelf_of((uint8_t[]){1, 2, 3}, 3);
	struct digest x, y;

	assert_int_equal(a.label_count, 3);
	assert_true(shelf_eq(&a, &b));
	assert_false(failed(shelf_name(&a, &x)));
	assert_false(failed(shelf_name(&b, &y)));
	assert_true(digest_eq(x, y));
	b.condition = 1;
	assert_false(shelf_eq(&a, &b));
	assert_false(failed(shelf_name(&b, &y)));
	assert_false(digest_eq(x, y));
}

/* H(E("entente shelf v1", space, list of digests, condition u64)). */
static void the_name_is_the_digest_of_its_encoding(void **state)
{
	struct shelf s = shelf_of((uint8_t[]){7}, 1);
	struct digest name, expected, label = digest_of(7);
	struct buf b;

	buf_init(&b, 256);
	buf_put_u16(&b, 16);
	buf_put_str(&b, "entente shelf v1");
	buf_put_u16(&b, 7);
	buf_put_str(&b, "GBR/ops");
	buf_put_u16(&b, 1);
	buf_put(&b, SPAN_OBJ(label));
	buf_put_u64(&b, 0);
	assert_false(failed(crypto_sha256(buf_span(&b), &expected)));
	assert_false(failed(shelf_name(&s, &name)));
	assert_true(digest_eq(name, expected));
	buf_clear(&b);
}

static void decoding_takes_what_encoding_gives_and_nothing_else(void **state)
{
	struct shelf s = shelf_of((uint8_t[]){1, 2}, 2), t;
	struct buf b;

	buf_init(&b, SHELF_ENCODED_MAX + 8);
	shelf_encode(&s, &b);
	assert_false(failed(shelf_decode(buf_span(&b), &t)));
	assert_true(shelf_eq(&s, &t));
	for (size_t n = 0; n < b.len; n++)
		assert_true(failed(shelf_decode(span_of(b.at, n), &t)));
	/* The labels the other way round. */
	memset(b.at + 2 + 7 + 2, 2, DIGEST_LEN);
	memset(b.at + 2 + 7 + 2 + DIGEST_LEN, 1, DIGEST_LEN);
	assert_true(failed(shelf_decode(buf_span(&b), &t)));
	buf_put_u8(&b, 0);
	assert_true(failed(shelf_decode(buf_span(&b), &t)));
	buf_clear(&b);
}

static void a_shelf_needs_a_space_and_a_label(void **state)
{
	struct digest d = digest_of(1), many[SHELF_LABEL_MAX + 1];
	struct shelf s;

	assert_true(failed(shelf_make(span_str("ops"), &d, 1, 0, &s)));
	assert_true(failed(shelf_make(span_str("GBR/ops"), &d, 0, 0, &s)));
	memset(many, 1, sizeof(many));
	assert_int_equal(shelf_make(span_str("GBR/ops"), many,
				    SHELF_LABEL_MAX + 1, 0, &s)
				 .code,
			 ERR_TOO_LARGE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(order_and_repetition_do_not_matter),
		cmocka_unit_test(the_name_is_the_digest_of_its_encoding),
		cmocka_unit_test(
			decoding_takes_what_encoding_gives_and_nothing_else),
		cmocka_unit_test(a_shelf_needs_a_space_and_a_label),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
