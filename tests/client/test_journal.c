/* The journal of a device: pages and cursors whole, a torn end, a kill. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "client/files.h"
#include "client/journal.h"
#include "client/system.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static const uint8_t key[CRYPTO_KEY_LEN] = {1, 2, 3};
static char folder[64];

static int setup(void **state)
{
	strcpy(folder, "/tmp/entente-journal-XXXXXX");
	return mkdtemp(folder) ? 0 : -1;
}

static int teardown(void **state)
{
	char command[128];

	snprintf(command, sizeof(command), "rm -rf %s", folder);
	return system(command);
}

static struct journal *open_journal(void)
{
	struct random random = system_random();
	struct journal *j = NULL;

	assert_int_equal(journal_open(folder, key, &random, true, &j).code, 0);
	return j;
}

static struct doc_id doc(unsigned n)
{
	struct doc_id id = {0};

	id.at[14] = (uint8_t)(n >> 8);
	id.at[15] = (uint8_t)n;
	return id;
}

static struct digest shelf(uint8_t n)
{
	return (struct digest){{n}};
}

/* One document with heads on the shelves 1 to `heads`. */
static void put_doc(struct journal_txn *txn, unsigned n, size_t heads)
{
	struct digest digest = {{9}};
	struct journal_head list[4] = {0};
	struct journal_document d = {
		.id = doc(n),
		.home = {"GBR"},
		.opening.space = span_str("GBR/ops"),
		.number = 1,
		.digests = &digest,
		.digests_count = 1,
		.heads = list,
		.heads_count = heads,
	};

	for (size_t i = 0; i < heads; i++) {
		list[i].digest.at[0] = (uint8_t)(i + 1);
		list[i].manifest = span_str("a.b.c");
		list[i].shelf = shelf((uint8_t)(i + 1));
		list[i].dot.counter = i + 1;
		list[i].winner = i == 0;
	}
	journal_put_document(txn, &d);
}

static void commit(struct journal_txn **txn)
{
	assert_int_equal(journal_commit(txn).code, 0);
}

static struct journal_txn *begin(struct journal *j)
{
	struct journal_txn *txn = NULL;

	assert_int_equal(journal_begin(j, &txn).code, 0);
	return txn;
}

static void put_key(struct journal_txn *txn, unsigned n)
{
	struct journal_key k = {.document = doc(n), .until = 77};

	k.key[0] = 42;
	journal_put_key(txn, &k);
}

static void everything_comes_back_after_opening_again(void **state)
{
	struct journal *j = open_journal();
	struct journal_txn *txn = begin(j);
	struct journal_author author = {.spki = "spki", .spki_len = 4};
	struct journal_label label = {.xml = span_str("<l/>"),
				      .marking = span_str("RESTRICTED")};
	struct digest labels[] = {{{5}}, {{6}}};
	struct journal_shelf s = {.shelf = shelf(1),
				  .space = span_str("GBR/ops"),
				  .labels = labels,
				  .labels_count = 2};
	struct journal_outgoing o = {.body = span_str("{}"),
				     .upload = true,
				     .location = span_str("/v1/uploads/1")};
	struct journal_file f = {.name = span_str("plan.txt"),
				 .document = doc(7)};

	put_doc(txn, 7, 2);
	put_doc(txn, 3, 1);
	put_key(txn, 7);
	journal_put_author(txn, &author);
	journal_put_label(txn, &label);
	journal_put_shelf(txn, &s);
	journal_put_outgoing(txn, &o);
	journal_put_file(txn, &f);
	journal_put_serial(txn, doc(7), 4);
	journal_put_cursor(txn, span_str("cursor-1"));
	commit(&txn);
	for (int i = 0; i < 2; i++) {
		journal_close(j);
		j = open_journal();
		assert_int_equal(j->documents_count, 2);
		assert_true(doc_id_eq(j->documents[0].id, doc(3)));
		assert_int_equal(j->documents[1].heads_count, 2);
		assert_true(
			span_eq_str(j->documents[1].opening.space, "GBR/ops"));
		assert_true(span_eq_str(j->documents[1].heads[1].manifest,
					"a.b.c"));
		assert_int_equal(journal_find_key(j, doc(7), (struct digest){0})
					 ->until,
				 77);
		assert_int_equal(j->authors_count, 1);
		assert_true(span_eq_str(j->labels[0].marking, "RESTRICTED"));
		assert_int_equal(j->shelves[0].labels[1].at[0], 6);
		assert_true(j->outgoing[0].upload);
		assert_true(
			span_eq_str(j->outgoing[0].location, "/v1/uploads/1"));
		assert_non_null(journal_find_file(j, span_str("plan.txt")));
		assert_int_equal(journal_serial_of(j, doc(7)), 4);
		assert_string_equal(j->cursor, "cursor-1");
		/* The second time from a file that was written anew. */
		txn = begin(j);
		put_doc(txn, 99, 1);
		commit(&txn);
		txn = begin(j);
		put_doc(txn, 99, 0);
		commit(&txn);
		assert_int_equal(journal_tidy(j).code, 0);
	}
	journal_close(j);
}

static void what_is_not_committed_is_not_there(void **state)
{
	struct journal *j = open_journal();
	struct journal_txn *txn = begin(j);

	put_doc(txn, 1, 1);
	assert_int_equal(j->documents_count, 0);
	journal_abort(&txn);
	journal_close(j);
	j = open_journal();
	assert_int_equal(j->documents_count, 0);
	journal_close(j);
}

static void forget_takes_heads_by_shelf_and_keys_with_the_last(void **state)
{
	struct journal *j = open_journal();
	struct journal_txn *txn = begin(j);

	put_doc(txn, 1, 2);
	put_doc(txn, 2, 1);
	put_key(txn, 1);
	put_key(txn, 2);
	commit(&txn);
	txn = begin(j);
	journal_forget_shelf(txn, shelf(1));
	commit(&txn);
	assert_int_equal(j->documents_count, 1);
	assert_int_equal(j->documents[0].heads_count, 1);
	assert_int_equal(j->documents[0].heads[0].dot.counter, 2);
	assert_int_equal(j->keys_count, 1);
	assert_true(doc_id_eq(j->keys[0].document, doc(1)));
	journal_close(j);
}

static void a_sweep_drops_what_was_not_marked_also_across_opening(void **state)
{
	struct journal *j = open_journal();
	struct journal_txn *txn = begin(j);

	put_doc(txn, 1, 1);
	put_doc(txn, 2, 1);
	commit(&txn);
	txn = begin(j);
	journal_put_mark(txn);
	put_doc(txn, 2, 1);
	put_doc(txn, 3, 1);
	commit(&txn);
	assert_true(j->sweeping);
	/* A file written anew in the middle keeps the two apart. */
	txn = begin(j);
	put_doc(txn, 50, 1);
	commit(&txn);
	txn = begin(j);
	put_doc(txn, 50, 0);
	commit(&txn);
	assert_int_equal(journal_tidy(j).code, 0);
	journal_close(j);
	j = open_journal();
	assert_true(j->sweeping);
	assert_int_equal(j->documents_count, 3);
	txn = begin(j);
	journal_put_sweep(txn);
	commit(&txn);
	assert_false(j->sweeping);
	assert_int_equal(j->documents_count, 2);
	assert_null(journal_find_document(j, doc(1)));
	journal_close(j);
}

static void path_of(char out[FILES_PATH_MAX])
{
	assert_int_equal(files_path(folder, "journal", out).code, 0);
}

static void a_torn_end_is_cut_off_at_every_length(void **state)
{
	struct journal *j = open_journal();
	struct journal_txn *txn = begin(j);
	char path[FILES_PATH_MAX];
	struct buf whole;
	struct stat before, after;

	path_of(path);
	put_doc(txn, 1, 1);
	journal_put_cursor(txn, span_str("one"));
	commit(&txn);
	stat(path, &before);
	txn = begin(j);
	put_doc(txn, 2, 1);
	journal_put_cursor(txn, span_str("two"));
	commit(&txn);
	stat(path, &after);
	journal_close(j);
	buf_init(&whole, 1 << 20);
	assert_int_equal(files_read(path, &whole).code, 0);
	for (off_t len = before.st_size; len < after.st_size; len++) {
		assert_int_equal(files_write(path,
					     span_of(whole.at, (size_t)len),
					     0600)
					 .code,
				 0);
		j = open_journal();
		assert_int_equal(j->documents_count, 1);
		assert_string_equal(j->cursor, "one");
		journal_close(j);
	}
	buf_clear(&whole);
}

static void damage_before_the_end_is_a_fault_with_a_name(void **state)
{
	struct random random = system_random();
	struct journal *j = open_journal(), *none = NULL;
	char path[FILES_PATH_MAX];
	struct stat first;
	int fd;

	path_of(path);
	stat(path, &first);
	for (unsigned i = 0; i < 3; i++) {
		struct journal_txn *txn = begin(j);

		put_doc(txn, i, 1);
		commit(&txn);
	}
	journal_close(j);
	fd = open(path, O_RDWR);
	assert_int_equal(pwrite(fd, "x", 1, first.st_size + 40), 1);
	close(fd);
	assert_int_equal(journal_open(folder, key, &random, true, &none).code,
			 ERR_CORRUPT);
}

static void
another_key_opens_nothing_and_two_processes_do_not_meet(void **state)
{
	struct random random = system_random();
	uint8_t other[CRYPTO_KEY_LEN] = {7};
	struct journal *j = open_journal(), *none = NULL;

	assert_int_equal(journal_open(folder, key, &random, true, &none).code,
			 ERR_BUSY);
	journal_close(j);
	assert_int_equal(journal_open(folder, other, &random, true, &none).code,
			 ERR_SEALED);
}

/* A child that writes pages: document n and cursor n in one record, and now
 * and then the file anew.  Killed at any point. */
static void write_until_killed(void)
{
	struct random random = system_random();
	struct journal *j = NULL;

	if (failed(journal_open(folder, key, &random, false, &j)))
		_exit(9);
	for (unsigned n = (unsigned)atoi(j->cursor) + 1;; n++) {
		struct journal_txn *txn = NULL;
		char cursor[16];

		if (failed(journal_begin(j, &txn)))
			_exit(9);
		snprintf(cursor, sizeof(cursor), "%u", n);
		put_doc(txn, n, 1);
		if (n > 20)
			put_doc(txn, n - 20, 0);
		journal_put_cursor(txn, span_str(cursor));
		if (failed(journal_commit(&txn)) ||
		    (n % 7 == 0 && failed(journal_tidy(j))))
			_exit(9);
	}
}

static void a_kill_at_any_moment_leaves_page_and_cursor_together(void **state)
{
	unsigned last = 0;

	for (int round = 0; round < 25; round++) {
		pid_t child = fork();
		struct journal *j;
		unsigned n;
		int status;

		if (child == 0)
			write_until_killed();
		usleep(2000 + (useconds_t)(round * 977) % 20000);
		kill(child, SIGKILL);
		waitpid(child, &status, 0);
		assert_true(WIFSIGNALED(status));
		j = open_journal();
		n = (unsigned)atoi(j->cursor);
		assert_true(n >= last);
		assert_int_equal(j->documents_count, n < 20 ? n : 20);
		if (n)
			assert_non_null(journal_find_document(j, doc(n)));
		assert_null(journal_find_document(j, doc(n + 1)));
		last = n;
		journal_close(j);
	}
	assert_true(last > 0);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(everything_comes_back_after_opening_again),
		T(what_is_not_committed_is_not_there),
		T(forget_takes_heads_by_shelf_and_keys_with_the_last),
		T(a_sweep_drops_what_was_not_marked_also_across_opening),
		T(a_torn_end_is_cut_off_at_every_length),
		T(damage_before_the_end_is_a_fault_with_a_name),
		T(another_key_opens_nothing_and_two_processes_do_not_meet),
		T(a_kill_at_any_moment_leaves_page_and_cursor_together),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
