/* Pages of the feed: storage/feed.c and feed_merge.c. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "tests/storage/scene.h"

struct taken {
	size_t rows, heads;
	size_t room; /* rows that fit; 0: all */
};

static struct err take(void *self, const struct feed_row *row, bool *full)
{
	struct taken *t = self;

	*full = t->room && t->rows == t->room;
	if (!*full) {
		t->rows++;
		t->heads += row->read->visible_count;
	}
	return ERR_NONE;
}

static struct err read_page(struct scene *s, const struct cursor *cursor,
			    struct feed_request request, struct taken *taken,
			    struct feed_page *page)
{
	struct view *view = scene_view(s, 1u << 1);
	struct feed_sink sink = {take, taken};
	struct err e;

	request.reader = reader_nation(scene_nation("FRA"));
	request.view = view;
	request.cursor = cursor;
	e = feed_page(s->txn, s->index, &request, &sink, page);
	if (!failed(e) && page->change.needed)
		must(ledger_apply(s->txn, &page->change, &page->cursor));
	view_free(view);
	return e;
}

static void put(struct scene *s, unsigned doc, unsigned label)
{
	struct manifest m =
		scene_manifest(s, scene_doc(doc), NULL, 0, 1, label);

	assert_int_equal(scene_put(s, &m), RESOLVE_ACCEPTED);
}

static void nothing_visible_new_gives_the_same_cursor(void **state)
{
	struct scene *s = *state;
	struct taken taken = {0};
	struct feed_page page;
	struct cursor cursor;

	put(s, 1, 1);
	must(read_page(s, NULL, (struct feed_request){0}, &taken, &page));
	assert_true(page.fresh);
	assert_false(page.more);
	assert_int_equal(taken.rows, 1);
	cursor = page.cursor;
	feed_page_clear(&page);
	put(s, 2, 2); /* a new shelf that the reader does not see */
	must(read_page(s, &cursor, (struct feed_request){0}, &taken, &page));
	assert_true(page.unchanged);
	assert_false(page.change.needed);
	assert_true(cursor_eq(&cursor, &page.cursor));
	assert_int_equal(taken.rows, 1);
	feed_page_clear(&page);
}

static void a_page_costs_what_it_answers(void **state)
{
	struct scene *s = *state;
	struct txn_steps before, after;
	struct taken taken = {0};
	struct feed_page page;
	struct cursor cursor;

	for (unsigned i = 1; i <= 200; i++)
		put(s, i, i % 2 ? 1 : 2);
	must(read_page(s, NULL, (struct feed_request){0}, &taken, &page));
	cursor = page.cursor;
	feed_page_clear(&page);
	for (unsigned i = 201; i <= 300; i++)
		put(s, i, 2); /* not to be seen */
	put(s, 301, 1);
	taken = (struct taken){0};
	before = txn_steps(s->txn);
	must(read_page(s, &cursor, (struct feed_request){0}, &taken, &page));
	after = txn_steps(s->txn);
	assert_int_equal(taken.rows, 1);
	assert_true(after.steps - before.steps <= 4);
	assert_true(after.reads - before.reads <= 12);
	feed_page_clear(&page);
}

static void a_full_page_goes_on_where_it_ended(void **state)
{
	struct scene *s = *state;
	struct taken taken = {.room = 2};
	struct feed_page page;
	struct cursor cursor;
	size_t total = 0;
	bool more = true;

	for (unsigned i = 1; i <= 7; i++)
		put(s, i, 1);
	for (bool first = true; more; first = false) {
		taken.rows = 0;
		must(read_page(s, first ? NULL : &cursor,
			       (struct feed_request){0}, &taken, &page));
		assert_int_equal(page.rows, taken.rows);
		total += taken.rows;
		cursor = page.cursor;
		more = page.more;
		feed_page_clear(&page);
	}
	assert_int_equal(total, 7);
}

static void a_nation_gets_what_is_signed_and_not_its_own(void **state)
{
	struct scene *s = *state;
	struct feed_request request = {.has_upto = true, .upto = {1}};
	struct taken taken = {0};
	struct feed_page page;
	struct cursor cursor;

	put(s, 1, 1);
	put(s, 2, 1);
	must(read_page(s, NULL, request, &taken, &page));
	assert_int_equal(taken.rows, 1);
	cursor = page.cursor;
	feed_page_clear(&page);
	request.upto.n = 2;
	request.exclude = true;
	request.exclude_nation = scene_nation("GBR"); /* all came from it */
	must(read_page(s, &cursor, request, &taken, &page));
	assert_int_equal(taken.rows, 1);
	assert_int_equal(page.cursor.seq.n, 2);
	feed_page_clear(&page);
	request.exclude = false;
	must(read_page(s, &cursor, request, &taken, &page));
	assert_int_equal(taken.rows, 2);
	feed_page_clear(&page);
}

static void a_cursor_of_another_incarnation_is_gone(void **state)
{
	struct scene *s = *state;
	struct cursor cursor = {.incarnation = 1};
	struct taken taken = {0};
	struct feed_page page;

	assert_int_equal(read_page(s, &cursor, (struct feed_request){0}, &taken,
				   &page)
				 .code,
			 ERR_GONE);
	feed_page_clear(&page);
}

/* Committed: the memory index is ahead of an older snapshot. */
static void a_snapshot_from_before_a_write_loses_nothing(void **state)
{
	struct scene *s = *state;
	struct txn *writer, *old = NULL;
	struct taken taken = {0};
	struct feed_page page;
	struct cursor cursor;

	put(s, 1, 1);
	must(read_page(s, NULL, (struct feed_request){0}, &taken, &page));
	cursor = page.cursor;
	feed_page_clear(&page);
	scene_commit(s);
	must(txn_begin_read(s->temp->store, STORE_RECORDS, &old));
	put(s, 2, 1);
	scene_commit(s);
	writer = s->txn;
	s->txn = old;
	must(read_page(s, &cursor, (struct feed_request){0}, &taken, &page));
	assert_true(page.unchanged);
	feed_page_clear(&page);
	s->txn = writer;
	txn_abort(&old);
	must(read_page(s, &cursor, (struct feed_request){0}, &taken, &page));
	assert_int_equal(taken.rows, 2);
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
	struct tempstore *temp = s->temp;

	scene_free(s);
	tempstore_free(temp);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			nothing_visible_new_gives_the_same_cursor, set_up,
			tear_down),
		cmocka_unit_test_setup_teardown(a_page_costs_what_it_answers,
						set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			a_full_page_goes_on_where_it_ended, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			a_nation_gets_what_is_signed_and_not_its_own, set_up,
			tear_down),
		cmocka_unit_test_setup_teardown(
			a_cursor_of_another_incarnation_is_gone, set_up,
			tear_down),
		cmocka_unit_test_setup_teardown(
			a_snapshot_from_before_a_write_loses_nothing, set_up,
			tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
