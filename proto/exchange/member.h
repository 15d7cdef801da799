/*
 * Members that several requests and answers have: lists of digests, texts and
 * blobs that must outlive the parsed JSON.
 */
#ifndef PROTO_EXCHANGE_MEMBER_H
#define PROTO_EXCHANGE_MEMBER_H

#include "proto/base/json.h"

/* Parses `body` as one object with no other members than `names`, a
 * NULL-terminated list.  Owns: json_free, also after an error. */
struct err member_open(struct span body, size_t max, const char *const *names,
		       struct json **out);
/* A string, copied to the arena; ERR_MALFORMED beyond `max` bytes. */
struct err member_text(const struct json *object, const char *name, size_t max,
		       struct arena *arena, struct span *out);
/* base64url, ERR_MALFORMED beyond `max` bytes. */
struct err member_blob(const struct json *object, const char *name, size_t max,
		       struct arena *arena, struct span *out);
/* The same where the member may be missing. */
struct err member_blob_maybe(const struct json *object, const char *name,
			     size_t max, struct arena *arena, bool *has,
			     struct span *out);
/* An array of such blobs, at most `count_max`. */
struct err member_blobs(const struct json *object, const char *name,
			size_t count_max, size_t blob_max, struct arena *arena,
			struct span *out, size_t *count);
void member_blobs_write(struct json_writer *w, const char *name,
			const struct span *list, size_t count);
/* An array, at most `max` long. */
struct err member_array(const struct json *object, const char *name, size_t max,
			const struct json **out, size_t *count);
/* An array of digests. */
struct err member_digests(const struct json *object, const char *name,
			  size_t max, struct arena *arena,
			  const struct digest **out, size_t *count);
void member_digests_write(struct json_writer *w, const char *name,
			  const struct digest *list, size_t count);
/* A dot's text: "GBR.1:5". */
struct dot;
void member_dot_write(struct json_writer *w, const char *name,
		      const struct dot *dot);
struct err member_dot(const struct json *object, const char *name,
		      struct dot *out);
/* A key id, base64url. */
struct err member_key_id(const struct json *object, const char *name,
			 struct key_id *out);

#endif
