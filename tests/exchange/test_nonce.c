/* The nonce of signed requests: as published, bound to asker and time. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "proto/exchange/nonce.h"
#include "tests/support/published.h"

static int setup(void **state)
{
	static struct published vectors;

	published_open(&vectors, "storage.json");
	*state = &vectors;
	return 0;
}

static int teardown(void **state)
{
	published_close(*state);
	return 0;
}

struct asked {
	uint8_t key[NONCE_KEY_LEN];
	struct key_id asker;
	uint64_t time;
	struct nonce nonce;
};

static struct asked asked_of(struct published *p)
{
	const struct json *v = published_row(p, "nonce");
	struct asked a;

	published_fixed(v, "key", a.key, sizeof(a.key));
	a.asker = published_key_id(v, "key_id");
	a.time = published_u64(v, "time");
	assert_false(failed(nonce_parse(published_text(v, "text"), &a.nonce)));
	return a;
}

static void a_nonce_is_the_published_one(void **state)
{
	struct published *p = *state;
	const struct json *v = published_row(p, "nonce");
	struct asked a = asked_of(p);
	char text[NONCE_TEXT_LEN + 1];
	struct nonce made;

	assert_false(failed(nonce_make(a.key, a.asker, a.time, &made)));
	assert_true(published_is(p, v, "nonce", SPAN_OBJ(made.at)));
	assert_true(published_is(p, v, "nonce", SPAN_OBJ(a.nonce.at)));
	nonce_format(&made, text);
	assert_true(span_eq(span_str(text), published_text(v, "text")));
	assert_int_equal(nonce_slot(&made), published_u64(v, "slot"));
}

static void it_is_good_in_its_slot_and_the_next(void **state)
{
	struct asked a = asked_of(*state);
	uint64_t from = a.time / NONCE_SLOT_S * NONCE_SLOT_S;
	const struct {
		uint64_t at;
		enum err_code want;
	} rows[] = {
		{from - 1, ERR_NONCE},
		{from, ERR_OK},
		{from + 2 * NONCE_SLOT_S - 1, ERR_OK},
		{from + 2 * NONCE_SLOT_S, ERR_NONCE},
		{0, ERR_NONCE},
		{UINT64_MAX, ERR_NONCE},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_int_equal(
			nonce_check(a.key, a.asker, rows[i].at, &a.nonce).code,
			rows[i].want);
}

static void it_is_for_one_asker_under_one_key_whole(void **state)
{
	struct asked a = asked_of(*state), other = a;

	other.asker.at[31] ^= 1;
	assert_int_equal(nonce_check(a.key, other.asker, a.time, &a.nonce).code,
			 ERR_NONCE);
	other.key[0] ^= 1;
	assert_int_equal(nonce_check(other.key, a.asker, a.time, &a.nonce).code,
			 ERR_NONCE);
	for (size_t i = 0; i < NONCE_LEN; i++) {
		other.nonce = a.nonce;
		other.nonce.at[i] ^= 1;
		assert_int_equal(
			nonce_check(a.key, a.asker, a.time, &other.nonce).code,
			ERR_NONCE);
	}
}

static void what_is_no_text_of_a_nonce_is_refused(void **state)
{
	struct published *p = *state;
	struct span text = published_text(published_row(p, "nonce"), "text");
	struct nonce n;

	for (size_t len = 0; len < text.len; len++)
		assert_true(failed(nonce_parse(span_of(text.at, len), &n)));
	assert_true(failed(
		nonce_parse(span_str("================================"), &n)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_nonce_is_the_published_one),
		cmocka_unit_test(it_is_good_in_its_slot_and_the_next),
		cmocka_unit_test(it_is_for_one_asker_under_one_key_whole),
		cmocka_unit_test(what_is_no_text_of_a_nonce_is_refused),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
