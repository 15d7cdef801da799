/*
 * The audit as the admin interface shows it: every item of every record, in a
 * set, read on from where it was read last.
 */
#ifndef TESTS_CRASH_BOOK_H
#define TESTS_CRASH_BOOK_H

#include "tests/daemon/nation_daemon.h"

struct book {
	uint64_t *set; /* hashes of (reader, document, digest); 0 is none */
	size_t room, count;
	uint64_t last; /* number of the last record read */
};

void book_free(struct book *b);
/* Reads what is new; false, and says why, if a record that was read before is
 * another now or numbers have a hole. */
bool book_read(struct book *b, const struct nation_daemon *d);
/* Whether some record of that device has this item, outcome ok. */
bool book_has(const struct book *b, struct key_id reader, struct doc_id doc,
	      struct digest digest);

#endif
