/* Proves storage/store.c and storage/txn.c on the disk. */
#define _GNU_SOURCE
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "storage/file.h"
#include "storage/record.h"
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

static struct err get(struct tempstore *t, enum table table, struct key key,
		      char *out, size_t room)
{
	struct txn *txn = NULL;
	struct span value;
	struct err e = txn_begin_read(t->store, table_env(table), &txn);

	if (!failed(e))
		e = txn_get(txn, table, key, &value);
	if (!failed(e)) {
		assert_true(value.len < room);
		memcpy(out, value.at, value.len);
		out[value.len] = '\0';
	}
	txn_abort(&txn);
	return e;
}

static void what_is_committed_is_there_after_reopening(void **state)
{
	struct tempstore *t = *state;
	char value[64];

	tempstore_put(t, TABLE_SUBJECTS, key_subject(span_str("kim")),
		      span_str("value"));
	tempstore_close(t);
	tempstore_open(t);
	must(get(t, TABLE_SUBJECTS, key_subject(span_str("kim")), value, 64));
	assert_string_equal(value, "value");
	assert_int_equal(store_header(t->store)->replica.number, 1);
	assert_int_not_equal(store_header(t->store)->incarnation, 0);
}

static void a_second_opener_is_refused(void **state)
{
	struct tempstore *t = *state;
	struct store_options o = tempstore_options(t);
	struct store *other = NULL;

	assert_int_equal(store_open(&o, &other).code, ERR_BUSY);
	assert_null(other);
	assert_int_equal(
		store_create(&o, (struct replica){{{'G', 'B', 'R'}}, 2}).code,
		ERR_BUSY);
}

static void a_store_is_made_once(void **state)
{
	struct tempstore *t = *state;
	struct replica r = {{{'G', 'B', 'R'}}, 2};
	struct store_options o = tempstore_options(t);

	store_close(t->store);
	t->store = NULL;
	assert_int_equal(store_create(&o, r).code, ERR_EXISTS);
	must(store_open(&o, &t->store));
	assert_int_equal(store_header(t->store)->replica.number, 1);
}

static void no_store_is_not_found(void **state)
{
	struct tempstore *t = *state;
	struct store_options o = tempstore_options(t);
	struct store *other = NULL;

	o.path = "/tmp/entente-there-is-no-such-folder";
	assert_int_equal(store_open(&o, &other).code, ERR_NOT_FOUND);
}

static void a_newer_format_is_refused_by_name(void **state)
{
	struct tempstore *t = *state;
	struct store_options o = tempstore_options(t);
	struct buf b;

	buf_init(&b, 64);
	buf_put_u32(&b, STORE_FORMAT + 1);
	buf_put_str(&b, "whatever a later build writes");
	tempstore_put(t, TABLE_HEADER, key_header(), buf_span(&b));
	buf_clear(&b);
	store_close(t->store);
	t->store = NULL;
	assert_int_equal(store_open(&o, &t->store).code, ERR_VERSION);
}

static void another_ring_does_not_open_it(void **state)
{
	struct tempstore *t = *state;
	struct store_options o = tempstore_options(t);

	store_close(t->store);
	t->store = NULL;
	o.mac_key[0] ^= 1;
	assert_int_equal(store_open(&o, &t->store).code, ERR_CORRUPT);
	o.mac_key[0] ^= 1;
	o.store_id[0] ^= 1;
	assert_int_equal(store_open(&o, &t->store).code, ERR_CORRUPT);
}

static void promotion_raises_the_replica_and_draws_an_incarnation(void **state)
{
	struct tempstore *t = *state;
	struct replica r = {{{'G', 'B', 'R'}}, 3};
	uint64_t before = store_header(t->store)->incarnation;

	must(store_promote(t->store, r));
	tempstore_close(t);
	tempstore_open(t);
	assert_int_equal(store_header(t->store)->replica.number, 3);
	assert_true(store_header(t->store)->incarnation != before);
	assert_int_equal(store_promote(t->store, r).code, ERR_CONFLICT);
}

static void a_flipped_bit_is_found(void **state)
{
	struct tempstore *t = *state;
	const char *text = "a value that nobody else would have written";
	char value[64];

	tempstore_put(t, TABLE_PEERS, key_peer((struct nation){"FRA"}),
		      span_str(text));
	tempstore_put(t, TABLE_PEERS, key_peer((struct nation){"DEU"}),
		      span_str("another"));
	tempstore_close(t);
	assert_int_not_equal(tempstore_flip(t, "records/data.mdb",
					    span_str(text)),
			     0);
	tempstore_open(t);
	assert_int_equal(get(t, TABLE_PEERS, key_peer((struct nation){"FRA"}),
			     value, 64)
				 .code,
			 ERR_CORRUPT);
	must(get(t, TABLE_PEERS, key_peer((struct nation){"DEU"}), value, 64));
}

static void the_quota_stops_puts_and_lets_deletes_and_reads_go_on(void **state)
{
	struct tempstore *t = *state;
	static const uint8_t block[4096] = {1};
	struct store_usage usage;
	struct txn *txn = NULL;
	uint64_t n = 0;
	struct err e = ERR_NONE;
	char value[5000];

	tempstore_close(t);
	t->quota = 3 << 20;
	tempstore_open(t);
	for (; n < 2000 && !failed(e); n++) {
		e = txn_begin_write(t->store, STORE_RECORDS, &txn);
		if (!failed(e))
			e = txn_put(txn, TABLE_RULES, key_rule(n),
				    SPAN_OBJ(block));
		if (!failed(e))
			e = txn_commit(&txn);
		txn_abort(&txn);
	}
	assert_int_equal(e.code, ERR_DISK_FULL);
	must(store_usage(t->store, &usage));
	assert_true(usage.full);
	assert_true(usage.used <= usage.quota);
	must(get(t, TABLE_RULES, key_rule(0), value, sizeof(value)));
	/* Operators still get in, and room comes back. */
	must(txn_begin_reserve(t->store, STORE_RECORDS, &txn));
	must(txn_put(txn, TABLE_RULES, key_rule(n), SPAN_OBJ(block)));
	must(txn_commit(&txn));
	must(txn_begin_write(t->store, STORE_RECORDS, &txn));
	for (uint64_t i = 0; i < n / 2; i++)
		must(txn_del(txn, TABLE_RULES, key_rule(i)));
	must(txn_commit(&txn));
	/* LMDB frees what no reader can see: one commit later. */
	must(txn_begin_reserve(t->store, STORE_RECORDS, &txn));
	must(txn_put(txn, TABLE_RULES, key_rule(n), span_str("x")));
	must(txn_commit(&txn));
	tempstore_put(t, TABLE_RULES, key_rule(1), SPAN_OBJ(block));
}

static void the_first_io_error_of_a_commit_is_the_end(void **state)
{
	struct tempstore *t = *state;
	struct txn *txn = NULL, *other = NULL;

	must(txn_begin_write(t->store, STORE_RECORDS, &txn));
	must(txn_put(txn, TABLE_RULES, key_rule(1), span_str("lost")));
	t->faults.error = EIO;
	atomic_store(&t->faults.calls, 0);
	t->faults.at = 1;
	assert_int_equal(txn_commit(&txn).code, ERR_IO);
	assert_null(txn);
	t->faults.at = 0;
	assert_true(store_dead(t->store));
	assert_int_equal(txn_begin_read(t->store, STORE_RECORDS, &other).code,
			 ERR_IO);
	assert_int_equal(txn_begin_write(t->store, STORE_SEGMENTS, &other).code,
			 ERR_IO);
	tempstore_close(t);
	tempstore_open(t);
	assert_false(store_dead(t->store));
}

/* Everything that the loop of failures tries. */
static struct err whole_life(struct tempstore *t, uint64_t n)
{
	struct store_options o = tempstore_options(t);
	struct store *store = NULL;
	struct txn *txn = NULL, *inner = NULL;
	struct txn_cursor *cursor = NULL;
	struct txn_row row;
	uint64_t count;
	struct err e;

	e = store_open(&o, &store);
	if (!failed(e))
		e = txn_begin_write(store, STORE_RECORDS, &txn);
	if (!failed(e))
		e = txn_put(txn, TABLE_RULES, key_rule(1), SPAN_OBJ(n));
	if (!failed(e))
		e = txn_nest(txn, &inner);
	if (!failed(e))
		e = txn_counter_next(inner, "tries", &count);
	if (!failed(e))
		e = txn_commit(&inner);
	txn_abort(&inner);
	if (!failed(e))
		e = txn_put(txn, TABLE_RULES, key_rule(2), SPAN_OBJ(n));
	if (!failed(e))
		e = txn_commit(&txn);
	txn_abort(&txn);
	if (!failed(e))
		e = txn_begin_read(store, STORE_RECORDS, &txn);
	if (!failed(e))
		e = txn_cursor_open(txn, TABLE_RULES, key_empty(), &cursor);
	while (!failed(e))
		e = txn_cursor_next(cursor, &row);
	if (e.code == ERR_NOT_FOUND)
		e = ERR_NONE;
	txn_cursor_close(cursor);
	txn_abort(&txn);
	store_close(store);
	return e;
}

/* Both rows are of one try: old or new, never between. */
static void check_whole(struct tempstore *t)
{
	struct store_options o = tempstore_options(t);
	struct txn *txn = NULL;
	struct span value;
	uint64_t a = 0, b = 0;

	must(store_open(&o, &t->store));
	must(txn_begin_read(t->store, STORE_RECORDS, &txn));
	if (!failed(txn_get(txn, TABLE_RULES, key_rule(1), &value)))
		memcpy(&a, value.at, sizeof(a));
	if (!failed(txn_get(txn, TABLE_RULES, key_rule(2), &value)))
		memcpy(&b, value.at, sizeof(b));
	assert_int_equal(a, b);
	txn_abort(&txn);
	store_close(t->store);
	t->store = NULL;
}

static void every_call_may_fail_once_or_for_ever(void **state)
{
	struct tempstore *t = *state;
	static const int errors[] = {ENOMEM, ENOSPC, EIO};

	store_close(t->store);
	t->store = NULL;
	for (int i = 0; i < 6; i++) {
		uint64_t n = 1;
		struct err e;

		t->faults.error = errors[i / 2];
		t->faults.forever = i % 2;
		do {
			atomic_store(&t->faults.calls, 0);
			t->faults.at = n;
			e = whole_life(t, n);
			t->faults.at = 0;
			check_whole(t);
			assert_true(n++ < 500);
		} while (failed(e));
		assert_true(n > 50);
	}
}

/* A child commits and says so; it dies at any moment. */
static void child(struct tempstore *t, int to)
{
	for (uint64_t n = 1;; n++) {
		struct txn *txn = NULL;

		must(txn_begin_write(t->store, STORE_RECORDS, &txn));
		must(txn_put(txn, TABLE_RULES, key_rule(n), SPAN_OBJ(n)));
		must(txn_commit(&txn));
		if (write(to, &n, sizeof(n)) != sizeof(n))
			_exit(1);
	}
}

static void what_was_acknowledged_survives_kill_9(void **state)
{
	struct tempstore *t = *state;
	uint64_t acked = 0, n;
	char value[16];

	for (int round = 0; round < 3; round++) {
		int ends[2];
		pid_t pid;

		tempstore_close(t);
		assert_int_equal(pipe(ends), 0);
		pid = fork();
		assert_true(pid >= 0);
		if (pid == 0) {
			close(ends[0]);
			tempstore_open(t);
			child(t, ends[1]);
		}
		close(ends[1]);
		for (int i = 0; i < 20 + 7 * round; i++) {
			assert_int_equal(read(ends[0], &n, sizeof(n)),
					 sizeof(n));
			acked = n > acked ? n : acked;
		}
		kill(pid, SIGKILL);
		while (read(ends[0], &n, sizeof(n)) == sizeof(n))
			acked = n > acked ? n : acked;
		close(ends[0]);
		waitpid(pid, NULL, 0);
		tempstore_open(t);
		for (n = 1; n <= acked; n++)
			must(get(t, TABLE_RULES, key_rule(n), value, 16));
	}
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(what_is_committed_is_there_after_reopening),
		T(a_second_opener_is_refused),
		T(a_store_is_made_once),
		T(no_store_is_not_found),
		T(a_newer_format_is_refused_by_name),
		T(another_ring_does_not_open_it),
		T(promotion_raises_the_replica_and_draws_an_incarnation),
		T(a_flipped_bit_is_found),
		T(the_quota_stops_puts_and_lets_deletes_and_reads_go_on),
		T(the_first_io_error_of_a_commit_is_the_end),
		T(every_call_may_fail_once_or_for_ever),
		T(what_was_acknowledged_survives_kill_9),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
