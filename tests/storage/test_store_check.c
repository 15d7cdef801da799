/* Proves storage/store_check.c. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "storage/segment.h"
#include "storage/store_check.h"
#include "tests/support/tempstore.h"

/* What a check said. */
struct said {
	struct store_check found;
	size_t count;
	struct {
		enum store_check_grade grade;
		enum table table;
		const char *what;
	} at[64];
};

static void on_finding(void *self, const struct store_finding *f)
{
	struct said *said = self;

	assert_non_null(f->what);
	assert_non_null(f->mend);
	if (said->count < 64) {
		said->at[said->count].grade = f->grade;
		said->at[said->count].table = f->table;
		said->at[said->count++].what = f->what;
	}
}

static void on_progress(void *self, uint64_t records, uint64_t total)
{
	assert_true(records <= total);
}

static struct said look(struct tempstore *t)
{
	struct said said = {0};
	struct store_check_order order = {.ring = t->ring,
					  .finding = on_finding,
					  .progress = on_progress,
					  .self = &said};

	must(store_check(t->store, &order, &said.found));
	return said;
}

static void every_damaged_record_is_told(void **state)
{
	const char *text = "damaged by the test, in records";
	struct tempstore t;
	struct said said;
	uint64_t records;
	struct txn *txn = NULL;

	tempstore_new(&t, false);
	for (uint64_t n = 0; n < 50; n++)
		tempstore_put(&t, TABLE_RULES, key_rule(n),
			      n == 20 ? span_str(text) : SPAN_OBJ(n));
	must(txn_begin_write(t.store, STORE_SEGMENTS, &txn));
	must(segment_put(txn, (struct doc_id){{1}}, (struct digest){{1}},
			 span_str("damaged by the test, in segments")));
	must(txn_commit(&txn));
	said = look(&t);
	records = said.found.records;
	assert_true(records > 51);
	/* The segment has not the digest that it is put under. */
	assert_int_equal(said.found.faults, 1);
	tempstore_close(&t);
	assert_int_not_equal(tempstore_flip(&t, "records/data.mdb",
					    span_str(text)),
			     0);
	assert_int_not_equal(tempstore_flip(&t, "segments/data.mdb",
					    span_str("in segments")),
			     0);
	tempstore_open(&t);
	said = look(&t);
	assert_int_equal(said.found.records, records);
	assert_int_equal(said.found.faults, 2);
	assert_int_equal(said.found.first, TABLE_RULES);
	assert_string_equal(said.at[0].what, "the record fails its MAC");
	assert_int_equal(said.at[1].table, TABLE_SEGMENTS);
	tempstore_free(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_damaged_record_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
