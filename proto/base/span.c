/* Borrowed bytes, and reading integers out of them. */
#include "proto/base/span.h"

int span_cmp(struct span a, struct span b)
{
	size_t n = a.len < b.len ? a.len : b.len;
	int c = n ? memcmp(a.at, b.at, n) : 0;

	if (c)
		return c;
	return a.len < b.len ? -1 : a.len > b.len;
}

struct span span_sub(struct span s, size_t from, size_t len)
{
	if (from > s.len)
		from = s.len;
	if (len > s.len - from)
		len = s.len - from;
	return span_of(s.at ? s.at + from : NULL, len);
}

bool span_eq_const_time(struct span a, struct span b)
{
	uint8_t diff = 0;

	if (a.len != b.len)
		return false;
	for (size_t i = 0; i < a.len; i++)
		diff |= a.at[i] ^ b.at[i];
	return diff == 0;
}

struct span span_read_raw(struct span_reader *r, size_t len)
{
	struct span part;

	if (r->bad || r->left.len < len) {
		r->bad = true;
		return span_of(NULL, 0);
	}
	part = span_of(r->left.at, len);
	r->left = span_sub(r->left, len, r->left.len - len);
	return part;
}

static uint64_t read_be(struct span_reader *r, size_t len)
{
	struct span part = span_read_raw(r, len);
	uint64_t v = 0;

	for (size_t i = 0; i < part.len; i++)
		v = v << 8 | part.at[i];
	return v;
}

uint8_t span_read_u8(struct span_reader *r)
{
	return (uint8_t)read_be(r, 1);
}

uint16_t span_read_u16(struct span_reader *r)
{
	return (uint16_t)read_be(r, 2);
}

uint32_t span_read_u32(struct span_reader *r)
{
	return (uint32_t)read_be(r, 4);
}

uint64_t span_read_u64(struct span_reader *r)
{
	return read_be(r, 8);
}

void span_read_into(struct span_reader *r, void *out, size_t len)
{
	struct span part = span_read_raw(r, len);

	if (part.at)
		memcpy(out, part.at, len);
	else
		memset(out, 0, len);
}

struct span span_read_var(struct span_reader *r)
{
	return span_read_raw(r, span_read_u16(r));
}
