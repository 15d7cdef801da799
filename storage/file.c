/* Small files, whole, atomically. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "storage/file.h"

enum { PATH_ROOM = 4096, CHUNK = 4096 };

static struct err os_err(int error, const char *what)
{
	switch (error) {
	case ENOENT:
	case ENOTDIR:
		return err_make(ERR_NOT_FOUND, what);
	case EEXIST:
		return err_make(ERR_EXISTS, what);
	case ENOSPC:
	case EDQUOT:
		return err_make(ERR_DISK_FULL, what);
	case ENOMEM:
		return err_make(ERR_NO_MEMORY, what);
	default:
		return err_make(ERR_IO, what);
	}
}

struct err file_join(char *out, size_t room, const char *folder,
		     const char *name)
{
	int n = snprintf(out, room, "%s/%s", folder, name);

	if (n < 0 || (size_t)n >= room)
		return err_make(ERR_TOO_LARGE, "a path beyond the cap");
	return ERR_NONE;
}

struct err file_read(const char *path, struct buf *out)
{
	struct err e = ERR_NONE;
	ssize_t n = 1;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);

	if (fd < 0)
		return os_err(errno, "a file cannot be opened");
	while (n > 0) {
		size_t room = out->cap - out->len;
		uint8_t *at;

		/* One byte more than the cap shows a file that is too long. */
		if (room == 0) {
			uint8_t more;

			n = read(fd, &more, 1);
			if (n > 0)
				e = err_make(ERR_TOO_LARGE, "a file too long");
			break;
		}
		if (room > CHUNK)
			room = CHUNK;
		at = buf_grow(out, room);
		if (!at) {
			e = buf_check(out);
			break;
		}
		n = read(fd, at, room);
		out->len -= room - (n > 0 ? (size_t)n : 0);
		if (n < 0 && errno == EINTR)
			n = 1;
	}
	if (n < 0)
		e = os_err(errno, "a file cannot be read");
	close(fd);
	return e;
}

static struct err write_all(int fd, struct span bytes)
{
	while (bytes.len) {
		ssize_t n = write(fd, bytes.at, bytes.len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return os_err(errno, "a file cannot be written");
		bytes.at += n;
		bytes.len -= (size_t)n;
	}
	if (fsync(fd) != 0)
		return os_err(errno, "a file cannot be synced");
	return ERR_NONE;
}

struct err file_sync_folder(const char *path)
{
	struct err e = ERR_NONE;
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return os_err(errno, "a folder cannot be opened");
	if (fsync(fd) != 0)
		e = os_err(errno, "a folder cannot be synced");
	close(fd);
	return e;
}

/* The folder a path stands in. */
static struct err sync_folder_of(const char *path)
{
	char folder[PATH_ROOM];
	const char *slash = strrchr(path, '/');
	int n;

	if (!slash)
		return file_sync_folder(".");
	if (slash == path)
		return file_sync_folder("/");
	n = snprintf(folder, sizeof(folder), "%.*s", (int)(slash - path), path);
	if (n < 0 || n >= PATH_ROOM)
		return err_make(ERR_TOO_LARGE, "a path beyond the cap");
	return file_sync_folder(folder);
}

struct err file_write(const char *path, struct span bytes, bool fresh)
{
	char temporary[PATH_ROOM];
	struct err e;
	int fd, rc;

	rc = snprintf(temporary, sizeof(temporary), "%s.new", path);
	if (rc < 0 || rc >= PATH_ROOM)
		return err_make(ERR_TOO_LARGE, "a path beyond the cap");
	fd = open(temporary,
		  O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return os_err(errno, "a file cannot be made");
	e = write_all(fd, bytes);
	if (close(fd) != 0 && !failed(e))
		e = os_err(errno, "a file cannot be closed");
	if (!failed(e)) {
		rc = fresh ? renameat2(AT_FDCWD, temporary, AT_FDCWD, path,
				       RENAME_NOREPLACE)
			   : rename(temporary, path);
		if (rc != 0)
			e = os_err(errno, "a file cannot be put in place");
	}
	if (failed(e)) {
		unlink(temporary);
		return e;
	}
	return sync_folder_of(path);
}

struct err file_destroy(const char *path)
{
	static const uint8_t zeros[CHUNK];
	struct err e = ERR_NONE;
	struct stat st;
	off_t left;
	int fd = open(path, O_WRONLY | O_CLOEXEC | O_NOFOLLOW);

	if (fd < 0)
		return errno == ENOENT
			       ? ERR_NONE
			       : os_err(errno, "a file cannot be opened");
	if (fstat(fd, &st) != 0)
		e = os_err(errno, "a file cannot be looked at");
	for (left = st.st_size; !failed(e) && left > 0; left -= CHUNK)
		e = write_all(fd, span_of(zeros,
					  left < CHUNK ? (size_t)left : CHUNK));
	close(fd);
	if (!failed(e) && unlink(path) != 0)
		e = os_err(errno, "a file cannot be removed");
	return failed(e) ? e : sync_folder_of(path);
}

/* `path` with an ending. */
static struct err beside(const char *path, const char *ending,
			 char out[PATH_ROOM])
{
	int n = snprintf(out, PATH_ROOM, "%s%s", path, ending);

	return n > 0 && n < PATH_ROOM
		       ? ERR_NONE
		       : err_make(ERR_TOO_LARGE, "a path beyond the cap");
}

struct err file_settle(const char *path)
{
	char old[PATH_ROOM];
	struct stat left, now;
	struct err e = beside(path, ".old", old);

	if (failed(e))
		return e;
	if (lstat(old, &left) != 0)
		return errno == ENOENT
			       ? ERR_NONE
			       : os_err(errno, "a file cannot be looked at");
	/* Cut off before the rename: both names are of one file. */
	if (lstat(path, &now) == 0 && now.st_ino == left.st_ino &&
	    now.st_dev == left.st_dev)
		return unlink(old) == 0
			       ? sync_folder_of(old)
			       : os_err(errno, "a file cannot be removed");
	return file_destroy(old);
}

struct err file_supersede(const char *path)
{
	char old[PATH_ROOM], next[PATH_ROOM];
	struct err e = beside(path, ".old", old);

	if (!failed(e))
		e = beside(path, ".next", next);
	if (!failed(e))
		e = file_settle(path);
	if (failed(e))
		return e;
	/* A second name keeps the old file until it is overwritten. */
	if (link(path, old) != 0)
		return os_err(errno, "a file cannot be kept aside");
	if (rename(next, path) != 0)
		return os_err(errno, "a file cannot be put in place");
	e = sync_folder_of(path);
	return failed(e) ? e : file_settle(path);
}

struct err file_make_folder(const char *path)
{
	char part[PATH_ROOM];
	int n = snprintf(part, sizeof(part), "%s", path);

	if (n <= 0 || n >= PATH_ROOM)
		return err_make(ERR_TOO_LARGE, "a path beyond the cap");
	for (char *at = part + 1; *at; at++) {
		if (*at != '/')
			continue;
		*at = '\0';
		if (mkdir(part, 0700) != 0 && errno != EEXIST)
			return os_err(errno, "a folder cannot be made");
		*at = '/';
	}
	if (mkdir(part, 0700) != 0) {
		if (errno != EEXIST)
			return os_err(errno, "a folder cannot be made");
		return ERR_NONE;
	}
	return sync_folder_of(part);
}
