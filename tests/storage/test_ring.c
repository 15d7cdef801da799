/* Proves storage/ring*.c and storage/key_provider.c. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdlib.h>

#include <glob.h>
#include <stdio.h>
#include <unistd.h>

#include "storage/file.h"
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

static struct doc_id doc_of(uint32_t n)
{
	struct doc_id id = {{1}};

	memcpy(id.at + 8, &n, sizeof(n));
	return id;
}

static struct digest commitment_of(uint8_t n)
{
	return (struct digest){{n}};
}

static unsigned key_files(struct tempstore *t)
{
	char pattern[256];
	unsigned n;
	glob_t g;

	snprintf(pattern, sizeof(pattern), "%s/*", t->keys);
	n = glob(pattern, 0, NULL, &g) == 0 ? (unsigned)g.gl_pathc : 0;
	globfree(&g);
	return n;
}

static uint64_t take(struct tempstore *t, struct doc_id doc)
{
	struct txn *txn = NULL;
	uint64_t slot;

	must(txn_begin_write(t->store, STORE_RECORDS, &txn));
	must(ring_take_slot(t->ring, txn, doc, &slot));
	must(txn_commit(&txn));
	return slot;
}

static void drop(struct tempstore *t, struct doc_id doc, uint64_t slot)
{
	struct txn *txn = NULL;

	must(txn_begin_write(t->store, STORE_RECORDS, &txn));
	must(ring_drop_document(t->ring, txn, slot, doc));
	must(txn_commit(&txn));
}

/* Stands for document_move: keeps (document, slot) pairs. */
struct moves {
	unsigned count;
	unsigned fail_at;
	uint64_t to[600];
	uint32_t doc[600];
};

static struct err move(void *self, struct txn *txn, struct ring *ring,
		       struct doc_id doc, uint64_t from, uint64_t to)
{
	struct moves *m = self;
	uint8_t kek[CRYPTO_KEY_LEN];

	assert_true(from != to);
	/* Both slots are there while keys move. */
	must(ring_kek(ring, from, doc, commitment_of(1), kek));
	must(ring_kek(ring, to, doc, commitment_of(1), kek));
	if (m->fail_at && m->count + 1 == m->fail_at)
		return err_make(ERR_NOT_FOUND, "for the test");
	memcpy(&m->doc[m->count], doc.at + 8, 4);
	m->to[m->count++] = to;
	return ERR_NONE;
}

static void keys_wrapped_today_open_after_a_restart(void **state)
{
	struct tempstore *t = *state;
	uint8_t key[CRYPTO_KEY_LEN] = {42}, wrapped[CRYPTO_WRAPPED_LEN];
	uint8_t back[CRYPTO_KEY_LEN];
	uint64_t slot = take(t, doc_of(1));

	must(ring_wrap(t->ring, slot, doc_of(1), commitment_of(1), key,
		       wrapped));
	tempstore_close(t);
	tempstore_open(t);
	must(ring_unwrap(t->ring, slot, doc_of(1), commitment_of(1), wrapped,
			 back));
	assert_memory_equal(key, back, sizeof(key));
	/* Bound to document, commitment and slot. */
	assert_int_equal(ring_unwrap(t->ring, slot, doc_of(2), commitment_of(1),
				     wrapped, back)
				 .code,
			 ERR_CORRUPT);
	assert_int_equal(ring_unwrap(t->ring, slot, doc_of(1), commitment_of(2),
				     wrapped, back)
				 .code,
			 ERR_CORRUPT);
	assert_int_equal(ring_unwrap(t->ring, slot + 1, doc_of(1),
				     commitment_of(1), wrapped, back)
				 .code,
			 ERR_CORRUPT);
}

static void another_root_key_leaves_the_ring_sealed(void **state)
{
	struct tempstore *t = *state;
	struct key_provider wrong;
	struct ring *ring = NULL;
	uint8_t root[KEYFILE_ROOT_LEN] = {0};

	must(key_provider_file_open(t->keys, root, &t->random, &wrong));
	assert_int_equal(
		ring_open(t->path, &wrong, &t->random, &t->clock, &ring).code,
		ERR_SEALED);
	wrong.close(wrong.self);
	assert_int_equal(key_files(t), 1);
}

static void a_changed_ring_file_is_corrupt(void **state)
{
	struct tempstore *t = *state;
	struct ring *ring = NULL;
	struct buf file;
	char path[256];

	must(file_join(path, sizeof(path), t->path, "ring"));
	buf_init(&file, 1 << 20);
	must(file_read(path, &file));
	for (size_t i = 0; i < file.len; i += 37) {
		struct err e;

		file.at[i] ^= 1;
		must(file_write(path, buf_span(&file), false));
		e = ring_open(t->path, &t->provider, &t->random, &t->clock,
			      &ring);
		assert_true(e.code == ERR_CORRUPT || e.code == ERR_VERSION ||
			    e.code == ERR_SEALED);
		file.at[i] ^= 1;
	}
	for (size_t len = 0; len < 100; len += 9) {
		must(file_write(path, span_of(file.at, len), false));
		assert_true(failed(ring_open(t->path, &t->provider, &t->random,
					     &t->clock, &ring)));
	}
	must(file_write(path, buf_span(&file), false));
	buf_wipe(&file);
}

static void a_slot_holds_256_documents(void **state)
{
	struct tempstore *t = *state;
	uint64_t first = take(t, doc_of(0)), last = first;

	for (uint32_t n = 1; n < RING_SLOT_DOCUMENTS; n++)
		last = take(t, doc_of(n));
	assert_int_equal(first, last);
	assert_int_equal(take(t, doc_of(1000)), first + 1);
}

static uint64_t guess(struct tempstore *t)
{
	struct txn *txn = NULL;
	uint64_t slot;

	must(txn_begin_read(t->store, STORE_RECORDS, &txn));
	must(ring_guess_slot(t->ring, txn, &slot));
	txn_abort(&txn);
	return slot;
}

/* Each guess is of one document, so a slot is not guessed beyond its room. */
static void a_guess_is_of_a_slot_that_has_room(void **state)
{
	struct tempstore *t = *state;
	uint64_t first = take(t, doc_of(0));

	for (unsigned n = 1; n < RING_SLOT_DOCUMENTS; n++)
		assert_int_equal(guess(t), first);
	assert_int_equal(guess(t), first + 1);
	/* Those before were refused: the writer goes on where it is. */
	assert_int_equal(take(t, doc_of(1)), first);
	for (unsigned n = 0; n < 40 * RING_SLOT_DOCUMENTS; n++)
		(void)guess(t);
	assert_int_equal(guess(t), 0);
}

static void a_wish_is_granted_while_there_is_room(void **state)
{
	struct tempstore *t = *state;
	struct ring_fills fills = {0};
	struct txn *txn = NULL;
	uint64_t first = take(t, doc_of(0)), slot;
	unsigned n = 1;

	must(txn_begin_write(t->store, STORE_RECORDS, &txn));
	for (; n <= RING_SLOT_DOCUMENTS; n++) {
		must(ring_fill_take(t->ring, txn, &fills, doc_of(n), first + 2,
				    &slot));
		assert_int_equal(slot, first + 2);
	}
	/* Full; a slot that the ring lacks; none; one that is purged. */
	must(ring_fill_take(t->ring, txn, &fills, doc_of(n++), first + 2,
			    &slot));
	assert_int_equal(slot, first + 3);
	must(ring_fill_take(t->ring, txn, &fills, doc_of(n++), 1 << 20, &slot));
	assert_int_equal(slot, first + 3);
	must(ring_fill_take(t->ring, txn, &fills, doc_of(n++), 0, &slot));
	assert_int_equal(slot, first + 3);
	must(ring_drop_document(t->ring, txn, first + 3, doc_of(n - 1)));
	must(ring_fill_take(t->ring, txn, &fills, doc_of(n++), first + 3,
			    &slot));
	assert_int_equal(slot, first + 4);
	must(ring_fill_end(txn, &fills));
	must(txn_commit(&txn));
	/* The counts were kept: what is full stays so. */
	assert_int_equal(take(t, doc_of(n)), first + 4);
	must(txn_begin_write(t->store, STORE_RECORDS, &txn));
	fills = (struct ring_fills){0};
	must(ring_fill_take(t->ring, txn, &fills, doc_of(n + 1), first + 2,
			    &slot));
	assert_int_equal(slot, first + 4);
	txn_abort(&txn);
}

static void without_spare_slots_a_writer_is_told(void **state)
{
	struct tempstore *t = *state;
	struct txn *txn = NULL;
	uint64_t slot = 0;
	unsigned n = 0;
	struct err e = ERR_NONE;

	must(txn_begin_write(t->store, STORE_RECORDS, &txn));
	while (!failed(e)) {
		e = ring_take_slot(t->ring, txn, doc_of(n), &slot);
		n += !failed(e);
	}
	assert_int_equal(e.code, ERR_BUSY);
	assert_int_equal(n, 32 * RING_SLOT_DOCUMENTS);
	must(txn_commit(&txn));
	must(ring_reserve_slots(t->ring, t->store, 4));
	assert_int_equal(take(t, doc_of(n)), slot + 1);
	tempstore_close(t);
	tempstore_open(t);
	assert_int_equal(take(t, doc_of(n + 1)), slot + 1);
}

static void purge_destroys_the_slot_and_moves_the_others(void **state)
{
	struct tempstore *t = *state;
	struct ring_mover mover = {move, NULL};
	static struct moves moves;
	uint8_t kek[CRYPTO_KEY_LEN];
	uint64_t slot = take(t, doc_of(0)), generation;
	unsigned destroyed;
	struct txn *txn = NULL;
	bool pending;

	memset(&moves, 0, sizeof(moves));
	mover.self = &moves;
	for (uint32_t n = 1; n < 200; n++)
		take(t, doc_of(n));
	drop(t, doc_of(7), slot);
	/* A slot being purged takes no new document. */
	assert_int_not_equal(take(t, doc_of(500)), slot);
	generation = ring_generation(t->ring);
	must(ring_purge(t->ring, t->store, &mover, &destroyed));
	assert_int_equal(destroyed, 1);
	assert_int_equal(moves.count, 199);
	for (unsigned i = 0; i < moves.count; i++)
		assert_int_not_equal(moves.doc[i], 7);
	assert_true(ring_generation(t->ring) > generation);
	assert_int_equal(key_files(t), 1);
	assert_int_equal(
		ring_kek(t->ring, slot, doc_of(7), commitment_of(1), kek).code,
		ERR_NOT_FOUND);
	must(txn_begin_read(t->store, STORE_RECORDS, &txn));
	must(ring_purge_pending(txn, &pending));
	txn_abort(&txn);
	assert_false(pending);
	tempstore_close(t);
	tempstore_open(t);
	assert_int_equal(
		ring_kek(t->ring, slot, doc_of(7), commitment_of(1), kek).code,
		ERR_NOT_FOUND);
	must(ring_kek(t->ring, moves.to[0], doc_of(1), commitment_of(1), kek));
	must(ring_purge(t->ring, t->store, &mover, &destroyed));
	assert_int_equal(destroyed, 0);
	/* The number of a destroyed slot is never given again. */
	assert_true(take(t, doc_of(900)) > slot);
}

static void the_old_ring_file_opens_nothing_after_a_purge(void **state)
{
	struct tempstore *t = *state;
	static struct moves moves;
	struct ring_mover mover = {move, &moves};
	struct ring *ring = NULL;
	struct buf old;
	char path[256];
	uint64_t slot = take(t, doc_of(0));
	unsigned destroyed;

	memset(&moves, 0, sizeof(moves));
	must(file_join(path, sizeof(path), t->path, "ring"));
	buf_init(&old, 1 << 20);
	must(file_read(path, &old));
	drop(t, doc_of(0), slot);
	must(ring_purge(t->ring, t->store, &mover, &destroyed));
	must(file_write(path, buf_span(&old), false));
	assert_int_equal(ring_open(t->path, &t->provider, &t->random, &t->clock,
				   &ring)
				 .code,
			 ERR_SEALED);
	buf_wipe(&old);
}

static void a_failed_move_leaves_all_as_it_was(void **state)
{
	struct tempstore *t = *state;
	static struct moves moves;
	struct ring_mover mover = {move, &moves};
	uint8_t kek[CRYPTO_KEY_LEN];
	uint64_t slot = take(t, doc_of(0));
	unsigned destroyed = 9;

	memset(&moves, 0, sizeof(moves));
	for (uint32_t n = 1; n < 10; n++)
		take(t, doc_of(n));
	drop(t, doc_of(3), slot);
	moves.fail_at = 5;
	assert_true(failed(ring_purge(t->ring, t->store, &mover, &destroyed)));
	assert_int_equal(destroyed, 9);
	must(ring_kek(t->ring, slot, doc_of(1), commitment_of(1), kek));
	/* At the next start it is finished. */
	tempstore_close(t);
	tempstore_open(t);
	memset(&moves, 0, sizeof(moves));
	must(ring_purge(t->ring, t->store, &mover, &destroyed));
	assert_int_equal(destroyed, 1);
	assert_int_equal(moves.count, 9);
}

/* A provider that stops working at one of its calls: as a crash there. */
struct crash {
	struct key_provider real;
	unsigned left;
};

static bool crashed(struct crash *c)
{
	if (c->left == 0)
		return true;
	c->left--;
	return false;
}

static struct err crash_put(void *self, struct ring_key_id id,
			    const uint8_t key[CRYPTO_KEY_LEN])
{
	struct crash *c = self;

	return crashed(c) ? err_make(ERR_IO, "for the test")
			  : c->real.put(c->real.self, id, key);
}

static struct err crash_get(void *self, struct ring_key_id id,
			    uint8_t key[CRYPTO_KEY_LEN])
{
	struct crash *c = self;

	return crashed(c) ? err_make(ERR_IO, "for the test")
			  : c->real.get(c->real.self, id, key);
}

static struct err crash_destroy(void *self, struct ring_key_id keep)
{
	struct crash *c = self;

	return crashed(c) ? err_make(ERR_IO, "for the test")
			  : c->real.destroy_others(c->real.self, keep);
}

static void a_purge_cut_short_anywhere_is_finished_at_start(void **state)
{
	struct tempstore *t = *state;
	static struct moves moves;
	struct ring_mover mover = {move, &moves};
	uint8_t kek[CRYPTO_KEY_LEN];
	struct err e = err_make(ERR_IO, "not yet");

	for (unsigned stop = 0; failed(e); stop++) {
		struct crash c;
		struct key_provider p = {crash_put, crash_get, crash_destroy,
					 NULL, &c};
		struct ring *ring = NULL;
		uint64_t slot = take(t, doc_of(2 * stop));
		unsigned destroyed;

		assert_true(stop < 10);
		take(t, doc_of(2 * stop + 1));
		drop(t, doc_of(2 * stop), slot);
		memset(&moves, 0, sizeof(moves));
		c = (struct crash){t->provider, 2};
		must(ring_open(t->path, &p, &t->random, &t->clock, &ring));
		c.left = stop;
		e = ring_purge(ring, t->store, &mover, &destroyed);
		ring_close(ring);
		tempstore_close(t);
		tempstore_open(t);
		must(ring_purge(t->ring, t->store, &mover, &destroyed));
		assert_int_equal(key_files(t), 1);
		assert_int_equal(ring_kek(t->ring, slot, doc_of(2 * stop),
					  commitment_of(1), kek)
					 .code,
				 ERR_NOT_FOUND);
	}
}

static void the_key_before_still_opens_and_older_ones_do_not(void **state)
{
	struct tempstore *t = *state;
	uint8_t a[CRYPTO_SIV_KEY_LEN], b[CRYPTO_SIV_KEY_LEN];
	uint8_t first = ring_key_generation(t->ring, RING_CURSOR);

	must(ring_key_get(t->ring, RING_CURSOR, first, a));
	must(ring_key_rotate(t->ring, RING_CURSOR));
	tempstore_close(t);
	tempstore_open(t);
	must(ring_key_get(t->ring, RING_CURSOR, first, b));
	assert_memory_equal(a, b, sizeof(a));
	must(ring_key_get(t->ring, RING_CURSOR,
			  ring_key_generation(t->ring, RING_CURSOR), b));
	assert_memory_not_equal(a, b, sizeof(a));
	must(ring_key_rotate(t->ring, RING_CURSOR));
	assert_int_equal(ring_key_get(t->ring, RING_CURSOR, first, b).code,
			 ERR_GONE);
	assert_int_equal(ring_key_get(t->ring, RING_CURSOR, 0, b).code,
			 ERR_GONE);
	assert_int_equal(ring_key_generation(t->ring, RING_NONCE), 1);
}

static void a_one_time_secret_opens_under_its_name_only(void **state)
{
	struct tempstore *t = *state;
	struct buf sealed, out;

	buf_init(&sealed, 256);
	buf_init(&out, 256);
	must(ring_seal_secret(t->ring, span_str("token 1"), span_str("secret"),
			      &sealed));
	must(ring_open_secret(t->ring, span_str("token 1"), buf_span(&sealed),
			      &out));
	assert_true(span_eq_str(buf_span(&out), "secret"));
	assert_int_equal(ring_open_secret(t->ring, span_str("token 2"),
					  buf_span(&sealed), &out)
				 .code,
			 ERR_CORRUPT);
	for (size_t len = 0; len < sealed.len; len++)
		assert_true(failed(
			ring_open_secret(t->ring, span_str("token 1"),
					 span_of(sealed.at, len), &out)));
	buf_wipe(&sealed);
	buf_wipe(&out);
}

static void guard_keys_are_found_and_kept_after_replacement(void **state)
{
	struct tempstore with;
	const struct crypto_key *key, *found;
	struct keyfile_start start = {0};
	struct crypto_key *fresh = NULL;
	struct key_id old;
	uint64_t now;

	tempstore_new(&with, true);
	must(ring_private(with.ring, KEYFILE_SEAL, &key));
	assert_int_equal(crypto_key_curve(key), CRYPTO_P384);
	assert_int_equal(ring_private(with.ring, KEYFILE_DEVICE_CA, &key).code,
			 ERR_NOT_FOUND);
	must(ring_private(with.ring, KEYFILE_GUARD_P256, &key));
	old = crypto_public_point_id(crypto_key_public(key));
	now = clock_s(&with.clock);
	must(crypto_key_generate(CRYPTO_P256, &fresh));
	must(keyfile_start_add(&start, KEYFILE_GUARD_P256, fresh));
	must(ring_replace_private(with.ring, &start, now + 100));
	must(ring_private(with.ring, KEYFILE_GUARD_P256, &found));
	assert_true(key_id_eq(crypto_public_id(crypto_key_public(found)),
			      crypto_public_id(crypto_key_public(fresh))));
	must(ring_private_by_id(with.ring, old, &found));
	tempstore_close(&with);
	tempstore_open(&with);
	must(ring_private_by_id(with.ring, old, &found));
	testclock_forward(&with.time, 200 * 1000);
	tempstore_close(&with);
	tempstore_open(&with);
	assert_int_equal(ring_private_by_id(with.ring, old, &found).code,
			 ERR_NOT_FOUND);
	must(ring_private(with.ring, KEYFILE_GUARD_P256, &found));
	crypto_key_free(fresh);
	keyfile_start_wipe(&start);
	tempstore_free(&with);
}

static void a_staged_root_key_counts_where_it_opens(void **state)
{
	struct tempstore *t = *state;
	uint8_t root[KEYFILE_ROOT_LEN] = {9};

	/* Staged and left: the old root key goes on, and nothing remains. */
	must(key_provider_file_stage(&t->provider, root));
	assert_int_equal(key_files(t), 2);
	tempstore_close(t);
	tempstore_open(t);
	assert_int_equal(key_files(t), 1);
	assert_int_equal(take(t, doc_of(1)), 1);
	/* Staged and taken, even twice. */
	must(key_provider_file_stage(&t->provider, root));
	must(key_provider_file_stage(&t->provider, root));
	memcpy(t->root_key, root, sizeof(root));
	tempstore_close(t);
	tempstore_open(t);
	assert_int_equal(key_files(t), 1);
	assert_int_equal(take(t, doc_of(2)), 1);
}

static void a_wrong_root_key_settles_nothing(void **state)
{
	struct tempstore *t = *state;
	uint8_t root[KEYFILE_ROOT_LEN] = {9}, wrong[KEYFILE_ROOT_LEN] = {8};
	struct key_provider other;

	must(key_provider_file_stage(&t->provider, root));
	must(key_provider_file_open(t->keys, wrong, &t->random, &other));
	other.close(other.self);
	assert_int_equal(key_files(t), 2);
	memcpy(t->root_key, root, sizeof(root));
	tempstore_close(t);
	tempstore_open(t);
	assert_int_equal(take(t, doc_of(1)), 1);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(keys_wrapped_today_open_after_a_restart),
		T(another_root_key_leaves_the_ring_sealed),
		T(a_changed_ring_file_is_corrupt),
		T(a_slot_holds_256_documents),
		T(a_guess_is_of_a_slot_that_has_room),
		T(a_wish_is_granted_while_there_is_room),
		T(without_spare_slots_a_writer_is_told),
		T(purge_destroys_the_slot_and_moves_the_others),
		T(the_old_ring_file_opens_nothing_after_a_purge),
		T(a_failed_move_leaves_all_as_it_was),
		T(a_purge_cut_short_anywhere_is_finished_at_start),
		T(the_key_before_still_opens_and_older_ones_do_not),
		T(a_one_time_secret_opens_under_its_name_only),
		T(guard_keys_are_found_and_kept_after_replacement),
		T(a_staged_root_key_counts_where_it_opens),
		T(a_wrong_root_key_settles_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
