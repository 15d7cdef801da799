/* The command against a relay: roles, exit codes, one JSON document, words. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "client/cli_table.h"
#include "tests/client/command.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define LABEL	  "docs/policy/labels/restricted-rel-gbr-deu-fra.xml"
#define NARROW	  "docs/policy/labels/restricted-rel-gbr.xml"
#define CLEARANCE "docs/policy/clearances/deu-restricted.xml"

static struct command_relay relay;
static bool has_relay;
static char alice[256], bob[256];

static int start(void **state)
{
	has_relay = command_relay_start(&relay);
	if (!has_relay)
		return 0;
	command_enrol(&relay, "alice", "write,label,delete,recall");
	command_enrol(&relay, "bob", "write");
	snprintf(alice, sizeof(alice), "%s/alice", relay.folder);
	snprintf(bob, sizeof(bob), "%s/bob", relay.folder);
	return 0;
}

static int stop(void **state)
{
	command_relay_stop(&relay);
	return 0;
}

#define RELAY(...)   COMMAND(__VA_ARGS__, "--folder", relay.gbr)
#define AS(who, ...) COMMAND(__VA_ARGS__, "--device", who)

static const char *put(const char *text)
{
	static char id[64];

	command_write(&relay, "text", text, strlen(text));
	assert_int_equal(AS(alice, "doc", "put", command_path(&relay, "text"),
			    "--space", "GBR/ops", "--label", LABEL, "--json"),
			 0);
	snprintf(id, sizeof(id), "%s", command_member("document"));
	return id;
}

/* ---- officers ---- */

static void each_verb_takes_the_role_that_it_needs(void **state)
{
	if (!has_relay)
		return;
	assert_int_equal(RELAY("status"), 0);
	assert_non_null(strstr(command_out, "\ncounts.subjects "));
	assert_non_null(strstr(command_out, "operator"));
	assert_int_equal(RELAY("audit", "list"), 0);
	assert_int_equal(RELAY("audit", "verify"), 0);
	assert_int_equal(RELAY("policy", "show", "--out",
			       command_path(&relay, "policy")),
			 0);
	assert_int_equal(RELAY("policy", "put",
			       command_path(&relay, "policy/00.spif.xml"),
			       command_path(&relay, "policy/01.spif.xml"),
			       "--json"),
			 0);
	command_member("digest");
	/* Another role than the verb's is the caller's to say. */
	assert_int_equal(RELAY("audit", "list", "--as", "operator"), 77);
}

static void a_role_that_is_not_here_is_named_with_its_file(void **state)
{
	char from[300], to[300];

	if (!has_relay)
		return;
	snprintf(from, sizeof(from), "%s/operator/auditor.pem", relay.gbr);
	snprintf(to, sizeof(to), "%s/away", relay.folder);
	assert_int_equal(rename(from, to), 0);
	assert_int_equal(RELAY("audit", "list", "--json"), 77);
	assert_string_equal(command_member(NULL), "");
	assert_non_null(strstr(command_err, from));
	assert_non_null(strstr(command_err, "--as ROLE"));
	assert_int_equal(rename(to, from), 0);
}

static void people_see_times_and_words(void **state)
{
	if (!has_relay)
		return;
	assert_int_equal(RELAY("subject", "list"), 0);
	assert_non_null(strstr(command_out, " bytes"));
	assert_null(strstr(command_out, "PD94bWw"));
	assert_int_equal(RELAY("device", "list"), 0);
	assert_non_null(strstr(command_out, "Z  20"));
	for (char *p = strtok(command_out, "\n"); p; p = strtok(NULL, "\n"))
		assert_true(strlen(p) < 180);
	assert_int_equal(RELAY("peer", "list"), 0);
	assert_string_equal(command_out, "peers: none\npending: none\n");
}

static void a_device_is_frozen_resumed_revoked(void **state)
{
	char token[4096], key[64], folder[256];

	if (!has_relay)
		return;
	snprintf(folder, sizeof(folder), "%s/second", relay.folder);
	if (RELAY("device", "invite", "bob") != 0)
		fail_msg("%s", command_err);
	snprintf(token, sizeof(token), "%s", command_line());
	assert_int_equal(COMMAND("device", "enrol", token, "--device", folder,
				 "--json"),
			 0);
	snprintf(key, sizeof(key), "%s", command_member("device"));
	/* A token counts once. */
	assert_int_not_equal(COMMAND("device", "enrol", token, "--device",
				     command_path(&relay, "third")),
			     0);
	assert_int_equal(RELAY("device", "freeze", key), 0);
	assert_int_equal(AS(folder, "doc", "list"), 77);
	assert_int_equal(RELAY("device", "resume", key), 0);
	assert_int_equal(AS(folder, "doc", "list"), 0);
	assert_int_equal(RELAY("device", "revoke", key), 0);
	assert_int_equal(AS(folder, "doc", "list", "--json"), 77);
	command_member(NULL);
	assert_int_not_equal(RELAY("device", "resume", key), 0);
}

/* ---- documents ---- */

static void a_document_lives_and_is_recalled(void **state)
{
	char id[64];

	if (!has_relay)
		return;
	snprintf(id, sizeof(id), "%s", put("hello"));
	assert_int_equal(AS(bob, "doc", "get", id), 0);
	assert_string_equal(command_out, "hello");
	assert_int_equal(AS(bob, "doc", "list"), 0);
	assert_non_null(strstr(command_out, id));
	assert_int_equal(AS(alice, "doc", "relabel", id, "--label", NARROW), 0);
	assert_int_equal(RELAY("doc", "why", id, "--clearance", CLEARANCE), 2);
	/* Rights are the subject's; and the refusal can be looked up. */
	assert_int_equal(AS(bob, "doc", "rm", id, "--json"), 77);
	command_member(NULL);
	assert_non_null(strstr(command_err, "reference: "));
	assert_int_equal(AS(alice, "doc", "recall", id), 0);
	assert_int_equal(AS(bob, "doc", "get", id, "--json", "--out",
			    command_path(&relay, "got")),
			 2);
	command_member(NULL);
	snprintf(id, sizeof(id), "%s", put("gone"));
	assert_int_equal(AS(alice, "doc", "rm", id), 0);
	assert_int_equal(AS(alice, "doc", "get", id), 2);
}

static void a_sealed_body_and_a_pem_are_for_curl(void **state)
{
	struct stat st;

	if (!has_relay)
		return;
	command_write(&relay, "text", "sealed", 6);
	assert_int_equal(AS(alice, "doc", "seal", command_path(&relay, "text"),
			    "--space", "GBR/ops", "--label", LABEL, "--out",
			    command_path(&relay, "body.json"), "--json"),
			 0);
	assert_int_equal(strlen(command_member("document")), 36);
	assert_int_equal(AS(alice, "device", "show", "--pem",
			    command_path(&relay, "pem")),
			 0);
	assert_int_equal(stat(command_path(&relay, "pem/device.key"), &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
}

/* ---- exit codes, help ---- */

static void exit_codes_tell_what_happened(void **state)
{
	assert_int_equal(COMMAND("no-such-thing", "--json"), 64);
	command_member(NULL);
	assert_int_equal(COMMAND("audit", "--json"), 64);
	command_member(NULL);
	assert_int_equal(COMMAND("doc", "put", "--json"), 64);
	command_member(NULL);
	assert_int_equal(COMMAND("doc", "get", "x", "--no-such-option"), 64);
	/* A folder that is none, and a file of another kind, are named. */
	assert_int_equal(COMMAND("store", "check", "/nowhere", "--json"), 64);
	command_member(NULL);
	assert_int_equal(COMMAND("status", "--folder", "/nowhere", "--json"),
			 64);
	command_member(NULL);
	assert_int_equal(COMMAND("tick", "verify", "README.md", "--json"), 64);
	command_member(NULL);
	if (!has_relay)
		return;
	assert_int_equal(COMMAND("status", "--folder", relay.gbr, "--relay",
				 "127.0.0.1:1", "--json"),
			 69);
	command_member(NULL);
	assert_int_equal(RELAY("explain", "--label", LABEL, "--space",
			       "GBR/ops", "--clearance", CLEARANCE),
			 0);
	assert_int_equal(RELAY("explain", "--label", NARROW, "--space",
			       "GBR/ops", "--clearance", CLEARANCE, "--json"),
			 2);
	assert_string_equal(command_member("rule"), "permissive:Releasable To");
	assert_int_equal(AS(alice, "doc", "put", "/no/such/file", "--space",
			    "GBR/ops", "--label", LABEL),
			 64);
}

static void every_verb_has_help_with_an_example(void **state)
{
	static char list[COMMAND_ROOM];
	char *save = NULL;
	unsigned verbs = 0;

	assert_int_equal(COMMAND("--help"), 0);
	snprintf(list, sizeof(list), "%s", command_out);
	for (char *p = strtok_r(list, "\n", &save); p;
	     p = strtok_r(NULL, "\n", &save)) {
		char noun[64], verb[64] = "";

		/* "  noun verb ARGUMENTS" */
		if (strncmp(p, "  ", 2) != 0 || p[2] == ' ')
			continue;
		assert_true(sscanf(p, "%63s %63s", noun, verb) >= 1);
		if (!strcmp(noun, "init") || !strcmp(noun, "status") ||
		    !strcmp(noun, "sync") || !strcmp(noun, "explain"))
			assert_int_equal(COMMAND(noun, "--help"), 0);
		else
			assert_int_equal(COMMAND(noun, verb, "--help"), 0);
		assert_non_null(strstr(command_out, "\nexample:\n  entente "));
		verbs++;
	}
	assert_true(verbs > 35);
}

static void spans_of_time_are_words(void **state)
{
	static const struct {
		uint64_t seconds;
		const char *text;
	} cases[] = {{0, "0 seconds"},	   {1, "1 second"},
		     {119, "119 seconds"}, {120, "2 minutes"},
		     {7200, "2 hours"},	   {200000, "2 days"}};
	struct buf text;

	buf_init(&text, 256);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		buf_reset(&text);
		cli_table_seconds(cases[i].seconds, &text);
		assert_string_equal(buf_cstr(&text), cases[i].text);
	}
	buf_reset(&text);
	cli_table_time(1795546500, &text);
	assert_string_equal(buf_cstr(&text), "2026-11-24T18:55:00Z");
	buf_clear(&text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_verb_takes_the_role_that_it_needs),
		cmocka_unit_test(
			a_role_that_is_not_here_is_named_with_its_file),
		cmocka_unit_test(people_see_times_and_words),
		cmocka_unit_test(a_device_is_frozen_resumed_revoked),
		cmocka_unit_test(a_document_lives_and_is_recalled),
		cmocka_unit_test(a_sealed_body_and_a_pem_are_for_curl),
		cmocka_unit_test(exit_codes_tell_what_happened),
		cmocka_unit_test(every_verb_has_help_with_an_example),
		cmocka_unit_test(spans_of_time_are_words),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
