#define _GNU_SOURCE
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "tests/relay/daemon.h"

#include "proto/crypto/certificate.h"
#include "proto/crypto/keyfile.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { ROOM = 64 * 1024 };

bool daemon_sanitized(void)
{
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
	return true;
#else
	return false;
#endif
}

void daemon_write(const struct daemon *d, const char *name, struct span content)
{
	char path[256];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", d->folder, name);
	f = fopen(path, "we");
	assert_non_null(f);
	assert_int_equal(fwrite(content.at, 1, content.len, f), content.len);
	assert_int_equal(fclose(f), 0);
}

static void make_folder(const struct daemon *d, const char *name)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/%s", d->folder, name);
	assert_int_equal(mkdir(path, 0700), 0);
}

static void issue(struct crypto_key *ca_key, struct span ca, const char *name,
		  enum certificate_purpose purpose, struct buf *pem,
		  struct buf *key_pem)
{
	static const char *const names[] = {"relay.test", "127.0.0.1"};
	static uint8_t serial;
	struct certificate_order o = {
		.purpose = purpose,
		.common_name = span_str(name),
		.organization = span_str("GBR"),
		.not_before = (uint64_t)time(NULL) - 3600,
		.not_after = (uint64_t)time(NULL) + 86400,
	};
	struct crypto_key *key = NULL;
	struct buf der;

	if (purpose != CERTIFICATE_CLIENT) {
		o.alt_names = names;
		o.alt_count = 2;
	}
	memset(o.serial, 0x22, sizeof(o.serial));
	o.serial[15] = ++serial;
	buf_init(&der, ROOM);
	buf_init(pem, ROOM);
	buf_init(key_pem, ROOM);
	assert_false(failed(crypto_key_generate(CRYPTO_P256, &key)));
	assert_false(failed(
		certificate_issue(ca_key, ca,
				  crypto_public_spki(crypto_key_public(key)),
				  &o, &der)));
	assert_false(failed(certificate_to_pem(buf_span(&der), pem)));
	assert_false(failed(certificate_to_pem(ca, pem)));
	assert_false(failed(certificate_key_to_pem(key, key_pem)));
	crypto_key_free(key);
	buf_clear(&der);
}

static void make_certificates(struct daemon *d)
{
	struct certificate_order o = {
		.purpose = CERTIFICATE_BOTH,
		.common_name = span_str("Test CA"),
		.not_before = (uint64_t)time(NULL) - 3600,
		.not_after = (uint64_t)time(NULL) + 86400,
		.serial = {0x33},
	};
	struct crypto_key *key = NULL;
	struct buf pem, key_pem;

	buf_init(&d->ca, ROOM);
	buf_init(&d->ca_der, ROOM);
	assert_false(failed(crypto_key_generate(CRYPTO_P256, &key)));
	assert_false(failed(certificate_make_ca(key, &o, &d->ca_der)));
	assert_false(failed(certificate_to_pem(buf_span(&d->ca_der), &d->ca)));
	assert_false(failed(
		certificate_digest(buf_span(&d->ca_der), &d->ca_digest)));
	issue(key, buf_span(&d->ca_der), "relay", CERTIFICATE_BOTH, &pem,
	      &key_pem);
	make_folder(d, "tls");
	daemon_write(d, "tls/ca.pem", buf_span(&d->ca));
	daemon_write(d, "tls/server.pem", buf_span(&pem));
	daemon_write(d, "tls/server.key", buf_span(&key_pem));
	buf_clear(&pem);
	buf_wipe(&key_pem);
	issue(key, buf_span(&d->ca_der), "alice", CERTIFICATE_CLIENT,
	      &d->certificate, &d->key);
	crypto_key_free(key);
}

static void make_root_key(const struct daemon *d)
{
	static const uint8_t salt[KEYFILE_SALT_LEN] = {1},
			     nonce[CRYPTO_NONCE_LEN] = {2},
			     key[KEYFILE_ROOT_LEN] = {3};
	struct buf file;

	buf_init(&file, ROOM);
	assert_false(failed(keyfile_encode_root(span_str("open sesame"), 10,
						salt, nonce, key, &file)));
	make_folder(d, "keys");
	daemon_write(d, "keys/root.key", buf_span(&file));
	daemon_write(d, "passphrase", span_str("open sesame\n"));
	buf_clear(&file);
}

/* The programs side by side, the echo guard under the guard's name. */
static void link_programs(struct daemon *d)
{
	static const char *const pairs[][2] = {{"entented", "entented"},
					       {"entented-front",
						"entented-front"},
					       {"tests/relay/echo-guard",
						"entented-guard"}};
	char own[512], from[1024], to[256], command[2048], *slash;
	ssize_t n = readlink("/proc/self/exe", own, sizeof(own) - 1);

	assert_true(n > 0);
	own[n] = 0;
	for (int i = 0; i < 3; i++) { /* <build>/tests/relay/test_x */
		slash = strrchr(own, '/');
		assert_non_null(slash);
		*slash = 0;
	}
	make_folder(d, "programs");
	snprintf(d->programs, sizeof(d->programs), "%s/programs", d->folder);
	for (int i = 0; i < 3; i++) {
		snprintf(from, sizeof(from), "%s/%s", own, pairs[i][0]);
		snprintf(to, sizeof(to), "%s/%s", d->programs, pairs[i][1]);
		if (link(from, to) == 0)
			continue;
		snprintf(command, sizeof(command), "cp '%s' '%s'", from, to);
		assert_int_equal(system(command), 0);
	}
}

void daemon_new(struct daemon *d)
{
	static const char config[] = "nation: GBR\n"
				     "name: relay.test\n"
				     "listen:\n"
				     "  device: 127.0.0.1:0\n"
				     "  peer: 127.0.0.1:0\n"
				     "  admin: 127.0.0.1:0\n"
				     "ceiling: RESTRICTED\n"
				     "fronts: 1\n";

	*d = (struct daemon){0};
	strcpy(d->folder, "/tmp/entente-relay-XXXXXX");
	assert_non_null(mkdtemp(d->folder));
	snprintf(d->log, sizeof(d->log), "%s/log", d->folder);
	daemon_write(d, "entente.yaml", span_str(config));
	make_certificates(d);
	make_root_key(d);
	link_programs(d);
	daemon_start(d);
}

static char *read_log(const struct daemon *d)
{
	FILE *f = fopen(d->log, "re");
	char *text;
	size_t n;

	if (!f)
		return NULL;
	text = calloc(1, 4 << 20);
	assert_non_null(text);
	n = fread(text, 1, (4 << 20) - 1, f);
	text[n] = 0;
	fclose(f);
	return text;
}

bool daemon_logged(const struct daemon *d, const char *text)
{
	char *log = read_log(d);
	bool has = log && strstr(log, text);

	free(log);
	return has;
}

static bool find_ready(struct daemon *d)
{
	char *log = read_log(d);
	const char *at = log ? strstr(log, "entented: ready ") : NULL;
	unsigned device = 0, peer = 0, admin = 0;
	bool ready = at && sscanf(at,
				  "entented: ready device=127.0.0.1:%u "
				  "peer=127.0.0.1:%u admin=127.0.0.1:%u\n",
				  &device, &peer, &admin) == 3;

	d->device = (uint16_t)device;
	d->peer = (uint16_t)peer;
	d->admin = (uint16_t)admin;
	free(log);
	return ready;
}

void daemon_start(struct daemon *d)
{
	char program[256], passphrase[256];

	snprintf(program, sizeof(program), "%s/entented", d->programs);
	snprintf(passphrase, sizeof(passphrase), "%s/passphrase", d->folder);
	unlink(d->log);
	d->pid = fork();
	assert_true(d->pid >= 0);
	if (d->pid == 0) {
		int fd = open(d->log, O_CREAT | O_WRONLY | O_APPEND, 0600);

		prctl(PR_SET_PDEATHSIG, SIGKILL);
		dup2(fd, STDERR_FILENO);
		execl(program, "entented", "--folder", d->folder,
		      "--passphrase-file", passphrase, (char *)NULL);
		_exit(127);
	}
	for (int i = 0; i < 600 && !find_ready(d); i++)
		usleep(50 * 1000);
	if (!d->device) {
		char *log = read_log(d);

		fail_msg("not ready: %s", log ? log : "no log");
	}
}

void daemon_stop(struct daemon *d)
{
	int status = 0;

	assert_int_equal(kill(d->pid, SIGTERM), 0);
	assert_int_equal(waitpid(d->pid, &status, 0), d->pid);
	d->pid = 0;
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
		fail_msg("stopped with status %x", (unsigned)status);
	/* What a sanitizer found in any process stands in the log. */
	assert_false(daemon_logged(d, "Sanitizer"));
	assert_false(daemon_logged(d, "runtime error"));
}

void daemon_free(struct daemon *d)
{
	char command[128];
	int r;

	if (d->pid > 0) {
		kill(d->pid, SIGKILL);
		waitpid(d->pid, NULL, 0);
	}
	if (getenv("ENTENTE_KEEP"))
		return;
	snprintf(command, sizeof(command), "rm -rf '%s'", d->folder);
	r = system(command);
	(void)r;
	buf_clear(&d->ca);
	buf_clear(&d->ca_der);
	buf_clear(&d->certificate);
	buf_wipe(&d->key);
}

/* ---- processes ---- */

static pid_t parent_of(pid_t pid)
{
	char path[64], line[512];
	FILE *f;
	char *at;
	int parent = 0;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	f = fopen(path, "re");
	if (!f)
		return 0;
	if (fgets(line, sizeof(line), f) && (at = strrchr(line, ')')))
		sscanf(at + 1, " %*c %d", &parent);
	fclose(f);
	return parent;
}

static bool has_role(pid_t pid, enum daemon_role role)
{
	static const char *const names[] = {"entented-guard", "link", "front"};
	char path[64], line[512] = "";
	const char *last = line;
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
	return strcmp(last, names[role]) == 0;
}

pid_t daemon_child(const struct daemon *d, enum daemon_role role)
{
	DIR *proc = opendir("/proc");
	struct dirent *entry;
	pid_t found = 0;

	assert_non_null(proc);
	while (!found && (entry = readdir(proc))) {
		pid_t pid = atoi(entry->d_name);

		if (pid > 0 && parent_of(pid) == d->pid && has_role(pid, role))
			found = pid;
	}
	closedir(proc);
	return found;
}

void daemon_wait_new(struct daemon *d, enum daemon_role role, pid_t old)
{
	for (int i = 0; i < 200; i++) {
		pid_t now = daemon_child(d, role);
		struct client c = {0};
		struct exchange x = {0};
		int status = 0;

		usleep(50 * 1000);
		if (!now || now == old)
			continue;
		if (daemon_connect(d, &c))
			status = client_get(&c, "/v1/relay", &x);
		exchange_clear(&x);
		client_close(&c);
		if (status == 200)
			return;
	}
	fail_msg("did not come back");
}

size_t daemon_resident(pid_t pid)
{
	char path[64];
	unsigned long pages = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/statm", pid);
	f = fopen(path, "re");
	if (!f)
		return 0;
	if (fscanf(f, "%*u %lu", &pages) != 1)
		pages = 0;
	fclose(f);
	return pages * (size_t)sysconf(_SC_PAGESIZE);
}

bool daemon_connect(const struct daemon *d, struct client *c)
{
	return client_open(c, d->device, buf_span(&d->ca),
			   buf_span(&d->certificate), buf_span(&d->key));
}
