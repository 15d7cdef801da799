/*
 * TLS sessions: two machines joined in memory; proto/wire/tls.c and
 * tls_context.c.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdlib.h>

#include "proto/wire/tls.h"
#include "tests/support/pki.h"

struct fixture {
	struct pki ca, other_ca, server, client, stranger;
};

struct ends {
	struct tls *client, *server;
	struct err client_err, server_err;
	size_t step; /* bytes handed over at once */
};

static struct tls_config server_config(const struct fixture *f,
				       enum tls_client_auth auth)
{
	return (struct tls_config){
		.certificate = buf_span(&f->server.pem),
		.key = buf_span(&f->server.key_pem),
		.roots = auth == TLS_CLIENT_NONE ? span_of(NULL, 0)
						 : buf_span(&f->ca.pem),
		.client = auth,
	};
}

static struct tls_config client_config(const struct fixture *f,
				       const struct pki *own)
{
	struct tls_config c = {.roots = buf_span(&f->ca.pem)};

	if (own) {
		c.certificate = buf_span(&own->pem);
		c.key = buf_span(&own->key_pem);
	}
	return c;
}

static void ends_open(struct ends *e, const struct tls_config *server,
		      const struct tls_config *client, const char *name,
		      uint64_t now)
{
	struct tls_context *s, *c;

	*e = (struct ends){.step = SIZE_MAX};
	assert_false(failed(tls_context_new_server(server, &s)));
	assert_false(failed(tls_context_new_client(client, &c)));
	assert_false(failed(tls_new_server(s, now, &e->server)));
	assert_false(failed(tls_new_client(c, name, now, &e->client)));
	/* Sessions outlive their contexts' owner. */
	tls_context_free(s);
	tls_context_free(c);
}

static void ends_free(struct ends *e)
{
	tls_free(e->client);
	tls_free(e->server);
}

static bool carry(struct tls *from, struct tls *to, size_t step,
		  struct err *out)
{
	struct span bytes = span_sub(tls_pending(from), 0, step);
	uint8_t copy[4096];

	if (!bytes.len)
		return false;
	bytes.len = bytes.len < sizeof(copy) ? bytes.len : sizeof(copy);
	memcpy(copy, bytes.at, bytes.len);
	tls_sent(from, bytes.len);
	if (!failed(*out))
		*out = tls_recv(to, span_of(copy, bytes.len));
	return true;
}

/* Carry bytes both ways until nothing moves. */
static void ends_run(struct ends *e)
{
	while (carry(e->client, e->server, e->step, &e->server_err) |
	       carry(e->server, e->client, e->step, &e->client_err))
		;
}

static void read_all(struct tls *t, struct buf *out)
{
	struct span plain;

	do {
		assert_false(failed(tls_read(t, &plain)));
		buf_put(out, plain);
	} while (plain.len);
}

static void say(struct tls *t, struct span text)
{
	size_t taken;

	assert_false(failed(tls_write(t, text, &taken)));
	assert_int_equal(taken, text.len);
}

static void bytes_come_out_as_they_went_in(void **state)
{
	static const size_t steps[] = {SIZE_MAX, 1, 7};
	struct fixture *f = *state;
	struct tls_config s = server_config(f, TLS_CLIENT_REQUIRED);
	struct tls_config c = client_config(f, &f->client);

	for (size_t i = 0; i < 3; i++) {
		struct ends e;
		struct digest seen, is;
		struct buf got;

		buf_init(&got, 1024);
		ends_open(&e, &s, &c, "relay.test", PKI_NOW);
		e.step = steps[i];
		ends_run(&e);
		assert_false(failed(e.client_err) || failed(e.server_err));
		assert_int_equal(tls_state(e.client), TLS_OPEN);
		assert_int_equal(tls_state(e.server), TLS_OPEN);
		assert_string_equal(tls_peer_asked_name(e.server),
				    "relay.test");
		assert_true(span_eq(tls_peer_certificate(e.server),
				    buf_span(&f->client.der)));
		assert_true(span_eq(tls_peer_certificate(e.client),
				    buf_span(&f->server.der)));
		assert_true(tls_peer_digest(e.server, &seen));
		assert_false(
			failed(crypto_sha256(buf_span(&f->client.der), &is)));
		assert_true(digest_eq(seen, is));

		say(e.client, span_str("from the client"));
		ends_run(&e);
		read_all(e.server, &got);
		assert_true(span_eq_str(buf_span(&got), "from the client"));
		buf_reset(&got);
		say(e.server, span_str("from the server"));
		ends_run(&e);
		read_all(e.client, &got);
		assert_true(span_eq_str(buf_span(&got), "from the server"));
		buf_clear(&got);
		ends_free(&e);
	}
}

static void both_sides_see_a_clean_close(void **state)
{
	struct fixture *f = *state;
	struct tls_config s = server_config(f, TLS_CLIENT_NONE);
	struct tls_config c = client_config(f, NULL);
	struct span plain;
	struct ends e;
	size_t taken;

	ends_open(&e, &s, &c, "127.0.0.1", PKI_NOW);
	ends_run(&e);
	assert_int_equal(tls_peer_certificate(e.server).len, 0);
	assert_false(failed(tls_close(e.client)));
	assert_false(failed(tls_close(e.client)));
	assert_int_equal(tls_write(e.client, span_str("x"), &taken).code,
			 ERR_GONE);
	ends_run(&e);
	assert_false(failed(tls_read(e.server, &plain)));
	assert_int_equal(tls_state(e.server), TLS_PEER_CLOSED);
	say(e.server, span_str("a last word"));
	assert_false(failed(tls_close(e.server)));
	assert_int_equal(tls_state(e.server), TLS_CLOSED);
	ends_run(&e);
	assert_false(failed(tls_read(e.client, &plain)));
	assert_true(span_eq_str(plain, "a last word"));
	assert_false(failed(tls_read(e.client, &plain)));
	assert_int_equal(tls_state(e.client), TLS_CLOSED);
	ends_free(&e);
}

struct meeting {
	enum tls_client_auth auth;
	int client; /* 0 none, 1 of our CA, 2 of another */
	uint64_t now, grace_s;
	const char *name;
	enum err_code client_err, server_err;
};

static void only_certificates_that_fit_are_taken(void **state)
{
	static const struct meeting rows[] = {
		{TLS_CLIENT_REQUIRED, 1, PKI_NOW, 0, "relay.test", 0, 0},
		{TLS_CLIENT_REQUIRED, 0, PKI_NOW, 0, "relay.test",
		 ERR_UNAUTHENTICATED, ERR_UNAUTHENTICATED},
		{TLS_CLIENT_REQUIRED, 2, PKI_NOW, 0, "relay.test",
		 ERR_UNAUTHENTICATED, ERR_UNAUTHENTICATED},
		{TLS_CLIENT_OPTIONAL, 0, PKI_NOW, 0, "relay.test", 0, 0},
		{TLS_CLIENT_OPTIONAL, 2, PKI_NOW, 0, "relay.test",
		 ERR_UNAUTHENTICATED, ERR_UNAUTHENTICATED},
		{TLS_CLIENT_ANY, 0, PKI_NOW, 0, "relay.test", 0, 0},
		{TLS_CLIENT_ANY, 2, PKI_NOW, 0, "relay.test", 0, 0},
		{TLS_CLIENT_NONE, 1, PKI_NOW, 0, "relay.test", 0, 0},
		/* The server's name and time, judged by the client. */
		{TLS_CLIENT_NONE, 0, PKI_NOW, 0, "other.test",
		 ERR_UNAUTHENTICATED, ERR_UNAUTHENTICATED},
		{TLS_CLIENT_NONE, 0, PKI_NOW, 0, "127.0.0.2",
		 ERR_UNAUTHENTICATED, ERR_UNAUTHENTICATED},
		{TLS_CLIENT_NONE, 0, PKI_NOW, 0, NULL, 0, 0},
		{TLS_CLIENT_NONE, 0, PKI_FROM - 1, 0, "relay.test",
		 ERR_UNAUTHENTICATED, ERR_UNAUTHENTICATED},
		{TLS_CLIENT_NONE, 0, PKI_TO + 2, 0, "relay.test",
		 ERR_UNAUTHENTICATED, ERR_UNAUTHENTICATED},
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct meeting *m = &rows[i];
		struct tls_config s = server_config(f, m->auth);
		struct tls_config c =
			client_config(f, m->client == 1	  ? &f->client
					 : m->client == 2 ? &f->stranger
							  : NULL);
		struct span plain;
		struct ends e;

		ends_open(&e, &s, &c, m->name, m->now);
		ends_run(&e);
		/* In TLS 1.3 a refused client learns it by an alert. */
		if (!failed(e.client_err))
			e.client_err = tls_read(e.client, &plain);
		ends_run(&e);
		if (!failed(e.server_err))
			e.server_err = tls_read(e.server, &plain);
		if (e.client_err.code != m->client_err ||
		    e.server_err.code != m->server_err)
			fail_msg("row %zu: client %d %s, server %d %s", i,
				 e.client_err.code, e.client_err.detail,
				 e.server_err.code, e.server_err.detail);
		ends_free(&e);
	}
}

static void an_ended_client_certificate_is_taken_by_grace_alone(void **state)
{
	struct fixture *f = *state;
	struct tls_config s = server_config(f, TLS_CLIENT_REQUIRED);
	struct tls_config c = client_config(f, &f->client);
	struct tls_context *sc, *cc;

	for (int grace = 0; grace < 3; grace++) {
		struct ends e = {.step = SIZE_MAX};

		s.client_grace_s = (uint64_t)grace * 100;
		assert_false(failed(tls_context_new_server(&s, &sc)));
		assert_false(failed(tls_context_new_client(&c, &cc)));
		/* It ended 150 s ago. */
		assert_false(
			failed(tls_new_server(sc, PKI_TO + 150, &e.server)));
		assert_false(
			failed(tls_new_client(cc, NULL, PKI_NOW, &e.client)));
		ends_run(&e);
		if (grace < 2) {
			assert_int_equal(e.server_err.code,
					 ERR_UNAUTHENTICATED);
			assert_true(!tls_peer_expired(e.server));
		} else {
			assert_false(failed(e.server_err));
			assert_true(tls_peer_expired(e.server));
		}
		tls_context_free(sc);
		tls_context_free(cc);
		ends_free(&e);
	}
}

static void a_ca_can_be_pinned_by_its_digest(void **state)
{
	struct fixture *f = *state;
	struct tls_config s = server_config(f, TLS_CLIENT_NONE);
	struct tls_config c = {0};
	struct digest right, wrong;
	struct ends e;

	assert_false(failed(crypto_sha256(buf_span(&f->ca.der), &right)));
	assert_false(failed(crypto_sha256(buf_span(&f->other_ca.der), &wrong)));
	c.root_digest = &right;
	ends_open(&e, &s, &c, "relay.test", PKI_NOW);
	ends_run(&e);
	assert_false(failed(e.client_err) || failed(e.server_err));
	assert_int_equal(tls_state(e.client), TLS_OPEN);
	assert_true(span_eq(tls_peer_root(e.client), buf_span(&f->ca.der)));
	ends_free(&e);

	c.root_digest = &wrong;
	ends_open(&e, &s, &c, "relay.test", PKI_NOW);
	ends_run(&e);
	assert_int_equal(e.client_err.code, ERR_UNAUTHENTICATED);
	ends_free(&e);
}

static void a_write_stops_at_the_cap_and_goes_on(void **state)
{
	struct fixture *f = *state;
	struct tls_config s = server_config(f, TLS_CLIENT_NONE);
	struct tls_config c = client_config(f, NULL);
	size_t len = 1024 * 1024, at = 0, got = 0;
	uint8_t *bytes = malloc(len);
	struct ends e;

	assert_non_null(bytes);
	for (size_t i = 0; i < len; i++)
		bytes[i] = (uint8_t)(i * 7 >> 3);
	ends_open(&e, &s, &c, "relay.test", PKI_NOW);
	ends_run(&e);
	while (got < len) {
		struct span plain;
		size_t taken;

		assert_false(failed(tls_write(e.server,
					      span_of(bytes + at, len - at),
					      &taken)));
		assert_true(tls_pending(e.server).len <= TLS_OUT_MAX);
		at += taken;
		ends_run(&e);
		for (;;) {
			assert_false(failed(tls_read(e.client, &plain)));
			if (!plain.len)
				break;
			assert_memory_equal(plain.at, bytes + got, plain.len);
			got += plain.len;
		}
	}
	/* Bytes that nobody reads end the session at its cap. */
	for (int i = 0; i < 3; i++) {
		size_t taken;

		assert_false(failed(
			tls_write(e.server, span_of(bytes, len), &taken)));
		ends_run(&e);
	}
	assert_int_equal(e.client_err.code, ERR_TOO_LARGE);
	ends_free(&e);
	free(bytes);
}

static void what_is_no_tls_is_refused(void **state)
{
	static const char *const lines[] =
		{"GET / HTTP/1.1\r\n\r\n", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
		 /* A TLS 1.2 ClientHello's first bytes, and nonsense after. */
		 "\x16\x03\x01\x00\x05\x01\x00\x00\x01\x03",
		 "\x17\x03\x03\x00\x10nonsensenonsense"};
	struct fixture *f = *state;
	struct tls_config s = server_config(f, TLS_CLIENT_NONE);
	struct tls_context *context;

	assert_false(failed(tls_context_new_server(&s, &context)));
	for (size_t i = 0; i < 4; i++) {
		struct span text = i == 2   ? span_of(lines[i], 10)
				   : i == 3 ? span_of(lines[i], 21)
					    : span_str(lines[i]);
		struct tls *t;
		struct span plain;

		assert_false(failed(tls_new_server(context, PKI_NOW, &t)));
		assert_true(failed(tls_recv(t, text)));
		assert_int_equal(tls_state(t), TLS_FAILED);
		assert_true(failed(tls_recv(t, text)));
		assert_true(failed(tls_read(t, &plain)));
		tls_free(t);
	}
	tls_context_free(context);
}

static void a_changed_byte_ends_the_session(void **state)
{
	struct fixture *f = *state;
	struct tls_config s = server_config(f, TLS_CLIENT_NONE);
	struct tls_config c = client_config(f, NULL);
	struct span plain, pending;
	uint8_t copy[256];
	struct ends e;

	ends_open(&e, &s, &c, "relay.test", PKI_NOW);
	ends_run(&e);
	say(e.client, span_str("a secret"));
	pending = tls_pending(e.client);
	memcpy(copy, pending.at, pending.len);
	copy[pending.len - 1] ^= 1;
	assert_false(failed(tls_recv(e.server, span_of(copy, pending.len))));
	assert_int_equal(tls_read(e.server, &plain).code, ERR_MALFORMED);
	assert_true(tls_pending(e.server).len > 0); /* the alert */
	ends_free(&e);
}

static void a_context_wants_what_belongs_together(void **state)
{
	struct fixture *f = *state;
	struct tls_config s = server_config(f, TLS_CLIENT_REQUIRED);
	struct tls_config c = {0};
	struct tls_context *context;

	assert_int_equal(tls_context_new_client(&c, &context).code, ERR_USAGE);
	s.key = buf_span(&f->client.key_pem);
	assert_int_equal(tls_context_new_server(&s, &context).code, ERR_USAGE);
	s = server_config(f, TLS_CLIENT_REQUIRED);
	s.roots = span_of(NULL, 0);
	assert_int_equal(tls_context_new_server(&s, &context).code, ERR_USAGE);
	s.roots = span_str("nonsense");
	assert_int_equal(tls_context_new_server(&s, &context).code,
			 ERR_MALFORMED);
	s = server_config(f, TLS_CLIENT_NONE);
	s.certificate = span_sub(s.certificate, 0, 200);
	assert_int_equal(tls_context_new_server(&s, &context).code,
			 ERR_MALFORMED);
	/* DER is as good as PEM. */
	s = server_config(f, TLS_CLIENT_REQUIRED);
	s.certificate = buf_span(&f->server.der);
	s.roots = buf_span(&f->ca.der);
	assert_false(failed(tls_context_new_server(&s, &context)));
	tls_context_free(context);
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	pki_ca(&f->ca, "Test CA");
	pki_ca(&f->other_ca, "Other CA");
	pki_server(&f->server, &f->ca);
	pki_client(&f->client, &f->ca, "ipad", "GBR");
	pki_client(&f->stranger, &f->other_ca, "stranger", "XXX");
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	pki_clear(&f->ca);
	pki_clear(&f->other_ca);
	pki_clear(&f->server);
	pki_clear(&f->client);
	pki_clear(&f->stranger);
	free(f);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bytes_come_out_as_they_went_in),
		cmocka_unit_test(both_sides_see_a_clean_close),
		cmocka_unit_test(only_certificates_that_fit_are_taken),
		cmocka_unit_test(
			an_ended_client_certificate_is_taken_by_grace_alone),
		cmocka_unit_test(a_ca_can_be_pinned_by_its_digest),
		cmocka_unit_test(a_write_stops_at_the_cap_and_goes_on),
		cmocka_unit_test(what_is_no_tls_is_refused),
		cmocka_unit_test(a_changed_byte_ends_the_session),
		cmocka_unit_test(a_context_wants_what_belongs_together),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
