/*
 * A disk that fails on demand, for a guard that is the real one otherwise:
 * while the relay's folder has a file `fail-write`, what is written to a
 * regular file gives EIO; while it has `fail-sync`, a flush does.
 *
 * The calls are those that LMDB makes; the program's own definitions come
 * before the C library's.
 */
#define _GNU_SOURCE
#include "relay/guard/core/core.h"

#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

static char folder[512]; /* "": not opened yet */

static bool fails(int fd, const char *how)
{
	char path[600];
	struct stat s;

	if (!folder[0] || fstat(fd, &s) != 0 || !S_ISREG(s.st_mode))
		return false;
	snprintf(path, sizeof(path), "%s/%s", folder, how);
	return access(path, F_OK) == 0;
}

static ssize_t failure(void)
{
	errno = EIO;
	return -1;
}

ssize_t pwrite64(int fd, const void *at, size_t len, off64_t offset)
{
	return fails(fd, "fail-write")
		       ? failure()
		       : syscall(SYS_pwrite64, fd, at, len, offset);
}

ssize_t pwrite(int fd, const void *at, size_t len, off_t offset)
{
	return pwrite64(fd, at, len, offset);
}

ssize_t writev(int fd, const struct iovec *pieces, int count)
{
	return fails(fd, "fail-write") ? failure()
				       : syscall(SYS_writev, fd, pieces, count);
}

int fdatasync(int fd)
{
	return fails(fd, "fail-sync") ? (int)failure()
				      : (int)syscall(SYS_fdatasync, fd);
}

struct err __real_core_open(const struct core_config *config,
			    struct core **out);
struct err __wrap_core_open(const struct core_config *config,
			    struct core **out);

struct err __wrap_core_open(const struct core_config *config, struct core **out)
{
	snprintf(folder, sizeof(folder), "%s", config->folder);
	return __real_core_open(config, out);
}
