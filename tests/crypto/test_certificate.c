/* Proves proto/crypto/certificate*_openssl.c: issue, read, PEM. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "proto/crypto/certificate.h"

#define OK(e)	       assert_false(failed(e))
#define FAILS(e, want) assert_int_equal((e).code, want)

enum { FROM = 1700000000, UNTIL = 1800000000, NOW = 1750000000 };

/* A nation's authority, and a device's key. */
struct pki {
	struct crypto_key *ca_key, *key;
	struct buf ca, der;
	struct arena arena;
};

static struct certificate_order order(enum certificate_purpose purpose)
{
	return (struct certificate_order){
		.purpose = purpose,
		.common_name = span_str("device 7"),
		.organization = span_str("GBR"),
		.not_before = FROM,
		.not_after = UNTIL,
		.serial = {0xff, 2, 3},
	};
}

static struct certificate_order ca_order(void)
{
	struct certificate_order o = order(CERTIFICATE_BOTH);

	o.common_name = span_str("Entente GBR");
	return o;
}

static int setup(void **state)
{
	static struct pki p;
	struct certificate_order o = ca_order();

	OK(crypto_key_generate(CRYPTO_P256, &p.ca_key));
	OK(crypto_key_generate(CRYPTO_P256, &p.key));
	buf_init(&p.ca, CERTIFICATE_MAX);
	buf_init(&p.der, CERTIFICATE_PEM_MAX);
	arena_init(&p.arena, 1 << 20);
	OK(certificate_make_ca(p.ca_key, &o, &p.ca));
	*state = &p;
	return 0;
}

static int teardown(void **state)
{
	struct pki *p = *state;

	crypto_key_free(p->ca_key);
	crypto_key_free(p->key);
	buf_clear(&p->ca);
	buf_clear(&p->der);
	arena_clear(&p->arena);
	return 0;
}

static struct span spki_of(const struct crypto_key *key)
{
	return crypto_public_spki(crypto_key_public(key));
}

static struct err issue(struct pki *p, const struct certificate_order *o)
{
	buf_reset(&p->der);
	return certificate_issue(p->ca_key, buf_span(&p->ca), spki_of(p->key),
				 o, &p->der);
}

static void an_issued_certificate_says_what_was_ordered(void **state)
{
	struct pki *p = *state;
	struct certificate_order o = order(CERTIFICATE_CLIENT);
	struct certificate_facts facts, ca;
	struct digest d;

	OK(issue(p, &o));
	OK(certificate_read(buf_span(&p->der), &p->arena, &facts));
	OK(certificate_read(buf_span(&p->ca), &p->arena, &ca));
	assert_true(span_eq_str(facts.common_name, "device 7"));
	assert_true(span_eq_str(facts.organization, "GBR"));
	assert_true(span_eq_str(facts.issuer_common_name, "Entente GBR"));
	assert_true(span_eq_str(facts.issuer_organization, "GBR"));
	assert_true(span_eq(facts.spki, spki_of(p->key)));
	assert_int_equal(facts.not_before, FROM);
	assert_int_equal(facts.not_after, UNTIL);
	assert_int_equal(facts.serial.len, 16);
	assert_memory_equal(facts.serial.at, "\x7f\x02\x03", 3);
	assert_true(facts.client && !facts.server && !facts.ca);
	assert_int_equal(facts.issuer_key.len, 20);
	assert_true(span_eq(facts.issuer_key, ca.subject_key));
	OK(crypto_sha256(buf_span(&p->der), &d));
	assert_true(digest_eq(facts.digest, d));
	assert_true(ca.ca && !ca.client && !ca.server);
	assert_true(span_eq_str(ca.common_name, "Entente GBR"));
}

static void a_certificate_serves_its_purpose_and_its_time_only(void **state)
{
	static const char *const names[] = {"relay.example", "127.0.0.1",
					    "::1"};
	static const enum certificate_purpose all[] = {CERTIFICATE_CLIENT,
						       CERTIFICATE_SERVER,
						       CERTIFICATE_BOTH};
	struct pki *p = *state;
	struct span ca = buf_span(&p->ca);

	for (int made = 0; made < 3; made++) {
		struct certificate_order o = order(all[made]);
		struct span der;

		o.alt_names = names;
		o.alt_count = 3;
		OK(issue(p, &o));
		der = buf_span(&p->der);
		for (int asked = 0; asked < 3; asked++)
			FAILS(certificate_check(der, ca, all[asked], NOW),
			      (all[made] & all[asked]) == all[asked]
				      ? ERR_OK
				      : ERR_UNAUTHENTICATED);
		OK(certificate_check(der, ca, all[made], FROM));
		OK(certificate_check(der, ca, all[made], UNTIL));
		FAILS(certificate_check(der, ca, all[made], FROM - 1),
		      ERR_TIME);
		FAILS(certificate_check(der, ca, all[made], UNTIL + 1),
		      ERR_TIME);
		FAILS(certificate_check(ca, ca, all[made], NOW),
		      ERR_UNAUTHENTICATED);
		FAILS(certificate_check(ca, der, all[made], NOW),
		      ERR_UNAUTHENTICATED);
	}
}

/* The same name and times under another key: another nation's forgery. */
static void a_namesake_of_the_ca_vouches_for_nothing(void **state)
{
	struct pki *p = *state;
	struct certificate_order o = ca_order();
	struct crypto_key *other;
	struct buf ca, der;

	buf_init(&ca, CERTIFICATE_MAX);
	buf_init(&der, CERTIFICATE_MAX);
	OK(crypto_key_generate(CRYPTO_P256, &other));
	OK(certificate_make_ca(other, &o, &ca));
	o = order(CERTIFICATE_CLIENT);
	OK(certificate_issue(other, buf_span(&ca), spki_of(p->key), &o, &der));
	OK(certificate_check(buf_span(&der), buf_span(&ca), CERTIFICATE_CLIENT,
			     NOW));
	FAILS(certificate_check(buf_span(&der), buf_span(&p->ca),
				CERTIFICATE_CLIENT, NOW),
	      ERR_UNAUTHENTICATED);
	/* And nobody issues in the name of a CA whose key he has not. */
	FAILS(certificate_issue(other, buf_span(&p->ca), spki_of(p->key), &o,
				&der),
	      ERR_UNAUTHENTICATED);
	crypto_key_free(other);
	buf_clear(&ca);
	buf_clear(&der);
}

static void an_end_entity_issues_nothing(void **state)
{
	struct pki *p = *state;
	struct certificate_order o = order(CERTIFICATE_CLIENT);
	struct buf der;

	buf_init(&der, CERTIFICATE_MAX);
	OK(issue(p, &o));
	FAILS(certificate_issue(p->key, buf_span(&p->der), spki_of(p->key), &o,
				&der),
	      ERR_UNAUTHENTICATED);
	buf_clear(&der);
}

static void a_wrong_order_is_refused(void **state)
{
	static const char *const bad_names[] = {"",	     "a b", "a,DNS:b",
						"*.example", "-x",  "1.2.3.4/8",
						"a\nb"};
	static const char *const many[CERTIFICATE_ALT_MAX + 1] = {0};
	struct pki *p = *state;
	struct certificate_order o;
	char long_name[CERTIFICATE_NAME_MAX + 1];

	o = order(CERTIFICATE_SERVER);
	FAILS(issue(p, &o), ERR_MALFORMED);
	for (size_t i = 0; i < sizeof(bad_names) / sizeof(bad_names[0]); i++) {
		o.alt_names = &bad_names[i];
		o.alt_count = 1;
		FAILS(issue(p, &o), ERR_MALFORMED);
	}
	o.alt_names = many;
	o.alt_count = CERTIFICATE_ALT_MAX + 1;
	FAILS(issue(p, &o), ERR_TOO_LARGE);
	o = order(CERTIFICATE_CLIENT);
	o.not_after = FROM - 1;
	FAILS(issue(p, &o), ERR_MALFORMED);
	o.not_after = UINT64_MAX;
	FAILS(issue(p, &o), ERR_MALFORMED);
	o = order(CERTIFICATE_CLIENT);
	memset(o.serial, 0, sizeof(o.serial));
	FAILS(issue(p, &o), ERR_MALFORMED);
	o.serial[0] = 0x80;
	FAILS(issue(p, &o), ERR_MALFORMED);
	o = order(CERTIFICATE_CLIENT);
	memset(long_name, 'a', sizeof(long_name));
	o.common_name = SPAN_OBJ(long_name);
	FAILS(issue(p, &o), ERR_MALFORMED);
	o.common_name = span_str("");
	FAILS(issue(p, &o), ERR_MALFORMED);
	o.common_name = span_str("a\nb");
	FAILS(issue(p, &o), ERR_MALFORMED);
	o.common_name = span_str("\xff\xfe");
	FAILS(issue(p, &o), ERR_MALFORMED);
	o = order((enum certificate_purpose)0);
	FAILS(issue(p, &o), ERR_MALFORMED);
	o = order(CERTIFICATE_CLIENT);
	FAILS(certificate_issue(p->ca_key, buf_span(&p->ca), span_str("spki"),
				&o, &p->der),
	      ERR_MALFORMED);
}

/* Both forms of a date: UTCTime to 2049, GeneralizedTime after. */
static void times_come_back_as_they_were(void **state)
{
	static const uint64_t times[] = {0,	     951782399,	 951782400,
					 2524607999, 2524608000, 253402300799};
	struct pki *p = *state;

	for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
		struct certificate_order o = order(CERTIFICATE_CLIENT);
		struct certificate_facts facts;

		o.not_before = o.not_after = times[i];
		OK(issue(p, &o));
		OK(certificate_read(buf_span(&p->der), &p->arena, &facts));
		assert_true(facts.not_before == times[i]);
		assert_true(facts.not_after == times[i]);
	}
}

static void a_request_is_read_for_either_curve(void **state)
{
	static const enum crypto_curve curves[] = {CRYPTO_P256, CRYPTO_P384};
	struct pki *p = *state;

	for (int i = 0; i < 2; i++) {
		struct certificate_order o = order(CERTIFICATE_CLIENT);
		struct certificate_request request;
		struct crypto_key *key;

		OK(crypto_key_generate(curves[i], &key));
		buf_reset(&p->der);
		OK(certificate_make_request(key, span_str("an iPad"), &p->der));
		OK(certificate_read_request(buf_span(&p->der), &p->arena,
					    &request));
		assert_true(span_eq_str(request.common_name, "an iPad"));
		assert_true(span_eq(request.spki, spki_of(key)));
		buf_reset(&p->der);
		OK(certificate_issue(p->ca_key, buf_span(&p->ca), request.spki,
				     &o, &p->der));
		OK(certificate_check(buf_span(&p->der), buf_span(&p->ca),
				     CERTIFICATE_CLIENT, NOW));
		crypto_key_free(key);
	}
}

static void no_changed_request_is_taken(void **state)
{
	struct pki *p = *state;
	struct certificate_request request;
	struct span der;

	OK(certificate_make_request(p->key, span_str("an iPad"), &p->der));
	der = buf_span(&p->der);
	for (size_t cut = 0; cut < der.len; cut++)
		assert_true(
			failed(certificate_read_request(span_sub(der, 0, cut),
							&p->arena, &request)));
	for (size_t bit = 0; bit < 8 * der.len; bit++) {
		p->der.at[bit / 8] ^= 1 << bit % 8;
		assert_true(failed(
			certificate_read_request(der, &p->arena, &request)));
		p->der.at[bit / 8] ^= 1 << bit % 8;
	}
	OK(certificate_read_request(der, &p->arena, &request));
	buf_put_u8(&p->der, 0);
	FAILS(certificate_read_request(buf_span(&p->der), &p->arena, &request),
	      ERR_MALFORMED);
}

static void no_changed_certificate_is_vouched_for(void **state)
{
	struct pki *p = *state;
	struct certificate_order o = order(CERTIFICATE_CLIENT);
	struct certificate_facts facts;
	struct span der, ca = buf_span(&p->ca);

	OK(issue(p, &o));
	der = buf_span(&p->der);
	for (size_t cut = 0; cut < der.len; cut++)
		assert_true(failed(certificate_read(span_sub(der, 0, cut),
						    &p->arena, &facts)));
	for (size_t bit = 0; bit < 8 * der.len; bit++) {
		p->der.at[bit / 8] ^= 1 << bit % 8;
		assert_true(failed(
			certificate_check(der, ca, CERTIFICATE_CLIENT, NOW)));
		p->der.at[bit / 8] ^= 1 << bit % 8;
	}
	OK(certificate_check(der, ca, CERTIFICATE_CLIENT, NOW));
}

static void pem_and_back_is_the_same(void **state)
{
	static const enum crypto_curve curves[] = {CRYPTO_P256, CRYPTO_P384};
	struct pki *p = *state;
	struct buf pem, back;

	buf_init(&pem, CERTIFICATE_PEM_MAX);
	buf_init(&back, CERTIFICATE_MAX);
	OK(certificate_to_pem(buf_span(&p->ca), &pem));
	assert_memory_equal(pem.at, "-----BEGIN CERTIFICATE-----\n", 28);
	OK(certificate_from_pem(buf_span(&pem), &back));
	assert_true(span_eq(buf_span(&back), buf_span(&p->ca)));
	for (int i = 0; i < 2; i++) {
		uint8_t a[CRYPTO_HASH_MAX], b[CRYPTO_HASH_MAX];
		struct crypto_key *key, *again;

		OK(crypto_key_generate(curves[i], &key));
		buf_reset(&pem);
		OK(certificate_key_to_pem(key, &pem));
		assert_memory_equal(pem.at, "-----BEGIN PRIVATE KEY-----\n",
				    28);
		OK(certificate_key_from_pem(buf_span(&pem), &again));
		OK(crypto_key_scalar(key, a));
		OK(crypto_key_scalar(again, b));
		assert_int_equal(crypto_key_curve(again), curves[i]);
		assert_memory_equal(a, b, crypto_scalar_len(curves[i]));
		assert_true(span_eq(spki_of(key), spki_of(again)));
		crypto_key_free(key);
		crypto_key_free(again);
	}
	buf_wipe(&pem);
	buf_clear(&back);
}

static void what_is_no_pem_is_refused(void **state)
{
	/* RFC 8410 s.10.3: a key of another curve (Ed25519). */
	static const char foreign[] = "-----BEGIN PRIVATE KEY-----\n"
				      "MC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp"
				      "+K06/nwoy/HU++CXqI9EdVhC\n"
				      "-----END PRIVATE KEY-----\n";
	struct crypto_key *key;
	struct buf out;

	buf_init(&out, CERTIFICATE_MAX);
	FAILS(certificate_from_pem(span_str(""), &out), ERR_MALFORMED);
	FAILS(certificate_from_pem(span_str("text"), &out), ERR_MALFORMED);
	FAILS(certificate_from_pem(span_str(foreign), &out), ERR_MALFORMED);
	FAILS(certificate_key_from_pem(span_str(""), &key), ERR_MALFORMED);
	FAILS(certificate_key_from_pem(span_str(foreign), &key), ERR_MALFORMED);
	FAILS(certificate_key_from_pem(span_of(foreign,
					       CERTIFICATE_PEM_MAX + 1),
				       &key),
	      ERR_TOO_LARGE);
	buf_clear(&out);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(an_issued_certificate_says_what_was_ordered),
		TEST(a_certificate_serves_its_purpose_and_its_time_only),
		TEST(a_namesake_of_the_ca_vouches_for_nothing),
		TEST(an_end_entity_issues_nothing),
		TEST(a_wrong_order_is_refused),
		TEST(times_come_back_as_they_were),
		TEST(a_request_is_read_for_either_curve),
		TEST(no_changed_request_is_taken),
		TEST(no_changed_certificate_is_vouched_for),
		TEST(pem_and_back_is_the_same),
		TEST(what_is_no_pem_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
