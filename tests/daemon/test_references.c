/*
 * Every refusal carries a reference that an operator can open, also one that
 * the front makes: of a head or body beyond its limits, of a stranger, of a
 * path that is none, and while there is no guard at all.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "proto/base/json.h"
#include "proto/exchange/problem.h"
#include "tests/daemon/pad.h"
#include "tests/relay/client.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#define DOCUMENT "/v1/documents/01890a5d-ac96-774b-bcce-b302099a8057"

static struct nation_daemon d;
static struct pad alice;
static struct buf ca, certificate, key;

static void read_pem(const char *name, struct buf *out)
{
	char path[NATION_DAEMON_PATH + 32];

	snprintf(path, sizeof(path), "%s/%s", alice.folder, name);
	buf_init(out, 1 << 20);
	must(files_read(path, out));
}

static int start(void **state)
{
	nation_daemon_new(&d, "GBR");
	nation_daemon_start(&d);
	nation_daemon_subject(&d, "alice", "gbr-restricted", "GBR/ops");
	pad_new(&alice, &d, "alice");
	pad_write_pem(&alice);
	read_pem("ca.pem", &ca);
	read_pem("device.pem", &certificate);
	read_pem("device.key", &key);
	return 0;
}

static int stop(void **state)
{
	buf_clear(&ca);
	buf_clear(&certificate);
	buf_wipe(&key);
	pad_free(&alice);
	nation_daemon_stop(&d);
	nation_daemon_free(&d);
	return 0;
}

static void connect_as(struct client *c, bool known)
{
	assert_true(client_open(c, d.device, buf_span(&ca),
				known ? buf_span(&certificate) : span_str(""),
				known ? buf_span(&key) : span_str("")));
}

/* The answer is a problem with that status, a mend and a reference; opened by
 * an officer, it says `outcome`, and who asked if he was known. */
static void opens(const struct exchange *x, int status, const char *outcome,
		  bool known)
{
	struct problem p;
	struct arena arena;
	struct buf said;

	arena_init(&arena, 1 << 16);
	buf_init(&said, 1 << 16);
	assert_int_equal(x->status, status);
	must(problem_parse(buf_span(&x->answer), x->status, &arena, &p));
	assert_true(p.mend[0]);
	assert_true(p.reference[0]);
	assert_int_equal(nation_daemon_entente(&d, &said,
					       "doc why %s --json --folder @",
					       p.reference),
			 0);
	if (!strstr(buf_cstr(&said), outcome))
		print_error("%s\n", buf_cstr(&said));
	assert_non_null(strstr(buf_cstr(&said), outcome));
	assert_true(!strstr(buf_cstr(&said), "\"device\"") == !known);
	arena_clear(&arena);
	buf_clear(&said);
}

static void ask(bool known, const char *method, const char *target,
		uint64_t upload, int status, const char *outcome)
{
	struct exchange x = {0};
	struct client c;

	connect_as(&c, known);
	assert_true(client_ask(&c, &x, method, target, span_str(""), upload));
	assert_true(client_run(&c, &x, 10000));
	opens(&x, status, outcome, known);
	exchange_clear(&x);
	/* And the connection goes on. */
	if (known) {
		assert_int_equal(client_get(&c, "/v1/relay", &x), 200);
		exchange_clear(&x);
	}
	client_close(&c);
}

static void refusals_of_the_front_have_a_reference(void **state)
{
	char path[3000] = "/v1/";

	ask(true, "PUT", DOCUMENT, 200 * 1000, 413, "too-large");
	ask(true, "GET", "/v1/nothing", 0, 404, "not-found");
	ask(true, "DELETE", DOCUMENT, 0, 405, "method-not-allowed");
	ask(false, "GET", "/v1/me", 0, 401, "unauthenticated");
	ask(false, "PUT", DOCUMENT, 1000, 401, "unauthenticated");
	memset(path + 4, 'a', sizeof(path) - 5);
	path[sizeof(path) - 1] = 0;
	ask(true, "GET", path, 0, 414, "uri-too-long");
}

static void a_head_beyond_its_limits_has_one(void **state)
{
	struct h2_field many[70];
	struct h2_head head = {.method = span_str("GET"),
			       .authority = span_str("localhost"),
			       .path = span_str("/v1/me"),
			       .fields = many,
			       .count = 70};
	struct exchange x = {0};
	struct client c;

	for (int i = 0; i < 70; i++)
		many[i] = (struct h2_field){span_str("x-field"), span_str("v")};
	connect_as(&c, true);
	buf_init(&x.answer, 64 * 1024);
	must(h2_request(c.h2, &head, false, &x, &x.stream));
	assert_true(client_run(&c, &x, 10000));
	opens(&x, 431, "head-too-large", true);
	exchange_clear(&x);
	client_close(&c);
}

/* The guard is killed, and asked for before the next one is there. */
static void without_a_guard_there_is_one_too(void **state)
{
	struct exchange x = {0};
	struct client c;
	int status = 0;
	pid_t guard;

	connect_as(&c, true);
	assert_int_equal(client_get(&c, "/v1/relay", &x), 200);
	exchange_clear(&x);
	guard = nation_daemon_pid(&d, ROLE_GUARD);
	assert_true(guard > 0);
	kill(guard, SIGKILL);
	for (int i = 0; i < 20 && status != 503; i++) {
		status = client_get(&c, "/v1/relay", &x);
		if (status != 503)
			exchange_clear(&x);
	}
	assert_int_equal(status, 503);
	assert_string_equal(x.retry_after, "1");
	/* Whoever opens it waits for the next guard. */
	for (int i = 0; i < 200 && status != 200; i++) {
		struct exchange y;

		nation_daemon_sleep_ms(50);
		status = client_get(&c, "/v1/relay", &y);
		exchange_clear(&y);
	}
	assert_int_equal(status, 200);
	opens(&x, 503, "busy", false);
	exchange_clear(&x);
	client_close(&c);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(refusals_of_the_front_have_a_reference),
		cmocka_unit_test(a_head_beyond_its_limits_has_one),
		cmocka_unit_test(without_a_guard_there_is_one_too),
	};

	if (argc > 1)
		cmocka_set_test_filter(argv[1]);
	return cmocka_run_group_tests(tests, start, stop);
}
