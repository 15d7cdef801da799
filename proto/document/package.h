/*
 * A whole revision's content from plaintext and back, one segment in memory.
 *
 * The packer takes plaintext in order, gives sealed segments, and at the end
 * the table and what a manifest says of the content.  The reader takes a
 * manifest, the table and the keys, and gives each segment's plaintext after
 * all checks.  No files: the caller moves the bytes.
 */
#ifndef PROTO_DOCUMENT_PACKAGE_H
#define PROTO_DOCUMENT_PACKAGE_H

#include "proto/base/random.h"
#include "proto/document/manifest.h"
#include "proto/document/segment.h"

/* ---- sealing ---- */

struct package_writer;

/* A fresh content key, drawn from `random`, for `size` bytes of plaintext.
 * Owns: release with package_writer_free, which wipes the key. */
struct err package_writer_new(struct doc_id document, uint64_t size,
			      const struct random *random,
			      struct package_writer **out);
void package_writer_free(struct package_writer *w);
/* Seal the next segment: `plain` has exactly segment_plain_len of it.
 * Appends the sealed bytes, at most SEGMENT_SEALED_MAX. */
struct err package_writer_segment(struct package_writer *w, struct span plain,
				  struct buf *sealed);
/*
 * Keep the next segment as `parent` has it, because its plaintext is
 * unchanged: `entry` is the parent's table entry at this index.  No bytes
 * move.  ERR_CONFLICT if its length or being the last differs (the associated
 * data says so), ERR_TOO_LARGE if that needed a 17th key: seal it anew then.
 */
struct err package_writer_keep(struct package_writer *w,
			       const struct manifest *parent,
			       struct segment_entry entry);
/* Seal title and properties (JSON); appends to `sealed`. */
struct err package_writer_title(struct package_writer *w, struct span json,
				struct buf *sealed);
/* After the last segment: the table, and in `m` suite, size, table and keys
 * (whose array lives as long as the writer). ERR_CONFLICT before the last. */
struct err package_writer_finish(struct package_writer *w, struct buf *table,
				 struct manifest *m);
/* The content key, to wrap; borrowed, a secret. */
const uint8_t *package_writer_key(const struct package_writer *w);

/* ---- opening ---- */

struct package_reader;

/* Checks the table against the manifest. Owns; package_reader_free wipes. */
struct err package_reader_new(const struct manifest *m, struct span table,
			      struct package_reader **out);
void package_reader_free(struct package_reader *r);
/* Hand in the content key of position `key`, checked by its commitment
 * (ERR_COMMITMENT). */
struct err package_reader_key(struct package_reader *r, size_t key,
			      const uint8_t content_key[CRYPTO_KEY_LEN]);
/* Open segment `index`: digest, then decryption.  Appends the plaintext.
 * ERR_MISSING_KEY if its key was not handed in. */
struct err package_reader_segment(struct package_reader *r, uint64_t index,
				  struct span sealed, struct buf *plain);
/* Open title and properties with key 0; appends the JSON. */
struct err package_reader_title(struct package_reader *r, struct buf *json);

/* The whole blob of a small document (at most SEGMENT_SMALL_MAX bytes of
 * plaintext), sealed or opened at once. */
struct err package_seal_small(struct package_writer *w, struct span plain,
			      struct buf *blob, struct manifest *m);
struct err package_open_small(const struct manifest *m, struct span blob,
			      const uint8_t content_key[CRYPTO_KEY_LEN],
			      struct buf *plain);

#endif
