/*
 * `entente store check` on the folder of a relay as it is run: sound, damaged,
 * in use, never started; and what it says of each.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "client/files.h"
#include "tests/daemon/pad.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { SOUND = 0, NOT_LOOKED = 1, NOT_SOUND = 2, IN_USE = 69, NO_KEY = 77 };

static struct nation_daemon d;

static int begin(void **state)
{
	nation_daemon_new(&d, "GBR");
	return 0;
}

static int end(void **state)
{
	nation_daemon_free(&d);
	return 0;
}

static int check(const char *options, struct buf *said)
{
	char program[512];

	nation_daemon_program("entente", program);
	buf_init(said, 1 << 20);
	return nation_daemon_shell(said, 60,
				   "'%s' store check '%s' --passphrase-file "
				   "'%s' %s",
				   program, d.folder, d.secret, options);
}

static void says(const char *options, int code, const char *text)
{
	struct buf said;
	int is = check(options, &said);

	if (is != code || !strstr(buf_cstr(&said), text))
		fail_msg("exit %d: %s", is, buf_cstr(&said));
	buf_clear(&said);
}

static void write_some(void)
{
	struct buf content;
	struct doc_id id;
	struct pad pad;

	nation_daemon_subject(&d, "alice", "gbr-restricted", "GBR/ops");
	pad_new(&pad, &d, "alice");
	buf_init(&content, 1 << 20);
	while (content.len < 300000)
		buf_printf(&content, "%zu.", content.len);
	must(pad_put(&pad, "GBR/ops", "restricted-rel-gbr-deu-fra", "large",
		     buf_span(&content), &id, NULL));
	must(pad_put(&pad, "GBR/ops", "restricted-rel-gbr-deu-fra", "small",
		     span_str("small"), &id, NULL));
	buf_clear(&content);
	pad_free(&pad);
}

/* Zeros over a stretch of the file's second half, page headers and all. */
static void damage_pages(void)
{
	char path[NATION_DAEMON_PATH + 32];
	uint8_t zeros[4096] = {0};
	off_t len;
	int fd;

	snprintf(path, sizeof(path), "%s/store/records/data.mdb", d.folder);
	fd = open(path, O_RDWR | O_CLOEXEC);
	assert_true(fd >= 0);
	len = lseek(fd, 0, SEEK_END);
	for (off_t at = 2 * 4096; at < len; at += 4096)
		assert_int_equal(pwrite(fd, zeros, sizeof(zeros), at), 4096);
	close(fd);
}

static void a_store_is_checked_while_no_relay_works_in_it(void **state)
{
	says("", NOT_LOOKED, "the relay never started");
	says("--json", NOT_LOOKED, "\"name\":\"not-found\"");
	nation_daemon_start(&d);
	write_some();
	says("", IN_USE, "Stop the relay that works in this folder");
	says("--json", IN_USE, "\"name\":\"busy\"");
	nation_daemon_stop(&d);
	says("", SOUND, "sound: ");
	says("--json", SOUND, "\"sound\":true");
	/* It wrote nothing that a relay minds. */
	nation_daemon_start(&d);
	nation_daemon_kill(&d);
	says("--json", SOUND, "\"segments\":2");
	must(files_write(d.secret, span_str("another passphrase\n"), 0600));
	says("", NO_KEY, "root.key");
	must(files_write(d.secret, span_str(NATION_DAEMON_PASSPHRASE "\n"),
			 0600));
	damage_pages();
	says("", NOT_SOUND, "backup");
	says("--json", NOT_SOUND, "\"error\"");
}

/* A folder in the way of a file: the first start fails there, and leaves what
 * a crash at this place leaves. */
static void goes_on_after(const char *name)
{
	struct nation_daemon first;
	char path[NATION_DAEMON_PATH + 64];

	nation_daemon_new(&first, "GBR");
	snprintf(path, sizeof(path), "%s/%s", first.folder, name);
	must(files_make_folder(path));
	nation_daemon_begin(&first);
	while (!nation_daemon_logged(&first, "failed to start"))
		nation_daemon_sleep_ms(20);
	nation_daemon_kill(&first);
	assert_int_equal(rmdir(path), 0);
	nation_daemon_start(&first);
	nation_daemon_stop(&first);
	nation_daemon_free(&first);
}

/* It is the ring that says whether a first start came so far, and the start
 * file whether it ended. */
static void a_first_start_that_was_cut_short_goes_on(void **state)
{
	goes_on_after("keys/replica.new");
	goes_on_after("store/ring.new");
	goes_on_after("store/records/data.mdb");
	goes_on_after("store/segments/data.mdb");
}

/* Of what is gone there is no new one: the relay says so. */
static void a_store_that_was_lost_is_not_made_again(void **state)
{
	struct nation_daemon lost;
	struct buf said;

	nation_daemon_new(&lost, "GBR");
	nation_daemon_start(&lost);
	nation_daemon_stop(&lost);
	buf_init(&said, 4096);
	assert_int_equal(nation_daemon_shell(&said, 10,
					     "rm -r '%s/store/records'",
					     lost.folder),
			 0);
	nation_daemon_begin(&lost);
	while (!nation_daemon_logged(&lost, "failed to start"))
		nation_daemon_sleep_ms(20);
	assert_true(nation_daemon_logged(&lost, "no store in this folder"));
	buf_clear(&said);
	nation_daemon_free(&lost);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_store_is_checked_while_no_relay_works_in_it),
		cmocka_unit_test(a_first_start_that_was_cut_short_goes_on),
		cmocka_unit_test(a_store_that_was_lost_is_not_made_again),
	};

	return cmocka_run_group_tests(tests, begin, end);
}
