/* A label as a value: what it owns, its canonical form. */
#include <stdlib.h>

#include "proto/crypto/crypto.h"
#include "proto/label/label_form.h"

/* ---- life ---- */

struct err label_new(struct span xml, struct label **out)
{
	struct label *label = calloc(1, sizeof(*label));
	struct err e;

	if (!label)
		return err_make(ERR_NO_MEMORY, "label");
	arena_init(&label->arena, LABEL_ARENA_MAX);
	label->bytes = arena_copy(&label->arena, xml);
	e = arena_check(&label->arena);
	if (!failed(e))
		e = crypto_sha256(xml, &label->digest);
	if (failed(e)) {
		label_free(label);
		return e;
	}
	*out = label;
	return ERR_NONE;
}

void label_free(struct label *label)
{
	if (!label)
		return;
	arena_clear(&label->arena);
	free(label);
}

struct span label_bytes(const struct label *label)
{
	return label->bytes;
}

struct digest label_digest(const struct label *label)
{
	return label->digest;
}

size_t label_part_count(const struct label *label)
{
	return label->part_count;
}

const struct label_part *label_part(const struct label *label, size_t i)
{
	return i < label->part_count ? &label->parts[i] : NULL;
}

const struct label_part *label_originator(const struct label *label)
{
	return &label->parts[label->originator];
}

size_t label_reference_count(const struct label *label)
{
	return label->reference_count;
}

struct span label_reference(const struct label *label, size_t i)
{
	return i < label->reference_count ? label->references[i]
					  : span_of(NULL, 0);
}

/* ---- data references ---- */

static int hex(uint8_t c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

/* The last path segment of a URI, without query and fragment, against a name;
 * percent-decoded (RFC 3986 s.2.1) byte by byte. */
static bool names(struct span uri, struct span file)
{
	size_t start = 0, end = uri.len, at = 0;

	for (size_t i = 0; i < uri.len; i++) {
		if (uri.at[i] == '?' || uri.at[i] == '#') {
			end = i;
			break;
		}
		if (uri.at[i] == '/')
			start = i + 1;
	}
	for (size_t i = start; i < end; i++) {
		uint8_t c = uri.at[i];

		if (c == '%') {
			int high = i + 2 < end ? hex(uri.at[i + 1]) : -1;
			int low = i + 2 < end ? hex(uri.at[i + 2]) : -1;

			if (high < 0 || low < 0)
				return false;
			c = (uint8_t)(high << 4 | low);
			i += 2;
		}
		if (at == file.len || file.at[at++] != c)
			return false;
	}
	return at == file.len && at > 0;
}

bool label_names(const struct label *label, struct span file_name)
{
	if (!label->binding || label->holds_data)
		return true;
	for (size_t i = 0; i < label->reference_count; i++) {
		if (label->references[i].len == 0 ||
		    names(label->references[i], file_name))
			return true;
	}
	return false;
}

/* ---- canonical form ---- */

enum { CANONICAL_VERSION = 1 };

static void encode_part(const struct label_part *p, struct buf *out)
{
	buf_put_u8(out, (uint8_t)p->kind);
	buf_put_var(out, p->policy);
	buf_put_var(out, p->policy_uri);
	buf_put_var(out, p->classification);
	buf_put_var(out, p->privacy_mark);
	buf_put_var(out, p->created);
	buf_put_var(out, p->review);
	buf_put_u16(out, (uint16_t)p->category_count);
	for (size_t i = 0; i < p->category_count; i++) {
		const struct label_category *c = &p->categories[i];

		buf_put_var(out, c->tag);
		buf_put_u8(out, (uint8_t)c->type);
		buf_put_var(out, c->uri);
		buf_put_u16(out, (uint16_t)c->value_count);
		for (size_t n = 0; n < c->value_count; n++)
			buf_put_var(out, c->values[n]);
	}
}

struct err label_encode(const struct label *label, struct buf *out)
{
	buf_put_u8(out, CANONICAL_VERSION);
	buf_put_u8(out, label->binding);
	buf_put_u8(out, label->holds_data);
	buf_put_u16(out, (uint16_t)label->part_count);
	for (size_t i = 0; i < label->part_count; i++)
		encode_part(&label->parts[i], out);
	buf_put_u16(out, (uint16_t)label->reference_count);
	for (size_t i = 0; i < label->reference_count; i++)
		buf_put_var(out, label->references[i]);
	return buf_check(out);
}

static struct span decode_text(struct label *l, struct span_reader *r)
{
	struct span s = span_read_var(r);

	if (s.len > LABEL_TEXT_MAX)
		r->bad = true;
	return arena_copy(&l->arena, s);
}

/* Counts are checked against the caps before anything is reserved. */
static size_t decode_count(struct span_reader *r, size_t max)
{
	size_t count = span_read_u16(r);

	if (count > max)
		r->bad = true;
	return r->bad ? 0 : count;
}

static bool decode_category(struct label *l, struct span_reader *r,
			    struct label_category *c)
{
	struct span *values;

	c->tag = decode_text(l, r);
	c->type = span_read_u8(r);
	c->uri = decode_text(l, r);
	c->value_count = decode_count(r, LABEL_VALUE_MAX);
	values = arena_array(&l->arena, c->value_count + 1, sizeof(*values));
	if (!values || c->type > LABEL_INFORMATIVE || c->tag.len == 0)
		return false;
	for (size_t i = 0; i < c->value_count && !r->bad; i++)
		values[i] = decode_text(l, r);
	c->values = values;
	return !r->bad;
}

static bool decode_part(struct label *l, struct span_reader *r,
			struct label_part *p)
{
	struct label_category *categories;

	p->kind = span_read_u8(r);
	p->policy = decode_text(l, r);
	p->policy_uri = decode_text(l, r);
	p->classification = decode_text(l, r);
	p->privacy_mark = decode_text(l, r);
	p->created = decode_text(l, r);
	p->review = decode_text(l, r);
	p->category_count = decode_count(r, LABEL_CATEGORY_MAX);
	categories = arena_array(&l->arena, p->category_count + 1,
				 sizeof(*categories));
	if (!categories || r->bad || p->kind > LABEL_METADATA ||
	    p->policy.len == 0 || p->classification.len == 0)
		return false;
	for (size_t i = 0; i < p->category_count; i++) {
		if (!decode_category(l, r, &categories[i]))
			return false;
	}
	p->categories = categories;
	return true;
}

static bool decode(struct label *l, struct span canonical)
{
	struct span_reader r = span_read(canonical);
	uint8_t version = span_read_u8(&r);
	uint8_t binding = span_read_u8(&r);
	uint8_t holds = span_read_u8(&r);
	size_t originators = 0;

	if (version != CANONICAL_VERSION || binding > 1 || holds > 1)
		return false;
	l->binding = binding;
	l->holds_data = holds;
	l->part_count = decode_count(&r, LABEL_PART_MAX);
	l->parts = arena_array(&l->arena, l->part_count + 1, sizeof(*l->parts));
	if (!l->parts)
		return false;
	for (size_t i = 0; i < l->part_count; i++) {
		if (!decode_part(l, &r, &l->parts[i]))
			return false;
		if (l->parts[i].kind == LABEL_ORIGINATOR) {
			l->originator = i;
			originators++;
		}
	}
	l->reference_count = decode_count(&r, LABEL_REFERENCE_MAX);
	l->references = arena_array(&l->arena, l->reference_count + 1,
				    sizeof(*l->references));
	if (!l->references)
		return false;
	for (size_t i = 0; i < l->reference_count; i++)
		l->references[i] = decode_text(l, &r);
	return originators == 1 && span_read_done(&r) && !l->arena.full;
}

struct err label_decode(struct span canonical, struct span xml,
			struct label **out)
{
	struct label *label;
	struct err e;

	if (xml.len > LABEL_MAX || canonical.len > LABEL_CANONICAL_MAX)
		return err_make(ERR_TOO_LARGE, "label too large");
	e = label_new(xml, &label);
	if (failed(e))
		return e;
	if (!decode(label, canonical)) {
		e = err_make(label->arena.starved ? ERR_NO_MEMORY
						  : ERR_MALFORMED,
			     "label: not a canonical form");
		label_free(label);
		return e;
	}
	*out = label;
	return ERR_NONE;
}
