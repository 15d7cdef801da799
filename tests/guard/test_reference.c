/* The reference of a refusal: as published, and only for its own relay. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdlib.h>

#include "relay/guard/core/reference.h"
#include "tests/support/published.h"

static const uint8_t none[CRYPTO_SIV_KEY_LEN];

struct kept {
	struct published vectors;
	struct tempstore temp;
};

static int setup(void **state)
{
	struct kept *k = calloc(1, sizeof(*k));

	if (!k)
		return -1;
	published_open(&k->vectors, "storage.json");
	published_store(&k->vectors, &k->temp);
	*state = k;
	return 0;
}

static int teardown(void **state)
{
	struct kept *k = *state;

	tempstore_free(&k->temp);
	published_close(&k->vectors);
	free(k);
	return 0;
}

static struct reference reference_of(const struct json *v)
{
	struct span reason = published_text(v, "reason");
	struct reference r = {
		.time = published_u64(v, "time"),
		.who = published_u64(v, "who"),
		.has_doc = published_u64(v, "has_document"),
		.doc = published_doc(v, "document"),
		.code = published_u64(v, "code"),
	};

	published_fixed(v, "who_id", r.who_id, sizeof(r.who_id));
	assert_true(reason.len <= REFERENCE_REASON_LEN);
	memcpy(r.reason, reason.at, reason.len);
	return r;
}

static void assert_published(struct kept *k, const char *name)
{
	struct published *p = &k->vectors;
	const struct json *v = published_row(p, name);
	struct random random = published_random(p);
	struct reference r = reference_of(v), back = {0};
	struct buf text;

	buf_init(&text, REFERENCE_TEXT_MAX);
	published_draw(p, published_bytes(p, v, "random"));
	must(reference_seal(k->temp.ring, &random, &r, &text));
	assert_true(span_eq(buf_span(&text), published_text(v, "text")));
	must(reference_open(k->temp.ring, none, published_text(v, "text"),
			    &back));
	assert_int_equal(back.time, r.time);
	assert_int_equal(back.who, r.who);
	assert_memory_equal(back.who_id, r.who_id, sizeof(r.who_id));
	assert_int_equal(back.has_doc, r.has_doc);
	assert_true(doc_id_eq(back.doc, r.doc));
	assert_int_equal(back.code, r.code);
	assert_string_equal(back.reason, r.reason);
	buf_clear(&text);
}

static void references_are_the_published_ones(void **state)
{
	assert_published(*state, "reference");
	assert_published(*state, "reference_nation");
}

static void a_reference_has_one_length_whatever_it_holds(void **state)
{
	struct kept *k = *state;
	struct published *p = &k->vectors;
	struct span a = published_text(published_row(p, "reference"), "text");
	struct span b =
		published_text(published_row(p, "reference_nation"), "text");

	assert_int_equal(a.len, b.len);
}

static void a_changed_cut_or_foreign_reference_does_not_open(void **state)
{
	struct kept *k = *state;
	struct published *p = &k->vectors;
	struct span text =
		published_text(published_row(p, "reference"), "text");
	char changed[REFERENCE_TEXT_MAX];
	struct tempstore other;
	struct reference r;
	struct err e;

	for (size_t i = 0; i < text.len; i++) {
		memcpy(changed, text.at, text.len);
		changed[i] = changed[i] == 'A' ? 'B' : 'A';
		assert_true(
			failed(reference_open(k->temp.ring, none,
					      span_of(changed, text.len), &r)));
		e = reference_open(k->temp.ring, none, span_of(text.at, i), &r);
		assert_int_equal(e.code, ERR_MALFORMED);
	}
	tempstore_new(&other, false);
	e = reference_open(other.ring, none, text, &r);
	assert_int_equal(e.code, ERR_NOT_FOUND);
	tempstore_free(&other);
}

/* Made without a ring, from the root key alone, and opened beside the ring's. */
static void
a_standing_reference_opens_under_the_root_key_it_was_made_of(void **state)
{
	struct kept *k = *state;
	const struct random random = {.fill = crypto_random_fill};
	struct reference r = {.time = 1767225600,
			      .who_id = "supervisor",
			      .code = ERR_BUSY,
			      .reason = "no guard"};
	struct reference back = {0};
	uint8_t root[32] = {1}, other[32] = {2}, key[CRYPTO_SIV_KEY_LEN];
	struct span published =
		published_text(published_row(&k->vectors, "reference"), "text");
	struct buf text;
	struct err e;

	buf_init(&text, REFERENCE_TEXT_MAX);
	must(reference_standing_key(root, key));
	must(reference_write(key, REFERENCE_STANDING, &random, &r, &text));
	assert_int_equal(text.len, published.len);
	must(reference_open(k->temp.ring, key, buf_span(&text), &back));
	assert_int_equal(back.time, r.time);
	assert_int_equal(back.code, ERR_BUSY);
	assert_string_equal(back.reason, "no guard");
	must(reference_standing_key(other, key));
	e = reference_open(k->temp.ring, key, buf_span(&text), &back);
	assert_int_equal(e.code, ERR_NOT_FOUND);
	buf_clear(&text);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(references_are_the_published_ones),
		T(a_reference_has_one_length_whatever_it_holds),
		T(a_changed_cut_or_foreign_reference_does_not_open),
		T(a_standing_reference_opens_under_the_root_key_it_was_made_of),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
