/* Certificates, requests and keys, DER and PEM, from devices and peers. */
#include "tests/fuzz/fuzz.h"

#include "proto/crypto/certificate.h"

enum { CAP = 1 << 20 };

static struct buf ca;

static void make_ca(void)
{
	struct certificate_order order = {
		.purpose = CERTIFICATE_BOTH,
		.common_name = span_str("CA"),
		.organization = span_str("GBR"),
		.not_before = 1700000000,
		.not_after = 1900000000,
		.serial = {1},
	};

	if (ca.cap)
		return;
	buf_init(&ca, CAP);
	fuzz_ok(certificate_make_ca(fuzz_key(CRYPTO_P256), &order, &ca));
}

void fuzz_seeds(void)
{
	static const char *const names[] = {"relay.test", "127.0.0.1"};
	struct certificate_order order = {
		.purpose = CERTIFICATE_SERVER,
		.common_name = span_str("relay"),
		.not_before = 1700000000,
		.not_after = 1800000000,
		.serial = {2},
		.alt_names = names,
		.alt_count = 2,
	};
	const struct crypto_key *key = fuzz_key(CRYPTO_P256);
	struct buf b, pem;

	make_ca();
	fuzz_seed(buf_span(&ca));
	buf_init(&b, CAP);
	buf_init(&pem, CAP);
	fuzz_ok(certificate_issue(key, buf_span(&ca),
				  crypto_public_spki(crypto_key_public(key)),
				  &order, &b));
	fuzz_seed(buf_span(&b));
	fuzz_ok(certificate_to_pem(buf_span(&b), &pem));
	fuzz_seed(buf_span(&pem));
	buf_reset(&b);
	fuzz_ok(certificate_make_request(key, span_str("device"), &b));
	fuzz_seed(buf_span(&b));
	buf_reset(&pem);
	fuzz_ok(certificate_key_to_pem(key, &pem));
	fuzz_seed(buf_span(&pem));
	fuzz_seed(crypto_public_spki(crypto_key_public(key)));
	fuzz_seed(crypto_public_point(crypto_key_public(key)));
	buf_clear(&b);
	buf_clear(&pem);
}

void fuzz_input(struct span bytes)
{
	struct certificate_request request;
	struct certificate_facts facts;
	struct crypto_public *public = NULL;
	struct crypto_key *key = NULL;
	struct arena arena;
	struct buf b;

	make_ca();
	buf_init(&b, CAP);
	arena_init(&arena, CAP);
	if (!failed(certificate_read(bytes, &arena, &facts)))
		fuzz_ok(crypto_public_from_spki(facts.spki, &public));
	crypto_public_free(public);
	public = NULL;
	(void)!failed(certificate_check(bytes, buf_span(&ca),
					CERTIFICATE_CLIENT, 1750000000));
	(void)!failed(certificate_check(buf_span(&ca), bytes,
					CERTIFICATE_CLIENT, 1750000000));
	if (!failed(certificate_read_request(bytes, &arena, &request)))
		fuzz_ok(crypto_public_from_spki(request.spki, &public));
	crypto_public_free(public);
	public = NULL;
	(void)!failed(certificate_from_pem(bytes, &b));
	(void)!failed(certificate_key_from_pem(bytes, &key));
	crypto_key_free(key);
	if (!failed(crypto_public_from_spki(bytes, &public)))
		fuzz_check(span_eq(crypto_public_spki(public), bytes));
	crypto_public_free(public);
	public = NULL;
	if (!failed(crypto_public_from_point(bytes, &public)))
		fuzz_check(span_eq(crypto_public_point(public), bytes));
	crypto_public_free(public);
	arena_clear(&arena);
	buf_clear(&b);
}
