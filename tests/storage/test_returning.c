/* Proves storage/returning.c. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdlib.h>

#include "storage/returning.h"
#include "tests/storage/scene.h"

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

static void documents_on_their_way_are_walked_in_order(void **state)
{
	struct tempstore *t = *state;
	struct returning next = {0};
	struct txn *txn = NULL;

	must(txn_begin_write(t->store, STORE_RECORDS, &txn));
	assert_int_equal(returning_next(txn, &next).code, ERR_NOT_FOUND);
	for (uint64_t n = 3; n >= 1; n--) {
		struct returning r = {scene_doc(n), scene_nation("FRA"), {n}};

		must(returning_put(txn, &r));
	}
	for (uint64_t n = 1; n <= 3; n++) {
		must(returning_next(txn, &next));
		assert_true(doc_id_eq(next.doc, scene_doc(n)));
		assert_true(nation_eq(next.home, scene_nation("FRA")));
		assert_int_equal(next.seq.n, n);
	}
	assert_int_equal(returning_next(txn, &next).code, ERR_NOT_FOUND);
	txn_abort(&txn);
}

static void a_row_is_replaced_and_goes(void **state)
{
	struct tempstore *t = *state;
	struct returning r = {scene_doc(1), scene_nation("FRA"), {5}};
	struct returning next = {0};
	struct txn *txn = NULL;

	must(txn_begin_write(t->store, STORE_RECORDS, &txn));
	must(returning_put(txn, &r));
	r.seq.n = 9;
	must(returning_put(txn, &r));
	must(returning_next(txn, &next));
	assert_int_equal(next.seq.n, 9);
	must(returning_del(txn, r.doc));
	must(returning_del(txn, r.doc)); /* not there: nothing */
	next = (struct returning){0};
	assert_int_equal(returning_next(txn, &next).code, ERR_NOT_FOUND);
	txn_abort(&txn);
}

static void a_row_of_another_form_is_told(void **state)
{
	struct tempstore *t = *state;
	struct returning next = {0};
	struct txn *txn = NULL;

	tempstore_put(t, TABLE_RETURNING, key_document(scene_doc(1)),
		      span_str("short"));
	must(txn_begin_read(t->store, STORE_RECORDS, &txn));
	assert_int_equal(returning_next(txn, &next).code, ERR_CORRUPT);
	txn_abort(&txn);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(documents_on_their_way_are_walked_in_order),
		T(a_row_is_replaced_and_goes),
		T(a_row_of_another_form_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
