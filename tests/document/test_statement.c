/* Statements. */
#define _GNU_SOURCE
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "proto/document/statement.h"
#include "tests/document/vector.h"

static const char *const names[] = {"statement", "statement_recall"};

static void published_statements_are_read_and_written(void **state)
{
	struct vector *v = *state;
	struct crypto_key *key = vector_key(v, "author");

	for (int i = 0; i < 2; i++) {
		const struct json *row = vector_row(v, names[i]);
		struct statement s, stored;
		struct buf b;

		assert_ok(statement_decode(vector_text(row, "jws"), &v->arena,
					   &s));
		assert_true(digest_eq(s.digest, vector_digest(row, "digest")));
		assert_int_equal(s.kind,
				 i ? STATEMENT_RECALL : STATEMENT_LABEL);
		assert_ok(
			statement_check_signature(crypto_key_public(key), &s));
		buf_init(&b, STATEMENT_JWS_MAX);
		assert_ok(statement_encode(&s, &b));
		assert_bytes(buf_span(&b), vector_text(row, "payload"));
		buf_reset(&b);
		statement_format(&s, &b);
		assert_bytes(buf_span(&b), vector_text(row, "jws"));
		assert_ok(statement_decode_stored(s.payload,
						  SPAN_OBJ(s.signature),
						  &v->arena, &stored));
		assert_true(digest_eq(stored.digest, s.digest));
		buf_reset(&b);
		s.number++;
		assert_ok(statement_sign(key, &s, &b));
		assert_ok(statement_decode(buf_span(&b), &v->arena, &stored));
		assert_int_equal(stored.number, s.number);
		assert_ok(statement_check_signature(crypto_key_public(key),
						    &stored));
		stored.signature[0] ^= 1;
		assert_err(statement_check_signature(crypto_key_public(key),
						     &stored),
			   ERR_SIGNATURE);
		buf_clear(&b);
	}
	crypto_key_free(key);
}

static struct err changed(struct vector *v, const char *name, const char *from,
			  const char *to)
{
	struct span payload = vector_text(vector_row(v, name), "payload");
	const uint8_t *at = memmem(payload.at, payload.len, from, strlen(from));
	uint8_t sig[MANIFEST_SIG_LEN] = {0};
	struct statement s;
	struct arena arena;
	struct buf b;
	struct err e;

	assert_non_null(at);
	arena_init(&arena, 1 << 16);
	buf_init(&b, 1 << 16);
	buf_put(&b, span_of(payload.at, (size_t)(at - payload.at)));
	buf_put_str(&b, to);
	at += strlen(from);
	buf_put(&b, span_of(at, (size_t)(payload.at + payload.len - at)));
	e = statement_decode_stored(buf_span(&b), SPAN_OBJ(sig), &arena, &s);
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
		{"statement", "\"number\":2", "\"number\":2", ERR_OK},
		{"statement", "\"number\":2", "\"number\":1", ERR_MALFORMED},
		{"statement", "\"number\":2", "\"number\":02", ERR_MALFORMED},
		{"statement", "\"number\":2", "\"number\":2,\"o\":1",
		 ERR_MALFORMED},
		/* a delete or recall has neither label nor heads */
		{"statement", "\"kind\":1", "\"kind\":2", ERR_MALFORMED},
		{"statement", "\"kind\":1", "\"kind\":0", ERR_MALFORMED},
		{"statement", "\"kind\":1", "\"kind\":4", ERR_MALFORMED},
		{"statement", "\"kind\":1", "\"kind\":4294967297",
		 ERR_MALFORMED},
		{"statement", "\"heads\":", "\"head\":", ERR_MALFORMED},
		{"statement_recall", "\"kind\":3", "\"kind\":1", ERR_MALFORMED},
		{"statement_recall", "\"kind\":3", "\"kind\":2", ERR_OK},
		{"statement_recall", "\"ext\":{},", "\"ext\":{},\"heads\":[],",
		 ERR_MALFORMED},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_err(changed(v, rows[i].row, rows[i].from, rows[i].to),
			   rows[i].want);
}

static void lists_have_caps_and_an_order(void **state)
{
	struct vector *v = *state;
	struct digest many[70] = {0};
	struct statement s;
	struct buf b;

	for (uint8_t i = 0; i < 70; i++)
		many[i].at[0] = i;
	assert_ok(
		statement_decode(vector_text(vector_row(v, "statement"), "jws"),
				 &v->arena, &s));
	assert_true(statement_lists(&s, s.heads[0]));
	assert_false(statement_lists(&s, many[3]));
	buf_init(&b, 1 << 16);
	s.heads = many;
	s.heads_count = 64;
	assert_ok(statement_encode(&s, &b));
	s.heads_count = 65;
	assert_true(failed(statement_encode(&s, &b)));
	s.heads_count = 0;
	assert_ok(statement_encode(&s, &b));
	s.previous = many;
	s.previous_count = 16;
	assert_ok(statement_encode(&s, &b));
	s.previous_count = 17;
	assert_true(failed(statement_encode(&s, &b)));
	s.previous_count = 0;
	assert_err(statement_encode(&s, &b), ERR_MALFORMED);
	s.previous_count = 2;
	many[1] = many[0];
	assert_err(statement_encode(&s, &b), ERR_MALFORMED);
	buf_clear(&b);
}

static struct err decode(struct span bytes, void *self)
{
	uint8_t sig[MANIFEST_SIG_LEN] = {0};
	struct statement s;
	struct arena *arena = self;

	arena_clear(arena);
	arena_init(arena, 1 << 16);
	return statement_decode_stored(bytes, SPAN_OBJ(sig), arena, &s);
}

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
	for (int i = 0; i < 2; i++)
		vector_mutate(vector_text(vector_row(v, names[i]), "payload"),
			      &d);
	arena_clear(&arena);
}

static void recall_beats_delete_beats_label(void **state)
{
	struct statement label = {.kind = STATEMENT_LABEL};
	struct statement delete = {.kind = STATEMENT_DELETE};
	struct statement recall = {.kind = STATEMENT_RECALL};

	assert_true(statement_rank(&recall, &delete) > 0);
	assert_true(statement_rank(&delete, &label) > 0);
	assert_true(statement_rank(&label, &recall) < 0);
	assert_int_equal(statement_rank(&label, &label), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(published_statements_are_read_and_written),
		cmocka_unit_test(what_is_not_the_one_form_is_refused),
		cmocka_unit_test(lists_have_caps_and_an_order),
		cmocka_unit_test(
			turned_bits_give_a_refusal_or_another_canonical_payload),
		cmocka_unit_test(recall_beats_delete_beats_label),
	};

	return cmocka_run_group_tests(tests, vector_setup, vector_teardown);
}
