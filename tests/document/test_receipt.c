/* Receipts. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "proto/document/receipt.h"
#include "tests/document/vector.h"

struct decoded {
	struct span published;
	struct replica_certificate *certificate;
	struct receipt r;
};

static void decoded_init(struct vector *v, struct decoded *d)
{
	d->published = vector_bytes(v, vector_row(v, "receipt"), "blob");
	assert_ok(replica_decode(vector_bytes(v, vector_row(v, "replica"),
					      "blob"),
				 &d->certificate));
	assert_ok(receipt_decode(d->published, &d->r));
}

static void a_receipt_is_the_published_one(void **state)
{
	struct vector *v = *state;
	const struct json *row = vector_row(v, "receipt");
	struct crypto_key *seal = vector_key(v, "seal");
	struct span tbs = vector_bytes(v, row, "to_be_signed");
	struct receipt r;
	struct decoded d;
	struct buf blob;

	decoded_init(v, &d);
	assert_ok(receipt_check(&d.r, d.certificate));
	assert_int_equal(d.r.kind, RECEIPT_KEY_DESTROYED);
	assert_int_equal(d.r.backups_expire, vector_u64(row, "backups_expire"));
	buf_init(&blob, RECEIPT_BLOB_MAX);
	r = d.r;
	assert_ok(receipt_sign(seal, &r, &blob));
	assert_bytes(span_sub(buf_span(&blob), 0, tbs.len), tbs);
	assert_ok(receipt_check(&r, d.certificate));
	r.replica.number++;
	assert_err(receipt_check(&r, d.certificate), ERR_UNAUTHENTICATED);
	r = d.r;
	r.time = d.certificate->draft.to + 1;
	assert_err(receipt_check(&r, d.certificate), ERR_TIME);
	r.kind = 0;
	assert_err(receipt_sign(seal, &r, &blob), ERR_MALFORMED);
	replica_free(d.certificate);
	buf_clear(&blob);
	crypto_key_free(seal);
}

static struct err decode(struct span bytes, void *self)
{
	return receipt_decode(bytes, &((struct decoded *)self)->r);
}

static bool same(struct span bytes, void *self)
{
	struct decoded *d = self;

	return span_eq(bytes, d->published) ||
	       failed(receipt_check(&d->r, d->certificate));
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
		cmocka_unit_test(a_receipt_is_the_published_one),
		cmocka_unit_test(no_turned_bit_passes),
	};

	return cmocka_run_group_tests(tests, vector_setup, vector_teardown);
}
