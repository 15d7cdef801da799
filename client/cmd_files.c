/* Files, options and messages of the offline nouns. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "client/cmd_files.h"

void cmd_say(const char *fmt, ...)
{
	va_list args;

	fputs("entente: ", stderr);
	va_start(args, fmt);
	vfprintf(stderr, fmt, args);
	va_end(args);
	fputc('\n', stderr);
}

static struct cmd_option *find(struct cmd_option *options, size_t count,
			       const char *name, size_t len)
{
	for (size_t i = 0; i < count; i++) {
		if (strlen(options[i].name) == len &&
		    strncmp(options[i].name, name, len) == 0)
			return &options[i];
	}
	return NULL;
}

bool cmd_options(int argc, char **argv, int from, struct cmd_option *options,
		 size_t option_count, const char **rest, size_t rest_max,
		 size_t *rest_count)
{
	*rest_count = 0;
	for (int i = from; i < argc; i++) {
		const char *arg = argv[i], *equals = strchr(arg, '=');
		size_t len = equals ? (size_t)(equals - arg) : strlen(arg);
		struct cmd_option *o;
		const char *value;

		if (strncmp(arg, "--", 2) != 0) {
			if (*rest_count == rest_max) {
				cmd_say("unexpected argument %s; see --help",
					arg);
				return false;
			}
			rest[(*rest_count)++] = arg;
			continue;
		}
		o = find(options, option_count, arg, len);
		if (!o) {
			cmd_say("unknown option %s; see --help", arg);
			return false;
		}
		if (o->flag) {
			o->count = 1;
			continue;
		}
		value = equals ? equals + 1 : i + 1 < argc ? argv[++i] : NULL;
		if (!value || o->count == o->max) {
			cmd_say(value ? "option %s: given too often"
				      : "option %s: its value is missing",
				o->name);
			return false;
		}
		o->values[o->count++] = value;
	}
	return true;
}

bool cmd_read(const char *path, size_t max, struct buf *out)
{
	FILE *f = fopen(path, "rb");
	char piece[8192];
	size_t n;
	bool ok;

	buf_init(out, max);
	if (!f) {
		cmd_say("%s: %s; check the path", path, strerror(errno));
		return false;
	}
	while ((n = fread(piece, 1, sizeof(piece), f)) > 0)
		buf_put(out, span_of(piece, n));
	ok = !ferror(f) && !out->bad;
	if (ferror(f))
		cmd_say("%s: %s; check the file", path, strerror(errno));
	else if (out->bad)
		cmd_say("%s: larger than %zu bytes; is it the right file?",
			path, max);
	fclose(f);
	if (!ok)
		buf_clear(out);
	return ok;
}

bool cmd_load_policy(const char *const *paths, size_t count,
		     struct label_problem *problem, struct policy **out,
		     bool *unreadable)
{
	struct buf bytes[POLICY_FILES_MAX] = {0};
	struct span files[POLICY_FILES_MAX];
	struct err e = ERR_NONE;
	size_t n = 0;

	*unreadable = false;
	*problem = (struct label_problem){0};
	for (; n < count && n < POLICY_FILES_MAX && !*unreadable; n++) {
		*unreadable = !cmd_read(paths[n], POLICY_FILE_MAX, &bytes[n]);
		files[n] = buf_span(&bytes[n]);
		if (*unreadable)
			snprintf(problem->text, sizeof(problem->text),
				 "%.200s: cannot be read", paths[n]);
	}
	if (!*unreadable) {
		struct label_problem p;

		e = policy_load(files, n, &p, out);
		if (failed(e))
			snprintf(problem->text, sizeof(problem->text),
				 "%.100s: %.150s", paths[p.file],
				 *p.text ? p.text : e.detail);
	}
	for (size_t i = 0; i < n; i++)
		buf_clear(&bytes[i]);
	return !*unreadable && !failed(e);
}
