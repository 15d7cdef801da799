/*
 * HMAC-SHA-256 (RFC 2104) many times under one key.
 *
 * Half of the work of a short HMAC is hashing the key.  Here that is done
 * once, and each message begins from a copy of what came out.  For a single
 * message crypto_hmac is simpler.
 */
#ifndef PROTO_CRYPTO_HMAC_H
#define PROTO_CRYPTO_HMAC_H

#include "proto/crypto/crypto.h"

/* A key made ready.  Never changes: any thread may begin with it. */
struct hmac_key;
/* Owns: hmac_key_free, which wipes it.  Copies what it needs of `key`. */
struct err hmac_key_new(struct span key, struct hmac_key **out);
void hmac_key_free(struct hmac_key *key);

/* One message after the other; of one thread at a time. */
struct hmac;
struct err hmac_new(struct hmac **out);
void hmac_free(struct hmac *h);

/* A message under `key`, which is borrowed until hmac_final; what was begun
 * before is forgotten. */
struct err hmac_begin(struct hmac *h, const struct hmac_key *key);
struct err hmac_update(struct hmac *h, struct span bytes);
struct err hmac_final(struct hmac *h, uint8_t out[CRYPTO_SHA256]);

#endif
