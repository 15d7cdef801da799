/* base64url and base64, strict. */
#include "proto/base/base64.h"

static const char url_letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				  "abcdefghijklmnopqrstuvwxyz0123456789-_";
static const char std_letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				  "abcdefghijklmnopqrstuvwxyz0123456789+/";

/* Every two letters of base64url, by their twelve bits: a page of the feed is
 * mostly base64url. */
#define PAIRS_OF(a)                                                            \
	{a, 'A'}, {a, 'B'}, {a, 'C'}, {a, 'D'}, {a, 'E'}, {a, 'F'}, {a, 'G'},  \
		{a, 'H'}, {a, 'I'}, {a, 'J'}, {a, 'K'}, {a, 'L'}, {a, 'M'},    \
		{a, 'N'}, {a, 'O'}, {a, 'P'}, {a, 'Q'}, {a, 'R'}, {a, 'S'},    \
		{a, 'T'}, {a, 'U'}, {a, 'V'}, {a, 'W'}, {a, 'X'}, {a, 'Y'},    \
		{a, 'Z'}, {a, 'a'}, {a, 'b'}, {a, 'c'}, {a, 'd'}, {a, 'e'},    \
		{a, 'f'}, {a, 'g'}, {a, 'h'}, {a, 'i'}, {a, 'j'}, {a, 'k'},    \
		{a, 'l'}, {a, 'm'}, {a, 'n'}, {a, 'o'}, {a, 'p'}, {a, 'q'},    \
		{a, 'r'}, {a, 's'}, {a, 't'}, {a, 'u'}, {a, 'v'}, {a, 'w'},    \
		{a, 'x'}, {a, 'y'}, {a, 'z'}, {a, '0'}, {a, '1'}, {a, '2'},    \
		{a, '3'}, {a, '4'}, {a, '5'}, {a, '6'}, {a, '7'}, {a, '8'},    \
		{a, '9'}, {a, '-'},                                            \
	{                                                                      \
		a, '_'                                                         \
	}
static const char url_pairs[4096][2] = {
	PAIRS_OF('A'), PAIRS_OF('B'), PAIRS_OF('C'), PAIRS_OF('D'),
	PAIRS_OF('E'), PAIRS_OF('F'), PAIRS_OF('G'), PAIRS_OF('H'),
	PAIRS_OF('I'), PAIRS_OF('J'), PAIRS_OF('K'), PAIRS_OF('L'),
	PAIRS_OF('M'), PAIRS_OF('N'), PAIRS_OF('O'), PAIRS_OF('P'),
	PAIRS_OF('Q'), PAIRS_OF('R'), PAIRS_OF('S'), PAIRS_OF('T'),
	PAIRS_OF('U'), PAIRS_OF('V'), PAIRS_OF('W'), PAIRS_OF('X'),
	PAIRS_OF('Y'), PAIRS_OF('Z'), PAIRS_OF('a'), PAIRS_OF('b'),
	PAIRS_OF('c'), PAIRS_OF('d'), PAIRS_OF('e'), PAIRS_OF('f'),
	PAIRS_OF('g'), PAIRS_OF('h'), PAIRS_OF('i'), PAIRS_OF('j'),
	PAIRS_OF('k'), PAIRS_OF('l'), PAIRS_OF('m'), PAIRS_OF('n'),
	PAIRS_OF('o'), PAIRS_OF('p'), PAIRS_OF('q'), PAIRS_OF('r'),
	PAIRS_OF('s'), PAIRS_OF('t'), PAIRS_OF('u'), PAIRS_OF('v'),
	PAIRS_OF('w'), PAIRS_OF('x'), PAIRS_OF('y'), PAIRS_OF('z'),
	PAIRS_OF('0'), PAIRS_OF('1'), PAIRS_OF('2'), PAIRS_OF('3'),
	PAIRS_OF('4'), PAIRS_OF('5'), PAIRS_OF('6'), PAIRS_OF('7'),
	PAIRS_OF('8'), PAIRS_OF('9'), PAIRS_OF('-'), PAIRS_OF('_'),
};

/* Without padding; returns the end. */
static char *encode(struct span in, const char *letters, char *out)
{
	size_t i = 0;

	for (; i + 3 <= in.len; i += 3, out += 4) {
		uint32_t v = (uint32_t)in.at[i] << 16 |
			     (uint32_t)in.at[i + 1] << 8 | in.at[i + 2];

		if (letters == url_letters) {
			memcpy(out, url_pairs[v >> 12], 2);
			memcpy(out + 2, url_pairs[v & 4095], 2);
			continue;
		}
		out[0] = letters[v >> 18];
		out[1] = letters[v >> 12 & 63];
		out[2] = letters[v >> 6 & 63];
		out[3] = letters[v & 63];
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

/* Of a character: its value and LETTER; 0 for what is no letter.  By table,
 * since every request carries some thousand characters. */
enum { LETTER = 64 };
#define COMMON                                                                 \
	['A'] = 64, ['B'] = 65, ['C'] = 66, ['D'] = 67, ['E'] = 68,            \
	['F'] = 69, ['G'] = 70, ['H'] = 71, ['I'] = 72, ['J'] = 73,            \
	['K'] = 74, ['L'] = 75, ['M'] = 76, ['N'] = 77, ['O'] = 78,            \
	['P'] = 79, ['Q'] = 80, ['R'] = 81, ['S'] = 82, ['T'] = 83,            \
	['U'] = 84, ['V'] = 85, ['W'] = 86, ['X'] = 87, ['Y'] = 88,            \
	['Z'] = 89, ['a'] = 90, ['b'] = 91, ['c'] = 92, ['d'] = 93,            \
	['e'] = 94, ['f'] = 95, ['g'] = 96, ['h'] = 97, ['i'] = 98,            \
	['j'] = 99, ['k'] = 100, ['l'] = 101, ['m'] = 102, ['n'] = 103,        \
	['o'] = 104, ['p'] = 105, ['q'] = 106, ['r'] = 107, ['s'] = 108,       \
	['t'] = 109, ['u'] = 110, ['v'] = 111, ['w'] = 112, ['x'] = 113,       \
	['y'] = 114, ['z'] = 115, ['0'] = 116, ['1'] = 117, ['2'] = 118,       \
	['3'] = 119, ['4'] = 120, ['5'] = 121, ['6'] = 122, ['7'] = 123,       \
	['8'] = 124, ['9'] = 125

static const uint8_t url_values[256] = {COMMON, ['-'] = 126, ['_'] = 127};
static const uint8_t std_values[256] = {COMMON, ['+'] = 126, ['/'] = 127};

/* The last two or three characters; their unused bits are zero. */
static bool decode_rest(const uint8_t *text, size_t rest, const uint8_t *values,
			uint8_t *out)
{
	uint32_t letters = LETTER, v = 0;

	for (size_t i = 0; i < rest; i++) {
		letters &= values[text[i]];
		v = v << 6 | (values[text[i]] & 63);
	}
	if (!letters || v & (rest == 2 ? 15 : 3))
		return false;
	if (rest == 2) {
		out[0] = (uint8_t)(v >> 4);
	} else {
		out[0] = (uint8_t)(v >> 10);
		out[1] = (uint8_t)(v >> 2);
	}
	return true;
}

/* Room in `out` for text.len / 4 * 3 + 2 bytes; false if malformed. */
static bool decode(struct span text, const uint8_t *values, uint8_t *out)
{
	const uint8_t *at = text.at;
	uint32_t letters = LETTER;
	size_t rest = text.len % 4;

	if (rest == 1)
		return false;
	for (size_t i = 0; i < text.len / 4; i++, at += 4, out += 3) {
		uint32_t a = values[at[0]], b = values[at[1]],
			 c = values[at[2]], d = values[at[3]];
		uint32_t v = (a & 63) << 18 | (b & 63) << 12 | (c & 63) << 6 |
			     (d & 63);

		letters &= a & b & c & d;
		out[0] = (uint8_t)(v >> 16);
		out[1] = (uint8_t)(v >> 8);
		out[2] = (uint8_t)v;
	}
	return letters && (!rest || decode_rest(at, rest, values, out));
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

static struct err decode_append(struct span text, const uint8_t *values,
				struct buf *out)
{
	size_t len = decoded_len(text.len);
	uint8_t *at;

	if (text.len % 4 == 1)
		return err_make(ERR_MALFORMED,
				"base64 of an impossible length");
	at = buf_grow(out, len);
	if (!at)
		return buf_check(out);
	if (!decode(text, values, at)) {
		out->len -= len;
		return err_make(ERR_MALFORMED, "not base64");
	}
	return ERR_NONE;
}

struct err base64url_decode(struct span text, struct buf *out)
{
	return decode_append(text, url_values, out);
}

struct err base64url_decode_fixed(struct span text, void *out, size_t len)
{
	if (text.len != base64url_len(len))
		return err_make(ERR_MALFORMED, "base64url of a wrong length");
	if (!decode(text, url_values, out))
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
	return decode_append(text, std_values, out);
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
