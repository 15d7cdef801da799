/* base64url and base64, strict. */
#include "proto/base/base64.h"

static const char url_letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				  "abcdefghijklmnopqrstuvwxyz0123456789-_";
static const char std_letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				  "abcdefghijklmnopqrstuvwxyz0123456789+/";

/* Without padding; returns the end. */
static char *encode(struct span in, const char *letters, char *out)
{
	size_t i = 0;

	for (; i + 3 <= in.len; i += 3) {
		uint32_t v = (uint32_t)in.at[i] << 16 |
			     (uint32_t)in.at[i + 1] << 8 | in.at[i + 2];

		*out++ = letters[v >> 18];
		*out++ = letters[v >> 12 & 63];
		*out++ = letters[v >> 6 & 63];
		*out++ = letters[v & 63];
	}
	if (in.len - i == 1) {
		*out++ = letters[in.at[i] >> 2];
		*out++ = letters[in.at[i] << 4 & 63];
	} else if (in.len - i == 2) {
		*out++ = letters[in.at[i] >> 2];
		*out++ = letters[(in.at[i] << 4 | in.at[i + 1] >> 4) & 63];
		*out++ = letters[in.at[i + 1] << 2 & 63];
	}
	return out;
}

static int letter_value(uint8_t c, const char *letters)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	if (c == (uint8_t)letters[62])
		return 62;
	if (c == (uint8_t)letters[63])
		return 63;
	return -1;
}

/* Room in `out` for text.len / 4 * 3 + 2 bytes; false if malformed. */
static bool decode(struct span text, const char *letters, uint8_t *out)
{
	uint32_t v = 0;
	size_t n = 0;
	size_t rest = text.len % 4;

	if (rest == 1)
		return false;
	for (size_t i = 0; i < text.len; i++) {
		int d = letter_value(text.at[i], letters);

		if (d < 0)
			return false;
		v = v << 6 | (uint32_t)d;
		if (i % 4 == 3) {
			out[n++] = (uint8_t)(v >> 16);
			out[n++] = (uint8_t)(v >> 8);
			out[n++] = (uint8_t)v;
			v = 0;
		}
	}
	if (rest == 2) {
		if (v & 15)
			return false;
		out[n++] = (uint8_t)(v >> 4);
	} else if (rest == 3) {
		if (v & 3)
			return false;
		out[n++] = (uint8_t)(v >> 10);
		out[n++] = (uint8_t)(v >> 2);
	}
	return true;
}

static size_t decoded_len(size_t text_len)
{
	return text_len / 4 * 3 + (text_len % 4 ? text_len % 4 - 1 : 0);
}

void base64url_encode_to(struct span bytes, char *out)
{
	*encode(bytes, url_letters, out) = 0;
}

void base64url_encode(struct span bytes, struct buf *out)
{
	uint8_t *at = buf_grow(out, base64url_len(bytes.len));

	if (at)
		encode(bytes, url_letters, (char *)at);
}

static struct err decode_append(struct span text, const char *letters,
				struct buf *out)
{
	size_t len = decoded_len(text.len);
	uint8_t *at;

	if (text.len % 4 == 1)
		return err_make(ERR_MALFORMED, "base64 of an impossible length");
	at = buf_grow(out, len);
	if (!at)
		return buf_check(out);
	if (!decode(text, letters, at)) {
		out->len -= len;
		return err_make(ERR_MALFORMED, "not base64");
	}
	return ERR_NONE;
}

struct err base64url_decode(struct span text, struct buf *out)
{
	return decode_append(text, url_letters, out);
}

struct err base64url_decode_fixed(struct span text, void *out, size_t len)
{
	if (text.len != base64url_len(len))
		return err_make(ERR_MALFORMED, "base64url of a wrong length");
	if (!decode(text, url_letters, out))
		return err_make(ERR_MALFORMED, "not base64url");
	return ERR_NONE;
}

void base64_encode(struct span bytes, struct buf *out)
{
	size_t len = base64url_len(bytes.len);
	size_t pad = (4 - len % 4) % 4;
	uint8_t *at = buf_grow(out, len + pad);

	if (!at)
		return;
	encode(bytes, std_letters, (char *)at);
	memset(at + len, '=', pad);
}

struct err base64_decode(struct span text, struct buf *out)
{
	size_t pad = 0;

	if (text.len % 4)
		return err_make(ERR_MALFORMED, "base64 without its padding");
	while (pad < 2 && text.len && text.at[text.len - 1] == '=') {
		text.len--;
		pad++;
	}
	return decode_append(text, std_letters, out);
}

void hex_encode(struct span bytes, struct buf *out)
{
	static const char hex[] = "0123456789abcdef";
	uint8_t *at = buf_grow(out, bytes.len * 2);

	for (size_t i = 0; at && i < bytes.len; i++) {
		at[2 * i] = (uint8_t)hex[bytes.at[i] >> 4];
		at[2 * i + 1] = (uint8_t)hex[bytes.at[i] & 15];
	}
}
