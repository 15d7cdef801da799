/* Small files written whole, and folders. */
#include "client/files_fd.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

struct err files_path(const char *folder, const char *name,
		      char out[FILES_PATH_MAX])
{
	int n = snprintf(out, FILES_PATH_MAX, "%s/%s", folder, name);

	if (n < 0 || n >= FILES_PATH_MAX)
		return err_make(ERR_TOO_LARGE, "a path is too long");
	return ERR_NONE;
}

struct err files_make_folder(const char *path)
{
	char part[FILES_PATH_MAX];
	size_t len = strlen(path);

	if (len == 0 || len >= sizeof(part))
		return err_make(ERR_TOO_LARGE, "a path is too long");
	for (size_t i = 1; i <= len; i++) {
		if (i < len && path[i] != '/')
			continue;
		memcpy(part, path, i);
		part[i] = 0;
		if (mkdir(part, 0700) != 0 && errno != EEXIST)
			return err_make(ERR_IO, "a folder cannot be made");
	}
	return ERR_NONE;
}

bool files_exist(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0;
}

void files_remove(const char *path)
{
	unlink(path);
}

struct err files_read(const char *path, struct buf *out)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct err e = ERR_NONE;
	struct stat st;

	if (fd < 0)
		return errno == ENOENT || errno == ENOTDIR
			       ? err_make(ERR_NOT_FOUND, "no such file")
			       : err_make(ERR_IO, "a file cannot be opened");
	if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
		e = err_make(ERR_IO, "this is no plain file");
	while (!failed(e)) {
		uint8_t piece[16384];
		ssize_t n = read(fd, piece, sizeof(piece));

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			e = err_make(ERR_IO, "a file cannot be read");
		if (n <= 0)
			break;
		buf_put(out, span_of(piece, (size_t)n));
		wipe(piece, (size_t)n);
		e = buf_check(out);
	}
	close(fd);
	return e;
}

static struct err write_all(int fd, struct span bytes)
{
	while (bytes.len > 0) {
		ssize_t n = write(fd, bytes.at, bytes.len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return errno == ENOSPC || errno == EDQUOT
				       ? err_make(ERR_DISK_FULL,
						  "no room on the disk")
				       : err_make(ERR_IO,
						  "a file cannot be written");
		bytes = span_sub(bytes, (size_t)n, bytes.len);
	}
	return ERR_NONE;
}

/* After a rename: the folder's own entry. */
struct err files_sync_folder_of(const char *path)
{
	char folder[FILES_PATH_MAX];
	const char *slash = strrchr(path, '/');
	int fd;
	bool fine;

	if (slash == path)
		slash++;
	if (slash)
		snprintf(folder, sizeof(folder), "%.*s", (int)(slash - path),
			 path);
	else
		snprintf(folder, sizeof(folder), ".");
	fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return err_make(ERR_IO, "a folder cannot be opened");
	fine = fsync(fd) == 0;
	close(fd);
	return fine ? ERR_NONE : err_make(ERR_IO, "a folder cannot be synced");
}

struct err files_write(const char *path, struct span bytes, unsigned mode)
{
	char beside[FILES_PATH_MAX];
	struct err e;
	int fd;

	if ((size_t)snprintf(beside, sizeof(beside), "%s.new", path) >=
	    sizeof(beside))
		return err_make(ERR_TOO_LARGE, "a path is too long");
	unlink(beside);
	fd = open(beside, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC,
		  (mode_t)mode);
	if (fd < 0)
		return err_make(ERR_IO, "a file cannot be made");
	e = write_all(fd, bytes);
	if (!failed(e) && fsync(fd) != 0)
		e = err_make(ERR_IO, "a file cannot be synced");
	if (close(fd) != 0 && !failed(e))
		e = err_make(ERR_IO, "a file cannot be written");
	if (!failed(e) && rename(beside, path) != 0)
		e = err_make(ERR_IO, "a file cannot be renamed");
	if (failed(e))
		unlink(beside);
	return failed(e) ? e : files_sync_folder_of(path);
}

struct err files_digest(const char *path, struct digest *out, uint64_t *size)
{
	struct crypto_hasher *h = NULL;
	struct err e = crypto_hasher_new(&h);
	uint64_t total = 0;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);

	if (fd < 0 && !failed(e))
		e = err_make(errno == ENOENT ? ERR_NOT_FOUND : ERR_IO,
			     "a file cannot be opened");
	while (!failed(e)) {
		uint8_t piece[65536];
		ssize_t n = read(fd, piece, sizeof(piece));

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			e = err_make(ERR_IO, "a file cannot be read");
		if (n <= 0)
			break;
		total += (uint64_t)n;
		e = crypto_hasher_update(h, span_of(piece, (size_t)n));
	}
	if (!failed(e))
		e = crypto_hasher_final(h, out);
	if (!failed(e))
		*size = total;
	if (fd >= 0)
		close(fd);
	crypto_hasher_free(h);
	return e;
}
