/* Values of fields: entity tags, ranges, digests, times, languages. */
#include "proto/base/base64.h"
#include "proto/crypto/crypto.h"
#include "proto/exchange/http.h"

enum { SHA256_BASE64_LEN = 44, LANGUAGES_MAX = 32 };

static struct span trim(struct span s)
{
	while (s.len && (s.at[0] == ' ' || s.at[0] == '\t'))
		s = span_sub(s, 1, s.len);
	while (s.len && (s.at[s.len - 1] == ' ' || s.at[s.len - 1] == '\t'))
		s.len--;
	return s;
}

/* The next member of a list, trimmed; drops it and its comma. */
static struct span take_member(struct span *rest)
{
	const uint8_t *end =
		rest->len ? memchr(rest->at, ',', rest->len) : NULL;
	size_t len = end ? (size_t)(end - rest->at) : rest->len;
	struct span part = span_sub(*rest, 0, len);

	*rest = span_sub(*rest, end ? len + 1 : len, rest->len);
	return trim(part);
}

static bool starts(struct span s, const char *with)
{
	return span_eq_str(span_sub(s, 0, strlen(with)), with);
}

/* ---- entity tags ---- */

struct err http_etags_parse(struct span value, struct http_etags *out)
{
	struct http_etags tags = {0};

	value = trim(value);
	if (span_eq_str(value, "*")) {
		*out = (struct http_etags){.any = true};
		return ERR_NONE;
	}
	do {
		struct span tag = take_member(&value);
		struct err e;

		if (tags.count == HTTP_ETAGS_MAX)
			return err_make(ERR_MALFORMED, "too many entity tags");
		if (tag.len != HTTP_ETAG_TEXT_LEN || tag.at[0] != '"' ||
		    tag.at[tag.len - 1] != '"')
			return err_make(ERR_MALFORMED,
					"an entity tag is a digest in quotes");
		e = digest_parse(span_sub(tag, 1, DIGEST_TEXT_LEN),
				 &tags.at[tags.count++]);
		if (failed(e))
			return e;
	} while (value.len);
	*out = tags;
	return ERR_NONE;
}

bool http_etags_have(const struct http_etags *tags, struct digest digest)
{
	if (tags->any)
		return true;
	for (size_t i = 0; i < tags->count; i++)
		if (digest_eq(tags->at[i], digest))
			return true;
	return false;
}

void http_etag_format(struct digest digest, char out[HTTP_ETAG_TEXT_LEN + 1])
{
	out[0] = '"';
	digest_format(digest, out + 1);
	out[HTTP_ETAG_TEXT_LEN - 1] = '"';
	out[HTTP_ETAG_TEXT_LEN] = 0;
}

struct err http_precondition_parse(struct http_fields fields,
				   struct http_precondition *out)
{
	struct http_precondition p = {0};
	struct span match, none;
	bool has_match, has_none;
	struct err e;

	e = http_field_one(fields, "if-match", &match, &has_match);
	if (!failed(e))
		e = http_field_one(fields, "if-none-match", &none, &has_none);
	if (failed(e))
		return e;
	if (has_match && has_none)
		return err_make(ERR_MALFORMED, "two preconditions");
	if (has_none) {
		if (!span_eq_str(trim(none), "*"))
			return err_make(ERR_MALFORMED,
					"If-None-Match of a write is *");
		p.kind = HTTP_CREATE;
	} else if (has_match) {
		e = http_etags_parse(match, &p.tags);
		if (failed(e))
			return e;
		p.kind = p.tags.any ? HTTP_MATCH_ANY : HTTP_MATCH;
	}
	*out = p;
	return ERR_NONE;
}

/* ---- ranges ---- */

/* One of "a-b", "a-", "-n"; `len` 0 if it cannot be satisfied. */
static struct err range_one(struct span text, uint64_t total,
			    struct http_range *out)
{
	const uint8_t *dash = text.len ? memchr(text.at, '-', text.len) : NULL;
	struct span a, b;
	uint64_t from = 0, to = UINT64_MAX;
	struct err e = ERR_NONE;

	if (!dash)
		return err_make(ERR_MALFORMED, "a range without '-'");
	a = span_sub(text, 0, (size_t)(dash - text.at));
	b = span_sub(text, a.len + 1, text.len);
	if (!a.len && !b.len)
		return err_make(ERR_MALFORMED, "a range without numbers");
	if (a.len)
		e = http_u64_parse(a, &from);
	if (!failed(e) && b.len)
		e = http_u64_parse(b, &to);
	if (failed(e))
		return e;
	*out = (struct http_range){0};
	if (!a.len) {
		/* The last `to` bytes. */
		out->len = to < total ? to : total;
		out->from = total - out->len;
		return ERR_NONE;
	}
	if (to < from)
		return err_make(ERR_MALFORMED, "a range that runs backwards");
	if (from >= total)
		return ERR_NONE;
	out->from = from;
	out->len = (to < total - 1 ? to : total - 1) - from + 1;
	return ERR_NONE;
}

struct err http_range_parse(struct span value, uint64_t total,
			    struct http_range out[HTTP_RANGES_MAX],
			    size_t *count)
{
	struct http_range ranges[HTTP_RANGES_MAX];
	size_t seen = 0, n = 0;

	/* Range units are case-insensitive (RFC 9110 s.14.1); ours is one. */
	if (!starts(value, "bytes="))
		return err_make(ERR_MALFORMED, "a range of other units");
	value = span_sub(value, 6, value.len);
	do {
		struct http_range range;
		struct err e = range_one(take_member(&value), total, &range);

		if (failed(e))
			return e;
		if (++seen > HTTP_RANGES_MAX)
			return err_make(ERR_MALFORMED, "too many ranges");
		if (range.len)
			ranges[n++] = range;
	} while (value.len);
	if (!n)
		return err_make(ERR_RANGE, "no range within the content");
	memcpy(out, ranges, n * sizeof(*out));
	*count = n;
	return ERR_NONE;
}

void http_range_format(struct http_range range, struct buf *out)
{
	buf_printf(out, "bytes=%llu-%llu", (unsigned long long)range.from,
		   (unsigned long long)(range.from + range.len - 1));
}

void http_content_range_format(struct http_range range, uint64_t total,
			       struct buf *out)
{
	buf_printf(out, "bytes %llu-%llu/%llu", (unsigned long long)range.from,
		   (unsigned long long)(range.from + range.len - 1),
		   (unsigned long long)total);
}

struct err http_content_range_parse(struct span value, struct http_range *range,
				    uint64_t *total)
{
	const uint8_t *dash, *slash;
	uint64_t from, to, all;
	struct span text;
	struct err e;

	if (!starts(value, "bytes "))
		return err_make(ERR_MALFORMED, "a range of other units");
	text = span_sub(value, 6, value.len);
	dash = text.len ? memchr(text.at, '-', text.len) : NULL;
	slash = text.len ? memchr(text.at, '/', text.len) : NULL;
	if (!dash || !slash || dash > slash)
		return err_make(ERR_MALFORMED, "no content range");
	e = http_u64_parse(span_of(text.at, (size_t)(dash - text.at)), &from);
	if (!failed(e))
		e = http_u64_parse(span_of(dash + 1,
					   (size_t)(slash - dash - 1)),
				   &to);
	if (!failed(e))
		e = http_u64_parse(span_sub(text, (size_t)(slash - text.at) + 1,
					    text.len),
				   &all);
	if (failed(e))
		return e;
	if (to < from || to >= all)
		return err_make(ERR_MALFORMED, "no content range");
	*range = (struct http_range){from, to - from + 1};
	*total = all;
	return ERR_NONE;
}

/* ---- Content-Digest ---- */

void http_digest_format(struct digest digest, struct buf *out)
{
	buf_put_str(out, "sha-256=:");
	base64_encode(SPAN_OBJ(digest.at), out);
	buf_put_str(out, ":");
}

/* A member "sha-256=:...:" without parameters. */
static struct err digest_member(struct span member, struct digest *out)
{
	struct buf bytes;
	struct err e;

	if (member.len != 9 + SHA256_BASE64_LEN + 1 ||
	    member.at[member.len - 1] != ':')
		return err_make(ERR_MALFORMED, "no SHA-256");
	buf_init(&bytes, DIGEST_LEN + 2);
	e = base64_decode(span_sub(member, 9, SHA256_BASE64_LEN), &bytes);
	if (!failed(e) && bytes.len != DIGEST_LEN)
		e = err_make(ERR_MALFORMED, "no SHA-256");
	if (!failed(e))
		memcpy(out->at, bytes.at, DIGEST_LEN);
	buf_clear(&bytes);
	return e;
}

struct err http_digest_parse(struct span value, struct digest *out)
{
	struct digest digest;
	bool found = false;
	struct err e = ERR_NONE;

	do {
		struct span member = take_member(&value);

		if (!starts(member, "sha-256=:"))
			continue;
		if (found)
			return err_make(ERR_MALFORMED, "two SHA-256");
		e = digest_member(member, &digest);
		if (failed(e))
			return e;
		found = true;
	} while (value.len);
	if (!found)
		return err_make(ERR_UNSUPPORTED, "a digest other than sha-256");
	*out = digest;
	return ERR_NONE;
}

struct err http_digest_check(struct span value, struct span body)
{
	struct digest said, is;
	struct err e = http_digest_parse(value, &said);

	if (!failed(e))
		e = crypto_sha256(body, &is);
	if (failed(e))
		return e;
	if (!digest_eq(said, is))
		return err_make(ERR_DIGEST, "Content-Digest is of other bytes");
	return ERR_NONE;
}

/* ---- others ---- */

struct err http_retry_after_parse(struct span value, uint32_t *seconds)
{
	uint64_t v;

	if (failed(http_u64_parse(trim(value), &v)))
		return err_make(ERR_UNSUPPORTED, "Retry-After is no seconds");
	*seconds = v > UINT32_MAX ? UINT32_MAX : (uint32_t)v;
	return ERR_NONE;
}

static uint8_t lower(uint8_t c)
{
	return c >= 'A' && c <= 'Z' ? (uint8_t)(c + 32) : c;
}

/* Basic filtering: the range is the tag, or a prefix of it up to '-'. */
static bool language_matches(struct span range, const char *tag)
{
	size_t len = strlen(tag);

	if (span_eq_str(range, "*"))
		return true;
	if (!range.len || range.len > len ||
	    (range.len < len && tag[range.len] != '-'))
		return false;
	for (size_t i = 0; i < range.len; i++)
		if (lower(range.at[i]) != lower((uint8_t)tag[i]))
			return false;
	return true;
}

/* "q=0.85" in thousandths; 0 for what is no weight. */
static unsigned weight(struct span text)
{
	unsigned q, scale = 100;

	text = trim(text);
	if (!text.len)
		return 1000;
	if (text.len < 3 || lower(text.at[0]) != 'q' || text.at[1] != '=' ||
	    (text.at[2] != '0' && text.at[2] != '1'))
		return 0;
	q = (unsigned)(text.at[2] - '0') * 1000;
	for (size_t i = 4; i < text.len && scale; i++, scale /= 10) {
		if (text.at[i] < '0' || text.at[i] > '9')
			return 0;
		q += (unsigned)(text.at[i] - '0') * scale;
	}
	return q > 1000 ? 1000 : q;
}

size_t http_language_pick(struct span value, const char *const *have,
			  size_t count)
{
	unsigned best = 0;
	size_t pick = 0;

	for (int i = 0; value.len && i < LANGUAGES_MAX; i++) {
		struct span member = take_member(&value);
		const uint8_t *semi =
			member.len ? memchr(member.at, ';', member.len) : NULL;
		size_t len = semi ? (size_t)(semi - member.at) : member.len;
		unsigned q = weight(span_sub(member, len + 1, member.len));
		struct span range = trim(span_sub(member, 0, len));

		for (size_t j = 0; j < count && q > best; j++) {
			if (!language_matches(range, have[j]))
				continue;
			best = q;
			pick = j;
		}
	}
	return pick;
}
