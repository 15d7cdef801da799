/* Shelves gained and lost: storage/feed.c, where a fill begins and ends. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "tests/storage/scene.h"

enum { OPEN = 1u << 1, BOTH = 1u << 1 | 1u << 2 };

struct taken {
	size_t rows, gone, heads;
};

static struct err take(void *self, const struct feed_row *row, bool *full)
{
	struct taken *t = self;

	t->rows++;
	t->heads += row->read->visible_count;
	t->gone += row->read->visible_count == 0;
	return ERR_NONE;
}

static struct feed_page ask(struct scene *s, unsigned labels,
			    const struct cursor *cursor, unsigned rows,
			    struct taken *taken)
{
	struct view *view = scene_view(s, labels);
	struct feed_sink sink = {take, taken};
	struct feed_request request = {
		.reader = reader_nation(scene_nation("FRA")),
		.view = view,
		.cursor = cursor,
		.rows = rows,
	};
	struct feed_page page;

	*taken = (struct taken){0};
	must(feed_page(s->txn, s->index, &request, &sink, &page));
	if (page.change.needed)
		must(ledger_apply(s->txn, &page.change, &page.cursor));
	view_free(view);
	return page;
}

static struct digest put(struct scene *s, unsigned doc, unsigned label)
{
	struct manifest m =
		scene_manifest(s, scene_doc(doc), NULL, 0, 1, label);

	assert_int_equal(scene_put(s, &m), RESOLVE_ACCEPTED);
	return m.digest;
}

static void relabel(struct scene *s, unsigned doc, struct digest first,
		    unsigned label)
{
	struct statement st =
		scene_statement(s, scene_doc(doc), STATEMENT_LABEL, 2, &first,
				label, &first, 1);

	assert_int_equal(scene_state(s, &st), RESOLVE_ACCEPTED);
}

static void what_left_a_shelf_before_it_was_gained_is_not_told(void **state)
{
	struct scene *s = *state;
	struct feed_page page;
	struct taken taken;
	struct cursor cursor;
	struct digest left;

	put(s, 1, 1);
	put(s, 2, 2);
	left = put(s, 3, 2);
	page = ask(s, OPEN, NULL, 0, &taken);
	assert_int_equal(taken.rows, 1);
	cursor = page.cursor;
	feed_page_clear(&page);
	/* To a third label, which the reader never has. */
	relabel(s, 3, left, 3);
	page = ask(s, BOTH, &cursor, 0, &taken);
	assert_int_equal(taken.rows, 1);
	assert_int_equal(taken.gone, 0);
	assert_false(page.more);
	feed_page_clear(&page);
}

static void what_leaves_a_shelf_after_it_was_gained_is_told(void **state)
{
	struct scene *s = *state;
	struct feed_page page;
	struct taken taken;
	struct cursor cursor;
	struct digest left;

	left = put(s, 1, 2);
	page = ask(s, OPEN, NULL, 0, &taken);
	cursor = page.cursor;
	feed_page_clear(&page);
	page = ask(s, BOTH, &cursor, 0, &taken);
	assert_int_equal(taken.rows, 1);
	cursor = page.cursor;
	feed_page_clear(&page);
	relabel(s, 1, left, 3);
	page = ask(s, BOTH, &cursor, 0, &taken);
	assert_int_equal(taken.gone, 1);
	feed_page_clear(&page);
}

static void a_shelf_gained_above_its_floor_is_filled_once(void **state)
{
	struct scene *s = *state;
	struct feed_expiry at = {0};
	struct feed_page page;
	struct taken taken;
	struct cursor cursor;
	struct digest left;

	put(s, 1, 1);
	put(s, 2, 2);
	left = put(s, 3, 2);
	page = ask(s, OPEN, NULL, 0, &taken);
	cursor = page.cursor;
	feed_page_clear(&page);
	relabel(s, 3, left, 3);
	must(feed_expire(s->txn, s->index, 2000, 1000, &at));
	page = ask(s, BOTH, &cursor, 0, &taken);
	assert_int_equal(taken.rows, 1);
	cursor = page.cursor;
	feed_page_clear(&page);
	page = ask(s, BOTH, &cursor, 0, &taken);
	assert_true(page.unchanged);
	assert_int_equal(taken.rows, 0);
	feed_page_clear(&page);
}

/* An edit over `parent`, which may have fallen. */
static struct digest edit(struct scene *s, unsigned doc, struct digest parent)
{
	struct manifest m = scene_manifest(s, scene_doc(doc), &parent, 1, 1, 1);

	assert_int_equal(scene_put(s, &m), RESOLVE_ACCEPTED);
	return m.digest;
}

static void
a_shelf_gained_in_the_middle_of_a_fill_waits_for_its_own(void **state)
{
	struct scene *s = *state;
	struct feed_page page;
	struct taken taken;
	struct cursor cursor;
	struct digest first, one;
	struct statement st;

	put(s, 1, 1);
	first = put(s, 2, 1);
	edit(s, 2, first);
	one = edit(s, 2, first);
	st = scene_statement(s, scene_doc(2), STATEMENT_LABEL, 2, &first, 2,
			     &one, 1);
	assert_int_equal(scene_state(s, &st), RESOLVE_ACCEPTED);
	page = ask(s, OPEN, NULL, 1, &taken);
	assert_true(page.more);
	cursor = page.cursor;
	feed_page_clear(&page);
	/* Two heads, of which the fill under way brings one. */
	page = ask(s, BOTH, &cursor, 1, &taken);
	assert_int_equal(taken.rows, 1);
	assert_int_equal(taken.heads, 1);
	cursor = page.cursor;
	feed_page_clear(&page);
	for (int i = 0; i < 3 && taken.heads < 2; i++) {
		page = ask(s, BOTH, &cursor, 1, &taken);
		cursor = page.cursor;
		feed_page_clear(&page);
	}
	assert_int_equal(taken.heads, 2);
}

/* Else a signed request with the cursor of a fresh start, before its sweep,
 * would say that what was lost is not held. */
static void a_fresh_start_tells_at_once_what_was_lost(void **state)
{
	struct scene *s = *state;
	struct feed_page page;
	struct taken taken;

	put(s, 1, 1);
	put(s, 2, 2);
	page = ask(s, BOTH, NULL, 0, &taken);
	assert_int_equal(taken.rows, 2);
	assert_true(shelf_set_empty(&page.forget));
	feed_page_clear(&page);
	page = ask(s, OPEN, NULL, 0, &taken);
	assert_true(page.fresh);
	assert_int_equal(taken.rows, 1);
	assert_int_equal(shelf_set_size(&page.forget), 1);
	assert_true(shelf_set_has(&page.forget, 2));
	feed_page_clear(&page);
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

	scene_free(s);
	tempstore_free(s->temp);
	return 0;
}

#define T(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(what_left_a_shelf_before_it_was_gained_is_not_told),
		T(what_leaves_a_shelf_after_it_was_gained_is_told),
		T(a_shelf_gained_above_its_floor_is_filled_once),
		T(a_shelf_gained_in_the_middle_of_a_fill_waits_for_its_own),
		T(a_fresh_start_tells_at_once_what_was_lost),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
