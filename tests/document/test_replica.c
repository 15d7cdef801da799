/* Replica certificates, successions, and what stands under a seal key. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "proto/document/replica.h"
#include "tests/document/vector.h"

static struct replica_certificate *published(struct vector *v)
{
	struct replica_certificate *c = NULL;

	assert_ok(replica_decode(vector_bytes(v, vector_row(v, "replica"),
					      "blob"),
				 &c));
	return c;
}

static void a_certificate_is_the_published_one(void **state)
{
	struct vector *v = *state;
	const struct json *row = vector_row(v, "replica");
	struct crypto_key *root = vector_key(v, "root");
	struct replica_certificate *c = published(v), *again = NULL;
	struct buf blob;

	assert_bytes(c->tbs, vector_bytes(v, row, "to_be_signed"));
	assert_int_equal(c->draft.replica.number, vector_u64(row, "replica"));
	assert_int_equal(c->draft.issue, vector_u64(row, "issue"));
	assert_int_equal(c->draft.ends_count, 1);
	assert_non_null(replica_find_end(c, 1));
	assert_null(replica_find_end(c, 2));
	assert_ok(replica_check(c, crypto_key_public(root),
				vector_nation("GBR"), 5));
	/* Signed here, the same bytes. */
	buf_init(&blob, REPLICA_BLOB_MAX);
	assert_ok(replica_sign(root, &c->draft, &blob));
	assert_bytes(span_sub(buf_span(&blob), 0, blob.len - REPLICA_SIG_LEN),
		     c->tbs);
	assert_ok(replica_decode(buf_span(&blob), &again));
	assert_ok(replica_check(again, crypto_key_public(root),
				vector_nation("GBR"), 1));
	replica_free(again);
	replica_free(c);
	buf_clear(&blob);
	crypto_key_free(root);
}

static void a_certificate_is_refused_with_a_reason(void **state)
{
	struct vector *v = *state;
	struct crypto_key *root = vector_key(v, "root");
	struct crypto_key *other = vector_key(v, "new_root");
	struct replica_certificate *c = published(v);

	assert_err(replica_check(c, crypto_key_public(root),
				 vector_nation("DEU"), 1),
		   ERR_UNAUTHENTICATED);
	assert_err(replica_check(c, crypto_key_public(other),
				 vector_nation("GBR"), 1),
		   ERR_UNAUTHENTICATED);
	assert_err(replica_check(c, crypto_key_public(root),
				 vector_nation("GBR"), 6),
		   ERR_REPLAYED);
	assert_true(replica_in_time(c, c->draft.from));
	assert_true(replica_in_time(c, c->draft.to));
	assert_false(replica_in_time(c, c->draft.to + 1));
	assert_false(replica_in_time(c, c->draft.from - 1));
	replica_free(c);
	crypto_key_free(root);
	crypto_key_free(other);
}

static void drafts_out_of_form_are_not_signed(void **state)
{
	struct vector *v = *state;
	struct crypto_key *root = vector_key(v, "root");
	struct crypto_key *other = vector_key(v, "new_root");
	struct replica_certificate *c = published(v);
	struct replica_end ends[2] = {{.replica = 1}, {.replica = 1}};
	struct replica_draft d;
	struct buf blob;

	buf_init(&blob, REPLICA_BLOB_MAX);
#define REFUSED(change, want)                                                  \
	do {                                                                   \
		d = c->draft;                                                  \
		change;                                                        \
		assert_err(replica_sign(root, &d, &blob), want);               \
	} while (0)
	REFUSED(d.seal = d.request, ERR_MALFORMED);
	REFUSED(d.guard_p256 = d.guard_p384, ERR_MALFORMED);
	REFUSED(d.guard_p384 = d.guard_p256, ERR_MALFORMED);
	REFUSED(d.request = d.seal, ERR_MALFORMED);
	REFUSED(d.replica.number = 0, ERR_MALFORMED);
	REFUSED(d.issue = 0, ERR_MALFORMED);
	REFUSED(d.to = d.from - 1, ERR_MALFORMED);
	REFUSED(d.ends = ends; d.ends_count = 2, ERR_MALFORMED);
	REFUSED(ends[0].replica = 2; d.ends = ends, ERR_MALFORMED);
	REFUSED(d.ends_count = REPLICA_ENDS_MAX + 1, ERR_TOO_LARGE);
#undef REFUSED
	d = c->draft;
	assert_err(replica_sign(other, &d, &blob), ERR_UNAUTHENTICATED);
	assert_int_equal(blob.len, 0);
	replica_free(c);
	buf_clear(&blob);
	crypto_key_free(root);
	crypto_key_free(other);
}

struct decoded {
	struct vector *v;
	struct crypto_key *root;
	struct replica_certificate *c;
};

static struct err decode(struct span bytes, void *self)
{
	struct decoded *d = self;

	replica_free(d->c);
	d->c = NULL;
	return replica_decode(bytes, &d->c);
}

/* What was not the published blob fails its check. */
static bool same(struct span bytes, void *self)
{
	struct decoded *d = self;
	bool original =
		span_eq(bytes, vector_bytes(d->v, vector_row(d->v, "replica"),
					    "blob"));

	return span_eq(d->c->blob, bytes) &&
	       (original ||
		failed(replica_check(d->c, crypto_key_public(d->root),
				     vector_nation("GBR"), 1)));
}

static void no_turned_bit_passes(void **state)
{
	struct vector *v = *state;
	struct decoded d = {v, vector_key(v, "root"), NULL};
	struct vector_decoder decoder = {decode, same, &d};

	vector_mutate(vector_bytes(v, vector_row(v, "replica"), "blob"),
		      &decoder);
	replica_free(d.c);
	crypto_key_free(d.root);
}

static void a_succession_is_the_published_one(void **state)
{
	struct vector *v = *state;
	const struct json *row = vector_row(v, "root");
	struct crypto_key *root = vector_key(v, "root");
	struct crypto_key *next = vector_key(v, "new_root");
	struct nation gbr = vector_nation("GBR");
	struct replica_succession s;
	struct buf blob;

	assert_ok(replica_succession_decode(vector_bytes(v, row, "blob"), &s));
	assert_bytes(s.tbs, vector_bytes(v, row, "to_be_signed"));
	assert_bytes(s.spki, crypto_public_spki(crypto_key_public(next)));
	assert_ok(
		replica_succession_check(&s, crypto_key_public(root), gbr, 0));
	assert_err(replica_succession_check(&s, crypto_key_public(root), gbr,
					    1),
		   ERR_REPLAYED);
	assert_err(replica_succession_check(&s, crypto_key_public(root),
					    vector_nation("FRA"), 0),
		   ERR_UNAUTHENTICATED);
	assert_err(replica_succession_check(&s, crypto_key_public(next), gbr,
					    0),
		   ERR_SIGNATURE);
	buf_init(&blob, 512);
	assert_ok(replica_succession_sign(root, gbr, 1, crypto_key_public(next),
					  vector_u64(row, "time"), &blob));
	assert_bytes(span_sub(buf_span(&blob), 0, s.tbs.len), s.tbs);
	for (size_t len = 0; len < blob.len; len++)
		assert_true(failed(
			replica_succession_decode(span_of(blob.at, len), &s)));
	buf_clear(&blob);
	crypto_key_free(root);
	crypto_key_free(next);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_certificate_is_the_published_one),
		cmocka_unit_test(a_certificate_is_refused_with_a_reason),
		cmocka_unit_test(drafts_out_of_form_are_not_signed),
		cmocka_unit_test(no_turned_bit_passes),
		cmocka_unit_test(a_succession_is_the_published_one),
	};

	return cmocka_run_group_tests(tests, vector_setup, vector_teardown);
}
