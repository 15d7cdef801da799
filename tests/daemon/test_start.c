/* How a relay starts, what its processes are, and how it says no to that. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "client/files.h"
#include "tests/daemon/nation_daemon.h"

#include <stdio.h>
#include <stdlib.h>

static struct nation_daemon d;

static int start(void **state)
{
	nation_daemon_new(&d, "GBR");
	nation_daemon_start(&d);
	return 0;
}

static int stop(void **state)
{
	nation_daemon_stop(&d);
	nation_daemon_free(&d);
	return 0;
}

static void a_role_maps_only_what_it_needs(void **state)
{
	static const struct {
		enum nation_daemon_role role;
		const char *has, *has_not[4];
	} rows[] = {
		{ROLE_GUARD, "lmdb", {"nghttp2", "libssl", "yaml"}},
		{ROLE_FRONT, "nghttp2", {"lmdb", "libxml2", "yaml"}},
		{ROLE_LINK, "nghttp2", {"lmdb", "libxml2", "yaml"}},
		{ROLE_SUPERVISOR,
		 "yaml",
		 {"nghttp2", "libssl", "lmdb", "libxml2"}},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		pid_t pid = nation_daemon_pid(&d, rows[i].role);

		assert_true(pid > 0);
		if (!nation_daemon_maps(pid, "libc.so")) {
			printf("skipped: 1 cases: the maps of the %s may not "
			       "be read\n",
			       nation_daemon_role_name(rows[i].role));
			continue;
		}
		assert_true(nation_daemon_maps(pid, rows[i].has));
		for (int k = 0; k < 4 && rows[i].has_not[k]; k++)
			assert_false(
				nation_daemon_maps(pid, rows[i].has_not[k]));
	}
}

/* ---- refusals to start ---- */

/* Starts another daemon on a folder, which must end by itself: its status,
 * and what it said. */
static int try_start(const char *folder, const char *secret, struct buf *said)
{
	char program[512];
	int status;

	nation_daemon_program("entented", program);
	buf_init(said, 1 << 20);
	status = nation_daemon_shell(
		said, 20, "exec '%s' --folder '%s' --passphrase-file '%s'",
		program, folder, secret);
	printf("exit %d: %s", status, buf_cstr(said));
	return status;
}

/* A copy of the relay's folder; `config` is what becomes of its
 * entente.yaml, by sed. */
static void copy_folder(char out[NATION_DAEMON_PATH], const char *name,
			const char *sed)
{
	snprintf(out, NATION_DAEMON_PATH, "%s/%s", d.base, name);
	assert_int_equal(nation_daemon_shell(NULL, 20,
					     "cp -a '%s' '%s' && sed -i '%s' "
					     "'%s/entente.yaml'",
					     d.folder, out, sed, out),
			 0);
}

static const char any_port[] = "s/127.0.0.1:[0-9]*/127.0.0.1:0/";

static void assert_says(const struct buf *said, const char *text)
{
	if (!strstr(buf_cstr((struct buf *)said), text))
		fail_msg("wanted `%s` in: %s", text,
			 buf_cstr((struct buf *)said));
}

static void a_second_daemon_on_one_folder_is_refused(void **state)
{
	char path[NATION_DAEMON_PATH + 32];
	struct buf said;
	int status;

	/* On ports of its own, so that it is the folder that is taken. */
	assert_int_equal(nation_daemon_shell(NULL, 5,
					     "cp '%s/entente.yaml' '%s/kept' "
					     "&& sed -i '%s' "
					     "'%s/entente.yaml'",
					     d.folder, d.base, any_port,
					     d.folder),
			 0);
	status = try_start(d.folder, d.secret, &said);
	snprintf(path, sizeof(path), "entented: %s: ", d.folder);
	assert_int_equal(nation_daemon_shell(NULL, 5,
					     "mv '%s/kept' "
					     "'%s/entente.yaml'",
					     d.base, d.folder),
			 0);
	assert_int_equal(status, 1);
	assert_says(&said, path);
	assert_says(&said, "another process has this store open");
	assert_says(&said, "Stop the daemon that works in this folder");
	buf_clear(&said);
	/* The first is none the worse. */
	assert_true(nation_daemon_audit_is_sound(&d));
}

static void a_port_in_use_is_named(void **state)
{
	char folder[NATION_DAEMON_PATH], port[32];
	struct buf said;

	copy_folder(folder, "same-port", "s/^x/x/");
	assert_int_equal(try_start(folder, d.secret, &said), 1);
	snprintf(port, sizeof(port), "127.0.0.1:%u", d.device);
	assert_says(&said, port);
	assert_says(&said, "Address already in use");
	assert_says(&said, "change listen.device");
	buf_clear(&said);
}

static void a_wrong_passphrase_is_told(void **state)
{
	char secret[NATION_DAEMON_PATH];
	struct buf said;

	snprintf(secret, sizeof(secret), "%s/wrong", d.base);
	must(files_write(secret, span_str("open sesame\n"), 0600));
	assert_int_equal(try_start(d.folder, secret, &said), 77);
	assert_says(&said, "relay/keys/root.key: the passphrase does not open "
			   "it");
	assert_says(&said, "Give the passphrase that `entente init` was given");
	buf_clear(&said);
}

static void an_unknown_key_is_named_with_its_line(void **state)
{
	char folder[NATION_DAEMON_PATH], where[NATION_DAEMON_PATH + 32];
	struct buf said;

	copy_folder(folder, "unknown-key", "2i colour: green");
	assert_int_equal(try_start(folder, d.secret, &said), 78);
	snprintf(where, sizeof(where), "%s/entente.yaml:2: ", folder);
	assert_says(&said, where);
	assert_says(&said, "unknown key `colour`");
	assert_says(&said, "remove it");
	buf_clear(&said);
}

/* The number of the format before the replica's name in the store's header:
 * written one higher wherever it stands. */
static unsigned raise_format(const char *folder)
{
	char path[NATION_DAEMON_PATH + 32];
	unsigned count = 0;
	struct buf file;

	snprintf(path, sizeof(path), "%s/store/records/data.mdb", folder);
	buf_init(&file, 64 << 20);
	must(files_read(path, &file));
	for (size_t i = 0; i + 24 < file.len; i++)
		if (!memcmp(file.at + i, "\0\0\0\1", 4) &&
		    !memcmp(file.at + i + 20, "GBR", 3)) {
			file.at[i + 3]++;
			count++;
		}
	must(files_write(path, buf_span(&file), 0600));
	buf_clear(&file);
	return count;
}

static void a_store_of_a_newer_build_is_refused(void **state)
{
	char folder[NATION_DAEMON_PATH];
	struct buf said;
	int status;

	nation_daemon_stop(&d);
	copy_folder(folder, "newer", any_port);
	nation_daemon_start(&d);
	assert_true(raise_format(folder) > 0);
	status = try_start(folder, d.secret, &said);
	assert_int_equal(status, 1);
	assert_says(&said, folder);
	assert_says(&said, "a newer build wrote this store");
	assert_says(&said, "Start it with the build that wrote it");
	buf_clear(&said);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_role_maps_only_what_it_needs),
		cmocka_unit_test(a_second_daemon_on_one_folder_is_refused),
		cmocka_unit_test(a_port_in_use_is_named),
		cmocka_unit_test(a_wrong_passphrase_is_told),
		cmocka_unit_test(an_unknown_key_is_named_with_its_line),
		cmocka_unit_test(a_store_of_a_newer_build_is_refused),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
