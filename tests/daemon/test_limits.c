/* Clients beyond the limits are refused, and the relay serves the next. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "tests/daemon/pad.h"
#include "tests/relay/client.h"

#include <arpa/inet.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

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

static void connect_client(struct client *c)
{
	assert_true(client_open(c, d.device, buf_span(&ca),
				buf_span(&certificate), buf_span(&key)));
}

/* A new connection is served. */
static void serves(void)
{
	struct client c;
	struct exchange x;

	connect_client(&c);
	assert_int_equal(client_get(&c, "/v1/relay", &x), 200);
	exchange_clear(&x);
	client_close(&c);
}

static void a_body_too_large_is_413(void **state)
{
	struct exchange x = {0};
	struct client c;

	connect_client(&c);
	assert_true(client_ask(&c, &x, "PUT",
			       "/v1/documents/"
			       "01890a5d-ac96-774b-bcce-b302099a8057",
			       span_str(""), 200 * 1000));
	assert_true(client_run(&c, &x, 10000));
	assert_int_equal(x.status, 413);
	assert_non_null(strstr(buf_cstr(&x.answer), "\"reference\""));
	exchange_clear(&x);
	/* The connection goes on. */
	assert_int_equal(client_get(&c, "/v1/relay", &x), 200);
	exchange_clear(&x);
	client_close(&c);
	serves();
}

/* ---- frames written by hand (RFC 9113 s.4.1) ---- */

/* TLS without a machine of HTTP/2 behind it. */
struct raw {
	int fd;
	struct tls *tls;
	bool ended;
	struct buf got; /* frames */
};

static void raw_flush(struct raw *r)
{
	struct span bytes = tls_pending(r->tls);

	while (bytes.len && !r->ended) {
		ssize_t n = send(r->fd, bytes.at, bytes.len, MSG_NOSIGNAL);

		if (n <= 0)
			r->ended = true;
		else
			tls_sent(r->tls, (size_t)n);
		bytes = tls_pending(r->tls);
	}
}

/* Takes what comes for `ms`, or until the end. */
static void raw_run(struct raw *r, int ms)
{
	uint64_t until = client_now_ms() + (uint64_t)ms;
	uint8_t room[16384];

	raw_flush(r);
	while (!r->ended && client_now_ms() < until) {
		struct pollfd p = {r->fd, POLLIN, 0};
		struct span plain;
		ssize_t n;

		if (poll(&p, 1, 50) <= 0)
			continue;
		n = recv(r->fd, room, sizeof(room), 0);
		if (n <= 0 ||
		    failed(tls_recv(r->tls, span_of(room, (size_t)n)))) {
			r->ended = true;
			break;
		}
		do {
			plain = span_str("");
			if (failed(tls_read(r->tls, &plain)))
				r->ended = true;
			buf_put(&r->got, plain);
		} while (plain.len);
		raw_flush(r);
	}
}

static void raw_write(struct raw *r, struct span bytes)
{
	size_t taken = 0;

	must(tls_write(r->tls, bytes, &taken));
	assert_int_equal(taken, bytes.len);
	raw_flush(r);
}

static void raw_open(struct raw *r)
{
	struct tls_config config = {.certificate = buf_span(&certificate),
				    .key = buf_span(&key),
				    .roots = buf_span(&ca)};
	struct sockaddr_in a = {.sin_family = AF_INET,
				.sin_port = htons(d.device)};
	struct tls_context *context = NULL;

	*r = (struct raw){0};
	buf_init(&r->got, 1 << 20);
	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	r->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(connect(r->fd, (struct sockaddr *)&a, sizeof(a)), 0);
	must(tls_context_new_client(&config, &context));
	must(tls_new_client(context, "127.0.0.1", (uint64_t)time(NULL),
			    &r->tls));
	tls_context_free(context);
	for (int i = 0; i < 100 && tls_state(r->tls) != TLS_OPEN; i++)
		raw_run(r, 50);
	assert_int_equal(tls_state(r->tls), TLS_OPEN);
}

static void raw_close(struct raw *r)
{
	tls_free(r->tls);
	close(r->fd);
	buf_clear(&r->got);
}

static void put_frame(struct buf *b, uint8_t type, uint8_t flags,
		      uint32_t stream, struct span payload)
{
	const uint8_t head[9] = {(uint8_t)(payload.len >> 16),
				 (uint8_t)(payload.len >> 8),
				 (uint8_t)payload.len,
				 type,
				 flags,
				 (uint8_t)(stream >> 24),
				 (uint8_t)(stream >> 16),
				 (uint8_t)(stream >> 8),
				 (uint8_t)stream};

	buf_put(b, span_of(head, 9));
	buf_put(b, payload);
}

/* "PRI * HTTP/2.0", SETTINGS, and the ACK of theirs. */
static void put_preface(struct buf *b)
{
	buf_init(b, 1 << 20);
	buf_put_str(b, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
	put_frame(b, 4, 0, 0, span_str(""));
	put_frame(b, 4, 1, 0, span_str(""));
}

/* GET or POST of a path (RFC 7541: indexed, and literals not indexed). */
static void put_head(struct buf *b, bool post, const char *path)
{
	const uint8_t pseudo[] = {post ? 0x83 : 0x82, 0x87, 0x01, 9};
	const uint8_t name = 0x04, len = (uint8_t)strlen(path);

	buf_init(b, 1024);
	buf_put(b, span_of(pseudo, 4));
	buf_put_str(b, "localhost");
	buf_put(b, span_of(&name, 1));
	buf_put(b, span_of(&len, 1));
	buf_put_str(b, path);
}

/* Frames of that type among what came (3 RST_STREAM, 7 GOAWAY). */
static unsigned count_frames(const struct raw *r, uint8_t type)
{
	unsigned count = 0;

	for (size_t i = 0; i + 9 <= r->got.len;) {
		const uint8_t *f = r->got.at + i;
		size_t len = (size_t)f[0] << 16 | (size_t)f[1] << 8 | f[2];

		count += f[3] == type;
		i += 9 + len;
	}
	return count;
}

/* Forty long polls at once, though SETTINGS (32 streams) were acknowledged:
 * the connection ends with GOAWAY (RFC 9113 s.5.1.2, 5.4.1). */
static void streams_beyond_the_limit_are_refused(void **state)
{
	enum { ASKED = 40 };
	struct raw r;
	struct buf out, head;

	raw_open(&r);
	put_preface(&out);
	raw_write(&r, buf_span(&out));
	raw_run(&r, 300);
	buf_reset(&out);
	for (uint32_t i = 0; i < ASKED; i++) {
		put_head(&head, false,
			 "/v1/changes?ask=AAECAwQFBgcICQoLDA0ODw&wait=50");
		put_frame(&out, 1, 5, 2 * i + 1, buf_span(&head));
		buf_clear(&head);
	}
	raw_write(&r, buf_span(&out));
	raw_run(&r, 1000);
	assert_true(r.ended);
	assert_int_equal(count_frames(&r, 7), 1);
	raw_close(&r);
	buf_clear(&out);
	serves();
}

/* Both at once: half a head and silence; a head, half a body and silence. */
static void slow_heads_and_bodies_are_ended(void **state)
{
	uint64_t began = client_now_ms();
	const struct h2_head head = {.method = span_str("POST"),
				     .authority = span_str("localhost"),
				     .path = span_str("/v1/keys")};
	const uint8_t half[] = {0, 0, 100, 1, 4, 0, 0, 0, 1, 0x82, 0x87};
	struct exchange slow_body = {0};
	struct raw slow_head;
	struct client c;
	struct buf out;

	raw_open(&slow_head);
	put_preface(&out);
	buf_put(&out, span_of(half, sizeof(half)));
	raw_write(&slow_head, buf_span(&out));

	connect_client(&c);
	buf_init(&slow_body.answer, 64 * 1024);
	must(h2_request(c.h2, &head, true, &slow_body, &slow_body.stream));
	must(h2_body_push(c.h2, slow_body.stream, span_str("{\"keys\"")));
	client_run(&c, NULL, 100);

	/* The first byte of a head: 10 seconds for the rest. */
	raw_run(&slow_head, 14000);
	assert_true(slow_head.ended);
	printf("slow head ended after %llu ms\n",
	       (unsigned long long)(client_now_ms() - began));
	serves();
	/* A body: a whole period of 30 seconds with too little; the first is
	 * that in which it began.  Then it is told so, and the connection
	 * serves on. */
	while (!slow_body.status && client_now_ms() - began < 65000)
		client_run(&c, NULL, 500);
	printf("slow body refused after %llu ms\n",
	       (unsigned long long)(client_now_ms() - began));
	client_run(&c, NULL, 200);
	assert_int_equal(slow_body.status, 408);
	assert_non_null(strstr(buf_cstr(&slow_body.answer), "\"reference\""));
	exchange_clear(&slow_body);
	assert_int_equal(client_get(&c, "/v1/relay", &slow_body), 200);
	exchange_clear(&slow_body);
	client_close(&c);
	serves();
	raw_close(&slow_head);
	buf_clear(&out);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_body_too_large_is_413),
		cmocka_unit_test(streams_beyond_the_limit_are_refused),
		cmocka_unit_test(slow_heads_and_bodies_are_ended),
	};

	if (argc > 1)
		cmocka_set_test_filter(argv[1]);
	return cmocka_run_group_tests(tests, start, stop);
}
