/* The names of things. */
#include <stdio.h>

#include "proto/base/base64.h"
#include "proto/base/id.h"

int digest_cmp(struct digest a, struct digest b)
{
	return memcmp(a.at, b.at, DIGEST_LEN);
}

int nation_cmp(struct nation a, struct nation b)
{
	return memcmp(a.code, b.code, NATION_LEN);
}

int replica_cmp(struct replica a, struct replica b)
{
	int c = nation_cmp(a.nation, b.nation);

	if (c)
		return c;
	return a.number < b.number ? -1 : a.number > b.number;
}

struct err nation_parse(struct span text, struct nation *out)
{
	if (text.len != NATION_LEN)
		return err_make(ERR_MALFORMED, "a nation is three letters");
	for (size_t i = 0; i < NATION_LEN; i++)
		if (text.at[i] < 'A' || text.at[i] > 'Z')
			return err_make(ERR_MALFORMED,
					"a nation is upper-case ASCII");
	memcpy(out->code, text.at, NATION_LEN);
	return ERR_NONE;
}

struct err replica_parse(struct span text, struct replica *out)
{
	struct replica r = {0};
	struct err e = nation_parse(span_sub(text, 0, NATION_LEN), &r.nation);

	if (failed(e))
		return e;
	if (text.len < NATION_LEN + 2 || text.at[NATION_LEN] != '.' ||
	    text.at[NATION_LEN + 1] == '0')
		return err_make(ERR_MALFORMED, "a replica is NAT.number");
	for (size_t i = NATION_LEN + 1; i < text.len; i++) {
		if (text.at[i] < '0' || text.at[i] > '9' || text.len > 20)
			return err_make(ERR_MALFORMED,
					"a replica number is decimal");
		r.number = r.number * 10 + (text.at[i] - '0');
	}
	*out = r;
	return ERR_NONE;
}

static int hex_digit(uint8_t c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return -1;
}

static bool is_dash(size_t i)
{
	return i == 8 || i == 13 || i == 18 || i == 23;
}

struct err doc_id_parse(struct span text, struct doc_id *out)
{
	struct doc_id id;
	size_t n = 0;

	if (text.len != DOC_ID_TEXT_LEN)
		return err_make(ERR_MALFORMED, "a document id has 36 letters");
	for (size_t i = 0; i < DOC_ID_TEXT_LEN; i++) {
		int hi, lo;

		if (is_dash(i)) {
			if (text.at[i] != '-')
				return err_make(ERR_MALFORMED,
						"a document id is a UUID");
			continue;
		}
		hi = hex_digit(text.at[i]);
		lo = hex_digit(text.at[i + 1]);
		if (hi < 0 || lo < 0)
			return err_make(ERR_MALFORMED,
					"a document id is lower-case hex");
		id.at[n++] = (uint8_t)(hi << 4 | lo);
		i++;
	}
	*out = id;
	return ERR_NONE;
}

static struct err parse32(struct span text, uint8_t out[DIGEST_LEN])
{
	if (text.len != DIGEST_TEXT_LEN)
		return err_make(ERR_MALFORMED,
				"a digest has 43 base64url letters");
	return base64url_decode_fixed(text, out, DIGEST_LEN);
}

struct err digest_parse(struct span text, struct digest *out)
{
	return parse32(text, out->at);
}

struct err key_id_parse(struct span text, struct key_id *out)
{
	return parse32(text, out->at);
}

void nation_format(struct nation n, char out[NATION_LEN + 1])
{
	memcpy(out, n.code, NATION_LEN);
	out[NATION_LEN] = 0;
}

void replica_format(struct replica r, char out[REPLICA_TEXT_MAX + 1])
{
	snprintf(out, REPLICA_TEXT_MAX + 1, "%.3s.%llu", r.nation.code,
		 (unsigned long long)r.number);
}

void doc_id_format(struct doc_id id, char out[DOC_ID_TEXT_LEN + 1])
{
	static const char hex[] = "0123456789abcdef";
	size_t n = 0;

	for (size_t i = 0; i < DOC_ID_LEN; i++) {
		if (is_dash(n))
			out[n++] = '-';
		out[n++] = hex[id.at[i] >> 4];
		out[n++] = hex[id.at[i] & 15];
	}
	out[n] = 0;
}

void digest_format(struct digest d, char out[DIGEST_TEXT_LEN + 1])
{
	base64url_encode_to(span_of(d.at, DIGEST_LEN), out);
}

void key_id_format(struct key_id k, char out[DIGEST_TEXT_LEN + 1])
{
	base64url_encode_to(span_of(k.at, DIGEST_LEN), out);
}

struct err space_check(struct span text)
{
	struct nation nation;
	struct err e = nation_parse(span_sub(text, 0, NATION_LEN), &nation);

	if (failed(e))
		return e;
	if (text.len < NATION_LEN + 2 || text.len > SPACE_NAME_MAX ||
	    text.at[NATION_LEN] != '/')
		return err_make(ERR_MALFORMED, "a space is NAT/name");
	for (size_t i = NATION_LEN + 1; i < text.len; i++) {
		uint8_t c = text.at[i];

		if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
		    c == '-' || c == '.' || c == '_')
			continue;
		return err_make(ERR_MALFORMED,
				"a space name is lower-case ASCII");
	}
	return ERR_NONE;
}
