/* The verbs of entented-store, and what it says. */
#include "relay/store/tool.h"

#include <stdarg.h>
#include <stdio.h>
#include <time.h>

const struct tool_verb tool_verbs[] = {
	{"rotate-root", rotate_run},
	{"restore", restore_run},
	{"verify", verify_run},
	{NULL, NULL},
};

static void error_json(struct buf *json, const struct err_row *row,
		       const char *detail, const char *mend, const char *where)
{
	struct json_writer w = json_write(json);

	json_open_object(&w);
	json_put_name(&w, "error");
	json_open_object(&w);
	json_member_str(&w, "detail", detail ? detail : "");
	json_member_str(&w, "mend", mend);
	json_member_str(&w, "name", row->name);
	json_member_str(&w, "reference", "");
	json_member_str(&w, "title", row->title);
	json_member_str(&w, "where", where);
	json_close_object(&w);
	json_close_object(&w);
}

int tool_fail(const struct tool *t, struct err e, const char *mend,
	      const char *where, ...)
{
	const struct err_row *row = err_row(e.code);
	char text[1024];
	struct buf json;
	va_list ap;

	va_start(ap, where);
	vsnprintf(text, sizeof(text), where, ap);
	va_end(ap);
	mend = mend ? mend : row->mend;
	fprintf(stderr, "entente: %s: %s\n  %s\n", text,
		e.detail ? e.detail : row->title, mend);
	if (t->json) {
		buf_init(&json, 8192);
		error_json(&json, row, e.detail, mend, text);
		printf("%s\n", buf_cstr(&json));
		buf_clear(&json);
	}
	return row->exit_code;
}

int tool_done(const struct tool *t, struct buf *json, const char *words, ...)
{
	va_list ap;

	va_start(ap, words);
	vfprintf(t->json ? stderr : stdout, words, ap);
	va_end(ap);
	fputc('\n', t->json ? stderr : stdout);
	if (t->json) {
		fwrite(json->at, 1, json->len, stdout);
		fputc('\n', stdout);
	}
	return fflush(stdout) == 0 ? 0
				   : tool_fail(t, err_make(ERR_IO, "stdout"),
					       NULL, "stdout");
}

void tool_progress(const struct tool *t, const char *what, uint64_t done,
		   uint64_t total)
{
	static time_t said;
	time_t now = time(NULL);

	if (total == 0) {
		if (t->terminal)
			fputs("\r\033[K", stderr);
		return;
	}
	if (now == said)
		return;
	said = now;
	fprintf(stderr, "%s%s: %llu of %llu KiB (%llu%%)%s",
		t->terminal ? "\r\033[K" : "", what,
		(unsigned long long)done >> 10, (unsigned long long)total >> 10,
		(unsigned long long)(done * 100 / total),
		t->terminal ? "" : "\n");
}
