/* Proves storage/author_store.c. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdlib.h>

#include "storage/author_store.h"
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

static void an_author_record_is_kept_under_its_key(void **state)
{
	struct tempstore *t = *state;
	static const uint8_t longer[AUTHOR_STORE_MAX + 1];
	struct key_id author = {{1}}, other = {{2}};
	struct txn *txn = NULL;
	struct span got;
	bool there;

	must(txn_begin_write(t->store, STORE_RECORDS, &txn));
	must(author_store_put(txn, author, span_str("record")));
	must(author_store_get(txn, author, &got));
	assert_true(span_eq_str(got, "record"));
	must(author_store_has(txn, other, &there));
	assert_false(there);
	assert_int_equal(author_store_put(txn, other, SPAN_OBJ(longer)).code,
			 ERR_TOO_LARGE);
	txn_abort(&txn);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(an_author_record_is_kept_under_its_key),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
