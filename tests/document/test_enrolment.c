/* Enrolment. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "proto/document/enrolment.h"
#include "tests/document/vector.h"

struct device {
	struct crypto_key *root, *tls, *author, *wrapping;
	struct enrolment e;
	uint8_t secret[ENROLMENT_SECRET_LEN];
};

static void device_init(struct vector *v, struct device *d)
{
	const struct json *row = vector_row(v, "enrolment");

	d->root = vector_key(v, "root");
	d->tls = vector_key(v, "tls");
	d->author = vector_key(v, "author");
	d->wrapping = vector_key(v, "wrapping");
	d->e = (struct enrolment){
		.nation = vector_nation("GBR"),
		.ca = vector_digest(row, "ca"),
		.tls_spki = crypto_public_spki(crypto_key_public(d->tls)),
		.author_spki = crypto_public_spki(crypto_key_public(d->author)),
		.wrapping = crypto_public_point(crypto_key_public(d->wrapping)),
	};
	memcpy(d->e.root.at, crypto_public_id(crypto_key_public(d->root)).at,
	       DIGEST_LEN);
	vector_fixed(row, "token", d->e.token, sizeof(d->e.token));
	vector_fixed(row, "secret", d->secret, sizeof(d->secret));
}

static void device_clear(struct device *d)
{
	crypto_key_free(d->root);
	crypto_key_free(d->tls);
	crypto_key_free(d->author);
	crypto_key_free(d->wrapping);
}

static void assert_fixed(const struct json *row, const char *name,
			 const void *got, size_t len)
{
	uint8_t want[64];

	vector_fixed(row, name, want, len);
	assert_memory_equal(got, want, len);
}

static void every_step_is_the_published_one(void **state)
{
	struct vector *v = *state;
	const struct json *row = vector_row(v, "enrolment");
	struct enrolment_keys keys;
	struct digest t;
	struct device d;
	uint8_t mac[ENROLMENT_MAC_LEN], request[ENROLMENT_MAC_LEN];
	uint8_t proof[ENROLMENT_PROOF_LEN];

	device_init(v, &d);
	assert_ok(enrolment_transcript(&d.e, &t));
	assert_fixed(row, "transcript", t.at, 32);
	assert_ok(enrolment_keys_derive(d.secret, d.e.token, &keys));
	assert_fixed(row, "request_key", keys.request, 32);
	assert_fixed(row, "answer_key", keys.answer, 32);
	assert_ok(enrolment_challenge(&keys, t, mac));
	assert_fixed(row, "challenge", mac, 32);
	vector_fixed(row, "proof", proof, sizeof(proof));
	assert_ok(enrolment_check_proof(crypto_key_public(d.author), t,
					SPAN_OBJ(proof)));
	assert_ok(enrolment_request_mac(&keys, t, vector_bytes(v, row, "csr"),
					vector_bytes(v, row, "attestation"),
					proof, request));
	assert_fixed(row, "request_mac", request, 32);
	assert_ok(enrolment_answer_mac(&keys, request,
				       vector_bytes(v, row, "certificate"),
				       vector_bytes(v, vector_row(v, "replica"),
						    "blob"),
				       mac));
	assert_fixed(row, "answer_mac", mac, 32);
	assert_ok(enrolment_check_mac(mac, SPAN_OBJ(mac)));
	assert_err(enrolment_check_mac(mac, SPAN_OBJ(request)), ERR_SIGNATURE);
	assert_err(enrolment_check_mac(mac, span_of(mac, 31)), ERR_SIGNATURE);
	assert_err(enrolment_check_mac(mac, span_of(NULL, 0)), ERR_SIGNATURE);
	device_clear(&d);
}

static void every_member_moves_the_transcript(void **state)
{
	struct vector *v = *state;
	struct device d;
	struct enrolment e;
	struct digest t, other;

	device_init(v, &d);
	assert_ok(enrolment_transcript(&d.e, &t));
#define MOVES(change)                                                          \
	do {                                                                   \
		e = d.e;                                                       \
		change;                                                        \
		assert_ok(enrolment_transcript(&e, &other));                   \
		assert_false(digest_eq(t, other));                             \
	} while (0)
	MOVES(e.token[0] ^= 1);
	MOVES(e.nation = vector_nation("FRA"));
	MOVES(e.ca.at[0] ^= 1);
	MOVES(e.root.at[0] ^= 1);
	MOVES(e.tls_spki = d.e.author_spki);
	MOVES(e.author_spki = d.e.tls_spki);
	MOVES(e.wrapping = crypto_public_point(crypto_key_public(d.tls)));
#undef MOVES
	device_clear(&d);
}

static void only_the_author_key_proves(void **state)
{
	struct vector *v = *state;
	struct device d;
	struct digest t;
	uint8_t proof[ENROLMENT_PROOF_LEN];

	device_init(v, &d);
	assert_ok(enrolment_transcript(&d.e, &t));
	assert_ok(enrolment_prove(d.tls, t, proof));
	assert_err(enrolment_check_proof(crypto_key_public(d.author), t,
					 SPAN_OBJ(proof)),
		   ERR_SIGNATURE);
	assert_ok(enrolment_prove(d.author, t, proof));
	assert_ok(enrolment_check_proof(crypto_key_public(d.author), t,
					SPAN_OBJ(proof)));
	assert_err(enrolment_check_proof(crypto_key_public(d.author), t,
					 span_of(proof, 63)),
		   ERR_SIGNATURE);
	assert_err(enrolment_prove(d.root, t, proof), ERR_UNSUPPORTED);
	t.at[0] ^= 1;
	assert_err(enrolment_check_proof(crypto_key_public(d.author), t,
					 SPAN_OBJ(proof)),
		   ERR_SIGNATURE);
	device_clear(&d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_step_is_the_published_one),
		cmocka_unit_test(every_member_moves_the_transcript),
		cmocka_unit_test(only_the_author_key_proves),
	};

	return cmocka_run_group_tests(tests, vector_setup, vector_teardown);
}
