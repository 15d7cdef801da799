/* The reference of a refusal: sealed, and opened again. */
#include "relay/guard/core/reference.h"

struct err reference_seal(struct ring *ring, const struct random *random,
			  const struct reference *reference, struct buf *out)
{
	uint8_t generation = ring_key_generation(ring, RING_REFERENCE);
	uint8_t key[CRYPTO_SIV_KEY_LEN];
	struct err e = ring_key_get(ring, RING_REFERENCE, generation, key);

	if (!failed(e))
		e = reference_write(key, generation, random, reference, out);
	wipe(key, sizeof(key));
	return e;
}

struct err reference_open(struct ring *ring,
			  const uint8_t standing[CRYPTO_SIV_KEY_LEN],
			  struct span text, struct reference *out)
{
	uint8_t key[CRYPTO_SIV_KEY_LEN], sealed[REFERENCE_LEN];
	struct err e = reference_sealed(text, sealed);

	if (failed(e))
		return e;
	if (sealed[0] == REFERENCE_STANDING)
		return reference_read(standing, sealed, out);
	e = ring_key_get(ring, RING_REFERENCE, sealed[0], key);
	if (!failed(e))
		e = reference_read(key, sealed, out);
	wipe(key, sizeof(key));
	return e;
}
