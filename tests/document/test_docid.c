/* Ids and openings. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "proto/document/docid.h"
#include "tests/document/vector.h"

static struct opening vector_opening(struct vector *v)
{
	const struct json *row = vector_row(v, "id");
	struct opening o = {.space = vector_text(row, "space")};

	vector_fixed(row, "author", o.author.at, DIGEST_LEN);
	vector_fixed(row, "salt", o.salt, sizeof(o.salt));
	return o;
}

static void an_id_is_the_published_one(void **state)
{
	struct vector *v = *state;
	const struct json *row = vector_row(v, "id");
	struct opening o = vector_opening(v);
	uint64_t time_ms = vector_u64(row, "time_ms");
	struct doc_id id;
	char text[DOC_ID_TEXT_LEN + 1];

	assert_ok(docid_make(&o, vector_nation("GBR"), time_ms, &id));
	doc_id_format(id, text);
	assert_bytes(span_str(text), vector_text(row, "id"));
	assert_int_equal(docid_time_ms(id), time_ms);
	/* UUIDv7: version and variant. */
	assert_int_equal(id.at[6] >> 4, 7);
	assert_int_equal(id.at[8] >> 6, 2);
	assert_ok(docid_check(id, &o, vector_nation("GBR")));
}

static void every_member_of_the_opening_binds(void **state)
{
	struct vector *v = *state;
	struct opening o = vector_opening(v);
	struct doc_id id = vector_doc_id(vector_row(v, "id"), "id");
	struct nation home = vector_nation("GBR");

	for (int i = 0; i < DIGEST_LEN; i++) {
		o.author.at[i] ^= 1;
		assert_err(docid_check(id, &o, home), ERR_FOREIGN_ID);
		o.author.at[i] ^= 1;
	}
	for (int i = 0; i < DOCID_SALT_LEN; i++) {
		o.salt[i] ^= 0x80;
		assert_err(docid_check(id, &o, home), ERR_FOREIGN_ID);
		o.salt[i] ^= 0x80;
	}
	assert_err(docid_check(id, &o, vector_nation("DEU")), ERR_FOREIGN_ID);
	o.space = span_str("GBR/opt");
	assert_err(docid_check(id, &o, home), ERR_FOREIGN_ID);
	o = vector_opening(v);
	for (int i = 0; i < 8 * DOC_ID_LEN; i++) {
		id.at[i / 8] ^= (uint8_t)(1 << i % 8);
		assert_err(docid_check(id, &o, home), ERR_FOREIGN_ID);
		id.at[i / 8] ^= (uint8_t)(1 << i % 8);
	}
}

static void ids_of_later_times_come_later(void **state)
{
	struct vector *v = *state;
	struct opening o = vector_opening(v);
	struct doc_id a, b;

	for (uint64_t ms = 1; ms < UINT64_C(1) << 47; ms *= 3) {
		assert_ok(docid_make(&o, vector_nation("GBR"), ms, &a));
		assert_ok(docid_make(&o, vector_nation("GBR"), ms + 1, &b));
		assert_true(memcmp(a.at, b.at, DOC_ID_LEN) < 0);
	}
	assert_err(docid_make(&o, vector_nation("GBR"), UINT64_C(1) << 48, &a),
		   ERR_MALFORMED);
}

static void an_id_from_next_week_is_refused(void **state)
{
	struct vector *v = *state;
	struct doc_id id = vector_doc_id(vector_row(v, "id"), "id");
	uint64_t ms = docid_time_ms(id), week = 7 * 24 * 3600 * UINT64_C(1000);

	assert_ok(docid_check_time(id, ms));
	assert_ok(docid_check_time(id, ms + week));
	assert_ok(docid_check_time(id, ms - week));
	assert_err(docid_check_time(id, ms - week - 1), ERR_TIME);
	assert_err(docid_check_time(id, 0), ERR_TIME);
}

static struct err decode(struct span bytes, void *self)
{
	return docid_opening_decode(bytes, self);
}

static bool same(struct span bytes, void *self)
{
	struct buf b;
	bool equal;

	buf_init(&b, DOCID_OPENING_MAX);
	docid_opening_encode(self, &b);
	equal = span_eq(buf_span(&b), bytes);
	buf_clear(&b);
	return equal;
}

static void openings_have_one_form(void **state)
{
	struct vector *v = *state;
	struct opening o;
	struct vector_decoder d = {decode, same, &o};

	vector_mutate(vector_bytes(v, vector_row(v, "id"), "opening"), &d);
}

static void an_opening_goes_through_json(void **state)
{
	struct vector *v = *state;
	struct opening o = vector_opening(v), again;
	struct buf text;
	struct json_writer w;
	struct json *j = NULL;

	buf_init(&text, 512);
	w = json_write(&text);
	docid_opening_to_json(&o, &w);
	assert_ok(json_parse(buf_span(&text), &j));
	assert_ok(docid_opening_from_json(j, &again));
	assert_bytes(again.space, o.space);
	assert_memory_equal(again.salt, o.salt, sizeof(o.salt));
	assert_true(key_id_eq(again.author, o.author));
	json_free(j);
	assert_ok(json_parse(span_str("{\"space\":\"GBR/ops\"}"), &j));
	assert_err(docid_opening_from_json(j, &again), ERR_MALFORMED);
	json_free(j);
	buf_clear(&text);
}

static void bad_spaces_make_no_id(void **state)
{
	struct vector *v = *state;
	struct opening o = vector_opening(v);
	static const char *const bad[] = {"",	     "GBR",	"GBR/",
					  "gbr/ops", "GBR/Ops", "GBR/a b"};
	struct doc_id id;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		o.space = span_str(bad[i]);
		assert_true(
			failed(docid_make(&o, vector_nation("GBR"), 1, &id)));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_id_is_the_published_one),
		cmocka_unit_test(every_member_of_the_opening_binds),
		cmocka_unit_test(ids_of_later_times_come_later),
		cmocka_unit_test(an_id_from_next_week_is_refused),
		cmocka_unit_test(openings_have_one_form),
		cmocka_unit_test(an_opening_goes_through_json),
		cmocka_unit_test(bad_spaces_make_no_id),
	};

	return cmocka_run_group_tests(tests, vector_setup, vector_teardown);
}
