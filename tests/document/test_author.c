/* Author records. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "proto/document/author.h"
#include "tests/document/vector.h"

struct decoded {
	struct span published;
	struct replica_certificate *certificate;
	struct author_record *a;
};

static void decoded_init(struct vector *v, struct decoded *d)
{
	d->a = NULL;
	d->published = vector_bytes(v, vector_row(v, "author"), "blob");
	assert_ok(replica_decode(vector_bytes(v, vector_row(v, "replica"),
					      "blob"),
				 &d->certificate));
}

static void a_record_is_the_published_one(void **state)
{
	struct vector *v = *state;
	const struct json *row = vector_row(v, "author");
	struct crypto_key *author = vector_key(v, "author");
	struct crypto_key *seal = vector_key(v, "seal");
	struct decoded d;
	struct buf blob;

	decoded_init(v, &d);
	assert_ok(author_decode(d.published, &d.a));
	assert_ok(author_check(d.a, d.certificate));
	assert_true(key_id_eq(d.a->id,
			      crypto_public_id(crypto_key_public(author))));
	buf_init(&blob, AUTHOR_BLOB_MAX);
	assert_ok(author_sign(seal, d.a->replica, crypto_key_public(author),
			      d.a->from, &blob));
	assert_bytes(span_sub(buf_span(&blob), 0, d.a->tbs.len),
		     vector_bytes(v, row, "to_be_signed"));
	/* A record of another replica; a key that is no author's. */
	d.a->replica.number++;
	assert_err(author_check(d.a, d.certificate), ERR_UNAUTHENTICATED);
	assert_err(author_sign(seal, d.a->replica, crypto_key_public(seal), 1,
			       &blob),
		   ERR_MALFORMED);
	author_free(d.a);
	replica_free(d.certificate);
	buf_clear(&blob);
	crypto_key_free(author);
	crypto_key_free(seal);
}

static struct err decode(struct span bytes, void *self)
{
	struct decoded *d = self;

	author_free(d->a);
	d->a = NULL;
	return author_decode(bytes, &d->a);
}

static bool same(struct span bytes, void *self)
{
	struct decoded *d = self;

	return span_eq(d->a->blob, bytes) &&
	       (span_eq(bytes, d->published) ||
		failed(author_check(d->a, d->certificate)));
}

static void no_turned_bit_passes(void **state)
{
	struct vector *v = *state;
	struct decoded d;
	struct vector_decoder decoder = {decode, same, &d};

	decoded_init(v, &d);
	vector_mutate(d.published, &decoder);
	author_free(d.a);
	replica_free(d.certificate);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_record_is_the_published_one),
		cmocka_unit_test(no_turned_bit_passes),
	};

	return cmocka_run_group_tests(tests, vector_setup, vector_teardown);
}
