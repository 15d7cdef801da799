/* Proves relay/guard/core/agreements.c: what is kept opens what it opened
 * before, and nothing else. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <pthread.h>
#include <stdlib.h>

#include "proto/document/segment.h"
#include "relay/guard/core/agreements.h"
#include "tests/support/testclock.h"
#include "tests/support/testrandom.h"

enum { PLACES = AGREEMENTS_SETS * AGREEMENTS_WAYS };

#define OK(e) assert_int_equal((e).code, ERR_OK)

struct story {
	struct testclock time;
	struct testrandom source;
	struct random random;
	struct crypto_key *guard;
	struct agreements *kept;
};

/* A content key, wrapped. */
struct one {
	struct doc_id doc;
	struct digest commitment;
	uint8_t key[CRYPTO_KEY_LEN];
	struct wrapped w;
};

static int begin(void **state)
{
	struct story *s = calloc(1, sizeof(*s));

	testclock_init(&s->time);
	testrandom_init(&s->source, 11);
	s->random = testrandom(&s->source);
	OK(crypto_key_generate(CRYPTO_P256, &s->guard));
	OK(agreements_new(testclock(&s->time), &s->kept));
	*state = s;
	return 0;
}

static int end(void **state)
{
	struct story *s = *state;

	agreements_free(s->kept);
	crypto_key_free(s->guard);
	free(s);
	return 0;
}

static struct wrapped_sender *sender_to(struct story *s,
					const struct crypto_key *to)
{
	struct wrapped_sender *sender = NULL;

	OK(wrapped_sender_new(crypto_key_public(to), &s->random, &sender));
	return sender;
}

static void wrap(struct story *s, struct wrapped_sender *sender,
		 struct one *out)
{
	OK(random_fill(&s->random, out->doc.at, sizeof(out->doc.at)));
	OK(random_fill(&s->random, out->key, sizeof(out->key)));
	OK(segment_commitment(out->key, out->doc, &out->commitment));
	OK(wrapped_make(sender, out->doc, out->commitment, 7, out->key,
			&out->w));
}

/* A sender for this one alone. */
static void wrap_fresh(struct story *s, struct one *out)
{
	struct wrapped_sender *sender = sender_to(s, s->guard);

	wrap(s, sender, out);
	wrapped_sender_free(sender);
}

static struct err open_one(struct story *s, const struct one *o)
{
	uint8_t key[CRYPTO_KEY_LEN] = {0};
	struct err e = agreements_open(s->kept, s->guard, &o->w, o->doc,
				       o->commitment, key);

	if (!failed(e))
		assert_memory_equal(key, o->key, sizeof(key));
	return e;
}

static void one_agreement_opens_all_keys_of_its_enc(void **state)
{
	struct story *s = *state;
	struct wrapped_sender *sender = sender_to(s, s->guard);
	struct one ones[20];

	for (int i = 0; i < 20; i++)
		wrap(s, sender, &ones[i]);
	for (int round = 0; round < 2; round++)
		for (int i = 19; i >= 0; i--)
			OK(open_one(s, &ones[i]));
	assert_int_equal(agreements_count(s->kept), 1);
	wrapped_sender_free(sender);
}

static void what_is_kept_opens_no_other_document_key_or_time(void **state)
{
	struct story *s = *state;
	struct one good, bad;

	wrap_fresh(s, &good);
	OK(open_one(s, &good));
	bad = good;
	bad.doc.at[0] ^= 1;
	assert_int_equal(open_one(s, &bad).code, ERR_DIGEST);
	bad = good;
	bad.commitment.at[0] ^= 1;
	assert_int_equal(open_one(s, &bad).code, ERR_DIGEST);
	bad = good;
	bad.w.until++;
	assert_int_equal(open_one(s, &bad).code, ERR_DIGEST);
	bad = good;
	bad.w.ct[0] ^= 1;
	assert_int_equal(open_one(s, &bad).code, ERR_DIGEST);
	bad = good;
	bad.w.suite = WRAPPED_SUITE_P384;
	assert_int_equal(open_one(s, &bad).code, ERR_UNSUPPORTED);
	OK(open_one(s, &good));
}

static void a_wrong_enc_opens_nothing_and_takes_no_place(void **state)
{
	struct story *s = *state;
	struct one good, other, bad;

	wrap_fresh(s, &good);
	wrap_fresh(s, &other);
	OK(open_one(s, &good));
	/* A point of another sender: an agreement, but not this key's. */
	bad = good;
	memcpy(bad.w.enc, other.w.enc, sizeof(bad.w.enc));
	assert_int_equal(open_one(s, &bad).code, ERR_DIGEST);
	/* No point at all; the set is that of the good one. */
	bad = good;
	bad.w.enc[64] ^= 1;
	assert_int_equal(open_one(s, &bad).code, ERR_MALFORMED);
	bad.w.enc_len--;
	assert_int_equal(open_one(s, &bad).code, ERR_MALFORMED);
	bad.w.enc_len = 0;
	assert_int_equal(open_one(s, &bad).code, ERR_MALFORMED);
	bad.w.enc_len = 4000;
	assert_int_equal(open_one(s, &bad).code, ERR_MALFORMED);
	assert_int_equal(agreements_count(s->kept), 1);
	OK(open_one(s, &good));
}

static void after_the_key_has_changed_nothing_old_opens(void **state)
{
	struct story *s = *state;
	struct crypto_key *old = s->guard;
	struct one before, after, bad;

	wrap_fresh(s, &before);
	OK(open_one(s, &before));
	OK(crypto_key_generate(CRYPTO_P256, &s->guard));
	assert_int_equal(open_one(s, &before).code, ERR_STALE_KEY);
	/* Said to be for the new key: the one that is kept is not taken. */
	bad = before;
	bad.w.to = crypto_public_point_id(crypto_key_public(s->guard));
	assert_int_equal(open_one(s, &bad).code, ERR_DIGEST);
	wrap_fresh(s, &after);
	OK(open_one(s, &after));
	crypto_key_free(old);
}

static void a_flood_of_senders_displaces_and_never_grows(void **state)
{
	struct story *s = *state;
	struct one often, one;

	wrap_fresh(s, &often);
	for (int i = 0; i < PLACES + PLACES / 2; i++) {
		testclock_forward(&s->time, 1);
		wrap_fresh(s, &one);
		OK(open_one(s, &one));
		assert_true(agreements_count(s->kept) <= PLACES);
		if (i % 2 == 0)
			OK(open_one(s, &often));
	}
	assert_true(agreements_count(s->kept) > PLACES / 2);
	/* What was displaced opens again. */
	OK(open_one(s, &one));
	OK(open_one(s, &often));
}

static void what_is_idle_is_wiped(void **state)
{
	struct story *s = *state;
	struct one idle, used;

	wrap_fresh(s, &idle);
	wrap_fresh(s, &used);
	OK(open_one(s, &idle));
	OK(open_one(s, &used));
	testclock_forward(&s->time, AGREEMENTS_IDLE_MS / 2);
	OK(open_one(s, &used));
	agreements_tick(s->kept);
	assert_int_equal(agreements_count(s->kept), 2);
	testclock_forward(&s->time, AGREEMENTS_IDLE_MS / 2);
	agreements_tick(s->kept);
	assert_int_equal(agreements_count(s->kept), 1);
	/* The clock was set back. */
	testclock_forward(&s->time, (uint64_t)-AGREEMENTS_IDLE_MS);
	agreements_tick(s->kept);
	assert_int_equal(agreements_count(s->kept), 0);
	OK(open_one(s, &idle));
}

/* ---- threads ---- */

enum { THREADS = 4, ONES = 12, ROUNDS = 300 };

struct sharing {
	struct story *s;
	struct one ones[ONES];
};

static void *run(void *arg)
{
	struct sharing *x = arg;

	for (int i = 0; i < ROUNDS; i++) {
		const struct one *o = &x->ones[i % ONES];
		uint8_t key[CRYPTO_KEY_LEN];
		struct err e = agreements_open(x->s->kept, x->s->guard, &o->w,
					       o->doc, o->commitment, key);

		if (failed(e) || memcmp(key, o->key, sizeof(key)) != 0)
			return NULL;
		agreements_tick(x->s->kept);
	}
	return arg;
}

static void threads_displace_what_others_open_with(void **state)
{
	struct sharing *x = calloc(1, sizeof(*x));
	pthread_t threads[THREADS];
	void *result;

	x->s = *state;
	/* All in one set: three times as many as it has places. */
	for (int i = 0; i < ONES;) {
		wrap_fresh(x->s, &x->ones[i]);
		if (i == 0 || x->ones[i].w.enc[2] == x->ones[0].w.enc[2])
			i++;
	}
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, run, x), 0);
	for (int i = 0; i < THREADS; i++) {
		pthread_join(threads[i], &result);
		assert_non_null(result);
	}
	assert_true(agreements_count(x->s->kept) <= AGREEMENTS_WAYS);
	free(x);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, begin, end)
	const struct CMUnitTest tests[] = {
		T(one_agreement_opens_all_keys_of_its_enc),
		T(what_is_kept_opens_no_other_document_key_or_time),
		T(a_wrong_enc_opens_nothing_and_takes_no_place),
		T(after_the_key_has_changed_nothing_old_opens),
		T(a_flood_of_senders_displaces_and_never_grows),
		T(what_is_idle_is_wiped),
		T(threads_displace_what_others_open_with),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
