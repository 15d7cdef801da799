/* Proves storage/upload.c. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdlib.h>

#include "storage/upload.h"
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

static void leases_are_kept_counted_and_walked(void **state)
{
	struct tempstore *t = *state;
	struct upload u = {.id = {1},
			   .doc = {{2}},
			   .author = {{3}},
			   .table = {{4}},
			   .total = 500,
			   .offset = 5,
			   .time = 77},
		      got;
	struct txn *txn = NULL;
	unsigned n;

	must(txn_begin_write(t->store, STORE_RECORDS, &txn));
	must(upload_put(txn, &u));
	u.id[0] = 2;
	u.author.at[0] = 9;
	must(upload_put(txn, &u));
	u.id[0] = 1;
	must(upload_get(txn, u.id, &got));
	assert_int_equal(got.total, 500);
	assert_int_equal(got.offset, 5);
	assert_int_equal(got.time, 77);
	assert_int_equal(got.author.at[0], 3);
	got.offset = 300;
	must(upload_put(txn, &got));
	must(upload_get(txn, u.id, &got));
	assert_int_equal(got.offset, 300);
	must(upload_count(txn, u.author, &n));
	assert_int_equal(n, 1);
	memset(&got, 0, sizeof(got));
	must(upload_next(txn, &got));
	assert_int_equal(got.id[0], 1);
	must(upload_next(txn, &got));
	assert_int_equal(got.id[0], 2);
	assert_int_equal(upload_next(txn, &got).code, ERR_NOT_FOUND);
	must(upload_del(txn, u.id));
	must(upload_del(txn, u.id));
	assert_int_equal(upload_get(txn, u.id, &got).code, ERR_NOT_FOUND);
	txn_abort(&txn);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(leases_are_kept_counted_and_walked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
