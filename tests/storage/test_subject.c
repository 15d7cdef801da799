/* Proves storage/subject.c. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdlib.h>

#include "storage/subject.h"
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

static const struct span spaces[] = {
	{(const uint8_t *)"GBR/ops", 7},
	{(const uint8_t *)"DEU/ops", 7},
};
static const struct subject sample = {
	.name = {(const uint8_t *)"alice", 5},
	.rights = SUBJECT_WRITE | SUBJECT_RECALL,
	.clearance = {(const uint8_t *)"<clearance/>", 12},
	.spaces = spaces,
	.space_count = 2,
};

static void a_subject_comes_back_whole_and_is_replaced(void **state)
{
	struct scene *s = *state;
	struct subject got, less = sample;

	assert_int_equal(subject_get(s->txn, sample.name, &s->arena, &got).code,
			 ERR_NOT_FOUND);
	must(subject_put(s->txn, &sample));
	must(subject_get(s->txn, sample.name, &s->arena, &got));
	assert_true(span_eq(got.name, sample.name));
	assert_int_equal(got.rights, sample.rights);
	assert_true(span_eq(got.clearance, sample.clearance));
	assert_int_equal(got.space_count, 2);
	assert_true(span_eq_str(got.spaces[0], "GBR/ops"));
	assert_true(span_eq_str(got.spaces[1], "DEU/ops"));
	less.rights = 0;
	less.space_count = 0;
	must(subject_put(s->txn, &less));
	must(subject_get(s->txn, sample.name, &s->arena, &got));
	assert_int_equal(got.rights, 0);
	assert_int_equal(got.space_count, 0);
	must(subject_del(s->txn, sample.name));
	assert_int_equal(subject_del(s->txn, sample.name).code, ERR_NOT_FOUND);
}

static void subjects_are_walked_by_name(void **state)
{
	struct scene *s = *state;
	const char *names[] = {"bob", "al", "alice", "a"};
	const char *order[] = {"a", "al", "alice", "bob"};
	struct subject one = sample, walk = {0};

	for (int i = 0; i < 4; i++) {
		one.name = span_str(names[i]);
		must(subject_put(s->txn, &one));
	}
	for (int i = 0; i < 4; i++) {
		must(subject_next(s->txn, &s->arena, &walk));
		assert_true(span_eq_str(walk.name, order[i]));
	}
	assert_int_equal(subject_next(s->txn, &s->arena, &walk).code,
			 ERR_NOT_FOUND);
}

static void names_and_sizes_have_limits(void **state)
{
	struct scene *s = *state;
	const char *bad[] = {"", "a b", "a/b", "a\n", "\x7f"};
	struct subject one = sample;
	char name[SUBJECT_NAME_MAX + 2] = {0};
	uint8_t *large = calloc(1, SUBJECT_CLEARANCE_MAX + 1);

	for (int i = 0; i < 5; i++) {
		one.name = span_str(bad[i]);
		assert_int_equal(subject_put(s->txn, &one).code, ERR_MALFORMED);
	}
	memset(name, 'n', SUBJECT_NAME_MAX);
	one.name = span_str(name);
	must(subject_put(s->txn, &one));
	name[SUBJECT_NAME_MAX] = 'n';
	one.name = span_str(name);
	assert_int_equal(subject_put(s->txn, &one).code, ERR_MALFORMED);
	one = sample;
	one.clearance = span_of(large, SUBJECT_CLEARANCE_MAX + 1);
	assert_int_equal(subject_put(s->txn, &one).code, ERR_TOO_LARGE);
	one = sample;
	one.space_count = SUBJECT_SPACES_MAX + 1;
	assert_int_equal(subject_put(s->txn, &one).code, ERR_TOO_LARGE);
	free(large);
}

/* Every record that is cut short, longer, or of another form is refused. */
static void a_record_out_of_form_is_refused(void **state)
{
	struct scene *s = *state;
	struct subject got = {0};
	struct span whole;
	uint8_t *copy;
	size_t len;

	must(subject_put(s->txn, &sample));
	must(txn_get(s->txn, TABLE_SUBJECTS, key_subject(sample.name), &whole));
	len = whole.len;
	copy = calloc(1, len + 1);
	memcpy(copy, whole.at, len);
	for (size_t i = 0; i <= len + 1; i++) {
		struct err e;

		if (i == len)
			continue;
		must(txn_put(s->txn, TABLE_SUBJECTS, key_subject(sample.name),
			     span_of(copy, i)));
		e = subject_get(s->txn, sample.name, &s->arena, &got);
		assert_int_equal(e.code, i ? ERR_CORRUPT : ERR_VERSION);
	}
	copy[0] = 99;
	must(txn_put(s->txn, TABLE_SUBJECTS, key_subject(sample.name),
		     span_of(copy, len)));
	assert_int_equal(subject_get(s->txn, sample.name, &s->arena, &got).code,
			 ERR_VERSION);
	free(copy);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(a_subject_comes_back_whole_and_is_replaced),
		T(subjects_are_walked_by_name),
		T(names_and_sizes_have_limits),
		T(a_record_out_of_form_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
