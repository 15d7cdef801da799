/* Views: only the decision makes one. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "tests/storage/scene.h"

static void put(struct scene *s, unsigned doc, unsigned label)
{
	struct manifest m =
		scene_manifest(s, scene_doc(doc), NULL, 0, 1, label);

	assert_int_equal(scene_put(s, &m), RESOLVE_ACCEPTED);
}

struct asked {
	unsigned times;
};

static bool ask(void *self, const struct shelf_row *shelf)
{
	struct asked *a = self;

	(void)shelf;
	a->times++;
	return true;
}

static void a_view_holds_what_the_decision_releases(void **state)
{
	struct scene *s = *state;
	struct view *view;

	put(s, 1, 1);
	put(s, 2, 2);
	view = scene_view(s, 1u << 2);
	assert_false(view_has(view, 1));
	assert_true(view_has(view, 2));
	assert_false(view_has(view, SHELF_NONE));
	assert_int_equal(view_size(view), 1);
	assert_int_equal(view_last(view, s->index).n, 2);
	assert_true(view_has_label(view, s->index, scene_label(2)));
	assert_false(view_has_label(view, s->index, scene_label(1)));
	view_free(view);
}

static void a_view_of_one_profile_asks_for_new_shelves_only(void **state)
{
	struct scene *s = *state;
	struct asked asked = {0};
	struct view_decider decider = {ask, &asked, NULL};
	struct digest profile = {{1}}, other = {{2}};
	struct view *one, *two, *three, *four;

	put(s, 1, 1);
	put(s, 2, 2);
	must(view_new_decided(s->index, s->txn, profile, NULL, &decider, &one));
	assert_int_equal(asked.times, 2);
	must(view_new_decided(s->index, s->txn, profile, one, &decider, &two));
	assert_ptr_equal(one, two);
	put(s, 3, 3);
	must(view_new_decided(s->index, s->txn, profile, one, &decider,
			      &three));
	assert_int_equal(asked.times, 3);
	assert_int_equal(view_size(three), 3);
	must(view_new_decided(s->index, s->txn, other, three, &decider, &four));
	assert_int_equal(asked.times, 6);
	view_free(one);
	view_free(two);
	view_free(three);
	view_free(four);
}

static void a_number_names_one_set_for_life(void **state)
{
	struct scene *s = *state;
	struct shelf_set set = {0}, back = {0};
	uint64_t n = 9, again = 0;

	must(view_number(s->txn, &set, &n));
	assert_int_equal(n, 0);
	shelf_set_add(&set, 5);
	must(view_number(s->txn, &set, &n));
	assert_int_equal(n, 0);
	must(view_number_make(s->txn, &set, &n));
	must(view_number_make(s->txn, &set, &again));
	assert_int_equal(n, again);
	must(view_by_number(s->txn, n, &back));
	assert_true(shelf_set_eq(&set, &back));
	assert_int_equal(view_by_number(s->txn, n + 1, &back).code,
			 ERR_NOT_FOUND);
	shelf_set_clear(&set);
	shelf_set_clear(&back);
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
			a_view_holds_what_the_decision_releases, set_up,
			tear_down),
		cmocka_unit_test_setup_teardown(
			a_view_of_one_profile_asks_for_new_shelves_only, set_up,
			tear_down),
		cmocka_unit_test_setup_teardown(a_number_names_one_set_for_life,
						set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
