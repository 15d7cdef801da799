/*
 * The inside of a check, for store_check.c and check_*.c alone.
 *
 * Each table is walked once; what a row says of other tables is looked up.
 * What comes the other way round (a row that nobody names) is found by
 * counting: only where the counts differ, the table is walked again.
 */
#ifndef STORAGE_CHECK_INSIDE_H
#define STORAGE_CHECK_INSIDE_H

#include "storage/document_internal.h"
#include "storage/group.h"
#include "storage/store_check.h"

enum { CHECK_GROUPS_KEPT = 64 };

/* Leaves of groups looked at of late: documents that were written together
 * stand together. */
struct check_group {
	uint64_t number; /* 0: none */
	size_t count;
	struct digest leaves[GROUP_LEAVES_MAX];
};

struct check {
	struct store *store;
	const struct store_check_order *order;
	struct txn *txn[STORE_ENV_COUNT];
	struct store_check found;
	uint64_t total;		    /* rows, for the progress */
	bool readable[TABLE_COUNT]; /* LMDB came to the table's end */

	struct nation nation; /* whose relay this is */
	uint64_t sequence;    /* counter `feed` */
	uint64_t groups;      /* counter `group` */
	uint64_t shelves;     /* counter `shelves` */
	uint64_t *sequences;  /* a bit for each that was seen, or NULL */
	uint64_t rows_named;  /* rows of the feed, as documents say it */
	uint64_t rows_seen;
	uint64_t slots_named; /* documents in slots, likewise */
	uint64_t slots_seen;
	uint64_t segments_named; /* segments, likewise */
	uint64_t segments_met;	 /* there, or told as missing */
	uint64_t views_seen, policies_seen;
	struct check_group *kept;
	struct crypto_public *seal_key; /* of `seal_of`, or NULL */
	struct replica seal_of;
	/* The document whose segments are being walked. */
	struct doc_id segments_of;
	bool segments_begun;
	struct digest *named; /* segments that its tables list, sorted */
	size_t named_count, named_at;
	struct arena arena; /* of one record */
};

/* What can be done about a fault. */
extern const char check_restore[]; /* nothing but a backup */
extern const char check_start[];   /* the next start does it */

void check_say(struct check *c, enum store_check_grade grade, enum table table,
	       struct span key, const char *what, const char *mend);
static inline void check_fault(struct check *c, enum table table,
			       struct span key, const char *what)
{
	check_say(c, CHECK_FAULT, table, key, what, check_restore);
}

/* How a look-up in another table went: a record that fails its MAC is told
 * where its own table is walked, and counts as there. */
enum check_look { CHECK_THERE, CHECK_MISSING, CHECK_UNREADABLE };
enum check_look check_find(struct check *c, enum table table, struct key key,
			   struct span *value);
bool check_has(struct check *c, enum table table, struct key key);

/* One row of each table; errors are memory's alone. */
struct err check_document(struct check *c, const struct txn_row *row);
struct err check_feed_row(struct check *c, const struct txn_row *row);
struct err check_group_row(struct check *c, const struct txn_row *row);
struct err check_segment(struct check *c, const struct txn_row *row);
struct err check_segment_table(struct check *c, const struct txn_row *row);
struct err check_small(struct check *c, enum table table,
		       const struct txn_row *row);
/* The walk comes by a segment that fails its MAC. */
struct err check_segment_broken(struct check *c, struct span key);
/* What a document's heads name goes to `named`. */
struct err check_gather(struct check *c, const struct document *doc);
/* What is named and was not met is missing. */
void check_segments_end(struct check *c);
struct err check_segments_again(struct check *c);
/* After all tables: counts against each other, the chain of the audit. */
struct err check_counts(struct check *c);
struct err check_audit(struct check *c);
/* Whether leaf `leaf` of a group of ours is `core`: told under `key`. */
void check_leaf(struct check *c, uint64_t group, uint16_t leaf,
		struct digest core, struct span key);

#endif
