/*
 * Ticks: our own, with what is needed to prove what lies under them, and those
 * of other nations, with the countersignatures of both.
 *
 * A chain has one tick a minute at most.  What a relay said against its own
 * chain is a break: kept beside the tick that it belies, under a name that the
 * caller gives, as evidence.  The caller has checked the signatures.
 */
#ifndef STORAGE_TICK_STORE_H
#define STORAGE_TICK_STORE_H

#include "proto/base/arena.h"
#include "storage/txn.h"

enum {
	TICK_WITNESSES_MAX = 64,	  /* of one tick */
	TICK_STORE_BLOB_MAX = 256 * 1024, /* a break holds its evidence */
	TICK_BREAKS_MAX = 64,		  /* kept of one replica */
	TICK_KEPT_DAYS = 400,
};

struct tick_row {
	struct replica of;
	uint64_t minute;
	struct span blob;  /* proto/document/tick.h; of a break: what the
			    * caller keeps as evidence */
	uint64_t received; /* UTC seconds */
	/* Of our own: what opens the tree and the audit's end. */
	bool own;
	uint8_t secret[32], salt[32];
	uint64_t group_first, group_last; /* numbers; first > last: none */
	uint64_t audit;			  /* number of the last record */
	/* proto/document/witness.h */
	size_t witness_count;
	struct span witnesses[TICK_WITNESSES_MAX];
};

/* Makes or replaces the tick of that minute in the chain. */
struct err tick_put(struct txn *txn, const struct tick_row *row);
/* Copied into `arena`.  ERR_NOT_FOUND. */
struct err tick_get(struct txn *txn, struct replica of, uint64_t minute,
		    struct arena *arena, struct tick_row *out);
/* The newest of the chain.  ERR_NOT_FOUND. */
struct err tick_last(struct txn *txn, struct replica of, struct arena *arena,
		     struct tick_row *out);
/* The next of the chain after `minute`.  ERR_NOT_FOUND at the end. */
struct err tick_next(struct txn *txn, struct replica of, uint64_t minute,
		     struct arena *arena, struct tick_row *out);
/* The newest of the chain before `minute`.  ERR_NOT_FOUND. */
struct err tick_before(struct txn *txn, struct replica of, uint64_t minute,
		       struct arena *arena, struct tick_row *out);

/* Keeps a break; one of that name again, and what is beyond the cap, is
 * nothing. */
struct err tick_break_put(struct txn *txn, const struct tick_row *row,
			  struct digest name);
/* The next break after (out->minute, *name), zeros at first. */
struct err tick_break_next(struct txn *txn, struct replica of,
			   struct arena *arena, struct digest *name,
			   struct tick_row *out);

/* Drops ticks of the chain below `minute`, but for the last one. */
struct err tick_expire(struct txn *txn, struct replica of, uint64_t minute,
		       unsigned budget);

#endif
