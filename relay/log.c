#include "relay/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

/* Set once before threads; read only after. */
static const char *log_role = "entented";
static bool log_json;
static bool log_silent;

void log_init(const char *role, bool json)
{
	log_role = role;
	log_json = json;
}

bool log_is_json(void)
{
	return log_json;
}

void log_quiet(bool quiet)
{
	log_silent = quiet;
}

bool log_is_quiet(void)
{
	return log_silent;
}

/* Room for the end of the line is always kept. */
enum { TAIL = 4 };

static void put(struct log_line *l, const char *s, size_t n)
{
	if (l->len + n + TAIL > sizeof(l->at))
		return;
	memcpy(l->at + l->len, s, n);
	l->len += n;
}

static void put_str(struct log_line *l, const char *s)
{
	put(l, s, strlen(s));
}

static void put_escaped(struct log_line *l, struct span value)
{
	for (size_t i = 0; i < value.len; i++) {
		uint8_t c = value.at[i];
		char hex[7];

		if (c >= 0x20 && c < 0x7f && c != '"' && c != '\\') {
			put(l, (const char *)&c, 1);
		} else {
			snprintf(hex, sizeof(hex),
				 log_json ? "\\u%04x" : "\\x%02x", c);
			put_str(l, hex);
		}
	}
}

static void put_key(struct log_line *l, const char *key)
{
	if (log_json) {
		put_str(l, l->len > 1 ? ",\"" : "\"");
		put_str(l, key);
		put_str(l, "\":");
	} else {
		if (l->len)
			put_str(l, " ");
		put_str(l, key);
		put_str(l, "=");
	}
}

static bool plain(struct span value)
{
	for (size_t i = 0; i < value.len; i++)
		if (value.at[i] <= 0x20 || value.at[i] >= 0x7f ||
		    value.at[i] == '"' || value.at[i] == '=')
			return false;
	return value.len > 0;
}

void log_span(struct log_line *l, const char *key, struct span value)
{
	bool quote = log_json || !plain(value);

	put_key(l, key);
	if (quote)
		put_str(l, "\"");
	put_escaped(l, span_sub(value, 0, 512));
	if (quote)
		put_str(l, "\"");
}

void log_str(struct log_line *l, const char *key, const char *value)
{
	log_span(l, key, span_str(value));
}

void log_u64(struct log_line *l, const char *key, uint64_t value)
{
	char text[24];

	snprintf(text, sizeof(text), "%llu", (unsigned long long)value);
	put_key(l, key);
	put_str(l, text);
}

void log_begin(struct log_line *l, const char *what)
{
	struct timespec now;
	struct tm tm;
	char text[64];

	l->len = 0;
	if (log_json)
		put_str(l, "{");
	clock_gettime(CLOCK_REALTIME, &now);
	gmtime_r(&now.tv_sec, &tm);
	snprintf(text, sizeof(text), "%04d-%02d-%02dT%02d:%02d:%02d.%03ldZ",
		 (tm.tm_year + 1900) % 10000, tm.tm_mon + 1, tm.tm_mday,
		 tm.tm_hour, tm.tm_min, tm.tm_sec,
		 now.tv_nsec / 1000000 % 1000);
	log_str(l, "time", text);
	log_str(l, "role", log_role);
	log_str(l, "what", what);
}

void log_err(struct log_line *l, struct err e)
{
	if (!failed(e))
		return;
	log_str(l, "error", err_row(e.code)->name);
	if (e.detail)
		log_str(l, "detail", e.detail);
}

void log_end(struct log_line *l)
{
	ssize_t n;

	if (log_json)
		l->at[l->len++] = '}';
	l->at[l->len++] = '\n';
	n = write(STDERR_FILENO, l->at, l->len);
	(void)n; /* a log that is full or gone must not stop the relay */
}

void log_note(const char *what, const char *key, const char *value)
{
	struct log_line l;

	log_begin(&l, what);
	log_str(&l, key, value);
	log_end(&l);
}

void log_fault(const char *what, struct err e)
{
	struct log_line l;

	log_begin(&l, what);
	log_err(&l, e);
	log_end(&l);
}
