/* A nation's relay as it is run. */
#define _GNU_SOURCE /* nftw */
#include "tests/daemon/nation_daemon.h"

#include "client/files.h"
#include "client/nation.h"
#include "client/system.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
	LOG_MAX = 16 << 20,
	PORT_FIRST = 20000,
	PORT_LAST = 32000,
	ALIVE_MAX = 8
};

/* Those that are not freed yet: they end with the program, whatever ends
 * it. */
static struct nation_daemon *alive[ALIVE_MAX];

static void free_alive(void)
{
	for (int i = 0; i < ALIVE_MAX; i++)
		if (alive[i])
			nation_daemon_free(alive[i]);
}

void nation_daemon_check(struct err e, const char *file, int line)
{
	if (!failed(e))
		return;
	fprintf(stderr, "%s:%d: %s: %s\n", file, line, err_row(e.code)->name,
		e.detail ? e.detail : "");
	exit(EXIT_FAILURE);
}

[[gnu::format(printf, 1, 2)]] static _Noreturn void die(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	exit(EXIT_FAILURE);
}

uint64_t nation_daemon_now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

void nation_daemon_sleep_ms(unsigned ms)
{
	struct timespec t = {ms / 1000, (long)(ms % 1000) * 1000000};

	nanosleep(&t, NULL);
}

/* ---- programs ---- */

void nation_daemon_program(const char *name, char out[512])
{
	char own[256], *slash;
	ssize_t n = readlink("/proc/self/exe", own, sizeof(own) - 1);

	own[n > 0 ? n : 0] = 0;
	for (int i = 0; i < 3; i++) { /* <build>/tests/daemon/test_x */
		slash = strrchr(own, '/');
		if (!slash)
			die("where is %s?", name);
		*slash = 0;
	}
	snprintf(out, 512, "%s/%s", own, name);
}

/* Reads until the end or `until`; false if that came first. */
static bool gather(int fd, struct buf *out, uint64_t until)
{
	uint8_t room[16384];

	for (;;) {
		uint64_t now = nation_daemon_now_ms();
		struct pollfd p = {fd, POLLIN, 0};
		ssize_t n;

		if (now >= until)
			return false;
		if (poll(&p, 1, (int)(until - now)) <= 0)
			continue;
		n = read(fd, room, sizeof(room));
		if (n <= 0)
			return true;
		if (out)
			buf_put(out, span_of(room, (size_t)n));
	}
}

static int run(struct buf *out, unsigned limit_s, const char *command)
{
	uint64_t until = nation_daemon_now_ms() + (uint64_t)limit_s * 1000;
	int pipes[2], status = 0;
	bool ended;
	pid_t pid;

	if (pipe2(pipes, O_CLOEXEC) != 0)
		die("no pipe");
	pid = fork();
	if (pid < 0)
		die("no process");
	if (pid == 0) {
		int none = open("/dev/null", O_RDONLY);

		prctl(PR_SET_PDEATHSIG, SIGKILL);
		setpgid(0, 0);
		dup2(none, STDIN_FILENO);
		dup2(pipes[1], STDOUT_FILENO);
		dup2(pipes[1], STDERR_FILENO);
		execl("/bin/sh", "sh", "-c", command, (char *)NULL);
		_exit(127);
	}
	setpgid(pid, pid);
	close(pipes[1]);
	ended = gather(pipes[0], out, until);
	close(pipes[0]);
	if (!ended)
		kill(-pid, SIGKILL);
	waitpid(pid, &status, 0);
	if (!ended)
		return 124;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

int nation_daemon_shell(struct buf *out, unsigned limit_s, const char *format,
			...)
{
	char command[8192];
	va_list ap;
	int n;

	va_start(ap, format);
	n = vsnprintf(command, sizeof(command), format, ap);
	va_end(ap);
	if (n < 0 || (size_t)n >= sizeof(command))
		die("a command is too long");
	return run(out, limit_s, command);
}

int nation_daemon_entente(const struct nation_daemon *d, struct buf *out,
			  const char *format, ...)
{
	char arguments[6000], program[512];
	struct buf command;
	va_list ap;
	int code;

	va_start(ap, format);
	vsnprintf(arguments, sizeof(arguments), format, ap);
	va_end(ap);
	nation_daemon_program("entente", program);
	buf_init(&command, 16384);
	buf_printf(&command, "exec '%s' ", program);
	for (const char *at = arguments; *at; at++)
		if (*at == '@')
			buf_put_str(&command, d->folder);
		else
			buf_put(&command, span_of(at, 1));
	code = run(out, 30, buf_cstr(&command));
	buf_clear(&command);
	return code;
}

/* ---- the folder ---- */

/* A port that nobody listens on, in a range of its own. */
static uint16_t free_port(void)
{
	struct random random = system_random();

	for (int i = 0; i < 200; i++) {
		struct sockaddr_in a = {.sin_family = AF_INET};
		uint16_t port;
		int fd, r;

		must(random_fill(&random, &port, sizeof(port)));
		port = (uint16_t)(PORT_FIRST + port % (PORT_LAST - PORT_FIRST));
		a.sin_port = htons(port);
		a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
		fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
		r = bind(fd, (struct sockaddr *)&a, sizeof(a));
		close(fd);
		if (r == 0)
			return port;
	}
	die("no free port");
}

static void make_folder(struct nation_daemon *d)
{
	struct nation_policy policies[2] = {{"alliance.spif.xml", {0}},
					    {"germany.spif.xml", {0}}};
	char listen[3][32], path[128];
	struct nation_order order = {
		.folder = d->folder,
		.name = "localhost",
		.listen_device = listen[0],
		.listen_peer = listen[1],
		.listen_admin = listen[2],
		.ceiling = "RESTRICTED",
		.fronts = NATION_DAEMON_FRONTS,
		.policies = policies,
		.policies_count = 2,
		.passphrase = span_str(NATION_DAEMON_PASSPHRASE),
		.scrypt_log2_n = 10,
		.clock = system_clock(),
		.random = system_random(),
	};
	const char *where = NULL;
	struct buf files[2];

	must(nation_parse(span_str(d->nation), &order.nation));
	snprintf(listen[0], sizeof(listen[0]), "127.0.0.1:%u", d->device);
	snprintf(listen[1], sizeof(listen[1]), "127.0.0.1:%u", d->peer);
	snprintf(listen[2], sizeof(listen[2]), "127.0.0.1:%u", d->admin);
	for (int i = 0; i < 2; i++) {
		buf_init(&files[i], NATION_POLICY_MAX);
		snprintf(path, sizeof(path), "docs/policy/%s",
			 policies[i].name);
		must(files_read(path, &files[i]));
		policies[i].text = buf_span(&files[i]);
	}
	must(nation_make(&order, &where));
	buf_clear(&files[0]);
	buf_clear(&files[1]);
	must(files_write(d->secret, span_str(NATION_DAEMON_PASSPHRASE "\n"),
			 0600));
}

/* From `timeout`: what atexit knows is still to be done. */
static void on_term(int number)
{
	exit(EXIT_FAILURE);
}

static void keep_in_mind(struct nation_daemon *d)
{
	static bool registered;
	int i = 0;

	if (!registered) {
		atexit(free_alive);
		signal(SIGTERM, on_term);
	}
	registered = true;
	while (i < ALIVE_MAX - 1 && alive[i])
		i++;
	alive[i] = d;
}

void nation_daemon_new(struct nation_daemon *d, const char *nation)
{
	nation_daemon_new_at(d, nation, NULL);
}

void nation_daemon_new_at(struct nation_daemon *d, const char *nation,
			  const char *parent)
{
	*d = (struct nation_daemon){0};
	keep_in_mind(d);
	snprintf(d->nation, sizeof(d->nation), "%s", nation);
	strcpy(d->base, "/tmp/entente-daemon-XXXXXX");
	if (!mkdtemp(d->base))
		die("no folder");
	snprintf(d->folder, sizeof(d->folder), "%s/relay",
		 parent ? parent : d->base);
	snprintf(d->secret, sizeof(d->secret), "%s/secret", d->base);
	snprintf(d->log, sizeof(d->log), "%s/log", d->base);
	d->device = free_port();
	do
		d->peer = free_port();
	while (d->peer == d->device);
	do
		d->admin = free_port();
	while (d->admin == d->device || d->admin == d->peer);
	make_folder(d);
}

static int remove_one(const char *path, const struct stat *st, int flag,
		      struct FTW *ftw)
{
	return remove(path);
}

void nation_daemon_free(struct nation_daemon *d)
{
	for (int i = 0; i < ALIVE_MAX; i++)
		if (alive[i] == d)
			alive[i] = NULL;
	if (d->pid)
		nation_daemon_kill(d);
	if (d->base[0] && !getenv("ENTENTE_KEEP"))
		nftw(d->base, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	*d = (struct nation_daemon){0};
}

/* ---- the log ---- */

static void read_log(const struct nation_daemon *d, struct buf *out)
{
	buf_init(out, LOG_MAX);
	(void)files_read(d->log, out).code;
}

bool nation_daemon_logged(const struct nation_daemon *d, const char *text)
{
	struct buf log;
	bool has;

	read_log(d, &log);
	has = strstr(buf_cstr(&log), text) != NULL;
	buf_clear(&log);
	return has;
}

/* ---- start and stop ---- */

/* The daemon, whose children lie beside it. */
static void find_programs(const struct nation_daemon *d, char program[512])
{
	static const char *const names[] = {"entented", "entented-front",
					    "entented-guard"};
	char from[512];

	nation_daemon_program("entented", program);
	if (!d->guard)
		return;
	for (int i = 0; i < 3; i++) {
		nation_daemon_program(i == 2 ? d->guard : names[i], from);
		if (nation_daemon_shell(NULL, 10,
					"mkdir -p '%s/programs' && cp '%s' "
					"'%s/programs/%s'",
					d->base, from, d->base, names[i]) != 0)
			die("no copy of %s", from);
	}
	snprintf(program, 512, "%s/programs/entented", d->base);
}

void nation_daemon_begin(struct nation_daemon *d)
{
	char program[512];

	find_programs(d, program);
	/* What an earlier run said would look like this one's. */
	unlink(d->log);
	d->pid = fork();
	if (d->pid < 0)
		die("no process");
	if (d->pid == 0) {
		int fd = open(d->log, O_CREAT | O_WRONLY | O_APPEND, 0600);

		prctl(PR_SET_PDEATHSIG, SIGKILL);
		dup2(fd, STDERR_FILENO);
		execl(program, "entented", "--folder", d->folder,
		      "--passphrase-file", d->secret, (char *)NULL);
		_exit(127);
	}
}

void nation_daemon_start(struct nation_daemon *d)
{
	uint64_t until = nation_daemon_now_ms() + NATION_DAEMON_READY_MS;
	int status;

	nation_daemon_begin(d);
	while (!nation_daemon_logged(d, "entented: ready ")) {
		if (nation_daemon_now_ms() > until ||
		    waitpid(d->pid, &status, WNOHANG) == d->pid) {
			struct buf log;

			read_log(d, &log);
			die("%s is not ready: %s", d->nation, buf_cstr(&log));
		}
		nation_daemon_sleep_ms(20);
	}
}

void nation_daemon_stop(struct nation_daemon *d)
{
	int status = 0;

	kill(d->pid, SIGTERM);
	if (waitpid(d->pid, &status, 0) != d->pid || !WIFEXITED(status) ||
	    WEXITSTATUS(status) != 0)
		die("%s stopped with status %x", d->nation, (unsigned)status);
	d->pid = 0;
}

/* ---- processes ---- */

static pid_t parent_of(pid_t pid)
{
	char path[64], line[1024];
	int parent = 0;
	char *at;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	f = fopen(path, "re");
	if (!f)
		return 0;
	if (fgets(line, sizeof(line), f) && (at = strrchr(line, ')')))
		sscanf(at + 1, " %*c %d", &parent);
	fclose(f);
	return parent;
}

const char *nation_daemon_role_name(enum nation_daemon_role role)
{
	static const char *const names[ROLES] = {"supervisor", "guard", "front",
						 "link"};

	return names[role];
}

/* By the last word of its command line. */
static bool has_role(pid_t pid, enum nation_daemon_role role)
{
	char path[64], line[512] = "";
	const char *last = line, *name = nation_daemon_role_name(role);
	size_t n;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/cmdline", pid);
	f = fopen(path, "re");
	if (!f)
		return false;
	n = fread(line, 1, sizeof(line) - 2, f);
	fclose(f);
	for (size_t i = 0; i + 1 < n; i++)
		if (!line[i])
			last = line + i + 1;
	return strcmp(last, role == ROLE_GUARD ? "entented-guard" : name) == 0;
}

static size_t children_of(pid_t parent, pid_t *out, size_t room)
{
	DIR *proc = opendir("/proc");
	struct dirent *entry;
	size_t count = 0;

	if (!proc)
		die("no /proc");
	while ((entry = readdir(proc))) {
		pid_t pid = atoi(entry->d_name);

		if (pid > 0 && count < room && parent_of(pid) == parent)
			out[count++] = pid;
	}
	closedir(proc);
	return count;
}

pid_t nation_daemon_pid(const struct nation_daemon *d,
			enum nation_daemon_role role)
{
	pid_t pids[32];
	size_t count;

	if (role == ROLE_SUPERVISOR)
		return d->pid;
	count = children_of(d->pid, pids, 32);
	for (size_t i = 0; i < count; i++)
		if (has_role(pids[i], role))
			return pids[i];
	return 0;
}

static bool is_alive(pid_t pid)
{
	char path[64], line[1024], state = 'X';
	char *at;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	f = fopen(path, "re");
	if (!f)
		return false;
	if (fgets(line, sizeof(line), f) && (at = strrchr(line, ')')))
		sscanf(at + 1, " %c", &state);
	fclose(f);
	return state != 'Z' && state != 'X';
}

void nation_daemon_kill(struct nation_daemon *d)
{
	uint64_t until = nation_daemon_now_ms() + 5000;
	pid_t pids[32];
	size_t count = children_of(d->pid, pids, 32);

	kill(d->pid, SIGKILL);
	waitpid(d->pid, NULL, 0);
	d->pid = 0;
	for (size_t i = 0; i < count; i++)
		while (is_alive(pids[i])) {
			if (nation_daemon_now_ms() > until)
				die("%s: process %d outlives its supervisor",
				    d->nation, pids[i]);
			nation_daemon_sleep_ms(5);
		}
}

static bool answers(const struct nation_daemon *d, const char *path)
{
	return nation_daemon_shell(NULL, 5,
				   "curl -sf --http2 --cacert %s/tls/ca.pem "
				   "--cert %s/operator/operator.pem --key "
				   "%s/operator/operator.key "
				   "https://localhost:%u%s",
				   d->folder, d->folder, d->folder, d->admin,
				   path) == 0;
}

void nation_daemon_kill_role(struct nation_daemon *d,
			     enum nation_daemon_role role)
{
	uint64_t until = nation_daemon_now_ms() + 15000;
	pid_t old = nation_daemon_pid(d, role), now;

	if (role == ROLE_SUPERVISOR || !old)
		die("no such child");
	kill(old, SIGKILL);
	do {
		if (nation_daemon_now_ms() > until)
			die("%s: no new %s", d->nation,
			    nation_daemon_role_name(role));
		nation_daemon_sleep_ms(20);
		now = nation_daemon_pid(d, role);
	} while (!now || now == old || !answers(d, "/admin/v1/status"));
}

bool nation_daemon_maps(pid_t pid, const char *text)
{
	char path[64], line[1024];
	bool found = false;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/maps", pid);
	f = fopen(path, "re");
	while (f && fgets(line, sizeof(line), f))
		found |= strstr(line, text) != NULL;
	if (f)
		fclose(f);
	return found;
}

uint64_t nation_daemon_anon(pid_t pid)
{
	char path[64], line[256];
	unsigned long kib = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	f = fopen(path, "re");
	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "RssAnon: %lu kB", &kib) == 1)
			break;
	if (f)
		fclose(f);
	return (uint64_t)kib * 1024;
}

void nation_daemon_watch(struct nation_daemon_watch *w,
			 const struct nation_daemon *d)
{
	*w = (struct nation_daemon_watch){.daemon = d};
	for (int i = 0; i < ROLES; i++) {
		w->pids[i] = nation_daemon_pid(d, (enum nation_daemon_role)i);
		w->before[i] = w->most[i] = nation_daemon_anon(w->pids[i]);
	}
}

void nation_daemon_look(struct nation_daemon_watch *w)
{
	for (int i = 0; i < ROLES; i++) {
		uint64_t now = nation_daemon_anon(w->pids[i]);

		if (now > w->most[i])
			w->most[i] = now;
	}
}

uint64_t nation_daemon_grown(struct nation_daemon_watch *w, const char *what)
{
	uint64_t most = 0;

	nation_daemon_look(w);
	for (int i = 0; i < ROLES; i++) {
		uint64_t grown = w->most[i] - w->before[i];

		printf("%s: %s grew by %llu KiB to %llu KiB\n", what,
		       nation_daemon_role_name((enum nation_daemon_role)i),
		       (unsigned long long)grown / 1024,
		       (unsigned long long)w->most[i] / 1024);
		if (grown > most)
			most = grown;
	}
	return most;
}

/* ---- what an operator does ---- */

static void must_do(const struct nation_daemon *d, int code, struct buf *said)
{
	if (code)
		die("%s: entente says %d: %s", d->nation, code, buf_cstr(said));
}

static void strip(struct buf *b)
{
	while (b->len && b->at[b->len - 1] <= ' ')
		b->len--;
}

void nation_daemon_subject(const struct nation_daemon *d, const char *name,
			   const char *clearance, const char *spaces)
{
	struct buf said;

	buf_init(&said, 1 << 20);
	must_do(d,
		nation_daemon_entente(
			d, &said,
			"subject add %s --folder @ --rights "
			"write,label,delete,recall --clearance "
			"docs/policy/clearances/%s.xml --space %s",
			name, clearance, spaces),
		&said);
	buf_clear(&said);
}

void nation_daemon_invite(const struct nation_daemon *d, const char *subject,
			  struct buf *token)
{
	int code = 1;

	buf_init(token, 1 << 20);
	/* Equal changes of one officer differ in their second (docs/API.md). */
	for (int i = 0; i < 3 && code; i++) {
		if (i)
			nation_daemon_sleep_ms(1000);
		buf_reset(token);
		code = nation_daemon_entente(d, token,
					     "device invite %s --folder @",
					     subject);
	}
	must_do(d, code, token);
	strip(token);
}

/* "GBR" as "gbr", as the example clearances are named. */
static void lower(const char *nation, char out[NATION_LEN + 1])
{
	for (int i = 0; i <= NATION_LEN; i++)
		out[i] = (char)(nation[i] ? nation[i] | 0x20 : 0);
}

static bool lists_peer(const struct nation_daemon *d, const char *nation)
{
	struct buf said;
	char want[32];
	bool listed;

	buf_init(&said, 1 << 20);
	snprintf(want, sizeof(want), "\"nation\":\"%s\"", nation);
	listed = nation_daemon_entente(d, &said,
				       "peer list --folder @ --json") == 0;
	listed = listed && strstr(buf_cstr(&said), want) &&
		 strstr(buf_cstr(&said), "\"state\":\"active\"");
	buf_clear(&said);
	return listed;
}

void nation_daemon_peer(const struct nation_daemon *a,
			const struct nation_daemon *b)
{
	uint64_t until = nation_daemon_now_ms() + 20000;
	char an[NATION_LEN + 1], bn[NATION_LEN + 1];
	struct buf invitation, said;

	lower(a->nation, an);
	lower(b->nation, bn);
	buf_init(&invitation, 1 << 20);
	buf_init(&said, 1 << 20);
	must_do(a,
		nation_daemon_entente(
			a, &invitation,
			"peer invite %s --folder @ --clearance "
			"docs/policy/clearances/%s-restricted.xml",
			b->nation, bn),
		&invitation);
	strip(&invitation);
	must_do(b,
		nation_daemon_entente(
			b, &said,
			"peer accept '%s' --folder @ --clearance "
			"docs/policy/clearances/%s-restricted.xml",
			buf_cstr(&invitation), an),
		&said);
	while (!lists_peer(a, b->nation) || !lists_peer(b, a->nation)) {
		if (nation_daemon_now_ms() > until)
			die("%s and %s did not become peers", a->nation,
			    b->nation);
		nation_daemon_sleep_ms(50);
	}
	buf_clear(&invitation);
	buf_clear(&said);
}

bool nation_daemon_audit_is_sound(const struct nation_daemon *d)
{
	struct buf said;
	bool sound;

	buf_init(&said, 1 << 20);
	sound = nation_daemon_entente(d, &said,
				      "audit verify --folder @ --json") == 0 &&
		strstr(buf_cstr(&said), "\"sound\":true");
	if (!sound)
		fprintf(stderr, "%s: audit: %s\n", d->nation, buf_cstr(&said));
	buf_clear(&said);
	return sound;
}
