/* Content blobs of a device's folder: on their way, sealed, opened. */
#include "client/files.h"

#include "proto/base/base64.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* "<folder>/content/<digest><suffix>" */
static struct err blob_path(const char *folder, struct digest table,
			    const char *suffix, char out[FILES_PATH_MAX])
{
	char text[DIGEST_TEXT_LEN + 1];
	int n;

	digest_format(table, text);
	n = snprintf(out, FILES_PATH_MAX, "%s/content/%s%s", folder, text,
		     suffix);
	return n < 0 || n >= FILES_PATH_MAX
		       ? err_make(ERR_TOO_LARGE, "a path is too long")
		       : ERR_NONE;
}

static struct err read_at(int fd, uint64_t offset, uint8_t *out, size_t len)
{
	while (len > 0) {
		ssize_t n = pread(fd, out, len, (off_t)offset);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_make(ERR_IO, "a file cannot be read");
		if (n == 0)
			return err_make(ERR_CORRUPT, "a file is cut short");
		out += n;
		offset += (uint64_t)n;
		len -= (size_t)n;
	}
	return ERR_NONE;
}

static struct err write_at(int fd, uint64_t offset, struct span bytes)
{
	while (bytes.len > 0) {
		ssize_t n = pwrite(fd, bytes.at, bytes.len, (off_t)offset);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return errno == ENOSPC || errno == EDQUOT
				       ? err_make(ERR_DISK_FULL,
						  "no room on the disk")
				       : err_make(ERR_IO,
						  "a file cannot be written");
		offset += (uint64_t)n;
		bytes = span_sub(bytes, (size_t)n, SIZE_MAX);
	}
	return ERR_NONE;
}

static struct err finish(int fd, const char *from, const char *to)
{
	if (fsync(fd) != 0)
		return err_make(ERR_IO, "a file cannot be synced");
	if (rename(from, to) != 0)
		return err_make(ERR_IO, "a file cannot be renamed");
	return ERR_NONE;
}

/* ---- parts ---- */

uint64_t files_part_len(const char *folder, struct digest table)
{
	char path[FILES_PATH_MAX];
	struct stat st;

	if (failed(blob_path(folder, table, ".part", path)) ||
	    stat(path, &st) != 0)
		return 0;
	return (uint64_t)st.st_size;
}

struct err files_part_add(const char *folder, struct digest table,
			  uint64_t offset, struct span bytes)
{
	char path[FILES_PATH_MAX];
	struct err e = blob_path(folder, table, ".part", path);
	int fd;

	if (failed(e))
		return e;
	if (offset != files_part_len(folder, table))
		return err_make(ERR_RANGE, "a piece out of order");
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0)
		return err_make(ERR_IO, "a file cannot be made");
	e = write_at(fd, offset, bytes);
	close(fd);
	return e;
}

/* The table at the head of a blob, checked as a whole. */
static struct err read_table(int fd, struct digest table, uint64_t size,
			     size_t keys, struct buf *out)
{
	uint64_t len = segment_table_len(size);
	uint8_t *at;
	struct err e;

	buf_init(out, (size_t)segment_table_len(UINT64_C(1) << 36));
	at = buf_grow(out, (size_t)len);
	e = buf_check(out);
	if (!failed(e))
		e = read_at(fd, 0, at, (size_t)len);
	if (!failed(e))
		e = segment_table_check(buf_span(out), size, table, keys);
	return e;
}

struct err files_part_end(const char *folder, struct digest table,
			  uint64_t size, size_t keys)
{
	char part[FILES_PATH_MAX], path[FILES_PATH_MAX];
	struct buf head = {0};
	uint8_t *sealed = NULL;
	struct stat st;
	struct err e = blob_path(folder, table, ".part", part);
	int fd;

	if (!failed(e))
		e = blob_path(folder, table, "", path);
	if (failed(e))
		return e;
	fd = open(part, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return err_make(ERR_MISSING_CONTENT, "no content has come");
	if (fstat(fd, &st) != 0 ||
	    (uint64_t)st.st_size != segment_blob_len(size))
		e = err_make(ERR_DIGEST, "content of another length");
	if (!failed(e))
		e = read_table(fd, table, size, keys, &head);
	if (!failed(e) && !(sealed = malloc(SEGMENT_SEALED_MAX)))
		e = err_make(ERR_NO_MEMORY, "a segment");
	for (uint64_t i = 0; !failed(e) && i < segment_count(size); i++) {
		struct segment_entry entry =
			segment_table_at(buf_span(&head), i);
		size_t len = segment_sealed_len(size, i);

		e = read_at(fd, segment_offset(size, i), sealed, len);
		if (!failed(e))
			e = segment_check(&entry, span_of(sealed, len));
	}
	if (!failed(e))
		e = finish(fd, part, path);
	/* What fails its digest is of no use to anybody. */
	if (e.code == ERR_DIGEST || e.code == ERR_MALFORMED)
		unlink(part);
	close(fd);
	free(sealed);
	buf_clear(&head);
	return e;
}

bool files_has_content(const char *folder, struct digest table)
{
	char path[FILES_PATH_MAX];

	return !failed(blob_path(folder, table, "", path)) &&
	       files_exist(path);
}

void files_remove_content(const char *folder, struct digest table)
{
	char path[FILES_PATH_MAX];

	if (!failed(blob_path(folder, table, "", path)))
		unlink(path);
	if (!failed(blob_path(folder, table, ".part", path)))
		unlink(path);
}

struct err files_read_content(const char *folder, struct digest table,
			      uint64_t offset, size_t len, struct buf *out)
{
	char path[FILES_PATH_MAX];
	struct err e = blob_path(folder, table, "", path);
	uint8_t *at;
	int fd;

	if (failed(e))
		return e;
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return err_make(ERR_MISSING_CONTENT, "no content is here");
	at = buf_grow(out, len);
	e = buf_check(out);
	if (!failed(e))
		e = read_at(fd, offset, at, len);
	close(fd);
	return e;
}

/* ---- sealing ---- */

/* Plaintext that is read in order: memory or a file. */
struct source {
	struct span bytes;
	int fd; /* -1: memory */
	uint64_t size;
};

static struct err source_open(struct source *s, const struct files_plain *p)
{
	struct stat st;

	*s = (struct source){.fd = -1, .bytes = p->bytes, .size = p->bytes.len};
	if (!p->path)
		return ERR_NONE;
	s->fd = open(p->path, O_RDONLY | O_CLOEXEC);
	if (s->fd < 0)
		return err_make(errno == ENOENT ? ERR_USAGE : ERR_IO,
				"the file cannot be opened");
	if (fstat(s->fd, &st) != 0 || !S_ISREG(st.st_mode))
		return err_make(ERR_USAGE, "this is no plain file");
	s->size = (uint64_t)st.st_size;
	return ERR_NONE;
}

static struct err source_read(const struct source *s, uint64_t offset,
			      uint8_t *out, size_t len)
{
	if (s->fd >= 0)
		return read_at(s->fd, offset, out, len);
	if (len)
		memcpy(out, s->bytes.at + offset, len);
	return ERR_NONE;
}

/* One segment from `source` to its place in the blob. */
static struct err seal_one(const struct source *source,
			   const struct segment_keys *keys,
			   struct doc_id document, const struct random *random,
			   uint64_t i, uint8_t *plain, struct buf *sealed,
			   struct segment_entry *entry, int fd)
{
	uint64_t count = segment_count(source->size);
	size_t len = segment_plain_len(source->size, i);
	uint8_t nonce[CRYPTO_NONCE_LEN];
	struct err e = source_read(source, i * SEGMENT_SIZE, plain, len);

	buf_reset(sealed);
	if (!failed(e))
		e = random_fill(random, nonce, sizeof(nonce));
	if (!failed(e))
		e = segment_seal(keys, document, i, i + 1 == count, nonce,
				 span_of(plain, len), sealed);
	if (!failed(e))
		e = crypto_sha256(buf_span(sealed), &entry->digest);
	entry->key = 0;
	if (!failed(e))
		e = write_at(fd, segment_offset(source->size, i),
			     buf_span(sealed));
	return e;
}

struct err files_seal(const char *folder, const struct files_plain *plain,
		      const struct segment_keys *keys, struct doc_id document,
		      const struct random *random, struct digest *table,
		      uint64_t *size)
{
	char beside[FILES_PATH_MAX], path[FILES_PATH_MAX];
	struct segment_entry *entries = NULL;
	struct source source;
	struct buf sealed, head = {0};
	uint8_t *bytes = NULL;
	struct digest name;
	int fd = -1;
	struct err e = source_open(&source, plain);

	buf_init(&sealed, SEGMENT_SEALED_MAX);
	if (!failed(e) && source.size > UINT64_C(1) << 36)
		e = err_make(ERR_TOO_LARGE, "a document is at most 64 GiB");
	if (failed(e))
		goto out;
	bytes = malloc(SEGMENT_SIZE);
	entries = calloc((size_t)segment_count(source.size), sizeof(*entries));
	buf_init(&head, (size_t)segment_table_len(source.size));
	if (!bytes || !entries) {
		e = err_make(ERR_NO_MEMORY, "sealing");
		goto out;
	}
	e = files_path(folder, "content/sealing.new", beside);
	if (failed(e))
		goto out;
	fd = open(beside, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0) {
		e = err_make(ERR_IO, "a file cannot be made");
		goto out;
	}
	for (uint64_t i = 0; !failed(e) && i < segment_count(source.size); i++)
		e = seal_one(&source, keys, document, random, i, bytes, &sealed,
			     &entries[i], fd);
	if (failed(e))
		goto out;
	segment_table_encode(entries, segment_count(source.size), &head);
	e = buf_check(&head);
	if (!failed(e))
		e = segment_table_digest(buf_span(&head), &name);
	if (!failed(e))
		e = write_at(fd, 0, buf_span(&head));
	if (!failed(e))
		e = blob_path(folder, name, "", path);
	if (!failed(e))
		e = finish(fd, beside, path);
	if (!failed(e)) {
		*table = name;
		*size = source.size;
	}
out:
	if (fd >= 0)
		close(fd);
	if (source.fd >= 0)
		close(source.fd);
	if (bytes)
		wipe(bytes, SEGMENT_SIZE);
	free(bytes);
	free(entries);
	buf_clear(&sealed);
	buf_clear(&head);
	return e;
}

/* ---- opening ---- */

static struct err open_one(int fd, struct span table, uint64_t size,
			   uint64_t i, struct doc_id document,
			   const struct segment_keys *keys, uint8_t *sealed,
			   struct buf *plain)
{
	struct segment_entry entry = segment_table_at(table, i);
	size_t len = segment_sealed_len(size, i);
	struct err e = read_at(fd, segment_offset(size, i), sealed, len);

	if (!failed(e))
		e = segment_check(&entry, span_of(sealed, len));
	if (!failed(e))
		e = segment_open(&keys[entry.key], document, i,
				 i + 1 == segment_count(size),
				 span_of(sealed, len), plain);
	return e;
}

struct err files_open(const char *folder, struct digest table, uint64_t size,
		      struct doc_id document, const struct segment_keys *keys,
		      size_t keys_count, const char *path, struct buf *out)
{
	char blob[FILES_PATH_MAX], beside[FILES_PATH_MAX];
	struct buf head = {0}, plain;
	uint8_t *sealed = malloc(SEGMENT_SEALED_MAX);
	int in = -1, to = -1;
	struct err e = blob_path(folder, table, "", blob);

	buf_init(&plain, SEGMENT_SIZE);
	if (!failed(e) && !sealed)
		e = err_make(ERR_NO_MEMORY, "a segment");
	if (!failed(e) && (in = open(blob, O_RDONLY | O_CLOEXEC)) < 0)
		e = err_make(ERR_MISSING_CONTENT, "no content is here");
	if (!failed(e))
		e = read_table(in, table, size, keys_count, &head);
	if (!failed(e) && path) {
		if ((size_t)snprintf(beside, sizeof(beside), "%s.entente-new",
				     path) >= sizeof(beside))
			e = err_make(ERR_TOO_LARGE, "a path is too long");
		if (!failed(e) &&
		    (to = open(beside, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC |
			       O_NOFOLLOW, 0600)) < 0)
			e = err_make(ERR_IO, "a file cannot be made");
	}
	for (uint64_t i = 0; !failed(e) && i < segment_count(size); i++) {
		struct buf *into = path ? &plain : out;

		buf_reset(&plain);
		e = open_one(in, buf_span(&head), size, i, document, keys,
			     sealed, into);
		if (!failed(e))
			e = buf_check(into);
		if (!failed(e) && path)
			e = write_at(to, i * SEGMENT_SIZE, buf_span(&plain));
	}
	if (!failed(e) && path)
		e = finish(to, beside, path);
	if (failed(e) && to >= 0)
		unlink(beside);
	if (in >= 0)
		close(in);
	if (to >= 0)
		close(to);
	free(sealed);
	buf_clear(&head);
	buf_wipe(&plain);
	return e;
}

/* ---- sweeping ---- */

void files_sweep_content(const char *folder,
			 bool (*keep)(void *self, struct digest table),
			 void *self)
{
	char path[FILES_PATH_MAX], whole[FILES_PATH_MAX];
	struct dirent *entry;
	DIR *dir;

	if (failed(files_path(folder, "content", path)))
		return;
	dir = opendir(path);
	while (dir && (entry = readdir(dir))) {
		size_t len = strlen(entry->d_name);
		struct digest table;

		if (entry->d_name[0] == '.')
			continue;
		if (len >= DIGEST_TEXT_LEN &&
		    !failed(digest_parse(span_of(entry->d_name,
						 DIGEST_TEXT_LEN),
					 &table)) &&
		    keep(self, table))
			continue;
		if (!failed(files_path(path, entry->d_name, whole)))
			unlink(whole);
	}
	if (dir)
		closedir(dir);
}
