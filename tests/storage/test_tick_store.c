/* Ticks: the chain, what does not fit into it, and what time removes. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "storage/tick_store.h"
#include "tests/support/tempstore.h"

static const struct replica gbr = {{"GBR"}, 1}, deu = {{"DEU"}, 1},
			    later = {{"GBR"}, 2};

static struct tick_row row_of(struct replica of, uint64_t minute,
			      const char *text)
{
	return (struct tick_row){.of = of,
				 .minute = minute,
				 .blob = span_str(text),
				 .received = minute * 60};
}

static int setup(void **state)
{
	static struct tempstore temp;

	tempstore_new(&temp, false);
	*state = &temp;
	return 0;
}

static int teardown(void **state)
{
	tempstore_free(*state);
	return 0;
}

static struct txn *begin(struct tempstore *t)
{
	struct txn *txn = NULL;

	must(txn_begin_write(t->store, STORE_RECORDS, &txn));
	return txn;
}

static void a_chain_is_walked_in_both_directions(void **state)
{
	struct txn *txn = begin(*state);
	struct tick_row row, out;
	struct arena arena;

	arena_init(&arena, 1 << 20);
	assert_int_equal(tick_last(txn, gbr, &arena, &out).code, ERR_NOT_FOUND);
	for (uint64_t minute = 10; minute <= 30; minute += 10) {
		row = row_of(gbr, minute, "tick");
		row.own = minute == 20;
		row.secret[0] = 7;
		row.salt[31] = 9;
		row.group_first = 3;
		row.group_last = 5;
		row.audit = 11;
		row.witnesses[0] = span_str("seen");
		row.witness_count = minute == 20;
		must(tick_put(txn, &row));
	}
	row = row_of(later, 5, "another replica");
	must(tick_put(txn, &row));
	row = row_of(deu, 40, "another nation");
	must(tick_put(txn, &row));
	must(tick_last(txn, gbr, &arena, &out));
	assert_int_equal(out.minute, 30);
	must(tick_before(txn, gbr, 30, &arena, &out));
	assert_int_equal(out.minute, 20);
	assert_true(out.own);
	assert_int_equal(out.secret[0], 7);
	assert_int_equal(out.salt[31], 9);
	assert_int_equal(out.group_first, 3);
	assert_int_equal(out.group_last, 5);
	assert_int_equal(out.audit, 11);
	assert_int_equal(out.witness_count, 1);
	assert_true(span_eq_str(out.witnesses[0], "seen"));
	must(tick_next(txn, gbr, 10, &arena, &out));
	assert_int_equal(out.minute, 20);
	assert_int_equal(tick_next(txn, gbr, 30, &arena, &out).code,
			 ERR_NOT_FOUND);
	assert_int_equal(tick_before(txn, gbr, 10, &arena, &out).code,
			 ERR_NOT_FOUND);
	must(tick_last(txn, later, &arena, &out));
	assert_int_equal(out.minute, 5);
	arena_clear(&arena);
	txn_abort(&txn);
}

static void breaks_stand_beside_the_chain_and_are_capped(void **state)
{
	struct txn *txn = begin(*state);
	struct digest digest = {{1}}, at = {0};
	struct tick_row row = row_of(gbr, 10, "chain"), out = {0};
	struct arena arena;
	size_t count = 0;

	arena_init(&arena, 1 << 20);
	must(tick_put(txn, &row));
	row.blob = span_str("break");
	for (unsigned i = 0; i < TICK_BREAKS_MAX + 9; i++) {
		digest.at[1] = (uint8_t)i;
		must(tick_break_put(txn, &row, digest));
		must(tick_break_put(txn, &row, digest));
	}
	must(tick_last(txn, gbr, &arena, &out));
	assert_true(span_eq_str(out.blob, "chain"));
	out = (struct tick_row){0};
	while (!failed(tick_break_next(txn, gbr, &arena, &at, &out))) {
		assert_true(span_eq_str(out.blob, "break"));
		count++;
	}
	assert_int_equal(count, TICK_BREAKS_MAX);
	arena_clear(&arena);
	txn_abort(&txn);
}

static void time_removes_all_but_the_last_and_the_breaks(void **state)
{
	struct txn *txn = begin(*state);
	struct digest digest = {{1}}, at = {0};
	struct tick_row row, out = {0};
	struct arena arena;

	arena_init(&arena, 1 << 20);
	for (uint64_t minute = 1; minute <= 9; minute++) {
		row = row_of(gbr, minute, "tick");
		must(tick_put(txn, &row));
	}
	row = row_of(gbr, 2, "break");
	must(tick_break_put(txn, &row, digest));
	must(tick_expire(txn, gbr, 4, 100));
	must(tick_next(txn, gbr, 0, &arena, &out));
	assert_int_equal(out.minute, 4);
	must(tick_expire(txn, gbr, 100, 2)); /* a budget: the rest later */
	must(tick_expire(txn, gbr, 100, 100));
	must(tick_next(txn, gbr, 0, &arena, &out));
	assert_int_equal(out.minute, 9);
	out = (struct tick_row){0};
	must(tick_break_next(txn, gbr, &arena, &at, &out));
	arena_clear(&arena);
	txn_abort(&txn);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(a_chain_is_walked_in_both_directions),
		T(breaks_stand_beside_the_chain_and_are_capped),
		T(time_removes_all_but_the_last_and_the_breaks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
