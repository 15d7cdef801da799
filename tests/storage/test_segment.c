/* Proves storage/segment.c. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdlib.h>

#include "storage/segment.h"
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

static const struct doc_id one = {{1}}, two = {{2}},
			   last = {{255, 255, 255, 255, 255, 255, 255, 255, 255,
				    255, 255, 255, 255, 255, 255, 255}};

static void a_segment_is_read_in_parts(void **state)
{
	struct tempstore *t = *state;
	uint8_t *bytes = malloc(SEGMENT_STORED_MAX);
	struct digest d = {{9}};
	struct txn *txn = NULL;
	struct span got;
	bool there;

	for (size_t i = 0; i < SEGMENT_STORED_MAX; i++)
		bytes[i] = (uint8_t)(i * 31 >> 3);
	must(txn_begin_write(t->store, STORE_SEGMENTS, &txn));
	must(segment_put(txn, one, d, span_of(bytes, SEGMENT_STORED_MAX)));
	must(segment_put(txn, one, d, span_of(bytes, SEGMENT_STORED_MAX)));
	must(txn_commit(&txn));
	tempstore_close(t);
	tempstore_open(t);
	must(txn_begin_read(t->store, STORE_SEGMENTS, &txn));
	must(segment_get(txn, one, d, 1000, 77, &got));
	assert_true(span_eq(got, span_of(bytes + 1000, 77)));
	must(segment_get(txn, one, d, 0, UINT64_MAX, &got));
	assert_true(span_eq(got, span_of(bytes, SEGMENT_STORED_MAX)));
	must(segment_get(txn, one, d, SEGMENT_STORED_MAX, 1, &got));
	assert_int_equal(got.len, 0);
	assert_int_equal(
		segment_get(txn, one, d, SEGMENT_STORED_MAX + 1, 1, &got).code,
		ERR_RANGE);
	assert_int_equal(segment_get(txn, two, d, 0, 1, &got).code,
			 ERR_NOT_FOUND);
	must(segment_has(txn, one, d, &there));
	assert_true(there);
	txn_abort(&txn);
	free(bytes);
}

static void too_long_a_segment_is_refused(void **state)
{
	struct tempstore *t = *state;
	uint8_t *bytes = calloc(1, SEGMENT_STORED_MAX + 1);
	struct txn *txn = NULL;

	must(txn_begin_write(t->store, STORE_SEGMENTS, &txn));
	assert_int_equal(segment_put(txn, one, (struct digest){{1}},
				     span_of(bytes, SEGMENT_STORED_MAX + 1))
				 .code,
			 ERR_TOO_LARGE);
	txn_abort(&txn);
	free(bytes);
}

static void documents_and_segments_are_walked_in_order(void **state)
{
	struct tempstore *t = *state;
	struct digest d = {{0}};
	struct doc_id doc = {{0}};
	struct txn *txn = NULL;
	struct span got;

	must(txn_begin_write(t->store, STORE_SEGMENTS, &txn));
	must(segment_put(txn, one, (struct digest){{3}}, span_str("a")));
	must(segment_put(txn, one, (struct digest){{5}}, span_str("b")));
	must(segment_put(txn, last, (struct digest){{5}}, span_str("b")));
	must(segment_table_put(txn, one, (struct digest){{4}}, span_str("t")));
	must(segment_table_put(txn, two, (struct digest){{4}}, span_str("t")));
	must(segment_next(txn, one, &d));
	assert_int_equal(d.at[0], 3);
	must(segment_next(txn, one, &d));
	assert_int_equal(d.at[0], 5);
	assert_int_equal(segment_next(txn, one, &d).code, ERR_NOT_FOUND);
	must(segment_next_document(txn, &doc));
	assert_true(doc_id_eq(doc, one));
	must(segment_next_document(txn, &doc));
	assert_true(doc_id_eq(doc, two));
	must(segment_next_document(txn, &doc));
	assert_true(doc_id_eq(doc, last));
	assert_int_equal(segment_next_document(txn, &doc).code, ERR_NOT_FOUND);
	must(segment_del_document(txn, one));
	d = (struct digest){{0}};
	assert_int_equal(segment_next(txn, one, &d).code, ERR_NOT_FOUND);
	assert_int_equal(segment_table_next(txn, one, &d).code, ERR_NOT_FOUND);
	must(segment_table_get(txn, two, (struct digest){{4}}, &got));
	assert_true(span_eq_str(got, "t"));
	must(segment_table_del(txn, two, (struct digest){{4}}));
	must(segment_table_del(txn, two, (struct digest){{4}}));
	must(segment_del(txn, last, (struct digest){{5}}));
	must(segment_del(txn, last, (struct digest){{5}}));
	doc = (struct doc_id){{0}};
	assert_int_equal(segment_next_document(txn, &doc).code, ERR_NOT_FOUND);
	txn_abort(&txn);
}

static void a_flipped_bit_of_sealed_content_is_found(void **state)
{
	struct tempstore *t = *state;
	struct txn *txn = NULL;
	struct span got;

	must(txn_begin_write(t->store, STORE_SEGMENTS, &txn));
	must(segment_put(txn, one, (struct digest){{3}},
			 span_str("sealed content, for once readable")));
	must(txn_commit(&txn));
	tempstore_close(t);
	assert_int_not_equal(tempstore_flip(t, "segments/data.mdb",
					    span_str("for once readable")),
			     0);
	tempstore_open(t);
	must(txn_begin_read(t->store, STORE_SEGMENTS, &txn));
	assert_int_equal(segment_get(txn, one, (struct digest){{3}}, 0, 1, &got)
				 .code,
			 ERR_CORRUPT);
	txn_abort(&txn);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(a_segment_is_read_in_parts),
		T(too_long_a_segment_is_refused),
		T(documents_and_segments_are_walked_in_order),
		T(a_flipped_bit_of_sealed_content_is_found),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
