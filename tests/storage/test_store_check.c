/* Proves storage/store_check.c. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "storage/segment.h"
#include "storage/store_check.h"
#include "tests/support/tempstore.h"

static void every_damaged_record_is_counted(void **state)
{
	const char *text = "damaged by the test, in records";
	struct store_check check;
	struct tempstore t;
	struct txn *txn = NULL;

	tempstore_new(&t, false);
	for (uint64_t n = 0; n < 50; n++)
		tempstore_put(&t, TABLE_RULES, key_rule(n),
			      n == 20 ? span_str(text) : SPAN_OBJ(n));
	must(txn_begin_write(t.store, STORE_SEGMENTS, &txn));
	must(segment_put(txn, (struct doc_id){{1}}, (struct digest){{1}},
			 span_str("damaged by the test, in segments")));
	must(txn_commit(&txn));
	must(store_check(t.store, &check));
	/* The two headers besides. */
	assert_int_equal(check.records, 53);
	assert_int_equal(check.corrupt, 0);
	tempstore_close(&t);
	assert_int_not_equal(tempstore_flip(&t, "records/data.mdb",
					    span_str(text)),
			     0);
	assert_int_not_equal(tempstore_flip(&t, "segments/data.mdb",
					    span_str("in segments")),
			     0);
	tempstore_open(&t);
	must(store_check(t.store, &check));
	assert_int_equal(check.records, 53);
	assert_int_equal(check.corrupt, 2);
	assert_int_equal(check.first, TABLE_RULES);
	tempstore_free(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_damaged_record_is_counted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
