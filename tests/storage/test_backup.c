/* Proves storage/backup_form.c, backup_write.c, backup_unpack.c. */
#define _GNU_SOURCE
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "storage/backup_unpack.h"
#include "storage/backup_write.h"
#include "storage/file.h"
#include "storage/segment.h"
#include "tests/support/tempstore.h"

enum { ROWS = 3000, FILE_MAX = 64 << 20 };

struct story {
	struct tempstore t;
	struct crypto_key *recovery;
	char file[200], to[200];
	uint64_t rows;
	uint8_t root_key[KEYFILE_ROOT_LEN];
	struct backup_found found;
};

static struct digest digest_of(uint32_t n)
{
	struct digest d = {{7}};

	memcpy(d.at + 8, &n, sizeof(n));
	return d;
}

static const struct doc_id doc = {{3}};

static int setup(void **state)
{
	struct story *s = calloc(1, sizeof(*s));
	struct txn *txn = NULL;
	uint8_t big[5000];

	tempstore_new(&s->t, true);
	must(crypto_key_generate(CRYPTO_P384, &s->recovery));
	snprintf(s->file, sizeof(s->file), "%s/backup", s->t.folder);
	snprintf(s->to, sizeof(s->to), "%s/restored", s->t.folder);
	memset(big, 5, sizeof(big));
	must(txn_begin_write(s->t.store, STORE_RECORDS, &txn));
	for (uint32_t n = 0; n < ROWS; n++)
		must(txn_put(txn, TABLE_LABELS, key_label(digest_of(n)),
			     SPAN_OBJ(n)));
	must(txn_commit(&txn));
	must(txn_begin_write(s->t.store, STORE_SEGMENTS, &txn));
	for (uint32_t n = 0; n < 200; n++)
		must(segment_put(txn, doc, digest_of(n), SPAN_OBJ(big)));
	must(txn_commit(&txn));
	*state = s;
	return 0;
}

static int teardown(void **state)
{
	struct story *s = *state;

	crypto_key_free(s->recovery);
	tempstore_free(&s->t);
	free(s);
	return 0;
}

static struct err make(struct story *s, bool (*progress)(void *, uint64_t),
		       void *self)
{
	static const char *const files[] = {"lock.of.nothing", "store/lock",
					    NULL};
	struct backup_write_order order = {
		.store = s->t.store,
		.ring = s->t.ring,
		.folder = s->t.folder,
		.files = files,
		.recovery = crypto_key_public(s->recovery),
		.progress = progress,
		.self = self,
	};
	int fd = open(s->file, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	struct err e;

	assert_true(fd >= 0);
	e = backup_write(&order, fd, &s->rows);
	close(fd);
	return e;
}

static struct err unpack(struct story *s, const struct crypto_key *key)
{
	struct backup_unpack_order order = {
		.file = s->file,
		.recovery = key,
		.folder = s->to,
		.passphrase = span_str("pass"),
		.log2_n = 10,
		.random = s->t.random,
		.clock = s->t.clock,
	};
	char line[300];

	snprintf(line, sizeof(line), "rm -rf %s", s->to);
	assert_int_equal(system(line), 0);
	return backup_unpack(&order, s->root_key, &s->found);
}

/* Opens what was unpacked in place of the store. */
static struct store *open_unpacked(struct story *s, struct ring **ring,
				   struct key_provider *provider)
{
	struct store_options o = tempstore_options(&s->t);
	struct store *store = NULL;
	static char path[300];
	char keys[300];

	snprintf(path, sizeof(path), "%s/store", s->to);
	snprintf(keys, sizeof(keys), "%s/keys/ring", s->to);
	must(key_provider_file_open(keys, s->root_key, &s->t.random, provider));
	must(ring_open(path, provider, &s->t.random, &s->t.clock, ring));
	o.path = path;
	must(store_open(&o, &store));
	return store;
}

static uint64_t rows_of(struct store *store, enum table table)
{
	struct txn_cursor *cursor = NULL;
	struct txn *txn = NULL;
	struct txn_row row;
	uint64_t n = 0;

	must(txn_begin_read(store, table_env(table), &txn));
	must(txn_cursor_open(txn, table, key_empty(), &cursor));
	while (!failed(txn_cursor_next(cursor, &row)))
		n++;
	txn_cursor_close(cursor);
	txn_abort(&txn);
	return n;
}

static void what_was_backed_up_is_there_again(void **state)
{
	struct story *s = *state;
	struct key_provider provider;
	struct ring *ring = NULL;
	const struct crypto_key *key;
	struct store *store;
	uint8_t kek[2][CRYPTO_KEY_LEN];
	char path[300];
	uint64_t slot;
	struct txn *txn = NULL;

	must(txn_begin_write(s->t.store, STORE_RECORDS, &txn));
	must(ring_take_slot(s->t.ring, txn, doc, &slot));
	must(txn_commit(&txn));
	must(make(s, NULL, NULL));
	must(unpack(s, s->recovery));
	assert_true(s->found.rows == s->rows);
	assert_int_equal(s->found.files, 1);
	snprintf(path, sizeof(path), "%s/store/lock", s->to);
	assert_int_equal(access(path, F_OK), 0);
	store = open_unpacked(s, &ring, &provider);
	for (int t = 0; t < TABLE_COUNT; t++)
		assert_true(rows_of(store, t) == rows_of(s->t.store, t));
	assert_true(store_header(store)->incarnation ==
		    store_header(s->t.store)->incarnation);
	/* The ring came along: slots, private keys. */
	must(ring_kek(ring, slot, doc, digest_of(1), kek[0]));
	must(ring_kek(s->t.ring, slot, doc, digest_of(1), kek[1]));
	assert_memory_equal(kek[0], kek[1], CRYPTO_KEY_LEN);
	must(ring_private(ring, KEYFILE_SEAL, &key));
	store_close(store);
	ring_close(ring);
	provider.close(provider.self);
}

static void
nothing_in_a_backup_is_readable_without_the_recovery_key(void **state)
{
	struct story *s = *state;
	struct crypto_key *other = NULL;
	uint8_t mac_key[STORE_MAC_KEY_LEN];
	uint8_t row[40];
	struct digest d = digest_of(9);
	struct buf file;

	must(make(s, NULL, NULL));
	buf_init(&file, FILE_MAX);
	must(file_read(s->file, &file));
	ring_mac_key(s->t.ring, mac_key);
	assert_null(memmem(file.at, file.len, mac_key, sizeof(mac_key)));
	assert_null(memmem(file.at, file.len, d.at, DIGEST_LEN));
	memset(row, 5, sizeof(row));
	assert_null(memmem(file.at, file.len, row, sizeof(row)));
	must(crypto_key_generate(CRYPTO_P384, &other));
	assert_int_equal(unpack(s, other).code, ERR_SEALED);
	crypto_key_free(other);
	buf_clear(&file);
}

static void a_changed_cut_or_longer_backup_gives_no_store(void **state)
{
	struct story *s = *state;
	struct buf file;

	must(make(s, NULL, NULL));
	buf_init(&file, FILE_MAX);
	must(file_read(s->file, &file));
	assert_true(file.len > 3 * BACKUP_PIECE);
	for (size_t i = 0; i < file.len; i += i < 300 ? 13 : 99991) {
		file.at[i] ^= 1;
		must(file_write(s->file, buf_span(&file), false));
		assert_true(failed(unpack(s, s->recovery)));
		file.at[i] ^= 1;
	}
	for (size_t len = 0; len < file.len; len += len < 300 ? 29 : 77773) {
		must(file_write(s->file, span_of(file.at, len), false));
		assert_true(failed(unpack(s, s->recovery)));
	}
	/* Whole pieces away at the end: the last one says that it is. */
	must(file_write(s->file,
			span_of(file.at,
				155 + 2 * (BACKUP_PIECE + CRYPTO_TAG_LEN)),
			false));
	assert_int_equal(unpack(s, s->recovery).code, ERR_CORRUPT);
	buf_put_str(&file, "more");
	must(file_write(s->file, buf_span(&file), false));
	assert_true(failed(unpack(s, s->recovery)));
	file.len -= 4;
	must(file_write(s->file, buf_span(&file), false));
	must(unpack(s, s->recovery));
	buf_clear(&file);
}

static bool stop_soon(void *self, uint64_t bytes)
{
	unsigned *calls = self;

	return ++*calls < 3;
}

static void a_backup_can_be_stopped(void **state)
{
	struct story *s = *state;
	unsigned calls = 0;

	assert_int_equal(make(s, stop_soon, &calls).code, ERR_GONE);
	assert_int_equal(calls, 3);
	assert_true(failed(unpack(s, s->recovery)));
}

static void a_damaged_store_makes_no_backup(void **state)
{
	struct story *s = *state;
	uint32_t n = 17;
	struct digest d = digest_of(n);

	tempstore_close(&s->t);
	/* The key's last byte: its record fails its MAC. */
	assert_true(tempstore_flip(&s->t, "records/data.mdb", SPAN_OBJ(d.at)) >
		    0);
	tempstore_open(&s->t);
	assert_int_equal(make(s, NULL, NULL).code, ERR_CORRUPT);
}

/* ---- while it is written to ---- */

struct churn {
	struct story *s;
	_Atomic bool stop;
	_Atomic unsigned rounds;
};

/* A segment, then the row that names it; then both away, row first. */
static void *churning(void *with)
{
	struct churn *c = with;
	struct store *store = c->s->t.store;
	uint8_t big[3000] = {9};

	for (uint32_t n = 100000; !atomic_load(&c->stop); n++) {
		struct digest d = digest_of(n), old = digest_of(n - 20);
		struct txn *txn = NULL;

		must(txn_begin_write(store, STORE_SEGMENTS, &txn));
		must(segment_put(txn, doc, d, SPAN_OBJ(big)));
		must(txn_commit(&txn));
		must(txn_begin_write(store, STORE_RECORDS, &txn));
		must(txn_put(txn, TABLE_AUTHORS,
			     key_author((struct key_id){{0}}), span_str("x")));
		must(txn_put(txn, TABLE_LABELS, key_label(d), span_str("x")));
		if (n >= 100020)
			must(txn_del(txn, TABLE_LABELS, key_label(old)));
		must(txn_commit(&txn));
		if (n >= 100020) {
			must(txn_begin_write(store, STORE_SEGMENTS, &txn));
			must(segment_del(txn, doc, old));
			must(txn_commit(&txn));
		}
		atomic_fetch_add(&c->rounds, 1);
	}
	return NULL;
}

/* Every row of the churn names a segment that is there. */
static unsigned dangling(struct store *store, unsigned *seen)
{
	struct txn_cursor *cursor = NULL;
	struct txn *records = NULL, *segments = NULL;
	struct txn_row row;
	unsigned n = 0;

	must(txn_begin_read(store, STORE_RECORDS, &records));
	must(txn_begin_read(store, STORE_SEGMENTS, &segments));
	must(txn_cursor_open(records, TABLE_LABELS, key_empty(), &cursor));
	while (!failed(txn_cursor_next(cursor, &row))) {
		struct digest d;
		uint32_t number;
		bool has;

		memcpy(d.at, row.key.at, DIGEST_LEN);
		memcpy(&number, d.at + 8, sizeof(number));
		if (number < 100000)
			continue;
		(*seen)++;
		must(segment_has(segments, doc, d, &has));
		n += !has;
	}
	txn_cursor_close(cursor);
	txn_abort(&records);
	txn_abort(&segments);
	return n;
}

static void a_backup_made_while_writing_is_one_moment(void **state)
{
	struct story *s = *state;
	struct churn churn = {.s = s};
	pthread_t thread;
	unsigned seen = 0;

	assert_int_equal(pthread_create(&thread, NULL, churning, &churn), 0);
	for (int round = 0; round < 6; round++) {
		struct key_provider provider;
		struct ring *ring = NULL;
		struct store *store;
		unsigned from = atomic_load(&churn.rounds);

		while (atomic_load(&churn.rounds) < from + 30)
			usleep(1000);
		must(make(s, NULL, NULL));
		/* It did go on beside it. */
		must(unpack(s, s->recovery));
		store = open_unpacked(s, &ring, &provider);
		assert_int_equal(dangling(store, &seen), 0);
		store_close(store);
		ring_close(ring);
		provider.close(provider.self);
	}
	atomic_store(&churn.stop, true);
	pthread_join(thread, NULL);
	assert_true(seen >= 6 * 20);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(what_was_backed_up_is_there_again),
		T(nothing_in_a_backup_is_readable_without_the_recovery_key),
		T(a_changed_cut_or_longer_backup_gives_no_store),
		T(a_backup_can_be_stopped),
		T(a_damaged_store_makes_no_backup),
		T(a_backup_made_while_writing_is_one_moment),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
