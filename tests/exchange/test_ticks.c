/* Ticks on the wire: read back whole or not at all, and what they prove. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdlib.h>

#include "proto/exchange/ticks.h"

struct kept {
	struct arena arena;
	struct crypto_key *key;
	struct replica gbr;
};

static void ok(struct err e)
{
	assert_int_equal(e.code, ERR_OK);
}

static int setup(void **state)
{
	struct kept *k = calloc(1, sizeof(*k));

	arena_init(&k->arena, 4 << 20);
	ok(crypto_key_generate(CRYPTO_P384, &k->key));
	k->gbr = (struct replica){{"GBR"}, 1};
	*state = k;
	return 0;
}

static int teardown(void **state)
{
	struct kept *k = *state;

	crypto_key_free(k->key);
	arena_clear(&k->arena);
	free(k);
	return 0;
}

/* The tick of that minute, naming `previous` (NULL: none). */
static struct span tick_of(struct kept *k, uint64_t minute,
			   const struct tick *previous, struct tick *out)
{
	struct span copy;
	struct buf blob;

	*out = (struct tick){.replica = k->gbr, .minute = minute};
	if (previous)
		ok(tick_digest(previous, &out->previous));
	buf_init(&blob, TICK_BLOB_MAX);
	ok(tick_sign(k->key, out, &blob));
	copy = arena_copy(&k->arena, buf_span(&blob));
	buf_clear(&blob);
	return copy;
}

static void an_answer_reads_back_whole_or_not_at_all(void **state)
{
	struct kept *k = *state;
	struct ticks_answer a = {.count = 2, .more = true, .other_count = 1};
	struct ticks_answer *back = arena_alloc(&k->arena, sizeof(*back));
	struct tick first, second;
	struct buf body;

	a.ticks[0] = tick_of(k, 10, NULL, &first);
	a.ticks[1] = a.last = tick_of(k, 11, &first, &second);
	a.seen = a.others[0] = a.ticks[0];
	buf_init(&body, TICKS_BODY_MAX);
	ticks_answer_encode(&a, &body);
	ok(ticks_answer_decode(buf_span(&body), &k->arena, back));
	assert_int_equal(back->count, 2);
	assert_true(back->more);
	assert_true(span_eq(back->ticks[1], a.ticks[1]));
	assert_true(span_eq(back->last, a.last));
	assert_true(span_eq(back->seen, a.seen));
	assert_int_equal(back->other_count, 1);
	for (size_t len = 0; len < body.len; len += 7)
		assert_true(failed(ticks_answer_decode(span_of(body.at, len),
						       &k->arena, back)));
	buf_clear(&body);
}

static void a_list_beyond_its_cap_is_refused(void **state)
{
	struct kept *k = *state;
	struct ticks_witnesses w, back;
	struct json_writer json;
	struct span many[TICKS_WITNESSES + 1];
	struct buf body;

	for (size_t i = 0; i <= TICKS_WITNESSES; i++)
		many[i] = span_str("w");
	w.count = TICKS_WITNESSES;
	memcpy(w.blobs, many, sizeof(w.blobs));
	buf_init(&body, TICKS_BODY_MAX);
	ticks_witnesses_encode(&w, &body);
	ok(ticks_witnesses_decode(buf_span(&body), &k->arena, &back));
	assert_int_equal(back.count, TICKS_WITNESSES);
	buf_reset(&body);
	json = json_write(&body);
	json_open_object(&json);
	json_put_name(&json, "witnesses");
	json_open_array(&json);
	for (size_t i = 0; i <= TICKS_WITNESSES; i++)
		json_put_bytes(&json, many[i]);
	json_close_array(&json);
	json_close_object(&json);
	assert_int_equal(
		ticks_witnesses_decode(buf_span(&body), &k->arena, &back).code,
		ERR_MALFORMED);
	buf_clear(&body);
}

static void judged(const struct tick *known, const struct ticks_answer *a,
		   uint64_t time, enum ticks_fault want)
{
	enum ticks_fault fault;

	ok(ticks_judge(known, a, time, &fault));
	assert_int_equal(fault, want);
}

static void each_fault_is_told_from_the_others(void **state)
{
	struct kept *k = *state;
	struct ticks_answer a = {0};
	struct tick t10, t11, t12, older, stray;
	enum ticks_fault fault;

	tick_of(k, 10, NULL, &t10);
	a.ticks[0] = tick_of(k, 11, &t10, &t11);
	a.ticks[1] = a.last = tick_of(k, 12, &t11, &t12);
	a.count = 2;
	judged(&t10, &a, 12 * 60 + 59, TICKS_SOUND);
	judged(&t10, &a, (12 + TICKS_FROZEN_MIN + 1) * 60, TICKS_FROZEN);
	/* Nothing new, yet: the last is the known one. */
	a.count = 0;
	judged(&t12, &a, 13 * 60, TICKS_SOUND);
	/* The last is another one of that minute. */
	a.last = tick_of(k, 12, &t10, &stray);
	judged(&t12, &a, 13 * 60, TICKS_TWO_FACES);
	ok(ticks_judge_tick(&t12, &stray, &fault));
	assert_int_equal(fault, TICKS_TWO_FACES);
	ok(ticks_judge_tick(&t12, &t11, &fault));
	assert_int_equal(fault, TICKS_SOUND);
	/* Older than what is known; or none at all. */
	a.last = tick_of(k, 9, NULL, &older);
	judged(&t12, &a, 13 * 60, TICKS_ROLLED_BACK);
	a.last = span_str("");
	judged(&t12, &a, 13 * 60, TICKS_ROLLED_BACK);
	/* One that does not name what is known. */
	a.count = 1;
	a.ticks[0] = a.last = tick_of(k, 13, &t10, &stray);
	judged(&t12, &a, 13 * 60, TICKS_BROKEN);
	/* Of another replica, or out of order: no answer at all. */
	k->gbr.number = 2;
	a.ticks[0] = a.last = tick_of(k, 13, &t12, &stray);
	k->gbr.number = 1;
	assert_int_equal(ticks_judge(&t12, &a, 13 * 60, &fault).code,
			 ERR_MALFORMED);
	a.ticks[0] = a.last = tick_of(k, 12, &t12, &stray);
	assert_int_equal(ticks_judge(&t12, &a, 13 * 60, &fault).code,
			 ERR_MALFORMED);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(an_answer_reads_back_whole_or_not_at_all),
		T(a_list_beyond_its_cap_is_refused),
		T(each_fault_is_told_from_the_others),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
