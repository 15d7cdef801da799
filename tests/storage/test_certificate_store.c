/* Proves storage/certificate_store.c. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdlib.h>

#include "storage/certificate_store.h"
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

static const struct replica fra = {{{'F', 'R', 'A'}}, 2};

static void the_highest_issue_counts_and_a_lower_is_refused(void **state)
{
	struct tempstore *t = *state;
	struct replica walk = {fra.nation, 0};
	struct digest a, b;
	struct txn *txn = NULL;
	struct span got;
	uint64_t issue;

	must(txn_begin_write(t->store, STORE_RECORDS, &txn));
	assert_int_equal(certificate_store_latest(txn, fra, &issue, &got).code,
			 ERR_NOT_FOUND);
	must(certificate_store_put(txn, fra, 3, span_str("three"), &a));
	must(certificate_store_put(txn, fra, 3, span_str("three"), &b));
	assert_true(digest_eq(a, b));
	assert_int_equal(certificate_store_put(txn, fra, 2, span_str("two"), &b)
				 .code,
			 ERR_CONFLICT);
	assert_int_equal(
		certificate_store_put(txn, fra, 3, span_str("else"), &b).code,
		ERR_CONFLICT);
	must(certificate_store_put(txn, fra, 4, span_str("four"), &b));
	must(certificate_store_latest(txn, fra, &issue, &got));
	assert_int_equal(issue, 4);
	assert_true(span_eq_str(got, "four"));
	must(certificate_store_get(txn, a, &got));
	assert_true(span_eq_str(got, "three"));
	must(certificate_store_next(txn, &walk));
	assert_int_equal(walk.number, 2);
	assert_int_equal(certificate_store_next(txn, &walk).code,
			 ERR_NOT_FOUND);
	txn_abort(&txn);
}

static void a_pinned_root_only_rises(void **state)
{
	struct tempstore *t = *state;
	struct txn *txn = NULL;
	struct span got;
	uint64_t number;

	must(txn_begin_write(t->store, STORE_RECORDS, &txn));
	must(certificate_store_pin(txn, fra.nation, 1, span_str("one")));
	assert_int_equal(
		certificate_store_pin(txn, fra.nation, 1, span_str("x")).code,
		ERR_CONFLICT);
	must(certificate_store_pin(txn, fra.nation, 2, span_str("two")));
	must(certificate_store_root(txn, fra.nation, &number, &got));
	assert_int_equal(number, 2);
	assert_true(span_eq_str(got, "two"));
	txn_abort(&txn);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(the_highest_issue_counts_and_a_lower_is_refused),
		T(a_pinned_root_only_rises),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
