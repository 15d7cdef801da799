/* The command in this process, and a relay in processes of its own. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "tests/client/command.h"

#include "client/verbs.h"
#include "proto/base/json.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

char command_out[COMMAND_ROOM], command_err[COMMAND_ROOM];

static void read_all(FILE *f, char out[COMMAND_ROOM])
{
	rewind(f);
	out[fread(out, 1, COMMAND_ROOM - 1, f)] = 0;
	fclose(f);
}

int command(const char *const *words)
{
	FILE *out = tmpfile(), *err = tmpfile();
	char *argv[66] = {(char *)"entente"};
	int keep_out, keep_err, code, argc = 1;

	assert_non_null(out);
	assert_non_null(err);
	for (; words[argc - 1]; argc++)
		assert_non_null(argv[argc] = strdup(words[argc - 1]));
	fflush(stdout);
	fflush(stderr);
	keep_out = dup(1);
	keep_err = dup(2);
	dup2(fileno(out), 1);
	dup2(fileno(err), 2);
	code = verbs_run(argc, argv);
	fflush(stdout);
	fflush(stderr);
	dup2(keep_out, 1);
	dup2(keep_err, 2);
	close(keep_out);
	close(keep_err);
	read_all(out, command_out);
	read_all(err, command_err);
	for (int i = 1; i < argc; i++)
		free(argv[i]);
	return code;
}

const char *command_member(const char *name)
{
	static char text[4096];
	struct json *json = NULL;
	struct span value;

	/* One document: anything after it is malformed. */
	if (failed(json_parse(span_str(command_out), &json)))
		fail_msg("not one JSON document: %s", command_out);
	text[0] = 0;
	if (name && !failed(json_get_string(json, name, &value)))
		snprintf(text, sizeof(text), "%.*s", (int)value.len,
			 (const char *)value.at);
	json_free(json);
	return text;
}

const char *command_line(void)
{
	static char text[4096];

	snprintf(text, sizeof(text), "%.*s", (int)strcspn(command_out, "\n"),
		 command_out);
	return text;
}

/* ---- files ---- */

const char *command_path(const struct command_relay *r, const char *name)
{
	static char paths[16][512];
	static unsigned at;

	snprintf(paths[at % 16], 512, "%s/%s", r->folder, name);
	return paths[at++ % 16];
}

void command_write(const struct command_relay *r, const char *name,
		   const void *bytes, size_t len)
{
	FILE *f = fopen(command_path(r, name), "wb");

	assert_non_null(f);
	assert_int_equal(fwrite(bytes, 1, len, f), len);
	fclose(f);
}

/* ---- the relay ---- */

/* Ports that are free now, all at once, so that they differ. */
static void free_ports(unsigned ports[3])
{
	int fds[3];

	for (int i = 0; i < 3; i++) {
		struct sockaddr_in a = {.sin_family = AF_INET,
					.sin_addr.s_addr =
						htonl(INADDR_LOOPBACK)};
		socklen_t len = sizeof(a);

		fds[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
		assert_int_equal(bind(fds[i], (struct sockaddr *)&a, len), 0);
		assert_int_equal(getsockname(fds[i], (struct sockaddr *)&a,
					     &len),
				 0);
		ports[i] = ntohs(a.sin_port);
	}
	for (int i = 0; i < 3; i++)
		close(fds[i]);
}

static void program(char out[600])
{
	ssize_t n = readlink("/proc/self/exe", out, 500);

	assert_true(n > 0);
	out[n] = 0;
	for (int i = 0; i < 3; i++) /* <build>/tests/client/test_x */
		*strrchr(out, '/') = 0;
	strcat(out, "/entented");
}

static bool is_ready(const char *log)
{
	char text[8192];
	FILE *f = fopen(log, "rb");
	size_t n;

	if (!f)
		return false;
	n = fread(text, 1, sizeof(text) - 1, f);
	text[n] = 0;
	fclose(f);
	return strstr(text, "entented: ready") != NULL;
}

bool command_relay_start(struct command_relay *r)
{
	unsigned ports[3];
	char path[600], listen[3][64];

	memset(r, 0, sizeof(*r));
	program(path);
#ifdef ENTENTE_SANITIZE
	printf("skipped: 1 cases: a checker does not fit the confinement of "
	       "a daemon\n");
	return false;
#endif
	strcpy(r->folder, "/tmp/entente-command-XXXXXX");
	assert_non_null(mkdtemp(r->folder));
	snprintf(r->gbr, sizeof(r->gbr), "%s/gbr", r->folder);
	command_write(r, "secret", "secret word\n", 12);
	free_ports(ports);
	for (int i = 0; i < 3; i++)
		snprintf(listen[i], sizeof(listen[i]), "127.0.0.1:%u",
			 ports[i]);
	snprintf(r->device, sizeof(r->device), "localhost:%u", ports[0]);
	snprintf(r->admin, sizeof(r->admin), "127.0.0.1:%u", ports[2]);
	assert_int_equal(COMMAND("init", r->gbr, "--nation", "GBR", "--name",
				 "localhost", "--listen-device", listen[0],
				 "--listen-peer", listen[1], "--listen-admin",
				 listen[2], "--passphrase-file",
				 command_path(r, "secret")),
			 0);
	r->pid = fork();
	assert_true(r->pid >= 0);
	if (r->pid == 0) {
		int fd = open(command_path(r, "log"),
			      O_WRONLY | O_CREAT | O_APPEND, 0600);

		dup2(fd, 1);
		dup2(fd, 2);
		prctl(PR_SET_PDEATHSIG, SIGTERM);
		execl(path, "entented", "--folder", r->gbr, "--passphrase-file",
		      command_path(r, "secret"), NULL);
		_exit(127);
	}
	for (int i = 0; i < 400 && !is_ready(command_path(r, "log")); i++)
		usleep(50 * 1000);
	assert_true(is_ready(command_path(r, "log")));
	return true;
}

void command_relay_stop(struct command_relay *r)
{
	char line[256];

	if (r->pid > 0) {
		kill(r->pid, SIGTERM);
		waitpid(r->pid, NULL, 0);
	}
	if (!r->folder[0])
		return;
	snprintf(line, sizeof(line), "rm -rf %s", r->folder);
	assert_int_equal(system(line), 0);
}

void command_enrol(const struct command_relay *r, const char *subject,
		   const char *rights)
{
	char token[4096];

	assert_int_equal(COMMAND("subject", "add", subject, "--folder", r->gbr,
				 "--rights", rights, "--space", "GBR/ops",
				 "--clearance",
				 "docs/policy/clearances/gbr-restricted.xml"),
			 0);
	assert_int_equal(COMMAND("device", "invite", subject, "--folder",
				 r->gbr),
			 0);
	snprintf(token, sizeof(token), "%s", command_line());
	assert_int_equal(COMMAND("device", "enrol", token, "--device",
				 command_path(r, subject)),
			 0);
}
