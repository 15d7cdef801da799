/*
 * References (relay/reference.h) under this relay's keys: the ring's
 * reference key, or, for those that were made while there was no guard, the
 * key of standing references.
 */
#ifndef RELAY_GUARD_CORE_REFERENCE_H
#define RELAY_GUARD_CORE_REFERENCE_H

#include "relay/reference.h"
#include "storage/audit.h"
#include "storage/ring.h"

/* Appends the text. */
struct err reference_seal(struct ring *ring, const struct random *random,
			  const struct reference *reference, struct buf *out);
/* `standing`: reference_standing_key's.  ERR_MALFORMED for a text of another
 * form, ERR_NOT_FOUND for one that was not made here, ERR_GONE if its key is
 * no longer kept. */
struct err reference_open(struct ring *ring,
			  const uint8_t standing[CRYPTO_SIV_KEY_LEN],
			  struct span text, struct reference *out);

#endif
