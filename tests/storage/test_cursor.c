/* The sealed cursor. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "storage/cursor.h"
#include "tests/storage/scene.h"

static const struct cursor some = {
	.incarnation = 77,
	.seq = {UINT64_MAX},
	.complete = UINT32_MAX,
	.target = 3,
	.fill_shelf = 4,
	.fill_seq = {5},
	.fill_end = {6},
	.loss = 7,
	.shelves = 8,
};

static void a_cursor_comes_back_as_it_went(void **state)
{
	struct scene *s = *state;
	struct reader_name reader = reader_nation(scene_nation("FRA"));
	char text[CURSOR_TEXT_MAX], again[CURSOR_TEXT_MAX];
	struct cursor back;

	must(cursor_seal(s->temp->ring, &reader, &some, text));
	must(cursor_seal(s->temp->ring, &reader, &some, again));
	assert_string_equal(text, again);
	assert_true(strlen(text) < 130);
	must(cursor_open(s->temp->ring, &reader, 77, span_str(text), &back));
	assert_true(cursor_eq(&some, &back));
}

static void a_cursor_is_its_readers_and_its_incarnations(void **state)
{
	struct scene *s = *state;
	struct reader_name reader = reader_nation(scene_nation("FRA"));
	struct reader_name other = reader_device((struct key_id){{1}});
	char text[CURSOR_TEXT_MAX];
	struct cursor back;

	must(cursor_seal(s->temp->ring, &reader, &some, text));
	assert_int_equal(cursor_open(s->temp->ring, &other, 77, span_str(text),
				     &back)
				 .code,
			 ERR_MALFORMED);
	assert_int_equal(cursor_open(s->temp->ring, &reader, 78, span_str(text),
				     &back)
				 .code,
			 ERR_GONE);
}

static void the_key_before_still_opens_and_an_older_one_is_gone(void **state)
{
	struct scene *s = *state;
	struct reader_name reader = reader_nation(scene_nation("FRA"));
	char text[CURSOR_TEXT_MAX];
	struct cursor back;

	must(cursor_seal(s->temp->ring, &reader, &some, text));
	must(ring_key_rotate(s->temp->ring, RING_CURSOR));
	must(cursor_open(s->temp->ring, &reader, 77, span_str(text), &back));
	must(ring_key_rotate(s->temp->ring, RING_CURSOR));
	assert_int_equal(cursor_open(s->temp->ring, &reader, 77, span_str(text),
				     &back)
				 .code,
			 ERR_GONE);
}

static void a_changed_or_cut_cursor_does_not_open(void **state)
{
	struct scene *s = *state;
	struct reader_name reader = reader_nation(scene_nation("FRA"));
	char text[CURSOR_TEXT_MAX];
	struct cursor back;
	size_t len;

	must(cursor_seal(s->temp->ring, &reader, &some, text));
	len = strlen(text);
	for (size_t i = 0; i < len; i++) {
		char was = text[i];

		assert_true(failed(cursor_open(s->temp->ring, &reader, 77,
					       span_of(text, i), &back)));
		text[i] = was == 'A' ? 'B' : 'A';
		assert_true(failed(cursor_open(s->temp->ring, &reader, 77,
					       span_str(text), &back)));
		text[i] = was;
	}
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
		cmocka_unit_test_setup_teardown(a_cursor_comes_back_as_it_went,
						set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			a_cursor_is_its_readers_and_its_incarnations, set_up,
			tear_down),
		cmocka_unit_test_setup_teardown(
			the_key_before_still_opens_and_an_older_one_is_gone,
			set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			a_changed_or_cut_cursor_does_not_open, set_up,
			tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
