/* Clients of a whole daemon with the echo core: requests, limits, problems. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "tests/relay/daemon.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static struct daemon d;

static int start(void **state)
{
	daemon_new(&d);
	return 0;
}

static int stop(void **state)
{
	daemon_stop(&d);
	daemon_free(&d);
	return 0;
}

static bool says(const struct exchange *x, const char *text)
{
	char all[4096];
	size_t n = x->answer.len < sizeof(all) - 1 ? x->answer.len
						   : sizeof(all) - 1;

	if (n)
		memcpy(all, x->answer.at, n);
	all[n] = 0;
	return strstr(all, text) != NULL;
}

static void a_request_is_answered_by_the_guard(void **state)
{
	struct client c;
	struct exchange x;

	assert_true(daemon_connect(&d, &c));
	assert_int_equal(client_get(&c, "/v1/relay", &x), 200);
	assert_true(says(&x, "{\"echo\":true}"));
	assert_string_equal(x.content_length, "13");
	exchange_clear(&x);
	client_close(&c);
}

static void the_guard_sees_the_certificate_and_no_foreign_field(void **state)
{
	struct client c;
	struct exchange x;

	assert_true(daemon_connect(&d, &c));
	assert_int_equal(client_get(&c, "/v1/me", &x), 200);
	assert_false(says(&x, "certificate: 0"));
	assert_false(says(&x, "user-agent"));
	exchange_clear(&x);
	client_close(&c);
}

static void a_stranger_on_the_device_listener_may_only_enrol(void **state)
{
	struct client c;
	struct exchange x;

	assert_true(client_open(&c, d.device, buf_span(&d.ca), span_str(""),
				span_str("")));
	assert_int_equal(client_get(&c, "/v1/relay", &x), 401);
	assert_true(says(&x, "/problems/unauthenticated"));
	exchange_clear(&x);
	assert_int_equal(client_get(&c, "/livez", &x), 200);
	assert_true(says(&x, "alive"));
	exchange_clear(&x);
	x = (struct exchange){0};
	assert_true(client_ask(&c, &x, "POST", "/v1/enrol", span_str("{}"), 0));
	assert_true(client_run(&c, &x, 5000));
	assert_int_equal(x.status, 404); /* the echo core's */
	exchange_clear(&x);
	client_close(&c);
}

static void a_certificate_of_another_authority_is_refused(void **state)
{
	struct daemon other;
	struct client c;

	daemon_new(&other);
	/* The server's answer to the certificate comes after the handshake. */
	if (client_open(&c, d.device, buf_span(&d.ca),
			buf_span(&other.certificate), buf_span(&other.key))) {
		struct exchange x;

		assert_int_equal(client_get(&c, "/v1/relay", &x), 0);
		exchange_clear(&x);
	}
	client_close(&c);
	daemon_stop(&other);
	daemon_free(&other);
}

static void a_head_request_has_a_length_and_no_body(void **state)
{
	struct client c;
	struct exchange x = {0};

	assert_true(daemon_connect(&d, &c));
	assert_true(client_ask(&c, &x, "HEAD",
			       "/v1/documents/x/content?size=1000000",
			       span_str(""), 0));
	assert_true(client_run(&c, &x, 5000));
	assert_int_equal(x.status, 200);
	assert_int_equal(x.received, 0);
	assert_string_equal(x.content_length, "1000000");
	exchange_clear(&x);
	/* The connection is as good as before. */
	assert_int_equal(client_get(&c, "/v1/relay", &x), 200);
	exchange_clear(&x);
	client_close(&c);
}

static void
a_body_beyond_its_limit_is_413_before_the_guard_is_asked(void **state)
{
	struct client c;
	struct exchange x = {0};

	assert_true(daemon_connect(&d, &c));
	assert_true(client_ask(&c, &x, "PUT", "/v1/documents/y", span_str(""),
			       70 * 1024));
	client_run(&c, &x, 3000);
	assert_int_equal(x.status, 413);
	assert_true(says(&x, "/problems/too-large"));
	exchange_clear(&x);
	assert_int_equal(client_get(&c, "/v1/relay", &x), 200);
	exchange_clear(&x);
	client_close(&c);
}

static void many_requests_at_once_are_all_answered(void **state)
{
	enum { N = 30 };
	struct client c;
	struct exchange x[N] = {0};

	assert_true(daemon_connect(&d, &c));
	for (int round = 0; round < 5; round++) {
		for (int i = 0; i < N; i++) {
			x[i] = (struct exchange){0};
			assert_true(client_ask(&c, &x[i], i % 3 ? "GET" : "PUT",
					       i % 3 ? "/v1/documents/big"
						     : "/v1/documents/p",
					       span_str(i % 3 ? "" : "{}"), 0));
		}
		for (int i = 0; i < N; i++) {
			assert_true(client_run(&c, &x[i], 10000));
			assert_int_equal(x[i].status, i % 3 ? 200 : 201);
			if (i % 3)
				assert_int_equal(x[i].received, 256 * 1024);
			assert_true(x[i].answer_whole);
			exchange_clear(&x[i]);
		}
	}
	client_close(&c);
}

static void a_long_poll_wakes_with_the_next_write(void **state)
{
	struct client c;
	struct exchange poll = {0}, put = {0};
	uint64_t began;

	assert_true(daemon_connect(&d, &c));
	began = client_now_ms();
	assert_true(client_ask(&c, &poll, "GET", "/v1/changes?wait=55",
			       span_str(""), 0));
	assert_false(client_run(&c, &poll, 200));
	assert_true(client_ask(&c, &put, "PUT", "/v1/documents/p",
			       span_str("{}"), 0));
	assert_true(client_run(&c, &poll, 1500));
	assert_int_equal(poll.status, 200);
	assert_true(client_now_ms() - began < 1500);
	exchange_clear(&poll);
	exchange_clear(&put);
	/* And without one it ends by itself. */
	assert_int_equal(client_get(&c, "/v1/changes", &poll), 204);
	exchange_clear(&poll);
	client_close(&c);
}

static void
more_streams_than_allowed_are_refused_and_the_rest_go_on(void **state)
{
	struct client c;
	struct exchange x[40] = {0};
	int asked = 0;

	assert_true(daemon_connect(&d, &c));
	client_run(&c, NULL, 100); /* SETTINGS come */
	while (asked < 40 &&
	       client_ask(&c, &x[asked], "GET", "/v1/changes", span_str(""), 0))
		asked++;
	assert_int_equal(asked, 32);
	for (int i = 0; i < asked; i++) {
		assert_true(client_run(&c, &x[i], 5000));
		assert_int_equal(x[i].status, 204);
	}
	for (int i = 0; i < 40; i++)
		exchange_clear(&x[i]);
	client_close(&c);
}

static int raw_connect(void)
{
	struct sockaddr_in a = {.sin_family = AF_INET,
				.sin_port = htons(d.device)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_int_equal(connect(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	return fd;
}

/* Silent or dribbling in the handshake: ended after 10 s, and meanwhile
 * nobody else is kept out beyond the limit for one source. */
static void a_slow_handshake_is_ended_and_others_are_served(void **state)
{
	int fds[30];
	uint64_t began = client_now_ms();
	struct client c;
	struct exchange x;
	char byte = 0x16;

	for (int i = 0; i < 30; i++)
		fds[i] = raw_connect();
	assert_true(daemon_connect(&d, &c));
	assert_int_equal(client_get(&c, "/v1/relay", &x), 200);
	exchange_clear(&x);
	client_close(&c);
	/* The first dribbles, which helps it nothing. */
	while (client_now_ms() - began < 13000) {
		if (send(fds[0], &byte, 1, MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
			break;
		byte = 0;
		usleep(500 * 1000);
	}
	assert_true(client_now_ms() - began < 13000);
	for (int i = 0; i < 30; i++)
		close(fds[i]);
}

static void
a_fifth_connection_of_a_certificate_ends_the_most_silent(void **state)
{
	struct client c[5];
	struct exchange x;

	for (int i = 0; i < 5; i++) {
		assert_true(daemon_connect(&d, &c[i]));
		assert_int_equal(client_get(&c[i], "/v1/relay", &x), 200);
		exchange_clear(&x);
	}
	client_run(&c[0], NULL, 500);
	assert_true(c[0].ended);
	for (int i = 1; i < 5; i++) {
		assert_int_equal(client_get(&c[i], "/v1/relay", &x), 200);
		exchange_clear(&x);
	}
	for (int i = 0; i < 5; i++)
		client_close(&c[i]);
}

static void an_admin_may_ask_whether_it_lives(void **state)
{
	struct client c;
	struct exchange x;

	assert_true(client_open(&c, d.admin, buf_span(&d.ca), span_str(""),
				span_str("")));
	assert_int_equal(client_get(&c, "/livez", &x), 200);
	exchange_clear(&x);
	assert_int_equal(client_get(&c, "/readyz", &x), 200);
	assert_true(says(&x, "ready"));
	exchange_clear(&x);
	assert_int_equal(client_get(&c, "/admin/v1/status", &x), 401);
	exchange_clear(&x);
	client_close(&c);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_request_is_answered_by_the_guard),
		cmocka_unit_test(
			the_guard_sees_the_certificate_and_no_foreign_field),
		cmocka_unit_test(
			a_stranger_on_the_device_listener_may_only_enrol),
		cmocka_unit_test(a_certificate_of_another_authority_is_refused),
		cmocka_unit_test(a_head_request_has_a_length_and_no_body),
		cmocka_unit_test(
			a_body_beyond_its_limit_is_413_before_the_guard_is_asked),
		cmocka_unit_test(many_requests_at_once_are_all_answered),
		cmocka_unit_test(a_long_poll_wakes_with_the_next_write),
		cmocka_unit_test(
			more_streams_than_allowed_are_refused_and_the_rest_go_on),
		cmocka_unit_test(
			a_slow_handshake_is_ended_and_others_are_served),
		cmocka_unit_test(
			a_fifth_connection_of_a_certificate_ends_the_most_silent),
		cmocka_unit_test(an_admin_may_ask_whether_it_lives),
	};

	if (argc > 1)
		cmocka_set_test_filter(argv[1]);
	return cmocka_run_group_tests(tests, start, stop);
}
