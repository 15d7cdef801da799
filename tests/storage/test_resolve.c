/*
 * What becomes of heads and statements: storage/resolve.c, resolve_stand.c
 * and resolve_version.c.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "tests/storage/scene.h"

/* The labels of one head, as bits. */
static unsigned labels_of(struct scene *s, struct digest head)
{
	struct digest labels[DOCUMENT_STANDS_MAX];
	const struct document_head *h;
	struct document doc;
	struct arena arena;
	unsigned bits = 0;
	size_t n;

	arena_init(&arena, DOCUMENT_ARENA_MAX);
	doc = scene_read(s, scene_doc(1), &arena);
	h = document_head(&doc, head);
	n = h && h->shelf ? document_labels(&doc, h, labels) : 0;
	while (n--)
		bits |= 1u << labels[n].at[31];
	arena_clear(&arena);
	return bits;
}

static size_t heads(struct scene *s)
{
	struct document doc;
	struct arena arena;
	size_t n;

	arena_init(&arena, DOCUMENT_ARENA_MAX);
	doc = scene_read(s, scene_doc(1), &arena);
	n = doc.heads_count;
	arena_clear(&arena);
	return n;
}

static struct manifest put(struct scene *s, const struct digest *parents,
			   size_t count, uint64_t statement, unsigned label,
			   enum resolve_outcome outcome)
{
	struct manifest m = scene_manifest(s, scene_doc(1), parents, count,
					   statement, label);

	assert_int_equal(scene_put(s, &m), outcome);
	return m;
}

static struct statement relabel(struct scene *s, uint64_t number,
				struct digest previous, unsigned label,
				const struct digest *over, size_t count)
{
	struct statement st =
		scene_statement(s, scene_doc(1), STATEMENT_LABEL, number,
				&previous, label, over, count);

	assert_int_equal(scene_state(s, &st), RESOLVE_ACCEPTED);
	return st;
}

static void a_child_supersedes_and_a_stranger_stands_beside(void **state)
{
	struct scene *s = *state;
	struct manifest a = put(s, NULL, 0, 1, 1, RESOLVE_ACCEPTED), b, c;
	struct digest unknown = scene_digest(999);

	b = put(s, &a.digest, 1, 1, 1, RESOLVE_ACCEPTED);
	assert_int_equal(heads(s), 1);
	c = put(s, &unknown, 1, 1, 1, RESOLVE_ACCEPTED);
	assert_int_equal(heads(s), 2);
	assert_int_equal(scene_put(s, &c), RESOLVE_KNOWN);
	assert_int_equal(scene_put(s, &a), RESOLVE_EXISTS);
	assert_int_equal(labels_of(s, b.digest), 1u << 1);
}

static void a_fifth_head_of_a_nation_is_too_many(void **state)
{
	struct scene *s = *state;
	struct digest unknown = scene_digest(999);

	put(s, NULL, 0, 1, 1, RESOLVE_ACCEPTED);
	for (int i = 0; i < 3; i++)
		put(s, &unknown, 1, 1, 1, RESOLVE_ACCEPTED);
	put(s, &unknown, 1, 1, 1, RESOLVE_TOO_MANY);
}

static void a_write_under_an_old_or_unknown_statement_is_stale(void **state)
{
	struct scene *s = *state;
	struct manifest a = put(s, NULL, 0, 1, 1, RESOLVE_ACCEPTED);

	relabel(s, 2, a.digest, 2, &a.digest, 1);
	put(s, &a.digest, 1, 1, 1, RESOLVE_STALE);
	put(s, &a.digest, 1, 3, 2, RESOLVE_STALE);
	put(s, &a.digest, 1, 2, 1, RESOLVE_LABEL);
	put(s, &a.digest, 1, 2, 2, RESOLVE_ACCEPTED);
}

static void a_serial_that_does_not_rise_is_a_replay(void **state)
{
	struct scene *s = *state;
	struct manifest a = put(s, NULL, 0, 1, 1, RESOLVE_ACCEPTED), b;

	b = scene_manifest(s, scene_doc(1), &a.digest, 1, 1, 1);
	b.serial = a.serial;
	assert_int_equal(scene_put(s, &b), RESOLVE_REPLAYED);
}

static void listed_heads_move_and_a_merge_launders_nothing(void **state)
{
	struct scene *s = *state;
	struct digest unknown = scene_digest(999), both[2];
	struct manifest a = put(s, NULL, 0, 1, 1, RESOLVE_ACCEPTED);
	struct manifest b = put(s, &unknown, 1, 1, 1, RESOLVE_ACCEPTED), m;
	struct statement two = relabel(s, 2, a.digest, 2, &a.digest, 1);

	assert_int_equal(labels_of(s, a.digest), 1u << 2);
	assert_int_equal(labels_of(s, b.digest), 1u << 1);
	both[0] = a.digest;
	both[1] = b.digest;
	m = put(s, both, 2, 2, 2, RESOLVE_ACCEPTED);
	assert_int_equal(heads(s), 1);
	assert_int_equal(labels_of(s, m.digest), 1u << 1 | 1u << 2);
	relabel(s, 3, two.digest, 3, &m.digest, 1);
	assert_int_equal(labels_of(s, m.digest), 1u << 3);
}

static void a_race_of_edit_and_relabel_fails_closed(void **state)
{
	struct scene *s = *state;
	struct manifest a = put(s, NULL, 0, 1, 1, RESOLVE_ACCEPTED);
	struct manifest b = put(s, &a.digest, 1, 1, 1, RESOLVE_ACCEPTED);

	/* Made over the parent, which has fallen meanwhile. */
	relabel(s, 2, a.digest, 2, &a.digest, 1);
	assert_int_equal(labels_of(s, b.digest), 1u << 1 | 1u << 2);
}

static void the_next_statement_is_compared_and_set(void **state)
{
	struct scene *s = *state;
	struct manifest a = put(s, NULL, 0, 1, 1, RESOLVE_ACCEPTED);
	struct digest other = scene_digest(999);
	struct statement st = scene_statement(s, scene_doc(1), STATEMENT_LABEL,
					      3, &a.digest, 2, NULL, 0);

	assert_int_equal(scene_state(s, &st), RESOLVE_STALE);
	st = scene_statement(s, scene_doc(1), STATEMENT_LABEL, 2, &other, 2,
			     NULL, 0);
	assert_int_equal(scene_state(s, &st), RESOLVE_STALE);
	st = relabel(s, 2, a.digest, 2, &a.digest, 1);
	assert_int_equal(scene_state(s, &st), RESOLVE_KNOWN);
}

static void deleted_heads_are_kept_and_recalled_ones_go(void **state)
{
	struct scene *s = *state;
	struct manifest a = put(s, NULL, 0, 1, 1, RESOLVE_ACCEPTED);
	struct statement del =
		scene_statement(s, scene_doc(1), STATEMENT_DELETE, 2, &a.digest,
				0, NULL, 0);
	struct statement recall;

	assert_int_equal(scene_state(s, &del), RESOLVE_ACCEPTED);
	assert_int_equal(labels_of(s, a.digest), 0);
	put(s, &a.digest, 1, 1, 1, RESOLVE_ACCEPTED); /* late, kept */
	assert_int_equal(heads(s), 1);
	recall = scene_statement(s, scene_doc(1), STATEMENT_RECALL, 3,
				 &del.digest, 0, NULL, 0);
	assert_int_equal(scene_state(s, &recall), RESOLVE_ACCEPTED);
	assert_int_equal(heads(s), 0);
	put(s, &a.digest, 1, 1, 1, RESOLVE_RECALLED);
}

/* An import into the document as it is; nothing is written. */
static struct resolve_result import(struct scene *s, const struct manifest *m,
				    const struct seal *seal,
				    struct arena *arena)
{
	struct resolve_revision in = {.manifest = m,
				      .opening = scene_opening(),
				      .from = scene_nation("FRA"),
				      .seal = seal,
				      .seal_blob = span_str("seal")};
	struct resolve_result r;
	struct document *old = arena_alloc(arena, sizeof(*old));

	*old = scene_read(s, scene_doc(1), arena);
	must(resolve_revision(old, &in, arena, &r));
	return r;
}

static void imports_are_held_for_unknown_statements(void **state)
{
	struct scene *s = *state;
	struct manifest a = put(s, NULL, 0, 1, 1, RESOLVE_ACCEPTED), m;
	struct seal seal = {
		.word.dot = {{scene_nation("FRA"), 1}, 1},
		.word.statements = {1},
		.word.statements_count = 1,
	};
	struct arena arena;

	arena_init(&arena, DOCUMENT_ARENA_MAX);
	m = scene_manifest(s, scene_doc(1), &a.digest, 1, 2, 2);
	assert_int_equal(import(s, &m, &seal, &arena).outcome, RESOLVE_HELD);
	m = scene_manifest(s, scene_doc(1), &a.digest, 1, 1, 1);
	seal.word.statements[0] = 7;
	assert_int_equal(import(s, &m, &seal, &arena).outcome, RESOLVE_HELD);
	seal.word.statements[0] = 1;
	assert_int_equal(import(s, &m, &seal, &arena).outcome,
			 RESOLVE_ACCEPTED);
	m.home = scene_nation("FRA");
	assert_int_equal(import(s, &m, &seal, &arena).outcome, RESOLVE_FOREIGN);
	arena_clear(&arena);
}

static void one_dot_with_two_leaves_shows_two_faces(void **state)
{
	struct scene *s = *state;
	struct manifest a = put(s, NULL, 0, 1, 1, RESOLVE_ACCEPTED), m;
	struct seal seal = {.word.dot = {{scene_nation("GBR"), 1}, 1}};
	struct resolve_result r;
	struct arena arena;

	arena_init(&arena, DOCUMENT_ARENA_MAX);
	m = scene_manifest(s, scene_doc(1), &a.digest, 1, 1, 1);
	r = import(s, &m, &seal, &arena);
	assert_int_equal(r.outcome, RESOLVE_TWO_FACES);
	assert_true(digest_eq(r.other, a.digest));
	/* The same revision in the same words is known; under a second dot
	 * it is one revision with both. */
	seal.word.statements[0] = 1;
	seal.word.statements_count = 1;
	assert_int_equal(import(s, &a, &seal, &arena).outcome, RESOLVE_KNOWN);
	seal.word.dot.replica.number = 2;
	r = import(s, &a, &seal, &arena);
	assert_int_equal(r.outcome, RESOLVE_ACCEPTED);
	assert_int_equal(r.doc.heads[0].seals_count, 2);
	arena_clear(&arena);
}

static void what_a_standing_head_covers_is_covered(void **state)
{
	struct scene *s = *state;
	struct manifest a = put(s, NULL, 0, 1, 1, RESOLVE_ACCEPTED);
	struct seal seal = {.word.dot = {{scene_nation("GBR"), 1}, 1},
			    .word.statements = {1},
			    .word.statements_count = 1};
	struct arena arena;

	put(s, &a.digest, 1, 1, 1, RESOLVE_ACCEPTED);
	arena_init(&arena, DOCUMENT_ARENA_MAX);
	assert_int_equal(import(s, &a, &seal, &arena).outcome, RESOLVE_COVERED);
	arena_clear(&arena);
}

static void after_a_fork_of_labels_both_must_release(void **state)
{
	struct scene *s = *state;
	struct manifest a = put(s, NULL, 0, 1, 1, RESOLVE_ACCEPTED);
	struct statement other;
	struct seal seal = {.word.kind = SEAL_STATEMENT,
			    .word.dot = {{scene_nation("GBR"), 2}, 0}};
	struct resolve_statement in = {.opening = scene_opening(),
				       .from = scene_nation("FRA"),
				       .evaluable = true,
				       .seal = &seal,
				       .seal_blob = span_str("seal")};
	struct digest labels[DOCUMENT_STANDS_MAX];
	struct resolve_result r;
	struct document old;
	struct arena arena;

	relabel(s, 2, a.digest, 2, &a.digest, 1);
	other = scene_statement(s, scene_doc(1), STATEMENT_LABEL, 2, &a.digest,
				3, &a.digest, 1);
	in.statement = &other;
	arena_init(&arena, DOCUMENT_ARENA_MAX);
	old = scene_read(s, scene_doc(1), &arena);
	must(resolve_statement(&old, &in, &arena, &r));
	assert_int_equal(r.outcome, RESOLVE_ACCEPTED);
	assert_true(r.fork);
	assert_int_equal(document_labels(&r.doc, &r.doc.heads[0], labels), 2);
	in.evaluable = false;
	must(resolve_statement(&old, &in, &arena, &r));
	assert_int_equal(r.doc.heads[0].shelf, SHELF_NONE);
	arena_clear(&arena);
}

static void withdrawn_documents_keep_statements_and_lose_keys(void **state)
{
	struct scene *s = *state;
	struct resolve_result r;
	struct document old;
	struct arena arena;

	put(s, NULL, 0, 1, 1, RESOLVE_ACCEPTED);
	arena_init(&arena, DOCUMENT_ARENA_MAX);
	old = scene_read(s, scene_doc(1), &arena);
	must(resolve_withdraw(&old, &arena, &r));
	assert_true(r.purge);
	assert_int_equal(r.purge_slot, 1);
	assert_int_equal(r.fallen_count, 1);
	assert_int_equal(r.doc.statements_count, 1);
	assert_int_equal(r.doc.state, DOCUMENT_WITHDRAWN);
	arena_clear(&arena);
}

static int set_up(void **state)
{
	static struct tempstore temp;
	static struct scene scene;

	tempstore_new(&temp, false);
	scene_new(&scene, &temp);
	*state = &scene;
	return 0;
}

static int tear_down(void **state)
{
	struct scene *s = *state;
	struct tempstore *temp = s->temp;

	scene_free(s);
	tempstore_free(temp);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			a_child_supersedes_and_a_stranger_stands_beside, set_up,
			tear_down),
		cmocka_unit_test_setup_teardown(
			a_fifth_head_of_a_nation_is_too_many, set_up,
			tear_down),
		cmocka_unit_test_setup_teardown(
			a_write_under_an_old_or_unknown_statement_is_stale,
			set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			a_serial_that_does_not_rise_is_a_replay, set_up,
			tear_down),
		cmocka_unit_test_setup_teardown(
			listed_heads_move_and_a_merge_launders_nothing, set_up,
			tear_down),
		cmocka_unit_test_setup_teardown(
			a_race_of_edit_and_relabel_fails_closed, set_up,
			tear_down),
		cmocka_unit_test_setup_teardown(
			the_next_statement_is_compared_and_set, set_up,
			tear_down),
		cmocka_unit_test_setup_teardown(
			deleted_heads_are_kept_and_recalled_ones_go, set_up,
			tear_down),
		cmocka_unit_test_setup_teardown(
			imports_are_held_for_unknown_statements, set_up,
			tear_down),
		cmocka_unit_test_setup_teardown(
			one_dot_with_two_leaves_shows_two_faces, set_up,
			tear_down),
		cmocka_unit_test_setup_teardown(
			what_a_standing_head_covers_is_covered, set_up,
			tear_down),
		cmocka_unit_test_setup_teardown(
			after_a_fork_of_labels_both_must_release, set_up,
			tear_down),
		cmocka_unit_test_setup_teardown(
			withdrawn_documents_keep_statements_and_lose_keys,
			set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
