/* Bytes on their way: in order, within the cap, whatever the rhythm. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdlib.h>

#include "proto/wire/queue.h"

static void what_is_put_comes_out_in_order(void **state)
{
	struct queue q;

	queue_init(&q, 16);
	assert_int_equal(queue_len(&q), 0);
	assert_int_equal(queue_span(&q).len, 0);
	assert_true(queue_put(&q, span_str("abc")));
	assert_true(queue_put(&q, span_str("")));
	assert_true(queue_put(&q, span_str("def")));
	queue_drop(&q, 2);
	assert_true(span_eq_str(queue_span(&q), "cdef"));
	queue_drop(&q, 100);
	assert_int_equal(queue_len(&q), 0);
	queue_clear(&q);
	queue_clear(&q);
}

static void beyond_the_cap_nothing_is_put(void **state)
{
	struct queue q;

	queue_init(&q, 8);
	assert_false(queue_put(&q, span_str("123456789")));
	assert_true(queue_put(&q, span_str("12345678")));
	assert_false(queue_put(&q, span_str("9")));
	assert_true(span_eq_str(queue_span(&q), "12345678"));
	/* Room at the front counts as room. */
	queue_drop(&q, 3);
	assert_true(queue_put(&q, span_str("9ab")));
	assert_false(queue_put(&q, span_str("c")));
	assert_true(span_eq_str(queue_span(&q), "456789ab"));
	queue_clear(&q);
}

static void any_rhythm_gives_the_same_bytes(void **state)
{
	enum { CAP = 200000, TOTAL = 3000000 };
	static uint8_t chunk[CAP];
	size_t in = 0, out = 0, refused = 0;
	struct queue q;

	queue_init(&q, CAP);
	srand(7);
	while (out < TOTAL) {
		size_t put = (size_t)rand() % (rand() % 4 ? 3000 : CAP);
		size_t drop = (size_t)rand() % (rand() % 4 ? 3000 : CAP);
		struct span have;

		for (size_t i = 0; i < put; i++)
			chunk[i] = (uint8_t)((in + i) * 31 >> 3);
		assert_int_equal(queue_put(&q, span_of(chunk, put)),
				 put <= CAP - (in - out));
		if (put <= CAP - (in - out))
			in += put;
		else
			refused++;
		have = queue_span(&q);
		assert_int_equal(have.len, in - out);
		if (drop > have.len)
			drop = have.len;
		for (size_t i = 0; i < drop; i++)
			if (have.at[i] != (uint8_t)((out + i) * 31 >> 3))
				fail_msg("byte %zu is another", out + i);
		queue_drop(&q, drop);
		out += drop;
	}
	assert_true(refused > 0);
	queue_clear(&q);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_put_comes_out_in_order),
		cmocka_unit_test(beyond_the_cap_nothing_is_put),
		cmocka_unit_test(any_rhythm_gives_the_same_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
