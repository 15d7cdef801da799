/*
 * What decides in the histories: real policies, labels and clearances, each
 * made once.  Four labels, each releasable to one nation; a clearance holds
 * any of the four, so every set of labels is somebody's view.  The second and
 * third policy do not know some of the nations.
 */
#ifndef TESTS_HISTORIES_BOOK_H
#define TESTS_HISTORIES_BOOK_H

#include "proto/label/decision.h"
#include "storage/view.h"

enum {
	BOOK_POLICIES = 3,
	BOOK_LABELS = 4,
	BOOK_CLEARANCES = 1 << BOOK_LABELS,
	BOOK_SPACES = 2,
	BOOK_SPACE_SETS = 1 << BOOK_SPACES,
};

struct book {
	struct policy *policies[BOOK_POLICIES];
	struct label *labels[BOOK_LABELS];
	struct digest digests[BOOK_LABELS];
	struct bound *bounds[BOOK_POLICIES][BOOK_LABELS];
	struct reader *devices[BOOK_POLICIES][BOOK_CLEARANCES][BOOK_SPACE_SETS];
	struct reader *nations[BOOK_POLICIES][BOOK_CLEARANCES];
};

/* Who asks, and under what. */
struct rights {
	bool nation;
	unsigned policy, clearance, spaces;
};

struct book *book_new(void);
void book_free(struct book *b);

const char *book_space(unsigned space);

/* The decision on one document's head: released only if each of its labels is
 * released.  Neither shelves nor views have a part in it. */
bool book_releases(const struct book *b, const struct rights *r, unsigned space,
		   unsigned labels);

/* The view of these rights, by the same decision asked for each shelf. */
struct err book_view(const struct book *b, const struct rights *r,
		     const struct shelf_index *index, struct txn *txn,
		     struct view *base, struct view **out);

#endif
