#define _GNU_SOURCE
#include "relay/confine.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <seccomp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define CONFINE_NOTHING 1
#else
#define CONFINE_NOTHING 0
#endif

/* ---- Landlock (Linux 5.13; TCP from 6.7).  Debian's header is older than
 * many kernels, so what it lacks stands here. ---- */

#define FS_READ	    (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR)
#define FS_ALL_V1   ((UINT64_C(1) << 13) - 1)
#define FS_EXECUTE  LANDLOCK_ACCESS_FS_EXECUTE
#define FS_REFER    (UINT64_C(1) << 13) /* ABI 2 */
#define FS_TRUNCATE (UINT64_C(1) << 14) /* ABI 3 */
#define NET_BIND    UINT64_C(1)		/* ABI 4 */
#define NET_CONNECT UINT64_C(2)

struct ruleset {
	uint64_t fs, net;
};

static int ruleset_new(const struct ruleset *r, size_t len, unsigned flags)
{
	return (int)syscall(SYS_landlock_create_ruleset, r, len, flags);
}

static bool allow_below(int rules, const char *path, uint64_t access)
{
	struct landlock_path_beneath_attr below = {.allowed_access = access};
	int r;

	below.parent_fd = open(path, O_PATH | O_CLOEXEC);
	if (below.parent_fd < 0)
		return false;
	r = (int)syscall(SYS_landlock_add_rule, rules,
			 LANDLOCK_RULE_PATH_BENEATH, &below, 0);
	close(below.parent_fd);
	return r == 0;
}

static struct err landlock(enum confine_role role, const char *folder,
			   struct confine_applied *applied)
{
	int abi = ruleset_new(NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
	struct ruleset rules = {.fs = FS_ALL_V1};
	struct err e = ERR_NONE;
	bool ok = true;
	int fd;

	if (abi < 1) {
		snprintf(applied->text, sizeof(applied->text), "none");
		return ERR_NONE;
	}
	if (abi >= 2)
		rules.fs |= FS_REFER;
	if (abi >= 3)
		rules.fs |= FS_TRUNCATE;
	if (abi >= 4)
		rules.net = role == CONFINE_LINK ? NET_BIND
						 : NET_BIND | NET_CONNECT;
	fd = ruleset_new(&rules, abi >= 4 ? sizeof(rules) : sizeof(rules.fs),
			 0);
	if (fd < 0)
		return err_make(ERR_INTERNAL, "landlock: no ruleset");
	switch (role) {
	case CONFINE_GUARD:
		ok = allow_below(fd, folder, rules.fs & ~FS_EXECUTE);
		break;
	case CONFINE_LINK:
		/* Names: resolv.conf, hosts, nsswitch.conf, and the modules
		 * that look them up. */
		ok = allow_below(fd, "/etc", FS_READ);
		if (access("/run/systemd/resolve", F_OK) == 0)
			ok &= allow_below(fd, "/run/systemd/resolve", FS_READ);
		if (access("/usr/lib", F_OK) == 0)
			ok &= allow_below(fd, "/usr/lib", FS_READ | FS_EXECUTE);
		break;
	case CONFINE_FRONT:
		break;
	}
	if (!ok || syscall(SYS_landlock_restrict_self, fd, 0) != 0)
		e = err_make(ERR_INTERNAL, "landlock: not applied");
	close(fd);
	snprintf(applied->text, sizeof(applied->text), "%d", abi);
	return e;
}

struct err confine_files(enum confine_role role, const char *folder,
			 struct confine_applied *applied)
{
	struct rlimit none = {0, 0};

	if (CONFINE_NOTHING) {
		snprintf(applied->text, sizeof(applied->text), "sanitizer");
		return ERR_NONE;
	}
	/* Memory holds keys: no core dumps, no reading by others. */
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
	    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0 ||
	    setrlimit(RLIMIT_CORE, &none) != 0)
		return err_make(ERR_INTERNAL, "privileges not dropped");
	return landlock(role, folder, applied);
}

/* ---- seccomp ---- */

/* Memory, threads, time, and what a loop does with descriptors it has. */
static const char *const common[] = {"read",
				     "readv",
				     "write",
				     "writev",
				     "pread64",
				     "pwrite64",
				     "preadv",
				     "pwritev",
				     "recvfrom",
				     "recvmsg",
				     "sendto",
				     "sendmsg",
				     "shutdown",
				     "close",
				     "dup",
				     "dup2",
				     "dup3",
				     "fcntl",
				     "ioctl",
				     "lseek",
				     "fstat",
				     "newfstatat",
				     "statx",
				     "fstatfs",
				     "poll",
				     "ppoll",
				     "epoll_create1",
				     "epoll_ctl",
				     "epoll_wait",
				     "epoll_pwait",
				     "epoll_pwait2",
				     "eventfd2",
				     "pipe2",
				     "timerfd_create",
				     "timerfd_settime",
				     "mmap",
				     "munmap",
				     "mremap",
				     "madvise",
				     "brk",
				     "mincore",
				     "futex",
				     "futex_waitv",
				     "set_robust_list",
				     "get_robust_list",
				     "rseq",
				     "membarrier",
				     "sched_yield",
				     "sched_getaffinity",
				     "getrandom",
				     "clock_gettime",
				     "clock_getres",
				     "clock_nanosleep",
				     "nanosleep",
				     "gettimeofday",
				     "time",
				     "getpid",
				     "gettid",
				     "getppid",
				     "getuid",
				     "geteuid",
				     "getgid",
				     "getegid",
				     "getcpu",
				     "uname",
				     "sysinfo",
				     "getrusage",
				     "getrlimit",
				     "prlimit64",
				     "rt_sigaction",
				     "rt_sigprocmask",
				     "rt_sigreturn",
				     "rt_sigtimedwait",
				     "sigaltstack",
				     "tgkill",
				     "restart_syscall",
				     "exit",
				     "exit_group",
				     "set_tid_address",
				     NULL};

/* The store. */
static const char *const guard_calls[] = {"open",
					  "openat",
					  "openat2",
					  "creat",
					  "access",
					  "faccessat",
					  "faccessat2",
					  "stat",
					  "lstat",
					  "readlink",
					  "readlinkat",
					  "rename",
					  "renameat",
					  "renameat2",
					  "unlink",
					  "unlinkat",
					  "mkdir",
					  "mkdirat",
					  "rmdir",
					  "getdents64",
					  "fsync",
					  "fdatasync",
					  "msync",
					  "ftruncate",
					  "fallocate",
					  "flock",
					  "statfs",
					  "fchmod",
					  "fchmodat",
					  "umask",
					  "sync_file_range",
					  "fadvise64",
					  "copy_file_range",
					  "getcwd",
					  "chdir",
					  "fchdir",
					  "semget",
					  "semop",
					  "semctl",
					  NULL};

/* Connections that are accepted. */
static const char *const front_calls[] = {"accept",	 "accept4",
					  "getsockname", "getpeername",
					  "getsockopt",	 "setsockopt",
					  "listen",	 NULL};

/* Connections outward, names, and the threads that look names up. */
static const char *const link_calls[] =
	{"socket",	"connect",     "bind",
	 "getsockname", "getpeername", "getsockopt",
	 "setsockopt",	"sendmmsg",    "recvmmsg",
	 "open",	"openat",      "access",
	 "faccessat",	"faccessat2",  "stat",
	 "readlink",	"readlinkat",  "getdents64",
	 "clone",	"clone3",      "sched_setaffinity",
	 NULL};

/* Never, in any role: whoever tries has been taken over. */
static const char *const deadly[] = {"execve",
				     "execveat",
				     "ptrace",
				     "process_vm_readv",
				     "process_vm_writev",
				     "init_module",
				     "finit_module",
				     "kexec_load",
				     "bpf",
				     "mount",
				     "umount2",
				     "pivot_root",
				     "chroot",
				     "setns",
				     "unshare",
				     "keyctl",
				     "add_key",
				     "request_key",
				     "perf_event_open",
				     "userfaultfd",
				     "open_by_handle_at",
				     "io_uring_setup",
				     "fork",
				     "vfork",
				     NULL};
static const char *const deadly_network[] = {"socket", "socketpair", "connect",
					     "bind", NULL};

static bool each(scmp_filter_ctx filter, uint32_t action,
		 const char *const *names)
{
	for (; *names; names++) {
		int number = seccomp_syscall_resolve_name(*names);

		/* What this machine does not have needs no rule. */
		if (number < 0)
			continue;
		if (seccomp_rule_add(filter, action, number, 0) != 0)
			return false;
	}
	return true;
}

/* Memory is never made executable; modules of the name service are. */
static bool allow_protect(scmp_filter_ctx filter, enum confine_role role)
{
	int number = seccomp_syscall_resolve_name("mprotect");

	if (role == CONFINE_LINK)
		return seccomp_rule_add(filter, SCMP_ACT_ALLOW, number, 0) == 0;
	return seccomp_rule_add(filter, SCMP_ACT_ALLOW, number, 1,
				SCMP_A2(SCMP_CMP_MASKED_EQ, 4 /* PROT_EXEC */,
					0)) == 0;
}

static bool add_rules(scmp_filter_ctx filter, enum confine_role role)
{
	const char *const *own = role == CONFINE_GUARD	 ? guard_calls
				 : role == CONFINE_FRONT ? front_calls
							 : link_calls;

	return each(filter, SCMP_ACT_ALLOW, common) &&
	       each(filter, SCMP_ACT_ALLOW, own) &&
	       allow_protect(filter, role) &&
	       each(filter, SCMP_ACT_KILL_PROCESS, deadly) &&
	       (role == CONFINE_LINK ||
		each(filter, SCMP_ACT_KILL_PROCESS, deadly_network));
}

struct err confine_calls(enum confine_role role,
			 struct confine_applied *applied)
{
	scmp_filter_ctx filter;
	struct err e = ERR_NONE;

	if (CONFINE_NOTHING) {
		snprintf(applied->text, sizeof(applied->text), "sanitizer");
		return ERR_NONE;
	}
	/* What is not foreseen fails; what is never right ends the process. */
	filter = seccomp_init(SCMP_ACT_ERRNO(EPERM));
	if (!filter)
		return err_make(ERR_NO_MEMORY, "seccomp");
	/* All threads that there are. */
	if (seccomp_attr_set(filter, SCMP_FLTATR_CTL_TSYNC, 1) != 0 ||
	    !add_rules(filter, role)) {
		e = err_make(ERR_INTERNAL, "seccomp: rules");
		goto out;
	}
	if (seccomp_load(filter) != 0)
		snprintf(applied->text, sizeof(applied->text), "none");
	else
		snprintf(applied->text, sizeof(applied->text), "yes");
out:
	seccomp_release(filter);
	return e;
}
