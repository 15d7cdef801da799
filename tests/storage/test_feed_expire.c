/* Gone rows are dropped when they are old, and the floor tells that. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "tests/storage/scene.h"

enum { WENT = 1000 }; /* when scenes write */

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

/* Document `n` stands on shelf 1 and then is deleted: one gone row. */
static void put_and_delete(struct scene *s, uint64_t n)
{
	struct manifest m = scene_manifest(s, scene_doc(n), NULL, 0, 1, 1);
	struct statement gone;

	assert_int_equal(scene_put(s, &m), RESOLVE_ACCEPTED);
	gone = scene_statement(s, scene_doc(n), STATEMENT_DELETE, 2, &m.digest,
			       0, NULL, 0);
	assert_int_equal(scene_state(s, &gone), RESOLVE_ACCEPTED);
}

static size_t rows_in_feed(struct scene *s)
{
	struct txn_cursor *c = NULL;
	struct txn_row row;
	size_t count = 0;

	must(txn_cursor_open(s->txn, TABLE_FEED, key_empty(), &c));
	while (!failed(txn_cursor_next(c, &row)))
		count++;
	txn_cursor_close(c);
	return count;
}

static size_t rows_of(struct scene *s, uint64_t n)
{
	struct arena arena;
	size_t count;

	arena_init(&arena, DOCUMENT_ARENA_MAX);
	count = scene_read(s, scene_doc(n), &arena).rows_count;
	arena_clear(&arena);
	return count;
}

static void an_old_gone_row_goes_and_its_floor_rises(void **state)
{
	struct feed_expiry at = {0};
	struct scene *s = *state;
	struct manifest m;

	put_and_delete(s, 1);
	m = scene_manifest(s, scene_doc(2), NULL, 0, 1, 1);
	assert_int_equal(scene_put(s, &m), RESOLVE_ACCEPTED);
	assert_int_equal(rows_in_feed(s), 2);
	assert_int_equal(rows_of(s, 1), 1);
	/* Not older than what is asked: nothing. */
	must(feed_expire(s->txn, s->index, WENT, 100, &at));
	assert_int_equal(rows_in_feed(s), 2);
	assert_int_equal(shelf_floor(s->index, 1).n, 0);
	must(feed_expire(s->txn, s->index, WENT + 1, 100, &at));
	assert_int_equal(at.shelf, 0);
	/* What stands, stays. */
	assert_int_equal(rows_in_feed(s), 1);
	assert_int_equal(rows_of(s, 1), 0);
	assert_int_equal(rows_of(s, 2), 1);
	assert_int_equal(shelf_floor(s->index, 1).n, 2);
}

static void a_budget_is_kept_and_the_next_call_goes_on(void **state)
{
	struct feed_expiry at = {0};
	struct scene *s = *state;
	unsigned calls = 0;

	for (uint64_t n = 1; n <= 7; n++)
		put_and_delete(s, n);
	assert_int_equal(rows_in_feed(s), 7);
	do {
		size_t before = rows_in_feed(s);

		must(feed_expire(s->txn, s->index, WENT + 1, 3, &at));
		assert_true(before - rows_in_feed(s) <= 3);
		calls++;
	} while (at.shelf);
	assert_int_equal(rows_in_feed(s), 0);
	assert_int_equal(calls, 3);
	assert_int_equal(shelf_floor(s->index, 1).n, 14);
	/* The floor is on the disk. */
	scene_commit(s);
	txn_abort(&s->txn);
	shelf_index_close(s->index);
	must(shelf_index_open(s->temp->store, &s->index));
	assert_int_equal(shelf_floor(s->index, 1).n, 14);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		T(an_old_gone_row_goes_and_its_floor_rises),
		T(a_budget_is_kept_and_the_next_call_goes_on),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
