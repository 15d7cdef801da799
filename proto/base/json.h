/*
 * JSON (RFC 8259) as Entente uses it: UTF-8, no duplicate members, numbers
 * are integers of 0 to 2^53-1, binary is base64url without padding, times are
 * UTC seconds.  Reading goes through jansson; canonical writing is RFC 8785.
 */
#ifndef PROTO_BASE_JSON_H
#define PROTO_BASE_JSON_H

#include "proto/base/arena.h"
#include "proto/base/buf.h"
#include "proto/base/id.h"

#define JSON_INTEGER_MAX ((UINT64_C(1) << 53) - 1)
enum { JSON_DEPTH_MAX = 32 };

/* A parsed value.  Values inside it are borrowed and live as long as it. */
struct json;

/*
 * Parse one whole JSON text.  Owns: release with json_free.  ERR_MALFORMED
 * for anything else than one value of the form above (a fraction, a negative
 * or too large number, a duplicate member, a NUL, trailing bytes).
 */
struct err json_parse(struct span text, struct json **out);
void json_free(struct json *j);

/*
 * Typed members of an object.  Each is ERR_MALFORMED if `object` is no
 * object, or the member is missing or of another type.  Strings are borrowed
 * from the parsed value.
 */
struct err json_get_string(const struct json *object, const char *name,
			   struct span *out);
struct err json_get_u64(const struct json *object, const char *name,
			uint64_t *out);
struct err json_get_bool(const struct json *object, const char *name,
			 bool *out);
struct err json_get_object(const struct json *object, const char *name,
			   const struct json **out);
struct err json_get_array(const struct json *object, const char *name,
			  const struct json **out);
/* A base64url string of exactly `len` bytes. */
struct err json_get_fixed(const struct json *object, const char *name,
			  void *out, size_t len);
/* A base64url string of any length; the bytes live in `arena`. */
struct err json_get_bytes(const struct json *object, const char *name,
			  struct arena *arena, struct span *out);
struct err json_get_digest(const struct json *object, const char *name,
			   struct digest *out);
struct err json_get_doc_id(const struct json *object, const char *name,
			   struct doc_id *out);
struct err json_get_nation(const struct json *object, const char *name,
			   struct nation *out);

/* True if the object has a member of that name. */
bool json_has(const struct json *object, const char *name);

/* ERR_MALFORMED unless every member of the object is among `names`, a
 * NULL-terminated list. */
struct err json_only(const struct json *object, const char *const *names);

/* Arrays: length (0 for what is no array), and the i-th value or NULL. */
size_t json_count(const struct json *array);
const struct json *json_at(const struct json *array, size_t i);

/* Members in no particular order: the i-th name and value, or false. */
bool json_member(const struct json *object, size_t i, const char **name,
		 const struct json **value);

/* A value as itself; ERR_MALFORMED if it is of another type. */
struct err json_as_string(const struct json *value, struct span *out);
struct err json_as_u64(const struct json *value, uint64_t *out);
struct err json_as_digest(const struct json *value, struct digest *out);
/* base64url of any length; the bytes live in `arena`. */
struct err json_as_bytes(const struct json *value, struct arena *arena,
			 struct span *out);

/* Appends the RFC 8785 form. */
struct err json_canonical(const struct json *value, struct buf *out);

/*
 * Writing: values in the order they are written, no white space.  Whoever
 * signs JSON writes members in the order of RFC 8785 (UTF-16 code units).
 * The writer puts commas; failures show in buf_check of the buffer.
 */
struct json_writer {
	struct buf *out;
	bool comma;
};

struct json_writer json_write(struct buf *out);
void json_open_object(struct json_writer *w);
void json_close_object(struct json_writer *w);
void json_open_array(struct json_writer *w);
void json_close_array(struct json_writer *w);
/* The name of the next value. */
void json_put_name(struct json_writer *w, const char *name);
void json_put_string(struct json_writer *w, struct span text);
void json_put_u64(struct json_writer *w, uint64_t v);
void json_put_bool(struct json_writer *w, bool v);
void json_put_null(struct json_writer *w);
/* Binary as base64url. */
void json_put_bytes(struct json_writer *w, struct span bytes);
/* A JSON text as it stands. */
void json_put_raw(struct json_writer *w, struct span text);
/* Name and value at once. */
void json_member_string(struct json_writer *w, const char *name,
			struct span text);
void json_member_str(struct json_writer *w, const char *name, const char *text);
void json_member_u64(struct json_writer *w, const char *name, uint64_t v);
void json_member_bool(struct json_writer *w, const char *name, bool v);
void json_member_bytes(struct json_writer *w, const char *name,
		       struct span bytes);
void json_member_digest(struct json_writer *w, const char *name,
			struct digest d);
void json_member_key_id(struct json_writer *w, const char *name,
			struct key_id k);
void json_member_doc_id(struct json_writer *w, const char *name,
			struct doc_id id);
void json_member_nation(struct json_writer *w, const char *name,
			struct nation n);
void json_member_replica(struct json_writer *w, const char *name,
			 struct replica r);

#endif
