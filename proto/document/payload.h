/*
 * The payload of a manifest or statement, read as what it must be: one JSON
 * object in its RFC 8785 form, with every member known and in its place.
 *
 * A reader that expects each byte needs no parser, and what it accepts is
 * canonical by construction.  Only `ext`, whose members are free, goes
 * through JSON.  After a failure `e` stays and every read gives zero.
 */
#ifndef PROTO_DOCUMENT_PAYLOAD_H
#define PROTO_DOCUMENT_PAYLOAD_H

#include "proto/base/arena.h"
#include "proto/base/json.h"

struct payload {
	struct span left;
	struct arena *arena;
	struct err e;
};

/* `text` must outlive what is read; lists and bytes live in `arena`. */
struct payload payload_read(struct span text, struct arena *arena);
/* ERR_MALFORMED unless everything was read; else the first failure. */
struct err payload_end(struct payload *p);
/* Note a failure, unless there is one already. */
void payload_fail(struct payload *p, enum err_code code, const char *detail);

/* Exactly these bytes come next. */
void payload_expect(struct payload *p, const char *text);
/* True, and consumed, if these bytes come next. */
bool payload_accept(struct payload *p, const char *text);

/* Values. */
uint64_t payload_u64(struct payload *p); /* 0 to 2^53-1 */
/* The text of a string of base64url, or of letters, digits and "-._/": never
 * with an escape.  Borrowed from the text. */
struct span payload_plain(struct payload *p);
void payload_fixed(struct payload *p, void *out, size_t len);
/* At most `max` bytes, in the arena. */
struct span payload_bytes(struct payload *p, size_t max);
struct doc_id payload_doc_id(struct payload *p);
struct nation payload_nation(struct payload *p);
struct digest payload_digest(struct payload *p);
/* At most `max`, in the arena; sorted strictly ascending if asked, else
 * merely different from each other. */
const struct digest *payload_digests(struct payload *p, size_t max, bool sorted,
				     size_t *count);
/* An object of any members, of at most `max` bytes, canonical; borrowed.
 * `must_understand` tells if a name begins with '!'. */
struct span payload_ext(struct payload *p, size_t max, bool *must_understand);

/* Writing: a list of digests. */
void payload_put_digests(struct json_writer *w, const char *name,
			 const struct digest *list, size_t count);

#endif
