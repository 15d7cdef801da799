/*
 * The reference of a refusal: who asked for what, and why it was no, sealed
 * so that only this relay's operators can open it (AES-256-SIV under the
 * ring's reference key).  Always of one length, whatever it holds.
 */
#ifndef RELAY_GUARD_CORE_REFERENCE_H
#define RELAY_GUARD_CORE_REFERENCE_H

#include "proto/base/buf.h"
#include "proto/base/id.h"
#include "proto/base/random.h"
#include "storage/audit.h"
#include "storage/ring.h"

enum {
	REFERENCE_WHO_LEN = DIGEST_LEN, /* longer names are cut */
	REFERENCE_REASON_LEN = 48,	/* likewise */
	/* time, who, id, document, code, reason, random */
	REFERENCE_PLAIN_LEN = 8 + 1 + REFERENCE_WHO_LEN + 1 + DOC_ID_LEN + 2 +
			      REFERENCE_REASON_LEN + 8,
	/* generation, ciphertext, tag */
	REFERENCE_LEN = 1 + REFERENCE_PLAIN_LEN + CRYPTO_TAG_LEN,
	REFERENCE_TEXT_MAX = (REFERENCE_LEN + 2) / 3 * 4,
};

struct reference {
	uint64_t time; /* UTC seconds */
	enum audit_who who;
	uint8_t who_id[REFERENCE_WHO_LEN]; /* padded with zeros */
	bool has_doc;
	struct doc_id doc;
	enum err_code code;
	char reason[REFERENCE_REASON_LEN + 1]; /* the rule, or a detail */
};

/* Appends the text. */
struct err reference_seal(struct ring *ring, const struct random *random,
			  const struct reference *reference, struct buf *out);
/* ERR_MALFORMED for a text of another form, ERR_NOT_FOUND for one that was
 * not made here, ERR_GONE if its key is no longer kept. */
struct err reference_open(struct ring *ring, struct span text,
			  struct reference *out);

#endif
