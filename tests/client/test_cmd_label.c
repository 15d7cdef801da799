/* The offline nouns as a shell sees them: exit codes, one JSON on stdout. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>
#include <unistd.h>

#include "client/verbs.h"
#include "proto/base/json.h"

#define POLICIES                                                               \
	"--policy", "docs/policy/alliance.spif.xml", "--policy",               \
		"docs/policy/germany.spif.xml"
#define LABELS	   "docs/policy/labels/"
#define CLEARANCES "docs/policy/clearances/"

static char answer[65536];

/* Runs with stdout caught in `answer`, stderr thrown away. */
static int run(const char *const *words)
{
	FILE *out = tmpfile(), *err = tmpfile();
	int keep_out, keep_err, code, argc = 0;
	char *argv[34] = {(char *)"entente"};
	size_t n;

	assert_non_null(out);
	assert_non_null(err);
	for (; words[argc]; argc++)
		argv[argc + 1] = (char *)words[argc];
	argv[++argc] = NULL;
	fflush(stdout);
	keep_out = dup(1);
	keep_err = dup(2);
	dup2(fileno(out), 1);
	dup2(fileno(err), 2);
	code = verbs_run(argc, argv);
	fflush(stdout);
	dup2(keep_out, 1);
	dup2(keep_err, 2);
	close(keep_out);
	close(keep_err);
	rewind(out);
	n = fread(answer, 1, sizeof(answer) - 1, out);
	answer[n] = '\0';
	fclose(out);
	fclose(err);
	return code;
}

#define RUN(...) run((const char *const[]){__VA_ARGS__, NULL})

static void assert_rule(bool released, const char *rule)
{
	struct json *j = NULL;
	struct span text;
	bool yes;

	assert_false(
		failed(json_parse(span_of(answer, strcspn(answer, "\n")), &j)));
	assert_false(failed(json_get_bool(j, "released", &yes)));
	assert_false(failed(json_get_string(j, "rule", &text)));
	assert_int_equal(yes, released);
	assert_true(span_eq_str(text, rule));
	json_free(j);
	/* One document, and nothing after it. */
	assert_string_equal(strchr(answer, '\n'), "\n");
}

static void explain_says_released_or_not_with_its_rule(void **state)
{
	assert_int_equal(RUN("label", "explain", POLICIES, "--label",
			     LABELS "restricted-rel-deu-fra.xml", "--clearance",
			     CLEARANCES "fra-restricted.xml", "--json"),
			 0);
	assert_rule(true, "released");
	assert_int_equal(RUN("label", "explain", POLICIES, "--label",
			     LABELS "vs-nfd-rel-deu-fra.xml", "--clearance",
			     CLEARANCES "gbr-restricted.xml", "--json"),
			 2);
	assert_rule(false, "permissive:Releasable To");
}

static void what_cannot_be_read_is_not_released(void **state)
{
	assert_int_equal(RUN("label", "explain", POLICIES, "--label",
			     "no such file", "--clearance",
			     CLEARANCES "gbr-restricted.xml", "--json"),
			 2);
	assert_rule(false, "invalid-label");
	assert_int_equal(RUN("label", "explain", "--policy",
			     LABELS "unclassified.xml", "--label",
			     LABELS "unclassified.xml", "--clearance",
			     CLEARANCES "gbr-restricted.xml", "--json"),
			 2);
	assert_rule(false, "invalid-policy");
	assert_int_equal(RUN("label", "explain", POLICIES, "--label",
			     LABELS "unclassified.xml", "--clearance",
			     LABELS "unclassified.xml", "--json"),
			 2);
	assert_rule(false, "invalid-clearance");
}

static void wrong_words_are_usage(void **state)
{
	assert_int_equal(RUN("label"), 64);
	assert_int_equal(RUN("label", "guess"), 64);
	assert_int_equal(RUN("label", "explain"), 64);
	assert_int_equal(RUN("label", "explain", "--colour"), 64);
	assert_int_equal(RUN("label", "check", "--policy"), 64);
	assert_int_equal(RUN("label", "make", POLICIES, "--classification",
			     "RESTRICTED", "--category", "Releasable To"),
			 64);
	assert_int_equal(RUN("policy", "check"), 64);
	assert_int_equal(RUN("label", "--help"), 0);
	assert_int_equal(RUN("policy", "--help"), 0);
}

static void a_label_above_the_ceiling_fails_its_check(void **state)
{
	assert_int_equal(RUN("label", "check", POLICIES, "--label",
			     LABELS "confidential-rel-gbr-deu-fra.xml"),
			 0);
	assert_string_equal(answer, "CONFIDENTIAL\n");
	assert_int_equal(RUN("label", "check", POLICIES, "--label",
			     LABELS "confidential-rel-gbr-deu-fra.xml",
			     "--ceiling", "RESTRICTED"),
			 2);
}

static void make_writes_a_label_that_the_policy_allows(void **state)
{
	assert_int_equal(RUN("label", "make", POLICIES, "--classification",
			     "RESTRICTED", "--category",
			     "Releasable To=GBR,DEU"),
			 0);
	assert_non_null(strstr(answer, "<GenericValue>DEU</GenericValue>"));
	assert_int_equal(RUN("label", "make", POLICIES, "--classification",
			     "UNCLASSIFIED", "--category",
			     "Special Category=ORION"),
			 2);
	assert_string_equal(answer, "");
}

static void marking_and_policy_answer(void **state)
{
	assert_int_equal(RUN("label", "marking", POLICIES, "--label",
			     LABELS "restricted-rel-gbr.xml", "--lang", "fr"),
			 0);
	assert_string_equal(answer, "ENTENTE DIFFUSION RESTREINTE "
				    "Communicable à : Royaume-Uni\n");
	assert_int_equal(RUN("policy", "check",
			     "docs/policy/alliance.spif.xml"),
			 0);
	assert_int_equal(RUN("policy", "check", LABELS "unclassified.xml"), 2);
	assert_int_equal(RUN("policy", "check", "no such file"), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(explain_says_released_or_not_with_its_rule),
		cmocka_unit_test(what_cannot_be_read_is_not_released),
		cmocka_unit_test(wrong_words_are_usage),
		cmocka_unit_test(a_label_above_the_ceiling_fails_its_check),
		cmocka_unit_test(make_writes_a_label_that_the_policy_allows),
		cmocka_unit_test(marking_and_policy_answer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
