/*
 * A slow disk for a guard that is the real one otherwise: what is written to
 * a regular file takes SLOW_BYTES_PER_S, a flush SLOW_FLUSH_US more, and each
 * piece of content that is read stands still as it would for the pages of a
 * disk of that speed.
 *
 * The writing calls are those that LMDB makes; the program's own definitions
 * come before the C library's.
 */
#define _GNU_SOURCE
#include "relay/guard/core/core.h"

#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

enum { SLOW_BYTES_PER_S = 32 * 1024 * 1024, SLOW_FLUSH_US = 1000 };

static void wait_ns(uint64_t ns)
{
	struct timespec t = {(time_t)(ns / 1000000000),
			     (long)(ns % 1000000000)};

	nanosleep(&t, NULL);
}

static void take(ssize_t bytes)
{
	if (bytes > 0)
		wait_ns((uint64_t)bytes * 1000000000 / SLOW_BYTES_PER_S);
}

static bool is_file(int fd)
{
	struct stat s;

	return fstat(fd, &s) == 0 && S_ISREG(s.st_mode);
}

ssize_t pwrite64(int fd, const void *at, size_t len, off64_t offset)
{
	ssize_t n = syscall(SYS_pwrite64, fd, at, len, offset);

	take(n);
	return n;
}

ssize_t pwrite(int fd, const void *at, size_t len, off_t offset)
{
	return pwrite64(fd, at, len, offset);
}

ssize_t writev(int fd, const struct iovec *pieces, int count)
{
	ssize_t n = syscall(SYS_writev, fd, pieces, count);

	if (is_file(fd))
		take(n);
	return n;
}

int fdatasync(int fd)
{
	wait_ns(UINT64_C(1000) * SLOW_FLUSH_US);
	return (int)syscall(SYS_fdatasync, fd);
}

struct err __real_core_read(struct job *job, uint64_t offset, size_t max,
			    struct buf *out);
struct err __wrap_core_read(struct job *job, uint64_t offset, size_t max,
			    struct buf *out);

struct err __wrap_core_read(struct job *job, uint64_t offset, size_t max,
			    struct buf *out)
{
	take((ssize_t)max);
	return __real_core_read(job, offset, max, out);
}
