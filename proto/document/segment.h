/*
 * Sealed content: segments of 256 KiB of plaintext, each AES-256-GCM with its
 * own nonce in front and its tag behind, and the table of their digests.
 *
 * The content blob of a revision is its table (33 bytes an entry: SHA-256 of
 * the sealed segment, key position), then the sealed segments.  Everything
 * about its layout follows from the plaintext's size.  An empty document has
 * one empty segment.
 */
#ifndef PROTO_DOCUMENT_SEGMENT_H
#define PROTO_DOCUMENT_SEGMENT_H

#include "proto/crypto/crypto.h"

enum {
	SEGMENT_SUITE = 1, /* AES-256-GCM, 256 KiB, SHA-256, HKDF-SHA256 */
	SEGMENT_SIZE = 262144,
	SEGMENT_OVERHEAD = CRYPTO_NONCE_LEN + CRYPTO_TAG_LEN,
	SEGMENT_SEALED_MAX = SEGMENT_SIZE + SEGMENT_OVERHEAD,
	SEGMENT_ENTRY_LEN = DIGEST_LEN + 1,
	/* Content of at most this many bytes of plaintext stands inline. */
	SEGMENT_SMALL_MAX = 16384,
};

/* ---- layout; sizes are those of the plaintext ---- */

/* max(1, ceil(size / SEGMENT_SIZE)) */
uint64_t segment_count(uint64_t size);
/* The plaintext length of segment `index`. */
size_t segment_plain_len(uint64_t size, uint64_t index);
static inline size_t segment_sealed_len(uint64_t size, uint64_t index)
{
	return segment_plain_len(size, index) + SEGMENT_OVERHEAD;
}
uint64_t segment_table_len(uint64_t size);
/* Where segment `index` begins in the blob. */
uint64_t segment_offset(uint64_t size, uint64_t index);
/* The length of the whole blob. */
uint64_t segment_blob_len(uint64_t size);
/* The segments that hold bytes [from, to) of the blob behind its table: the
 * first and one past the last; both 0 if there are none. */
void segment_span(uint64_t size, uint64_t from, uint64_t to, uint64_t *first,
		  uint64_t *end);

/* ---- keys ---- */

/* What one content key gives.  A secret: wipe when done. */
struct segment_keys {
	struct digest commitment; /* names the key; no secret */
	uint8_t segment[CRYPTO_KEY_LEN];
	uint8_t title[CRYPTO_KEY_LEN];
};

struct err segment_keys_derive(const uint8_t content_key[CRYPTO_KEY_LEN],
			       struct doc_id document,
			       struct segment_keys *out);
struct err segment_commitment(const uint8_t content_key[CRYPTO_KEY_LEN],
			      struct doc_id document, struct digest *out);
/* ERR_COMMITMENT unless the key makes this commitment. */
struct err segment_check_key(const uint8_t content_key[CRYPTO_KEY_LEN],
			     struct doc_id document, struct digest commitment);

/* ---- one segment ---- */

/* Appends nonce, ciphertext and tag.  The nonce is drawn at random by the
 * caller, once for each sealing. */
struct err segment_seal(const struct segment_keys *keys, struct doc_id document,
			uint64_t index, bool last,
			const uint8_t nonce[CRYPTO_NONCE_LEN],
			struct span plain, struct buf *out);
/* Appends the plaintext; ERR_DIGEST if it is not authentic. */
struct err segment_open(const struct segment_keys *keys, struct doc_id document,
			uint64_t index, bool last, struct span sealed,
			struct buf *out);

/* ---- the table ---- */

struct segment_entry {
	struct digest digest; /* of the sealed segment */
	uint8_t key;	      /* position in the manifest's keys */
};

void segment_table_encode(const struct segment_entry *entries, uint64_t count,
			  struct buf *out);
/* The i-th entry of a table's bytes; `i` is within. */
struct segment_entry segment_table_at(struct span table, uint64_t i);
/* H(E("entente table v1", suite, segment size, list)): what a manifest
 * names.  At most 65535 entries, else ERR_TOO_LARGE. */
struct err segment_table_digest(struct span table, struct digest *out);
/* The whole check of a table's bytes against a manifest: length by `size`,
 * digest (ERR_DIGEST), key positions below `keys` (ERR_MALFORMED), and each
 * of the `keys` but the first used by a segment (ERR_MALFORMED). */
struct err segment_table_check(struct span table, uint64_t size,
			       struct digest digest, size_t keys);
/* ERR_DIGEST unless `sealed` is what the entry names. */
struct err segment_check(const struct segment_entry *entry, struct span sealed);

/* The whole check of a content blob held in memory: its length by `size`, its
 * table as segment_table_check, each segment's digest.  ERR_DIGEST. */
struct err segment_blob_check(struct span blob, uint64_t size,
			      struct digest table, size_t keys);

/* ---- title and properties ---- */

/* Appends nonce, ciphertext, tag of the JSON of title and properties. */
struct err segment_title_seal(const struct segment_keys *keys,
			      struct doc_id document,
			      const uint8_t nonce[CRYPTO_NONCE_LEN],
			      struct span json, struct buf *out);
struct err segment_title_open(const struct segment_keys *keys,
			      struct doc_id document, struct span sealed,
			      struct buf *out);

#endif
