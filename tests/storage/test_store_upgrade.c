/* Proves storage/store_upgrade.c and hold.c. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdlib.h>

#include "storage/hold.h"
#include "storage/store_upgrade.h"
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

static bool has(struct tempstore *t, struct key key)
{
	struct txn *txn = NULL;
	bool out;

	must(txn_begin_read(t->store, STORE_RECORDS, &txn));
	must(txn_has(txn, TABLE_HEADER, key, &out));
	txn_abort(&txn);
	return out;
}

static uint32_t version(struct tempstore *t)
{
	struct txn *txn = NULL;
	struct span value;
	uint32_t out;

	must(txn_begin_read(t->store, STORE_RECORDS, &txn));
	must(txn_get(txn, TABLE_HEADER, key_version(), &value));
	assert_int_equal(value.len, 4);
	out = (uint32_t)value.at[3];
	txn_abort(&txn);
	return out;
}

/* Rows that a build of version 1 did not have go. */
static void downgrade(struct store *store)
{
	const struct key rows[] = {key_version(), key_hold()};
	struct txn *txn = NULL;

	must(txn_begin_write(store, STORE_RECORDS, &txn));
	for (int i = 0; i < 2; i++)
		must(txn_del(txn, TABLE_HEADER, rows[i]));
	must(txn_commit(&txn));
}

/* A folder of version 1, with a row that must come along. */
static void make_old(struct tempstore *t)
{
	tempstore_put(t, TABLE_COUNTERS, key_counter("feed"),
		      span_of("\0\0\0\0\0\0\0\7", 8));
	downgrade(t->store);
	assert_false(has(t, key_version()));
	assert_false(has(t, key_hold()));
}

static void is_upgraded(struct tempstore *t)
{
	struct txn *txn = NULL;
	struct hold hold;

	assert_int_equal(version(t), STORE_VERSION);
	must(txn_begin_read(t->store, STORE_RECORDS, &txn));
	must(hold_get(txn, &hold));
	txn_abort(&txn);
	assert_false(hold.held);
}

static void a_store_of_version_1_is_upgraded_when_it_is_opened(void **state)
{
	struct tempstore *t = *state;
	struct store_header before = *store_header(t->store);

	make_old(t);
	tempstore_close(t);
	tempstore_open(t);
	is_upgraded(t);
	/* The header itself is as it was, and opens the same audit. */
	assert_int_equal(before.format, store_header(t->store)->format);
	assert_true(before.incarnation == store_header(t->store)->incarnation);
	assert_true(has(t, key_header()));
}

static void
an_upgrade_that_fails_anywhere_is_made_at_the_next_open(void **state)
{
	struct tempstore *t = *state;
	unsigned at = 0;
	bool ended = false;

	while (!ended) {
		struct store_options o;

		assert_true(++at < 300);
		make_old(t);
		tempstore_close(t);
		tempstore_open(t); /* ring and provider, for the options */
		make_old(t);
		store_close(t->store);
		t->store = NULL;
		t->faults = (struct store_faults){.at = at, .forever = true};
		o = tempstore_options(t);
		ended = !failed(store_open(&o, &t->store));
		t->faults = (struct store_faults){0};
		store_close(t->store);
		t->store = NULL;
		must(store_open(&o, &t->store));
		is_upgraded(t);
	}
	assert_true(at > 10);
}

static void a_newer_version_is_refused_by_name(void **state)
{
	struct tempstore *t = *state;
	struct store_options o = tempstore_options(t);
	const uint8_t newer[] = {0, 0, 0, STORE_VERSION + 1};
	struct err e;

	tempstore_put(t, TABLE_HEADER, key_version(), SPAN_OBJ(newer));
	store_close(t->store);
	t->store = NULL;
	e = store_open(&o, &t->store);
	assert_int_equal(e.code, ERR_VERSION);
	assert_string_equal(e.detail, "a newer build wrote this store");
}

static void a_hold_is_kept_as_it_was_put(void **state)
{
	struct tempstore *t = *state;
	struct hold hold = {true, 100, 90, "operator"}, back;
	struct txn *txn = NULL;

	must(txn_begin_write(t->store, STORE_RECORDS, &txn));
	must(hold_put(txn, &hold));
	must(txn_commit(&txn));
	tempstore_close(t);
	tempstore_open(t);
	must(txn_begin_read(t->store, STORE_RECORDS, &txn));
	must(hold_get(txn, &back));
	txn_abort(&txn);
	assert_true(back.held);
	assert_int_equal(back.since, hold.since);
	assert_int_equal(back.backup, hold.backup);
	assert_string_equal(back.officer, hold.officer);
	tempstore_put(t, TABLE_HEADER, key_hold(), span_str("\1\1"));
	must(txn_begin_read(t->store, STORE_RECORDS, &txn));
	assert_int_equal(hold_get(txn, &back).code, ERR_CORRUPT);
	txn_abort(&txn);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(a_store_of_version_1_is_upgraded_when_it_is_opened),
		T(an_upgrade_that_fails_anywhere_is_made_at_the_next_open),
		T(a_newer_version_is_refused_by_name),
		T(a_hold_is_kept_as_it_was_put),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
