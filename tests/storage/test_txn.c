/* Proves storage/txn.c. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdlib.h>

#include "storage/record.h"
#include "tests/support/tempstore.h"

static int setup(void **state)
{
	struct tempstore *t = calloc(1, sizeof(*t));

	tempstore_new(t, false);
	*state = t;
	return 0;
}

static int teardown(void **state)
{
	tempstore_free(*state);
	free(*state);
	return 0;
}

static void put_get_delete(void **state)
{
	struct tempstore *t = *state;
	struct txn *txn = NULL;
	struct span value;
	bool there;

	must(txn_begin_write(t->store, STORE_RECORDS, &txn));
	must(txn_put(txn, TABLE_RULES, key_rule(7), span_str("seven")));
	must(txn_get(txn, TABLE_RULES, key_rule(7), &value));
	assert_true(span_eq_str(value, "seven"));
	assert_int_equal(
		txn_put_new(txn, TABLE_RULES, key_rule(7), span_str("x")).code,
		ERR_EXISTS);
	must(txn_put(txn, TABLE_RULES, key_rule(7), span_str("")));
	must(txn_get(txn, TABLE_RULES, key_rule(7), &value));
	assert_int_equal(value.len, 0);
	must(txn_del(txn, TABLE_RULES, key_rule(7)));
	assert_int_equal(txn_del(txn, TABLE_RULES, key_rule(7)).code,
			 ERR_NOT_FOUND);
	must(txn_has(txn, TABLE_RULES, key_rule(7), &there));
	assert_false(there);
	txn_abort(&txn);
	txn_abort(&txn);
}

static void a_value_read_may_be_put_again(void **state)
{
	struct tempstore *t = *state;
	struct txn *txn = NULL;
	struct span value;

	must(txn_begin_write(t->store, STORE_RECORDS, &txn));
	for (uint64_t n = 0; n < 300; n++) {
		must(txn_put(txn, TABLE_RULES, key_rule(n), SPAN_OBJ(n)));
		must(txn_get(txn, TABLE_RULES, key_rule(n / 2), &value));
		must(txn_put(txn, TABLE_RULES, key_rule(1000 - n), value));
	}
	for (uint64_t n = 0; n < 300; n++) {
		uint64_t half = n / 2;

		must(txn_get(txn, TABLE_RULES, key_rule(1000 - n), &value));
		assert_true(span_eq(value, SPAN_OBJ(half)));
	}
	txn_abort(&txn);
}

static void a_nested_transaction_falls_alone(void **state)
{
	struct tempstore *t = *state;
	struct txn *txn = NULL, *inner = NULL;
	bool there;

	must(txn_begin_write(t->store, STORE_RECORDS, &txn));
	must(txn_put(txn, TABLE_RULES, key_rule(1), span_str("outer")));
	must(txn_nest(txn, &inner));
	must(txn_put(inner, TABLE_RULES, key_rule(2), span_str("falls")));
	txn_abort(&inner);
	must(txn_nest(txn, &inner));
	must(txn_put(inner, TABLE_RULES, key_rule(3), span_str("stays")));
	must(txn_commit(&inner));
	assert_int_equal(txn_steps(txn).writes, 3);
	must(txn_commit(&txn));
	must(txn_begin_read(t->store, STORE_RECORDS, &txn));
	must(txn_has(txn, TABLE_RULES, key_rule(1), &there));
	assert_true(there);
	must(txn_has(txn, TABLE_RULES, key_rule(2), &there));
	assert_false(there);
	must(txn_has(txn, TABLE_RULES, key_rule(3), &there));
	assert_true(there);
	txn_abort(&txn);
}

static void a_reader_sees_its_snapshot_until_renewed(void **state)
{
	struct tempstore *t = *state;
	struct txn *txn = NULL;
	bool there;

	must(txn_begin_read(t->store, STORE_RECORDS, &txn));
	tempstore_put(t, TABLE_RULES, key_rule(1), span_str("new"));
	must(txn_has(txn, TABLE_RULES, key_rule(1), &there));
	assert_false(there);
	must(txn_renew(txn));
	must(txn_has(txn, TABLE_RULES, key_rule(1), &there));
	assert_true(there);
	txn_abort(&txn);
}

static uint64_t number_of(struct txn_row row)
{
	uint32_t shelf;
	struct seq seq;

	must(key_feed_decode(row.key, &shelf, &seq));
	return shelf * 1000 + seq.n;
}

static void a_cursor_stays_in_its_prefix_both_ways(void **state)
{
	struct tempstore *t = *state;
	struct txn *txn = NULL;
	struct txn_cursor *c = NULL;
	struct txn_row row;

	must(txn_begin_write(t->store, STORE_RECORDS, &txn));
	for (uint32_t shelf = 1; shelf <= 3; shelf++)
		for (uint64_t n = 1; n <= 3; n++)
			must(txn_put(txn, TABLE_FEED,
				     key_feed(shelf, (struct seq){10 * n}),
				     span_str("")));
	must(txn_cursor_open(txn, TABLE_FEED, key_feed_shelf(2), &c));
	must(txn_cursor_next(c, &row));
	assert_int_equal(number_of(row), 2010);
	must(txn_cursor_next(c, &row));
	must(txn_cursor_next(c, &row));
	assert_int_equal(number_of(row), 2030);
	assert_int_equal(txn_cursor_next(c, &row).code, ERR_NOT_FOUND);
	assert_int_equal(txn_cursor_next(c, &row).code, ERR_NOT_FOUND);
	must(txn_cursor_prev(c, &row));
	assert_int_equal(number_of(row), 2030);
	must(txn_cursor_first(c, &row));
	assert_int_equal(txn_cursor_prev(c, &row).code, ERR_NOT_FOUND);
	must(txn_cursor_next(c, &row));
	assert_int_equal(number_of(row), 2010);
	must(txn_cursor_seek(c, key_feed(2, (struct seq){11}), &row));
	assert_int_equal(number_of(row), 2020);
	must(txn_cursor_seek(c, key_feed(1, (struct seq){11}), &row));
	assert_int_equal(number_of(row), 2010);
	assert_int_equal(txn_cursor_seek(c, key_feed(2, (struct seq){31}), &row)
				 .code,
			 ERR_NOT_FOUND);
	must(txn_cursor_seek_before(c, key_feed(2, (struct seq){30}), &row));
	assert_int_equal(number_of(row), 2020);
	must(txn_cursor_seek_before(c, key_feed(9, (struct seq){1}), &row));
	assert_int_equal(number_of(row), 2030);
	assert_int_equal(txn_cursor_seek_before(c,
						key_feed(2, (struct seq){10}),
						&row)
				 .code,
			 ERR_NOT_FOUND);
	must(txn_cursor_last(c, &row));
	assert_int_equal(number_of(row), 2030);
	txn_cursor_close(c);
	/* The last prefix of the table, and the whole of it. */
	must(txn_cursor_open(txn, TABLE_FEED, key_feed_shelf(3), &c));
	must(txn_cursor_prev(c, &row));
	assert_int_equal(number_of(row), 3030);
	assert_int_equal(txn_cursor_next(c, &row).code, ERR_NOT_FOUND);
	txn_cursor_close(c);
	must(txn_cursor_open(txn, TABLE_FEED, key_empty(), &c));
	must(txn_cursor_first(c, &row));
	assert_int_equal(number_of(row), 1010);
	assert_int_equal(txn_cursor_prev(c, &row).code, ERR_NOT_FOUND);
	must(txn_cursor_next(c, &row));
	assert_int_equal(number_of(row), 1010);
	must(txn_cursor_last(c, &row));
	assert_int_equal(number_of(row), 3030);
	txn_cursor_close(c);
	must(txn_cursor_open(txn, TABLE_FEED, key_feed_shelf(UINT32_MAX), &c));
	assert_int_equal(txn_cursor_last(c, &row).code, ERR_NOT_FOUND);
	assert_int_equal(txn_cursor_first(c, &row).code, ERR_NOT_FOUND);
	txn_cursor_close(c);
	txn_abort(&txn);
}

static void a_cursor_deletes_as_it_goes(void **state)
{
	struct tempstore *t = *state;
	struct txn *txn = NULL;
	struct txn_cursor *c = NULL;
	struct txn_row row;
	unsigned n = 0;

	must(txn_begin_write(t->store, STORE_RECORDS, &txn));
	for (uint64_t i = 1; i <= 500; i++)
		must(txn_put(txn, TABLE_FEED, key_feed(i % 2, (struct seq){i}),
			     span_str("row")));
	must(txn_cursor_open(txn, TABLE_FEED, key_feed_shelf(0), &c));
	while (!failed(txn_cursor_next(c, &row))) {
		must(txn_cursor_del(c));
		n++;
	}
	txn_cursor_close(c);
	assert_int_equal(n, 250);
	n = 0;
	must(txn_cursor_open(txn, TABLE_FEED, key_empty(), &c));
	while (!failed(txn_cursor_next(c, &row)))
		n++;
	assert_int_equal(n, 250);
	txn_cursor_close(c);
	txn_abort(&txn);
}

static void steps_count_the_rows_a_cursor_came_to(void **state)
{
	struct tempstore *t = *state;
	struct txn *txn = NULL;
	struct txn_cursor *c = NULL;
	struct txn_row row;

	must(txn_begin_write(t->store, STORE_RECORDS, &txn));
	for (uint64_t i = 1; i <= 5; i++)
		must(txn_put(txn, TABLE_FEED, key_feed(1, (struct seq){i}),
			     span_str("")));
	must(txn_cursor_open(txn, TABLE_FEED, key_feed_shelf(1), &c));
	while (!failed(txn_cursor_next(c, &row)))
		;
	txn_cursor_close(c);
	assert_int_equal(txn_steps(txn).steps, 5);
	assert_int_equal(txn_steps(txn).writes, 5);
	txn_abort(&txn);
}

static void keys_and_values_beyond_the_caps_are_refused(void **state)
{
	struct tempstore *t = *state;
	uint8_t *big = calloc(1, RECORD_VALUE_MAX + 1);
	struct txn *txn = NULL;
	struct key key = key_empty();
	struct span value;

	must(txn_begin_write(t->store, STORE_RECORDS, &txn));
	assert_int_equal(txn_put(txn, TABLE_RULES, key_rule(1),
				 span_of(big, RECORD_VALUE_MAX + 1))
				 .code,
			 ERR_TOO_LARGE);
	must(txn_put(txn, TABLE_RULES, key_rule(1),
		     span_of(big, RECORD_VALUE_MAX)));
	must(txn_get(txn, TABLE_RULES, key_rule(1), &value));
	assert_int_equal(value.len, RECORD_VALUE_MAX);
	assert_int_equal(txn_get(txn, TABLE_RULES, key, &value).code,
			 ERR_TOO_LARGE);
	key_put(&key, span_of(big, KEY_MAX + 1));
	assert_int_equal(txn_get(txn, TABLE_RULES, key, &value).code,
			 ERR_TOO_LARGE);
	txn_abort(&txn);
	free(big);
}

static void counters_rise_from_one(void **state)
{
	struct tempstore *t = *state;
	struct txn *txn = NULL;
	uint64_t n = 9;

	must(txn_begin_write(t->store, STORE_RECORDS, &txn));
	must(txn_counter(txn, "c", &n));
	assert_int_equal(n, 0);
	must(txn_counter_next(txn, "c", &n));
	must(txn_counter_next(txn, "c", &n));
	assert_int_equal(n, 2);
	must(txn_counter(txn, "d", &n));
	assert_int_equal(n, 0);
	txn_abort(&txn);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(put_get_delete),
		T(a_value_read_may_be_put_again),
		T(a_nested_transaction_falls_alone),
		T(a_reader_sees_its_snapshot_until_renewed),
		T(a_cursor_stays_in_its_prefix_both_ways),
		T(a_cursor_deletes_as_it_goes),
		T(steps_count_the_rows_a_cursor_came_to),
		T(keys_and_values_beyond_the_caps_are_refused),
		T(counters_rise_from_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
