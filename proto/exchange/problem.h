/*
 * Problem documents (RFC 9457), made from the table of err.h.
 *
 * {"type":"/problems/<name>","title":...,"status":...,"detail":...,
 *  "mend":...,"reference":...} and further members.  `detail` is left out
 * where it could tell apart what must answer alike (not released and not
 * found), and for faults of ours, where it is for the log alone.
 */
#ifndef PROTO_EXCHANGE_PROBLEM_H
#define PROTO_EXCHANGE_PROBLEM_H

#include "proto/base/arena.h"
#include "proto/base/buf.h"

#define PROBLEM_MEDIA_TYPE "application/problem+json"

enum { PROBLEM_MAX = 64 * 1024 }; /* of a document that is read */

/* The status that `e` answers with. */
int problem_status(struct err e);

/*
 * Appends the document of `e`.  `reference` (text, may be empty) and
 * `members` (raw JSON members, `"heads":[...],"n":1`, without braces; may be
 * empty) are added as they stand.  Failures show in buf_check.
 */
void problem_format(struct err e, struct span reference, struct span members,
		    struct buf *out);

/* The document of ERR_NO_MEMORY without a reference: what can be answered
 * where there is no memory for any. */
extern const char problem_no_memory[];

/* A document read by a client; texts live in the arena, "" where missing. */
struct problem {
	enum err_code code; /* by type; ERR_INTERNAL if unknown here */
	int status;
	const char *name; /* of the type: "busy" */
	const char *title, *detail, *mend, *reference;
};

/*
 * `status` is that of the response; it counts where the document lacks one.
 * ERR_MALFORMED if it is no problem document.  Further members: parse the
 * body with json.h.
 */
struct err problem_parse(struct span body, int status, struct arena *arena,
			 struct problem *out);

/* The error of a response that is no success: of its problem document, else
 * by its status. `detail` is the row's title, static. */
struct err problem_error(struct span body, int status);

#endif
