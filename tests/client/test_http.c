/* One connection to a relay: trust, many calls at once, and what ends it. */
#define _GNU_SOURCE /* memmem */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "client/dial.h"
#include "client/files.h"
#include "client/http.h"
#include "proto/crypto/certificate.h"
#include "tests/client/command.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

static struct command_relay relay;
static bool has_relay;
static struct buf ca, der, certificate, key_text;
static struct crypto_key *key;

static void read_file(const char *name, struct buf *out)
{
	buf_init(out, 65536);
	assert_false(failed(files_read(command_path(&relay, name), out)));
}

static int start(void **state)
{
	has_relay = command_relay_start(&relay);
	if (!has_relay)
		return 0;
	command_enrol(&relay, "alice", "write");
	assert_int_equal(COMMAND("device", "show", "--device",
				 command_path(&relay, "alice"), "--pem",
				 command_path(&relay, "pem")),
			 0);
	read_file("pem/ca.pem", &ca);
	read_file("pem/device.pem", &certificate);
	read_file("pem/device.key", &key_text);
	buf_init(&der, CERTIFICATE_MAX);
	assert_false(failed(certificate_from_pem(buf_span(&ca), &der)));
	assert_false(
		failed(certificate_key_from_pem(buf_span(&key_text), &key)));
	return 0;
}

static int stop(void **state)
{
	buf_clear(&ca);
	buf_clear(&der);
	buf_clear(&certificate);
	buf_wipe(&key_text);
	crypto_key_free(key);
	command_relay_stop(&relay);
	return 0;
}

static struct http_peer peer(void)
{
	return (struct http_peer){
		.endpoint = relay.device,
		.ca = buf_span(&ca),
		.certificate = buf_span(&certificate),
		.key = key,
	};
}

static struct http_connection *connected(void)
{
	struct http_peer p = peer();
	struct http_connection *c = NULL;

	assert_false(failed(http_connection_open(&p, &c)));
	return c;
}

static struct http_call get(const char *target, uint64_t id)
{
	return (struct http_call){
		.method = span_str("GET"),
		.target = span_str(target),
		.answer_max = 65536,
		.id = id,
	};
}

static void many_calls_share_a_connection(void **state)
{
	struct http_connection *c;
	struct http_answer answer;
	unsigned seen = 0;
	struct http_call call;

	if (!has_relay)
		return;
	c = connected();
	for (unsigned i = 0; i < HTTP_STREAMS_MAX; i++) {
		assert_true(http_connection_ready(c));
		call = get("/v1/me", 100 + i);
		assert_false(failed(http_connection_send(c, &call)));
	}
	/* One more is too many, until an answer was given back. */
	assert_false(http_connection_ready(c));
	assert_int_equal(http_connection_send(c, &call).code, ERR_BUSY);
	while (http_connection_wait(c, &answer)) {
		assert_int_equal(answer.status, 200);
		assert_non_null(memmem(answer.body.at, answer.body.len,
				       "\"alice\"", 7));
		seen |= 1u << (answer.id - 100);
	}
	assert_int_equal(seen, (1u << HTTP_STREAMS_MAX) - 1);
	/* And it goes on. */
	call = get("/v1/nothing", 7);
	assert_false(failed(http_connection_send(c, &call)));
	assert_true(http_connection_wait(c, &answer));
	assert_int_equal(answer.status, 404);
	assert_int_equal(answer.id, 7);
	assert_false(http_connection_wait(c, &answer));
	http_connection_close(c);
}

static void an_answer_beyond_its_cap_is_cut_off_alone(void **state)
{
	struct http_connection *c;
	struct http_answer answer;
	struct http_call call;

	if (!has_relay)
		return;
	c = connected();
	call = get("/v1/me", 1);
	call.answer_max = 10;
	assert_false(failed(http_connection_send(c, &call)));
	assert_true(http_connection_wait(c, &answer));
	assert_int_equal(answer.status, 0);
	assert_int_equal(answer.why.code, ERR_TOO_LARGE);
	call = get("/v1/me", 2);
	assert_false(failed(http_connection_send(c, &call)));
	assert_true(http_connection_wait(c, &answer));
	assert_int_equal(answer.status, 200);
	http_connection_close(c);
}

static void a_ca_is_pinned_whole_or_by_its_digest(void **state)
{
	struct digest digest;
	struct http_connection *c = NULL;
	struct http_peer p;

	if (!has_relay)
		return;
	p = peer();
	assert_false(failed(certificate_digest(buf_span(&der), &digest)));
	p.ca = (struct span){0};
	p.ca_digest = &digest;
	assert_false(failed(http_connection_open(&p, &c)));
	http_connection_close(c);
	c = NULL;
	digest.at[0] ^= 1;
	assert_true(failed(http_connection_open(&p, &c)));
	assert_null(c);
	/* Nobody there, and no address. */
	p = peer();
	p.endpoint = "127.0.0.1:1";
	assert_int_equal(http_connection_open(&p, &c).code, ERR_UNREACHABLE);
	p.endpoint = "no port";
	assert_int_equal(http_connection_open(&p, &c).code, ERR_USAGE);
	assert_null(c);
}

/* ---- a server that is none ---- */

struct mute {
	int fd;
	unsigned port;
	const char *says; /* then it closes */
};

static void *answer_badly(void *self)
{
	struct mute *m = self;
	int fd = accept(m->fd, NULL, NULL);
	char bytes[4096];

	if (fd < 0)
		return NULL;
	(void)!read(fd, bytes, sizeof(bytes));
	(void)!write(fd, m->says, strlen(m->says));
	close(fd);
	return NULL;
}

static void assert_no_relay(const char *says)
{
	struct sockaddr_in a = {.sin_family = AF_INET,
				.sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(a);
	struct mute m = {.says = says};
	struct digest digest = {0};
	char endpoint[64];
	struct http_peer p = {.endpoint = endpoint, .ca_digest = &digest};
	struct http_connection *c = NULL;
	pthread_t thread;

	m.fd = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(bind(m.fd, (struct sockaddr *)&a, len), 0);
	assert_int_equal(listen(m.fd, 1), 0);
	assert_int_equal(getsockname(m.fd, (struct sockaddr *)&a, &len), 0);
	snprintf(endpoint, sizeof(endpoint), "127.0.0.1:%u", ntohs(a.sin_port));
	assert_int_equal(pthread_create(&thread, NULL, answer_badly, &m), 0);
	assert_true(failed(http_connection_open(&p, &c)));
	assert_null(c);
	pthread_join(thread, NULL);
	close(m.fd);
}

static void what_speaks_no_tls_is_no_relay(void **state)
{
	assert_no_relay("");
	assert_no_relay("HTTP/1.1 400 Bad Request\r\n\r\n");
	assert_no_relay("\x16\x03\x03\xff\xff garbage");
}

/* Longer than every window: what goes out makes room for more, and the room
 * is used although no byte comes in. */
static void a_long_body_does_not_stand_still(void **state)
{
	enum { LEN = 12 << 20 };
	uint64_t began = dial_now_ms();
	struct buf file;

	if (!has_relay)
		return;
	buf_init(&file, LEN);
	assert_non_null(buf_grow(&file, LEN));
	memset(file.at, 7, LEN);
	file.len = LEN;
	assert_false(failed(files_write(command_path(&relay, "long"),
					buf_span(&file), 0600)));
	buf_clear(&file);
	assert_int_equal(COMMAND("doc", "put", command_path(&relay, "long"),
				 "--device", command_path(&relay, "alice"),
				 "--space", "GBR/ops", "--label",
				 "docs/policy/labels/"
				 "restricted-rel-gbr-deu-fra.xml"),
			 0);
	assert_true(dial_now_ms() - began < 20000);
}

static void a_relay_that_goes_away_ends_the_calls_in_hand(void **state)
{
	struct http_connection *c;
	struct http_answer answer;
	struct http_call call;

	if (!has_relay)
		return;
	c = connected();
	call = get("/v1/changes?ask=AAAAAAAAAAAAAAAAAAAAAA&wait=50", 1);
	call.wait_s = 50;
	assert_false(failed(http_connection_send(c, &call)));
	kill(relay.pid, SIGTERM);
	while (http_connection_wait(c, &answer))
		assert_true(answer.status == 0 || answer.status == 200 ||
			    answer.status == 204 || answer.status == 503);
	http_connection_close(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(many_calls_share_a_connection),
		cmocka_unit_test(an_answer_beyond_its_cap_is_cut_off_alone),
		cmocka_unit_test(a_ca_is_pinned_whole_or_by_its_digest),
		cmocka_unit_test(what_speaks_no_tls_is_no_relay),
		cmocka_unit_test(a_long_body_does_not_stand_still),
		cmocka_unit_test(a_relay_that_goes_away_ends_the_calls_in_hand),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
