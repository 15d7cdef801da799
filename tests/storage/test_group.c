/* Proves storage/group.c. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdlib.h>

#include "storage/document.h"
#include "storage/group.h"
#include "tests/support/tempstore.h"

static int setup(void **state)
{
	struct tempstore *t = calloc(1, sizeof(*t));

	tempstore_new(t, false);
	*state = t;
	return 0;
}

static int teardown(void **state)
{
	tempstore_free(*state);
	free(*state);
	return 0;
}

static struct group_row row_of(uint8_t n, struct span leaves)
{
	return (struct group_row){
		.replica = {{{'G', 'B', 'R'}}, 1},
		.time = 100 + n,
		.secret = {n},
		.first = {10u * n},
		.last = {10u * n + 9},
		.leaves = leaves,
	};
}

static void a_group_is_unsigned_until_it_is_signed(void **state)
{
	struct tempstore *t = *state;
	static const uint8_t leaves[GROUP_LEAVES_MAX * DIGEST_LEN] = {7};
	uint8_t signature[GROUP_SIG_LEN] = {5};
	struct digest root = {{1}};
	struct group_row row = row_of(1, SPAN_OBJ(leaves)), got;
	struct txn *txn = NULL;
	uint64_t number;

	must(txn_begin_write(t->store, STORE_RECORDS, &txn));
	must(group_put(txn, &row, &number));
	assert_int_equal(number, 1);
	must(group_get(txn, 1, &got));
	assert_false(got.is_signed);
	assert_true(span_eq(got.leaves, SPAN_OBJ(leaves)));
	assert_int_equal(got.secret[0], 1);
	assert_int_equal(got.time, 101);
	must(group_unsigned(txn, 0, &got));
	assert_int_equal(got.number, 1);
	assert_int_equal(group_by_root(txn, root, &number).code, ERR_NOT_FOUND);
	must(group_sign_row(txn, 1, root, signature));
	must(group_sign_row(txn, 1, root, signature));
	must(group_get(txn, 1, &got));
	assert_true(got.is_signed);
	assert_true(digest_eq(got.root, root));
	assert_memory_equal(got.signature, signature, sizeof(signature));
	assert_int_equal(group_unsigned(txn, 0, &got).code, ERR_NOT_FOUND);
	assert_int_equal(group_sign_row(txn, 9, root, signature).code,
			 ERR_NOT_FOUND);
	must(group_by_root(txn, root, &number));
	assert_int_equal(number, 1);
	must(group_put(txn, &row, &number));
	assert_int_equal(group_sign_row(txn, number, root, signature).code,
			 ERR_EXISTS);
	txn_abort(&txn);
}

static void the_feed_ends_before_the_first_unsigned_group(void **state)
{
	struct tempstore *t = *state;
	uint8_t signature[GROUP_SIG_LEN] = {5};
	struct txn *txn = NULL;
	struct group_row got;
	struct seq seq;
	uint64_t n;

	must(txn_begin_write(t->store, STORE_RECORDS, &txn));
	must(group_last_signed(txn, &seq));
	assert_true(seq.n == UINT64_MAX);
	for (uint8_t i = 1; i <= 3; i++) {
		struct group_row row = row_of(i, span_str(""));

		must(group_put(txn, &row, &n));
	}
	must(group_last(txn, &n));
	assert_int_equal(n, 3);
	must(group_last_signed(txn, &seq));
	assert_int_equal(seq.n, 9);
	/* Signed out of order: the end waits for the first. */
	must(group_sign_row(txn, 2, (struct digest){{2}}, signature));
	must(group_last_signed(txn, &seq));
	assert_int_equal(seq.n, 9);
	must(group_unsigned(txn, 1, &got));
	assert_int_equal(got.number, 3);
	must(group_sign_row(txn, 1, (struct digest){{1}}, signature));
	must(group_last_signed(txn, &seq));
	assert_int_equal(seq.n, 29);
	must(group_sign_row(txn, 3, (struct digest){{3}}, signature));
	must(group_last_signed(txn, &seq));
	assert_true(seq.n == UINT64_MAX);
	txn_abort(&txn);
}

static void
a_group_takes_leaves_of_later_commits_until_it_is_signed(void **state)
{
	struct tempstore *t = *state;
	static const uint8_t leaves[GROUP_LEAVES_MAX * DIGEST_LEN] = {7};
	const size_t half = sizeof(leaves) / 2;
	uint8_t signature[GROUP_SIG_LEN] = {5};
	struct group_row row = row_of(1, span_of(leaves, half)), got;
	struct group_row more = row_of(2, span_of(leaves + half, half));
	struct txn *txn = NULL;
	uint64_t number;

	must(txn_begin_write(t->store, STORE_RECORDS, &txn));
	assert_int_equal(group_extend(txn, 1, &more).code, ERR_NOT_FOUND);
	must(group_put(txn, &row, &number));
	must(group_extend(txn, number, &more));
	must(group_get(txn, number, &got));
	assert_true(span_eq(got.leaves, SPAN_OBJ(leaves)));
	/* Time and secret are those of its first commit. */
	assert_int_equal(got.time, row.time);
	assert_memory_equal(got.secret, row.secret, sizeof(row.secret));
	assert_int_equal(got.first.n, row.first.n);
	assert_int_equal(got.last.n, more.last.n);
	more.leaves = span_of(leaves, DIGEST_LEN);
	assert_int_equal(group_extend(txn, number, &more).code, ERR_TOO_LARGE);
	must(group_sign_row(txn, number, (struct digest){{1}}, signature));
	more.leaves = span_str("");
	assert_int_equal(group_extend(txn, number, &more).code, ERR_EXISTS);
	txn_abort(&txn);
}

static void a_group_without_rows_gets_them_from_a_later_commit(void **state)
{
	struct tempstore *t = *state;
	struct group_row row = row_of(0, span_str("")), got;
	struct group_row more = row_of(2, span_str(""));
	struct txn *txn = NULL;
	uint64_t number;

	row.first = row.last = (struct seq){0};
	must(txn_begin_write(t->store, STORE_RECORDS, &txn));
	must(group_put(txn, &row, &number));
	must(group_extend(txn, number, &row));
	must(group_get(txn, number, &got));
	assert_int_equal(got.first.n, 0);
	must(group_extend(txn, number, &more));
	must(group_get(txn, number, &got));
	assert_int_equal(got.first.n, more.first.n);
	assert_int_equal(got.last.n, more.last.n);
	txn_abort(&txn);
}

static void too_many_leaves_are_refused(void **state)
{
	struct tempstore *t = *state;
	static const uint8_t leaves[(GROUP_LEAVES_MAX + 1) * DIGEST_LEN];
	struct group_row row = row_of(1, SPAN_OBJ(leaves));
	struct txn *txn = NULL;
	uint64_t n;

	must(txn_begin_write(t->store, STORE_RECORDS, &txn));
	assert_int_equal(group_put(txn, &row, &n).code, ERR_TOO_LARGE);
	row.leaves.len = 33;
	assert_int_equal(group_put(txn, &row, &n).code, ERR_TOO_LARGE);
	txn_abort(&txn);
}

/* The seal of leaf `i` as a page carries it. */
static void blob_of(struct txn *txn, struct document_seal_cache *cache,
		    uint64_t group, uint16_t i, struct buf *out)
{
	static const uint8_t no_context[2];
	struct document_seal seal = {
		.dot = {{{{'G', 'B', 'R'}}, 1}, 40u + i},
		.context = SPAN_OBJ(no_context),
		.statements_count = 1,
		.statements = {1},
		.group = group,
		.leaf = i,
	};

	buf_init(out, SEAL_BLOB_MAX);
	must(document_seal_blob_cached(txn, cache, &seal, SEAL_REVISION, out));
}

static void a_seal_is_the_same_from_the_way_that_was_kept(void **state)
{
	enum { LEAVES = 3 };
	static struct document_seal_cache built, kept;
	static struct seal_group tree;
	struct tempstore *t = *state;
	struct digest cores[LEAVES] = {{{1}}, {{2}}, {{3}}};
	struct group_row row = row_of(1, SPAN_OBJ(cores));
	uint8_t signature[GROUP_SIG_LEN] = {5};
	struct txn *txn = NULL;
	struct group_leaf way;
	uint64_t n;

	must(seal_group_build(row.secret, row.replica, row.time, cores, LEAVES,
			      &tree));
	must(txn_begin_write(t->store, STORE_RECORDS, &txn));
	must(group_put(txn, &row, &n));
	must(group_sign_row(txn, n, seal_group_root(&tree), signature));
	assert_int_equal(group_leaf_get(txn, n, 0, &way).code, ERR_NOT_FOUND);
	for (size_t leaf = 0; leaf < LEAVES; leaf++) {
		uint16_t i = (uint16_t)leaf;
		struct buf from_tree, from_way;
		struct seal seal;

		blob_of(txn, &built, n, i, &from_tree);
		assert_int_equal(built.built_group, n);
		way.time = tree.time;
		seal_group_way(&tree, i, &way.place, way.salt, way.path);
		must(group_leaf_put(txn, n, i, &way));
		blob_of(txn, &kept, n, i, &from_way);
		assert_true(span_eq(buf_span(&from_tree), buf_span(&from_way)));
		must(seal_decode(buf_span(&from_way), &seal));
		assert_int_equal(seal.word.dot.counter, 40 + i);
		assert_true(digest_eq(seal.root, seal_group_root(&tree)));
		buf_clear(&from_tree);
		buf_clear(&from_way);
	}
	/* No tree was built for those. */
	assert_int_equal(kept.built_group, 0);
	txn_abort(&txn);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(a_group_is_unsigned_until_it_is_signed),
		T(the_feed_ends_before_the_first_unsigned_group),
		T(a_group_takes_leaves_of_later_commits_until_it_is_signed),
		T(a_group_without_rows_gets_them_from_a_later_commit),
		T(too_many_leaves_are_refused),
		T(a_seal_is_the_same_from_the_way_that_was_kept),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
