/* Files that were cut short: refused with a word, never a signal. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <sys/stat.h>
#include <unistd.h>

#include "storage/file.h"
#include "tests/support/tempstore.h"

enum { ROWS = 400, PAGE = 4096 };

static void fill(struct tempstore *t)
{
	static const uint8_t value[3000];
	struct txn *txn = NULL;

	for (uint64_t n = 0; n < ROWS; n++)
		tempstore_put(t, TABLE_RULES, key_rule(n), SPAN_OBJ(value));
	must(txn_begin_write(t->store, STORE_SEGMENTS, &txn));
	for (uint8_t n = 1; n < 200; n++)
		must(txn_put(txn, TABLE_SEGMENTS,
			     key_segment((struct doc_id){{n}},
					 (struct digest){{n}}),
			     SPAN_OBJ(value)));
	must(txn_commit(&txn));
}

static void paths(const struct tempstore *t, const char *file, char path[256],
		  off_t *size)
{
	struct stat st;

	must(file_join(path, 256, t->path, file));
	assert_int_equal(stat(path, &st), 0);
	*size = st.st_size;
}

static enum err_code open_code(struct tempstore *t)
{
	struct store_options o = tempstore_options(t);
	struct store *store = NULL;
	struct err e = store_open(&o, &store);

	store_close(store);
	return e.code;
}

/* Cut from its end, piece by piece, down to nothing. */
static void cut(const char *file)
{
	struct tempstore t;
	char path[256];
	off_t size, at;

	tempstore_new(&t, false);
	fill(&t);
	store_close(t.store);
	t.store = NULL;
	paths(&t, file, path, &size);
	for (at = size - PAGE; at > 0; at -= at > 20 * PAGE ? 17 * PAGE : 700) {
		assert_int_equal(truncate(path, at), 0);
		assert_int_not_equal(open_code(&t), ERR_OK);
	}
	assert_int_equal(truncate(path, 0), 0);
	assert_int_not_equal(open_code(&t), ERR_OK);
	tempstore_free(&t);
}

static void a_file_that_was_cut_short_is_refused(void **state)
{
	cut("records/data.mdb");
	cut("segments/data.mdb");
}

static void what_is_cut_says_so(void **state)
{
	struct store_options o;
	struct store *store = NULL;
	struct tempstore t;
	char path[256];
	struct err e;
	off_t size;

	tempstore_new(&t, false);
	fill(&t);
	store_close(t.store);
	t.store = NULL;
	paths(&t, "records/data.mdb", path, &size);
	assert_int_equal(truncate(path, size / 2), 0);
	o = tempstore_options(&t);
	e = store_open(&o, &store);
	assert_int_equal(e.code, ERR_CORRUPT);
	assert_string_equal(e.detail, "the store's file is cut short");
	/* And it was left as it was found. */
	paths(&t, "records/data.mdb", path, &size);
	assert_int_equal(truncate(path, size), 0);
	assert_int_equal(open_code(&t), ERR_CORRUPT);
	tempstore_free(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_file_that_was_cut_short_is_refused),
		cmocka_unit_test(what_is_cut_says_so),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
