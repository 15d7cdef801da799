/* Public keys parsed once: open addressing over the digest of their bytes. */
#include <pthread.h>
#include <stdlib.h>

#include "relay/guard/core/keycache.h"

enum { SLOTS = KEYCACHE_MAX * 2 };

struct slot {
	struct digest name;
	struct crypto_public *key; /* NULL: free */
};

struct keycache {
	pthread_rwlock_t lock;
	size_t count;
	struct slot slots[SLOTS];
};

struct err keycache_new(struct keycache **out)
{
	struct keycache *c = calloc(1, sizeof(*c));

	if (!c)
		return err_make(ERR_NO_MEMORY, "key cache");
	pthread_rwlock_init(&c->lock, NULL);
	*out = c;
	return ERR_NONE;
}

void keycache_free(struct keycache *c)
{
	if (!c)
		return;
	for (size_t i = 0; i < SLOTS; i++)
		crypto_public_free(c->slots[i].key);
	pthread_rwlock_destroy(&c->lock);
	free(c);
}

/* The slot of `name`, or the free one where it would stand. */
static struct slot *find(struct keycache *c, struct digest name)
{
	size_t i;

	memcpy(&i, name.at, sizeof(i));
	for (i %= SLOTS; c->slots[i].key; i = (i + 1) % SLOTS)
		if (digest_eq(c->slots[i].name, name))
			break;
	return &c->slots[i];
}

typedef struct err parse_fn(struct span, struct crypto_public **);

static struct err get(struct keycache *c, struct span bytes, parse_fn *parse,
		      struct crypto_public **out, bool *owned)
{
	struct crypto_public *key = NULL;
	struct digest name;
	struct slot *slot;
	struct err e = crypto_sha256(bytes, &name);

	if (failed(e))
		return e;
	pthread_rwlock_rdlock(&c->lock);
	key = find(c, name)->key;
	pthread_rwlock_unlock(&c->lock);
	*owned = false;
	if (key) {
		*out = key;
		return ERR_NONE;
	}
	e = parse(bytes, &key);
	if (failed(e))
		return e;
	pthread_rwlock_wrlock(&c->lock);
	slot = find(c, name);
	if (slot->key) { /* another thread was quicker */
		crypto_public_free(key);
		key = slot->key;
	} else if (c->count < KEYCACHE_MAX) {
		*slot = (struct slot){name, key};
		c->count++;
	} else {
		*owned = true;
	}
	pthread_rwlock_unlock(&c->lock);
	*out = key;
	return ERR_NONE;
}

struct err keycache_spki(struct keycache *cache, struct span spki,
			 struct crypto_public **out, bool *owned)
{
	return get(cache, spki, crypto_public_from_spki, out, owned);
}

struct err keycache_point(struct keycache *cache, struct span point,
			  struct crypto_public **out, bool *owned)
{
	return get(cache, point, crypto_public_from_point, out, owned);
}
