/*
 * Proves proto/base/: arena, base64, buf, err, id, json, span.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdio.h>

#include "proto/base/arena.h"
#include "proto/base/base64.h"
#include "proto/base/json.h"

static void every_error_has_a_row_with_a_mend(void **state)
{
	for (int c = ERR_OK + 1; c < ERR_COUNT; c++) {
		const struct err_row *row = err_row((enum err_code)c);

		assert_string_not_equal(row->name, "ok");
		assert_in_range(row->status, 400, 507);
		assert_true(row->title[0] && row->mend[0]);
		assert_int_equal(err_row(err_by_name(row->name))->status,
				 row->status);
	}
	assert_ptr_equal(err_row(ERR_COUNT), err_row(ERR_INTERNAL));
}

static void not_found_and_not_releasable_share_one_public_row(void **state)
{
	const struct err_row *a = err_row(ERR_NOT_FOUND);
	const struct err_row *b = err_row(ERR_NOT_RELEASABLE);

	assert_string_equal(a->name, b->name);
	assert_int_equal(a->status, b->status);
	assert_string_equal(a->title, b->title);
	assert_string_equal(a->mend, b->mend);
}

static void a_buffer_stops_at_its_cap_and_says_so(void **state)
{
	struct buf b;

	buf_init(&b, 4);
	buf_put_str(&b, "abcd");
	assert_false(failed(buf_check(&b)));
	buf_put_u8(&b, 'e');
	assert_true(failed(buf_check(&b)));
	assert_int_equal(b.len, 4);
	buf_reset(&b);
	buf_printf(&b, "%d", 1234);
	assert_false(failed(buf_check(&b)));
	assert_string_equal(buf_cstr(&b), "1234");
	buf_printf(&b, "%d", 5);
	assert_true(failed(buf_check(&b)));
	buf_clear(&b);
}

static void integers_are_big_endian_and_read_back(void **state)
{
	struct buf b;
	struct span_reader r;
	uint8_t three[3];

	buf_init(&b, 64);
	buf_put_u8(&b, 1);
	buf_put_u16(&b, 0x0203);
	buf_put_u32(&b, 0x04050607);
	buf_put_u64(&b, UINT64_C(0x08090a0b0c0d0e0f));
	buf_put_var(&b, span_str("xyz"));
	for (uint8_t i = 0; i < 15; i++)
		assert_int_equal(b.at[i], i + 1);
	r = span_read(buf_span(&b));
	assert_int_equal(span_read_u8(&r), 1);
	assert_int_equal(span_read_u16(&r), 0x0203);
	assert_int_equal(span_read_u32(&r), 0x04050607);
	assert_true(span_read_u64(&r) == UINT64_C(0x08090a0b0c0d0e0f));
	assert_true(span_eq_str(span_read_var(&r), "xyz"));
	assert_true(span_read_done(&r));
	span_read_into(&r, three, 3);
	assert_false(span_read_done(&r));
	assert_int_equal(three[0], 0);
	buf_clear(&b);
}

static void an_arena_stops_at_its_cap(void **state)
{
	struct arena a;

	arena_init(&a, 10000);
	for (int i = 0; i < 10; i++) {
		uint8_t *at = arena_alloc(&a, 900);

		assert_non_null(at);
		assert_int_equal(at[899], 0);
		assert_int_equal((uintptr_t)at % 16, 0);
		memset(at, 0xff, 900);
	}
	assert_null(arena_alloc(&a, 5000));
	assert_true(failed(arena_check(&a)));
	assert_null(arena_array(&a, SIZE_MAX / 2, 3));
	arena_clear(&a);
}

static void ids_round_trip_and_refuse_other_forms(void **state)
{
	static const char *const bad_ids[] = {
		"",
		"0190000000007000800000000000000000000",
		"01900000-0000-7000-8000-00000000000",
		"01900000-0000-7000-8000-00000000000G",
		"01900000-0000-7000-8000-00000000000A",
		"01900000+0000-7000-8000-000000000000",
	};
	static const char *const bad_replicas[] = {"GBR",
						   "GBR.",
						   "GBR.0",
						   "GBR.01",
						   "gbr.1",
						   "GBR.x",
						   "GBR.99999999999999999999"};
	struct doc_id id;
	struct replica r;
	char text[DOC_ID_TEXT_LEN + 1], name[REPLICA_TEXT_MAX + 1];

	assert_false(failed(
		doc_id_parse(span_str("01912345-6789-7abc-8def-0123456789ab"),
			     &id)));
	doc_id_format(id, text);
	assert_string_equal(text, "01912345-6789-7abc-8def-0123456789ab");
	for (size_t i = 0; i < sizeof(bad_ids) / sizeof(*bad_ids); i++)
		assert_true(failed(doc_id_parse(span_str(bad_ids[i]), &id)));
	assert_false(failed(replica_parse(span_str("GBR.12"), &r)));
	replica_format(r, name);
	assert_string_equal(name, "GBR.12");
	for (size_t i = 0; i < sizeof(bad_replicas) / sizeof(char *); i++)
		assert_true(
			failed(replica_parse(span_str(bad_replicas[i]), &r)));
	assert_false(failed(space_check(span_str("GBR/ops-1.a_b"))));
	assert_true(failed(space_check(span_str("GBR/"))));
	assert_true(failed(space_check(span_str("GBR/Ops"))));
	assert_true(failed(space_check(span_str("gbr/ops"))));
}

/* RFC 4648 s.10, without padding. */
/* Every byte at every place of a text of 4 and of 7 characters. */
static void base64url_takes_its_letters_and_no_others(void **state)
{
	static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "abcdefghijklmnopqrstuvwxyz0123456789-_";

	for (size_t at = 0; at < 6; at++)
		for (int c = 0; c < 256; c++) {
			uint8_t text[7] = {'A', 'A', 'A', 'A', 'A', 'A', 'A'};
			uint8_t out[5];
			char back[8];
			bool is = c && strchr(letters, c);

			text[at] = (uint8_t)c;
			assert_int_equal(!failed(base64url_decode_fixed(
						 SPAN_OBJ(text), out, 5)),
					 is);
			if (!is)
				continue;
			base64url_encode_to(SPAN_OBJ(out), back);
			assert_memory_equal(back, text, sizeof(text));
		}
}

static void base64url_is_strict(void **state)
{
	static const char *const plain[] = {"",	    "f",     "fo",    "foo",
					    "foob", "fooba", "foobar"};
	static const char *const text[] = {"",	      "Zg",	"Zm8",
					   "Zm9v",    "Zm9vYg", "Zm9vYmE",
					   "Zm9vYmFy"};
	static const char *const bad[] = {"Z",	  "Zh",	  "Zm9=", "Zg==",
					  "Zm+v", "Zm/v", "Zm v", "Zm9"};
	struct buf b;

	buf_init(&b, 100);
	for (size_t i = 0; i < 7; i++) {
		buf_reset(&b);
		base64url_encode(span_str(plain[i]), &b);
		assert_true(span_eq_str(buf_span(&b), text[i]));
		buf_reset(&b);
		assert_false(failed(base64url_decode(span_str(text[i]), &b)));
		assert_true(span_eq_str(buf_span(&b), plain[i]));
	}
	buf_reset(&b);
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		assert_true(failed(base64url_decode(span_str(bad[i]), &b)));
	assert_int_equal(b.len, 0);
	base64_encode(span_str("fooba"), &b);
	assert_string_equal(buf_cstr(&b), "Zm9vYmE=");
	buf_clear(&b);
}

static void json_refuses_what_entente_does_not_use(void **state)
{
	static const char *const bad[] = {
		"",
		"{",
		"{\"a\":1,\"a\":2}",
		"{\"a\":1.5}",
		"{\"a\":-1}",
		"{\"a\":9007199254740992}",
		"{\"a\":1}x",
		"{\"a\":1e3}",
		"\"\\ud800\"",
		"\"\xff\"",
		"nul",
	};
	struct json *j;
	char deep[200];

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		assert_true(failed(json_parse(span_str(bad[i]), &j)));
	memset(deep, '[', 100);
	memset(deep + 100, ']', 100);
	assert_true(failed(json_parse(span_of(deep, 200), &j)));
	assert_false(
		failed(json_parse(span_str("{\"a\":9007199254740991}"), &j)));
	json_free(j);
}

static void json_members_are_typed(void **state)
{
	static const char *const names[] = {"a", "b", "c", NULL};
	struct json *j;
	struct span text;
	uint64_t n;
	bool yes;

	assert_false(failed(
		json_parse(span_str("{\"a\":\"x\",\"b\":7,\"c\":true}"), &j)));
	assert_false(failed(json_get_string(j, "a", &text)));
	assert_true(span_eq_str(text, "x"));
	assert_false(failed(json_get_u64(j, "b", &n)));
	assert_int_equal(n, 7);
	assert_false(failed(json_get_bool(j, "c", &yes)));
	assert_true(yes);
	assert_true(failed(json_get_string(j, "b", &text)));
	assert_true(failed(json_get_u64(j, "none", &n)));
	assert_false(failed(json_only(j, names)));
	assert_true(failed(json_only(j, names + 1)));
	json_free(j);
}

/* RFC 8785 s.3.2.3: UTF-16 order, and the escapes of s.3.2.2.2. */
static void canonical_json_is_rfc_8785(void **state)
{
	const char *in = "{ \"\\ufb33\":1, \"\\ud83d\\ude00\":2, "
			 "\"\\u20ac\":3, \"1\":4, \"\\r\":5, "
			 "\"\\u00f6\": [true, null, \"\\u000f\\/\"] }";
	const char *want = "{\"\\r\":5,\"1\":4,\"\xc3\xb6\":[true,null,"
			   "\"\\u000f/\"],\"\xe2\x82\xac\":3,"
			   "\"\xf0\x9f\x98\x80\":2,\"\xef\xac\xb3\":1}";
	struct json *j;
	struct buf b;

	buf_init(&b, 1000);
	assert_false(failed(json_parse(span_str(in), &j)));
	assert_false(failed(json_canonical(j, &b)));
	assert_string_equal(buf_cstr(&b), want);
	json_free(j);
	buf_clear(&b);
}

static void the_json_writer_puts_commas(void **state)
{
	struct json_writer w;
	struct json *j;
	struct buf b;

	buf_init(&b, 1000);
	w = json_write(&b);
	json_open_object(&w);
	json_member_u64(&w, "a", 1);
	json_put_name(&w, "b");
	json_open_array(&w);
	json_put_u64(&w, 1);
	json_put_string(&w, span_str("\"\n"));
	json_open_object(&w);
	json_close_object(&w);
	json_close_array(&w);
	json_member_bytes(&w, "c", span_str("foob"));
	json_close_object(&w);
	assert_string_equal(buf_cstr(&b), "{\"a\":1,\"b\":[1,\"\\\"\\n\",{}],"
					  "\"c\":\"Zm9vYg\"}");
	assert_false(failed(json_parse(buf_span(&b), &j)));
	json_free(j);
	buf_clear(&b);
}

/* Every place within the eight bytes that are looked at together. */
static void a_letter_is_escaped_wherever_it_stands(void **state)
{
	static const struct {
		const char *letter, *written;
	} rows[] = {
		{"\"", "\\\""},	     {"\\", "\\\\"},	  {"\n", "\\n"},
		{"\x01", "\\u0001"}, {"\x1f", "\\u001f"}, {" ", " "},
		{"!", "!"},	     {"\x7f", "\x7f"},	  {"\u00e9", "\u00e9"},
	};

	for (size_t r = 0; r < sizeof(rows) / sizeof(rows[0]); r++)
		for (int before = 0; before < 20; before++) {
			char text[64], want[64];
			struct json_writer w;
			struct buf b;

			snprintf(text, sizeof(text), "%.*s%s%s", before,
				 "[[[[[[[[[[[[[[[[[[[[", rows[r].letter, "end");
			snprintf(want, sizeof(want), "\"%.*s%s%s\"", before,
				 "[[[[[[[[[[[[[[[[[[[[", rows[r].written,
				 "end");
			buf_init(&b, 128);
			w = json_write(&b);
			json_put_string(&w, span_str(text));
			assert_string_equal(buf_cstr(&b), want);
			buf_clear(&b);
		}
}

static void every_pair_of_letters_comes_back(void **state)
{
	for (uint32_t v = 0; v < 4096; v++) {
		uint8_t in[3] = {(uint8_t)(v >> 4), (uint8_t)(v << 4 | v >> 8),
				 (uint8_t)v};
		uint8_t out[3];
		char text[5];

		base64url_encode_to(SPAN_OBJ(in), text);
		assert_memory_equal(text, text + 2, 2);
		assert_false(
			failed(base64url_decode_fixed(span_str(text), out, 3)));
		assert_memory_equal(in, out, 3);
	}
}

static void numbers_are_written_whole(void **state)
{
	static const uint64_t numbers[] = {0, 9, 10, JSON_INTEGER_MAX,
					   UINT64_MAX};
	static const char want[] = "[0,9,10,9007199254740991,"
				   "18446744073709551615]";
	struct json_writer w;
	struct buf b;

	buf_init(&b, 128);
	w = json_write(&b);
	json_open_array(&w);
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		json_put_u64(&w, numbers[i]);
	json_close_array(&w);
	assert_string_equal(buf_cstr(&b), want);
	buf_clear(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_error_has_a_row_with_a_mend),
		cmocka_unit_test(
			not_found_and_not_releasable_share_one_public_row),
		cmocka_unit_test(a_buffer_stops_at_its_cap_and_says_so),
		cmocka_unit_test(integers_are_big_endian_and_read_back),
		cmocka_unit_test(an_arena_stops_at_its_cap),
		cmocka_unit_test(ids_round_trip_and_refuse_other_forms),
		cmocka_unit_test(base64url_is_strict),
		cmocka_unit_test(base64url_takes_its_letters_and_no_others),
		cmocka_unit_test(json_refuses_what_entente_does_not_use),
		cmocka_unit_test(json_members_are_typed),
		cmocka_unit_test(canonical_json_is_rfc_8785),
		cmocka_unit_test(the_json_writer_puts_commas),
		cmocka_unit_test(a_letter_is_escaped_wherever_it_stands),
		cmocka_unit_test(numbers_are_written_whole),
		cmocka_unit_test(every_pair_of_letters_comes_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
