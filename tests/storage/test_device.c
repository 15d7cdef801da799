/* Proves storage/device.c. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdlib.h>

#include "storage/device.h"
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

static const struct device sample = {
	.author = {{1}},
	.author_spki = {(const uint8_t *)"spki", 4},
	.wrapping = {(const uint8_t *)"point", 5},
	.tls = {{2}},
	.certificate = {{3}},
	.certificate_until = 1900000000,
	.subject = {(const uint8_t *)"alice", 5},
	.state = DEVICE_FROZEN,
	.enrolled = 1700000000,
	.changed = 1700000001,
	.attestation = {(const uint8_t *)"attested", 8},
	.posture = {(const uint8_t *)"facts", 5},
};

static void is_sample(const struct device *got)
{
	assert_true(key_id_eq(got->author, sample.author));
	assert_true(span_eq(got->author_spki, sample.author_spki));
	assert_true(span_eq(got->wrapping, sample.wrapping));
	assert_true(key_id_eq(got->tls, sample.tls));
	assert_true(digest_eq(got->certificate, sample.certificate));
	assert_int_equal(got->certificate_until, sample.certificate_until);
	assert_true(span_eq(got->subject, sample.subject));
	assert_int_equal(got->state, sample.state);
	assert_int_equal(got->enrolled, sample.enrolled);
	assert_int_equal(got->changed, sample.changed);
	assert_true(span_eq(got->attestation, sample.attestation));
	assert_true(span_eq(got->posture, sample.posture));
}

static void a_device_comes_back_whole_by_key_and_by_certificate(void **state)
{
	struct scene *s = *state;
	struct digest other = {{9}};
	struct device got;

	assert_int_equal(device_get(s->txn, sample.author, &s->arena, &got)
				 .code,
			 ERR_NOT_FOUND);
	must(device_add(s->txn, &sample));
	must(device_get(s->txn, sample.author, &s->arena, &got));
	is_sample(&got);
	must(device_by_certificate(s->txn, sample.certificate, &s->arena,
				   &got));
	is_sample(&got);
	assert_int_equal(device_by_certificate(s->txn, other, &s->arena, &got)
				 .code,
			 ERR_NOT_FOUND);
}

static void a_key_is_registered_once_for_ever(void **state)
{
	struct scene *s = *state;
	struct device gone = sample;

	must(device_add(s->txn, &sample));
	/* Also those of a revoked device stay taken, each alone, and in
	 * another part too. */
	gone.state = DEVICE_REVOKED;
	must(device_put(s->txn, &gone));
	for (int i = 0; i < 4; i++) {
		struct device other = sample;

		other.author = (struct key_id){{10 + (uint8_t)i}};
		other.tls = (struct key_id){{20 + (uint8_t)i}};
		other.wrapping = span_str("another point");
		other.certificate = (struct digest){{30 + (uint8_t)i}};
		if (i == 0)
			other.author = sample.author;
		else if (i == 1)
			other.tls = sample.tls;
		else if (i == 2)
			other.wrapping = sample.wrapping;
		else
			other.author = sample.tls;
		assert_int_equal(device_add(s->txn, &other).code, ERR_EXISTS);
		txn_abort(&s->txn);
		must(txn_begin_write(s->t.store, STORE_RECORDS, &s->txn));
		must(device_add(s->txn, &sample));
	}
}

static void devices_are_walked_by_author(void **state)
{
	struct scene *s = *state;
	struct device walk = {0};

	for (int i = 3; i > 0; i--) {
		struct device d = sample;
		char point[2] = {(char)('a' + i), 0};

		d.author = (struct key_id){{(uint8_t)i}};
		d.tls = (struct key_id){{20 + (uint8_t)i}};
		d.certificate = (struct digest){{30 + (uint8_t)i}};
		d.wrapping = span_str(point);
		must(device_add(s->txn, &d));
	}
	for (int i = 1; i <= 3; i++) {
		must(device_next(s->txn, &s->arena, &walk));
		assert_int_equal(walk.author.at[0], i);
	}
	assert_int_equal(device_next(s->txn, &s->arena, &walk).code,
			 ERR_NOT_FOUND);
}

/* Every record that is cut short, longer, or of another form is refused. */
static void a_record_out_of_form_is_refused(void **state)
{
	struct scene *s = *state;
	struct device got = {0};
	struct span whole;
	uint8_t *copy;
	size_t len;

	must(device_add(s->txn, &sample));
	must(txn_get(s->txn, TABLE_DEVICES, key_device(sample.author), &whole));
	len = whole.len;
	copy = calloc(1, len + 1);
	memcpy(copy, whole.at, len);
	for (size_t i = 0; i <= len + 1; i++) {
		struct err e;

		if (i == len)
			continue;
		must(txn_put(s->txn, TABLE_DEVICES, key_device(sample.author),
			     span_of(copy, i)));
		e = device_get(s->txn, sample.author, &s->arena, &got);
		assert_int_equal(e.code, i ? ERR_CORRUPT : ERR_VERSION);
	}
	copy[0] = 99;
	must(txn_put(s->txn, TABLE_DEVICES, key_device(sample.author),
		     span_of(copy, len)));
	assert_int_equal(device_get(s->txn, sample.author, &s->arena, &got)
				 .code,
			 ERR_VERSION);
	free(copy);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(a_device_comes_back_whole_by_key_and_by_certificate),
		T(a_key_is_registered_once_for_ever),
		T(devices_are_walked_by_author),
		T(a_record_out_of_form_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
