/* Members that several requests and answers have. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "proto/document/version.h"
#include "proto/exchange/member.h"

static const char *const names[] = {"a", "b", NULL};

static struct json *open(const char *text)
{
	struct json *json = NULL;

	assert_int_equal(member_open(span_str(text), 4096, names, &json).code,
			 ERR_OK);
	return json;
}

static void a_body_is_one_object_of_known_members(void **state)
{
	static const struct {
		const char *body;
		enum err_code want;
	} rows[] = {
		{"{}", ERR_OK},
		{"{\"b\":1,\"a\":2}", ERR_OK},
		{"{\"c\":1}", ERR_MALFORMED},
		{"{\"a\":1,\"a\":1}", ERR_MALFORMED},
		{"[]", ERR_MALFORMED},
		{"\"a\"", ERR_MALFORMED},
		{"{} {}", ERR_MALFORMED},
		{"", ERR_MALFORMED},
		{"{\"a\":12345678}", ERR_TOO_LARGE},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct json *json = NULL;

		assert_int_equal(member_open(span_str(rows[i].body), 13, names,
					     &json)
					 .code,
				 rows[i].want);
		json_free(json);
	}
}

static void texts_and_blobs_have_caps_and_outlive_the_json(void **state)
{
	struct json *json = open("{\"a\":\"text\",\"b\":\"AAECAw\"}");
	struct span text, blob = {0}, none = {0};
	struct arena arena, full;
	bool has;

	arena_init(&arena, 4096);
	arena_init(&full, 0);
	assert_int_equal(member_text(json, "a", 3, &arena, &text).code,
			 ERR_MALFORMED);
	assert_int_equal(member_text(json, "a", 4, &arena, &text).code, ERR_OK);
	assert_int_equal(member_text(json, "c", 4, &arena, &none).code,
			 ERR_MALFORMED);
	assert_int_equal(member_blob(json, "b", 3, &arena, &blob).code,
			 ERR_MALFORMED);
	assert_int_equal(member_blob(json, "b", 4, &arena, &blob).code, ERR_OK);
	assert_int_equal(member_text(json, "a", 4, &full, &none).code,
			 ERR_TOO_LARGE);
	assert_int_equal(member_blob_maybe(json, "c", 4, &arena, &has, &none)
				 .code,
			 ERR_OK);
	assert_false(has);
	assert_int_equal(member_blob_maybe(json, "b", 4, &arena, &has, &none)
				 .code,
			 ERR_OK);
	assert_true(has && span_eq(none, blob));
	/* There, and not what it must be, is not the same as not there. */
	assert_int_equal(member_blob_maybe(json, "b", 3, &arena, &has, &none)
				 .code,
			 ERR_MALFORMED);
	json_free(json);
	assert_true(span_eq_str(text, "text"));
	assert_int_equal(blob.len, 4);
	assert_memory_equal(blob.at, "\0\1\2\3", 4);
	arena_clear(&arena);
	arena_clear(&full);
}

static void lists_of_digests_have_a_cap_and_one_form(void **state)
{
	const struct digest list[2] = {{{1}}, {{2}}}, *back;
	struct json_writer w;
	struct json *json;
	struct arena arena;
	struct buf text;
	size_t count;

	arena_init(&arena, 4096);
	buf_init(&text, 4096);
	w = json_write(&text);
	json_open_object(&w);
	member_digests_write(&w, "a", list, 2);
	member_digests_write(&w, "b", list, 0);
	json_close_object(&w);
	json = open(buf_cstr(&text));
	assert_int_equal(member_digests(json, "a", 1, &arena, &back, &count)
				 .code,
			 ERR_MALFORMED);
	assert_int_equal(member_digests(json, "a", 2, &arena, &back, &count)
				 .code,
			 ERR_OK);
	assert_int_equal(count, 2);
	assert_memory_equal(back, list, sizeof(list));
	assert_int_equal(member_digests(json, "b", 0, &arena, &back, &count)
				 .code,
			 ERR_OK);
	assert_int_equal(count, 0);
	json_free(json);
	json = open("{\"a\":[\"AA\"],\"b\":{}}");
	assert_int_equal(member_digests(json, "a", 9, &arena, &back, &count)
				 .code,
			 ERR_MALFORMED);
	assert_int_equal(member_digests(json, "b", 9, &arena, &back, &count)
				 .code,
			 ERR_MALFORMED);
	json_free(json);
	buf_clear(&text);
	arena_clear(&arena);
}

static void dots_and_key_ids_read_back(void **state)
{
	struct dot dot = {{{"GBR"}, 3}, 17}, dot_back;
	struct key_id id = {{5}}, id_back;
	struct json_writer w;
	struct json *json;
	struct buf text;

	buf_init(&text, 4096);
	w = json_write(&text);
	json_open_object(&w);
	member_dot_write(&w, "a", &dot);
	json_member_key_id(&w, "b", id);
	json_close_object(&w);
	json = open(buf_cstr(&text));
	assert_int_equal(member_dot(json, "a", &dot_back).code, ERR_OK);
	assert_true(replica_eq(dot.replica, dot_back.replica));
	assert_int_equal(dot_back.counter, 17);
	assert_int_equal(member_key_id(json, "b", &id_back).code, ERR_OK);
	assert_true(key_id_eq(id, id_back));
	assert_true(failed(member_dot(json, "b", &dot_back)));
	assert_true(failed(member_key_id(json, "a", &id_back)));
	assert_true(failed(member_dot(json, "c", &dot_back)));
	json_free(json);
	buf_clear(&text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_body_is_one_object_of_known_members),
		cmocka_unit_test(
			texts_and_blobs_have_caps_and_outlive_the_json),
		cmocka_unit_test(lists_of_digests_have_a_cap_and_one_form),
		cmocka_unit_test(dots_and_key_ids_read_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
