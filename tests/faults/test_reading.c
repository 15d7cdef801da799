/* What devices and nations read, while one call after the other fails. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "tests/faults/verb.h"

#define ASK "?ask=AAAAAAAAAAAAAAAAAAAAAA"

/* The same verbs for both. */
#define READING(by)                                                            \
	VERB(by, "GET", "/v1/relay"), VERB(by, "GET", "/v1/me"),               \
		VERB(by, "GET", "/v1/policy" ASK),                             \
		VERB(by, "GET", "/v1/labels/", .make = verb_of_label),         \
		VERB(by, "GET", "/v1/authors/", .make = verb_of_author),       \
		VERB(by, "GET", "/v1/changes" ASK,                             \
		     .end = verb_both_are_there),                              \
		VERB(by, "POST", "/v1/keys", .is_signed = true,                \
		     .make = verb_keys_of_both, .end = verb_keys_are_granted), \
		VERB(by, "GET", "/v1/documents/", .make = verb_of_plan),       \
		VERB(by, "GET", "/v1/documents/", .make = verb_of_book,        \
		     .end = verb_book_is_whole),                               \
		VERB(by, "GET", "/v1/documents/", .make = verb_of_book_range,  \
		     .end = verb_book_is_whole),                               \
		VERB(by, "HEAD", "/v1/documents/", .make = verb_of_book)

static const struct verb of_device[] = {READING(alice)};
static const struct verb of_nation[] = {
	READING(peer),
	VERB(peer, "GET", "/v1/peer/certificates"),
};

static void a_device_reads_or_is_told_why_not(void **state)
{
	verb_run(*state, of_device, sizeof(of_device) / sizeof(*of_device));
}

static void a_nation_reads_or_is_told_why_not(void **state)
{
	verb_run(*state, of_nation, sizeof(of_nation) / sizeof(*of_nation));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_device_reads_or_is_told_why_not),
		cmocka_unit_test(a_nation_reads_or_is_told_why_not),
	};

	return cmocka_run_group_tests(tests, verb_begin, verb_finish);
}
