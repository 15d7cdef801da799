/* Proves storage/token.c. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdlib.h>

#include "storage/token.h"
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
static const struct token sample = {
	.id = {1, 2, 3},
	.kind = TOKEN_ACCEPTED,
	.expires = 1800000000,
	.secret = {(const uint8_t *)"sealed", 6},
	.subject = {(const uint8_t *)"alice", 5},
	.nation = {{'D', 'E', 'U'}},
	.profile = {.clearance = {(const uint8_t *)"<c/>", 4},
		    .spaces = spaces,
		    .space_count = 1},
	.endpoint = {(const uint8_t *)"deu.example:8444", 16},
	.ca = {{4}},
	.root = {{5}},
};

static void a_token_comes_back_whole_and_dies_with_its_use(void **state)
{
	struct scene *s = *state;
	struct token got;

	assert_int_equal(token_get(s->txn, sample.id, &s->arena, &got).code,
			 ERR_NOT_FOUND);
	must(token_put(s->txn, &sample));
	must(token_get(s->txn, sample.id, &s->arena, &got));
	assert_memory_equal(got.id, sample.id, sizeof(got.id));
	assert_int_equal(got.kind, TOKEN_ACCEPTED);
	assert_int_equal(got.expires, sample.expires);
	assert_true(span_eq(got.secret, sample.secret));
	assert_true(span_eq(got.subject, sample.subject));
	assert_true(nation_eq(got.nation, sample.nation));
	assert_true(span_eq(got.profile.clearance, sample.profile.clearance));
	assert_int_equal(got.profile.space_count, 1);
	assert_false(got.profile.all_spaces);
	assert_true(span_eq(got.endpoint, sample.endpoint));
	assert_true(digest_eq(got.ca, sample.ca));
	assert_true(digest_eq(got.root, sample.root));
	must(token_del(s->txn, sample.id));
	assert_int_equal(token_get(s->txn, sample.id, &s->arena, &got).code,
			 ERR_NOT_FOUND);
}

static void tokens_are_walked_by_id(void **state)
{
	struct scene *s = *state;
	struct token one = sample, walk = {0};

	for (int i = 3; i > 0; i--) {
		one.id[0] = (uint8_t)i;
		must(token_put(s->txn, &one));
	}
	for (int i = 1; i <= 3; i++) {
		must(token_next(s->txn, &s->arena, &walk));
		assert_int_equal(walk.id[0], i);
	}
	assert_int_equal(token_next(s->txn, &s->arena, &walk).code,
			 ERR_NOT_FOUND);
}

/* Every record that is cut short, longer, or of another form is refused. */
static void a_record_out_of_form_is_refused(void **state)
{
	struct scene *s = *state;
	struct token got = {0};
	struct span whole;
	uint8_t *copy;
	size_t len;

	must(token_put(s->txn, &sample));
	must(txn_get(s->txn, TABLE_TOKENS, key_token(sample.id), &whole));
	len = whole.len;
	copy = calloc(1, len + 1);
	memcpy(copy, whole.at, len);
	for (size_t i = 0; i <= len + 1; i++) {
		struct err e;

		if (i == len)
			continue;
		must(txn_put(s->txn, TABLE_TOKENS, key_token(sample.id),
			     span_of(copy, i)));
		e = token_get(s->txn, sample.id, &s->arena, &got);
		assert_int_equal(e.code, i ? ERR_CORRUPT : ERR_VERSION);
	}
	copy[0] = 99;
	must(txn_put(s->txn, TABLE_TOKENS, key_token(sample.id),
		     span_of(copy, len)));
	assert_int_equal(token_get(s->txn, sample.id, &s->arena, &got).code,
			 ERR_VERSION);
	free(copy);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(a_token_comes_back_whole_and_dies_with_its_use),
		T(tokens_are_walked_by_id),
		T(a_record_out_of_form_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
