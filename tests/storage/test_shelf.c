/*
 * Shelves are interned once, and sets of them: storage/shelf.c and
 * shelf_set.c.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "tests/storage/scene.h"

static uint32_t intern(struct scene *s, unsigned a, unsigned b)
{
	struct digest labels[2] = {scene_label(a), scene_label(b)};
	uint32_t n = 0;

	must(shelf_intern(s->txn, s->index, span_str("GBR/ops"), labels, 2, 0,
			  &n));
	return n;
}

static void a_shelf_has_one_number_whatever_the_order_of_labels(void **state)
{
	struct scene *s = *state;
	uint32_t n = intern(s, 1, 2);

	assert_int_equal(intern(s, 2, 1), n);
	assert_int_not_equal(intern(s, 1, 1), n);
	assert_int_equal(shelf_get(s->index, n)->labels_count, 2);
	assert_null(shelf_get(s->index, 0));
	assert_null(shelf_get(s->index, 99));
}

static void a_number_is_not_used_again_after_an_abort(void **state)
{
	struct scene *s = *state;
	uint32_t n = intern(s, 1, 2), count = 9;

	txn_abort(&s->txn);
	must(txn_begin_write(s->temp->store, STORE_RECORDS, &s->txn));
	must(shelf_count(s->txn, &count));
	assert_int_equal(count, 0);
	assert_int_equal(intern(s, 3, 3), n + 1);
}

static void an_index_is_loaded_with_the_last_sequence(void **state)
{
	struct scene *s = *state;
	struct manifest m = scene_manifest(s, scene_doc(1), NULL, 0, 1, 1);
	struct shelf_index *again;
	uint32_t found = 0;

	assert_int_equal(scene_put(s, &m), RESOLVE_ACCEPTED);
	scene_commit(s);
	must(shelf_index_open(s->temp->store, &again));
	assert_int_equal(shelf_last(again, 1).n, 1);
	assert_memory_equal(shelf_get(again, 1), shelf_get(s->index, 1),
			    sizeof(struct shelf_row));
	must(shelf_by_name(s->txn, shelf_get(again, 1)->name, &found));
	assert_int_equal(found, 1);
	found = 0;
	must(shelf_of_label_next(s->txn, scene_label(1), &found));
	assert_int_equal(found, 1);
	assert_int_equal(shelf_of_label_next(s->txn, scene_label(1), &found)
				 .code,
			 ERR_NOT_FOUND);
	shelf_index_close(again);
}

static void a_shelf_needs_a_label_and_not_too_many(void **state)
{
	struct scene *s = *state;
	struct digest labels[SHELF_LABELS_MAX + 1];
	uint32_t n;

	for (unsigned i = 0; i <= SHELF_LABELS_MAX; i++)
		labels[i] = scene_label(i);
	assert_int_equal(shelf_intern(s->txn, s->index, span_str("GBR/ops"),
				      labels, 0, 0, &n)
				 .code,
			 ERR_MALFORMED);
	assert_int_equal(shelf_intern(s->txn, s->index, span_str("GBR/ops"),
				      labels, SHELF_LABELS_MAX + 1, 0, &n)
				 .code,
			 ERR_TOO_LARGE);
}

static void sets_join_meet_and_subtract(void **state)
{
	struct shelf_set a = {0}, b = {0};

	(void)state;
	shelf_set_add(&a, 1);
	shelf_set_add(&a, 63);
	shelf_set_add(&a, 700);
	shelf_set_copy(&b, &a);
	shelf_set_remove(&b, 700);
	assert_int_equal(b.count, 1); /* one set has one form */
	shelf_set_add(&b, 64);
	shelf_set_meet(&a, &b);
	assert_int_equal(shelf_set_size(&a), 2);
	shelf_set_join_above(&a, &b, 63);
	assert_true(shelf_set_has(&a, 64));
	assert_int_equal(shelf_set_next(&a, 0), 1);
	assert_int_equal(shelf_set_next(&a, 1), 63);
	assert_int_equal(shelf_set_next(&a, 64), 0);
	shelf_set_minus(&a, &b);
	assert_true(shelf_set_empty(&a));
	shelf_set_clear(&a);
	shelf_set_clear(&b);
}

static void a_set_of_another_form_does_not_decode(void **state)
{
	uint8_t zeros[8] = {0};
	struct shelf_set s = {0};

	(void)state;
	assert_true(failed(shelf_set_decode(SPAN_OBJ(zeros), &s)));
	assert_true(failed(shelf_set_decode(span_of(zeros, 7), &s)));
	zeros[7] = 1; /* shelf 0 is none */
	assert_true(failed(shelf_set_decode(SPAN_OBJ(zeros), &s)));
}

static int set_up(void **state)
{
	static struct tempstore temp;
	static struct scene scene;

	tempstore_new(&temp, false);
	scene_new(&scene, &temp);
	*state = &scene;
	return 0;
}

static int tear_down(void **state)
{
	struct scene *s = *state;
	struct tempstore *temp = s->temp;

	scene_free(s);
	tempstore_free(temp);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			a_shelf_has_one_number_whatever_the_order_of_labels,
			set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			a_number_is_not_used_again_after_an_abort, set_up,
			tear_down),
		cmocka_unit_test_setup_teardown(
			an_index_is_loaded_with_the_last_sequence, set_up,
			tear_down),
		cmocka_unit_test_setup_teardown(
			a_shelf_needs_a_label_and_not_too_many, set_up,
			tear_down),
		cmocka_unit_test_setup_teardown(sets_join_meet_and_subtract,
						set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			a_set_of_another_form_does_not_decode, set_up,
			tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
