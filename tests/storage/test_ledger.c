/* The ledger. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "tests/storage/scene.h"

static void a_change_is_written_once_and_compared(void **state)
{
	struct scene *s = *state;
	struct ledger_change change = {
		.needed = true,
		.answers = true,
		.reader = reader_nation(scene_nation("FRA")),
	};
	struct cursor cursor = {0};
	struct shelf_set hold = {0};
	struct ledger ledger;
	bool changed = false;

	shelf_set_add(&change.answer, 1);
	shelf_set_add(&change.complete, 1);
	shelf_set_add(&change.lost, 2);
	must(ledger_apply(s->txn, &change, &cursor));
	assert_int_equal(cursor.loss, 1);
	assert_int_not_equal(cursor.complete, 0);
	assert_int_equal(ledger_apply(s->txn, &change, &cursor).code,
			 ERR_CONFLICT);
	must(ledger_may_hold(s->txn, &change.reader, &hold));
	assert_int_equal(shelf_set_size(&hold), 2);
	must(ledger_confirm(s->txn, &change.reader, &cursor, &changed));
	assert_true(changed);
	must(ledger_confirm(s->txn, &change.reader, &cursor, &changed));
	assert_false(changed);
	hold.count = 0;
	must(ledger_may_hold(s->txn, &change.reader, &hold));
	assert_int_equal(shelf_set_size(&hold), 1);
	must(ledger_forget(s->txn, &change.reader));
	must(ledger_get(s->txn, &change.reader, &ledger));
	assert_int_equal(ledger.answered, 0);
	assert_int_equal(ledger.losses, 1);
	hold.count = 0;
	must(ledger_may_hold(s->txn, &change.reader, &hold));
	assert_true(shelf_set_empty(&hold));
	shelf_set_clear(&hold);
	ledger_change_clear(&change);
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
			a_change_is_written_once_and_compared, set_up,
			tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
