/* Requests: methods, targets, fields, paths and queries. */
#include "proto/base/base64.h"
#include "proto/exchange/http.h"

static const char *const methods[] = {
	[HTTP_GET] = "GET", [HTTP_HEAD] = "HEAD",   [HTTP_POST] = "POST",
	[HTTP_PUT] = "PUT", [HTTP_PATCH] = "PATCH", [HTTP_DELETE] = "DELETE",
	[HTTP_OTHER] = "",
};

enum http_method http_method_parse(struct span text)
{
	/* Methods are case-sensitive (RFC 9110 s.9.1). */
	for (int m = HTTP_GET; m < HTTP_OTHER; m++)
		if (span_eq_str(text, methods[m]))
			return (enum http_method)m;
	return HTTP_OTHER;
}

const char *http_method_text(enum http_method m)
{
	return (unsigned)m < HTTP_OTHER ? methods[m] : "";
}

static int hex_value(uint8_t c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

/* The byte of %XX at `i`, or -1. */
static int percent_value(struct span s, size_t i)
{
	int hi, lo;

	if (s.len - i < 3)
		return -1;
	hi = hex_value(s.at[i + 1]);
	lo = hex_value(s.at[i + 2]);
	return hi < 0 || lo < 0 ? -1 : hi << 4 | lo;
}

struct err http_target_split(struct span target, struct span *path,
			     struct span *query)
{
	const uint8_t *mark;
	size_t len;

	if (!target.len || target.at[0] != '/')
		return err_make(ERR_MALFORMED, "a target begins with '/'");
	for (size_t i = 0; i < target.len; i++) {
		uint8_t c = target.at[i];

		if (c <= ' ' || c >= 0x7f || c == '#' ||
		    (c == '%' && percent_value(target, i) < 0))
			return err_make(ERR_MALFORMED,
					"a letter that no target has");
	}
	mark = memchr(target.at, '?', target.len);
	len = mark ? (size_t)(mark - target.at) : target.len;
	*path = span_sub(target, 0, len);
	*query =
		mark ? span_sub(target, len + 1, target.len) : span_of(NULL, 0);
	return ERR_NONE;
}

/* ---- fields ---- */

size_t http_field_count(struct http_fields fields, const char *name)
{
	size_t n = 0;

	for (size_t i = 0; i < fields.count; i++)
		n += span_eq_str(fields.at[i].name, name);
	return n;
}

bool http_field_get(struct http_fields fields, const char *name,
		    struct span *value)
{
	if (http_field_count(fields, name) != 1)
		return false;
	for (size_t i = 0; i < fields.count; i++)
		if (span_eq_str(fields.at[i].name, name))
			*value = fields.at[i].value;
	return true;
}

struct err http_field_one(struct http_fields fields, const char *name,
			  struct span *value, bool *present)
{
	size_t n = http_field_count(fields, name);

	if (n > 1)
		return err_make(ERR_MALFORMED, "a field that comes once");
	*present = n == 1;
	*value = span_of(NULL, 0);
	if (n)
		http_field_get(fields, name, value);
	return ERR_NONE;
}

static uint8_t lower(uint8_t c)
{
	return c >= 'A' && c <= 'Z' ? (uint8_t)(c + 32) : c;
}

bool http_media_is(struct span value, const char *type)
{
	size_t len = strlen(type);

	if (value.len < len)
		return false;
	for (size_t i = 0; i < len; i++)
		if (lower(value.at[i]) != lower((uint8_t)type[i]))
			return false;
	return value.len == len || value.at[len] == ';' ||
	       value.at[len] == ' ' || value.at[len] == '\t';
}

struct err http_u64_parse(struct span text, uint64_t *out)
{
	uint64_t v = 0;

	if (!text.len || text.len > 19)
		return err_make(ERR_MALFORMED, "no decimal number");
	for (size_t i = 0; i < text.len; i++) {
		if (text.at[i] < '0' || text.at[i] > '9')
			return err_make(ERR_MALFORMED, "no decimal number");
		v = v * 10 + (uint64_t)(text.at[i] - '0');
	}
	if (v >> 63)
		return err_make(ERR_MALFORMED, "a number too large");
	*out = v;
	return ERR_NONE;
}

/* ---- path and query ---- */

/* Percent-decoded, in the arena; no control characters, which no name or
 * value of ours has. */
static struct err percent_decode(struct span text, struct arena *arena,
				 struct span *out)
{
	uint8_t *at = arena_alloc(arena, text.len);
	size_t n = 0;

	if (!at)
		return err_make(ERR_TOO_LARGE, "a target too large");
	for (size_t i = 0; i < text.len; i++) {
		int c = text.at[i];

		if (c == '%') {
			c = percent_value(text, i);
			i += 2;
		}
		if (c < ' ' || c == 0x7f)
			return err_make(ERR_MALFORMED,
					"a control character in a target");
		at[n++] = (uint8_t)c;
	}
	*out = span_of(at, n);
	return ERR_NONE;
}

/* The part up to `mark`, which is dropped from `rest` with it. */
static struct span take_until(struct span *rest, char mark)
{
	const uint8_t *end =
		rest->len ? memchr(rest->at, mark, rest->len) : NULL;
	size_t len = end ? (size_t)(end - rest->at) : rest->len;
	struct span part = span_sub(*rest, 0, len);

	*rest = span_sub(*rest, end ? len + 1 : len, rest->len);
	return part;
}

struct err http_path_parse(struct span path, struct arena *arena,
			   struct http_path *out)
{
	struct span rest = span_sub(path, 1, path.len);
	struct http_path p = {0};
	bool more = true;

	if (!path.len || path.at[0] != '/')
		return err_make(ERR_MALFORMED, "a path begins with '/'");
	while (path.len > 1 && more) {
		struct span *segment = &p.at[p.count];
		struct err e;

		if (p.count == HTTP_SEGMENTS_MAX)
			return err_make(ERR_MALFORMED, "a path too deep");
		more = rest.len && memchr(rest.at, '/', rest.len);
		e = percent_decode(take_until(&rest, '/'), arena, segment);
		if (failed(e))
			return e;
		if (!segment->len || span_eq_str(*segment, ".") ||
		    span_eq_str(*segment, ".."))
			return err_make(ERR_MALFORMED,
					"a path segment that leads elsewhere");
		p.count++;
	}
	*out = p;
	return ERR_NONE;
}

static const struct http_param *query_find(const struct http_query *q,
					   struct span name)
{
	for (size_t i = 0; i < q->count; i++)
		if (span_eq(q->at[i].name, name))
			return &q->at[i];
	return NULL;
}

struct err http_query_parse(struct span query, struct arena *arena,
			    struct http_query *out)
{
	struct http_query q = {0};

	while (query.len) {
		struct span value = take_until(&query, '&');
		struct span name = take_until(&value, '=');
		struct http_param *p = &q.at[q.count];
		struct err e;

		if (q.count == HTTP_PARAMS_MAX)
			return err_make(ERR_MALFORMED, "too many parameters");
		e = percent_decode(name, arena, &p->name);
		if (!failed(e))
			e = percent_decode(value, arena, &p->value);
		if (failed(e))
			return e;
		if (!p->name.len || query_find(&q, p->name))
			return err_make(ERR_MALFORMED,
					"a parameter twice, or without name");
		q.count++;
	}
	*out = q;
	return ERR_NONE;
}

void http_percent_encode(struct span text, struct buf *out)
{
	for (size_t i = 0; i < text.len; i++) {
		uint8_t c = text.at[i];

		/* RFC 3986 s.2.3 */
		if ((c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
		    (c >= '0' && c <= '9') || c == '-' || c == '.' ||
		    c == '_' || c == '~')
			buf_put_u8(out, c);
		else
			buf_printf(out, "%%%02X", c);
	}
}

void http_query_put(struct buf *out, bool *first, const char *name,
		    struct span value)
{
	buf_put_u8(out, *first ? '?' : '&');
	*first = false;
	http_percent_encode(span_str(name), out);
	buf_put_u8(out, '=');
	http_percent_encode(value, out);
}

struct err http_query_only(const struct http_query *q, const char *const *names)
{
	for (size_t i = 0; i < q->count; i++) {
		const char *const *n = names;

		while (*n && !span_eq_str(q->at[i].name, *n))
			n++;
		if (!*n)
			return err_make(ERR_USAGE, "a parameter unknown here");
	}
	return ERR_NONE;
}

bool http_query_has(const struct http_query *q, const char *name)
{
	return query_find(q, span_str(name)) != NULL;
}

struct err http_query_string(const struct http_query *q, const char *name,
			     struct span *out)
{
	const struct http_param *p = query_find(q, span_str(name));

	if (!p)
		return err_make(ERR_USAGE, "a parameter is missing");
	*out = p->value;
	return ERR_NONE;
}

/* What a value's parser says, as a fault of usage. */
static struct err usage(struct err e)
{
	return failed(e) ? err_make(ERR_USAGE, e.detail) : e;
}

struct err http_query_u64(const struct http_query *q, const char *name,
			  uint64_t *out)
{
	struct span text;
	struct err e = http_query_string(q, name, &text);

	return failed(e) ? e : usage(http_u64_parse(text, out));
}

struct err http_query_bool(const struct http_query *q, const char *name,
			   bool *out)
{
	struct span text;
	struct err e = http_query_string(q, name, &text);

	if (failed(e))
		return e;
	if (!text.len || span_eq_str(text, "1") || span_eq_str(text, "true"))
		*out = true;
	else if (span_eq_str(text, "0") || span_eq_str(text, "false"))
		*out = false;
	else
		return err_make(ERR_USAGE, "a parameter is neither yes nor no");
	return ERR_NONE;
}

struct err http_query_fixed(const struct http_query *q, const char *name,
			    void *out, size_t len)
{
	struct span text;
	struct err e = http_query_string(q, name, &text);

	return failed(e) ? e : usage(base64url_decode_fixed(text, out, len));
}

struct err http_query_digest(const struct http_query *q, const char *name,
			     struct digest *out)
{
	return http_query_fixed(q, name, out->at, DIGEST_LEN);
}

struct err http_query_doc_id(const struct http_query *q, const char *name,
			     struct doc_id *out)
{
	struct span text;
	struct err e = http_query_string(q, name, &text);

	return failed(e) ? e : usage(doc_id_parse(text, out));
}

struct err http_query_nation(const struct http_query *q, const char *name,
			     struct nation *out)
{
	struct span text;
	struct err e = http_query_string(q, name, &text);

	return failed(e) ? e : usage(nation_parse(text, out));
}
