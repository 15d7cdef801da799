/* Signatures of requests and pages, and nonces. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdlib.h>

#include "proto/exchange/signature.h"

enum { NOW = 1710000000, FIELDS = 8 };

static const uint8_t nonce_key[NONCE_KEY_LEN] = {1, 2, 3};

struct fixture {
	struct crypto_key *key, *other, *p384;
	struct http_field fields[FIELDS];
	struct http_request request;
	struct signature_fields signed_fields;
	struct nonce nonce;
};

static const struct crypto_public *public_of(const struct crypto_key *key)
{
	return crypto_key_public(key);
}

static void field_set(struct fixture *f, const char *name, struct span value)
{
	size_t i = 0;

	while (i < f->request.fields.count &&
	       !span_eq_str(f->fields[i].name, name))
		i++;
	f->fields[i] = (struct http_field){span_str(name), value};
	if (i == f->request.fields.count)
		f->request.fields.count++;
}

/* A signed request: its fields are those a relay receives. */
static void sign_request(struct fixture *f)
{
	assert_false(failed(signature_sign(f->key, &f->request, &f->nonce, NOW,
					   &f->signed_fields)));
	field_set(f, "content-digest", buf_span(&f->signed_fields.digest));
	field_set(f, "signature-input", buf_span(&f->signed_fields.input));
	field_set(f, "signature", buf_span(&f->signed_fields.signature));
}

static struct err check(struct fixture *f, struct digest *base)
{
	struct signature s;
	struct err e = signature_parse(&f->request, &s);

	if (!failed(e))
		e = signature_check(public_of(f->key), &f->request, &s, base);
	return e;
}

static void a_signed_request_checks(void **state)
{
	struct fixture *f = *state;
	struct signature s;
	struct digest base, again;

	assert_false(signature_present(&f->request));
	assert_int_equal(signature_parse(&f->request, &s).code,
			 ERR_UNAUTHENTICATED);
	sign_request(f);
	assert_true(signature_present(&f->request));
	assert_false(failed(signature_parse(&f->request, &s)));
	assert_int_equal(s.created, NOW);
	assert_memory_equal(s.nonce.at, f->nonce.at, NONCE_LEN);
	assert_true(key_id_eq(s.key, crypto_public_id(public_of(f->key))));
	assert_false(failed(check(f, &base)));
	/* Another signature of the same request has the same base, so single
	 * use holds whatever signature comes. */
	f->request.fields.count = 2;
	sign_request(f);
	assert_false(failed(check(f, &again)));
	assert_true(digest_eq(base, again));
}

static void the_base_is_that_of_rfc_9421(void **state)
{
	struct fixture *f = *state;
	struct signature s = {.created = NOW, .nonce = f->nonce};
	char key[DIGEST_TEXT_LEN + 1], nonce[NONCE_TEXT_LEN + 1];
	struct buf base, want;

	buf_init(&base, SIGNATURE_BASE_MAX);
	buf_init(&want, SIGNATURE_BASE_MAX);
	s.key = crypto_public_id(public_of(f->key));
	key_id_format(s.key, key);
	nonce_format(&s.nonce, nonce);
	/* Component values as in RFC 9421 s.2.5: authority in lower case,
	 * path, "?" with the query; the digest as in its Appendix B.2. */
	f->request.authority = span_str("EXAMPLE.com:443");
	f->request.path = span_str("/foo");
	f->request.query = span_str("param=Value&Pet=dog");
	f->request.body = span_str("{\"hello\": \"world\"}");
	sign_request(f);
	assert_false(failed(signature_base(&f->request, &s, &base)));
	buf_printf(&want,
		   "\"@method\": POST\n"
		   "\"@authority\": example.com\n"
		   "\"@path\": /foo\n"
		   "\"@query\": ?param=Value&Pet=dog\n"
		   "\"content-digest\": sha-256=:X48E9qOokqqrvdts8nOJRJN3OWDUo"
		   "yWxBf7kbu9DBPE=:\n"
		   "\"if-match\": *\n"
		   "\"@signature-params\": (\"@method\" \"@authority\" "
		   "\"@path\" \"@query\" \"content-digest\" \"if-match\")"
		   ";created=1710000000;keyid=\"%s\";nonce=\"%s\""
		   ";tag=\"entente-request-v1\"",
		   key, nonce);
	assert_string_equal(buf_cstr(&base), buf_cstr(&want));
	/* No query is a lone "?" (s.2.2.7), no path "/" (s.2.2.6). */
	f->request.query = f->request.path = span_of(NULL, 0);
	buf_reset(&base);
	assert_false(failed(signature_base(&f->request, &s, &base)));
	assert_non_null(
		strstr(buf_cstr(&base), "\"@path\": /\n\"@query\": ?\n"));
	buf_clear(&base);
	buf_clear(&want);
}

static void any_change_of_what_is_signed_is_seen(void **state)
{
	struct fixture *f = *state;
	struct http_request was;
	struct digest base;
	struct span value;

	sign_request(f);
	was = f->request;
	f->request.method = HTTP_PUT;
	assert_int_equal(check(f, &base).code, ERR_SIGNATURE);
	f->request = was;
	f->request.authority = span_str("other.test");
	assert_int_equal(check(f, &base).code, ERR_SIGNATURE);
	f->request = was;
	f->request.path = span_str("/v1/key");
	assert_int_equal(check(f, &base).code, ERR_SIGNATURE);
	f->request = was;
	f->request.query = span_str("a=c");
	assert_int_equal(check(f, &base).code, ERR_SIGNATURE);
	f->request = was;
	f->request.body = span_str("{ }");
	assert_int_equal(check(f, &base).code, ERR_DIGEST);
	f->request = was;
	field_set(f, "if-match", span_str("\"x\""));
	assert_int_equal(check(f, &base).code, ERR_SIGNATURE);
	field_set(f, "if-match", span_str("*"));
	/* A precondition that was not covered. */
	field_set(f, "if-none-match", span_str("*"));
	assert_int_equal(check(f, &base).code, ERR_MALFORMED);
	f->request = was;
	/* One that was covered and is gone. */
	value = f->fields[0].name;
	f->fields[0].name = span_str("x-if-match");
	assert_int_equal(check(f, &base).code, ERR_MALFORMED);
	f->fields[0].name = value;
	assert_false(failed(check(f, &base)));
}

static void another_key_does_not_check(void **state)
{
	struct fixture *f = *state;
	struct signature s;
	struct digest base;

	sign_request(f);
	assert_false(failed(signature_parse(&f->request, &s)));
	assert_int_equal(signature_check(public_of(f->other), &f->request, &s,
					 &base)
				 .code,
			 ERR_SIGNATURE);
	/* Even if it is said to be the one. */
	s.key = crypto_public_id(public_of(f->other));
	assert_int_equal(signature_check(public_of(f->other), &f->request, &s,
					 &base)
				 .code,
			 ERR_SIGNATURE);
	assert_int_equal(signature_check(public_of(f->p384), &f->request, &s,
					 &base)
				 .code,
			 ERR_UNSUPPORTED);
	assert_int_equal(signature_sign(f->p384, &f->request, &f->nonce, NOW,
					&f->signed_fields)
				 .code,
			 ERR_UNSUPPORTED);
}

/* Replace the first `from` in `text` by `to`. */
static void change(const char *text, const char *from, const char *to,
		   struct buf *out)
{
	const char *at = strstr(text, from);

	assert_non_null(at);
	buf_reset(out);
	buf_put(out, span_of(text, (size_t)(at - text)));
	buf_put_str(out, to);
	buf_put_str(out, at + strlen(from));
}

static void there_is_one_form_alone(void **state)
{
	static const char *const changes[][2] = {
		{"sig1", "sig2"},
		{"sig1=", "sig1 ="},
		{"\"@method\" ", ""},
		{"\"@query\" ", ""},
		{" \"content-digest\"", ""},
		{"\"@method\" \"@authority\"", "\"@authority\" \"@method\""},
		{"\"@query\"", "\"@query\" \"@query\""},
		{"\"@path\"", "\"@path\";req"},
		{" \"if-match\"", ""},
		{" \"if-match\"", " \"if-match\" \"date\""},
		{";created=", ";created=0"},
		{";created=", ";created=-"},
		{";created=", "; created="},
		{";created=", ";expires=1;created="},
		{";keyid", ";alg=\"ecdsa-p256-sha256\";keyid"},
		{"\";nonce", "A\";nonce"},
		{"entente-request-v1", "entente-request-v2"},
		{";tag", ";tags"},
		{"v1\"", "v1\", sig2=()"},
	};
	struct fixture *f = *state;
	struct signature s;
	struct buf changed;
	char *input;

	buf_init(&changed, 4096);
	sign_request(f);
	input = strdup(buf_cstr(&f->signed_fields.input));
	for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
		change(input, changes[i][0], changes[i][1], &changed);
		field_set(f, "signature-input", buf_span(&changed));
		if (!failed(signature_parse(&f->request, &s)))
			fail_msg("%s was read", buf_cstr(&changed));
	}
	/* Cut anywhere. */
	for (size_t i = 0; i < strlen(input); i++) {
		field_set(f, "signature-input", span_of(input, i));
		assert_true(failed(signature_parse(&f->request, &s)));
	}
	field_set(f, "signature-input", span_str(input));
	assert_false(failed(signature_parse(&f->request, &s)));
	/* Signature: other label, cut, more. */
	for (size_t i = 0; i < f->signed_fields.signature.len; i++) {
		field_set(f, "signature",
			  span_sub(buf_span(&f->signed_fields.signature), 0,
				   i));
		assert_true(failed(signature_parse(&f->request, &s)));
	}
	buf_reset(&changed);
	buf_put(&changed, buf_span(&f->signed_fields.signature));
	buf_put_str(&changed, ", sig2=:AAAA:");
	field_set(f, "signature", buf_span(&changed));
	assert_true(failed(signature_parse(&f->request, &s)));
	free(input);
	buf_clear(&changed);
}

static void created_must_be_near(void **state)
{
	struct signature s = {.created = NOW};

	assert_false(failed(signature_created_check(&s, NOW + 60, 60)));
	assert_false(failed(signature_created_check(&s, NOW - 60, 60)));
	assert_int_equal(signature_created_check(&s, NOW + 61, 60).code,
			 ERR_TIME);
	s.created = UINT64_MAX;
	assert_int_equal(signature_created_check(&s, NOW, 60).code, ERR_TIME);
}

static void a_nonce_is_good_for_its_asker_and_two_slots(void **state)
{
	static const uint8_t other_key[NONCE_KEY_LEN] = {9};
	struct key_id asker = {{7}}, other = {{8}};
	uint64_t start = NOW / NONCE_SLOT_S * NONCE_SLOT_S;
	char text[NONCE_TEXT_LEN + 1];
	struct nonce n, back;

	assert_false(failed(nonce_make(nonce_key, asker, start, &n)));
	assert_int_equal(nonce_slot(&n), start / NONCE_SLOT_S);
	assert_false(failed(nonce_check(nonce_key, asker, start + 599, &n)));
	assert_int_equal(nonce_check(nonce_key, asker, start + 600, &n).code,
			 ERR_NONCE);
	assert_int_equal(nonce_check(nonce_key, asker, start - 1, &n).code,
			 ERR_NONCE);
	assert_int_equal(nonce_check(nonce_key, other, start, &n).code,
			 ERR_NONCE);
	assert_int_equal(nonce_check(other_key, asker, start, &n).code,
			 ERR_NONCE);
	nonce_format(&n, text);
	assert_int_equal(strlen(text), NONCE_TEXT_LEN);
	assert_false(failed(nonce_parse(span_str(text), &back)));
	assert_memory_equal(back.at, n.at, NONCE_LEN);
	assert_true(failed(nonce_parse(span_of(text, 31), &back)));
	for (size_t i = 0; i < NONCE_LEN; i++) {
		back = n;
		back.at[i] ^= 1;
		assert_true(
			failed(nonce_check(nonce_key, asker, start, &back)));
	}
}

static void a_page_is_signed_for_one_asker_and_question(void **state)
{
	struct fixture *f = *state;
	struct page_facts facts = {
		.replica = {{"GBR"}, 3},
		.ask = {1, 2, 3},
		.since = span_str("cursor"),
		.body = span_str("{}"),
		.policy = {{5}},
		.time = NOW,
	};
	struct page_facts changed;
	struct page_signature sig, back;
	struct buf b;

	buf_init(&b, 1024);
	page_reader_device((struct key_id){{4}}, facts.reader);
	assert_false(failed(page_base(&facts, &b)));
	/* E: u16 and "entente page v1", nation, replica, reader, ask,
	 * H(since), H(body), policy, time. */
	assert_int_equal(b.len, 2 + 15 + 3 + 8 + 32 + 16 + 32 + 32 + 32 + 8);
	assert_memory_equal(b.at,
			    "\0\x0f"
			    "entente page v1GBR",
			    20);
	buf_reset(&b);
	assert_false(failed(page_sign(f->key, &facts, &sig)));
	page_format(&sig, &b);
	assert_false(failed(page_parse(buf_span(&b), &back)));
	assert_int_equal(back.time, NOW);
	assert_false(failed(page_check(public_of(f->key), &facts, &back)));
	assert_true(failed(page_check(public_of(f->other), &facts, &back)));
	changed = facts;
	changed.ask[0]++;
	assert_true(failed(page_check(public_of(f->key), &changed, &back)));
	changed = facts;
	changed.since = span_str("cursos");
	assert_true(failed(page_check(public_of(f->key), &changed, &back)));
	changed = facts;
	changed.body = span_str("{ }");
	assert_true(failed(page_check(public_of(f->key), &changed, &back)));
	changed = facts;
	page_reader_nation((struct nation){"DEU"}, changed.reader);
	assert_true(failed(page_check(public_of(f->key), &changed, &back)));
	changed = facts;
	changed.replica.number++;
	assert_true(failed(page_check(public_of(f->key), &changed, &back)));
	back.time++;
	assert_true(failed(page_check(public_of(f->key), &facts, &back)));
	assert_int_equal(page_sign(f->p384, &facts, &sig).code,
			 ERR_UNSUPPORTED);
	/* One form, and no part of it. */
	for (size_t i = 0; i < b.len; i++)
		assert_true(failed(page_parse(span_of(b.at, i), &back)));
	buf_put_u8(&b, ' ');
	assert_true(failed(page_parse(buf_span(&b), &back)));
	assert_true(failed(page_parse(span_str("time=,"), &back)));
	assert_true(failed(page_parse(span_str("time=1"), &back)));
	buf_clear(&b);
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_false(failed(crypto_key_generate(CRYPTO_P256, &f->key)));
	assert_false(failed(crypto_key_generate(CRYPTO_P256, &f->other)));
	assert_false(failed(crypto_key_generate(CRYPTO_P384, &f->p384)));
	assert_false(failed(nonce_make(nonce_key,
				       crypto_public_id(public_of(f->key)), NOW,
				       &f->nonce)));
	signature_fields_init(&f->signed_fields);
	f->request = (struct http_request){
		.method = HTTP_POST,
		.authority = span_str("relay.test:8443"),
		.path = span_str("/v1/keys"),
		.query = span_str("a=b"),
		.fields = {f->fields, 0},
		.body = span_str("{}"),
	};
	field_set(f, "if-match", span_str("*"));
	field_set(f, "accept", span_str("application/json"));
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	crypto_key_free(f->key);
	crypto_key_free(f->other);
	crypto_key_free(f->p384);
	signature_fields_clear(&f->signed_fields);
	free(f);
	return 0;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_signed_request_checks),
		TEST(the_base_is_that_of_rfc_9421),
		TEST(any_change_of_what_is_signed_is_seen),
		TEST(another_key_does_not_check),
		TEST(there_is_one_form_alone),
		TEST(created_must_be_near),
		TEST(a_nonce_is_good_for_its_asker_and_two_slots),
		TEST(a_page_is_signed_for_one_asker_and_question),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
