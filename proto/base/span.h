/*
 * Borrowed bytes: a pointer and a length, never freed through the span.
 */
#ifndef PROTO_BASE_SPAN_H
#define PROTO_BASE_SPAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct span {
	const uint8_t *at;
	size_t len;
};

static inline struct span span_of(const void *at, size_t len)
{
	return (struct span){(const uint8_t *)at, len};
}

/* The bytes of a NUL-terminated string, without the NUL. */
static inline struct span span_str(const char *s)
{
	return span_of(s, s ? strlen(s) : 0);
}

/* The bytes of an object. */
#define SPAN_OBJ(x) span_of(&(x), sizeof(x))

static inline bool span_eq(struct span a, struct span b)
{
	return a.len == b.len && (a.len == 0 || memcmp(a.at, b.at, a.len) == 0);
}

static inline bool span_eq_str(struct span a, const char *s)
{
	return span_eq(a, span_str(s));
}

/* memcmp order, a prefix before what it begins. */
int span_cmp(struct span a, struct span b);

/* The part from `from`, at most `len` bytes; clipped to what there is. */
struct span span_sub(struct span s, size_t from, size_t len);

/* Equality in time that depends on the length alone. */
bool span_eq_const_time(struct span a, struct span b);

/*
 * A reader of big-endian integers and parts; after a read beyond the end
 * `bad` stays true and every value is zero, so one check at the end is enough.
 */
struct span_reader {
	struct span left;
	bool bad;
};

static inline struct span_reader span_read(struct span s)
{
	return (struct span_reader){s, false};
}

uint8_t span_read_u8(struct span_reader *r);
uint16_t span_read_u16(struct span_reader *r);
uint32_t span_read_u32(struct span_reader *r);
uint64_t span_read_u64(struct span_reader *r);
/* `len` raw bytes, borrowed. */
struct span span_read_raw(struct span_reader *r, size_t len);
/* Copies `len` raw bytes to `out`; zeroes on a read beyond the end. */
void span_read_into(struct span_reader *r, void *out, size_t len);
/* A u16 length and that many bytes, borrowed. */
struct span span_read_var(struct span_reader *r);
/* True if everything was read and nothing was missing. */
static inline bool span_read_done(const struct span_reader *r)
{
	return !r->bad && r->left.len == 0;
}

#endif
