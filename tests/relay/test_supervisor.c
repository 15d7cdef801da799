/* Processes of a whole daemon: long bodies, deaths, confinement, stopping. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "tests/relay/daemon.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MIB = 1024 * 1024, GROWTH_MAX = 8 * MIB };

static struct daemon d;

static int start(void **state)
{
	daemon_new(&d);
	return 0;
}

static int stop(void **state)
{
	if (d.pid)
		daemon_stop(&d);
	daemon_free(&d);
	return 0;
}

/* ---- memory of every process, watched ---- */

struct watch {
	pid_t pids[4];
	size_t before[4], most[4];
};

static void watch_begin(struct watch *w)
{
	w->pids[0] = d.pid;
	for (int i = 0; i < DAEMON_ROLES; i++)
		w->pids[i + 1] = daemon_child(&d, (enum daemon_role)i);
	for (int i = 0; i < 4; i++)
		w->most[i] = w->before[i] = daemon_resident(w->pids[i]);
}

static void watch_look(struct watch *w)
{
	for (int i = 0; i < 4; i++) {
		size_t now = daemon_resident(w->pids[i]);

		if (now > w->most[i])
			w->most[i] = now;
	}
}

static void watch_end(struct watch *w, const char *what)
{
	static const char *const names[] = {"supervisor", "guard", "link",
					    "front"};

	watch_look(w);
	for (int i = 0; i < 4; i++)
		printf("%s: %s grew by %zu KiB to %zu KiB\n", what, names[i],
		       (w->most[i] - w->before[i]) / 1024, w->most[i] / 1024);
	if (daemon_sanitized())
		return;
	for (int i = 0; i < 4; i++)
		assert_true(w->most[i] - w->before[i] <= GROWTH_MAX);
}

/* Runs until the exchange is over; looks at memory as it goes. */
static void run_watched(struct client *c, struct exchange *x, struct watch *w,
			int ms)
{
	uint64_t until = client_now_ms() + (uint64_t)ms;

	while (!client_run(c, x, 100) && !c->ended && client_now_ms() < until)
		watch_look(w);
	assert_true(x->over);
}

static uint64_t size_of_test(void)
{
	return daemon_sanitized() ? 32 * MIB : 256 * MIB;
}

static void a_long_download_takes_little_memory(void **state)
{
	uint64_t size = size_of_test();
	struct client c;
	struct exchange x = {0};
	struct watch w;
	char target[96];

	assert_true(daemon_connect(&d, &c));
	assert_int_equal(client_get(&c, "/v1/relay", &x), 200);
	exchange_clear(&x);
	watch_begin(&w);
	snprintf(target, sizeof(target), "/v1/documents/x/content?size=%llu",
		 (unsigned long long)size);
	x = (struct exchange){0};
	assert_true(client_ask(&c, &x, "GET", target, span_str(""), 0));
	run_watched(&c, &x, &w, 120000);
	assert_int_equal(x.status, 200);
	assert_int_equal(x.received, size);
	assert_true(x.answer_whole);
	watch_end(&w, "download");
	exchange_clear(&x);
	client_close(&c);
}

/* The client takes some and then rests: everything behind it rests too. */
static void a_slow_reader_takes_little_memory(void **state)
{
	struct client c;
	struct exchange x[4] = {0}, other;
	struct watch w;
	uint64_t seen;

	assert_true(daemon_connect(&d, &c));
	assert_int_equal(client_get(&c, "/v1/relay", &other), 200);
	exchange_clear(&other);
	watch_begin(&w);
	for (int i = 0; i < 4; i++) {
		x[i].read_slowly = true;
		assert_true(client_ask(&c, &x[i], "GET",
				       "/v1/documents/x/content?size=268435456",
				       span_str(""), 0));
	}
	for (int i = 0; i < 20; i++) {
		client_run(&c, NULL, 100);
		watch_look(&w);
	}
	seen = x[0].received;
	assert_true(seen > 0 && seen < 2 * MIB);
	/* A little at a time. */
	for (int i = 0; i < 40; i++) {
		struct exchange *one = &x[i % 4];

		h2_consume(c.h2, one->stream, (size_t)one->unconsumed);
		one->unconsumed = 0;
		client_run(&c, NULL, 20);
		watch_look(&w);
	}
	assert_true(x[0].received > seen);
	watch_end(&w, "slow reader");
	/* Another connection is served meanwhile. */
	{
		struct client c2;

		assert_true(daemon_connect(&d, &c2));
		assert_int_equal(client_get(&c2, "/v1/relay", &other), 200);
		exchange_clear(&other);
		client_close(&c2);
	}
	for (int i = 0; i < 4; i++)
		exchange_clear(&x[i]);
	client_close(&c);
}

static void upload(uint64_t size, const char *target, const char *what)
{
	struct client c;
	struct exchange x = {0};
	struct watch w;
	char want[96], got[256];

	assert_true(daemon_connect(&d, &c));
	assert_int_equal(client_get(&c, "/v1/relay", &x), 200);
	exchange_clear(&x);
	watch_begin(&w);
	x = (struct exchange){0};
	assert_true(client_ask(&c, &x, "POST", target, span_str(""), size));
	run_watched(&c, &x, &w, 120000);
	assert_int_equal(x.status, 201);
	snprintf(want, sizeof(want), "{\"bytes\":%llu,\"sum\":%llu}",
		 (unsigned long long)size, (unsigned long long)size);
	snprintf(got, sizeof(got), "%.*s", (int)x.answer.len,
		 (char *)x.answer.at);
	assert_string_equal(got, want);
	watch_end(&w, what);
	exchange_clear(&x);
	client_close(&c);
}

static void a_long_upload_takes_little_memory(void **state)
{
	upload(size_of_test(), "/v1/documents/x/content", "upload");
}

static void an_upload_to_a_slow_disk_takes_little_memory(void **state)
{
	upload(32 * MIB, "/v1/documents/x/content?slow=5000", "slow disk");
}

static void an_upload_that_is_cut_leaves_the_relay_well(void **state)
{
	struct client c;
	struct exchange x;

	for (int i = 0; i < 10; i++) {
		x = (struct exchange){0};
		assert_true(daemon_connect(&d, &c));
		assert_true(client_ask(&c, &x, "POST",
				       "/v1/documents/x/content?slow=2000",
				       span_str(""), 8 * MIB));
		client_run(&c, &x, 20 * i);
		exchange_clear(&x);
		client_close(&c);
	}
	assert_true(daemon_connect(&d, &c));
	assert_int_equal(client_get(&c, "/v1/relay", &x), 200);
	exchange_clear(&x);
	client_close(&c);
}

/* ---- what each process is ---- */

static bool maps(pid_t pid, const char *library)
{
	char path[64], line[1024];
	bool found = false;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/maps", pid);
	f = fopen(path, "re");
	while (f && fgets(line, sizeof(line), f))
		found |= strstr(line, library) != NULL;
	if (f)
		fclose(f);
	return found;
}

static void a_role_maps_only_what_it_needs(void **state)
{
	pid_t guard = daemon_child(&d, DAEMON_GUARD);
	pid_t front = daemon_child(&d, DAEMON_FRONT);
	pid_t link = daemon_child(&d, DAEMON_LINK);

	if (!maps(guard, "libc.so")) {
		printf("skipped: 1 cases: maps of the relay's processes may "
		       "not be read\n");
		return;
	}
	assert_false(maps(guard, "nghttp2"));
	assert_false(maps(guard, "libssl"));
	assert_false(maps(front, "lmdb"));
	assert_false(maps(front, "libxml2"));
	assert_false(maps(link, "lmdb"));
	assert_false(maps(d.pid, "nghttp2"));
	assert_false(maps(d.pid, "lmdb"));
	assert_true(maps(front, "nghttp2"));
}

static void each_role_is_confined(void **state)
{
	static const enum daemon_role roles[] = {DAEMON_GUARD, DAEMON_FRONT,
						 DAEMON_LINK};

	if (daemon_sanitized() || daemon_logged(&d, "seccomp=none")) {
		printf("skipped: 3 cases: no seccomp here\n");
		return;
	}
	for (int i = 0; i < 3; i++) {
		char path[64], line[256];
		int seccomp = 0, privileges = 0;
		FILE *f;

		snprintf(path, sizeof(path), "/proc/%d/status",
			 daemon_child(&d, roles[i]));
		f = fopen(path, "re");
		assert_non_null(f);
		while (fgets(line, sizeof(line), f)) {
			sscanf(line, "Seccomp: %d", &seccomp);
			sscanf(line, "NoNewPrivs: %d", &privileges);
		}
		fclose(f);
		assert_int_equal(seccomp, 2);
		assert_int_equal(privileges, 1);
	}
}

/* ---- deaths ---- */

static void a_killed_guard_costs_a_503_and_a_second(void **state)
{
	pid_t guard = daemon_child(&d, DAEMON_GUARD);
	struct client c;
	struct exchange waiting = {0}, x;
	uint64_t began;

	assert_true(daemon_connect(&d, &c));
	assert_true(client_ask(&c, &waiting, "GET", "/v1/changes", span_str(""),
			       0));
	client_run(&c, &waiting, 100);
	began = client_now_ms();
	kill(guard, SIGKILL);
	assert_true(client_run(&c, &waiting, 3000));
	assert_int_equal(waiting.status, 503);
	assert_string_equal(waiting.retry_after, "1");
	/* The connection lasts; until the next guard is there, 503. */
	for (;;) {
		int status = client_get(&c, "/v1/relay", &x);

		exchange_clear(&x);
		if (status == 200)
			break;
		assert_int_equal(status, 503);
		assert_true(client_now_ms() - began < 10000);
		usleep(20 * 1000);
	}
	printf("guard back after %llu ms\n",
	       (unsigned long long)(client_now_ms() - began));
	if (!daemon_sanitized())
		assert_true(client_now_ms() - began < 2000);
	exchange_clear(&waiting);
	client_close(&c);
}

static void a_killed_guard_cuts_streams_and_uploads(void **state)
{
	struct client c;
	struct exchange down = {0}, up = {0};
	pid_t guard = daemon_child(&d, DAEMON_GUARD);

	assert_true(daemon_connect(&d, &c));
	assert_true(
		client_ask(&c, &down, "GET",
			   "/v1/documents/x/content?size=268435456&slow=2000",
			   span_str(""), 0));
	assert_true(client_ask(&c, &up, "POST",
			       "/v1/documents/x/content?slow=5000",
			       span_str(""), 256 * MIB));
	client_run(&c, NULL, 500);
	assert_true(down.received > 0);
	kill(guard, SIGKILL);
	assert_true(client_run(&c, &down, 3000));
	assert_true(failed(down.why));
	client_run(&c, &up, 3000);
	assert_int_equal(up.status, 503);
	exchange_clear(&down);
	exchange_clear(&up);
	client_close(&c);
	daemon_wait_new(&d, DAEMON_GUARD, guard);
}

static void a_killed_front_closes_and_comes_back(void **state)
{
	pid_t front = daemon_child(&d, DAEMON_FRONT);
	struct client c;

	assert_true(daemon_connect(&d, &c));
	kill(front, SIGKILL);
	client_run(&c, NULL, 2000);
	assert_true(c.ended);
	client_close(&c);
	daemon_wait_new(&d, DAEMON_FRONT, front);
}

static void a_killed_link_comes_back(void **state)
{
	pid_t link = daemon_child(&d, DAEMON_LINK);

	kill(link, SIGKILL);
	daemon_wait_new(&d, DAEMON_LINK, link);
}

static int crash(const char *method, const char *target)
{
	struct client c;
	struct exchange x = {0};

	assert_true(daemon_connect(&d, &c));
	assert_true(client_ask(&c, &x, method, target,
			       span_str(method[0] == 'P' ? "{}" : ""), 0));
	client_run(&c, &x, 5000);
	exchange_clear(&x);
	client_close(&c);
	return x.status;
}

/* In hand at two deaths: refused unread, and the guard lives. */
static void a_request_that_ends_the_guard_twice_is_quarantined(void **state)
{
	static const char *const methods[] = {"GET", "PUT"};

	if (daemon_sanitized()) {
		/* Ends with an exit status there, not with a signal. */
		printf("skipped: 2 cases: a sanitizer handles SIGABRT\n");
		return;
	}
	for (int i = 0; i < 2; i++) {
		pid_t guard = daemon_child(&d, DAEMON_GUARD);

		assert_int_equal(crash(methods[i], "/v1/documents/crash"), 503);
		daemon_wait_new(&d, DAEMON_GUARD, guard);
		guard = daemon_child(&d, DAEMON_GUARD);
		assert_int_equal(crash(methods[i], "/v1/documents/crash"), 503);
		daemon_wait_new(&d, DAEMON_GUARD, guard);
		guard = daemon_child(&d, DAEMON_GUARD);
		assert_int_equal(crash(methods[i], "/v1/documents/crash"), 400);
		assert_int_equal(crash(methods[i], "/v1/documents/crash"), 400);
		assert_int_equal(daemon_child(&d, DAEMON_GUARD), guard);
	}
}

/* ---- calls to another relay ---- */

static void wait_called(struct client *c, int want)
{
	char text[64], got[256] = "";
	struct exchange x;

	snprintf(text, sizeof(text), "\"status\":%d", want);
	for (int i = 0; i < 300; i++) {
		assert_int_equal(client_get(c, "/v1/documents/called", &x),
				 200);
		snprintf(got, sizeof(got), "%.*s", (int)x.answer.len,
			 (char *)x.answer.at);
		exchange_clear(&x);
		if (strstr(got, text))
			return;
		usleep(50 * 1000);
	}
	fail_msg("call: %s", got);
}

static void order_call(struct client *c, const struct daemon *to, uint16_t port,
		       bool right_ca)
{
	char body[160], hex[65];
	struct exchange x = {0};

	for (int i = 0; i < 32; i++)
		snprintf(hex + 2 * i, 3, "%02x",
			 to->ca_digest.at[i] ^ (right_ca ? 0 : 1));
	snprintf(body, sizeof(body), "127.0.0.1:%u %s", port, hex);
	assert_true(client_ask(c, &x, "PUT", "/v1/documents/call",
			       span_str(body), 0));
	assert_true(client_run(c, &x, 5000));
	assert_int_equal(x.status, 201);
	exchange_clear(&x);
}

static void a_guard_reaches_another_through_link(void **state)
{
	struct daemon other;
	struct client c;
	uint16_t port;

	daemon_new(&other);
	port = other.peer;
	assert_true(daemon_connect(&d, &c));
	order_call(&c, &other, port, true);
	wait_called(&c, 200);
	order_call(&c, &other, port, false);
	wait_called(&c, 0);
	order_call(&c, &other, port, true);
	wait_called(&c, 200);
	daemon_stop(&other);
	order_call(&c, &other, port, true);
	wait_called(&c, 0);
	daemon_free(&other);
	client_close(&c);
}

/* ---- the end ---- */

static void a_killed_supervisor_takes_its_children_along(void **state)
{
	pid_t kids[DAEMON_ROLES];

	for (int i = 0; i < DAEMON_ROLES; i++) {
		kids[i] = daemon_child(&d, (enum daemon_role)i);
		assert_true(kids[i] > 0);
	}
	kill(d.pid, SIGKILL);
	waitpid(d.pid, NULL, 0);
	d.pid = 0;
	for (int i = 0; i < DAEMON_ROLES; i++) {
		for (int n = 0; n < 100 && kill(kids[i], 0) == 0; n++) {
			char path[64], line[512] = "";
			FILE *f;

			/* A zombie of a parent that does not reap counts as
			 * gone. */
			snprintf(path, sizeof(path), "/proc/%d/stat", kids[i]);
			f = fopen(path, "re");
			if (!f)
				break;
			if (!fgets(line, sizeof(line), f))
				line[0] = 0;
			fclose(f);
			if (strstr(line, ") Z"))
				break;
			assert_true(n < 99);
			usleep(20 * 1000);
		}
	}
	/* And the relay starts again where it was. */
	daemon_start(&d);
}

static void a_wrong_passphrase_does_not_start(void **state)
{
	char command[512];
	int status;

	daemon_write(&d, "wrong", span_str("close sesame\n"));
	snprintf(command, sizeof(command),
		 "%s/entented --folder %s --passphrase-file %s/wrong "
		 "2>/dev/null",
		 d.programs, d.folder, d.folder);
	status = system(command);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 77);
	snprintf(command, sizeof(command),
		 "%s/entented --folder /nowhere 2>/dev/null", d.programs);
	assert_int_equal(WEXITSTATUS(system(command)), 78);
	snprintf(command, sizeof(command), "%s/entented 2>/dev/null",
		 d.programs);
	assert_int_equal(WEXITSTATUS(system(command)), 64);
}

static void it_stops_in_order(void **state)
{
	struct client c;
	struct exchange x = {0};

	assert_true(daemon_connect(&d, &c));
	assert_true(client_ask(&c, &x, "GET", "/v1/documents/big", span_str(""),
			       0));
	client_run(&c, &x, 5000);
	assert_int_equal(x.status, 200);
	exchange_clear(&x);
	client_close(&c);
	daemon_stop(&d);
	assert_true(daemon_logged(&d, "role=supervisor what=stopped"));
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_long_download_takes_little_memory),
		cmocka_unit_test(a_slow_reader_takes_little_memory),
		cmocka_unit_test(a_long_upload_takes_little_memory),
		cmocka_unit_test(an_upload_to_a_slow_disk_takes_little_memory),
		cmocka_unit_test(an_upload_that_is_cut_leaves_the_relay_well),
		cmocka_unit_test(a_role_maps_only_what_it_needs),
		cmocka_unit_test(each_role_is_confined),
		cmocka_unit_test(a_killed_guard_costs_a_503_and_a_second),
		cmocka_unit_test(a_killed_guard_cuts_streams_and_uploads),
		cmocka_unit_test(a_killed_front_closes_and_comes_back),
		cmocka_unit_test(a_killed_link_comes_back),
		cmocka_unit_test(
			a_request_that_ends_the_guard_twice_is_quarantined),
		cmocka_unit_test(a_guard_reaches_another_through_link),
		cmocka_unit_test(a_killed_supervisor_takes_its_children_along),
		cmocka_unit_test(a_wrong_passphrase_does_not_start),
		cmocka_unit_test(it_stops_in_order),
	};

	if (argc > 1)
		cmocka_set_test_filter(argv[1]);
	return cmocka_run_group_tests(tests, start, stop);
}
