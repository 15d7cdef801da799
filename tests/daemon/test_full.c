/*
 * No room, and a disk that fails: the disk is full, the quota is reached, a
 * write or a flush gives EIO.  What was acknowledged is there afterwards; who
 * is refused is told what mends it; writes come back by themselves.  Each
 * process stays under the cap that docs/OPERATING.md states.
 */
#define _GNU_SOURCE /* unshare */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "tests/daemon/pad.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	KEPT_MAX = 256,
	REFUSED = 12,
	CONTENT = 60 * 1000,
	BACK_MS = 20 * 1000, /* for writes to come back */
	ROOM = 512 * 1024,   /* that the filler leaves of the disk */
	ROOM_QUOTA = 6 << 20,
	ANON_MAX = 32 << 20, /* RssAnon of each process */
};

#define LABEL "restricted-rel-gbr-deu-fra"

/* What was acknowledged. */
struct kept {
	struct doc_id id;
	unsigned number;
	bool deleted;
};

/* One relay, a device that writes and one that only reads. */
static struct nation_daemon gbr;
static struct pad writer, reader;
static struct kept kept[KEPT_MAX];
static size_t kept_count;
static unsigned numbers;
static uint64_t most[ROLES];

/* The last refusal as it came over the wire, and how many of each. */
static struct {
	int status;
	char body[1024];
	unsigned full, busy, fault;
	unsigned lists, contents; /* that were answered */
} seen;

static void on_answer(void *self, const char *target, int status,
		      struct span body)
{
	seen.lists += status < 300 && !strncmp(target, "/v1/changes", 11);
	seen.contents += status < 300 && strstr(target, "/content?revision=");
	if (status < 400 || status == 401) /* 401: a nonce was wanting */
		return;
	seen.status = status;
	snprintf(seen.body, sizeof(seen.body), "%.*s", (int)body.len,
		 (const char *)body.at);
	seen.full += status == 507;
	seen.busy += status == 503;
	seen.fault += status == 500;
}

/* ---- memory ---- */

/* Also of those that were started again. */
static void look(void)
{
	for (int i = 0; i < ROLES; i++) {
		pid_t pid = nation_daemon_pid(&gbr, (enum nation_daemon_role)i);
		uint64_t now = pid ? nation_daemon_anon(pid) : 0;

		if (now > most[i])
			most[i] = now;
	}
}

static void check_memory(const char *when)
{
	look();
	for (int i = 0; i < ROLES; i++) {
		printf("%s: %s held %llu KiB at most\n", when,
		       nation_daemon_role_name((enum nation_daemon_role)i),
		       (unsigned long long)most[i] / 1024);
		assert_true(most[i] > 0);
		assert_true(most[i] < ANON_MAX);
	}
}

/* ---- documents ---- */

static void make_content(unsigned number, struct buf *out)
{
	buf_init(out, CONTENT + 64);
	buf_printf(out, "number %u\n", number);
	while (out->len < CONTENT)
		buf_printf(out, "%u.", number);
}

static struct err write_one(void)
{
	struct kept *k = &kept[kept_count];
	struct buf content;
	char title[32];
	struct err e;

	assert_true(kept_count < KEPT_MAX);
	*k = (struct kept){.number = ++numbers};
	snprintf(title, sizeof(title), "%u", k->number);
	make_content(k->number, &content);
	e = pad_put(&writer, "GBR/ops", LABEL, title, buf_span(&content),
		    &k->id, NULL);
	buf_clear(&content);
	if (!failed(e))
		kept_count++;
	look();
	return e;
}

static void write_some(unsigned count)
{
	while (count--)
		must(write_one());
}

/* Until one is refused for want of room; what is told then. */
static void write_until_full(void)
{
	struct err e;

	memset(&seen, 0, sizeof(seen));
	do
		e = write_one();
	while (!failed(e));
	assert_int_equal(e.code, ERR_DISK_FULL);
	assert_int_equal(seen.status, 507);
	assert_non_null(strstr(seen.body, "/problems/insufficient-storage"));
	assert_non_null(strstr(seen.body, "\"mend\":\"Try again when operators "
					  "have made room.\""));
}

/* The relay itself is not restarted; what failed is asked again meanwhile. */
static void writes_come_back(void)
{
	uint64_t began = nation_daemon_now_ms();
	struct err e;

	do {
		e = pad_resume(&writer);
		if (!failed(e))
			e = write_one();
		if (failed(e))
			nation_daemon_sleep_ms(300);
	} while (failed(e) && nation_daemon_now_ms() - began < BACK_MS);
	must(e);
	printf("writes came back after %llu ms\n",
	       (unsigned long long)(nation_daemon_now_ms() - began));
	write_some(3);
}

static bool reads(struct pad *p, const struct kept *k)
{
	struct buf want, got;
	bool same;
	struct err e;

	buf_init(&got, 1 << 20);
	e = pad_read(p, k->id, &got);
	make_content(k->number, &want);
	same = !failed(e) && span_eq(buf_span(&want), buf_span(&got));
	if (!same)
		fprintf(stderr, "number %u: %s %s\n", k->number,
			err_row(e.code)->name, e.detail ? e.detail : "");
	buf_clear(&want);
	buf_clear(&got);
	return same;
}

static void check_all_kept(struct pad *p)
{
	must(pad_sync(p));
	for (size_t i = 0; i < kept_count; i++)
		if (!kept[i].deleted)
			assert_true(reads(p, &kept[i]));
	look();
}

/* ---- the world ---- */

/* On the disk at `parent`, NULL: /tmp. */
static void begin(const char *parent, const char *guard)
{
	kept_count = 0;
	numbers = 0;
	memset(most, 0, sizeof(most));
	nation_daemon_new_at(&gbr, "GBR", parent);
	gbr.guard = guard;
	nation_daemon_start(&gbr);
	nation_daemon_subject(&gbr, "alice", "gbr-restricted", "GBR/ops");
	pad_new(&writer, &gbr, "alice");
	pad_new(&reader, &gbr, "alice");
	writer.watch.answer = reader.watch.answer = on_answer;
	write_some(3);
	must(pad_sync(&reader));
	assert_true(reads(&reader, &kept[0]));
}

/* A device that saw nothing of it finds everything. */
static void end(const char *when)
{
	struct pad new;

	pad_new(&new, &gbr, "alice");
	check_all_kept(&new);
	pad_free(&new);
	assert_true(nation_daemon_audit_is_sound(&gbr));
	check_memory(when);
	pad_free(&writer);
	pad_free(&reader);
	nation_daemon_stop(&gbr);
	nation_daemon_free(&gbr);
}

/* ---- the disk is full ---- */

static char disk[] = "/tmp/entente-full-XXXXXX";

/* A small disk, in mounts that end with this process. */
static bool mounted(void)
{
	return unshare(CLONE_NEWNS) == 0 &&
	       mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
	       mount("tmpfs", disk, "tmpfs", 0, "size=24m") == 0;
}

/* Tried by a child first: whoever fails half way has left his mounts. */
static bool mount_disk(void)
{
	int status = 1;
	pid_t child;

	if (!mkdtemp(disk))
		fail_msg("no folder");
	child = fork();
	if (child == 0)
		_exit(mounted() ? 0 : 1);
	if (child > 0 && waitpid(child, &status, 0) == child && status == 0 &&
	    mounted())
		return true;
	printf("skipped: 1 cases: no disk can be mounted here\n");
	rmdir(disk);
	return false;
}

static void unmount_disk(void)
{
	assert_int_equal(umount2(disk, MNT_DETACH), 0);
	assert_int_equal(rmdir(disk), 0);
}

/* All of the disk but ROOM. */
static void fill_disk(const char *path)
{
	static const uint8_t zeros[65536];
	int fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
	off_t len;

	assert_true(fd >= 0);
	while (write(fd, zeros, sizeof(zeros)) > 0)
		;
	len = lseek(fd, 0, SEEK_END);
	assert_true(len > ROOM);
	assert_int_equal(ftruncate(fd, len - ROOM), 0);
	close(fd);
}

static void a_full_disk_refuses_writes_until_there_is_room(void **state)
{
	char filler[64];
	pid_t guard;

	if (!mount_disk())
		return;
	begin(disk, NULL);
	guard = nation_daemon_pid(&gbr, ROLE_GUARD);
	snprintf(filler, sizeof(filler), "%s/filler", disk);
	fill_disk(filler);
	write_until_full();
	printf("the disk is full: %zu acknowledged, then %s\n", kept_count,
	       seen.body);
	/* Again and again: it stays a refusal, and memory stays. */
	for (int i = 0; i < REFUSED; i++)
		assert_int_equal(write_one().code, ERR_DISK_FULL);
	/* Lists go on, and contents whose keys are here; an answer with keys
	 * is a record first, so without room there is none. */
	memset(&seen, 0, sizeof(seen));
	for (int i = 0; i < 10; i++) {
		struct err e = pad_sync(&reader);

		assert_true(!failed(e) || e.code == ERR_DISK_FULL);
	}
	assert_true(seen.lists >= 10);
	assert_true(reads(&reader, &kept[1]));
	assert_true(reads(&reader, &kept[2]));
	assert_int_equal(seen.contents, 2);
	/* The operator still sees his relay. */
	assert_int_equal(nation_daemon_entente(&gbr, NULL, "status --folder @"),
			 0);
	assert_int_equal(unlink(filler), 0);
	writes_come_back();
	check_all_kept(&reader);
	assert_int_equal(nation_daemon_pid(&gbr, ROLE_GUARD), guard);
	end("disk full");
	unmount_disk();
}

/* ---- the quota is reached ---- */

static uint64_t number_in_status(const char *name)
{
	struct buf said;
	const char *at;
	uint64_t n = 0;

	buf_init(&said, 1 << 20);
	assert_int_equal(nation_daemon_entente(&gbr, &said,
					       "status --folder @"),
			 0);
	at = strstr(buf_cstr(&said), name);
	if (!at)
		fail_msg("no %s in %s", name, buf_cstr(&said));
	at += strlen(name);
	at += strspn(at, " ");
	n = strncmp(at, "yes", 3) == 0 ? 1 : strtoull(at, NULL, 10);
	buf_clear(&said);
	return n;
}

static void set_quota(uint64_t bytes)
{
	assert_int_equal(
		nation_daemon_shell(NULL, 10,
				    "sed -i 's/^quota_bytes:.*/quota_bytes: "
				    "%llu/' %s/entente.yaml",
				    (unsigned long long)bytes, gbr.folder),
		0);
	nation_daemon_stop(&gbr);
	nation_daemon_start(&gbr);
	pad_leave(&writer);
	pad_leave(&reader);
}

static void a_quota_refuses_writes_until_there_is_room(void **state)
{
	uint64_t quota;
	size_t full;

	begin(NULL, NULL);
	quota = number_in_status("store.used") + ROOM_QUOTA;
	set_quota(quota);
	assert_int_equal(number_in_status("store.full"), 0);
	write_until_full();
	full = kept_count;
	printf("quota: %zu acknowledged, then %s\n", full, seen.body);
	assert_int_equal(number_in_status("store.full"), 1);
	assert_true(number_in_status("store.used") >= quota / 100 * 95);
	for (int i = 0; i < REFUSED; i++)
		assert_int_equal(write_one().code, ERR_DISK_FULL);
	assert_true(number_in_status("store.used") <= quota);
	/* Everything is readable, with keys that nobody had asked for. */
	check_all_kept(&reader);
	/* Deleting goes on; what is recalled is room for others. */
	must(pad_sync(&writer));
	must(pad_state(&writer, kept[1].id, STATEMENT_DELETE, NULL));
	kept[1].deleted = true;
	for (size_t i = 2; i < full / 2; i++) {
		must(pad_state(&writer, kept[i].id, STATEMENT_RECALL, NULL));
		kept[i].deleted = true;
	}
	writes_come_back();
	assert_int_equal(number_in_status("store.full"), 0);
	/* And so does a larger quota. */
	write_until_full();
	set_quota(quota * 2);
	writes_come_back();
	end("quota");
}

/* ---- the disk fails ---- */

static void set_fault(const char *name, bool on)
{
	char path[NATION_DAEMON_PATH + 32];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", gbr.folder, name);
	if (!on) {
		assert_int_equal(unlink(path), 0);
		return;
	}
	fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	close(fd);
}

/* Nothing is acknowledged while it lasts; nothing that was is lost. */
static void fails_and_comes_back(const char *fault)
{
	pid_t guard = nation_daemon_pid(&gbr, ROLE_GUARD);
	uint64_t until = nation_daemon_now_ms() + 4000;
	unsigned refused = 0, lists = 0;

	memset(&seen, 0, sizeof(seen));
	set_fault(fault, true);
	while (nation_daemon_now_ms() < until) {
		assert_true(failed(write_one()));
		refused++;
		lists += !failed(pad_sync(&reader));
		nation_daemon_sleep_ms(20);
	}
	assert_true(nation_daemon_logged(&gbr, "store-dead"));
	set_fault(fault, false);
	printf("%s: %u writes refused (503: %u, 500: %u), %u lists answered, "
	       "last %s\n",
	       fault, refused, seen.busy, seen.fault, lists, seen.body);
	assert_true(seen.busy > 0);
	assert_non_null(strstr(seen.body, "\"mend\":\""));
	writes_come_back();
	assert_int_not_equal(nation_daemon_pid(&gbr, ROLE_GUARD), guard);
	check_all_kept(&reader);
}

static void a_disk_that_fails_ends_the_guard_and_loses_nothing(void **state)
{
	begin(NULL, "tests/daemon/failing-guard");
	fails_and_comes_back("fail-sync");
	fails_and_comes_back("fail-write");
	end("disk that fails");
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			a_full_disk_refuses_writes_until_there_is_room),
		cmocka_unit_test(a_quota_refuses_writes_until_there_is_room),
		cmocka_unit_test(
			a_disk_that_fails_ends_the_guard_and_loses_nothing),
	};

	if (argc > 1)
		cmocka_set_test_filter(argv[1]);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
