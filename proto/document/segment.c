/* Sealed segments, their table, and the sealed title. */
#include "proto/document/segment.h"

#include "proto/document/encoding.h"

enum { ENCODED_MAX = 160 };

/* ---- layout ---- */

uint64_t segment_count(uint64_t size)
{
	if (size == 0)
		return 1;
	return size / SEGMENT_SIZE + (size % SEGMENT_SIZE != 0);
}

size_t segment_plain_len(uint64_t size, uint64_t index)
{
	uint64_t count = segment_count(size);

	if (index >= count)
		return 0;
	if (index + 1 < count)
		return SEGMENT_SIZE;
	return (size_t)(size - (count - 1) * SEGMENT_SIZE);
}

uint64_t segment_table_len(uint64_t size)
{
	return segment_count(size) * SEGMENT_ENTRY_LEN;
}

uint64_t segment_offset(uint64_t size, uint64_t index)
{
	return segment_table_len(size) + index * SEGMENT_SEALED_MAX;
}

uint64_t segment_blob_len(uint64_t size)
{
	return segment_table_len(size) + size +
	       segment_count(size) * SEGMENT_OVERHEAD;
}

void segment_span(uint64_t size, uint64_t from, uint64_t to, uint64_t *first,
		  uint64_t *end)
{
	uint64_t table = segment_table_len(size);
	uint64_t len = segment_blob_len(size);

	*first = *end = 0;
	if (from < table)
		from = table;
	if (to > len)
		to = len;
	if (from >= to)
		return;
	*first = (from - table) / SEGMENT_SEALED_MAX;
	*end = (to - 1 - table) / SEGMENT_SEALED_MAX + 1;
}

/* ---- keys ---- */

static struct err derive(const uint8_t *content_key, enum domain d,
			 struct doc_id document, uint8_t out[32])
{
	struct buf b;
	struct err e;

	buf_init(&b, ENCODED_MAX);
	encode_domain(&b, d);
	buf_put_u16(&b, SEGMENT_SUITE);
	buf_put(&b, SPAN_OBJ(document.at));
	e = encoding_derive(span_of(content_key, CRYPTO_KEY_LEN), &b, out);
	buf_clear(&b);
	return e;
}

struct err segment_commitment(const uint8_t content_key[CRYPTO_KEY_LEN],
			      struct doc_id document, struct digest *out)
{
	return derive(content_key, DOMAIN_COMMITMENT, document, out->at);
}

struct err segment_keys_derive(const uint8_t content_key[CRYPTO_KEY_LEN],
			       struct doc_id document, struct segment_keys *out)
{
	struct err e =
		segment_commitment(content_key, document, &out->commitment);

	if (!failed(e))
		e = derive(content_key, DOMAIN_SEGMENT_KEY, document,
			   out->segment);
	if (!failed(e))
		e = derive(content_key, DOMAIN_TITLE_KEY, document, out->title);
	if (failed(e))
		wipe(out, sizeof(*out));
	return e;
}

struct err segment_check_key(const uint8_t content_key[CRYPTO_KEY_LEN],
			     struct doc_id document, struct digest commitment)
{
	struct digest made;
	struct err e = segment_commitment(content_key, document, &made);

	if (failed(e))
		return e;
	if (!span_eq_const_time(SPAN_OBJ(made.at), SPAN_OBJ(commitment.at)))
		return err_make(ERR_COMMITMENT,
				"content key of another commitment");
	return ERR_NONE;
}

/* ---- sealing ---- */

/* Nonce, then ciphertext and tag. */
static struct err seal(const uint8_t *key, const uint8_t *nonce,
		       const struct buf *aad, struct span plain,
		       struct buf *out)
{
	struct err e = buf_check(aad);
	size_t before = out->len;
	uint8_t *at;

	if (failed(e))
		return e;
	at = buf_grow(out, plain.len + SEGMENT_OVERHEAD);
	if (!at)
		return buf_check(out);
	memcpy(at, nonce, CRYPTO_NONCE_LEN);
	e = crypto_gcm_seal(key, nonce, buf_span(aad), plain,
			    at + CRYPTO_NONCE_LEN);
	if (failed(e))
		out->len = before;
	return e;
}

static struct err open(const uint8_t *key, const struct buf *aad,
		       struct span sealed, struct buf *out)
{
	struct err e = buf_check(aad);
	size_t before = out->len;
	uint8_t *at;

	if (failed(e))
		return e;
	at = buf_grow(out, sealed.len - SEGMENT_OVERHEAD);
	if (!at)
		return buf_check(out);
	e = crypto_gcm_open(key, sealed.at, buf_span(aad),
			    span_sub(sealed, CRYPTO_NONCE_LEN, sealed.len), at);
	if (failed(e))
		out->len = before;
	return e;
}

static void segment_aad(struct buf *b, struct doc_id document,
			struct digest commitment, uint64_t index, bool last)
{
	encode_domain(b, DOMAIN_SEGMENT);
	buf_put_u16(b, SEGMENT_SUITE);
	buf_put(b, SPAN_OBJ(document.at));
	encoding_put_digest(b, commitment);
	buf_put_u64(b, index);
	buf_put_u8(b, last);
}

struct err segment_seal(const struct segment_keys *keys, struct doc_id document,
			uint64_t index, bool last,
			const uint8_t nonce[CRYPTO_NONCE_LEN],
			struct span plain, struct buf *out)
{
	struct buf aad;
	struct err e;

	if (plain.len > SEGMENT_SIZE)
		return err_make(ERR_TOO_LARGE, "segment beyond 256 KiB");
	buf_init(&aad, ENCODED_MAX);
	segment_aad(&aad, document, keys->commitment, index, last);
	e = seal(keys->segment, nonce, &aad, plain, out);
	buf_clear(&aad);
	return e;
}

struct err segment_open(const struct segment_keys *keys, struct doc_id document,
			uint64_t index, bool last, struct span sealed,
			struct buf *out)
{
	struct buf aad;
	struct err e;

	if (sealed.len < SEGMENT_OVERHEAD || sealed.len > SEGMENT_SEALED_MAX)
		return err_make(ERR_MALFORMED, "segment of a wrong length");
	buf_init(&aad, ENCODED_MAX);
	segment_aad(&aad, document, keys->commitment, index, last);
	e = open(keys->segment, &aad, sealed, out);
	buf_clear(&aad);
	return e;
}

static void title_aad(struct buf *b, struct doc_id document,
		      struct digest commitment)
{
	encode_domain(b, DOMAIN_TITLE);
	buf_put_u16(b, SEGMENT_SUITE);
	buf_put(b, SPAN_OBJ(document.at));
	encoding_put_digest(b, commitment);
}

struct err segment_blob_check(struct span blob, uint64_t size,
			      struct digest table, size_t keys)
{
	struct span bytes = span_sub(blob, 0, segment_table_len(size));
	struct err e;

	if (blob.len != segment_blob_len(size))
		return err_make(ERR_DIGEST, "content is cut short, or longer "
					    "than its size says");
	e = segment_table_check(bytes, size, table, keys);
	for (uint64_t i = 0; !failed(e) && i < segment_count(size); i++) {
		struct segment_entry entry = segment_table_at(bytes, i);

		e = segment_check(&entry,
				  span_sub(blob, segment_offset(size, i),
					   segment_sealed_len(size, i)));
	}
	return e;
}

struct err segment_title_seal(const struct segment_keys *keys,
			      struct doc_id document,
			      const uint8_t nonce[CRYPTO_NONCE_LEN],
			      struct span json, struct buf *out)
{
	struct buf aad;
	struct err e;

	buf_init(&aad, ENCODED_MAX);
	title_aad(&aad, document, keys->commitment);
	e = seal(keys->title, nonce, &aad, json, out);
	buf_clear(&aad);
	return e;
}

struct err segment_title_open(const struct segment_keys *keys,
			      struct doc_id document, struct span sealed,
			      struct buf *out)
{
	struct buf aad;
	struct err e;

	if (sealed.len < SEGMENT_OVERHEAD)
		return err_make(ERR_MALFORMED, "title of a wrong length");
	buf_init(&aad, ENCODED_MAX);
	title_aad(&aad, document, keys->commitment);
	e = open(keys->title, &aad, sealed, out);
	buf_clear(&aad);
	return e;
}

/* ---- the table ---- */

void segment_table_encode(const struct segment_entry *entries, uint64_t count,
			  struct buf *out)
{
	for (uint64_t i = 0; i < count; i++) {
		encoding_put_digest(out, entries[i].digest);
		buf_put_u8(out, entries[i].key);
	}
}

struct segment_entry segment_table_at(struct span table, uint64_t i)
{
	const uint8_t *at = table.at + i * SEGMENT_ENTRY_LEN;
	struct segment_entry entry;

	memcpy(entry.digest.at, at, DIGEST_LEN);
	entry.key = at[DIGEST_LEN];
	return entry;
}

struct err segment_table_digest(struct span table, struct digest *out)
{
	struct crypto_hasher *h = NULL;
	struct buf front;
	struct err e;

	if (table.len == 0 || table.len % SEGMENT_ENTRY_LEN)
		return err_make(ERR_MALFORMED, "table of a wrong length");
	if (table.len / SEGMENT_ENTRY_LEN > UINT16_MAX)
		return err_make(ERR_TOO_LARGE, "table beyond 65535 segments");
	/* The list's members as E writes them are the table's own bytes. */
	buf_init(&front, ENCODED_MAX);
	encode_domain(&front, DOMAIN_TABLE);
	buf_put_u16(&front, SEGMENT_SUITE);
	buf_put_u64(&front, SEGMENT_SIZE);
	buf_put_u16(&front, (uint16_t)(table.len / SEGMENT_ENTRY_LEN));
	e = buf_check(&front);
	if (!failed(e))
		e = crypto_hasher_new(&h);
	if (!failed(e))
		e = crypto_hasher_update(h, buf_span(&front));
	if (!failed(e))
		e = crypto_hasher_update(h, table);
	if (!failed(e))
		e = crypto_hasher_final(h, out);
	crypto_hasher_free(h);
	buf_clear(&front);
	return e;
}

struct err segment_table_check(struct span table, uint64_t size,
			       struct digest digest, size_t keys)
{
	bool used[UINT8_MAX + 1] = {true};
	struct digest made;
	struct err e;

	if (table.len != segment_table_len(size))
		return err_make(ERR_MALFORMED, "table of a wrong length");
	e = segment_table_digest(table, &made);
	if (failed(e))
		return e;
	if (!digest_eq(made, digest))
		return err_make(ERR_DIGEST, "another table");
	for (size_t i = DIGEST_LEN; i < table.len; i += SEGMENT_ENTRY_LEN) {
		if (table.at[i] >= keys)
			return err_make(ERR_MALFORMED,
					"table names a key that is not there");
		used[table.at[i]] = true;
	}
	for (size_t i = 0; i < keys && i <= UINT8_MAX; i++)
		if (!used[i])
			return err_make(ERR_MALFORMED,
					"a key without a segment");
	return ERR_NONE;
}

struct err segment_check(const struct segment_entry *entry, struct span sealed)
{
	struct digest made;
	struct err e = crypto_sha256(sealed, &made);

	if (!failed(e) && !digest_eq(made, entry->digest))
		e = err_make(ERR_DIGEST, "another segment");
	return e;
}
