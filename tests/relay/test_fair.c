/* Proves relay/guard/fair.c. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "relay/guard/fair.h"

enum { MANY = 100 };

struct thing {
	struct fair_item item; /* first */
	int number;
};

static bool any_fits(const struct fair_item *item)
{
	return true;
}

static bool none_fits(const struct fair_item *item)
{
	return false;
}

static bool even_fits(const struct fair_item *item)
{
	return ((const struct thing *)item)->number % 2 == 0;
}

static void put(struct fair *f, uint64_t asker, struct thing *thing, int n)
{
	*thing = (struct thing){.number = n};
	assert_false(failed(fair_put(f, asker, &thing->item)));
}

/* The number of what is taken next; -1: nothing. */
static int take(struct fair *f)
{
	struct fair_item *item = fair_take(f, any_fits);

	return item ? ((struct thing *)item)->number : -1;
}

static void askers_take_turns_whoever_asks_much(void **state)
{
	struct thing much[MANY], one, two;
	struct fair f;

	fair_init(&f, MANY);
	for (int i = 0; i < MANY; i++)
		put(&f, 7, &much[i], i);
	assert_int_equal(take(&f), 0);
	put(&f, 8, &one, 1000);
	put(&f, 9, &two, 2000);
	/* At most one of the many comes before each of the others. */
	assert_int_equal(take(&f), 1);
	assert_int_equal(take(&f), 1000);
	assert_int_equal(take(&f), 2000);
	assert_int_equal(take(&f), 2);
	for (int i = 0; i < MANY; i++)
		fair_leave(&f, &much[i].item);
	fair_leave(&f, &one.item);
	fair_leave(&f, &two.item);
	assert_int_equal(f.waiting, 0);
	assert_int_equal(f.askers.count, 0);
	fair_clear(&f);
}

static void no_asker_has_more_than_his_places(void **state)
{
	struct thing much[5], other;
	struct fair f;

	fair_init(&f, 2);
	for (int i = 0; i < 5; i++)
		put(&f, 7, &much[i], i);
	assert_int_equal(take(&f), 0);
	assert_int_equal(take(&f), 1);
	assert_int_equal(take(&f), -1);
	put(&f, 8, &other, 9);
	assert_int_equal(take(&f), 9);
	/* One place more for each that is done with. */
	fair_leave(&f, &much[0].item);
	assert_int_equal(take(&f), 2);
	assert_int_equal(take(&f), -1);
	fair_leave(&f, &much[0].item); /* it has left: nothing */
	assert_int_equal(take(&f), -1);
	for (int i = 0; i < 5; i++)
		fair_leave(&f, &much[i].item);
	fair_leave(&f, &other.item);
	assert_int_equal(f.askers.count, 0);
	fair_clear(&f);
}

static void what_does_not_fit_waits_and_keeps_nobody(void **state)
{
	struct thing odd, behind, even;
	struct fair f;

	fair_init(&f, 2);
	put(&f, 1, &odd, 1);
	put(&f, 1, &behind, 2); /* in its asker's order */
	put(&f, 2, &even, 4);
	assert_null(fair_take(&f, none_fits));
	assert_ptr_equal(fair_take(&f, even_fits), &even.item);
	assert_null(fair_take(&f, even_fits));
	assert_int_equal(f.waiting, 2);
	assert_int_equal(take(&f), 1);
	assert_int_equal(take(&f), 2);
	fair_leave(&f, &odd.item);
	fair_leave(&f, &behind.item);
	fair_leave(&f, &even.item);
	fair_clear(&f);
}

static void one_may_leave_from_the_middle_of_a_queue(void **state)
{
	struct thing t[4];
	struct fair f;

	fair_init(&f, 4);
	for (int i = 0; i < 4; i++)
		put(&f, 0, &t[i], i); /* zero names somebody too */
	fair_leave(&f, &t[1].item);
	fair_leave(&f, &t[3].item);
	assert_int_equal(take(&f), 0);
	assert_int_equal(take(&f), 2);
	assert_int_equal(take(&f), -1);
	fair_leave(&f, &t[0].item);
	fair_leave(&f, &t[2].item);
	assert_int_equal(f.askers.count, 0);
	fair_clear(&f);
}

/* Against a plain model: any history of putting, taking and leaving. */
static void any_history_ends_with_nothing_left(void **state)
{
	struct thing t[64];
	uint32_t chance = 1;
	int waiting = 0;
	struct fair f;

	fair_init(&f, 2);
	for (size_t i = 0; i < 64; i++)
		t[i] = (struct thing){0};
	for (int step = 0; step < 20000; step++) {
		struct thing *one;

		chance = chance * 1664525 + 1013904223;
		one = &t[chance >> 26];
		if (!one->item.asker) {
			put(&f, 1 + (chance >> 8) % 5, one, 0);
			waiting++;
		} else if (chance >> 12 & 1) {
			waiting -= !one->item.taken;
			fair_leave(&f, &one->item);
		} else {
			waiting -= fair_take(&f, any_fits) != NULL;
		}
		assert_int_equal(f.waiting, waiting);
	}
	for (size_t i = 0; i < 64; i++)
		fair_leave(&f, &t[i].item);
	assert_int_equal(f.waiting, 0);
	assert_int_equal(f.askers.count, 0);
	assert_null(f.turn);
	fair_clear(&f);
}

static void who_had_much_is_known_for_a_while(void **state)
{
	struct thing one, two;
	struct fair f;

	fair_init(&f, 2);
	assert_false(fair_had_much(&f, 7));
	fair_spent(&f, 7, FAIR_MUCH_US);
	assert_false(fair_had_much(&f, 7));
	fair_spent(&f, 7, FAIR_MUCH_US);
	assert_true(fair_had_much(&f, 7));
	assert_false(fair_had_much(&f, 8));
	fair_forget(&f);
	assert_false(fair_had_much(&f, 7));
	/* Of such a one a single item is taken at once. */
	put(&f, 7, &one, 1);
	put(&f, 7, &two, 2);
	fair_spent(&f, 7, 2 * FAIR_MUCH_US);
	assert_int_equal(take(&f), 1);
	assert_int_equal(take(&f), -1);
	fair_leave(&f, &one.item);
	assert_int_equal(take(&f), 2);
	fair_leave(&f, &two.item);
	/* It never comes round to little again. */
	fair_spent(&f, 7, UINT64_MAX);
	fair_spent(&f, 7, UINT64_MAX);
	assert_true(fair_had_much(&f, 7));
	for (int i = 0; i < 32; i++)
		fair_forget(&f);
	assert_false(fair_had_much(&f, 7));
	fair_clear(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(askers_take_turns_whoever_asks_much),
		cmocka_unit_test(no_asker_has_more_than_his_places),
		cmocka_unit_test(what_does_not_fit_waits_and_keeps_nobody),
		cmocka_unit_test(one_may_leave_from_the_middle_of_a_queue),
		cmocka_unit_test(any_history_ends_with_nothing_left),
		cmocka_unit_test(who_had_much_is_known_for_a_while),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
