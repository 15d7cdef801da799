/* Countersignatures of ticks. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "proto/document/witness.h"
#include "tests/document/vector.h"

struct decoded {
	struct span published;
	struct replica_certificate *certificate;
	struct witness w;
};

static void decoded_init(struct vector *v, struct decoded *d)
{
	d->published = vector_bytes(v, vector_row(v, "witness"), "blob");
	assert_ok(replica_decode(vector_bytes(v, vector_row(v, "replica"),
					      "blob"),
				 &d->certificate));
	assert_ok(witness_decode(d->published, &d->w));
}

static void a_witness_is_the_published_one(void **state)
{
	struct vector *v = *state;
	const struct json *row = vector_row(v, "witness");
	struct crypto_key *seal = vector_key(v, "seal");
	struct span tbs = vector_bytes(v, row, "to_be_signed");
	struct decoded d;
	struct witness w;
	struct buf blob;

	decoded_init(v, &d);
	assert_ok(witness_check(&d.w, d.certificate));
	assert_int_equal(d.w.minute, vector_u64(row, "minute"));
	assert_true(digest_eq(d.w.tick, vector_digest(row, "tick")));
	buf_init(&blob, WITNESS_BLOB_MAX);
	w = d.w;
	assert_ok(witness_sign(seal, &w, &blob));
	assert_bytes(span_sub(buf_span(&blob), 0, tbs.len), tbs);
	assert_ok(witness_check(&w, d.certificate));
	w.by.number++;
	assert_err(witness_check(&w, d.certificate), ERR_UNAUTHENTICATED);
	w = d.w;
	w.time = d.certificate->draft.to + 1;
	assert_err(witness_check(&w, d.certificate), ERR_TIME);
	w.of = w.by;
	assert_err(witness_sign(seal, &w, &blob), ERR_MALFORMED);
	replica_free(d.certificate);
	buf_clear(&blob);
	crypto_key_free(seal);
}

static struct err decode(struct span bytes, void *self)
{
	return witness_decode(bytes, &((struct decoded *)self)->w);
}

static bool same(struct span bytes, void *self)
{
	struct decoded *d = self;

	return span_eq(bytes, d->published) ||
	       failed(witness_check(&d->w, d->certificate));
}

static void no_turned_bit_passes(void **state)
{
	struct vector *v = *state;
	struct decoded d;
	struct vector_decoder decoder = {decode, same, &d};

	decoded_init(v, &d);
	vector_mutate(d.published, &decoder);
	replica_free(d.certificate);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_witness_is_the_published_one),
		cmocka_unit_test(no_turned_bit_passes),
	};

	return cmocka_run_group_tests(tests, vector_setup, vector_teardown);
}
