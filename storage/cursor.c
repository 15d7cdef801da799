/* The sealed cursor. */
#include "proto/base/base64.h"
#include "proto/crypto/domain.h"
#include "storage/cursor.h"
#include "storage/faults.h"
#include "storage/record.h"

enum {
	/* Numbers of sets, losses and shelves fit 32 bits for longer than any
	 * store lives; sealing checks it. */
	PLAIN_LEN = 8 + 8 + 4 + 4 + 4 + 8 + 8 + 4 + 4,
	SEALED_LEN = 1 + CRYPTO_TAG_LEN + PLAIN_LEN,
	AAD_MAX = 64,
};
_Static_assert((SEALED_LEN * 4 + 2) / 3 + 1 <= CURSOR_TEXT_MAX,
	       "a cursor is under 130 characters");

bool cursor_eq(const struct cursor *a, const struct cursor *b)
{
	return a->incarnation == b->incarnation && a->seq.n == b->seq.n &&
	       a->complete == b->complete && a->target == b->target &&
	       a->fill_shelf == b->fill_shelf &&
	       a->fill_seq.n == b->fill_seq.n &&
	       a->fill_end.n == b->fill_end.n && a->loss == b->loss &&
	       a->shelves == b->shelves;
}

void cursor_reader_bytes(const struct reader_name *reader,
			 uint8_t out[CURSOR_READER_LEN])
{
	memset(out, 0, CURSOR_READER_LEN);
	if (reader->kind == KEY_READER_NATION)
		memcpy(out, reader->nation.code, NATION_LEN);
	else
		memcpy(out, reader->device.at, DIGEST_LEN);
}

static void aad(const struct reader_name *reader, struct buf *out)
{
	uint8_t name[CURSOR_READER_LEN];

	cursor_reader_bytes(reader, name);
	if (FAULT(reader_any))
		memset(name, 0, sizeof(name));
	encode_domain(out, DOMAIN_CURSOR);
	buf_put(out, SPAN_OBJ(name));
}

static bool fits(const struct cursor *c)
{
	return (c->complete | c->target | c->loss) >> 32 == 0;
}

struct err cursor_seal_with(const uint8_t key[CRYPTO_SIV_KEY_LEN],
			    uint8_t generation,
			    const struct reader_name *reader,
			    const struct cursor *c, char out[CURSOR_TEXT_MAX])
{
	uint8_t sealed[SEALED_LEN] = {generation};
	struct buf plain, name;
	struct err e;

	if (!fits(c))
		return err_make(ERR_TOO_LARGE, "a number beyond a cursor");
	buf_init(&plain, PLAIN_LEN);
	buf_init(&name, AAD_MAX);
	buf_put_u64(&plain, c->incarnation);
	buf_put_u64(&plain, c->seq.n);
	buf_put_u32(&plain, (uint32_t)c->complete);
	buf_put_u32(&plain, (uint32_t)c->target);
	buf_put_u32(&plain, c->fill_shelf);
	buf_put_u64(&plain, c->fill_seq.n);
	buf_put_u64(&plain, c->fill_end.n);
	buf_put_u32(&plain, (uint32_t)c->loss);
	buf_put_u32(&plain, c->shelves);
	aad(reader, &name);
	e = buf_check(&plain);
	if (!failed(e))
		e = buf_check(&name);
	if (!failed(e))
		e = crypto_siv_seal(key, buf_span(&name), buf_span(&plain),
				    sealed + 1);
	if (!failed(e))
		base64url_encode_to(SPAN_OBJ(sealed), out);
	if (!failed(e) && FAULT(length_told))
		for (uint64_t n = c->seq.n % 8; n; n--)
			strcat(out, "A");
	buf_clear(&plain);
	buf_clear(&name);
	return e;
}

static struct err text_decode(struct span text, uint8_t out[SEALED_LEN])
{
	if (FAULT(length_told))
		text = span_sub(text, 0, (SEALED_LEN * 4 + 2) / 3);
	return base64url_decode_fixed(text, out, SEALED_LEN);
}

struct err cursor_open_with(const uint8_t key[CRYPTO_SIV_KEY_LEN],
			    const struct reader_name *reader, struct span text,
			    struct cursor *out)
{
	uint8_t sealed[SEALED_LEN], plain[PLAIN_LEN];
	struct span_reader r = span_read(SPAN_OBJ(plain));
	struct buf name;
	struct err e;

	e = text_decode(text, sealed);
	if (failed(e))
		return e;
	buf_init(&name, AAD_MAX);
	aad(reader, &name);
	e = buf_check(&name);
	if (!failed(e))
		e = crypto_siv_open(key, buf_span(&name),
				    span_of(sealed + 1, SEALED_LEN - 1), plain);
	buf_clear(&name);
	if (e.code == ERR_DIGEST)
		return err_make(ERR_MALFORMED, "no cursor of this reader");
	if (failed(e))
		return e;
	out->incarnation = span_read_u64(&r);
	out->seq.n = span_read_u64(&r);
	out->complete = span_read_u32(&r);
	out->target = span_read_u32(&r);
	out->fill_shelf = span_read_u32(&r);
	out->fill_seq.n = span_read_u64(&r);
	out->fill_end.n = span_read_u64(&r);
	out->loss = span_read_u32(&r);
	out->shelves = span_read_u32(&r);
	return record_read_end(&r, "a cursor of another form");
}

struct err cursor_seal(struct ring *ring, const struct reader_name *reader,
		       const struct cursor *cursor, char out[CURSOR_TEXT_MAX])
{
	uint8_t generation = ring_key_generation(ring, RING_CURSOR);
	uint8_t key[CRYPTO_SIV_KEY_LEN];
	struct err e;

	e = ring_key_get(ring, RING_CURSOR, generation, key);
	if (!failed(e))
		e = cursor_seal_with(key, generation, reader, cursor, out);
	wipe(key, sizeof(key));
	return e;
}

struct err cursor_open(struct ring *ring, const struct reader_name *reader,
		       uint64_t incarnation, struct span text,
		       struct cursor *out)
{
	uint8_t key[CRYPTO_SIV_KEY_LEN];
	uint8_t sealed[SEALED_LEN];
	struct cursor c;
	struct err e;

	e = text_decode(text, sealed);
	if (failed(e))
		return e;
	e = ring_key_get(ring, RING_CURSOR,
			 FAULT(key_newest)
				 ? ring_key_generation(ring, RING_CURSOR)
				 : sealed[0],
			 key);
	if (!failed(e))
		e = cursor_open_with(key, reader, text, &c);
	wipe(key, sizeof(key));
	if (failed(e))
		return e;
	if (c.incarnation != incarnation && !FAULT(incarnation_any))
		return err_make(ERR_GONE, "a cursor of another incarnation");
	*out = c;
	return ERR_NONE;
}
