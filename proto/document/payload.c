/* Reading canonical payloads byte by byte (RFC 8785). */
#include "proto/document/payload.h"

#include "proto/base/base64.h"

struct payload payload_read(struct span text, struct arena *arena)
{
	return (struct payload){text, arena, ERR_NONE};
}

void payload_fail(struct payload *p, enum err_code code, const char *detail)
{
	if (!failed(p->e))
		p->e = err_make(code, detail);
	p->left.len = 0;
}

struct err payload_end(struct payload *p)
{
	if (p->left.len)
		payload_fail(p, ERR_MALFORMED, "bytes after the payload");
	return p->e;
}

static void skip(struct payload *p, size_t n)
{
	p->left = span_of(p->left.at + n, p->left.len - n);
}

bool payload_accept(struct payload *p, const char *text)
{
	size_t n = strlen(text);

	if (p->left.len < n || memcmp(p->left.at, text, n) != 0)
		return false;
	skip(p, n);
	return true;
}

void payload_expect(struct payload *p, const char *text)
{
	if (!payload_accept(p, text))
		payload_fail(p, ERR_MALFORMED,
			     "payload member missing, unknown, out of place "
			     "or not canonical");
}

uint64_t payload_u64(struct payload *p)
{
	uint64_t v = 0;
	size_t n = 0;

	while (n < p->left.len && p->left.at[n] >= '0' &&
	       p->left.at[n] <= '9') {
		v = v * 10 + (p->left.at[n] - '0');
		if (v > JSON_INTEGER_MAX) {
			payload_fail(p, ERR_MALFORMED, "number beyond 2^53-1");
			return 0;
		}
		n++;
	}
	if (n == 0 || (n > 1 && p->left.at[0] == '0')) {
		payload_fail(p, ERR_MALFORMED, "no canonical number");
		return 0;
	}
	skip(p, n);
	return v;
}

/* Letters, digits and "-._/": a table, for this is asked of most bytes. */
static const bool plain[256] = {
	['-' ... '9'] = true,
	['A' ... 'Z'] = true,
	['_'] = true,
	['a' ... 'z'] = true,
};

struct span payload_plain(struct payload *p)
{
	struct span text = {NULL, 0};
	size_t n = 0;

	payload_expect(p, "\"");
	while (n < p->left.len && plain[p->left.at[n]])
		n++;
	if (n < p->left.len && p->left.at[n] == '"') {
		text = span_of(p->left.at, n);
		skip(p, n + 1);
	} else {
		payload_fail(p, ERR_MALFORMED, "no plain string");
	}
	return text;
}

void payload_fixed(struct payload *p, void *out, size_t len)
{
	struct span text = payload_plain(p);
	struct err e;

	memset(out, 0, len);
	if (failed(p->e))
		return;
	e = base64url_decode_fixed(text, out, len);
	if (failed(e))
		payload_fail(p, e.code, e.detail);
}

struct span payload_bytes(struct payload *p, size_t max)
{
	struct span text = payload_plain(p);
	size_t len = text.len / 4 * 3 + (text.len % 4 ? text.len % 4 - 1 : 0);
	uint8_t *at;
	struct err e;

	if (failed(p->e) || len == 0) {
		if (text.len)
			payload_fail(p, ERR_MALFORMED, "no base64url");
		return span_of(NULL, 0);
	}
	if (len > max) {
		payload_fail(p, ERR_TOO_LARGE, "payload bytes beyond the cap");
		return span_of(NULL, 0);
	}
	at = arena_alloc(p->arena, len);
	if (!at) {
		payload_fail(p, ERR_TOO_LARGE, "arena full");
		return span_of(NULL, 0);
	}
	e = base64url_decode_fixed(text, at, len);
	if (failed(e))
		payload_fail(p, e.code, e.detail);
	return failed(e) ? span_of(NULL, 0) : span_of(at, len);
}

struct doc_id payload_doc_id(struct payload *p)
{
	struct doc_id id = {0};
	struct span text = payload_plain(p);

	if (!failed(p->e) && failed(doc_id_parse(text, &id)))
		payload_fail(p, ERR_MALFORMED, "no document id");
	return id;
}

struct nation payload_nation(struct payload *p)
{
	struct nation n = {0};
	struct span text = payload_plain(p);

	if (!failed(p->e) && failed(nation_parse(text, &n)))
		payload_fail(p, ERR_MALFORMED, "no nation");
	return n;
}

struct digest payload_digest(struct payload *p)
{
	struct digest d;

	payload_fixed(p, d.at, sizeof(d.at));
	return d;
}

/* Whether the last of `list` may follow those before it. */
static bool follows(const struct digest *list, size_t count, bool sorted)
{
	if (sorted)
		return count < 2 ||
		       digest_cmp(list[count - 2], list[count - 1]) < 0;
	for (size_t i = 0; i + 1 < count; i++)
		if (digest_eq(list[i], list[count - 1]))
			return false;
	return true;
}

const struct digest *payload_digests(struct payload *p, size_t max, bool sorted,
				     size_t *count)
{
	struct digest *list;
	size_t n = 0, room = 0;

	*count = 0;
	payload_expect(p, "[");
	if (failed(p->e) || payload_accept(p, "]"))
		return NULL;
	/* 43 characters, two quotes and a comma each. */
	while (room < max && (room + 1) * (DIGEST_TEXT_LEN + 3) <= p->left.len)
		room++;
	list = arena_array(p->arena, room, sizeof(*list));
	if (room && !list)
		payload_fail(p, ERR_TOO_LARGE, "arena full");
	while (!failed(p->e)) {
		if (n == room) {
			payload_fail(p, ERR_MALFORMED, "list beyond its cap");
			break;
		}
		list[n++] = payload_digest(p);
		if (failed(p->e))
			break;
		if (!follows(list, n, sorted)) {
			payload_fail(p, ERR_MALFORMED,
				     "list unsorted or with a repetition");
			break;
		}
		if (payload_accept(p, "]"))
			break;
		payload_expect(p, ",");
	}
	if (failed(p->e))
		return NULL;
	*count = n;
	return list;
}

/* The length of the object at the front, by brackets outside strings; 0 if it
 * does not end. */
static size_t object_len(struct span text)
{
	size_t depth = 0;
	bool quoted = false;

	for (size_t i = 0; i < text.len; i++) {
		uint8_t c = text.at[i];

		if (quoted) {
			if (c == '\\')
				i++;
			else if (c == '"')
				quoted = false;
		} else if (c == '"') {
			quoted = true;
		} else if (c == '{') {
			depth++;
		} else if (c == '}' && --depth == 0) {
			return i + 1;
		}
	}
	return 0;
}

/* ERR_MALFORMED unless `text` is canonical; notes names with '!'. */
static struct err ext_check(struct span text, bool *must_understand)
{
	struct json *object = NULL;
	const struct json *value;
	const char *name;
	struct buf again;
	struct err e;

	buf_init(&again, text.len + 1);
	e = json_parse(text, &object);
	if (failed(e))
		goto out;
	e = json_canonical(object, &again);
	if (!failed(e))
		e = buf_check(&again);
	if (failed(e) || !span_eq(buf_span(&again), text)) {
		e = err_make(ERR_MALFORMED, "ext is not canonical");
		goto out;
	}
	for (size_t i = 0; json_member(object, i, &name, &value); i++)
		if (name[0] == '!')
			*must_understand = true;
out:
	buf_clear(&again);
	json_free(object);
	return e;
}

struct span payload_ext(struct payload *p, size_t max, bool *must_understand)
{
	struct span text = {NULL, 0};
	struct err e;

	*must_understand = false;
	if (failed(p->e))
		return text;
	if (p->left.len && p->left.at[0] == '{')
		text = span_of(p->left.at, object_len(p->left));
	if (text.len == 0) {
		payload_fail(p, ERR_MALFORMED, "ext is no object");
		return text;
	}
	if (text.len > max) {
		payload_fail(p, ERR_TOO_LARGE, "ext beyond its cap");
		return text;
	}
	if (text.len > 2) {
		e = ext_check(text, must_understand);
		if (failed(e)) {
			payload_fail(p, e.code, e.detail);
			return text;
		}
	}
	skip(p, text.len);
	return text;
}

void payload_put_digests(struct json_writer *w, const char *name,
			 const struct digest *list, size_t count)
{
	json_put_name(w, name);
	json_open_array(w);
	for (size_t i = 0; i < count; i++)
		json_put_bytes(w, SPAN_OBJ(list[i].at));
	json_close_array(w);
}
