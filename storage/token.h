/*
 * One-time tokens: invitations of devices and of peer nations.  The secret is
 * kept sealed by the ring (ring_seal_secret, bound to the id) and dies with
 * its use.
 */
#ifndef STORAGE_TOKEN_H
#define STORAGE_TOKEN_H

#include "storage/peer.h"

enum { TOKEN_LIFE_S = 72 * 3600, TOKEN_SECRET_MAX = 256 };

enum token_kind {
	TOKEN_DEVICE = 0,   /* `subject` may enrol one device */
	TOKEN_PEER = 1,	    /* `nation` may answer our invitation */
	TOKEN_ACCEPTED = 2, /* we answer an invitation of `nation` */
};

struct token {
	uint8_t id[LEASE_ID_LEN];
	enum token_kind kind;
	uint64_t expires;	     /* UTC seconds */
	struct span secret;	     /* sealed */
	struct span subject;	     /* TOKEN_DEVICE */
	struct nation nation;	     /* of the other side; else zero */
	struct peer_profile profile; /* of the other side; else empty */
	/* TOKEN_ACCEPTED: where to go, and what to find there. */
	struct span endpoint;
	struct digest ca;   /* of its CA certificate */
	struct digest root; /* H(SPKI) of its seal root */
};

struct err token_put(struct txn *txn, const struct token *token);
/* Copied into `arena`.  ERR_NOT_FOUND. */
struct err token_get(struct txn *txn, const uint8_t id[LEASE_ID_LEN],
		     struct arena *arena, struct token *out);
struct err token_del(struct txn *txn, const uint8_t id[LEASE_ID_LEN]);
/* The next token after `out->id` (zero at first).  ERR_NOT_FOUND at the end. */
struct err token_next(struct txn *txn, struct arena *arena, struct token *out);

#endif
