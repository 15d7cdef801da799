/*
 * base64url without padding (RFC 4648 s.5), strict: no other alphabet, no
 * padding, no white space, unused bits zero.  So one value has one text.
 */
#ifndef PROTO_BASE_BASE64_H
#define PROTO_BASE_BASE64_H

#include "proto/base/buf.h"

/* The length of the text for `len` bytes. */
static inline size_t base64url_len(size_t len)
{
	return len / 3 * 4 + (len % 3 ? len % 3 + 1 : 0);
}

/* Writes the text and a NUL; `out` has room for base64url_len + 1. */
void base64url_encode_to(struct span bytes, char *out);
/* Appends the text. */
void base64url_encode(struct span bytes, struct buf *out);

/* Appends the bytes; ERR_MALFORMED appends nothing. */
struct err base64url_decode(struct span text, struct buf *out);
/* Exactly `len` bytes, or ERR_MALFORMED. */
struct err base64url_decode_fixed(struct span text, void *out, size_t len);

/* Ordinary base64 with padding (RFC 4648 s.4), for RFC 9530 and RFC 9421. */
void base64_encode(struct span bytes, struct buf *out);
struct err base64_decode(struct span text, struct buf *out);

/* Lower-case hex, for logs and people. */
void hex_encode(struct span bytes, struct buf *out);

#endif
