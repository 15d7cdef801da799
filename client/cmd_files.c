/* Files and messages of the offline nouns. */
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
