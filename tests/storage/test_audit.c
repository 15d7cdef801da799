/* Proves storage/audit.c. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdlib.h>

#include "storage/audit.h"
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

static void append(struct tempstore *t, const char *what, enum err_code code)
{
	struct audit_item item = {.doc = {{(uint8_t)what[0]}},
				  .digest = {{1}},
				  .outcome = code,
				  .rule = span_str("label")};
	struct audit_entry a = {
		.who = AUDIT_OFFICER,
		.who_id = span_str("kim"),
		.what = span_str(what),
		.proof = {{2}},
		.policy = {{3}},
		.outcome = ERR_OK,
		.rule = span_str("rule"),
		.detail = span_str("detail"),
		.count = 1,
		.items = &item,
	};
	struct txn *txn = NULL;
	uint64_t number;

	must(txn_begin_write(t->store, STORE_RECORDS, &txn));
	must(audit_append(txn, &a, &number));
	must(txn_commit(&txn));
	testclock_forward(&t->time, 10 * 1000);
}

static struct audit_verdict verify(struct tempstore *t)
{
	struct audit_verdict v;
	struct txn *txn = NULL;

	must(txn_begin_read(t->store, STORE_RECORDS, &txn));
	must(audit_verify(txn, &v));
	txn_abort(&txn);
	return v;
}

static void an_entry_comes_back_as_it_was_written(void **state)
{
	struct tempstore *t = *state;
	struct audit_entry a;
	struct arena arena;
	struct txn *txn = NULL;

	append(t, "document.put", ERR_NOT_RELEASABLE);
	arena_init(&arena, 1 << 16);
	must(txn_begin_read(t->store, STORE_RECORDS, &txn));
	must(audit_get(txn, 1, &arena, &a));
	assert_int_equal(a.number, 1);
	assert_int_equal(a.time, 1767225600);
	assert_int_equal(a.who, AUDIT_OFFICER);
	assert_true(span_eq_str(a.who_id, "kim"));
	assert_true(span_eq_str(a.what, "document.put"));
	assert_true(span_eq_str(a.rule, "rule"));
	assert_true(span_eq_str(a.detail, "detail"));
	assert_int_equal(a.proof.at[0], 2);
	assert_int_equal(a.policy.at[0], 3);
	assert_int_equal(a.replica.number, 1);
	assert_int_equal(a.outcome, ERR_OK);
	assert_int_equal(a.count, 1);
	assert_int_equal(a.items[0].outcome, ERR_NOT_RELEASABLE);
	assert_int_equal(a.items[0].doc.at[0], 'd');
	assert_true(span_eq_str(a.items[0].rule, "label"));
	assert_int_equal(audit_get(txn, 2, &arena, &a).code, ERR_NOT_FOUND);
	txn_abort(&txn);
	arena_clear(&arena);
}

static void not_there_and_not_released_are_kept_apart(void **state)
{
	static const enum err_code codes[] = {ERR_NOT_FOUND, ERR_NOT_RELEASABLE,
					      ERR_FORBIDDEN, ERR_GONE};
	struct tempstore *t = *state;
	struct audit_entry a;
	struct arena arena;
	struct txn *txn = NULL;

	for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++)
		append(t, "document.get", codes[i]);
	arena_init(&arena, 1 << 16);
	must(txn_begin_read(t->store, STORE_RECORDS, &txn));
	for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
		must(audit_get(txn, i + 1, &arena, &a));
		assert_int_equal(a.items[0].outcome, codes[i]);
	}
	txn_abort(&txn);
	arena_clear(&arena);
}

static void what_falls_with_its_transaction_leaves_no_gap(void **state)
{
	struct tempstore *t = *state;
	struct audit_entry a = {.what = span_str("x")};
	struct txn *txn = NULL, *inner = NULL;
	uint64_t n;

	must(txn_begin_write(t->store, STORE_RECORDS, &txn));
	must(txn_nest(txn, &inner));
	must(audit_append(inner, &a, &n));
	txn_abort(&inner);
	must(audit_append(txn, &a, &n));
	assert_int_equal(n, 1);
	must(txn_commit(&txn));
	assert_int_equal(verify(t).fault, AUDIT_SOUND);
}

static void a_sound_chain_is_sound_also_after_a_promotion(void **state)
{
	struct tempstore *t = *state;
	struct audit_verdict v = verify(t);

	assert_int_equal(v.fault, AUDIT_SOUND);
	assert_int_equal(v.number, 0);
	append(t, "a", ERR_OK);
	must(store_promote(t->store, (struct replica){{{'G', 'B', 'R'}}, 2}));
	append(t, "b", ERR_OK);
	tempstore_close(t);
	tempstore_open(t);
	v = verify(t);
	assert_int_equal(v.fault, AUDIT_SOUND);
	assert_int_equal(v.number, 2);
}

/* What somebody with the MAC key, or an old backup, could do. */
static void a_rewritten_a_dropped_and_a_truncated_record_are_found(void **state)
{
	struct tempstore *t = *state;
	struct audit_verdict v;
	struct txn *txn = NULL;
	struct span value;
	uint8_t copy[1024];

	for (int i = 0; i < 5; i++)
		append(t, "a", ERR_OK);
	must(txn_begin_write(t->store, STORE_RECORDS, &txn));
	must(txn_get(txn, TABLE_AUDIT, key_audit(3), &value));
	memcpy(copy, value.at, value.len);
	copy[value.len - 1] ^= 1;
	must(txn_put(txn, TABLE_AUDIT, key_audit(3), span_of(copy, value.len)));
	must(audit_verify(txn, &v));
	assert_int_equal(v.fault, AUDIT_CHANGED);
	assert_int_equal(v.number, 3);
	must(txn_del(txn, TABLE_AUDIT, key_audit(3)));
	must(audit_verify(txn, &v));
	assert_int_equal(v.fault, AUDIT_DROPPED);
	assert_int_equal(v.number, 3);
	must(txn_del(txn, TABLE_AUDIT, key_audit(4)));
	must(txn_del(txn, TABLE_AUDIT, key_audit(5)));
	must(audit_verify(txn, &v));
	assert_int_equal(v.fault, AUDIT_TRUNCATED);
	assert_int_equal(v.number, 3);
	txn_abort(&txn);
	/* The head put back with the end cut off: the chain is shorter, and
	 * only a head known elsewhere (a tick) shows it; a head put back
	 * alone shows at once. */
	must(txn_begin_write(t->store, STORE_RECORDS, &txn));
	must(txn_get(txn, TABLE_COUNTERS, key_counter("audit"), &value));
	memcpy(copy, value.at, value.len);
	copy[7] = 4;
	must(txn_put(txn, TABLE_COUNTERS, key_counter("audit"),
		     span_of(copy, value.len)));
	must(audit_verify(txn, &v));
	assert_int_equal(v.fault, AUDIT_CHANGED);
	txn_abort(&txn);
	must(txn_begin_read(t->store, STORE_RECORDS, &txn));
	must(audit_verify_from(txn, 4, &v));
	assert_int_equal(v.fault, AUDIT_SOUND);
	assert_int_equal(v.number, 5);
	txn_abort(&txn);
}

static void a_bit_flipped_on_the_disk_is_named_by_number(void **state)
{
	struct tempstore *t = *state;

	append(t, "a", ERR_OK);
	append(t, "an unusual verb for one record", ERR_OK);
	append(t, "c", ERR_OK);
	tempstore_close(t);
	assert_int_not_equal(
		tempstore_flip(t, "records/data.mdb",
			       span_str("an unusual verb for one record")),
		0);
	tempstore_open(t);
	assert_int_equal(verify(t).fault, AUDIT_CHANGED);
	assert_int_equal(verify(t).number, 2);
}

static unsigned count(struct tempstore *t, struct audit_filter f)
{
	unsigned n = 0, budget = 1000;
	uint64_t before = 0;
	struct audit_entry a;
	struct arena arena;
	struct txn *txn = NULL;

	arena_init(&arena, 1 << 16);
	must(txn_begin_read(t->store, STORE_RECORDS, &txn));
	while (!failed(audit_prev(txn, &f, &before, &budget, &arena, &a)))
		n++;
	txn_abort(&txn);
	arena_clear(&arena);
	return n;
}

static void filters_narrow(void **state)
{
	struct tempstore *t = *state;

	append(t, "document.put", ERR_OK);
	append(t, "document.get", ERR_NOT_RELEASABLE);
	append(t, "keys", ERR_OK);
	assert_int_equal(count(t, (struct audit_filter){0}), 3);
	assert_int_equal(count(t, (struct audit_filter){.what = span_str(
								"document.")}),
			 2);
	assert_int_equal(count(t,
			       (struct audit_filter){.what = span_str("keys")}),
			 1);
	assert_int_equal(count(t, (struct audit_filter){.refused_only = true}),
			 1);
	assert_int_equal(count(t, (struct audit_filter){.from = 1767225605}),
			 2);
	assert_int_equal(count(t, (struct audit_filter){.to = 1767225605}), 1);
	assert_int_equal(count(t, (struct audit_filter){.by_who = true,
							.who = AUDIT_OFFICER,
							.who_id = span_str(
								"kim")}),
			 3);
	assert_int_equal(count(t, (struct audit_filter){.by_who = true,
							.who = AUDIT_DEVICE}),
			 0);
	assert_int_equal(count(t, (struct audit_filter){.by_doc = true,
							.doc = {{'k'}}}),
			 1);
}

static void a_spent_budget_tells_where_to_go_on(void **state)
{
	struct tempstore *t = *state;
	struct audit_filter f = {.what = span_str("first")};
	unsigned budget = 2;
	uint64_t before = 0;
	struct audit_entry a;
	struct arena arena;
	struct txn *txn = NULL;

	append(t, "first", ERR_OK);
	for (int i = 0; i < 4; i++)
		append(t, "later", ERR_OK);
	arena_init(&arena, 1 << 16);
	must(txn_begin_read(t->store, STORE_RECORDS, &txn));
	assert_int_equal(audit_prev(txn, &f, &before, &budget, &arena, &a).code,
			 ERR_BUSY);
	assert_int_equal(before, 4);
	budget = 10;
	must(audit_prev(txn, &f, &before, &budget, &arena, &a));
	assert_int_equal(a.number, 1);
	assert_int_equal(audit_prev(txn, &f, &before, &budget, &arena, &a).code,
			 ERR_NOT_FOUND);
	txn_abort(&txn);
	arena_clear(&arena);
}

static void entries_beyond_the_caps_are_refused(void **state)
{
	struct tempstore *t = *state;
	static const uint8_t longer[AUDIT_DETAIL_MAX + 1];
	struct audit_entry a = {.what = span_str("x"),
				.detail = SPAN_OBJ(longer)};
	struct txn *txn = NULL;
	uint64_t n;

	must(txn_begin_write(t->store, STORE_RECORDS, &txn));
	assert_int_equal(audit_append(txn, &a, &n).code, ERR_TOO_LARGE);
	txn_abort(&txn);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(an_entry_comes_back_as_it_was_written),
		T(not_there_and_not_released_are_kept_apart),
		T(what_falls_with_its_transaction_leaves_no_gap),
		T(a_sound_chain_is_sound_also_after_a_promotion),
		T(a_rewritten_a_dropped_and_a_truncated_record_are_found),
		T(a_bit_flipped_on_the_disk_is_named_by_number),
		T(filters_narrow),
		T(a_spent_budget_tells_where_to_go_on),
		T(entries_beyond_the_caps_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
