#define _GNU_SOURCE
#include "relay/spawn.h"
#include "relay/control.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

/* Out of the way of the places that are to be filled. */
enum { PARKED_FD = 64 };

static struct err program_path(const char *name, char *out, size_t room)
{
	ssize_t n = readlink("/proc/self/exe", out, room - 1);
	char *slash;

	if (n <= 0)
		return err_make(ERR_IO, "own program not found");
	out[n] = 0;
	slash = strrchr(out, '/');
	if (!slash || (size_t)(slash + 1 - out) + strlen(name) >= room)
		return err_make(ERR_IO, "own program's path");
	strcpy(slash + 1, name);
	return ERR_NONE;
}

/* Only what is safe after fork; this process has one thread anyway. */
static _Noreturn void become(const struct spawn_order *order, const char *path,
			     int control, pid_t parent)
{
	const char *argv[6] = {order->program};
	int fds[SPAWN_FDS_MAX + 1];
	sigset_t none;
	size_t n = 0;

	/* Whatever kills the supervisor takes its children along; it may have
	 * been before this line. */
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || getppid() != parent)
		_exit(127);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	fds[0] = fcntl(control, F_DUPFD_CLOEXEC, PARKED_FD);
	for (size_t i = 0; i < order->fd_count; i++)
		fds[i + 1] = fcntl(order->fds[i], F_DUPFD_CLOEXEC, PARKED_FD);
	for (size_t i = 0; i <= order->fd_count; i++)
		if (fds[i] < 0 || dup2(fds[i], CONTROL_FD + (int)i) < 0)
			_exit(127);
	while (n < 4 && order->arguments[n]) {
		argv[n + 1] = order->arguments[n];
		n++;
	}
	execv(path, (char *const *)argv);
	_exit(127);
}

struct err spawn(const struct spawn_order *order, pid_t *pid, int *control)
{
	char path[4096];
	int pair[2];
	pid_t parent = getpid(), child;
	struct err e = program_path(order->program, path, sizeof(path));

	if (failed(e))
		return e;
	if (access(path, X_OK) != 0)
		return err_make(ERR_IO, "a program of the relay is missing");
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0)
		return err_make(ERR_IO, "no socket pair");
	child = fork();
	if (child == 0)
		become(order, path, pair[1], parent);
	close(pair[1]);
	if (child < 0) {
		close(pair[0]);
		return err_make(ERR_NO_MEMORY, "no process");
	}
	fcntl(pair[0], F_SETFL, O_NONBLOCK);
	*pid = child;
	*control = pair[0];
	return ERR_NONE;
}
