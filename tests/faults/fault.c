/* Failures on demand. */
#define _GNU_SOURCE
#include <errno.h>
#include <execinfo.h>
#include <fcntl.h>
#include <lmdb.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "tests/faults/fault.h"

static struct {
	struct fault fault;
	uint64_t calls;
	unsigned paused;
	bool armed, struck;
} now;

void fault_arm(struct fault fault)
{
	now.fault = fault;
	now.calls = 0;
	now.paused = 0;
	now.struck = false;
	now.armed = true;
}

uint64_t fault_disarm(void)
{
	now.armed = false;
	return now.calls;
}

bool fault_struck(void)
{
	return now.struck;
}

void fault_pause(void)
{
	now.paused++;
}

void fault_resume(void)
{
	now.paused--;
}

/* With FAULT_TRACE: where the call that fails was made. */
static void tell(void)
{
	static int on = -1;
	void *at[24];

	if (on < 0)
		on = getenv("FAULT_TRACE") != NULL;
	if (!on)
		return;
	now.paused++;
	backtrace_symbols_fd(at, backtrace(at, 24), STDERR_FILENO);
	now.paused--;
}

static bool strikes(enum fault_kind kind)
{
	const struct fault *f = &now.fault;
	uint64_t n;

	if (!now.armed || now.paused || !(f->kinds & kind))
		return false;
	n = ++now.calls;
	if (f->at == 0 || n < f->at || (n > f->at && !f->forever))
		return false;
	if (n == f->at)
		tell();
	now.struck = true;
	return true;
}

/* ---- memory of our own code ---- */

void *__real_malloc(size_t len);
void *__real_calloc(size_t count, size_t len);
void *__real_realloc(void *at, size_t len);
char *__real_strdup(const char *text);

void *__wrap_malloc(size_t len);
void *__wrap_calloc(size_t count, size_t len);
void *__wrap_realloc(void *at, size_t len);
char *__wrap_strdup(const char *text);

void *__wrap_malloc(size_t len)
{
	if (strikes(FAULT_MEMORY)) {
		errno = ENOMEM;
		return NULL;
	}
	return __real_malloc(len);
}

void *__wrap_calloc(size_t count, size_t len)
{
	if (strikes(FAULT_MEMORY)) {
		errno = ENOMEM;
		return NULL;
	}
	return __real_calloc(count, len);
}

void *__wrap_realloc(void *at, size_t len)
{
	if (strikes(FAULT_MEMORY)) {
		errno = ENOMEM;
		return NULL;
	}
	return __real_realloc(at, len);
}

char *__wrap_strdup(const char *text)
{
	if (strikes(FAULT_MEMORY)) {
		errno = ENOMEM;
		return NULL;
	}
	return __real_strdup(text);
}

/* ---- LMDB ---- */

#define WRAP_MDB(name, parameters, arguments)                                  \
	int __real_mdb_##name parameters;                                      \
	int __wrap_mdb_##name parameters;                                      \
	int __wrap_mdb_##name parameters                                       \
	{                                                                      \
		if (strikes(FAULT_LMDB))                                       \
			return now.fault.error;                                \
		return __real_mdb_##name arguments;                            \
	}

WRAP_MDB(env_create, (MDB_env * *e), (e))
WRAP_MDB(env_open,
	 (MDB_env * e, const char *path, unsigned flags, mdb_mode_t mode),
	 (e, path, flags, mode))
WRAP_MDB(env_copy2, (MDB_env * e, const char *path, unsigned flags),
	 (e, path, flags))
WRAP_MDB(env_info, (MDB_env * e, MDB_envinfo *info), (e, info))
WRAP_MDB(env_stat, (MDB_env * e, MDB_stat *stat), (e, stat))
WRAP_MDB(reader_check, (MDB_env * e, int *dead), (e, dead))
WRAP_MDB(txn_begin,
	 (MDB_env * e, MDB_txn *outer, unsigned flags, MDB_txn **out),
	 (e, outer, flags, out))
WRAP_MDB(txn_renew, (MDB_txn * txn), (txn))
WRAP_MDB(dbi_open,
	 (MDB_txn * txn, const char *name, unsigned flags, MDB_dbi *out),
	 (txn, name, flags, out))
WRAP_MDB(get, (MDB_txn * txn, MDB_dbi dbi, MDB_val *key, MDB_val *value),
	 (txn, dbi, key, value))
WRAP_MDB(put,
	 (MDB_txn * txn, MDB_dbi dbi, MDB_val *key, MDB_val *value,
	  unsigned flags),
	 (txn, dbi, key, value, flags))
WRAP_MDB(del, (MDB_txn * txn, MDB_dbi dbi, MDB_val *key, MDB_val *value),
	 (txn, dbi, key, value))
WRAP_MDB(cursor_open, (MDB_txn * txn, MDB_dbi dbi, MDB_cursor **out),
	 (txn, dbi, out))
WRAP_MDB(cursor_get,
	 (MDB_cursor * cursor, MDB_val *key, MDB_val *value, MDB_cursor_op op),
	 (cursor, key, value, op))
WRAP_MDB(cursor_put,
	 (MDB_cursor * cursor, MDB_val *key, MDB_val *value, unsigned flags),
	 (cursor, key, value, flags))
WRAP_MDB(cursor_del, (MDB_cursor * cursor, unsigned flags), (cursor, flags))

/* One that fails has ended its transaction, as the real one has. */
int __real_mdb_txn_commit(MDB_txn *txn);
int __wrap_mdb_txn_commit(MDB_txn *txn);

int __wrap_mdb_txn_commit(MDB_txn *txn)
{
	if (strikes(FAULT_LMDB)) {
		mdb_txn_abort(txn);
		return now.fault.error;
	}
	return __real_mdb_txn_commit(txn);
}

/* ---- the disk, of this program and its libraries ---- */

#define FAIL_DISK()                                                            \
	do {                                                                   \
		if (strikes(FAULT_DISK)) {                                     \
			errno = now.fault.error;                               \
			return -1;                                             \
		}                                                              \
	} while (0)

/* A terminal or a pipe is no disk. */
static bool is_said(int fd)
{
	return fd == STDOUT_FILENO || fd == STDERR_FILENO;
}

int open(const char *path, int flags, ...)
{
	mode_t mode = 0;
	va_list args;

	if (flags & (O_CREAT | O_TMPFILE)) {
		va_start(args, flags);
		mode = va_arg(args, mode_t);
		va_end(args);
	}
	FAIL_DISK();
	return (int)syscall(SYS_openat, AT_FDCWD, path, flags, mode);
}

ssize_t write(int fd, const void *at, size_t len)
{
	if (!is_said(fd))
		FAIL_DISK();
	return syscall(SYS_write, fd, at, len);
}

ssize_t pwrite(int fd, const void *at, size_t len, off_t offset)
{
	FAIL_DISK();
	return syscall(SYS_pwrite64, fd, at, len, offset);
}

ssize_t writev(int fd, const struct iovec *iov, int count)
{
	if (!is_said(fd))
		FAIL_DISK();
	return syscall(SYS_writev, fd, iov, count);
}

int fsync(int fd)
{
	FAIL_DISK();
	return (int)syscall(SYS_fsync, fd);
}

int fdatasync(int fd)
{
	FAIL_DISK();
	return (int)syscall(SYS_fdatasync, fd);
}

int ftruncate(int fd, off_t len)
{
	FAIL_DISK();
	return (int)syscall(SYS_ftruncate, fd, len);
}

int rename(const char *from, const char *to)
{
	FAIL_DISK();
	return (int)syscall(SYS_rename, from, to);
}

int renameat2(int from_fd, const char *from, int to_fd, const char *to,
	      unsigned flags)
{
	FAIL_DISK();
	return (int)syscall(SYS_renameat2, from_fd, from, to_fd, to, flags);
}

int mkdir(const char *path, mode_t mode)
{
	FAIL_DISK();
	return (int)syscall(SYS_mkdir, path, mode);
}
