/*
 * The reference of a refusal: who asked for what, and why it was no, sealed
 * so that only this relay's operators can open it (AES-256-SIV).  Always of
 * one length, whatever it holds.  The form alone; which key stands behind it
 * is the guard's matter (relay/guard/core/reference.h), but for generation 0:
 *
 * while there is no guard nobody could seal one, so the supervisor seals a
 * standing reference under a key derived from the root key, and hands it to
 * the fronts when they start and when a guard has died.  It names that moment
 * and nothing else, and every refusal until the next guard bears it.
 */
#ifndef RELAY_REFERENCE_H
#define RELAY_REFERENCE_H

#include "proto/base/buf.h"
#include "proto/base/id.h"
#include "proto/base/random.h"
#include "proto/crypto/crypto.h"

enum {
	REFERENCE_WHO_LEN = DIGEST_LEN, /* longer names are cut */
	REFERENCE_REASON_LEN = 48,	/* likewise */
	/* time, who, id, document, code, reason, random */
	REFERENCE_PLAIN_LEN = 8 + 1 + REFERENCE_WHO_LEN + 1 + DOC_ID_LEN + 2 +
			      REFERENCE_REASON_LEN + 8,
	/* generation, ciphertext, tag */
	REFERENCE_LEN = 1 + REFERENCE_PLAIN_LEN + CRYPTO_TAG_LEN,
	REFERENCE_TEXT_MAX = (REFERENCE_LEN + 2) / 3 * 4,
	REFERENCE_STANDING = 0, /* the generation of what is said above */
};

struct reference {
	uint64_t time; /* UTC seconds */
	uint8_t who;   /* enum audit_who of storage/audit.h */
	uint8_t who_id[REFERENCE_WHO_LEN]; /* padded with zeros */
	bool has_doc;
	struct doc_id doc;
	enum err_code code;
	char reason[REFERENCE_REASON_LEN + 1]; /* the rule, or a detail */
};

/* Appends the text, base64url. */
struct err reference_write(const uint8_t key[CRYPTO_SIV_KEY_LEN],
			   uint8_t generation, const struct random *random,
			   const struct reference *reference, struct buf *out);

/* The sealed bytes of a text; the first one is the generation.  ERR_MALFORMED
 * for a text of another form. */
struct err reference_sealed(struct span text, uint8_t sealed[REFERENCE_LEN]);
/* ERR_NOT_FOUND for one that was not made under this key. */
struct err reference_read(const uint8_t key[CRYPTO_SIV_KEY_LEN],
			  const uint8_t sealed[REFERENCE_LEN],
			  struct reference *out);

/* The key of standing references. */
struct err reference_standing_key(const uint8_t root_key[32],
				  uint8_t key[CRYPTO_SIV_KEY_LEN]);

#endif
