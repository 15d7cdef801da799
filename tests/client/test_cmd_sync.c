/* Folders in step, against a relay: what is sent, written, kept, removed. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "client/sync_name.h"
#include "proto/base/json.h"
#include "tests/client/command.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define LABEL "docs/policy/labels/restricted-rel-gbr-deu-fra.xml"

static struct command_relay relay;
static bool has_relay;

static int start(void **state)
{
	has_relay = command_relay_start(&relay);
	if (has_relay) {
		command_enrol(&relay, "alice", "write,label,delete");
		command_enrol(&relay, "bob", "write");
	}
	return 0;
}

static int stop(void **state)
{
	command_relay_stop(&relay);
	return 0;
}

#define NEEDS_RELAY()                                                          \
	do {                                                                   \
		if (!has_relay)                                                \
			return;                                                \
	} while (0)

static int sync_as(const char *device, const char *folder, const char *more)
{
	return COMMAND("sync", command_path(&relay, folder), "--device",
		       command_path(&relay, device), "--space", "GBR/ops",
		       "--label", LABEL, "--json", more);
}

static void in_step(const char *device, const char *folder)
{
	if (sync_as(device, folder, NULL) != 0)
		fail_msg("sync: %s", command_err);
}

static uint64_t told(const char *name)
{
	struct json *json = NULL;
	uint64_t n = 999;

	assert_false(failed(json_parse(span_str(command_out), &json)));
	assert_false(failed(json_get_u64(json, name, &n)));
	json_free(json);
	return n;
}

static bool there(const char *name)
{
	struct stat st;

	return lstat(command_path(&relay, name), &st) == 0;
}

static void assert_text(const char *name, const char *text)
{
	char have[4096];
	FILE *f = fopen(command_path(&relay, name), "rb");

	if (!f)
		fail_msg("%s is not there", name);
	have[fread(have, 1, sizeof(have) - 1, f)] = 0;
	fclose(f);
	assert_string_equal(have, text);
}

static void put(const char *name, const char *text)
{
	command_write(&relay, name, text, strlen(text));
}

/* ---- names ---- */

static void assert_name(const char *title, const char *wanted)
{
	struct doc_id id = {.at = {1}};
	char name[SYNC_NAME_MAX + 1];

	sync_name(span_str(title), id, NULL, name);
	assert_string_equal(name, wanted);
}

static void titles_of_others_make_harmless_names(void **state)
{
	assert_name("plan.txt", "plan.txt");
	assert_name("../../etc/passwd", "_._.._etc_passwd");
	assert_name("..", "_.");
	assert_name(".ssh", "_ssh");
	assert_name("-rf", "_rf");
	assert_name("a/b\\c", "a_b_c");
	assert_name("a\nb\x1b[2J", "a?b?[2J");
	assert_name("a\xc2\x9b"
		    "b",
		    "a?b");
	assert_name("txt.\xe2\x80\xae"
		    "exe",
		    "txt.?exe");
	assert_name("\xff\xfe", "??");
	assert_name("pl\xc3\xa4ne.txt", "pl\xc3\xa4ne.txt");
	/* Never the label of somebody's next file. */
	assert_name("plan.txt.label.xml", "plan.txt.label.xml_");
	assert_name("plan.entente-new", "plan.entente-new_");
	assert_name("", "01000000-0000-0000-0000-000000000000");
	assert_name("   ", "_");
}

static void long_titles_end_between_characters(void **state)
{
	struct doc_id id = {.at = {1}};
	struct dot dot = {{{"GBR"}, 1}, 18446744073709551615u};
	char title[1200], name[SYNC_NAME_MAX + 1];

	for (size_t i = 0; i < 1199; i += 3)
		memcpy(title + i, "\xe2\x82\xac", 3);
	title[1197] = 0;
	sync_name(span_str(title), id, NULL, name);
	assert_int_equal(strlen(name) % 3, 0);
	assert_true(strlen(name) >= 170);
	sync_name(span_str(title), id, &dot, name);
	assert_non_null(strstr(name, " (conflict GBR.1:1844"));
	sync_name_own(id, name);
	assert_true(strlen(name) <= SYNC_NAME_MAX);
}

/* ---- with a relay ---- */

static void files_travel_and_edits_follow(void **state)
{
	NEEDS_RELAY();
	in_step("alice", "a");
	put("a/one.txt", "one");
	in_step("alice", "a");
	assert_int_equal(told("sent"), 1);
	in_step("alice", "a");
	assert_int_equal(told("sent"), 0);
	in_step("bob", "b");
	assert_text("b/one.txt", "one");
	put("b/one.txt", "one, and more");
	in_step("bob", "b");
	in_step("alice", "a");
	assert_text("a/one.txt", "one, and more");
}

static void edits_of_two_stand_beside_each_other(void **state)
{
	DIR *dir;
	struct dirent *entry;
	unsigned conflicts = 0;

	NEEDS_RELAY();
	put("a/two.txt", "two");
	in_step("alice", "a");
	in_step("bob", "b");
	put("a/two.txt", "alice's");
	put("b/two.txt", "bob's");
	in_step("alice", "a");
	in_step("bob", "b");
	in_step("alice", "a");
	dir = opendir(command_path(&relay, "a"));
	while ((entry = readdir(dir)))
		conflicts += strstr(entry->d_name, "two (conflict ") != NULL;
	closedir(dir);
	assert_int_equal(conflicts, 1);
	assert_true(there("a/two.txt"));
}

static void what_was_removed_stays_away_until_it_is_asked_for(void **state)
{
	NEEDS_RELAY();
	put("a/three.txt", "three");
	in_step("alice", "a");
	in_step("bob", "b");
	assert_int_equal(unlink(command_path(&relay, "a/three.txt")), 0);
	in_step("alice", "a");
	assert_int_equal(told("away"), 1);
	assert_non_null(strstr(command_err, "three.txt"));
	assert_non_null(strstr(command_err, "--restore"));
	assert_false(there("a/three.txt"));
	/* Also where others write on; and then it is not deleted unseen. */
	put("b/three.txt", "three, by bob");
	in_step("bob", "b");
	assert_int_equal(sync_as("alice", "a", "--delete"), 0);
	assert_int_equal(told("deleted"), 0);
	assert_false(there("a/three.txt"));
	assert_int_equal(sync_as("alice", "a", "--restore"), 0);
	assert_text("a/three.txt", "three, by bob");
	/* Seen and removed: now it goes, for everyone. */
	assert_int_equal(unlink(command_path(&relay, "a/three.txt")), 0);
	assert_int_equal(sync_as("alice", "a", "--delete"), 0);
	assert_int_equal(told("deleted"), 1);
	in_step("bob", "b");
	assert_false(there("b/three.txt"));
}

static void who_may_not_delete_is_told_so(void **state)
{
	NEEDS_RELAY();
	put("a/four.txt", "four");
	in_step("alice", "a");
	in_step("bob", "b");
	assert_int_equal(unlink(command_path(&relay, "b/four.txt")), 0);
	assert_int_equal(sync_as("bob", "b", "--delete"), 77);
	command_member(NULL); /* one document */
	in_step("alice", "a");
	assert_true(there("a/four.txt"));
	assert_int_equal(sync_as("bob", "b", "--restore"), 0);
	assert_true(there("b/four.txt"));
}

static void an_empty_folder_in_its_place_deletes_nothing(void **state)
{
	NEEDS_RELAY();
	put("a/five.txt", "five");
	in_step("alice", "a");
	assert_int_equal(rename(command_path(&relay, "a"),
				command_path(&relay, "elsewhere")),
			 0);
	assert_int_equal(sync_as("alice", "a", "--delete"), 0);
	assert_int_equal(told("deleted"), 0);
	assert_text("a/five.txt", "five");
	/* And the folder that comes back is not sent a second time. */
	assert_int_equal(sync_as("alice", "elsewhere", NULL), 0);
	assert_int_equal(told("sent"), 0);
	in_step("alice", "a");
}

static void symbolic_links_are_not_followed(void **state)
{
	NEEDS_RELAY();
	assert_int_equal(symlink("/etc/hostname",
				 command_path(&relay, "a/link")),
			 0);
	assert_int_equal(symlink(command_path(&relay, "a"),
				 command_path(&relay, "to-a")),
			 0);
	in_step("alice", "a");
	assert_int_equal(told("sent"), 0);
	assert_non_null(strstr(command_err, "not followed"));
	assert_int_equal(sync_as("alice", "to-a", NULL), 64);
	/* A link in the place of a file is nobody's edit. */
	put("a/six.txt", "six");
	in_step("alice", "a");
	in_step("bob", "b");
	assert_int_equal(unlink(command_path(&relay, "a/six.txt")), 0);
	assert_int_equal(symlink("/etc/hostname",
				 command_path(&relay, "a/six.txt")),
			 0);
	put("b/six.txt", "six, by bob");
	in_step("bob", "b");
	in_step("alice", "a");
	assert_int_equal(told("sent"), 0);
	assert_int_equal(told("kept"), 1);
	assert_int_equal(unlink(command_path(&relay, "a/link")), 0);
	assert_int_equal(unlink(command_path(&relay, "a/six.txt")), 0);
	assert_int_equal(sync_as("alice", "a", "--restore"), 0);
	assert_text("a/six.txt", "six, by bob");
}

static void a_new_file_wants_space_and_label(void **state)
{
	NEEDS_RELAY();
	put("a/seven.txt", "seven");
	put("a/eight.txt", "eight");
	assert_int_equal(COMMAND("sync", command_path(&relay, "a"), "--device",
				 command_path(&relay, "alice"), "--space",
				 "GBR/ops", "--json"),
			 2);
	command_member(NULL); /* of two failures one document */
	assert_non_null(strstr(command_err, "seven.txt"));
	assert_non_null(strstr(command_err, "eight.txt"));
	in_step("alice", "a");
	assert_int_equal(told("sent"), 2);
}

/* ---- killed ---- */

/* The verb in a process that is killed after a random time. */
static void killed(const char *const *words, unsigned most_us)
{
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0)
		_exit(command(words));
	usleep((unsigned)rand() % most_us);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

/* How many documents have the title. */
static unsigned count_of(const char *title)
{
	const struct json *list;
	struct json *json = NULL;
	unsigned n = 0;
	struct span text;

	assert_false(failed(json_parse(span_str(command_out), &json)));
	assert_false(failed(json_get_array(json, "documents", &list)));
	for (size_t i = 0; i < json_count(list); i++) {
		assert_false(failed(
			json_get_string(json_at(list, i), "title", &text)));
		n += span_eq_str(text, title);
	}
	json_free(json);
	return n;
}

static void a_process_that_is_killed_leaves_a_whole_folder(void **state)
{
	static char text[600000];
	char device[600];

	NEEDS_RELAY();
	snprintf(device, sizeof(device), "%s/alice", relay.folder);
	srand(7);
	for (unsigned round = 0; round < 20; round++) {
		char name[64], folder[600], path[700];
		DIR *dir;
		struct dirent *entry;

		snprintf(folder, sizeof(folder), "%s/a", relay.folder);
		snprintf(name, sizeof(name), "a/killed%u.txt", round);
		memset(text, 'a' + (int)round, sizeof(text));
		command_write(&relay, name, text,
			      round % 3 ? 100 + round : sizeof(text));
		snprintf(path, sizeof(path), "%s/%s", relay.folder, name);
		killed((const char *const[]){"sync", folder, "--device", device,
					     "--space", "GBR/ops", "--label",
					     LABEL, NULL},
		       120000);
		snprintf(name, sizeof(name), "put%u", round);
		killed((const char *const[]){"doc", "put", path, "--title",
					     name, "--device", device,
					     "--space", "GBR/ops", "--label",
					     LABEL, NULL},
		       80000);
		dir = opendir(folder);
		while ((entry = readdir(dir)))
			assert_null(strstr(entry->d_name, SYNC_NEW_END));
		closedir(dir);
		/* The next one goes on, and nothing is there twice. */
		in_step("alice", "a");
		assert_int_equal(COMMAND("doc", "list", "--device", device,
					 "--json"),
				 0);
		assert_true(count_of(name) <= 1);
		snprintf(name, sizeof(name), "killed%u.txt", round);
		assert_int_equal(count_of(name), 1);
	}
	in_step("alice", "a");
	assert_int_equal(told("sent"), 0);
	assert_int_equal(told("written"), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(titles_of_others_make_harmless_names),
		cmocka_unit_test(long_titles_end_between_characters),
		cmocka_unit_test(files_travel_and_edits_follow),
		cmocka_unit_test(edits_of_two_stand_beside_each_other),
		cmocka_unit_test(
			what_was_removed_stays_away_until_it_is_asked_for),
		cmocka_unit_test(who_may_not_delete_is_told_so),
		cmocka_unit_test(an_empty_folder_in_its_place_deletes_nothing),
		cmocka_unit_test(symbolic_links_are_not_followed),
		cmocka_unit_test(a_new_file_wants_space_and_label),
		cmocka_unit_test(
			a_process_that_is_killed_leaves_a_whole_folder),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
