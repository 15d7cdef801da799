/* Bytes at a place of an open file. */
#define _GNU_SOURCE /* O_TMPFILE */
#include "client/files_fd.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

struct err files_blob_path(const char *folder, struct digest table,
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

struct err files_fd_read(int fd, uint64_t offset, uint8_t *out, size_t len)
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

struct err files_fd_write(int fd, uint64_t offset, struct span bytes)
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

struct err files_fd_finish(int fd, const char *from, const char *to)
{
	if (fsync(fd) != 0)
		return err_make(ERR_IO, "a file cannot be synced");
	if (rename(from, to) != 0)
		return err_make(ERR_IO, "a file cannot be renamed");
	return files_sync_folder_of(to);
}

struct err files_fd_table(int fd, struct digest table, uint64_t size,
			  size_t keys, struct buf *out)
{
	uint64_t len = segment_table_len(size);
	uint8_t *at;
	struct err e;

	buf_init(out, (size_t)segment_table_len(UINT64_C(1) << 36));
	at = buf_grow(out, (size_t)len);
	e = buf_check(out);
	if (!failed(e))
		e = files_fd_read(fd, 0, at, (size_t)len);
	if (!failed(e))
		e = segment_table_check(buf_span(out), size, table, keys);
	return e;
}

struct err files_fd_new(const char *path, char beside[FILES_PATH_MAX], int *out)
{
	const char *slash = strrchr(path, '/');
	char folder[FILES_PATH_MAX];
	int fd;

	if ((size_t)snprintf(beside, FILES_PATH_MAX, "%s.entente-new", path) >=
	    FILES_PATH_MAX)
		return err_make(ERR_TOO_LARGE, "a path is too long");
	snprintf(folder, sizeof(folder), "%.*s",
		 slash == path ? 1
		 : slash       ? (int)(slash - path)
			       : 1,
		 slash ? path : ".");
	fd = open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	if (fd < 0)
		fd = open(beside,
			  O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW,
			  0600);
	if (fd < 0)
		return err_make(ERR_IO, "a file cannot be made");
	*out = fd;
	return ERR_NONE;
}

struct err files_fd_publish(int fd, const char *beside, const char *path)
{
	char self[64];
	struct stat st;

	snprintf(self, sizeof(self), "/proc/self/fd/%d", fd);
	if (fsync(fd) != 0 || fstat(fd, &st) != 0)
		return err_make(ERR_IO, "a file cannot be synced");
	if (st.st_nlink == 0) {
		unlink(beside);
		if (linkat(AT_FDCWD, self, AT_FDCWD, beside,
			   AT_SYMLINK_FOLLOW) != 0)
			return err_make(ERR_IO, "a file cannot be named");
	}
	return files_fd_finish(fd, beside, path);
}
