/* Proves storage/officer.c. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdlib.h>

#include "storage/officer.h"
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

static const struct officer sample = {
	.name = {(const uint8_t *)"olga", 4},
	.role = OFFICER_SECURITY,
	.certificate = {{3}},
	.spki = {(const uint8_t *)"spki", 4},
};

static void an_officer_is_found_by_certificate(void **state)
{
	struct scene *s = *state;
	struct officer other = sample, got;
	struct digest none = {{9}};

	other.name = span_str("adam");
	other.certificate = (struct digest){{4}};
	other.role = OFFICER_AUDITOR;
	must(officer_put(s->txn, &sample));
	must(officer_put(s->txn, &other));
	must(officer_by_certificate(s->txn, sample.certificate, &s->arena,
				    &got));
	assert_true(span_eq(got.name, sample.name));
	assert_int_equal(got.role, OFFICER_SECURITY);
	assert_true(span_eq(got.spki, sample.spki));
	must(officer_by_certificate(s->txn, other.certificate, &s->arena,
				    &got));
	assert_true(span_eq_str(got.name, "adam"));
	assert_int_equal(officer_by_certificate(s->txn, none, &s->arena, &got)
				 .code,
			 ERR_NOT_FOUND);
	/* Replaced by name: the certificate before opens nothing. */
	other.certificate = none;
	must(officer_put(s->txn, &other));
	other.certificate = (struct digest){{4}};
	assert_int_equal(officer_by_certificate(s->txn, other.certificate,
						&s->arena, &got)
				 .code,
			 ERR_NOT_FOUND);
}

static void roles_have_words(void **state)
{
	enum officer_role role;

	for (int i = OFFICER_OPERATOR; i <= OFFICER_AUDITOR; i++) {
		assert_true(officer_role_parse(span_str(officer_role_text(
						       (enum officer_role)i)),
					       &role));
		assert_int_equal(role, i);
	}
	assert_false(officer_role_parse(span_str("root"), &role));
	assert_false(officer_role_parse(span_str(""), &role));
}

/* Every record that is cut short, longer, or of another form is refused. */
static void a_record_out_of_form_is_refused(void **state)
{
	struct scene *s = *state;
	struct officer got = {0};
	struct span whole;
	uint8_t *copy;
	size_t len;

	must(officer_put(s->txn, &sample));
	must(txn_get(s->txn, TABLE_OFFICERS, key_officer(sample.name), &whole));
	len = whole.len;
	copy = calloc(1, len + 1);
	memcpy(copy, whole.at, len);
	for (size_t i = 0; i <= len + 1; i++) {
		struct err e;

		if (i == len)
			continue;
		must(txn_put(s->txn, TABLE_OFFICERS, key_officer(sample.name),
			     span_of(copy, i)));
		e = officer_by_certificate(s->txn, sample.certificate,
					   &s->arena, &got);
		assert_int_equal(e.code, i ? ERR_CORRUPT : ERR_VERSION);
	}
	copy[0] = 99;
	must(txn_put(s->txn, TABLE_OFFICERS, key_officer(sample.name),
		     span_of(copy, len)));
	assert_int_equal(officer_by_certificate(s->txn, sample.certificate,
						&s->arena, &got)
				 .code,
			 ERR_VERSION);
	free(copy);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(an_officer_is_found_by_certificate),
		T(roles_have_words),
		T(a_record_out_of_form_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
