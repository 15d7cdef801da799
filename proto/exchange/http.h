/*
 * HTTP semantics as values: requests, responses, and the fields that Entente
 * uses (RFC 9110, RFC 3986, RFC 9530).  No framing: that is proto/wire/h2.
 *
 * Everything borrows; what is decoded lives in the arena handed in.  Parsers
 * are strict: what is not of the form is ERR_MALFORMED.
 */
#ifndef PROTO_EXCHANGE_HTTP_H
#define PROTO_EXCHANGE_HTTP_H

#include "proto/base/arena.h"
#include "proto/base/buf.h"
#include "proto/base/id.h"

enum http_method {
	HTTP_GET,
	HTTP_HEAD,
	HTTP_POST,
	HTTP_PUT,
	HTTP_PATCH,
	HTTP_DELETE,
	HTTP_OTHER, /* answered 405 */
};

/* A header field; the name in lower case. */
struct http_field {
	struct span name, value;
};

struct http_fields {
	const struct http_field *at;
	size_t count;
};

struct http_request {
	enum http_method method;
	struct span authority;
	struct span path;  /* as sent, without query, percent-encoded */
	struct span query; /* as sent, without '?'; empty if there is none */
	struct http_fields fields;
	struct span body; /* whole, where it was gathered; else empty */
};

struct http_response {
	int status;
	struct http_fields fields;
	struct span body;
};

enum http_method http_method_parse(struct span text);
/* "GET"; "" for HTTP_OTHER. */
const char *http_method_text(enum http_method m);

/* Splits `target` (:path) at its first '?'. ERR_MALFORMED unless it begins
 * with '/' and is printable ASCII without '#' and with whole %XX. */
struct err http_target_split(struct span target, struct span *path,
			     struct span *query);

/* ---- fields ---- */

/* The value of the one field `name` (lower case); false if there is none or
 * more than one. */
bool http_field_get(struct http_fields fields, const char *name,
		    struct span *value);
/* How many fields have that name. */
size_t http_field_count(struct http_fields fields, const char *name);
/* As http_field_get; an empty span if there is none. ERR_MALFORMED if there
 * is more than one. */
struct err http_field_one(struct http_fields fields, const char *name,
			  struct span *value, bool *present);

/* True if a Content-Type names `type` ("application/json"), whatever its
 * parameters. */
bool http_media_is(struct span value, const char *type);
/* Decimal, below 2^63. */
struct err http_u64_parse(struct span text, uint64_t *out);

/* ---- path and query ---- */

enum { HTTP_SEGMENTS_MAX = 12, HTTP_PARAMS_MAX = 16 };

/* Segments, percent-decoded after the split, so that "GBR%2Fops" is one
 * segment. */
struct http_path {
	struct span at[HTTP_SEGMENTS_MAX];
	size_t count;
};

/* ERR_MALFORMED for an empty segment (but a lone "/" has none), "." or "..",
 * a NUL or control character, or too many. */
struct err http_path_parse(struct span path, struct arena *arena,
			   struct http_path *out);

struct http_param {
	struct span name, value;
};

/* name=value joined by '&', percent-decoded; '+' is a plus sign, not a blank
 * (RFC 3986, not HTML forms). Each name once. */
struct http_query {
	struct http_param at[HTTP_PARAMS_MAX];
	size_t count;
};

struct err http_query_parse(struct span query, struct arena *arena,
			    struct http_query *out);
/* Appends name=value with '?' or '&' before it; encodes all but unreserved
 * characters. `first` is set to false. */
void http_query_put(struct buf *out, bool *first, const char *name,
		    struct span value);
/* Appends `text` percent-encoded, as one segment or value. */
void http_percent_encode(struct span text, struct buf *out);

/* ERR_USAGE unless every parameter is among `names`, NULL-terminated. */
struct err http_query_only(const struct http_query *q,
			   const char *const *names);
bool http_query_has(const struct http_query *q, const char *name);
/* Each is ERR_USAGE if the parameter is missing or not of the type. */
struct err http_query_string(const struct http_query *q, const char *name,
			     struct span *out);
struct err http_query_u64(const struct http_query *q, const char *name,
			  uint64_t *out);
/* "1", "true", or no value: true; "0", "false": false. */
struct err http_query_bool(const struct http_query *q, const char *name,
			   bool *out);
/* base64url of exactly `len` bytes. */
struct err http_query_fixed(const struct http_query *q, const char *name,
			    void *out, size_t len);
struct err http_query_digest(const struct http_query *q, const char *name,
			     struct digest *out);
struct err http_query_doc_id(const struct http_query *q, const char *name,
			     struct doc_id *out);
struct err http_query_nation(const struct http_query *q, const char *name,
			     struct nation *out);

/* ---- entity tags and preconditions (RFC 9110 s.8.8.3, s.13.1) ---- */

enum { HTTP_ETAGS_MAX = 16, HTTP_ETAG_TEXT_LEN = DIGEST_TEXT_LEN + 2 };

/* A list of strong tags, each the base64url of a digest in quotes, or `*`. */
struct http_etags {
	bool any; /* `*` */
	struct digest at[HTTP_ETAGS_MAX];
	size_t count;
};

/* ERR_MALFORMED for weak tags and for tags that are no digest. */
struct err http_etags_parse(struct span value, struct http_etags *out);
bool http_etags_have(const struct http_etags *tags, struct digest digest);
/* The quoted tag and a NUL. */
void http_etag_format(struct digest digest, char out[HTTP_ETAG_TEXT_LEN + 1]);

enum http_precondition_kind {
	HTTP_UNCONDITIONAL,
	HTTP_CREATE,	/* If-None-Match: * */
	HTTP_MATCH_ANY, /* If-Match: * */
	HTTP_MATCH,	/* If-Match: tags */
};

struct http_precondition {
	enum http_precondition_kind kind;
	struct http_etags tags; /* of HTTP_MATCH */
};

/* The precondition of a write. ERR_MALFORMED if both fields are there, or
 * If-None-Match is not `*`. */
struct err http_precondition_parse(struct http_fields fields,
				   struct http_precondition *out);

/* ---- ranges (RFC 9110 s.14) ---- */

enum { HTTP_RANGES_MAX = 8 };

/* `len` bytes from `from`; len is at least 1. */
struct http_range {
	uint64_t from, len;
};

/*
 * "bytes=0-499,1000-,-500" against a content of `total` bytes; ranges that
 * cannot be satisfied are left out.  A server may serve the first only, or
 * the whole content (RFC 9110 s.14.2): ours serve one range, and the whole
 * content when several are asked for.  ERR_RANGE if none can be satisfied:
 * 416.  ERR_MALFORMED (also for more than HTTP_RANGES_MAX): ignore the field
 * and serve the whole content.
 */
struct err http_range_parse(struct span value, uint64_t total,
			    struct http_range out[HTTP_RANGES_MAX],
			    size_t *count);
/* "bytes=0-499" */
void http_range_format(struct http_range range, struct buf *out);
/* "bytes 0-499/1234" */
void http_content_range_format(struct http_range range, uint64_t total,
			       struct buf *out);
/* The same, read back; the total must be given. */
struct err http_content_range_parse(struct span value, struct http_range *range,
				    uint64_t *total);

/* ---- Content-Digest (RFC 9530) ---- */

/* sha-256=:...: */
void http_digest_format(struct digest digest, struct buf *out);
/* The sha-256 of a Content-Digest; other algorithms beside it are passed
 * over, none is ERR_UNSUPPORTED. */
struct err http_digest_parse(struct span value, struct digest *out);
/* ERR_DIGEST unless the field's sha-256 is that of `body`. */
struct err http_digest_check(struct span value, struct span body);

/* ---- others ---- */

/* Retry-After in seconds (RFC 9110 s.10.2.3); the date form is
 * ERR_UNSUPPORTED. */
struct err http_retry_after_parse(struct span value, uint32_t *seconds);

/* Accept-Language (RFC 9110 s.12.5.4, basic filtering of RFC 4647): the index
 * in `have` of what is liked best; 0, the default, if nothing is. */
size_t http_language_pick(struct span value, const char *const *have,
			  size_t count);

#endif
