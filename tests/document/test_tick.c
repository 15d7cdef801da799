/* Ticks. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdlib.h>

#include "proto/document/tick.h"
#include "tests/document/vector.h"

struct decoded {
	struct span published;
	struct replica_certificate *certificate;
	struct tick t;
};

static void decoded_init(struct vector *v, struct decoded *d)
{
	d->published = vector_bytes(v, vector_row(v, "tick"), "blob");
	assert_ok(replica_decode(vector_bytes(v, vector_row(v, "replica"),
					      "blob"),
				 &d->certificate));
	assert_ok(tick_decode(d->published, &d->t));
}

static void a_tick_is_the_published_one(void **state)
{
	struct vector *v = *state;
	const struct json *row = vector_row(v, "tick");
	struct crypto_key *seal = vector_key(v, "seal");
	struct span tbs = vector_bytes(v, row, "to_be_signed");
	uint8_t salt[DIGEST_LEN];
	struct digest digest;
	struct decoded d;
	struct tick t;
	struct buf blob;

	decoded_init(v, &d);
	assert_ok(tick_check(&d.t, d.certificate));
	assert_int_equal(d.t.minute, vector_u64(row, "minute"));
	assert_ok(tick_digest(&d.t, &digest));
	assert_true(digest_eq(digest, vector_digest(row, "digest")));
	vector_fixed(row, "audit_salt", salt, sizeof(salt));
	assert_ok(tick_audit_head(salt, vector_digest(row, "link"), &digest));
	assert_true(digest_eq(digest, d.t.audit));
	buf_init(&blob, TICK_BLOB_MAX);
	t = d.t;
	assert_ok(tick_sign(seal, &t, &blob));
	assert_bytes(span_sub(buf_span(&blob), 0, tbs.len), tbs);
	assert_ok(tick_check(&t, d.certificate));
	t.replica.number++;
	assert_err(tick_check(&t, d.certificate), ERR_UNAUTHENTICATED);
	replica_free(d.certificate);
	buf_clear(&blob);
	crypto_key_free(seal);
}

static void the_tree_over_groups_is_the_published_one(void **state)
{
	struct vector *v = *state;
	const struct json *row = vector_row(v, "tick"), *list;
	uint8_t secret[TICK_SECRET_LEN], salt[DIGEST_LEN];
	struct digest roots[3], root, want;
	struct tick_path path;

	vector_fixed(row, "secret", secret, sizeof(secret));
	assert_ok(json_get_array(row, "groups", &list));
	for (size_t i = 0; i < 3; i++)
		assert_ok(json_as_digest(json_at(list, i), &roots[i]));
	assert_ok(tick_groups_root(secret, roots, 3, &root, 0, &path));
	assert_true(digest_eq(root, vector_digest(row, "groups_root")));
	assert_int_equal(path.place, vector_u64(row, "place"));
	vector_fixed(row, "salt", salt, sizeof(salt));
	assert_memory_equal(path.salt, salt, sizeof(salt));
	assert_ok(json_get_array(row, "path", &list));
	for (size_t i = 0; i < TICK_LEVELS; i++) {
		assert_ok(json_as_digest(json_at(list, i), &want));
		assert_true(digest_eq(path.nodes[i], want));
	}
	assert_ok(tick_groups_root(secret, NULL, 0, &root, 0, NULL));
	assert_true(digest_eq(root, vector_digest(row, "empty_root")));
}

static void every_group_lies_under_its_tick_and_no_other_does(void **state)
{
	enum { GROUPS = 300 };
	uint8_t secret[TICK_SECRET_LEN] = {9};
	struct digest *roots = calloc(GROUPS, sizeof(*roots));
	struct tick tick = {0};
	struct tick_path path;

	assert_non_null(roots);
	for (size_t i = 0; i < GROUPS; i++) {
		roots[i].at[0] = (uint8_t)i;
		roots[i].at[1] = (uint8_t)(i >> 8);
	}
	for (size_t i = 0; i < GROUPS; i += 7) {
		assert_ok(tick_groups_root(secret, roots, GROUPS, &tick.groups,
					   i, &path));
		assert_ok(tick_check_path(&tick, roots[i], &path));
		assert_err(tick_check_path(&tick, roots[(i + 1) % GROUPS],
					   &path),
			   ERR_DIGEST);
		path.place ^= 1;
		assert_err(tick_check_path(&tick, roots[i], &path), ERR_DIGEST);
		path.place = 1 << TICK_LEVELS;
		assert_err(tick_check_path(&tick, roots[i], &path),
			   ERR_MALFORMED);
	}
	assert_err(tick_groups_root(secret, roots, GROUPS, &tick.groups, GROUPS,
				    &path),
		   ERR_TOO_LARGE);
	free(roots);
}

static struct err decode(struct span bytes, void *self)
{
	return tick_decode(bytes, &((struct decoded *)self)->t);
}

static bool same(struct span bytes, void *self)
{
	struct decoded *d = self;

	return span_eq(bytes, d->published) ||
	       failed(tick_check(&d->t, d->certificate));
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
		cmocka_unit_test(a_tick_is_the_published_one),
		cmocka_unit_test(the_tree_over_groups_is_the_published_one),
		cmocka_unit_test(
			every_group_lies_under_its_tick_and_no_other_does),
		cmocka_unit_test(no_turned_bit_passes),
	};

	return cmocka_run_group_tests(tests, vector_setup, vector_teardown);
}
