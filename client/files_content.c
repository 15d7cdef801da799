/* Content blobs of a device's folder: on their way, sealed, opened. */
#include "client/files_fd.h"

#include "proto/base/base64.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- parts ---- */

uint64_t files_part_len(const char *folder, struct digest table)
{
	char path[FILES_PATH_MAX];
	struct stat st;

	if (failed(files_blob_path(folder, table, ".part", path)) ||
	    stat(path, &st) != 0)
		return 0;
	return (uint64_t)st.st_size;
}

struct err files_part_add(const char *folder, struct digest table,
			  uint64_t offset, struct span bytes)
{
	char path[FILES_PATH_MAX];
	struct err e = files_blob_path(folder, table, ".part", path);
	int fd;

	if (failed(e))
		return e;
	if (offset != files_part_len(folder, table))
		return err_make(ERR_RANGE, "a piece out of order");
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0)
		return err_make(ERR_IO, "a file cannot be made");
	e = files_fd_write(fd, offset, bytes);
	close(fd);
	return e;
}

struct err files_part_end(const char *folder, struct digest table,
			  uint64_t size, size_t keys)
{
	char part[FILES_PATH_MAX], path[FILES_PATH_MAX];
	struct buf head = {0};
	uint8_t *sealed = NULL;
	struct stat st;
	struct err e = files_blob_path(folder, table, ".part", part);
	int fd;

	if (!failed(e))
		e = files_blob_path(folder, table, "", path);
	if (failed(e))
		return e;
	fd = open(part, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return err_make(ERR_MISSING_CONTENT, "no content has come");
	if (fstat(fd, &st) != 0 ||
	    (uint64_t)st.st_size != segment_blob_len(size))
		e = err_make(ERR_DIGEST, "content of another length");
	if (!failed(e))
		e = files_fd_table(fd, table, size, keys, &head);
	if (!failed(e) && !(sealed = malloc(SEGMENT_SEALED_MAX)))
		e = err_make(ERR_NO_MEMORY, "a segment");
	for (uint64_t i = 0; !failed(e) && i < segment_count(size); i++) {
		struct segment_entry entry =
			segment_table_at(buf_span(&head), i);
		size_t len = segment_sealed_len(size, i);

		e = files_fd_read(fd, segment_offset(size, i), sealed, len);
		if (!failed(e))
			e = segment_check(&entry, span_of(sealed, len));
	}
	if (!failed(e))
		e = files_fd_finish(fd, part, path);
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

	return !failed(files_blob_path(folder, table, "", path)) &&
	       files_exist(path);
}

void files_remove_content(const char *folder, struct digest table)
{
	char path[FILES_PATH_MAX];

	if (!failed(files_blob_path(folder, table, "", path)))
		unlink(path);
	if (!failed(files_blob_path(folder, table, ".part", path)))
		unlink(path);
}

struct err files_read_content(const char *folder, struct digest table,
			      uint64_t offset, size_t len, struct buf *out)
{
	char path[FILES_PATH_MAX];
	struct err e = files_blob_path(folder, table, "", path);
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
		e = files_fd_read(fd, offset, at, len);
	close(fd);
	return e;
}

/* ---- opening ---- */

static struct err open_one(int fd, struct span table, uint64_t size, uint64_t i,
			   struct doc_id document,
			   const struct segment_keys *keys, uint8_t *sealed,
			   struct buf *plain)
{
	struct segment_entry entry = segment_table_at(table, i);
	size_t len = segment_sealed_len(size, i);
	struct err e = files_fd_read(fd, segment_offset(size, i), sealed, len);

	if (!failed(e))
		e = segment_check(&entry, span_of(sealed, len));
	if (!failed(e))
		e = segment_open(&keys[entry.key], document, i,
				 i + 1 == segment_count(size),
				 span_of(sealed, len), plain);
	return e;
}

/* Where plaintext goes: one of them. */
struct sink {
	int fd; /* -1: not there */
	struct buf *out;
	struct crypto_hasher *hasher;
};

static struct err sink_put(const struct sink *sink, uint64_t at,
			   struct span plain)
{
	if (sink->hasher)
		return crypto_hasher_update(sink->hasher, plain);
	if (sink->fd >= 0)
		return files_fd_write(sink->fd, at, plain);
	buf_put(sink->out, plain);
	return buf_check(sink->out);
}

static struct err open_all(const char *folder, struct digest table,
			   uint64_t size, struct doc_id document,
			   const struct segment_keys *keys, size_t keys_count,
			   const struct sink *sink)
{
	char blob[FILES_PATH_MAX];
	struct buf head = {0}, plain;
	uint8_t *sealed = malloc(SEGMENT_SEALED_MAX);
	int in = -1;
	struct err e = files_blob_path(folder, table, "", blob);

	buf_init(&plain, SEGMENT_SIZE);
	if (!failed(e) && !sealed)
		e = err_make(ERR_NO_MEMORY, "a segment");
	if (!failed(e) && (in = open(blob, O_RDONLY | O_CLOEXEC)) < 0)
		e = err_make(ERR_MISSING_CONTENT, "no content is here");
	if (!failed(e))
		e = files_fd_table(in, table, size, keys_count, &head);
	for (uint64_t i = 0; !failed(e) && i < segment_count(size); i++) {
		buf_reset(&plain);
		e = open_one(in, buf_span(&head), size, i, document, keys,
			     sealed, &plain);
		if (!failed(e))
			e = sink_put(sink, i * SEGMENT_SIZE, buf_span(&plain));
	}
	if (in >= 0)
		close(in);
	free(sealed);
	buf_clear(&head);
	buf_wipe(&plain);
	return e;
}

struct err files_open(const char *folder, struct digest table, uint64_t size,
		      struct doc_id document, const struct segment_keys *keys,
		      size_t keys_count, const char *path, struct buf *out)
{
	struct sink sink = {.fd = -1, .out = out};
	char beside[FILES_PATH_MAX];
	struct err e = path ? files_fd_new(path, beside, &sink.fd) : ERR_NONE;

	if (!failed(e))
		e = open_all(folder, table, size, document, keys, keys_count,
			     &sink);
	if (!failed(e) && path)
		e = files_fd_publish(sink.fd, beside, path);
	if (sink.fd >= 0) {
		close(sink.fd);
		if (failed(e))
			unlink(beside);
	}
	return e;
}

struct err files_open_digest(const char *folder, struct digest table,
			     uint64_t size, struct doc_id document,
			     const struct segment_keys *keys, size_t keys_count,
			     struct digest *out)
{
	struct sink sink = {.fd = -1};
	struct err e = crypto_hasher_new(&sink.hasher);

	if (!failed(e))
		e = open_all(folder, table, size, document, keys, keys_count,
			     &sink);
	if (!failed(e))
		e = crypto_hasher_final(sink.hasher, out);
	crypto_hasher_free(sink.hasher);
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
