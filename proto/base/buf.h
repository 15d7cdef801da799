/*
 * Owned bytes that grow up to a cap.
 *
 * Appending beyond the cap, or without memory, sets `bad` and appends
 * nothing from then on; so a writer appends freely and checks once, with
 * buf_check.  Also the writer of encoding E (docs/PROTOCOL.md): domain string
 * and variable members with a u16 length, fixed members raw, integers
 * big-endian.
 */
#ifndef PROTO_BASE_BUF_H
#define PROTO_BASE_BUF_H

#include "proto/base/err.h"
#include "proto/base/span.h"

struct buf {
	uint8_t *at;
	size_t len;
	size_t room;
	size_t cap; /* never more than this */
	bool bad;
	bool starved; /* bad, for want of memory */
};

/* An empty buffer that may grow to `cap` bytes. */
void buf_init(struct buf *b, size_t cap);
/* Releases the memory; the buffer may be used again with the same cap. */
void buf_clear(struct buf *b);
/* As buf_clear, after overwriting the bytes: for secrets. */
void buf_wipe(struct buf *b);
/* Keeps the memory, drops the bytes. */
void buf_reset(struct buf *b);

static inline struct span buf_span(const struct buf *b)
{
	return span_of(b->at, b->len);
}

/* ERR_NO_MEMORY or ERR_TOO_LARGE if an append did not fit. */
struct err buf_check(const struct buf *b);

/* Room for `len` more bytes, uninitialised; NULL when that does not fit. */
uint8_t *buf_grow(struct buf *b, size_t len);

void buf_put(struct buf *b, struct span bytes);
void buf_put_str(struct buf *b, const char *s);
void buf_put_u8(struct buf *b, uint8_t v);
void buf_put_u16(struct buf *b, uint16_t v);
void buf_put_u32(struct buf *b, uint32_t v);
void buf_put_u64(struct buf *b, uint64_t v);
/* u16 length, then the bytes; more than 65535 bytes is bad. */
void buf_put_var(struct buf *b, struct span bytes);
[[gnu::format(printf, 2, 3)]] void buf_printf(struct buf *b, const char *fmt,
					      ...);
/* A NUL after the bytes, not counted in len; "" when bad. */
const char *buf_cstr(struct buf *b);
/* Drops the first `n` bytes. */
void buf_consume(struct buf *b, size_t n);

/* Overwrites memory in a way that the compiler keeps. */
void wipe(void *at, size_t len);

#endif
