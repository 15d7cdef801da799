/* Whole contents, a segment at a time. */
#include "proto/document/package.h"

#include <stdlib.h>

struct package_writer {
	struct doc_id document;
	uint64_t size;
	uint64_t next; /* segment */
	const struct random *random;
	uint8_t key[CRYPTO_KEY_LEN];
	struct segment_keys keys;
	struct buf table;
	struct digest commitments[MANIFEST_KEYS_MAX];
	size_t keys_count;
};

struct err package_writer_new(struct doc_id document, uint64_t size,
			      const struct random *random,
			      struct package_writer **out)
{
	struct package_writer *w = NULL;
	struct err e;

	if (size > MANIFEST_SIZE_MAX)
		return err_make(ERR_TOO_LARGE, "content size");
	w = calloc(1, sizeof(*w));
	if (!w)
		return err_make(ERR_NO_MEMORY, "sealing content");
	w->document = document;
	w->size = size;
	w->random = random;
	buf_init(&w->table, segment_table_len(size));
	e = random_fill(random, w->key, sizeof(w->key));
	if (!failed(e))
		e = segment_keys_derive(w->key, document, &w->keys);
	if (failed(e)) {
		package_writer_free(w);
		return e;
	}
	w->commitments[0] = w->keys.commitment;
	w->keys_count = 1;
	*out = w;
	return ERR_NONE;
}

void package_writer_free(struct package_writer *w)
{
	if (!w)
		return;
	buf_clear(&w->table);
	wipe(w, sizeof(*w));
	free(w);
}

const uint8_t *package_writer_key(const struct package_writer *w)
{
	return w->key;
}

struct err package_writer_segment(struct package_writer *w, struct span plain,
				  struct buf *sealed)
{
	uint64_t count = segment_count(w->size);
	struct segment_entry entry = {0};
	uint8_t nonce[CRYPTO_NONCE_LEN];
	size_t before = sealed->len;
	struct err e;

	if (w->next == count ||
	    plain.len != segment_plain_len(w->size, w->next))
		return err_make(ERR_CONFLICT, "segment of a wrong length");
	e = random_fill(w->random, nonce, sizeof(nonce));
	if (!failed(e))
		e = segment_seal(&w->keys, w->document, w->next,
				 w->next + 1 == count, nonce, plain, sealed);
	if (!failed(e))
		e = crypto_sha256(span_sub(buf_span(sealed), before,
					   sealed->len - before),
				  &entry.digest);
	if (failed(e))
		return e;
	segment_table_encode(&entry, 1, &w->table);
	w->next++;
	return buf_check(&w->table);
}

/* The position of a commitment, a new one if it is not there; 16 if there is
 * no room. */
static size_t key_position(struct package_writer *w, struct digest commitment)
{
	size_t i = 0;

	while (i < w->keys_count && !digest_eq(w->commitments[i], commitment))
		i++;
	if (i == w->keys_count && i < MANIFEST_KEYS_MAX)
		w->commitments[w->keys_count++] = commitment;
	return i;
}

struct err package_writer_keep(struct package_writer *w,
			       const struct manifest *parent,
			       struct segment_entry entry)
{
	uint64_t count = segment_count(w->size);
	bool last = w->next + 1 == count;
	bool last_there = w->next + 1 == segment_count(parent->size);
	size_t position;

	if (w->next == count || last != last_there ||
	    segment_plain_len(w->size, w->next) !=
		    segment_plain_len(parent->size, w->next) ||
	    entry.key >= parent->keys_count ||
	    !doc_id_eq(w->document, parent->id))
		return err_make(ERR_CONFLICT, "segment cannot be kept");
	position = key_position(w, parent->keys[entry.key]);
	if (position == MANIFEST_KEYS_MAX)
		return err_make(ERR_TOO_LARGE, "more than 16 keys");
	entry.key = (uint8_t)position;
	segment_table_encode(&entry, 1, &w->table);
	w->next++;
	return buf_check(&w->table);
}

struct err package_writer_title(struct package_writer *w, struct span json,
				struct buf *sealed)
{
	uint8_t nonce[CRYPTO_NONCE_LEN];
	struct err e;

	if (json.len + SEGMENT_OVERHEAD > MANIFEST_SEALED_MAX)
		return err_make(ERR_TOO_LARGE, "title and properties");
	e = random_fill(w->random, nonce, sizeof(nonce));
	if (!failed(e))
		e = segment_title_seal(&w->keys, w->document, nonce, json,
				       sealed);
	return e;
}

struct err package_writer_finish(struct package_writer *w, struct buf *table,
				 struct manifest *m)
{
	struct digest digest;
	struct err e;

	if (w->next != segment_count(w->size))
		return err_make(ERR_CONFLICT, "segments are missing");
	e = segment_table_digest(buf_span(&w->table), &digest);
	if (failed(e))
		return e;
	buf_put(table, buf_span(&w->table));
	m->suite = SEGMENT_SUITE;
	m->size = w->size;
	m->table = digest;
	m->keys = w->commitments;
	m->keys_count = w->keys_count;
	return buf_check(table);
}

/* ---- opening ---- */

struct package_reader {
	struct doc_id document;
	uint64_t size;
	size_t keys_count;
	struct digest commitments[MANIFEST_KEYS_MAX];
	struct segment_keys keys[MANIFEST_KEYS_MAX];
	bool known[MANIFEST_KEYS_MAX];
	uint8_t sealed[MANIFEST_SEALED_MAX]; /* title and properties */
	size_t sealed_len;
	struct buf table;
};

struct err package_reader_new(const struct manifest *m, struct span table,
			      struct package_reader **out)
{
	struct package_reader *r = NULL;
	struct err e;

	if (m->suite != SEGMENT_SUITE)
		return err_make(ERR_UNSUPPORTED, "content suite");
	if (m->keys_count > MANIFEST_KEYS_MAX ||
	    m->sealed.len > MANIFEST_SEALED_MAX)
		return err_make(ERR_TOO_LARGE, "manifest beyond its caps");
	e = segment_table_check(table, m->size, m->table, m->keys_count);
	if (failed(e))
		return e;
	r = calloc(1, sizeof(*r));
	if (!r)
		return err_make(ERR_NO_MEMORY, "opening content");
	r->document = m->id;
	r->size = m->size;
	r->keys_count = m->keys_count;
	for (size_t i = 0; i < m->keys_count; i++)
		r->commitments[i] = m->keys[i];
	r->sealed_len = m->sealed.len;
	if (m->sealed.len)
		memcpy(r->sealed, m->sealed.at, m->sealed.len);
	buf_init(&r->table, table.len);
	buf_put(&r->table, table);
	e = buf_check(&r->table);
	if (failed(e)) {
		package_reader_free(r);
		return e;
	}
	*out = r;
	return ERR_NONE;
}

void package_reader_free(struct package_reader *r)
{
	if (!r)
		return;
	buf_clear(&r->table);
	wipe(r, sizeof(*r));
	free(r);
}

struct err package_reader_key(struct package_reader *r, size_t key,
			      const uint8_t content_key[CRYPTO_KEY_LEN])
{
	struct err e;

	if (key >= r->keys_count)
		return err_make(ERR_NOT_FOUND, "no key of that position");
	e = segment_check_key(content_key, r->document, r->commitments[key]);
	if (!failed(e))
		e = segment_keys_derive(content_key, r->document,
					&r->keys[key]);
	if (!failed(e))
		r->known[key] = true;
	return e;
}

struct err package_reader_segment(struct package_reader *r, uint64_t index,
				  struct span sealed, struct buf *plain)
{
	struct segment_entry entry;
	struct err e;

	if (index >= segment_count(r->size))
		return err_make(ERR_NOT_FOUND, "no segment of that index");
	if (sealed.len != segment_sealed_len(r->size, index))
		return err_make(ERR_MALFORMED, "segment of a wrong length");
	entry = segment_table_at(buf_span(&r->table), index);
	e = segment_check(&entry, sealed);
	if (failed(e))
		return e;
	if (!r->known[entry.key])
		return err_make(ERR_MISSING_KEY, "content key not at hand");
	return segment_open(&r->keys[entry.key], r->document, index,
			    index + 1 == segment_count(r->size), sealed, plain);
}

struct err package_reader_title(struct package_reader *r, struct buf *json)
{
	if (r->sealed_len == 0)
		return ERR_NONE;
	if (!r->known[0])
		return err_make(ERR_MISSING_KEY, "content key not at hand");
	return segment_title_open(&r->keys[0], r->document,
				  span_of(r->sealed, r->sealed_len), json);
}

/* ---- small documents ---- */

struct err package_seal_small(struct package_writer *w, struct span plain,
			      struct buf *blob, struct manifest *m)
{
	struct buf sealed;
	struct err e;

	if (plain.len > SEGMENT_SMALL_MAX)
		return err_make(ERR_TOO_LARGE, "not a small document");
	buf_init(&sealed, SEGMENT_SMALL_MAX + SEGMENT_OVERHEAD);
	e = package_writer_segment(w, plain, &sealed);
	if (!failed(e))
		e = package_writer_finish(w, blob, m);
	if (!failed(e))
		buf_put(blob, buf_span(&sealed));
	if (!failed(e))
		e = buf_check(blob);
	buf_clear(&sealed);
	return e;
}

struct err package_open_small(const struct manifest *m, struct span blob,
			      const uint8_t content_key[CRYPTO_KEY_LEN],
			      struct buf *plain)
{
	struct package_reader *r = NULL;
	uint64_t table = segment_table_len(m->size);
	struct err e;

	if (m->size > SEGMENT_SMALL_MAX)
		return err_make(ERR_TOO_LARGE, "not a small document");
	if (blob.len != segment_blob_len(m->size))
		return err_make(ERR_MALFORMED, "content of a wrong length");
	e = package_reader_new(m, span_sub(blob, 0, table), &r);
	if (!failed(e))
		e = package_reader_key(r, segment_table_at(blob, 0).key,
				       content_key);
	if (!failed(e))
		e = package_reader_segment(r, 0,
					   span_sub(blob, table,
						    blob.len - table),
					   plain);
	package_reader_free(r);
	return e;
}
