/* What the command says: errors with their mend, JSON, progress. */
#include "client/cli.h"

#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

static void say_error(const struct cli *c, const char *name, const char *where,
		      const char *title, const char *detail, const char *mend,
		      const char *reference)
{
	struct json_writer w;
	struct buf json;

	if (c && c->progress)
		fputs("\r\033[K", stderr);
	fprintf(stderr, "entente: %s: %s", where, title);
	if (detail && detail[0] && strcmp(detail, title) != 0)
		fprintf(stderr, " (%s)", detail);
	fputc('\n', stderr);
	if (mend && mend[0])
		fprintf(stderr, "  %s\n", mend);
	if (reference && reference[0])
		fprintf(stderr, "  reference: %s\n", reference);
	/* The first failure, of several, is the document. */
	if (!c || !c->json || (c->told && *c->told))
		return;
	if (c->told)
		*c->told = true;
	buf_init(&json, PROBLEM_MAX);
	w = json_write(&json);
	json_open_object(&w);
	json_put_name(&w, "error");
	json_open_object(&w);
	json_member_str(&w, "detail", detail ? detail : "");
	json_member_str(&w, "mend", mend ? mend : "");
	json_member_str(&w, "name", name);
	json_member_str(&w, "reference", reference ? reference : "");
	json_member_str(&w, "title", title);
	json_member_str(&w, "where", where);
	json_close_object(&w);
	json_close_object(&w);
	printf("%s\n", buf_cstr(&json));
	buf_clear(&json);
}

int cli_fail(const struct cli *c, struct err e, const char *where, ...)
{
	const struct err_row *row = err_row(e.code);
	char text[1024];
	va_list ap;

	va_start(ap, where);
	vsnprintf(text, sizeof(text), where, ap);
	va_end(ap);
	say_error(c, row->name, text, row->title, e.detail, row->mend, "");
	return row->exit_code;
}

int cli_refused(const struct cli *c, const struct problem *p, const char *where,
		...)
{
	const struct err_row *row = err_row(p->code);
	char text[1024];
	va_list ap;

	va_start(ap, where);
	vsnprintf(text, sizeof(text), where, ap);
	va_end(ap);
	say_error(c, p->name[0] ? p->name : row->name, text,
		  p->title[0] ? p->title : row->title, p->detail,
		  p->mend[0] ? p->mend : row->mend, p->reference);
	return row->exit_code;
}

int cli_usage(const struct cli *c, const char *fmt, ...)
{
	const struct cli_verb *v = c->verb;
	char text[512], where[128];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	snprintf(where, sizeof(where), "%s%s%s", v->noun, v->verb ? " " : "",
		 v->verb ? v->verb : "");
	say_error(c, "usage", where, "The command line is wrong.", text,
		  "See --help for the usage and an example.", "");
	return err_row(ERR_USAGE)->exit_code;
}

void cli_say(const struct cli *c, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vfprintf(c->json ? stderr : stdout, fmt, ap);
	va_end(ap);
	fputc('\n', c->json ? stderr : stdout);
}

int cli_print_json(const struct cli *c, struct buf *json)
{
	struct err e = buf_check(json);

	if (failed(e))
		return cli_fail(c, e, "writing the answer");
	fwrite(json->at, 1, json->len, stdout);
	fputc('\n', stdout);
	return fflush(stdout) == 0
		       ? 0
		       : cli_fail(c, err_make(ERR_IO, "stdout"), "stdout");
}

void cli_progress(const struct cli *c, const char *what, uint64_t done,
		  uint64_t total)
{
	if (!c->progress)
		return;
	if (total == 0)
		fputs("\r\033[K", stderr);
	else
		fprintf(stderr, "\r\033[K%s: %llu of %llu KiB (%llu%%)", what,
			(unsigned long long)done >> 10,
			(unsigned long long)total >> 10,
			(unsigned long long)(done * 100 / total));
}

/* The length of the character at `i`, 0 if it is no UTF-8. */
static size_t character(struct span text, size_t i, uint32_t *out)
{
	uint8_t first = text.at[i];
	size_t len = first < 0x80   ? 1
		     : first < 0xc2 ? 0
		     : first < 0xe0 ? 2
		     : first < 0xf0 ? 3
		     : first < 0xf5 ? 4
				    : 0;
	uint32_t c = len == 1 ? first : first & (0x7fu >> len);

	if (len == 0 || len > text.len - i)
		return 0;
	for (size_t k = 1; k < len; k++) {
		if ((text.at[i + k] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (text.at[i + k] & 0x3f);
	}
	if ((len == 3 && c < 0x800) || (len == 4 && c < 0x10000) ||
	    (c >= 0xd800 && c < 0xe000) || c > 0x10ffff)
		return 0;
	*out = c;
	return len;
}

static bool moves(uint32_t c)
{
	return c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0x200e ||
	       c == 0x200f || c == 0x061c || c == 0x2028 || c == 0x2029 ||
	       (c >= 0x202a && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069);
}

void cli_clean(struct span text, struct buf *out)
{
	size_t len;

	for (size_t i = 0; i < text.len; i += len ? len : 1) {
		uint32_t c = 0;

		len = character(text, i, &c);
		if (len == 0 || moves(c))
			buf_put_u8(out, '?');
		else
			buf_put(out, span_sub(text, i, len));
	}
}
