/*
 * Lists in pages: `?after=&limit=`, answered as `{"<noun>":[...],"next":text}`
 * where `next`, if there is more, is the next page's `after`.
 */
#ifndef RELAY_GUARD_CORE_ADMIN_PAGE_H
#define RELAY_GUARD_CORE_ADMIN_PAGE_H

#include "proto/base/json.h"
#include "relay/guard/core/state.h"

enum {
	PAGE_ROWS_MAX = 1000,
	PAGE_BODY_MAX = 1 << 20, /* a page ends at the row that passes it */
};

struct admin_page {
	struct json_writer w;
	struct span after; /* empty: from the beginning */
	size_t limit;
	size_t rows;
};

/* Reads `limit` and, where `names` (NULL-terminated: all that are allowed)
 * has it, `after`; begins the answer with the array `noun`. */
struct err admin_page_begin(struct job *job, const char *const *names,
			    const char *noun, struct admin_page *out);
/* True when no further row may be written. */
bool admin_page_full(const struct job *job, const struct admin_page *page);
/* Ends the array; `next` is empty at the end of the list. */
struct err admin_page_end(struct job *job, struct admin_page *page,
			  struct span next);
/* The same where the array is ended, and further members written. */
struct err admin_page_close(struct job *job, struct admin_page *page,
			    struct span next);

#endif
