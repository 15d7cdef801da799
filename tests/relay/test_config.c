/* The configuration file: what is taken, and what is refused and where. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "relay/config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define GOOD                                                                   \
	"nation: GBR\n"                                                        \
	"name: relay.gbr.example\n"                                            \
	"listen:\n"                                                            \
	"  device: 0.0.0.0:8443\n"                                             \
	"  peer: \"[::1]:8444\"\n"                                             \
	"  admin: localhost:0\n"                                               \
	"ceiling: RESTRICTED\n"

static void a_whole_file_is_read(void **state)
{
	struct config c;
	struct config_fault f;

	assert_false(failed(
		config_parse(span_str(GOOD
				      "endpoint: relay.gbr.example:443\n"
				      "peer_endpoint: \"[2001:db8::1]:444\"\n"
				      "quota_bytes: 1000000000000\n"
				      "fronts: 3\n"),
			     &c, &f)));
	assert_memory_equal(c.nation.code, "GBR", 3);
	assert_string_equal(c.name, "relay.gbr.example");
	assert_string_equal(c.listen[ROUTE_DEVICE].host, "0.0.0.0");
	assert_int_equal(c.listen[ROUTE_DEVICE].port, 8443);
	assert_string_equal(c.listen[ROUTE_PEER].host, "::1");
	assert_int_equal(c.listen[ROUTE_ADMIN].port, 0);
	assert_string_equal(c.endpoint, "relay.gbr.example:443");
	assert_string_equal(c.peer_endpoint, "[2001:db8::1]:444");
	assert_string_equal(c.ceiling, "RESTRICTED");
	assert_int_equal(c.quota_bytes, 1000000000000);
	assert_int_equal(c.fronts, 3);
}

static void what_is_left_out_has_a_default(void **state)
{
	struct config c;
	struct config_fault f;

	assert_false(failed(config_parse(span_str(GOOD), &c, &f)));
	assert_string_equal(c.endpoint, "");
	assert_int_equal(c.quota_bytes, 0);
	assert_true(c.fronts >= 1 && c.fronts <= 4);
}

static const struct {
	const char *text, *says;
	unsigned line;
} bad[] = {
	{GOOD "colour: red\n", "unknown key `colour`", 8},
	{GOOD "nation: FRA\n", "stands twice", 8},
	{"nation: GB\n" GOOD, "nation", 1},
	{GOOD "fronts: 0\n", "fronts", 8},
	{GOOD "fronts: 17\n", "fronts", 8},
	{GOOD "fronts: two\n", "whole number", 8},
	{GOOD "quota_bytes: -1\n", "whole number", 8},
	{GOOD "quota_bytes: 1e9\n", "whole number", 8},
	{GOOD "quota_bytes: 99999999999999999999\n", "whole number", 8},
	{GOOD "endpoint: relay\n", "host:port", 8},
	{GOOD "endpoint: relay:0\n", "host:port", 8},
	{GOOD "endpoint: ::1:80\n", "host:port", 8},
	{GOOD "endpoint: [1, 2]\n", "one text", 8},
	{"nation: GBR\nname: x\nceiling: y\nlisten:\n  device: a:1\n",
	 "device, peer and admin", 5},
	{"nation: GBR\nname: x\nceiling: y\nlisten:\n  door: a:1\n",
	 "unknown key `door` in listen", 5},
	{"nation: GBR\nname: x\nceiling: y\nlisten: a:1\n", "list of", 4},
	{"nation: GBR\n", "missing", 0},
	{"", "empty", 0},
	{"- a\n- b\n", "list of", 1},
	{"nation: [\n", "no YAML", 2},
	{"nation: \"GBR\\0\"\n", "nation", 1},
	{"a: &x [*x]\n", "unknown key", 1},
};

static void a_fault_names_its_line_and_its_mend(void **state)
{
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct config c;
		struct config_fault f;

		assert_true(
			failed(config_parse(span_str(bad[i].text), &c, &f)));
		if (!strstr(f.text, bad[i].says) || f.line != bad[i].line)
			fail_msg("%zu: line %u: %s", i, f.line, f.text);
	}
}

static void a_file_cut_anywhere_is_refused_or_whole(void **state)
{
	static const char good[] = GOOD;
	struct config c;
	struct config_fault f;

	for (size_t n = 0; n < sizeof(good) - 4; n++) {
		/* An exact copy, so that a reading beyond it is seen. */
		char *copy = malloc(n ? n : 1);
		struct err e;

		memcpy(copy, good, n);
		e = config_parse(span_of(copy, n), &c, &f);
		free(copy);
		if (!failed(e))
			assert_true(n > sizeof(good) - 14);
	}
}

static void a_large_file_is_refused(void **state)
{
	static char big[CONFIG_FILE_MAX + 1];
	struct config c;
	struct config_fault f;

	memset(big, '#', sizeof(big));
	assert_int_equal(config_parse(span_of(big, sizeof(big)), &c, &f).code,
			 ERR_TOO_LARGE);
}

static void an_address_comes_back_as_it_went(void **state)
{
	static const char *const texts[] = {"a:1", "[::1]:65535",
					    "relay.example:443"};
	char out[ADDRESS_TEXT_MAX + 1];
	struct address a;

	for (size_t i = 0; i < 3; i++) {
		assert_false(failed(address_parse(texts[i], &a)));
		address_format(&a, out);
		assert_string_equal(out, texts[i]);
	}
	assert_true(failed(address_parse("a:65536", &a)));
	assert_true(failed(address_parse("a:", &a)));
	assert_true(failed(address_parse(":1", &a)));
	assert_true(failed(address_parse("[]:1", &a)));
	assert_true(failed(address_parse("[[]:1", &a)));
	assert_true(failed(address_parse("a b:1", &a)));
	assert_true(failed(address_parse("a:+1", &a)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_whole_file_is_read),
		cmocka_unit_test(what_is_left_out_has_a_default),
		cmocka_unit_test(a_fault_names_its_line_and_its_mend),
		cmocka_unit_test(a_file_cut_anywhere_is_refused_or_whole),
		cmocka_unit_test(a_large_file_is_refused),
		cmocka_unit_test(an_address_comes_back_as_it_went),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
