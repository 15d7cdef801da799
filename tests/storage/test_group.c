/* Proves storage/group.c. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdlib.h>

#include "storage/group.h"
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

static struct group_row row_of(uint8_t n, struct span leaves)
{
	return (struct group_row){
		.replica = {{{'G', 'B', 'R'}}, 1},
		.time = 100 + n,
		.secret = {n},
		.first = {10u * n},
		.last = {10u * n + 9},
		.leaves = leaves,
	};
}

static void a_group_is_unsigned_until_it_is_signed(void **state)
{
	struct tempstore *t = *state;
	static const uint8_t leaves[GROUP_LEAVES_MAX * DIGEST_LEN] = {7};
	uint8_t signature[GROUP_SIG_LEN] = {5};
	struct digest root = {{1}};
	struct group_row row = row_of(1, SPAN_OBJ(leaves)), got;
	struct txn *txn = NULL;
	uint64_t number;

	must(txn_begin_write(t->store, STORE_RECORDS, &txn));
	must(group_put(txn, &row, &number));
	assert_int_equal(number, 1);
	must(group_get(txn, 1, &got));
	assert_false(got.is_signed);
	assert_true(span_eq(got.leaves, SPAN_OBJ(leaves)));
	assert_int_equal(got.secret[0], 1);
	assert_int_equal(got.time, 101);
	must(group_unsigned(txn, 0, &got));
	assert_int_equal(got.number, 1);
	assert_int_equal(group_by_root(txn, root, &number).code, ERR_NOT_FOUND);
	must(group_sign_row(txn, 1, root, signature));
	must(group_sign_row(txn, 1, root, signature));
	must(group_get(txn, 1, &got));
	assert_true(got.is_signed);
	assert_true(digest_eq(got.root, root));
	assert_memory_equal(got.signature, signature, sizeof(signature));
	assert_int_equal(group_unsigned(txn, 0, &got).code, ERR_NOT_FOUND);
	assert_int_equal(group_sign_row(txn, 9, root, signature).code,
			 ERR_NOT_FOUND);
	must(group_by_root(txn, root, &number));
	assert_int_equal(number, 1);
	must(group_put(txn, &row, &number));
	assert_int_equal(group_sign_row(txn, number, root, signature).code,
			 ERR_EXISTS);
	txn_abort(&txn);
}

static void the_feed_ends_before_the_first_unsigned_group(void **state)
{
	struct tempstore *t = *state;
	uint8_t signature[GROUP_SIG_LEN] = {5};
	struct txn *txn = NULL;
	struct group_row got;
	struct seq seq;
	uint64_t n;

	must(txn_begin_write(t->store, STORE_RECORDS, &txn));
	must(group_last_signed(txn, &seq));
	assert_true(seq.n == UINT64_MAX);
	for (uint8_t i = 1; i <= 3; i++) {
		struct group_row row = row_of(i, span_str(""));

		must(group_put(txn, &row, &n));
	}
	must(group_last(txn, &n));
	assert_int_equal(n, 3);
	must(group_last_signed(txn, &seq));
	assert_int_equal(seq.n, 9);
	/* Signed out of order: the end waits for the first. */
	must(group_sign_row(txn, 2, (struct digest){{2}}, signature));
	must(group_last_signed(txn, &seq));
	assert_int_equal(seq.n, 9);
	must(group_unsigned(txn, 1, &got));
	assert_int_equal(got.number, 3);
	must(group_sign_row(txn, 1, (struct digest){{1}}, signature));
	must(group_last_signed(txn, &seq));
	assert_int_equal(seq.n, 29);
	must(group_sign_row(txn, 3, (struct digest){{3}}, signature));
	must(group_last_signed(txn, &seq));
	assert_true(seq.n == UINT64_MAX);
	txn_abort(&txn);
}

static void too_many_leaves_are_refused(void **state)
{
	struct tempstore *t = *state;
	static const uint8_t leaves[(GROUP_LEAVES_MAX + 1) * DIGEST_LEN];
	struct group_row row = row_of(1, SPAN_OBJ(leaves));
	struct txn *txn = NULL;
	uint64_t n;

	must(txn_begin_write(t->store, STORE_RECORDS, &txn));
	assert_int_equal(group_put(txn, &row, &n).code, ERR_TOO_LARGE);
	row.leaves.len = 33;
	assert_int_equal(group_put(txn, &row, &n).code, ERR_TOO_LARGE);
	txn_abort(&txn);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(a_group_is_unsigned_until_it_is_signed),
		T(the_feed_ends_before_the_first_unsigned_group),
		T(too_many_leaves_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
