/* A reader that dies inside its transaction pins no page for ever. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "storage/file.h"
#include "tests/support/tempstore.h"

enum { REWRITES = 600, VALUE = 3000 };

static uint64_t file_size(const struct tempstore *t)
{
	char path[256];
	struct stat st;

	must(file_join(path, sizeof(path), t->path, "records/data.mdb"));
	assert_int_equal(stat(path, &st), 0);
	return (uint64_t)st.st_size;
}

static void rewrite(struct tempstore *t)
{
	static uint8_t value[VALUE];

	for (uint64_t n = 0; n < REWRITES; n++) {
		value[0] = (uint8_t)n;
		tempstore_put(t, TABLE_RULES, key_rule(1), SPAN_OBJ(value));
	}
}

/* A guard of its own, killed while it reads. */
static void die_reading(struct tempstore *t)
{
	int status;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		struct txn *txn = NULL;

		tempstore_open(t);
		must(txn_begin_read(t->store, STORE_RECORDS, &txn));
		raise(SIGKILL);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
}

static void a_reader_that_died_is_forgotten(void **state)
{
	struct tempstore t;
	uint64_t before;

	tempstore_new(&t, false);
	rewrite(&t);
	before = file_size(&t);
	tempstore_close(&t);
	die_reading(&t);
	tempstore_open(&t);
	rewrite(&t);
	/* Pinned, each commit would take pages of its own. */
	assert_in_range(file_size(&t), before, before + 64 * 4096);
	tempstore_free(&t);
}

static void a_reader_that_lives_pins_its_pages(void **state)
{
	struct tempstore t;
	struct txn *txn = NULL;
	uint64_t before;

	tempstore_new(&t, false);
	rewrite(&t);
	before = file_size(&t);
	must(txn_begin_read(t.store, STORE_RECORDS, &txn));
	rewrite(&t);
	assert_true(file_size(&t) > before + REWRITES * 4096);
	txn_abort(&txn);
	before = file_size(&t);
	rewrite(&t);
	assert_in_range(file_size(&t), before, before + 64 * 4096);
	tempstore_free(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_reader_that_died_is_forgotten),
		cmocka_unit_test(a_reader_that_lives_pins_its_pages),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
