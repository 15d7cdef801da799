/*
 * Shelves: what a head stands on, each interned once to a number.
 *
 * A shelf is (space, sorted set of label digests, condition).  Rows stand in
 * table `shelves`; a memory index holds them all, with the last sequence of
 * each, so that a sync opens only shelves that have news.
 *
 * What a shelf is never changes, and a number is never used again: not even
 * one whose transaction was aborted.  `last` and `floor` in memory rise
 * before the commit that makes them true, so they are never too low for any
 * snapshot; too high costs a look and nothing more.
 *
 * The index is safe for many readers beside the one writer.
 */
#ifndef STORAGE_SHELF_H
#define STORAGE_SHELF_H

#include "proto/base/buf.h"
#include "storage/txn.h"

enum {
	SHELF_LABELS_MAX = 16,
	SHELF_MAX = 1 << 18, /* shelves in one store */
	SHELF_NONE = 0,	     /* no shelf: seen by nobody */
};

/* One shelf; lives as long as the index. */
struct shelf_row {
	uint32_t number;    /* from 1 */
	struct digest name; /* to the outside: H(E("entente shelf v1", ...)) */
	uint64_t condition; /* 0 is none */
	size_t labels_count;
	struct digest labels[SHELF_LABELS_MAX]; /* sorted, no two equal */
	uint8_t space_len;
	char space[SPACE_NAME_MAX + 1]; /* NUL-terminated */
};

struct shelf_index;

/* Load every shelf of the store with its last sequence.  Owns: close with
 * shelf_index_close; before the store. */
struct err shelf_index_open(struct store *store, struct shelf_index **out);
void shelf_index_close(struct shelf_index *index);

/* The shelf of a number, or NULL. */
const struct shelf_row *shelf_get(const struct shelf_index *index,
				  uint32_t number);

bool shelf_row_has_label(const struct shelf_row *row, struct digest label);

/* The highest number in the transaction's snapshot: every shelf up to it is
 * in the index. */
struct err shelf_count(struct txn *txn, uint32_t *out);

/* The name of a shelf; `labels` sorted without doubles. */
struct err shelf_row_name(struct span space, const struct digest *labels,
			  size_t count, uint64_t condition, struct digest *out);

/*
 * The number of a shelf, made in this write transaction if there is none.
 * Labels in any order, doubles allowed.  ERR_TOO_LARGE beyond
 * SHELF_LABELS_MAX labels or SHELF_MAX shelves, ERR_MALFORMED without a label.
 */
struct err shelf_intern(struct txn *txn, struct shelf_index *index,
			struct span space, const struct digest *labels,
			size_t count, uint64_t condition, uint32_t *number);

/* The number of such a shelf; ERR_NOT_FOUND. */
struct err shelf_find(struct txn *txn, struct span space,
		      const struct digest *labels, size_t count,
		      uint64_t condition, uint32_t *number);
/* The number of a shelf by its name; ERR_NOT_FOUND. */
struct err shelf_by_name(struct txn *txn, struct digest name, uint32_t *number);

/*
 * Shelves that name a label, one at a time: the next number above `*number`
 * (0 at first).  ERR_NOT_FOUND at the end.
 */
struct err shelf_of_label_next(struct txn *txn, struct digest label,
			       uint32_t *number);

/* Never below the last sequence of the shelf in any snapshot. */
struct seq shelf_last(const struct shelf_index *index, uint32_t number);
/* A cursor below it refills this shelf: the highest sequence of a gone row
 * that was dropped.  0 if none was. */
struct seq shelf_floor(const struct shelf_index *index, uint32_t number);

/* ---- for document_apply and feed_expire ---- */

/* The next sequence; the writer alone. */
struct seq shelf_next_seq(struct shelf_index *index, uint32_t number);
/* The sequence of the newest row in the transaction's snapshot. */
struct err shelf_sequence(struct txn *txn, struct seq *out);
/* Write the sequence counter; once, before the commit. */
struct err shelf_sequence_put(struct txn *txn, struct shelf_index *index);
/* Raise a floor, in the transaction that drops the row. */
struct err shelf_raise_floor(struct txn *txn, struct shelf_index *index,
			     uint32_t number, struct seq floor);

/* ---- sets of shelves ---- */

/* A set of shelf numbers as bits; no trailing zero words, so that one set has
 * one form.  Zeroed is empty.  At a failed allocation `bad` stays true. */
struct shelf_set {
	uint64_t *words;
	size_t count; /* of words in use */
	size_t room;
	bool bad;
};

void shelf_set_clear(struct shelf_set *s);
bool shelf_set_has(const struct shelf_set *s, uint32_t number);
bool shelf_set_empty(const struct shelf_set *s);
bool shelf_set_eq(const struct shelf_set *a, const struct shelf_set *b);
size_t shelf_set_size(const struct shelf_set *s);
void shelf_set_add(struct shelf_set *s, uint32_t number);
void shelf_set_remove(struct shelf_set *s, uint32_t number);
void shelf_set_copy(struct shelf_set *to, const struct shelf_set *from);
void shelf_set_join(struct shelf_set *s, const struct shelf_set *with);
void shelf_set_meet(struct shelf_set *s, const struct shelf_set *with);
void shelf_set_minus(struct shelf_set *s, const struct shelf_set *without);
/* Adds what `from` has above `above`. */
void shelf_set_join_above(struct shelf_set *s, const struct shelf_set *from,
			  uint32_t above);
/* The least member above `after`; 0 if there is none. */
uint32_t shelf_set_next(const struct shelf_set *s, uint32_t after);
/* ERR_NO_MEMORY if an allocation failed. */
struct err shelf_set_check(const struct shelf_set *s);
/* As a value: the words, big-endian. */
void shelf_set_encode(const struct shelf_set *s, struct buf *out);
struct err shelf_set_decode(struct span bytes, struct shelf_set *out);

#endif
