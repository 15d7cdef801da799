/* `entente backup create`: asked for, waited for, fetched, dropped. */
#define _GNU_SOURCE
#include "client/cmd_backup.h"

#include "client/admin.h"
#include "client/files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

enum { PIECE_MAX = 2 << 20, SAY_EVERY_S = 5 };

struct state {
	char name[16];
	char detail[200];
	uint64_t bytes, estimate, rows, time;
};

/* The last line was said so long ago that people wonder. */
static void say_progress(const struct cli *c, const char *what, uint64_t done,
			 uint64_t total)
{
	static time_t said;
	time_t now = time(NULL);

	if (c->progress) {
		cli_progress(c, what, done < total ? done : total, total);
	} else if (total && now - said >= SAY_EVERY_S) {
		said = now;
		fprintf(stderr, "%s: %llu of about %llu KiB\n", what,
			(unsigned long long)done >> 10,
			(unsigned long long)total >> 10);
	}
}

static struct err read_state(struct span json, struct state *out)
{
	struct json *tree = NULL;
	struct span name, detail;
	struct err e = json_parse(json, &tree);

	if (!failed(e))
		e = json_get_string(tree, "state", &name);
	if (!failed(e))
		e = json_get_string(tree, "detail", &detail);
	if (!failed(e))
		e = json_get_u64(tree, "bytes", &out->bytes);
	if (!failed(e))
		e = json_get_u64(tree, "estimate", &out->estimate);
	if (!failed(e))
		e = json_get_u64(tree, "rows", &out->rows);
	if (!failed(e))
		e = json_get_u64(tree, "time", &out->time);
	if (!failed(e)) {
		snprintf(out->name, sizeof(out->name), "%.*s", (int)name.len,
			 (const char *)name.at);
		snprintf(out->detail, sizeof(out->detail), "%.*s",
			 (int)detail.len, (const char *)detail.at);
	}
	json_free(tree);
	return e;
}

/* Until it is ready. */
static int wait_ready(const struct cli *c, struct admin *a, struct state *s)
{
	const struct timespec pause = {0, 200 * 1000 * 1000};
	struct buf answer;
	int code = 0;

	buf_init(&answer, 65536);
	while (!code) {
		struct err e;

		buf_reset(&answer);
		code = admin_call(a, "GET", "/admin/v1/backup", span_str(""),
				  &answer);
		if (code)
			break;
		e = read_state(buf_span(&answer), s);
		if (failed(e))
			code = cli_fail(c, e, "/admin/v1/backup");
		else if (strcmp(s->name, "failed") == 0)
			code = cli_fail(c,
					err_make(ERR_INTERNAL,
						 "the relay could not make it"),
					"backup: %s", s->detail);
		else if (strcmp(s->name, "none") == 0)
			code = cli_fail(c,
					err_make(ERR_CONFLICT,
						 "the relay was started anew, "
						 "or another officer dropped "
						 "it"),
					"backup");
		else if (strcmp(s->name, "ready") == 0)
			break;
		if (!code) {
			say_progress(c, "written", s->bytes, s->estimate);
			nanosleep(&pause, NULL);
		}
	}
	say_progress(c, "written", 0, 0);
	buf_clear(&answer);
	return code;
}

static struct err write_all(int fd, struct span bytes)
{
	while (bytes.len) {
		ssize_t n = write(fd, bytes.at, bytes.len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_make(errno == ENOSPC ? ERR_DISK_FULL
							: ERR_IO,
					"the file cannot be written");
		bytes = span_sub(bytes, (size_t)n, SIZE_MAX);
	}
	return ERR_NONE;
}

static int fetch(const struct cli *c, struct admin *a, const struct state *s,
		 const char *path, int fd)
{
	struct buf piece;
	uint64_t at = 0;
	int code = 0;

	buf_init(&piece, PIECE_MAX);
	while (!code && at < s->bytes) {
		char target[80];
		struct err e;

		buf_reset(&piece);
		snprintf(target, sizeof(target),
			 "/admin/v1/backup/content?offset=%llu",
			 (unsigned long long)at);
		code = admin_call(a, "GET", target, span_str(""), &piece);
		if (code)
			break;
		e = piece.len ? write_all(fd, buf_span(&piece))
			      : err_make(ERR_UNREACHABLE, "it ended too early");
		if (failed(e))
			code = cli_fail(c, e, "%s", path);
		at += piece.len;
		say_progress(c, "fetched", at, s->bytes);
	}
	say_progress(c, "fetched", 0, 0);
	if (!code && fsync(fd) != 0)
		code = cli_fail(c, err_make(ERR_IO, "it cannot be synced"),
				"%s", path);
	buf_clear(&piece);
	return code;
}

/* Into `to`.new, and in place when it is whole. */
static int fetch_to(const struct cli *c, struct admin *a, const struct state *s,
		    const char *to)
{
	char path[FILES_PATH_MAX];
	int n = snprintf(path, sizeof(path), "%s.new", to), code, fd;

	if (n <= 0 || n >= FILES_PATH_MAX)
		return cli_fail(c, err_make(ERR_TOO_LARGE, "a long path"), "%s",
				to);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0)
		return cli_fail(c, err_make(ERR_IO, "it cannot be made"), "%s",
				path);
	code = fetch(c, a, s, path, fd);
	close(fd);
	if (!code &&
	    renameat2(AT_FDCWD, path, AT_FDCWD, to, RENAME_NOREPLACE) != 0)
		code = cli_fail(c,
				errno == EEXIST
					? err_make(ERR_EXISTS,
						   "the file is there already")
					: err_make(ERR_IO,
						   "it cannot be put in place"),
				"%s", to);
	if (code)
		unlink(path);
	return code;
}

static int say_done(struct cli *c, const struct state *s, const char *to)
{
	struct json_writer w;
	struct buf json;
	int code = 0;

	cli_say(c,
		"%s: %llu records, %llu bytes, sealed to the recovery key\n"
		"  A recall does not reach it: see how long you keep it.",
		to, (unsigned long long)s->rows, (unsigned long long)s->bytes);
	if (!c->json)
		return 0;
	buf_init(&json, 8192);
	w = json_write(&json);
	json_open_object(&w);
	json_member_u64(&w, "bytes", s->bytes);
	json_member_str(&w, "file", to);
	json_member_u64(&w, "rows", s->rows);
	json_member_u64(&w, "time", s->time);
	json_close_object(&w);
	code = cli_print_json(c, &json);
	buf_clear(&json);
	return code;
}

int cmd_backup_create(struct cli *c)
{
	const char *to = cli_option(c, "to");
	struct admin *a = NULL;
	struct state s = {0};
	struct buf answer;
	int code;

	if (!to)
		return cli_usage(c, "--to FILE is needed");
	if (access(to, F_OK) == 0)
		return cli_fail(c,
				err_make(ERR_EXISTS,
					 "the file is there already"),
				"%s", to);
	code = admin_open(c, &a);
	if (code)
		return code;
	buf_init(&answer, 65536);
	code = admin_call(a, "POST", "/admin/v1/backup", span_str(""), &answer);
	if (!code)
		code = wait_ready(c, a, &s);
	if (!code)
		code = fetch_to(c, a, &s, to);
	if (!code) {
		buf_reset(&answer);
		code = admin_call(a, "DELETE", "/admin/v1/backup", span_str(""),
				  &answer);
	}
	if (!code)
		code = say_done(c, &s, to);
	admin_close(a);
	buf_clear(&answer);
	return code;
}

int cmd_release(struct cli *c)
{
	return admin_do(c, "POST", "/admin/v1/release", span_str(""),
			"Said; another officer must say so too, unless he "
			"has.");
}
