/* Slots of the ring: where documents' keys are wrapped, and their end. */
#include <stdlib.h>

#include "proto/crypto/domain.h"
#include "storage/record.h"
#include "storage/ring_inside.h"

enum { SPARE_BATCH = 32, PURGE_BATCH = 64 };

/* ---- content keys ---- */

struct err ring_kek(struct ring *ring, uint64_t slot, struct doc_id doc,
		    struct digest commitment, uint8_t out[CRYPTO_KEY_LEN])
{
	struct ring_slot copy = {0};
	const struct ring_slot *found;
	struct buf info;
	struct err e;

	buf_init(&info, 256);
	pthread_rwlock_rdlock(&ring->lock);
	found = ring_state_slot(ring->state, slot);
	if (found)
		copy = *found;
	pthread_rwlock_unlock(&ring->lock);
	if (!found)
		return err_make(ERR_NOT_FOUND, "the slot is destroyed");
	encode_domain(&info, DOMAIN_SLOT);
	buf_put_u64(&info, slot);
	buf_put(&info, SPAN_OBJ(doc.at));
	buf_put(&info, SPAN_OBJ(commitment.at));
	e = buf_check(&info);
	/* The store id never changes, so it needs no lock. */
	if (!failed(e))
		e = crypto_hkdf(SPAN_OBJ(copy.secret), SPAN_OBJ(ring->store_id),
				buf_span(&info), out, CRYPTO_KEY_LEN);
	wipe(&copy, sizeof(copy));
	buf_clear(&info);
	return e;
}

struct err ring_wrap(struct ring *ring, uint64_t slot, struct doc_id doc,
		     struct digest commitment,
		     const uint8_t key[CRYPTO_KEY_LEN],
		     uint8_t out[CRYPTO_WRAPPED_LEN])
{
	uint8_t kek[CRYPTO_KEY_LEN] = {0};
	struct err e = ring_kek(ring, slot, doc, commitment, kek);

	if (!failed(e))
		e = crypto_key_wrap(kek, key, out);
	wipe(kek, sizeof(kek));
	return e;
}

struct err ring_unwrap(struct ring *ring, uint64_t slot, struct doc_id doc,
		       struct digest commitment,
		       const uint8_t wrapped[CRYPTO_WRAPPED_LEN],
		       uint8_t out[CRYPTO_KEY_LEN])
{
	uint8_t kek[CRYPTO_KEY_LEN] = {0};
	struct err e = ring_kek(ring, slot, doc, commitment, kek);

	if (!failed(e))
		e = crypto_key_unwrap(kek, wrapped, out);
	if (e.code == ERR_DIGEST)
		e = err_make(ERR_CORRUPT, "a key at rest is not authentic");
	wipe(kek, sizeof(kek));
	return e;
}

/* ---- slots ---- */

static struct err current_slot(struct store *store, uint64_t *out)
{
	struct txn *txn = NULL;
	struct err e = txn_begin_read(store, STORE_RECORDS, &txn);

	if (!failed(e))
		e = txn_counter(txn, RING_COUNTER_SLOT, out);
	txn_abort(&txn);
	return e;
}

struct err ring_reserve_slots(struct ring *ring, struct store *store,
			      unsigned spare)
{
	struct ring_state *next = NULL;
	const struct ring_slot *slot;
	uint64_t current;
	size_t unused = 0;
	struct err e;

	pthread_mutex_lock(&ring->change);
	e = current_slot(store, &current);
	if (failed(e))
		goto out;
	slot = ring_state_slot_after(ring->state, current);
	if (slot)
		unused = ring->state->slot_count -
			 (size_t)(slot - ring->state->slots);
	if (unused >= spare)
		goto out;
	e = ring_state_copy(ring->state, spare + SPARE_BATCH, &next);
	if (failed(e))
		goto out;
	e = ring_state_add_slots(next, ring->random,
				 spare - unused + SPARE_BATCH);
	if (failed(e))
		ring_state_free(next);
	else
		e = ring_replace(ring, next, false);
out:
	pthread_mutex_unlock(&ring->change);
	return e;
}

static struct err leave_slot(struct txn *txn, uint64_t slot, struct doc_id doc)
{
	struct err e = txn_del(txn, TABLE_SLOTS, key_slot_document(slot, doc));

	return e.code == ERR_NOT_FOUND ? ERR_NONE : e;
}

struct err ring_drop_document(struct ring *ring, struct txn *txn, uint64_t slot,
			      struct doc_id doc)
{
	struct err e = leave_slot(txn, slot, doc);

	if (!failed(e))
		e = txn_put(txn, TABLE_SLOTS, key_slot_purging(slot),
			    span_str(""));
	return e;
}

/* ---- purge ---- */

/* Up to PURGE_BATCH marked slots. */
static struct err marked(struct txn *txn, uint64_t *slots, unsigned *count)
{
	struct txn_cursor *cursor = NULL;
	struct txn_row row;
	struct err e;

	*count = 0;
	e = txn_cursor_open(txn, TABLE_SLOTS, key_of_kind(KEY_SLOT_PURGING),
			    &cursor);
	while (!failed(e) && *count < PURGE_BATCH) {
		struct span_reader r;

		e = txn_cursor_next(cursor, &row);
		if (failed(e))
			break;
		r = span_read(row.key);
		span_read_u8(&r);
		slots[(*count)++] = span_read_u64(&r);
		e = record_read_end(&r, "a slot's key is malformed");
	}
	txn_cursor_close(cursor);
	return e.code == ERR_NOT_FOUND ? ERR_NONE : e;
}

struct err ring_purge_pending(struct txn *txn, bool *out)
{
	struct txn_cursor *cursor = NULL;
	struct txn_row row;
	struct err e;

	e = txn_cursor_open(txn, TABLE_SLOTS, key_of_kind(KEY_SLOT_PURGING),
			    &cursor);
	if (!failed(e))
		e = txn_cursor_first(cursor, &row);
	txn_cursor_close(cursor);
	if (failed(e) && e.code != ERR_NOT_FOUND)
		return e;
	*out = !failed(e);
	return ERR_NONE;
}

/* The next document still in a slot: the first, as each one moved leaves. */
static struct err first_document(struct txn *txn, uint64_t slot,
				 struct doc_id *out)
{
	struct txn_cursor *cursor = NULL;
	struct txn_row row;
	struct err e;

	e = txn_cursor_open(txn, TABLE_SLOTS, key_slot_documents(slot),
			    &cursor);
	if (!failed(e))
		e = txn_cursor_first(cursor, &row);
	if (!failed(e)) {
		struct span_reader r =
			span_read(span_sub(row.key, 9, SIZE_MAX));

		*out = record_read_doc_id(&r);
		e = record_read_end(&r, "a slot's key is malformed");
	}
	txn_cursor_close(cursor);
	return e;
}

/* Every document of a slot to fresh ones, in one commit. */
static struct err move_documents(struct ring *ring, struct store *store,
				 const struct ring_mover *mover, uint64_t slot)
{
	struct txn *txn = NULL;
	struct doc_id doc;
	bool empty = false;
	uint64_t to;
	struct err e;

	/* 255 documents need no more than two slots. */
	e = ring_reserve_slots(ring, store, 2);
	if (!failed(e))
		e = txn_begin_reserve(store, STORE_RECORDS, &txn);
	while (!failed(e)) {
		e = first_document(txn, slot, &doc);
		empty = e.code == ERR_NOT_FOUND;
		if (failed(e))
			break;
		e = leave_slot(txn, slot, doc);
		if (!failed(e))
			e = ring_take_slot(ring, txn, doc, &to);
		if (!failed(e))
			e = mover->move(mover->self, txn, ring, doc, slot, to);
	}
	if (empty)
		e = txn_commit(&txn);
	txn_abort(&txn);
	return e;
}

/* The ring without these slots, under a fresh ring key; then the old key's
 * end, without which nothing is destroyed. */
static struct err destroy_slots(struct ring *ring, const uint64_t *slots,
				unsigned count)
{
	struct ring_state *next = NULL;
	struct err e;

	pthread_mutex_lock(&ring->change);
	e = ring_state_copy(ring->state, 0, &next);
	if (!failed(e)) {
		for (unsigned i = 0; i < count; i++)
			ring_state_remove_slot(next, slots[i]);
		e = ring_replace(ring, next, true);
	}
	if (!failed(e))
		e = ring->provider->destroy_others(ring->provider->self,
						   ring->state->ring_key);
	pthread_mutex_unlock(&ring->change);
	return e;
}

static struct err forget_slots(struct store *store, const uint64_t *slots,
			       unsigned count)
{
	struct txn *txn = NULL;
	struct err e = txn_begin_reserve(store, STORE_RECORDS, &txn);

	for (unsigned i = 0; i < count && !failed(e); i++) {
		e = txn_del(txn, TABLE_SLOTS, key_slot_purging(slots[i]));
		if (!failed(e))
			e = txn_del(txn, TABLE_SLOTS, key_slot(slots[i]));
		if (e.code == ERR_NOT_FOUND)
			e = ERR_NONE;
	}
	if (!failed(e))
		e = txn_commit(&txn);
	txn_abort(&txn);
	return e;
}

struct err ring_purge(struct ring *ring, struct store *store,
		      const struct ring_mover *mover, unsigned *destroyed)
{
	uint64_t slots[PURGE_BATCH];
	unsigned count = PURGE_BATCH, total = 0;
	struct err e = ERR_NONE;

	while (!failed(e) && count == PURGE_BATCH) {
		struct txn *txn = NULL;

		e = txn_begin_read(store, STORE_RECORDS, &txn);
		if (!failed(e))
			e = marked(txn, slots, &count);
		txn_abort(&txn);
		for (unsigned i = 0; i < count && !failed(e); i++)
			e = move_documents(ring, store, mover, slots[i]);
		if (!failed(e) && count)
			e = destroy_slots(ring, slots, count);
		if (!failed(e) && count)
			e = forget_slots(store, slots, count);
		if (!failed(e))
			total += count;
	}
	if (!failed(e))
		*destroyed = total;
	return e;
}
