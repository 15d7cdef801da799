/* What the ring file holds, and its bytes. */
#include "storage/ring_state.h"

#include <stdlib.h>

#include "proto/crypto/domain.h"
#include "storage/record.h"

enum { FORMAT = 1 };

struct err ring_state_new(struct ring_state **out)
{
	*out = calloc(1, sizeof(**out));
	if (!*out)
		return err_make(ERR_NO_MEMORY, "no memory for the ring");
	(*out)->next_slot = 1;
	return ERR_NONE;
}

void ring_state_free(struct ring_state *state)
{
	if (!state)
		return;
	wipe(state->slots, state->slot_room * sizeof(*state->slots));
	free(state->slots);
	wipe(state, sizeof(*state));
	free(state);
}

static struct err make_room(struct ring_state *state, size_t room)
{
	if (room > RING_SLOTS_MAX)
		return err_make(ERR_TOO_LARGE, "the ring has too many slots");
	state->slots = calloc(room ? room : 1, sizeof(*state->slots));
	if (!state->slots)
		return err_make(ERR_NO_MEMORY, "no memory for the ring");
	state->slot_room = room;
	return ERR_NONE;
}

struct err ring_state_copy(const struct ring_state *from, size_t more,
			   struct ring_state **out)
{
	struct ring_state *to = NULL;
	struct err e = ring_state_new(&to);

	if (failed(e))
		return e;
	*to = *from;
	to->slots = NULL;
	to->slot_room = 0;
	e = make_room(to, from->slot_count + more);
	if (failed(e)) {
		ring_state_free(to);
		return e;
	}
	if (from->slot_count)
		memcpy(to->slots, from->slots,
		       from->slot_count * sizeof(*to->slots));
	*out = to;
	return ERR_NONE;
}

/* The index of the first slot whose number is `number` or more. */
static size_t find(const struct ring_state *state, uint64_t number)
{
	size_t low = 0, high = state->slot_count;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (state->slots[mid].number < number)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

const struct ring_slot *ring_state_slot(const struct ring_state *state,
					uint64_t number)
{
	size_t i = find(state, number);

	return i < state->slot_count && state->slots[i].number == number
		       ? &state->slots[i]
		       : NULL;
}

const struct ring_slot *ring_state_slot_after(const struct ring_state *state,
					      uint64_t after)
{
	size_t i = after == UINT64_MAX ? state->slot_count
				       : find(state, after + 1);

	return i < state->slot_count ? &state->slots[i] : NULL;
}

struct err ring_state_add_slots(struct ring_state *state,
				const struct random *random, size_t count)
{
	struct err e = ERR_NONE;

	if (count > state->slot_room - state->slot_count)
		return err_make(ERR_TOO_LARGE, "the ring has too many slots");
	for (size_t i = 0; i < count && !failed(e); i++) {
		struct ring_slot *slot = &state->slots[state->slot_count];

		e = random_fill(random, slot->secret, sizeof(slot->secret));
		if (failed(e))
			break;
		slot->number = state->next_slot++;
		state->slot_count++;
	}
	return e;
}

void ring_state_remove_slot(struct ring_state *state, uint64_t number)
{
	size_t i = find(state, number);

	if (i >= state->slot_count || state->slots[i].number != number)
		return;
	memmove(state->slots + i, state->slots + i + 1,
		(state->slot_count - i - 1) * sizeof(*state->slots));
	state->slot_count--;
	wipe(&state->slots[state->slot_count], sizeof(*state->slots));
}

struct err ring_state_rotate(struct ring_state *state,
			     const struct random *random, enum ring_key kind)
{
	struct ring_symmetric fresh = {0};
	struct ring_symmetric *keys = state->symmetric[kind];
	struct err e;

	e = random_fill(random, fresh.key, ring_key_len(kind));
	if (!failed(e)) {
		fresh.generation = (uint8_t)(keys[0].generation + 1);
		if (fresh.generation == 0)
			fresh.generation = 1;
		keys[1] = keys[0];
		keys[0] = fresh;
	}
	wipe(&fresh, sizeof(fresh));
	return e;
}

/* ---- bytes ---- */

static void put_body(const struct ring_state *s, struct buf *b)
{
	buf_put(b, SPAN_OBJ(s->mac_key));
	for (int kind = 1; kind <= RING_KEY_KINDS; kind++) {
		for (int i = 0; i < 2; i++) {
			const struct ring_symmetric *k = &s->symmetric[kind][i];

			buf_put_u8(b, k->generation);
			buf_put(b, span_of(k->key, ring_key_len(kind)));
		}
	}
	buf_put_u8(b, (uint8_t)s->private_count);
	for (unsigned i = 0; i < s->private_count; i++) {
		const struct ring_private *p = &s->privates[i];

		buf_put_u8(b, (uint8_t)p->purpose);
		buf_put_u16(b, (uint16_t)p->curve);
		buf_put_u64(b, p->until);
		buf_put(b, span_of(p->scalar, crypto_scalar_len(p->curve)));
	}
	buf_put_u64(b, s->next_slot);
	buf_put_u32(b, (uint32_t)s->slot_count);
	for (size_t i = 0; i < s->slot_count; i++) {
		buf_put_u64(b, s->slots[i].number);
		buf_put(b, SPAN_OBJ(s->slots[i].secret));
	}
}

static bool read_privates(struct span_reader *r, struct ring_state *s)
{
	unsigned count = span_read_u8(r);

	if (count > RING_PRIVATES_MAX)
		return false;
	for (unsigned i = 0; i < count; i++) {
		struct ring_private *p = &s->privates[i];
		uint8_t purpose = span_read_u8(r);
		uint16_t curve = span_read_u16(r);

		if (purpose < KEYFILE_SEAL || purpose > KEYFILE_DEVICE_CA ||
		    (curve != CRYPTO_P256 && curve != CRYPTO_P384))
			return false;
		p->purpose = purpose;
		p->curve = curve;
		p->until = span_read_u64(r);
		span_read_into(r, p->scalar, crypto_scalar_len(p->curve));
	}
	s->private_count = count;
	return true;
}

static struct err read_body(struct span body, struct ring_state *s)
{
	struct span_reader r = span_read(body);
	struct err e;
	uint32_t count;

	span_read_into(&r, s->mac_key, sizeof(s->mac_key));
	for (int kind = 1; kind <= RING_KEY_KINDS; kind++) {
		for (int i = 0; i < 2; i++) {
			struct ring_symmetric *k = &s->symmetric[kind][i];

			k->generation = span_read_u8(&r);
			span_read_into(&r, k->key, ring_key_len(kind));
		}
	}
	if (!read_privates(&r, s))
		return err_make(ERR_CORRUPT, "the ring is malformed");
	s->next_slot = span_read_u64(&r);
	count = span_read_u32(&r);
	if (r.bad || r.left.len != (uint64_t)count * (8 + CRYPTO_KEY_LEN))
		return err_make(ERR_CORRUPT, "the ring is malformed");
	e = make_room(s, count);
	if (failed(e))
		return e;
	for (uint32_t i = 0; i < count; i++) {
		struct ring_slot *slot = &s->slots[i];

		slot->number = span_read_u64(&r);
		span_read_into(&r, slot->secret, sizeof(slot->secret));
		if (slot->number >= s->next_slot ||
		    (i && slot->number <= slot[-1].number))
			return err_make(ERR_CORRUPT, "the ring is malformed");
	}
	s->slot_count = count;
	return record_read_end(&r, "the ring is malformed");
}

struct err ring_state_export(const struct ring_state *state, struct buf *out)
{
	/* Grown once, so that growing leaves no copies of secrets behind. */
	(void)buf_grow(out,
		       4096 + RING_PRIVATES_MAX * 64 + state->slot_count * 40);
	buf_reset(out);
	buf_put(out, SPAN_OBJ(state->store_id));
	buf_put_u64(out, state->generation);
	put_body(state, out);
	return buf_check(out);
}

struct err ring_state_import(struct span exported, struct ring_state *out)
{
	struct span_reader r = span_read(exported);

	span_read_into(&r, out->store_id, sizeof(out->store_id));
	out->generation = span_read_u64(&r);
	return r.bad ? err_make(ERR_CORRUPT, "the ring is malformed")
		     : read_body(r.left, out);
}

static struct err make_aad(const struct ring_state *s, struct buf *aad)
{
	buf_init(aad, 128);
	encode_domain(aad, DOMAIN_RING);
	buf_put(aad, SPAN_OBJ(s->store_id));
	buf_put_u64(aad, s->generation);
	buf_put(aad, SPAN_OBJ(s->ring_key.at));
	return buf_check(aad);
}

struct err ring_state_read_head(struct span file, struct ring_state *out)
{
	struct span_reader r = span_read(file);
	uint32_t format = span_read_u32(&r);

	span_read_into(&r, out->store_id, sizeof(out->store_id));
	out->generation = span_read_u64(&r);
	span_read_into(&r, out->ring_key.at, sizeof(out->ring_key.at));
	if (r.bad)
		return err_make(ERR_CORRUPT, "the ring is malformed");
	if (format != FORMAT)
		return err_make(ERR_VERSION, "a ring of another version");
	return ERR_NONE;
}

struct err ring_state_open(struct span file, const uint8_t key[CRYPTO_KEY_LEN],
			   struct ring_state *out)
{
	struct span nonce = span_sub(file, RING_HEAD_LEN - CRYPTO_NONCE_LEN,
				     CRYPTO_NONCE_LEN);
	struct span sealed = span_sub(file, RING_HEAD_LEN, SIZE_MAX);
	struct buf aad, plain;
	uint8_t *at;
	struct err e;

	if (sealed.len < CRYPTO_TAG_LEN)
		return err_make(ERR_CORRUPT, "the ring is malformed");
	buf_init(&plain, RING_BODY_MAX);
	e = make_aad(out, &aad);
	at = buf_grow(&plain, sealed.len - CRYPTO_TAG_LEN);
	if (!failed(e))
		e = buf_check(&plain);
	if (!failed(e))
		e = crypto_gcm_open(key, nonce.at, buf_span(&aad), sealed, at);
	if (e.code == ERR_DIGEST)
		e = err_make(ERR_CORRUPT, "the ring is not authentic");
	if (!failed(e))
		e = read_body(buf_span(&plain), out);
	buf_wipe(&plain);
	buf_clear(&aad);
	return e;
}

struct err ring_state_seal(const struct ring_state *state,
			   const uint8_t key[CRYPTO_KEY_LEN],
			   const uint8_t nonce[CRYPTO_NONCE_LEN],
			   struct buf *out)
{
	struct buf aad, plain;
	uint8_t *at = NULL;
	struct err e;

	buf_init(&plain, RING_BODY_MAX);
	/* Grown once, so that growing leaves no copies of secrets behind. */
	(void)buf_grow(&plain,
		       4096 + RING_PRIVATES_MAX * 64 + state->slot_count * 40);
	buf_reset(&plain);
	e = make_aad(state, &aad);
	if (!failed(e)) {
		put_body(state, &plain);
		e = buf_check(&plain);
	}
	if (!failed(e)) {
		buf_put_u32(out, FORMAT);
		buf_put(out, SPAN_OBJ(state->store_id));
		buf_put_u64(out, state->generation);
		buf_put(out, SPAN_OBJ(state->ring_key.at));
		buf_put(out, span_of(nonce, CRYPTO_NONCE_LEN));
		at = buf_grow(out, plain.len + CRYPTO_TAG_LEN);
		e = buf_check(out);
	}
	if (!failed(e))
		e = crypto_gcm_seal(key, nonce, buf_span(&aad),
				    buf_span(&plain), at);
	buf_wipe(&plain);
	buf_clear(&aad);
	return e;
}
