/* The daemon as a child of the bench. */
#define _GNU_SOURCE
#include "tests/bench/serving.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

/* The passphrase that tests/guard/world gives every relay. */
static const char passphrase[] = "a passphrase of the tests\n";

static void fail(const char *what)
{
	fprintf(stderr, "bench: %s\n", what);
	exit(EXIT_FAILURE);
}

static void write_file(const char *folder, const char *name, const char *text)
{
	char path[256];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	f = fopen(path, "we");
	if (!f || fputs(text, f) < 0 || fclose(f))
		fail(path);
}

static bool find_port(struct serving *s)
{
	FILE *f = fopen(s->log, "re");
	char line[1024];
	unsigned port = 0;

	while (f && !port && fgets(line, sizeof(line), f)) {
		const char *at = strstr(line, "ready device=127.0.0.1:");

		if (at)
			sscanf(at, "ready device=127.0.0.1:%u", &port);
	}
	if (f)
		fclose(f);
	snprintf(s->endpoint, sizeof(s->endpoint), "localhost:%u", port);
	return port != 0;
}

void serving_start(struct serving *s, struct place *p, const char *programs)
{
	const char *folder = p->relay->folder;
	char program[256], secret[256];
	int status;

	world_close(&p->w, p->relay);
	/* Any free port, where the world had none. */
	write_file(folder, "entente.yaml",
		   "nation: GBR\n"
		   "name: localhost\n"
		   "listen:\n"
		   "  device: 127.0.0.1:0\n"
		   "  peer: 127.0.0.1:0\n"
		   "  admin: 127.0.0.1:0\n"
		   "ceiling: RESTRICTED\n");
	write_file(folder, "passphrase", passphrase);
	snprintf(program, sizeof(program), "%s/entented", programs);
	snprintf(secret, sizeof(secret), "%s/passphrase", folder);
	snprintf(s->log, sizeof(s->log), "%s/log", folder);
	s->pid = fork();
	if (s->pid < 0)
		fail("no child");
	if (s->pid == 0) {
		int fd = open(s->log, O_CREAT | O_WRONLY | O_APPEND, 0600);

		prctl(PR_SET_PDEATHSIG, SIGKILL);
		dup2(fd, STDERR_FILENO);
		execl(program, "entented", "--folder", folder,
		      "--passphrase-file", secret, (char *)NULL);
		_exit(127);
	}
	for (int i = 0; i < 1200 && !find_port(s); i++) {
		if (waitpid(s->pid, &status, WNOHANG) == s->pid)
			fail("the daemon ended; its log tells why");
		usleep(50 * 1000);
	}
	if (!find_port(s))
		fail("the daemon is not ready; its log tells why");
}

void serving_stop(struct serving *s)
{
	int status = 0;

	kill(s->pid, SIGTERM);
	if (waitpid(s->pid, &status, 0) != s->pid || !WIFEXITED(status) ||
	    WEXITSTATUS(status) != 0)
		fail("the daemon did not stop in order");
}

/* Parent and processor seconds of a process; false if it is gone. */
static bool read_stat(pid_t pid, char name[32], pid_t *parent, double *cpu)
{
	char path[64], line[1024];
	unsigned long user, system;
	char *at;
	bool ok = false;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	f = fopen(path, "re");
	if (!f)
		return false;
	if (fgets(line, sizeof(line), f) && (at = strrchr(line, ')')) &&
	    sscanf(line, "%*d (%31[^)]", name) == 1 &&
	    sscanf(at + 1,
		   " %*c %d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu",
		   parent, &user, &system) == 3) {
		*cpu = (double)(user + system) / (double)sysconf(_SC_CLK_TCK);
		ok = true;
	}
	fclose(f);
	return ok;
}

struct serving_cpu serving_cpu(const struct serving *s)
{
	struct serving_cpu out = {0};
	DIR *proc = opendir("/proc");
	struct dirent *entry;

	while (proc && (entry = readdir(proc))) {
		pid_t pid = atoi(entry->d_name), parent;
		char name[32];
		double cpu;

		if (pid <= 0 || !read_stat(pid, name, &parent, &cpu) ||
		    parent != s->pid)
			continue;
		if (strstr(name, "guard"))
			out.guard += cpu;
		else
			out.fronts += cpu;
	}
	if (proc)
		closedir(proc);
	return out;
}
