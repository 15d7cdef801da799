/* Slots of new documents: which one has room, and a guess beforehand. */
#include "storage/ring_inside.h"

static struct err slot_count(struct txn *txn, uint64_t slot, uint16_t *out)
{
	struct span_reader r;
	struct span value;
	uint16_t count;
	struct err e = txn_get(txn, TABLE_SLOTS, key_slot(slot), &value);

	if (e.code == ERR_NOT_FOUND) {
		*out = 0;
		return ERR_NONE;
	}
	if (failed(e))
		return e;
	r = span_read(value);
	count = span_read_u16(&r);
	if (!span_read_done(&r))
		return err_make(ERR_CORRUPT, "a slot's record is malformed");
	*out = count;
	return ERR_NONE;
}

static struct err slot_count_put(struct txn *txn, const struct ring_fill *f)
{
	uint8_t row[2] = {(uint8_t)(f->documents >> 8), (uint8_t)f->documents};

	return txn_put(txn, TABLE_SLOTS, key_slot(f->slot), SPAN_OBJ(row));
}

/* Whether the ring has it. */
static bool is_known(struct ring *ring, uint64_t slot)
{
	bool known;

	pthread_rwlock_rdlock(&ring->lock);
	known = ring_state_slot(ring->state, slot) != NULL;
	pthread_rwlock_unlock(&ring->lock);
	return known;
}

static bool next_slot(struct ring *ring, uint64_t *slot)
{
	const struct ring_slot *found;

	pthread_rwlock_rdlock(&ring->lock);
	found = ring_state_slot_after(ring->state, *slot);
	if (found)
		*slot = found->number;
	pthread_rwlock_unlock(&ring->lock);
	return found != NULL;
}

/* Its count in this transaction; the oldest leaves where there is no place. */
static struct err fill_of(struct txn *txn, struct ring_fills *fills,
			  uint64_t slot, struct ring_fill **out)
{
	struct ring_fill f = {.slot = slot};
	struct err e = ERR_NONE;

	for (size_t i = 0; i < fills->count; i++)
		if (fills->at[i].slot == slot) {
			*out = &fills->at[i];
			return ERR_NONE;
		}
	e = slot_count(txn, slot, &f.documents);
	if (!failed(e) && fills->count == RING_FILLS_MAX) {
		e = slot_count_put(txn, &fills->at[0]);
		fills->count--;
		memmove(&fills->at[0], &fills->at[1],
			fills->count * sizeof(fills->at[0]));
	}
	if (failed(e))
		return e;
	fills->at[fills->count] = f;
	*out = &fills->at[fills->count++];
	return ERR_NONE;
}

/* The slot's count if it may take one more document, else NULL. */
static struct err with_room(struct ring *ring, struct txn *txn,
			    struct ring_fills *fills, uint64_t slot,
			    struct ring_fill **out)
{
	struct ring_fill *f;
	bool purging;
	struct err e;

	*out = NULL;
	if (!is_known(ring, slot))
		return ERR_NONE;
	e = txn_has(txn, TABLE_SLOTS, key_slot_purging(slot), &purging);
	if (failed(e) || purging)
		return e;
	e = fill_of(txn, fills, slot, &f);
	if (!failed(e) && f->documents < RING_SLOT_DOCUMENTS)
		*out = f;
	return e;
}

struct err ring_fill_take(struct ring *ring, struct txn *txn,
			  struct ring_fills *fills, struct doc_id doc,
			  uint64_t wish, uint64_t *slot)
{
	struct ring_fill *f = NULL;
	uint64_t number = wish;
	struct err e = ERR_NONE;

	if (!fills->begun)
		e = txn_counter(txn, RING_COUNTER_SLOT, &fills->current);
	fills->begun = !failed(e);
	if (!failed(e) && wish)
		e = with_room(ring, txn, fills, wish, &f);
	if (!failed(e) && !f) {
		number = fills->current;
		e = with_room(ring, txn, fills, number, &f);
	}
	while (!failed(e) && !f) {
		if (!next_slot(ring, &number))
			return err_make(ERR_BUSY, "no spare slot is left");
		e = with_room(ring, txn, fills, number, &f);
	}
	if (!failed(e))
		e = txn_put_new(txn, TABLE_SLOTS,
				key_slot_document(number, doc), span_str(""));
	if (failed(e))
		return e;
	f->documents++;
	if (number > fills->current) {
		fills->current = number;
		fills->moved = true;
	}
	*slot = number;
	return ERR_NONE;
}

struct err ring_fill_end(struct txn *txn, struct ring_fills *fills)
{
	struct err e = ERR_NONE;

	for (size_t i = 0; i < fills->count && !failed(e); i++)
		e = slot_count_put(txn, &fills->at[i]);
	if (!failed(e) && fills->moved)
		e = txn_counter_set(txn, RING_COUNTER_SLOT, fills->current);
	return e;
}

struct err ring_take_slot(struct ring *ring, struct txn *txn, struct doc_id doc,
			  uint64_t *slot)
{
	struct ring_fills fills = {0};
	struct err e = ring_fill_take(ring, txn, &fills, doc, 0, slot);

	return failed(e) ? e : ring_fill_end(txn, &fills);
}

/* ---- a guess ---- */

/* Under the lock: one more in the slot that was guessed last. */
static bool guess_again(struct ring *ring, uint64_t current, uint64_t *slot)
{
	if (!ring->guesses_left || ring->guessed < current ||
	    !ring_state_slot(ring->state, ring->guessed))
		return false;
	ring->guesses_left--;
	*slot = ring->guessed;
	return true;
}

/* Under the lock: the first of a slot that has `room`. */
static void guess_from(struct ring *ring, uint64_t slot, unsigned room)
{
	ring->guessed = slot;
	ring->guesses_left = room;
}

struct err ring_guess_slot(struct ring *ring, struct txn *txn, uint64_t *slot)
{
	const struct ring_slot *next;
	uint64_t current;
	uint16_t count = 0;
	struct err e = txn_counter(txn, RING_COUNTER_SLOT, &current);

	if (!failed(e))
		e = slot_count(txn, current, &count);
	if (failed(e))
		return e;
	*slot = 0;
	pthread_rwlock_wrlock(&ring->lock);
	if (ring->guessed < current && count < RING_SLOT_DOCUMENTS)
		guess_from(ring, current, RING_SLOT_DOCUMENTS - count);
	if (!guess_again(ring, current, slot)) {
		next = ring_state_slot_after(ring->state,
					     ring->guessed > current
						     ? ring->guessed
						     : current);
		if (next) {
			guess_from(ring, next->number, RING_SLOT_DOCUMENTS);
			(void)guess_again(ring, current, slot);
		}
	}
	pthread_rwlock_unlock(&ring->lock);
	return ERR_NONE;
}
