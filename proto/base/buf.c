/* Owned bytes that grow up to a cap. */
#define _DEFAULT_SOURCE /* explicit_bzero */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "proto/base/buf.h"

void wipe(void *at, size_t len)
{
	if (at && len)
		explicit_bzero(at, len);
}

void buf_init(struct buf *b, size_t cap)
{
	*b = (struct buf){.cap = cap};
}

void buf_clear(struct buf *b)
{
	free(b->at);
	buf_init(b, b->cap);
}

void buf_wipe(struct buf *b)
{
	wipe(b->at, b->room);
	buf_clear(b);
}

void buf_reset(struct buf *b)
{
	b->len = 0;
	b->bad = b->starved = false;
}

struct err buf_check(const struct buf *b)
{
	if (b->starved)
		return err_make(ERR_NO_MEMORY, "no memory for a buffer");
	if (b->bad)
		return err_make(ERR_TOO_LARGE, "a buffer reached its cap");
	return ERR_NONE;
}

/* Room for `len` more and for one NUL behind them. */
static bool reserve(struct buf *b, size_t len)
{
	size_t want, room;
	uint8_t *at;

	if (b->bad || len > b->cap || b->len > b->cap - len) {
		b->bad = true;
		return false;
	}
	want = b->len + len + 1;
	if (want <= b->room)
		return true;
	room = b->room ? b->room : 64;
	while (room < want)
		room *= 2;
	if (room > b->cap + 1)
		room = b->cap + 1;
	/* Not realloc: what was held may be a secret and must not linger. */
	at = malloc(room);
	if (!at) {
		b->bad = b->starved = true;
		return false;
	}
	if (b->len)
		memcpy(at, b->at, b->len);
	wipe(b->at, b->len);
	free(b->at);
	b->at = at;
	b->room = room;
	return true;
}

uint8_t *buf_grow(struct buf *b, size_t len)
{
	uint8_t *at;

	if (!reserve(b, len))
		return NULL;
	at = b->at + b->len;
	b->len += len;
	return at;
}

void buf_put(struct buf *b, struct span bytes)
{
	uint8_t *at = buf_grow(b, bytes.len);

	if (at && bytes.len)
		memcpy(at, bytes.at, bytes.len);
}

void buf_put_str(struct buf *b, const char *s)
{
	buf_put(b, span_str(s));
}

static void put_be(struct buf *b, uint64_t v, size_t len)
{
	uint8_t *at = buf_grow(b, len);

	while (at && len--) {
		at[len] = (uint8_t)v;
		v >>= 8;
	}
}

void buf_put_u8(struct buf *b, uint8_t v)
{
	put_be(b, v, 1);
}

void buf_put_u16(struct buf *b, uint16_t v)
{
	put_be(b, v, 2);
}

void buf_put_u32(struct buf *b, uint32_t v)
{
	put_be(b, v, 4);
}

void buf_put_u64(struct buf *b, uint64_t v)
{
	put_be(b, v, 8);
}

void buf_put_var(struct buf *b, struct span bytes)
{
	if (bytes.len > UINT16_MAX) {
		b->bad = true;
		return;
	}
	buf_put_u16(b, (uint16_t)bytes.len);
	buf_put(b, bytes);
}

void buf_printf(struct buf *b, const char *fmt, ...)
{
	va_list args, again;
	int len;

	va_start(args, fmt);
	va_copy(again, args);
	len = vsnprintf(NULL, 0, fmt, args);
	/* One byte more than `len` is always reserved, for the NUL. */
	if (len >= 0 && reserve(b, (size_t)len)) {
		vsnprintf((char *)b->at + b->len, (size_t)len + 1, fmt, again);
		b->len += (size_t)len;
	} else {
		b->bad = true;
	}
	va_end(again);
	va_end(args);
}

const char *buf_cstr(struct buf *b)
{
	if (!reserve(b, 0))
		return "";
	b->at[b->len] = 0;
	return (const char *)b->at;
}

void buf_consume(struct buf *b, size_t n)
{
	if (n > b->len)
		n = b->len;
	if (!n)
		return;
	memmove(b->at, b->at + n, b->len - n);
	b->len -= n;
}
