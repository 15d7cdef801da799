/* First contact of devices and nations; tokens; who I am. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "proto/exchange/me.h"
#include "proto/exchange/peering.h"

#include <stdlib.h>

static struct enrol_token token_of(enum enrol_token_kind kind)
{
	return (struct enrol_token){
		.kind = kind,
		.ca = {{1}},
		.root = {{2}},
		.nation = {"GBR"},
		.endpoint = "relay.gbr.example:8443",
		.id = {3},
		.secret = {4},
	};
}

static void a_token_is_one_line_and_reads_back(void **state)
{
	for (int kind = ENROL_DEVICE; kind <= ENROL_PEER; kind++) {
		struct enrol_token t = token_of((enum enrol_token_kind)kind);
		struct enrol_token back;
		struct buf text;

		buf_init(&text, 4096);
		enrol_token_format(&t, &text);
		assert_null(strchr(buf_cstr(&text), '\n'));
		buf_put_str(&text, " \n");
		assert_int_equal(enrol_token_parse(buf_span(&text), &back).code,
				 0);
		assert_int_equal(back.kind, kind);
		assert_string_equal(back.endpoint, t.endpoint);
		assert_memory_equal(back.secret, t.secret, sizeof(t.secret));
		srand(4);
		for (size_t i = 0; i < 2000; i++) {
			size_t at = (size_t)rand() % text.len;
			uint8_t was = text.at[at];

			text.at[at] = (uint8_t)rand();
			(void)enrol_token_parse(span_of(text.at,
							i % 3 ? text.len : at),
						&back)
				.code;
			text.at[at] = was;
		}
		buf_clear(&text);
	}
}

static void what_is_no_token_or_endpoint_is_refused(void **state)
{
	static const char *const bad[] = {
		"",	      "host",	    "host:",	":8443",
		"host:0",     "host:65536", "host:084", "a b:1",
		"http://h:1", "h:1x",	    "::1:8443",
	};
	static const char *const good[] = {"h:1", "127.0.0.1:65535",
					   "[::1]:8443"};
	struct enrol_token t;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(enrol_endpoint_check(span_str(bad[i])).code,
				 ERR_MALFORMED);
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		assert_int_equal(enrol_endpoint_check(span_str(good[i])).code,
				 0);
	assert_int_equal(enrol_token_parse(span_str("entente-device:e30"), &t)
				 .code,
			 ERR_MALFORMED);
	assert_int_equal(enrol_token_parse(span_str(""), &t).code,
			 ERR_MALFORMED);
}

static void enrolment_reads_back(void **state)
{
	struct enrol_request r = {.author = span_str("author"),
				  .csr = span_str("csr"),
				  .wrapping = span_str("point"),
				  .mac = {1},
				  .proof = {2},
				  .token = {3}};
	struct enrol_answer a = {.ca = span_str("ca"),
				 .certificate = span_str("certificate"),
				 .replica = span_str("replica"),
				 .root = span_str("root"),
				 .subject = span_str("alice"),
				 .mac = {9}};
	struct enrol_request r2;
	struct enrol_answer a2;
	struct arena arena;
	struct buf body;

	buf_init(&body, ENROL_BODY_MAX);
	arena_init(&arena, 1 << 20);
	enrol_request_encode(&r, &body);
	assert_int_equal(
		enrol_request_decode(buf_span(&body), &arena, &r2).code, 0);
	assert_true(span_eq_str(r2.csr, "csr"));
	assert_int_equal(r2.proof[0], 2);
	assert_int_equal(enrol_answer_decode(buf_span(&body), &arena, &a2).code,
			 ERR_MALFORMED);
	buf_reset(&body);
	enrol_answer_encode(&a, &body);
	assert_int_equal(enrol_answer_decode(buf_span(&body), &arena, &a2).code,
			 0);
	assert_true(span_eq_str(a2.subject, "alice"));
	arena_clear(&arena);
	buf_clear(&body);
}

static void peering_reads_back(void **state)
{
	struct peering_request r = {.nation = {"FRA"},
				    .ca = span_str("ca"),
				    .certificate = span_str("certificate"),
				    .endpoint = span_str("fra.example:8444"),
				    .root = span_str("root"),
				    .invitation = {1},
				    .mac = {2}};
	struct peering_certificate list[] = {{span_str("one"), span_str("r1")},
					     {span_str("two"), span_str("r2")}};
	const struct peering_certificate *back;
	struct peering_request r2;
	struct arena arena;
	struct buf body;
	size_t count;

	buf_init(&body, PEERING_BODY_MAX);
	arena_init(&arena, 1 << 20);
	peering_request_encode(&r, &body);
	assert_int_equal(
		peering_request_decode(buf_span(&body), &arena, &r2).code, 0);
	assert_true(nation_eq(r2.nation, r.nation));
	assert_true(span_eq(r2.endpoint, r.endpoint));
	buf_reset(&body);
	peering_certificates_encode(list, 2, &body);
	assert_int_equal(peering_certificates_decode(buf_span(&body), &arena,
						     &back, &count)
				 .code,
			 0);
	assert_int_equal(count, 2);
	assert_true(span_eq_str(back[1].root, "r2"));
	arena_clear(&arena);
	buf_clear(&body);
}

static void the_small_answers_read_back(void **state)
{
	struct span spaces[] = {span_str("GBR/ops")};
	struct span files[] = {span_str("<spif/>"), span_str("<two/>")};
	struct me_marking markings[] = {{span_str("en"), span_str("SECRET")}};
	struct me_answer me = {.reader = {.device = true, .key = {{7}}},
			       .nation = {"GBR"},
			       .subject = span_str("alice"),
			       .rights = ME_WRITE | ME_RECALL,
			       .spaces = spaces,
			       .spaces_count = 1};
	struct me_policy policy = {span_str("RESTRICTED"), {{1}}, files, 2};
	struct me_label label = {{{2}},
				 span_str("<l/>"),
				 span_str("green"),
				 markings,
				 1};
	struct me_relay relay = {.nation = {"GBR"},
				 .replica = {{"GBR"}, 1},
				 .ceiling = span_str("RESTRICTED"),
				 .certificate = span_str("c"),
				 .root = span_str("r"),
				 .time = 5};
	struct me_answer me2;
	struct me_policy policy2;
	struct me_label label2;
	struct me_relay relay2;
	struct arena arena;
	struct buf body;

	buf_init(&body, 1 << 20);
	arena_init(&arena, 8 << 20);
	me_answer_encode(&me, &body);
	assert_int_equal(me_answer_decode(buf_span(&body), &arena, &me2).code,
			 0);
	assert_int_equal(me2.rights, ME_WRITE | ME_RECALL);
	assert_true(span_eq_str(me2.spaces[0], "GBR/ops"));
	buf_reset(&body);
	me.reader = (struct me_reader){.nation = {"FRA"}};
	me_answer_encode(&me, &body);
	assert_int_equal(me_answer_decode(buf_span(&body), &arena, &me2).code,
			 0);
	assert_false(me2.reader.device);
	buf_reset(&body);
	me_policy_encode(&policy, &body);
	assert_int_equal(
		me_policy_decode(buf_span(&body), &arena, &policy2).code, 0);
	assert_true(span_eq_str(policy2.files[1], "<two/>"));
	buf_reset(&body);
	me_label_encode(&label, &body);
	assert_int_equal(me_label_decode(buf_span(&body), &arena, &label2).code,
			 0);
	assert_true(span_eq_str(label2.markings[0].text, "SECRET"));
	buf_reset(&body);
	me_relay_encode(&relay, &body);
	assert_int_equal(me_relay_decode(buf_span(&body), &arena, &relay2).code,
			 0);
	assert_int_equal(relay2.replica.number, 1);
	arena_clear(&arena);
	buf_clear(&body);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_token_is_one_line_and_reads_back),
		cmocka_unit_test(what_is_no_token_or_endpoint_is_refused),
		cmocka_unit_test(enrolment_reads_back),
		cmocka_unit_test(peering_reads_back),
		cmocka_unit_test(the_small_answers_read_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
