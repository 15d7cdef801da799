/* The ring: the file of secrets beside the store. */
#define _GNU_SOURCE
#include <stdlib.h>

#include "proto/crypto/domain.h"
#include "storage/file.h"
#include "storage/ring_inside.h"

enum { PATH_ROOM = 4096, FIRST_SLOTS = 32 };

/* ---- the file ---- */

/* Seal and write a state; a fresh ring key is with the provider first. */
static struct err write_state(const char *path,
			      const struct key_provider *provider,
			      const struct random *random,
			      struct ring_state *state, bool fresh_key,
			      bool fresh_file)
{
	uint8_t key[CRYPTO_KEY_LEN] = {0}, nonce[CRYPTO_NONCE_LEN];
	struct buf file;
	struct err e;

	buf_init(&file, RING_FILE_MAX);
	state->generation++;
	if (fresh_key) {
		e = random_fill(random, state->ring_key.at, RING_KEY_ID_LEN);
		if (!failed(e))
			e = random_fill(random, key, sizeof(key));
		if (!failed(e))
			e = provider->put(provider->self, state->ring_key, key);
	} else {
		e = provider->get(provider->self, state->ring_key, key);
	}
	if (!failed(e))
		e = random_fill(random, nonce, sizeof(nonce));
	if (!failed(e))
		e = ring_state_seal(state, key, nonce, &file);
	if (!failed(e))
		e = file_write(path, buf_span(&file), fresh_file);
	wipe(key, sizeof(key));
	buf_clear(&file);
	return e;
}

static struct err read_state(const char *path,
			     const struct key_provider *provider,
			     struct ring_state **out)
{
	uint8_t key[CRYPTO_KEY_LEN] = {0};
	struct ring_state *state = NULL;
	struct buf file;
	struct err e;

	buf_init(&file, RING_FILE_MAX);
	e = file_read(path, &file);
	if (!failed(e))
		e = ring_state_new(&state);
	if (!failed(e))
		e = ring_state_read_head(buf_span(&file), state);
	if (!failed(e)) {
		e = provider->get(provider->self, state->ring_key, key);
		if (e.code == ERR_NOT_FOUND)
			e = err_make(ERR_SEALED, "the ring's key is not kept");
	}
	if (!failed(e))
		e = ring_state_open(buf_span(&file), key, state);
	wipe(key, sizeof(key));
	buf_clear(&file);
	if (failed(e))
		ring_state_free(state);
	else
		*out = state;
	return e;
}

struct err ring_replace(struct ring *ring, struct ring_state *next,
			bool fresh_key)
{
	struct ring_state *old;
	struct err e = write_state(ring->path, ring->provider, ring->random,
				   next, fresh_key, false);

	if (failed(e)) {
		ring_state_free(next);
		return e;
	}
	pthread_rwlock_wrlock(&ring->lock);
	old = ring->state;
	ring->state = next;
	pthread_rwlock_unlock(&ring->lock);
	ring_state_free(old);
	return ERR_NONE;
}

/* ---- private keys ---- */

static struct err add_private(struct ring_state *state,
			      const struct keyfile_private *from)
{
	struct ring_private *p = &state->privates[state->private_count];

	if (state->private_count == RING_PRIVATES_MAX)
		return err_make(ERR_TOO_LARGE, "too many private keys");
	*p = (struct ring_private){.purpose = from->purpose,
				   .curve = from->curve};
	memcpy(p->scalar, from->scalar, crypto_scalar_len(from->curve));
	state->private_count++;
	return ERR_NONE;
}

static struct err load_private(struct ring *ring,
			       const struct ring_private *from)
{
	struct ring_loaded *to = &ring->loaded[ring->loaded_count];
	const struct crypto_public *public;
	struct err e;

	if (ring->loaded_count == RING_PRIVATES_MAX)
		return err_make(ERR_TOO_LARGE, "too many private keys");
	e = crypto_key_from_scalar(from->curve,
				   span_of(from->scalar,
					   crypto_scalar_len(from->curve)),
				   &to->key);
	if (failed(e))
		return e;
	public = crypto_key_public(to->key);
	to->purpose = from->purpose;
	to->current = from->until == 0;
	to->id = crypto_public_id(public);
	to->point = crypto_public_point_id(public);
	ring->loaded_count++;
	return ERR_NONE;
}

/* Keys whose time is over go; they leave the file with its next writing. */
static void drop_expired(struct ring_state *state, uint64_t now)
{
	unsigned kept = 0;

	for (unsigned i = 0; i < state->private_count; i++) {
		if (state->privates[i].until && state->privates[i].until < now)
			continue;
		state->privates[kept++] = state->privates[i];
	}
	for (unsigned i = kept; i < state->private_count; i++)
		wipe(&state->privates[i], sizeof(state->privates[i]));
	state->private_count = kept;
}

struct err ring_private(struct ring *ring, enum keyfile_key purpose,
			const struct crypto_key **out)
{
	struct err e = err_make(ERR_NOT_FOUND, "the ring has no such key");

	pthread_rwlock_rdlock(&ring->lock);
	for (unsigned i = 0; i < ring->loaded_count; i++) {
		const struct ring_loaded *l = &ring->loaded[i];

		if (l->purpose == purpose && l->current) {
			*out = l->key;
			e = ERR_NONE;
		}
	}
	pthread_rwlock_unlock(&ring->lock);
	return e;
}

struct err ring_private_by_id(struct ring *ring, struct key_id id,
			      const struct crypto_key **out)
{
	struct err e = err_make(ERR_NOT_FOUND, "the ring has no such key");

	pthread_rwlock_rdlock(&ring->lock);
	for (unsigned i = 0; i < ring->loaded_count; i++) {
		const struct ring_loaded *l = &ring->loaded[i];

		if (key_id_eq(l->id, id) || key_id_eq(l->point, id)) {
			*out = l->key;
			e = ERR_NONE;
		}
	}
	pthread_rwlock_unlock(&ring->lock);
	return e;
}

struct err ring_replace_private(struct ring *ring,
				const struct keyfile_start *start,
				uint64_t keep_until)
{
	struct ring_state *next = NULL;
	unsigned first;
	struct err e;

	pthread_mutex_lock(&ring->change);
	e = ring_state_copy(ring->state, 0, &next);
	if (failed(e))
		goto out;
	if (start->count > RING_PRIVATES_MAX - ring->loaded_count) {
		ring_state_free(next);
		e = err_make(ERR_TOO_LARGE, "too many private keys");
		goto out;
	}
	drop_expired(next, clock_s(ring->clock));
	first = next->private_count;
	for (unsigned i = 0; i < first; i++)
		for (unsigned j = 0; j < start->count; j++)
			if (next->privates[i].until == 0 &&
			    next->privates[i].purpose == start->keys[j].purpose)
				next->privates[i].until = keep_until;
	for (unsigned j = 0; j < start->count && !failed(e); j++)
		e = add_private(next, &start->keys[j]);
	if (failed(e)) {
		ring_state_free(next);
		goto out;
	}
	e = ring_replace(ring, next, false);
	if (failed(e))
		goto out;
	pthread_rwlock_wrlock(&ring->lock);
	for (unsigned i = 0; i < ring->loaded_count; i++)
		for (unsigned j = 0; j < start->count; j++)
			if (ring->loaded[i].purpose == start->keys[j].purpose)
				ring->loaded[i].current = false;
	for (unsigned i = first; i < next->private_count && !failed(e); i++)
		e = load_private(ring, &next->privates[i]);
	pthread_rwlock_unlock(&ring->lock);
out:
	pthread_mutex_unlock(&ring->change);
	return e;
}

/* ---- create, open, close ---- */

struct err ring_create(const char *folder, const struct key_provider *provider,
		       const struct random *random,
		       const struct keyfile_start *start)
{
	char path[PATH_ROOM];
	struct ring_state *fresh = NULL, *state = NULL;
	struct err e;

	e = file_make_folder(folder);
	if (!failed(e))
		e = file_join(path, sizeof(path), folder, "ring");
	if (!failed(e))
		e = ring_state_new(&fresh);
	if (!failed(e))
		e = ring_state_copy(fresh, FIRST_SLOTS, &state);
	if (!failed(e))
		e = random_fill(random, state->store_id, STORE_ID_LEN);
	if (!failed(e))
		e = random_fill(random, state->mac_key, STORE_MAC_KEY_LEN);
	for (int kind = 1; kind <= RING_KEY_KINDS && !failed(e); kind++)
		e = ring_state_rotate(state, random, kind);
	for (unsigned i = 0; i < start->count && !failed(e); i++)
		e = add_private(state, &start->keys[i]);
	if (!failed(e))
		e = ring_state_add_slots(state, random, FIRST_SLOTS);
	if (!failed(e))
		e = write_state(path, provider, random, state, true, true);
	ring_state_free(fresh);
	ring_state_free(state);
	return e;
}

static struct err open_ring(const char *folder,
			    const struct key_provider *provider,
			    const struct random *random,
			    const struct clock *clock, bool destroy,
			    struct ring **out)
{
	char path[PATH_ROOM];
	struct ring *ring;
	struct err e;

	e = file_join(path, sizeof(path), folder, "ring");
	if (failed(e))
		return e;
	ring = calloc(1, sizeof(*ring));
	if (!ring)
		return err_make(ERR_NO_MEMORY, "no memory for the ring");
	pthread_mutex_init(&ring->change, NULL);
	pthread_rwlock_init(&ring->lock, NULL);
	ring->provider = provider;
	ring->random = random;
	ring->clock = clock;
	ring->path = strdup(path);
	e = ring->path ? ERR_NONE
		       : err_make(ERR_NO_MEMORY, "no memory for the ring");
	if (!failed(e))
		e = read_state(path, provider, &ring->state);
	if (!failed(e)) {
		memcpy(ring->store_id, ring->state->store_id, STORE_ID_LEN);
		memcpy(ring->mac_key, ring->state->mac_key, STORE_MAC_KEY_LEN);
		drop_expired(ring->state, clock_s(clock));
	}
	for (unsigned i = 0; !failed(e) && i < ring->state->private_count; i++)
		e = load_private(ring, &ring->state->privates[i]);
	/* A purge that was cut short leaves a ring key too many. */
	if (!failed(e) && destroy)
		e = provider->destroy_others(provider->self,
					     ring->state->ring_key);
	if (failed(e)) {
		ring_close(ring);
		return e;
	}
	*out = ring;
	return ERR_NONE;
}

struct err ring_open(const char *folder, const struct key_provider *provider,
		     const struct random *random, const struct clock *clock,
		     struct ring **out)
{
	return open_ring(folder, provider, random, clock, true, out);
}

struct err ring_look(const char *folder, const struct key_provider *provider,
		     const struct random *random, const struct clock *clock,
		     struct ring **out)
{
	return open_ring(folder, provider, random, clock, false, out);
}

struct err ring_export(struct ring *ring, struct store *store, struct txn **txn,
		       struct buf *out)
{
	struct err e;

	/* Slots go and come under this lock, and come before a commit uses
	 * them. */
	pthread_mutex_lock(&ring->change);
	e = txn_begin_read(store, STORE_RECORDS, txn);
	if (!failed(e))
		e = ring_state_export(ring->state, out);
	if (failed(e))
		txn_abort(txn);
	pthread_mutex_unlock(&ring->change);
	return e;
}

struct err ring_import(const char *folder, const struct key_provider *provider,
		       const struct random *random, struct span exported)
{
	struct ring_state *state = NULL;
	char path[PATH_ROOM];
	struct err e = file_make_folder(folder);

	if (!failed(e))
		e = file_join(path, sizeof(path), folder, "ring");
	if (!failed(e))
		e = ring_state_new(&state);
	if (!failed(e))
		e = ring_state_import(exported, state);
	if (!failed(e))
		e = write_state(path, provider, random, state, true, true);
	ring_state_free(state);
	return e;
}

void ring_close(struct ring *ring)
{
	if (!ring)
		return;
	for (unsigned i = 0; i < ring->loaded_count; i++)
		crypto_key_free(ring->loaded[i].key);
	ring_state_free(ring->state);
	wipe(ring->mac_key, sizeof(ring->mac_key));
	pthread_rwlock_destroy(&ring->lock);
	pthread_mutex_destroy(&ring->change);
	free(ring->path);
	free(ring);
}

void ring_store_id(const struct ring *ring, uint8_t out[STORE_ID_LEN])
{
	memcpy(out, ring->store_id, STORE_ID_LEN);
}

void ring_mac_key(const struct ring *ring, uint8_t out[STORE_MAC_KEY_LEN])
{
	memcpy(out, ring->mac_key, STORE_MAC_KEY_LEN);
}

uint64_t ring_generation(struct ring *ring)
{
	uint64_t generation;

	pthread_rwlock_rdlock(&ring->lock);
	generation = ring->state->generation;
	pthread_rwlock_unlock(&ring->lock);
	return generation;
}

bool ring_has_slot(struct ring *ring, uint64_t slot)
{
	bool has;

	pthread_rwlock_rdlock(&ring->lock);
	has = ring_state_slot(ring->state, slot) != NULL;
	pthread_rwlock_unlock(&ring->lock);
	return has;
}

/* ---- symmetric keys ---- */

size_t ring_key_len(enum ring_key kind)
{
	return kind == RING_CURSOR || kind == RING_REFERENCE
		       ? CRYPTO_SIV_KEY_LEN
		       : CRYPTO_KEY_LEN;
}

uint8_t ring_key_generation(struct ring *ring, enum ring_key kind)
{
	uint8_t generation;

	pthread_rwlock_rdlock(&ring->lock);
	generation = ring->state->symmetric[kind][0].generation;
	pthread_rwlock_unlock(&ring->lock);
	return generation;
}

struct err ring_key_get(struct ring *ring, enum ring_key kind,
			uint8_t generation, uint8_t *out)
{
	struct err e = err_make(ERR_GONE, "a key that is no longer kept");

	pthread_rwlock_rdlock(&ring->lock);
	for (int i = 0; i < 2 && generation; i++) {
		const struct ring_symmetric *k =
			&ring->state->symmetric[kind][i];

		if (k->generation == generation) {
			memcpy(out, k->key, ring_key_len(kind));
			e = ERR_NONE;
			break;
		}
	}
	pthread_rwlock_unlock(&ring->lock);
	return e;
}

struct err ring_key_rotate(struct ring *ring, enum ring_key kind)
{
	struct ring_state *next = NULL;
	struct err e;

	pthread_mutex_lock(&ring->change);
	e = ring_state_copy(ring->state, 0, &next);
	if (!failed(e)) {
		e = ring_state_rotate(next, ring->random, kind);
		if (failed(e))
			ring_state_free(next);
		else
			e = ring_replace(ring, next, false);
	}
	pthread_mutex_unlock(&ring->change);
	return e;
}

/* ---- one-time secrets ---- */

static struct err secret_aad(struct span name, struct buf *aad)
{
	buf_init(aad, 512);
	encode_domain(aad, DOMAIN_TOKEN_SECRET);
	buf_put_var(aad, name);
	return buf_check(aad);
}

struct err ring_seal_secret(struct ring *ring, struct span name,
			    struct span secret, struct buf *out)
{
	uint8_t key[CRYPTO_KEY_LEN] = {0}, nonce[CRYPTO_NONCE_LEN];
	uint8_t sealed[RING_SECRET_MAX + CRYPTO_TAG_LEN];
	uint8_t generation = ring_key_generation(ring, RING_TOKEN);
	struct buf aad;
	struct err e;

	if (secret.len > RING_SECRET_MAX)
		return err_make(ERR_TOO_LARGE, "a secret beyond the cap");
	e = secret_aad(name, &aad);
	if (!failed(e))
		e = ring_key_get(ring, RING_TOKEN, generation, key);
	if (!failed(e))
		e = random_fill(ring->random, nonce, sizeof(nonce));
	if (!failed(e))
		e = crypto_gcm_seal(key, nonce, buf_span(&aad), secret, sealed);
	if (!failed(e)) {
		buf_put_u8(out, generation);
		buf_put(out, SPAN_OBJ(nonce));
		buf_put(out, span_of(sealed, secret.len + CRYPTO_TAG_LEN));
		e = buf_check(out);
	}
	wipe(key, sizeof(key));
	buf_clear(&aad);
	return e;
}

struct err ring_open_secret(struct ring *ring, struct span name,
			    struct span sealed, struct buf *out)
{
	uint8_t key[CRYPTO_KEY_LEN] = {0};
	uint8_t plain[RING_SECRET_MAX];
	struct span_reader r = span_read(sealed);
	uint8_t generation = span_read_u8(&r);
	struct span nonce = span_read_raw(&r, CRYPTO_NONCE_LEN);
	struct buf aad;
	struct err e;

	if (r.bad || r.left.len < CRYPTO_TAG_LEN ||
	    r.left.len > RING_SECRET_MAX + CRYPTO_TAG_LEN)
		return err_make(ERR_CORRUPT, "a sealed secret is malformed");
	e = secret_aad(name, &aad);
	if (!failed(e))
		e = ring_key_get(ring, RING_TOKEN, generation, key);
	if (!failed(e))
		e = crypto_gcm_open(key, nonce.at, buf_span(&aad), r.left,
				    plain);
	if (e.code == ERR_DIGEST)
		e = err_make(ERR_CORRUPT, "a sealed secret is not authentic");
	if (!failed(e)) {
		buf_put(out, span_of(plain, r.left.len - CRYPTO_TAG_LEN));
		e = buf_check(out);
	}
	wipe(key, sizeof(key));
	wipe(plain, sizeof(plain));
	buf_clear(&aad);
	return e;
}
