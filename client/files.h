/*
 * The files of a device's folder: small ones written whole, content blobs
 * sealed as they came, and plaintext only where somebody asks for it.
 *
 *	<folder>/content/<table digest>	      a content blob, checked
 *	<folder>/content/<table digest>.part  one on its way
 *
 * A file is written beside, synced and renamed, so a name stands for a whole
 * file or for none.
 */
#ifndef CLIENT_FILES_H
#define CLIENT_FILES_H

#include "proto/base/random.h"
#include "proto/document/package.h"

enum { FILES_SMALL_MAX = 16 << 20, FILES_PATH_MAX = 4096 };

/* Makes a folder and those above it, 0700; one that is there is fine. */
struct err files_make_folder(const char *path);
/* "<folder>/<name>"; ERR_TOO_LARGE beyond FILES_PATH_MAX. */
struct err files_path(const char *folder, const char *name,
		      char out[FILES_PATH_MAX]);

/* Appends a whole file; ERR_NOT_FOUND, ERR_TOO_LARGE beyond the buffer. */
struct err files_read(const char *path, struct buf *out);
/* Beside, sync, rename; `mode` such as 0600. */
struct err files_write(const char *path, struct span bytes, unsigned mode);
bool files_exist(const char *path);
/* Overwrites nothing it did not write: the bytes go with the key. */
void files_remove(const char *path);
/* SHA-256 of a file's bytes, and its length; no symbolic link is followed. */
struct err files_digest(const char *path, struct digest *out, uint64_t *size);

/* ---- content ---- */

/* Bytes of the part that is there, in order from 0; 0 if there is none. */
uint64_t files_part_len(const char *folder, struct digest table);
/* Adds bytes at `offset`, which must be the part's length. */
struct err files_part_add(const char *folder, struct digest table,
			  uint64_t offset, struct span bytes);
/* Checks table and segments of the whole part (ERR_DIGEST, and the part is
 * removed) and gives it its name. */
struct err files_part_end(const char *folder, struct digest table,
			  uint64_t size, size_t keys);
bool files_has_content(const char *folder, struct digest table);
void files_remove_content(const char *folder, struct digest table);
/* Appends `len` bytes from `offset` of a blob. */
struct err files_read_content(const char *folder, struct digest table,
			      uint64_t offset, size_t len, struct buf *out);

/* What is sealed or opened: bytes in memory, or a file. */
struct files_plain {
	struct span bytes;
	const char *path; /* counts if it is not NULL */
	bool no_follow;	  /* `path` must not be a symbolic link */
};

/* The revision before, in a blob that is here or not; keys in the order of
 * the manifest. */
struct files_parent {
	const struct manifest *manifest;
	const struct segment_keys *keys;
};

/*
 * Seals plaintext with one fresh key into a blob of its own, named by its
 * table digest.  Segments that are as in `parent` (may be NULL) keep their
 * bytes and their key.  Sets what a manifest says of content; `m->keys` lives
 * as long as the writer, which has the fresh key and seals the title.
 */
struct err files_seal(const char *folder, const struct files_plain *plain,
		      struct doc_id document, const struct random *random,
		      const struct files_parent *parent,
		      struct package_writer **out, struct manifest *m);
/* Opens a blob, each segment checked against the table and that against
 * `table`.  `keys` in the manifest's order.  To `path` (beside, then renamed,
 * 0600), or appended to `out` where path is NULL. */
struct err files_open(const char *folder, struct digest table, uint64_t size,
		      struct doc_id document, const struct segment_keys *keys,
		      size_t keys_count, const char *path, struct buf *out);

/* The SHA-256 of the plaintext; none of it is kept. */
struct err files_open_digest(const char *folder, struct digest table,
			     uint64_t size, struct doc_id document,
			     const struct segment_keys *keys, size_t keys_count,
			     struct digest *out);

/* ---- uploads ---- */

/* A blob on its way up, over one that the relay has: segments that both
 * tables list at the same index are left out. */
struct files_upload {
	struct digest table;
	uint64_t size;
	bool over;
	struct digest over_table;
	uint64_t over_size;
};

/* How many bytes go up.  ERR_MISSING_CONTENT if a blob is not here. */
struct err files_upload_len(const char *folder, const struct files_upload *u,
			    uint64_t *out);
/* Appends `len` bytes of them, from `offset`. */
struct err files_upload_read(const char *folder, const struct files_upload *u,
			     uint64_t offset, size_t len, struct buf *out);

/* Removes every blob and part whose table `keep` denies. */
void files_sweep_content(const char *folder,
			 bool (*keep)(void *self, struct digest table),
			 void *self);

#endif
