/* Manifests. */
#define _GNU_SOURCE
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdlib.h>

#include "proto/base/base64.h"
#include "proto/document/manifest.h"
#include "tests/document/vector.h"

static const char *const names[] = {"manifest", "manifest_later",
				    "manifest_unknown"};

static void published_manifests_are_read_and_written(void **state)
{
	struct vector *v = *state;
	struct crypto_key *key = vector_key(v, "author");

	for (int i = 0; i < 3; i++) {
		const struct json *row = vector_row(v, names[i]);
		struct manifest m, stored;
		struct buf b;

		assert_ok(manifest_decode(vector_text(row, "jws"), &v->arena,
					  &m));
		assert_true(digest_eq(m.digest, vector_digest(row, "digest")));
		assert_bytes(m.payload, vector_text(row, "payload"));
		assert_ok(manifest_check_signature(crypto_key_public(key), &m));
		buf_init(&b, MANIFEST_JWS_MAX);
		assert_ok(manifest_encode(&m, &b));
		assert_bytes(buf_span(&b), m.payload);
		buf_reset(&b);
		manifest_format(&m, &b);
		assert_bytes(buf_span(&b), vector_text(row, "jws"));
		assert_ok(manifest_decode_stored(m.payload,
						 SPAN_OBJ(m.signature),
						 &v->arena, &stored));
		assert_true(digest_eq(stored.digest, m.digest));
		assert_int_equal(m.must_understand, i == 2);
		buf_clear(&b);
	}
	crypto_key_free(key);
}

static void a_first_manifest_holds_its_opening(void **state)
{
	struct vector *v = *state;
	struct manifest first, later;
	struct opening opening;

	assert_ok(manifest_decode(vector_text(vector_row(v, "manifest"), "jws"),
				  &v->arena, &first));
	assert_ok(manifest_decode(vector_text(vector_row(v, "manifest_later"),
					      "jws"),
				  &v->arena, &later));
	assert_true(manifest_is_first(&first));
	assert_false(manifest_is_first(&later));
	assert_true(manifest_has_parent(&later, first.digest));
	assert_false(manifest_has_parent(&first, first.digest));
	opening = manifest_opening(&first);
	assert_ok(manifest_check_id(&first, &opening));
	assert_ok(manifest_check_id(&later, &opening));
	opening.salt[0] ^= 1;
	assert_err(manifest_check_id(&later, &opening), ERR_FOREIGN_ID);
	opening.salt[0] ^= 1;
	opening.space = span_str("GBR/other");
	assert_err(manifest_check_id(&later, &opening), ERR_FOREIGN_ID);
}

static void a_signed_manifest_comes_back(void **state)
{
	struct vector *v = *state;
	struct crypto_key *key = vector_key(v, "author");
	struct crypto_key *other = vector_key(v, "tls");
	struct manifest m, again;
	struct buf jws;

	assert_ok(manifest_decode(vector_text(vector_row(v, "manifest_later"),
					      "jws"),
				  &v->arena, &m));
	m.serial = 77;
	buf_init(&jws, MANIFEST_JWS_MAX);
	assert_err(manifest_sign(other, &m, &jws), ERR_UNAUTHENTICATED);
	assert_ok(manifest_sign(key, &m, &jws));
	assert_ok(manifest_decode(buf_span(&jws), &v->arena, &again));
	assert_int_equal(again.serial, 77);
	assert_ok(manifest_check_signature(crypto_key_public(key), &again));
	assert_err(manifest_check_signature(crypto_key_public(other), &again),
		   ERR_UNAUTHENTICATED);
	again.signature[10] ^= 1;
	assert_err(manifest_check_signature(crypto_key_public(key), &again),
		   ERR_SIGNATURE);
	buf_clear(&jws);
	crypto_key_free(key);
	crypto_key_free(other);
}

/* The payload of `name` with `from` replaced by `to`, once. */
static struct err changed(struct vector *v, const char *name, const char *from,
			  const char *to)
{
	struct span payload = vector_text(vector_row(v, name), "payload");
	const uint8_t *at = memmem(payload.at, payload.len, from, strlen(from));
	uint8_t sig[MANIFEST_SIG_LEN] = {0};
	struct manifest m;
	struct buf b;
	struct arena arena;
	struct err e;

	assert_non_null(at);
	arena_init(&arena, 1 << 16);
	buf_init(&b, 1 << 16);
	buf_put(&b, span_of(payload.at, (size_t)(at - payload.at)));
	buf_put_str(&b, to);
	at += strlen(from);
	buf_put(&b, span_of(at, (size_t)(payload.at + payload.len - at)));
	e = manifest_decode_stored(buf_span(&b), SPAN_OBJ(sig), &arena, &m);
	buf_clear(&b);
	arena_clear(&arena);
	return e;
}

static void what_is_not_the_one_form_is_refused(void **state)
{
	struct vector *v = *state;
	static const struct {
		const char *row, *from, *to;
		enum err_code want;
	} rows[] = {
		{"manifest", "\"serial\":1", "\"serial\":1", ERR_OK},
		/* canonical form */
		{"manifest", "{\"author\"", "{ \"author\"", ERR_MALFORMED},
		{"manifest", "\"serial\":1", "\"serial\": 1", ERR_MALFORMED},
		{"manifest", "\"serial\":1", "\"serial\":01", ERR_MALFORMED},
		{"manifest", "\"serial\":1", "\"serial\":1.0", ERR_MALFORMED},
		{"manifest", "\"serial\":1", "\"serial\":1e0", ERR_MALFORMED},
		{"manifest", "\"serial\":1", "\"serial\":-1", ERR_MALFORMED},
		{"manifest", "\"serial\":1", "\"serial\":\"1\"", ERR_MALFORMED},
		{"manifest", "\"space\":\"GBR/ops\"", "\"space\":\"GBR\\/ops\"",
		 ERR_MALFORMED},
		{"manifest", "\"space\":\"GBR/ops\"",
		 "\"space\":\"\\u0047BR/ops\"", ERR_MALFORMED},
		/* members */
		{"manifest", "\"serial\":1,", "", ERR_MALFORMED},
		{"manifest", "\"serial\":1,", "\"serial\":1,\"serial\":1,",
		 ERR_MALFORMED},
		{"manifest", "\"serial\":1,", "\"serial\":1,\"shadow\":1,",
		 ERR_MALFORMED},
		{"manifest", "\"space\":\"GBR/ops\",\"statement\":1",
		 "\"statement\":1,\"space\":\"GBR/ops\"", ERR_MALFORMED},
		{"manifest", "\"ext\":{}", "\"ext\":[]", ERR_MALFORMED},
		{"manifest", "\"ext\":{}", "\"ext\":{\"b\":1,\"a\":1}",
		 ERR_MALFORMED},
		{"manifest", "\"ext\":{}", "\"ext\":{\"a\":1,\"a\":1}",
		 ERR_MALFORMED},
		{"manifest", "\"ext\":{}", "\"ext\":{\"a\":1.5}",
		 ERR_MALFORMED},
		{"manifest", "\"ext\":{}", "\"ext\":{\"a\":\"\\u0061\"}",
		 ERR_MALFORMED},
		{"manifest", "\"ext\":{}", "\"ext\":{\"a\":{}", ERR_MALFORMED},
		{"manifest", "\"ext\":{}", "\"ext\":{\"a\":[{\"b\":2}]}",
		 ERR_OK},
		/* ranges */
		{"manifest", "\"serial\":1", "\"serial\":0", ERR_MALFORMED},
		{"manifest", "\"serial\":1", "\"serial\":9007199254740991",
		 ERR_OK},
		{"manifest", "\"serial\":1", "\"serial\":9007199254740992",
		 ERR_MALFORMED},
		{"manifest", "\"serial\":1",
		 "\"serial\":99999999999999999999999", ERR_MALFORMED},
		{"manifest", "\"priority\":1", "\"priority\":4", ERR_MALFORMED},
		{"manifest", "\"priority\":1", "\"priority\":256",
		 ERR_MALFORMED},
		{"manifest", "\"suite\":1", "\"suite\":2", ERR_UNSUPPORTED},
		{"manifest", "\"suite\":1", "\"suite\":65537", ERR_UNSUPPORTED},
		{"manifest", "\"suite\":1", "\"suite\":0", ERR_UNSUPPORTED},
		{"manifest", "\"size\":262149", "\"size\":17179607040", ERR_OK},
		{"manifest", "\"size\":262149", "\"size\":17179607041",
		 ERR_TOO_LARGE},
		{"manifest", "\"home\":\"GBR\"", "\"home\":\"gbr\"",
		 ERR_MALFORMED},
		{"manifest", "\"home\":\"GBR\"", "\"home\":\"DEU\"",
		 ERR_FOREIGN_ID},
		{"manifest", "\"space\":\"GBR/ops\"", "\"space\":\"GBR/opt\"",
		 ERR_FOREIGN_ID},
		{"manifest", "\"space\":\"GBR/ops\"", "\"space\":\"GBR\"",
		 ERR_MALFORMED},
		/* the first is statement 1 and has a salt; no other has */
		{"manifest", "\"statement\":1", "\"statement\":2",
		 ERR_MALFORMED},
		{"manifest_later", "\"statement\":3", "\"statement\":0",
		 ERR_MALFORMED},
		{"manifest_later", "\"sealed\":\"\"",
		 "\"salt\":\"AAAAAAAAAAAAAAAAAAAAAA\",\"sealed\":\"\"",
		 ERR_MALFORMED},
		{"manifest_later", "\"sealed\":\"\"", "\"sealed\":\"AAAA\"",
		 ERR_MALFORMED},
		{"manifest_later", "\"sealed\":\"\"", "\"sealed\":\"A\"",
		 ERR_MALFORMED},
		{"manifest_later", "\"sealed\":\"\"", "\"sealed\":\"AB\"",
		 ERR_MALFORMED},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct err e =
			changed(v, rows[i].row, rows[i].from, rows[i].to);

		if (e.code != rows[i].want)
			print_error("row %zu: %s gives %s\n", i, rows[i].to,
				    err_row(e.code)->name);
		assert_err(e, rows[i].want);
	}
}

/* The later manifest with these lists. */
static struct err with_lists(struct vector *v, size_t parents, size_t keys,
			     size_t sealed)
{
	struct digest p[20] = {0}, k[20] = {0};
	uint8_t bytes[4096] = {0};
	struct manifest m;
	struct buf b;
	struct err e;

	assert_ok(manifest_decode(vector_text(vector_row(v, "manifest_later"),
					      "jws"),
				  &v->arena, &m));
	for (uint8_t i = 0; i < 20; i++) {
		p[i].at[0] = i;
		k[i].at[0] = (uint8_t)(40 - i); /* any order */
	}
	m.parents = p;
	m.parents_count = parents;
	m.keys = k;
	m.keys_count = keys;
	m.sealed = span_of(bytes, sealed);
	buf_init(&b, MANIFEST_PAYLOAD_MAX);
	e = manifest_encode(&m, &b);
	buf_clear(&b);
	return e;
}

static void lists_have_caps_and_an_order(void **state)
{
	struct vector *v = *state;
	struct digest pair[2] = {{{2}}, {{1}}}, same[2] = {{{1}}, {{1}}};
	struct manifest m;
	struct buf b;

	assert_ok(with_lists(v, 16, 16, 2048));
	assert_true(failed(with_lists(v, 17, 1, 0)));
	assert_true(failed(with_lists(v, 1, 17, 0)));
	assert_true(failed(with_lists(v, 1, 0, 0)));
	assert_err(with_lists(v, 1, 1, 2049), ERR_TOO_LARGE);
	assert_ok(manifest_decode(vector_text(vector_row(v, "manifest_later"),
					      "jws"),
				  &v->arena, &m));
	buf_init(&b, MANIFEST_PAYLOAD_MAX);
	m.parents = pair;
	m.parents_count = 2;
	assert_err(manifest_encode(&m, &b), ERR_MALFORMED);
	m.parents = same;
	assert_err(manifest_encode(&m, &b), ERR_MALFORMED);
	m.parents_count = 1;
	assert_ok(manifest_encode(&m, &b));
	m.keys = same;
	m.keys_count = 2;
	assert_err(manifest_encode(&m, &b), ERR_MALFORMED);
	buf_clear(&b);
}

static struct err decode(struct span bytes, void *self)
{
	uint8_t sig[MANIFEST_SIG_LEN] = {0};
	struct manifest m;
	struct arena *arena = self;

	arena_clear(arena);
	arena_init(arena, 1 << 16);
	return manifest_decode_stored(bytes, SPAN_OBJ(sig), arena, &m);
}

/* What is accepted is canonical also by the general JSON code. */
static bool same(struct span bytes, void *self)
{
	struct json *j = NULL;
	struct buf b;
	bool equal;

	buf_init(&b, 1 << 16);
	equal = !failed(json_parse(bytes, &j)) &&
		!failed(json_canonical(j, &b)) && span_eq(buf_span(&b), bytes);
	json_free(j);
	buf_clear(&b);
	return equal;
}

static void
turned_bits_give_a_refusal_or_another_canonical_payload(void **state)
{
	struct vector *v = *state;
	struct arena arena;
	struct vector_decoder d = {decode, same, &arena};

	arena_init(&arena, 1 << 16);
	for (int i = 0; i < 3; i++)
		vector_mutate(vector_text(vector_row(v, names[i]), "payload"),
			      &d);
	arena_clear(&arena);
}

static void a_jws_of_another_form_is_refused(void **state)
{
	struct vector *v = *state;
	struct span jws = vector_text(vector_row(v, "manifest"), "jws");
	struct span statement = vector_text(vector_row(v, "statement"), "jws");
	uint8_t *work = malloc(jws.len);
	struct arena arena;
	struct manifest m;

	assert_non_null(work);
	for (size_t len = 0; len < jws.len; len++) {
		arena_init(&arena, 1 << 16);
		assert_true(failed(
			manifest_decode(span_of(jws.at, len), &arena, &m)));
		arena_clear(&arena);
	}
	memcpy(work, jws.at, jws.len);
	/* Nothing in the header may differ. */
	for (size_t i = 0; work[i] != '.'; i++) {
		work[i] ^= 1;
		arena_init(&arena, 1 << 16);
		assert_true(failed(
			manifest_decode(span_of(work, jws.len), &arena, &m)));
		arena_clear(&arena);
		work[i] ^= 1;
	}
	arena_init(&arena, 1 << 16);
	assert_true(failed(manifest_decode(statement, &arena, &m)));
	arena_clear(&arena);
	/* A small arena is an error, not a crash. */
	for (size_t cap = 0; cap < 2048; cap += 64) {
		arena_init(&arena, cap);
		(void)!failed(manifest_decode(jws, &arena, &m));
		arena_clear(&arena);
	}
	free(work);
}

static void a_manifest_of_one_key_and_parent_stays_small(void **state)
{
	struct vector *v = *state;
	struct span payload = vector_text(vector_row(v, "manifest"), "payload");

	assert_true(payload.len + MANIFEST_SIG_LEN < 900);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(published_manifests_are_read_and_written),
		cmocka_unit_test(a_first_manifest_holds_its_opening),
		cmocka_unit_test(a_signed_manifest_comes_back),
		cmocka_unit_test(what_is_not_the_one_form_is_refused),
		cmocka_unit_test(lists_have_caps_and_an_order),
		cmocka_unit_test(
			turned_bits_give_a_refusal_or_another_canonical_payload),
		cmocka_unit_test(a_jws_of_another_form_is_refused),
		cmocka_unit_test(a_manifest_of_one_key_and_parent_stays_small),
	};

	return cmocka_run_group_tests(tests, vector_setup, vector_teardown);
}
