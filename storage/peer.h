/*
 * Peer nations: where they are, what is pinned, what may be released to them,
 * and how far this relay has pulled.  Their seal roots and replica
 * certificates stand in storage/certificate_store.
 */
#ifndef STORAGE_PEER_H
#define STORAGE_PEER_H

#include "proto/base/arena.h"
#include "proto/base/buf.h"
#include "storage/txn.h"

enum {
	PEER_ENDPOINT_MAX = 261,
	PEER_CEILING_MAX = 128,
	PEER_SPACES_MAX = 1024,
	PEER_CURSOR_MAX = 512,
};

enum peer_state { PEER_ACTIVE = 0, PEER_SUSPENDED = 1 };

/* A release profile: what this relay's operators let pass to the nation. */
struct peer_profile {
	struct span clearance; /* STANAG 4774 clearance XML */
	struct span ceiling;   /* governing classification; empty: none */
	const struct span *spaces;
	size_t space_count;
	bool all_spaces;
};

/* Encode and decode a profile; also inside invitations. */
void peer_profile_encode(const struct peer_profile *profile, struct buf *out);
void peer_profile_read(struct span_reader *r, struct arena *arena,
		       struct peer_profile *out);

struct peer {
	struct nation nation;
	enum peer_state state;
	struct span endpoint;	/* host:port of its peer listener */
	struct span ca;		/* DER, pinned */
	struct replica replica; /* whose certificate was seen last */
	struct peer_profile profile;
	uint64_t since;	       /* UTC seconds of the peering */
	struct span cursor;    /* of our pull; empty at first */
	uint64_t pulled;       /* UTC seconds of the last pull that worked */
	uint64_t pulled_rows;  /* rows taken in, ever */
	uint64_t refused_rows; /* quarantined, ever */
	bool more;	       /* the last page was not the end */
};

struct err peer_put(struct txn *txn, const struct peer *peer);
/* Copied into `arena`.  ERR_NOT_FOUND. */
struct err peer_get(struct txn *txn, struct nation nation, struct arena *arena,
		    struct peer *out);
/* The next peer after `out->nation` (zero at first).  ERR_NOT_FOUND at the
 * end. */
struct err peer_next(struct txn *txn, struct arena *arena, struct peer *out);

#endif
