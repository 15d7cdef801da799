/*
 * The nonce of signed requests: no state, survives restarts.
 *
 * Slot (u64, of 300 seconds), then 16 bytes of HMAC-SHA-256 over
 * E("entente nonce v1", key id, slot); as text base64url, 32 letters.  Good
 * in its slot and the next one.  Single use, where wanted, is the guard's:
 * it keeps the digest of the signature base.
 */
#ifndef PROTO_EXCHANGE_NONCE_H
#define PROTO_EXCHANGE_NONCE_H

#include "proto/base/id.h"

enum {
	NONCE_LEN = 24,
	NONCE_TEXT_LEN = 32,
	NONCE_KEY_LEN = 32,
	NONCE_SLOT_S = 300,
};

struct nonce {
	uint8_t at[NONCE_LEN];
};

/* The nonce for `asker` in the slot of `now_s`. */
struct err nonce_make(const uint8_t key[NONCE_KEY_LEN], struct key_id asker,
		      uint64_t now_s, struct nonce *out);
/* ERR_NONCE unless made with `key` for `asker` in the slot of `now_s` or the
 * one before. */
struct err nonce_check(const uint8_t key[NONCE_KEY_LEN], struct key_id asker,
		       uint64_t now_s, const struct nonce *nonce);
/* The slot it names, checked or not. */
uint64_t nonce_slot(const struct nonce *nonce);

void nonce_format(const struct nonce *nonce, char out[NONCE_TEXT_LEN + 1]);
struct err nonce_parse(struct span text, struct nonce *out);

#endif
