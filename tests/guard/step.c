/* Kills a child at one of its calls of the kernel. */
#define _GNU_SOURCE
#include "tests/guard/step.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static _Noreturn void broken(const char *what)
{
	perror(what);
	abort();
}

/* Whether the call changes what another process finds on the disk. */
static bool changes(const struct __ptrace_syscall_info *info)
{
	switch (info->entry.nr) {
	case SYS_write:
	case SYS_pwrite64:
	case SYS_pwritev:
	case SYS_writev:
	case SYS_fsync:
	case SYS_fdatasync:
	case SYS_msync:
	case SYS_ftruncate:
	case SYS_unlinkat:
	case SYS_mkdirat:
	case SYS_linkat:
	case SYS_renameat2:
#ifdef SYS_renameat
	case SYS_renameat:
#endif
#ifdef SYS_rename
	case SYS_rename:
	case SYS_unlink:
	case SYS_mkdir:
	case SYS_link:
#endif
		return true;
	case SYS_openat:
		return info->entry.args[2] & (O_CREAT | O_TRUNC);
	default:
		return false;
	}
}

/* To the child's next stop; its status. */
static int resume(pid_t child)
{
	int status;

	if (ptrace(PTRACE_SYSCALL, child, 0, 0) != 0 ||
	    waitpid(child, &status, 0) != child)
		broken("ptrace");
	return status;
}

static void begin(pid_t child)
{
	int status;

	if (waitpid(child, &status, 0) != child || !WIFSTOPPED(status) ||
	    ptrace(PTRACE_SETOPTIONS, child, 0,
		   PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL) != 0)
		broken("ptrace");
}

bool step_dies(unsigned at, void (*act)(void *with), void *with)
{
	struct __ptrace_syscall_info info;
	unsigned seen = 0;
	pid_t child;
	int status;

	fflush(NULL);
	child = fork();
	if (child < 0)
		broken("fork");
	if (child == 0) {
		if (ptrace(PTRACE_TRACEME, 0, 0, 0) != 0)
			_exit(99);
		raise(SIGSTOP);
		act(with);
		_exit(0);
	}
	begin(child);
	for (;;) {
		status = resume(child);
		if (!WIFSTOPPED(status))
			break;
		if (WSTOPSIG(status) != (SIGTRAP | 0x80))
			broken("a child that stopped by a signal");
		if (ptrace(PTRACE_GET_SYSCALL_INFO, child, sizeof(info),
			   &info) <= 0)
			broken("ptrace");
		if (info.op == PTRACE_SYSCALL_INFO_ENTRY && changes(&info) &&
		    ++seen == at) {
			/* Before the call is made. */
			kill(child, SIGKILL);
			if (waitpid(child, &status, 0) != child ||
			    !WIFSIGNALED(status))
				broken("a child that does not die");
			return true;
		}
	}
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
		broken("a child that failed");
	return false;
}
