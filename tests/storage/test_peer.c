/* Proves storage/peer.c. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdlib.h>

#include "storage/peer.h"
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

static const struct span spaces[] = {{(const uint8_t *)"GBR/ops", 7}};
static const struct peer sample = {
	.nation = {{'D', 'E', 'U'}},
	.state = PEER_SUSPENDED,
	.endpoint = {(const uint8_t *)"deu.example:8444", 16},
	.ca = {(const uint8_t *)"der", 3},
	.replica = {{{'D', 'E', 'U'}}, 3},
	.profile = {.clearance = {(const uint8_t *)"<c/>", 4},
		    .ceiling = {(const uint8_t *)"RESTRICTED", 10},
		    .spaces = spaces,
		    .space_count = 1,
		    .all_spaces = true},
	.since = 1700000000,
	.cursor = {(const uint8_t *)"cursor", 6},
	.pulled = 1700000001,
	.pulled_rows = 12,
	.refused_rows = 3,
	.more = true,
};

static void a_peer_comes_back_whole(void **state)
{
	struct scene *s = *state;
	struct peer got;

	assert_int_equal(peer_get(s->txn, sample.nation, &s->arena, &got).code,
			 ERR_NOT_FOUND);
	must(peer_put(s->txn, &sample));
	must(peer_get(s->txn, sample.nation, &s->arena, &got));
	assert_true(nation_eq(got.nation, sample.nation));
	assert_int_equal(got.state, PEER_SUSPENDED);
	assert_true(span_eq(got.endpoint, sample.endpoint));
	assert_true(span_eq(got.ca, sample.ca));
	assert_true(replica_eq(got.replica, sample.replica));
	assert_true(span_eq(got.profile.clearance, sample.profile.clearance));
	assert_true(span_eq(got.profile.ceiling, sample.profile.ceiling));
	assert_int_equal(got.profile.space_count, 1);
	assert_true(span_eq(got.profile.spaces[0], spaces[0]));
	assert_true(got.profile.all_spaces);
	assert_int_equal(got.since, sample.since);
	assert_true(span_eq(got.cursor, sample.cursor));
	assert_int_equal(got.pulled, sample.pulled);
	assert_int_equal(got.pulled_rows, 12);
	assert_int_equal(got.refused_rows, 3);
	assert_true(got.more);
}

static void peers_are_walked_by_nation(void **state)
{
	struct scene *s = *state;
	const char *names[] = {"ITA", "DEU", "FRA"};
	const char *order[] = {"DEU", "FRA", "ITA"};
	struct peer one = sample, walk = {0};
	struct nation n;

	for (int i = 0; i < 3; i++) {
		must(nation_parse(span_str(names[i]), &one.nation));
		must(peer_put(s->txn, &one));
	}
	for (int i = 0; i < 3; i++) {
		must(nation_parse(span_str(order[i]), &n));
		must(peer_next(s->txn, &s->arena, &walk));
		assert_true(nation_eq(walk.nation, n));
	}
	assert_int_equal(peer_next(s->txn, &s->arena, &walk).code,
			 ERR_NOT_FOUND);
}

/* Every record that is cut short, longer, or of another form is refused. */
static void a_record_out_of_form_is_refused(void **state)
{
	struct scene *s = *state;
	struct peer got = {0};
	struct span whole;
	uint8_t *copy;
	size_t len;

	must(peer_put(s->txn, &sample));
	must(txn_get(s->txn, TABLE_PEERS, key_peer(sample.nation), &whole));
	len = whole.len;
	copy = calloc(1, len + 1);
	memcpy(copy, whole.at, len);
	for (size_t i = 0; i <= len + 1; i++) {
		struct err e;

		if (i == len)
			continue;
		must(txn_put(s->txn, TABLE_PEERS, key_peer(sample.nation),
			     span_of(copy, i)));
		e = peer_get(s->txn, sample.nation, &s->arena, &got);
		assert_int_equal(e.code, i ? ERR_CORRUPT : ERR_VERSION);
	}
	copy[0] = 99;
	must(txn_put(s->txn, TABLE_PEERS, key_peer(sample.nation),
		     span_of(copy, len)));
	assert_int_equal(peer_get(s->txn, sample.nation, &s->arena, &got).code,
			 ERR_VERSION);
	free(copy);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(a_peer_comes_back_whole),
		T(peers_are_walked_by_nation),
		T(a_record_out_of_form_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
