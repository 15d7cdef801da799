/* Proves storage/policy_store.c. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdlib.h>

#include "storage/policy_store.h"
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

static void a_set_needs_its_files_and_a_version_its_set(void **state)
{
	struct tempstore *t = *state;
	struct digest files[2], got[POLICY_STORE_FILES_MAX];
	struct digest set = {{7}}, none = {{8}};
	struct policy_version v;
	struct txn *txn = NULL;
	struct span file;
	uint64_t number;
	size_t count;

	must(txn_begin_write(t->store, STORE_RECORDS, &txn));
	assert_int_equal(policy_store_current(txn, &v).code, ERR_NOT_FOUND);
	must(policy_store_put_file(txn, span_str("nato"), &files[0]));
	must(policy_store_put_file(txn, span_str("nato"), &files[0]));
	files[1] = none;
	assert_int_equal(policy_store_put_set(txn, set, files, 2).code,
			 ERR_NOT_FOUND);
	must(policy_store_put_file(txn, span_str("national"), &files[1]));
	must(policy_store_put_set(txn, set, files, 2));
	must(policy_store_get_set(txn, set, got, &count));
	assert_int_equal(count, 2);
	assert_true(digest_eq(got[1], files[1]));
	must(policy_store_get_file(txn, got[0], &file));
	assert_true(span_eq_str(file, "nato"));
	assert_int_equal(policy_store_activate(txn, none, 5, &number).code,
			 ERR_NOT_FOUND);
	must(policy_store_activate(txn, set, 5, &number));
	must(policy_store_activate(txn, set, 6, &number));
	assert_int_equal(number, 2);
	must(policy_store_current(txn, &v));
	assert_int_equal(v.number, 2);
	assert_int_equal(v.time, 6);
	must(policy_store_version(txn, 1, &v));
	assert_int_equal(v.time, 5);
	txn_abort(&txn);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(a_set_needs_its_files_and_a_version_its_set),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
