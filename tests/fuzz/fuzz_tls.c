/*
 * TLS sessions against bytes from anywhere.  The first byte says which side
 * meets them and after how many flights of an honest handshake.
 */
#include "tests/fuzz/fuzz.h"

#include "proto/crypto/certificate.h"
#include "proto/wire/tls.h"

enum { CAP = 64 << 10, NOW = 1750000000, FLIGHTS = 4, STEP = 7 };

static struct tls_context *server_side, *client_side;

static void make_contexts(void)
{
	static const char *const names[] = {"relay.test"};
	const struct crypto_key *key = fuzz_key(CRYPTO_P256);
	struct certificate_order order = {
		.purpose = CERTIFICATE_BOTH,
		.common_name = span_str("CA"),
		.not_before = 1700000000,
		.not_after = 1900000000,
		.serial = {1},
		.alt_names = names,
		.alt_count = 1,
	};
	struct tls_config config = {.client = TLS_CLIENT_ANY};
	struct buf ca, leaf, pem;

	buf_init(&ca, CAP);
	buf_init(&leaf, CAP);
	buf_init(&pem, CAP);
	fuzz_ok(certificate_make_ca(key, &order, &ca));
	order.serial[0] = 2;
	fuzz_ok(certificate_issue(key, buf_span(&ca),
				  crypto_public_spki(crypto_key_public(key)),
				  &order, &leaf));
	fuzz_ok(certificate_key_to_pem(key, &pem));
	config.certificate = buf_span(&leaf);
	config.key = buf_span(&pem);
	config.roots = buf_span(&ca);
	fuzz_ok(tls_context_new_server(&config, &server_side));
	fuzz_ok(tls_context_new_client(&config, &client_side));
	buf_clear(&ca);
	buf_clear(&leaf);
	buf_clear(&pem);
}

void fuzz_seeds(void)
{
	struct tls *client;
	struct buf b;

	make_contexts();
	buf_init(&b, CAP);
	fuzz_ok(tls_new_client(client_side, "relay.test", NOW, &client));
	(void)!failed(tls_recv(client, span_of(NULL, 0)));
	buf_put_u8(&b, 0);
	buf_put(&b, tls_pending(client));
	fuzz_seed(buf_span(&b));
	for (uint8_t n = 1; n < 2 * FLIGHTS; n++)
		fuzz_seed(span_of((uint8_t[]){n, 23, 3, 3, 0, 1, 0}, 7));
	tls_free(client);
	buf_clear(&b);
}

static struct err feed(struct tls *t, struct span bytes)
{
	struct span plain;
	struct err e = tls_recv(t, bytes);

	while (!failed(e)) {
		e = tls_read(t, &plain);
		if (failed(e) || !plain.len)
			break;
	}
	return e;
}

static void carry(struct tls *from, struct tls *to)
{
	struct span bytes = tls_pending(from);
	struct buf copy;

	buf_init(&copy, 1 << 20);
	buf_put(&copy, bytes);
	tls_sent(from, bytes.len);
	(void)!failed(feed(to, buf_span(&copy)));
	buf_clear(&copy);
}

void fuzz_input(struct span bytes)
{
	struct span_reader r = span_read(bytes);
	unsigned how = span_read_u8(&r);
	struct tls *server, *client, *met;
	struct err e = ERR_NONE;
	size_t taken;

	if (!server_side)
		make_contexts();
	fuzz_ok(tls_new_server(server_side, NOW, &server));
	fuzz_ok(tls_new_client(client_side, "relay.test", NOW, &client));
	e = feed(client, span_of(NULL, 0));
	for (unsigned n = 0; n < how / 2 % FLIGHTS; n++) {
		carry(client, server);
		carry(server, client);
	}
	met = how % 2 ? client : server;
	for (size_t at = 0; at < r.left.len && !failed(e);) {
		size_t step = how & 128 ? STEP : SIZE_MAX;
		struct span part = span_sub(r.left, at, step);

		e = feed(met, part);
		at += part.len;
	}
	if (failed(e))
		fuzz_check(tls_state(met) == TLS_FAILED);
	else
		(void)!failed(tls_write(met, span_str("answer"), &taken));
	tls_sent(met, tls_pending(met).len);
	(void)!failed(tls_close(met));
	tls_free(server);
	tls_free(client);
}
