/*
 * Commit groups: the seal leaves of one commit or of several in a row, their
 * root, and, once made beside the commits, the signature.
 *
 * The tree itself is proto/document/seal; this keeps rows.  Building it costs
 * as much as a dozen puts, so it is built where it is signed, not by the
 * writer.  What is signed was committed, always; unsigned groups are signed
 * at start before anything else.
 */
#ifndef STORAGE_GROUP_H
#define STORAGE_GROUP_H

#include "storage/txn.h"

enum {
	GROUP_LEAVES_MAX = 256,
	GROUP_LEVELS = 8,
	GROUP_SECRET_LEN = 32,
	GROUP_SIG_LEN = 96,
};

struct group_row {
	uint64_t number; /* given by group_put, from 1 */
	struct replica replica;
	uint64_t time; /* UTC seconds; what is signed */
	uint8_t secret[GROUP_SECRET_LEN];
	struct digest root;	/* zero until it is signed */
	struct seq first, last; /* of the feed rows of its commits */
	struct span leaves;	/* leaf cores, 32 bytes each; borrowed */
	bool is_signed;
	uint8_t signature[GROUP_SIG_LEN]; /* zero until then */
};

/* In the writer's transaction; unsigned: `root` is not read. */
struct err group_put(struct txn *txn, const struct group_row *row,
		     uint64_t *number);
/* Adds the leaves and rows of a further commit to an unsigned group; of `more`
 * only those are read.  ERR_NOT_FOUND, ERR_EXISTS if it is signed,
 * ERR_TOO_LARGE beyond GROUP_LEAVES_MAX. */
struct err group_extend(struct txn *txn, uint64_t number,
			const struct group_row *more);
/* `leaves` borrows from the transaction.  ERR_NOT_FOUND. */
struct err group_get(struct txn *txn, uint64_t number, struct group_row *out);
/* A signed one.  ERR_NOT_FOUND. */
struct err group_by_root(struct txn *txn, struct digest root, uint64_t *number);
/* The first unsigned group after `after` (0: the first).  ERR_NOT_FOUND. */
struct err group_unsigned(struct txn *txn, uint64_t after,
			  struct group_row *out);
/* Adds the root, worked out beside the commit, and the signature over it.
 * ERR_NOT_FOUND; ERR_EXISTS if another group has the root; signed before:
 * nothing. */
struct err group_sign_row(struct txn *txn, uint64_t number, struct digest root,
			  const uint8_t signature[GROUP_SIG_LEN]);
/*
 * The way from one leaf to the root, kept beside the signature, so that a
 * page need not build the tree of every group it meets: that costs 0.6 ms, a
 * row 2 us.  What the seal shows to whoever gets it, and no more.  It may be
 * absent: then the tree is built.
 */
struct group_leaf {
	uint64_t time; /* of the group */
	uint8_t place;
	uint8_t salt[DIGEST_LEN];
	struct digest path[GROUP_LEVELS]; /* from the leaf up */
};
struct err group_leaf_put(struct txn *txn, uint64_t number, uint16_t leaf,
			  const struct group_leaf *way);
/* ERR_NOT_FOUND. */
struct err group_leaf_get(struct txn *txn, uint64_t number, uint16_t leaf,
			  struct group_leaf *out);
/* Root and signature alone.  ERR_NOT_FOUND until it is signed. */
struct err group_signature(struct txn *txn, uint64_t number,
			   struct digest *root,
			   uint8_t signature[GROUP_SIG_LEN]);
/* The last group's number; 0 if there is none. */
struct err group_last(struct txn *txn, uint64_t *number);
/*
 * Where a peer's feed ends: the sequence before the first unsigned group's;
 * UINT64_MAX if all are signed.
 */
struct err group_last_signed(struct txn *txn, struct seq *out);

#endif
