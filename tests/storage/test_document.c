/*
 * The document record, and reading it for somebody: storage/document.c,
 * document_look.c and document_read.c; document_apply.c is proved by whatever
 * a scene writes, and by test_models.c.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "tests/storage/scene.h"

/* A document of two heads, two statements, one gone row. */
static void rich(struct scene *s)
{
	struct manifest first = scene_manifest(s, scene_doc(1), NULL, 0, 1, 1);
	struct manifest beside, edit;
	struct statement label;

	assert_int_equal(scene_put(s, &first), RESOLVE_ACCEPTED);
	label = scene_statement(s, scene_doc(1), STATEMENT_LABEL, 2,
				&first.digest, 2, &first.digest, 1);
	assert_int_equal(scene_state(s, &label), RESOLVE_ACCEPTED);
	beside = scene_manifest(s, scene_doc(1), &label.digest, 1, 2, 2);
	assert_int_equal(scene_put(s, &beside), RESOLVE_ACCEPTED);
	edit = scene_manifest(s, scene_doc(1), &beside.digest, 1, 2, 2);
	assert_int_equal(scene_put(s, &edit), RESOLVE_ACCEPTED);
}

static void a_record_decodes_to_what_was_encoded(void **state)
{
	struct scene *s = *state;
	struct document doc, back;
	struct arena arena;
	struct buf one, two;

	rich(s);
	arena_init(&arena, DOCUMENT_ARENA_MAX);
	buf_init(&one, DOCUMENT_RECORD_MAX);
	buf_init(&two, DOCUMENT_RECORD_MAX);
	doc = scene_read(s, scene_doc(1), &arena);
	assert_int_equal(doc.heads_count, 2);
	assert_int_equal(doc.statements_count, 2);
	assert_int_equal(doc.rows_count, 2);
	assert_int_equal(doc.content.len, 6);
	assert_int_equal(doc.dots[0].counter, 3);
	must(document_encode(&doc, &one));
	must(document_decode(buf_span(&one), &arena, &back));
	must(document_encode(&back, &two));
	assert_true(span_eq(buf_span(&one), buf_span(&two)));
	buf_clear(&one);
	buf_clear(&two);
	arena_clear(&arena);
}

/* One document has one record: a turned bit is corrupt, or says another. */
static void check_turned(struct span record)
{
	struct document doc;
	struct arena arena;
	struct buf again;

	arena_init(&arena, DOCUMENT_ARENA_MAX);
	buf_init(&again, DOCUMENT_RECORD_MAX);
	if (!failed(document_decode(record, &arena, &doc))) {
		must(document_encode(&doc, &again));
		assert_true(span_eq(buf_span(&again), record));
	}
	buf_clear(&again);
	arena_clear(&arena);
}

static void a_record_cut_short_is_corrupt_and_no_bit_crashes(void **state)
{
	struct scene *s = *state;
	struct document doc, back;
	struct arena arena, other;
	struct buf b;

	rich(s);
	arena_init(&arena, DOCUMENT_ARENA_MAX);
	buf_init(&b, DOCUMENT_RECORD_MAX);
	doc = scene_read(s, scene_doc(1), &arena);
	must(document_encode(&doc, &b));
	for (size_t i = 0; i < b.len; i++) {
		arena_init(&other, DOCUMENT_ARENA_MAX);
		assert_true(failed(
			document_decode(span_of(b.at, i), &other, &back)));
		arena_clear(&other);
		for (unsigned bit = 0; bit < 8; bit++) {
			b.at[i] ^= (uint8_t)(1u << bit);
			check_turned(buf_span(&b));
			b.at[i] ^= (uint8_t)(1u << bit);
		}
	}
	buf_clear(&b);
	arena_clear(&arena);
}

static void a_reader_without_the_shelf_reads_nothing(void **state)
{
	struct scene *s = *state;
	struct view *sees, *blind;
	struct document_read read;
	struct arena arena;

	rich(s);
	sees = scene_view(s, 1u << 2);
	blind = scene_view(s, 1u << 1);
	arena_init(&arena, DOCUMENT_ARENA_MAX);
	must(document_read_for(s->txn, sees, scene_doc(1), &arena, &read));
	assert_int_equal(read.visible_count, 2);
	assert_true(read.visible[read.winner]);
	assert_int_equal(document_read_for(s->txn, blind, scene_doc(1), &arena,
					   &read)
				 .code,
			 ERR_NOT_RELEASABLE);
	assert_int_equal(document_read_for(s->txn, sees, scene_doc(2), &arena,
					   &read)
				 .code,
			 ERR_NOT_FOUND);
	view_free(sees);
	view_free(blind);
	arena_clear(&arena);
}

static void content_and_keys_that_come_later_are_noted(void **state)
{
	struct scene *s = *state;
	uint8_t wrapped[CRYPTO_WRAPPED_LEN] = {1};
	struct document doc;
	struct arena arena;
	struct digest key;

	rich(s);
	arena_init(&arena, DOCUMENT_ARENA_MAX);
	doc = scene_read(s, scene_doc(1), &arena);
	key = doc.heads[0].keys[0].commitment;
	for (size_t i = 0; i < doc.heads_count; i++)
		doc.heads[i].keys[0].present = false;
	doc.heads[0].place = DOCUMENT_CONTENT_ABSENT;
	doc.heads[1].place = DOCUMENT_CONTENT_SEGMENTS;
	doc.content.len = 0;
	must(document_put_internal(s->txn, &doc));
	must(document_content_came(s->txn, doc.id, doc.heads[0].table));
	must(document_key_came(s->txn, doc.id, key, wrapped));
	assert_int_equal(document_key_came(s->txn, doc.id, key, wrapped).code,
			 ERR_NOT_FOUND);
	doc = scene_read(s, scene_doc(1), &arena);
	assert_int_equal(doc.heads[0].place, DOCUMENT_CONTENT_SEGMENTS);
	assert_true(doc.heads[0].keys[0].present);
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
			a_record_decodes_to_what_was_encoded, set_up,
			tear_down),
		cmocka_unit_test_setup_teardown(
			a_record_cut_short_is_corrupt_and_no_bit_crashes,
			set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			a_reader_without_the_shelf_reads_nothing, set_up,
			tear_down),
		cmocka_unit_test_setup_teardown(
			content_and_keys_that_come_later_are_noted, set_up,
			tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
