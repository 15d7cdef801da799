/* Proves storage/quarantine.c. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdlib.h>

#include "storage/quarantine.h"
#include "tests/support/tempstore.h"

struct scene {
	struct tempstore t;
	struct txn *txn;
	struct arena arena;
};

static int setup(void **state)
{
	struct scene *s = calloc(1, sizeof(*s));

	tempstore_new(&s->t, false);
	arena_init(&s->arena, 64 << 20);
	must(txn_begin_write(s->t.store, STORE_RECORDS, &s->txn));
	*state = s;
	return 0;
}

static int teardown(void **state)
{
	struct scene *s = *state;

	txn_abort(&s->txn);
	arena_clear(&s->arena);
	tempstore_free(&s->t);
	free(s);
	return 0;
}

static struct quarantined entry(const char *from, uint8_t n)
{
	struct quarantined q = {.digest = {{n}},
				.doc = {{7}},
				.code = ERR_SIGNATURE,
				.time = 1700000000,
				.detail = span_str("why")};

	must(nation_parse(span_str(from), &q.from));
	return q;
}

static void entries_come_back_whole_and_in_order(void **state)
{
	struct scene *s = *state;
	struct quarantined list[] = {entry("FRA", 1), entry("DEU", 2),
				     entry("DEU", 1)};
	const int order[] = {2, 1, 0};
	struct quarantined walk = {0};
	uint64_t n;

	assert_int_equal(quarantine_next(s->txn, &s->arena, &walk).code,
			 ERR_NOT_FOUND);
	for (int i = 0; i < 3; i++)
		must(quarantine_put(s->txn, &list[i]));
	for (int i = 0; i < 3; i++) {
		const struct quarantined *want = &list[order[i]];

		must(quarantine_next(s->txn, &s->arena, &walk));
		assert_true(nation_eq(walk.from, want->from));
		assert_true(digest_eq(walk.digest, want->digest));
		assert_true(doc_id_eq(walk.doc, want->doc));
		assert_int_equal(walk.code, ERR_SIGNATURE);
		assert_int_equal(walk.time, 1700000000);
		assert_true(span_eq_str(walk.detail, "why"));
	}
	must(quarantine_count(s->txn, list[1].from, &n));
	assert_int_equal(n, 2);
}

static void the_same_again_replaces_and_is_not_counted(void **state)
{
	struct scene *s = *state;
	struct quarantined q = entry("DEU", 1), walk = {0};
	char longer[400];
	uint64_t n;

	must(quarantine_put(s->txn, &q));
	memset(longer, 'x', sizeof(longer));
	q.code = ERR_LABEL;
	q.detail = span_of(longer, sizeof(longer));
	must(quarantine_put(s->txn, &q));
	must(quarantine_count(s->txn, q.from, &n));
	assert_int_equal(n, 1);
	must(quarantine_next(s->txn, &s->arena, &walk));
	assert_int_equal(walk.code, ERR_LABEL);
	assert_int_equal(walk.detail.len, QUARANTINE_DETAIL_MAX);
}

static void beyond_the_cap_nothing_is_added_only_counted(void **state)
{
	struct scene *s = *state;
	struct quarantined q = entry("DEU", 1), other = entry("FRA", 1),
			   walk = {0};
	uint64_t n;

	must(txn_counter_set(s->txn, "quarantine.DEU", QUARANTINE_MAX));
	must(quarantine_put(s->txn, &q));
	must(quarantine_count(s->txn, q.from, &n));
	assert_int_equal(n, QUARANTINE_MAX + 1);
	assert_int_equal(quarantine_next(s->txn, &s->arena, &walk).code,
			 ERR_NOT_FOUND);
	/* One nation's flood leaves room for the others. */
	must(quarantine_put(s->txn, &other));
	must(quarantine_next(s->txn, &s->arena, &walk));
}

static void a_record_cut_short_is_corrupt(void **state)
{
	struct scene *s = *state;
	struct quarantined q = entry("DEU", 1), walk = {0};
	struct key key = key_quarantine(q.from, q.digest);
	uint8_t bytes[128];
	struct span whole;
	size_t len;

	must(quarantine_put(s->txn, &q));
	must(txn_get(s->txn, TABLE_QUARANTINE, key, &whole));
	len = whole.len;
	memcpy(bytes, whole.at, len);
	for (size_t i = 0; i < len; i++) {
		walk = (struct quarantined){0};
		must(txn_put(s->txn, TABLE_QUARANTINE, key, span_of(bytes, i)));
		assert_int_equal(quarantine_next(s->txn, &s->arena, &walk).code,
				 ERR_CORRUPT);
	}
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(entries_come_back_whole_and_in_order),
		T(the_same_again_replaces_and_is_not_counted),
		T(beyond_the_cap_nothing_is_added_only_counted),
		T(a_record_cut_short_is_corrupt),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
