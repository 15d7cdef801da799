/* Document ids (RFC 9562 s.5.7) and their openings. */
#include "proto/document/docid.h"
#include "proto/document/encoding.h"

enum { ENCODED_MAX = 192 };
#define TIME48_MAX ((UINT64_C(1) << 48) - 1)

struct err docid_make(const struct opening *opening, struct nation home,
		      uint64_t time_ms, struct doc_id *out)
{
	struct digest h;
	struct buf b;
	struct err e;
	uint8_t *id = out->at;
	uint8_t tail[10]; /* 74 bits, left-aligned */

	if (time_ms > TIME48_MAX)
		return err_make(ERR_MALFORMED, "time beyond 48 bits");
	e = space_check(opening->space);
	if (failed(e))
		return e;
	buf_init(&b, ENCODED_MAX);
	encode_domain(&b, DOMAIN_ID);
	encode_time48(&b, time_ms);
	encoding_put_nation(&b, home);
	buf_put_var(&b, opening->space);
	buf_put(&b, SPAN_OBJ(opening->author.at));
	buf_put(&b, SPAN_OBJ(opening->salt));
	e = encoding_hash(&b, &h);
	buf_clear(&b);
	if (failed(e))
		return e;
	memcpy(tail, h.at, sizeof(tail));
	for (int i = 0; i < 6; i++)
		id[i] = (uint8_t)(time_ms >> (40 - 8 * i));
	/* Version 7, 12 bits; variant 2, 62 bits. */
	id[6] = 0x70 | tail[0] >> 4;
	id[7] = (uint8_t)(tail[0] << 4 | tail[1] >> 4);
	id[8] = 0x80 | (tail[1] & 0x0f) << 2 | tail[2] >> 6;
	for (int i = 0; i < 7; i++)
		id[9 + i] = (uint8_t)(tail[2 + i] << 2 | tail[3 + i] >> 6);
	return ERR_NONE;
}

uint64_t docid_time_ms(struct doc_id id)
{
	uint64_t ms = 0;

	for (int i = 0; i < 6; i++)
		ms = ms << 8 | id.at[i];
	return ms;
}

struct err docid_check(struct doc_id id, const struct opening *opening,
		       struct nation home)
{
	struct doc_id made;
	struct err e = docid_make(opening, home, docid_time_ms(id), &made);

	if (failed(e))
		return e;
	if (!doc_id_eq(id, made))
		return err_make(ERR_FOREIGN_ID,
				"the opening does not make this id");
	return ERR_NONE;
}

struct err docid_check_time(struct doc_id id, uint64_t now_ms)
{
	uint64_t ms = docid_time_ms(id);

	if (ms > now_ms && ms - now_ms > DOCID_AHEAD_S * UINT64_C(1000))
		return err_make(ERR_TIME, "document id from the future");
	return ERR_NONE;
}

void docid_opening_encode(const struct opening *opening, struct buf *out)
{
	buf_put_var(out, opening->space);
	buf_put(out, SPAN_OBJ(opening->author.at));
	buf_put(out, SPAN_OBJ(opening->salt));
}

struct err docid_opening_decode(struct span raw, struct opening *out)
{
	struct span_reader r = span_read(raw);
	struct opening o = {0};
	struct err e;

	o.space = span_read_var(&r);
	span_read_into(&r, o.author.at, sizeof(o.author.at));
	span_read_into(&r, o.salt, sizeof(o.salt));
	e = encoding_read_end(&r);
	if (!failed(e))
		e = space_check(o.space);
	if (!failed(e))
		*out = o;
	return e;
}

struct err docid_opening_from_json(const struct json *object,
				   struct opening *out)
{
	static const char *const members[] = {"author", "salt", "space", NULL};
	struct opening o = {0};
	struct err e = json_only(object, members);

	if (!failed(e))
		e = json_get_fixed(object, "author", o.author.at,
				   sizeof(o.author.at));
	if (!failed(e))
		e = json_get_fixed(object, "salt", o.salt, sizeof(o.salt));
	if (!failed(e))
		e = json_get_string(object, "space", &o.space);
	if (!failed(e))
		e = space_check(o.space);
	if (!failed(e))
		*out = o;
	return e;
}

void docid_opening_to_json(const struct opening *opening, struct json_writer *w)
{
	json_open_object(w);
	json_member_key_id(w, "author", opening->author);
	json_member_bytes(w, "salt", SPAN_OBJ(opening->salt));
	json_member_string(w, "space", opening->space);
	json_close_object(w);
}
