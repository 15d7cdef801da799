/* Who I am: rights, readers and author records; the rest is test_enrol.c's. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "proto/exchange/me.h"

static void rights_read_back_and_nothing_else_does(void **state)
{
	static const char *const bad[] = {"[\"rule\"]", "[\"write\",\"write\"]",
					  "[1]", "[\"Write\"]"};
	struct json *json;
	struct buf text;
	unsigned rights;

	buf_init(&text, 256);
	for (unsigned want = 0; want < 16; want++) {
		struct json_writer w;

		buf_reset(&text);
		w = json_write(&text);
		me_rights_write(want, &w);
		assert_false(failed(json_parse(buf_span(&text), &json)));
		assert_false(failed(me_rights_read(json, &rights)));
		assert_int_equal(rights, want);
		json_free(json);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_false(failed(json_parse(span_str(bad[i]), &json)));
		assert_int_equal(me_rights_read(json, &rights).code,
				 ERR_MALFORMED);
		json_free(json);
	}
	buf_clear(&text);
}

static void a_reader_is_a_key_id_or_three_letters(void **state)
{
	const struct me_reader readers[] = {
		{.device = true, .key = {{1, 2}}},
		{.nation = {"FRA"}},
	};
	static const char *const bad[] = {"", "FR", "fra", "FRAU", "FR1"};
	struct me_reader back;
	struct buf text;

	buf_init(&text, 256);
	for (size_t i = 0; i < 2; i++) {
		struct json_writer w;
		struct span inside;

		buf_reset(&text);
		w = json_write(&text);
		me_reader_write(&readers[i], &w);
		inside = span_sub(buf_span(&text), 1, text.len - 2);
		assert_false(failed(me_reader_parse(inside, &back)));
		assert_int_equal(back.device, readers[i].device);
		assert_true(key_id_eq(back.key, readers[i].key));
		if (!back.device)
			assert_true(nation_eq(back.nation, readers[i].nation));
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_true(failed(me_reader_parse(span_str(bad[i]), &back)));
	buf_clear(&text);
}

static void an_author_record_reads_back(void **state)
{
	struct me_author author = {span_str("record"), span_str("certificate")};
	struct me_author back;
	struct arena arena;
	struct buf text;

	arena_init(&arena, 4096);
	buf_init(&text, 4096);
	me_author_encode(&author, &text);
	assert_false(failed(me_author_decode(buf_span(&text), &arena, &back)));
	assert_true(span_eq(back.author, author.author));
	assert_true(span_eq(back.certificate, author.certificate));
	for (size_t len = 0; len < text.len; len++)
		assert_true(failed(me_author_decode(span_of(text.at, len),
						    &arena, &back)));
	buf_clear(&text);
	arena_clear(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rights_read_back_and_nothing_else_does),
		cmocka_unit_test(a_reader_is_a_key_id_or_three_letters),
		cmocka_unit_test(an_author_record_reads_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
