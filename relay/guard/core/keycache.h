/*
 * Public keys parsed once: an EC point check costs as much as a signature
 * check.  Keys live as long as the cache; beyond its cap nothing is kept and
 * the caller owns what it gets.  Safe from any thread.
 */
#ifndef RELAY_GUARD_CORE_KEYCACHE_H
#define RELAY_GUARD_CORE_KEYCACHE_H

#include "proto/crypto/crypto.h"

enum { KEYCACHE_MAX = 1 << 14 };

struct keycache;

struct err keycache_new(struct keycache **out);
void keycache_free(struct keycache *cache);

/*
 * The key of this SPKI.  `*owned` says whether the caller must free it with
 * crypto_public_free.  ERR_MALFORMED if it is no key.
 */
struct err keycache_spki(struct keycache *cache, struct span spki,
			 struct crypto_public **out, bool *owned);
/* The same from an X9.63 point. */
struct err keycache_point(struct keycache *cache, struct span point,
			  struct crypto_public **out, bool *owned);

#endif
