/* JSON values as a person reads them. */
#include "client/cli_table.h"

#include <stdio.h>
#include <time.h>

enum {
	COLUMNS_MAX = 16,
	NAME_MAX_LEN = 63,
	CELL_MAX = 44, /* characters of a cell; more is cut */
	DIGEST_SHOWN = 12,
	ANSWER_MAX = 16 << 20,
};

/* ---- what a name means ---- */

static bool among(const char *name, const char *list)
{
	size_t len = strlen(name);

	for (const char *p = list; *p; p += strcspn(p, " "), p += *p == ' ')
		if (strcspn(p, " ") == len && memcmp(p, name, len) == 0)
			return true;
	return false;
}

static bool is_time(const char *name)
{
	return among(name, "time since pulled enrolled changed expires "
			   "certificate_until");
}

static bool is_seconds(const char *name)
{
	return among(name, "lag uptime");
}

static bool is_bytes(const char *name)
{
	return among(name, "clearance files");
}

/* ---- values ---- */

void cli_table_time(uint64_t time_s, struct buf *out)
{
	time_t t = (time_t)time_s;
	struct tm tm;
	char text[32];

	if (time_s > UINT64_C(253402300799) || !gmtime_r(&t, &tm) ||
	    strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &tm) == 0)
		buf_printf(out, "%llu", (unsigned long long)time_s);
	else
		buf_put_str(out, text);
}

void cli_table_seconds(uint64_t seconds, struct buf *out)
{
	static const struct {
		uint64_t unit;
		const char *name;
	} units[] = {{86400, "day"},
		     {3600, "hour"},
		     {60, "minute"},
		     {1, "second"}};
	size_t i = 0;
	uint64_t n;

	/* The largest unit of which there are two, so that little is lost. */
	while (i < 3 && seconds < 2 * units[i].unit)
		i++;
	n = seconds / units[i].unit;
	buf_printf(out, "%llu %s%s", (unsigned long long)n, units[i].name,
		   n == 1 ? "" : "s");
}

static void put_text(const char *name, struct span text, enum cli_table_how how,
		     struct buf *out)
{
	struct digest digest;

	if (is_bytes(name)) {
		buf_printf(out, "%zu bytes",
			   text.len / 4 * 3 +
				   (text.len % 4 ? text.len % 4 - 1 : 0));
	} else if (how == CLI_TABLE_SHORT &&
		   !failed(digest_parse(text, &digest))) {
		buf_put(out, span_sub(text, 0, DIGEST_SHOWN));
		buf_put_str(out, "\xe2\x80\xa6");
	} else {
		cli_clean(text, out);
	}
}

static void put_number(const char *name, uint64_t n, struct buf *out)
{
	if (is_time(name) && n == 0)
		buf_put_str(out, "never");
	else if (is_time(name))
		cli_table_time(n, out);
	else if (is_seconds(name))
		cli_table_seconds(n, out);
	else
		buf_printf(out, "%llu", (unsigned long long)n);
}

void cli_table_value(const char *name, const struct json *value,
		     enum cli_table_how how, struct buf *out)
{
	const struct json *inner;
	const char *member;
	struct span text;
	struct buf raw;
	uint64_t n;

	if (!failed(json_as_string(value, &text))) {
		put_text(name, text, how, out);
		return;
	}
	if (!failed(json_as_u64(value, &n))) {
		put_number(name, n, out);
		return;
	}
	for (size_t i = 0; i < json_count(value); i++) {
		if (i)
			buf_put_str(out, ", ");
		cli_table_value(name, json_at(value, i), how, out);
	}
	for (size_t i = 0;
	     json_count(value) == 0 && json_member(value, i, &member, &inner);
	     i++) {
		buf_printf(out, "%s%s ", i ? " " : "", member);
		cli_table_value(member, inner, how, out);
	}
	if (json_count(value) || json_member(value, 0, &member, &inner))
		return;
	/* true, false, null, or nothing. */
	buf_init(&raw, ANSWER_MAX);
	if (failed(json_canonical(value, &raw)) ||
	    span_eq_str(buf_span(&raw), "[]") ||
	    span_eq_str(buf_span(&raw), "{}"))
		;
	else if (span_eq_str(buf_span(&raw), "true"))
		buf_put_str(out, "yes");
	else if (span_eq_str(buf_span(&raw), "false"))
		buf_put_str(out, "no");
	else
		cli_clean(buf_span(&raw), out);
	buf_clear(&raw);
}

/* ---- tables ---- */

static size_t width(struct span text)
{
	size_t n = 0;

	for (size_t i = 0; i < text.len; i++)
		n += (text.at[i] & 0xc0) != 0x80;
	return n;
}

/* At most CELL_MAX characters. */
static void cut(struct buf *text)
{
	size_t n = 0, i = 0;

	if (text->bad || width(buf_span(text)) <= CELL_MAX)
		return;
	for (; i < text->len; i++) {
		n += (text->at[i] & 0xc0) != 0x80;
		if (n == CELL_MAX)
			break;
	}
	text->len = i;
	buf_put_str(text, "\xe2\x80\xa6");
}

/* The value of a member, "statement.number" of a member's; or NULL. */
static const struct json *member_of(const struct json *object, const char *name)
{
	size_t len = strcspn(name, ".");
	const struct json *value;
	const char *other;

	for (size_t i = 0; json_member(object, i, &other, &value); i++)
		if (strlen(other) == len && memcmp(name, other, len) == 0)
			return name[len] ? member_of(value, name + len + 1)
					 : value;
	return NULL;
}

struct column {
	char name[NAME_MAX_LEN + 1];
	bool whole;   /* nothing is cut */
	size_t width; /* of the cells: 0 if all are empty */
};

static void cell(const struct json *row, const struct column *c,
		 struct buf *out)
{
	const char *column = c->name;
	const struct json *value = member_of(row, column);
	const char *point = strrchr(column, '.');

	buf_init(out, ANSWER_MAX);
	if (value)
		cli_table_value(point ? point + 1 : column, value,
				c->whole ? CLI_TABLE_WHOLE : CLI_TABLE_SHORT,
				out);
	if (!c->whole)
		cut(out);
}

static size_t add_column(struct column *columns, size_t n, const char *name,
			 size_t len)
{
	bool whole = len > 0 && name[0] == '=';

	name += whole;
	len -= whole;
	for (size_t i = 0; i < n; i++)
		if (strlen(columns[i].name) == len &&
		    memcmp(columns[i].name, name, len) == 0)
			return n;
	if (n < COLUMNS_MAX && len <= NAME_MAX_LEN) {
		columns[n] = (struct column){.whole = whole};
		memcpy(columns[n++].name, name, len);
	}
	return n;
}

static size_t find_columns(const struct json *array, const char *names,
			   struct column *columns)
{
	const struct json *value;
	const char *name;
	size_t n = 0;

	for (const char *p = names; p && *p;
	     p += strcspn(p, " "), p += *p == ' ')
		n = add_column(columns, n, p, strcspn(p, " "));
	for (size_t i = 0; !names && i < json_count(array); i++)
		for (size_t k = 0;
		     json_member(json_at(array, i), k, &name, &value); k++)
			n = add_column(columns, n, name, strlen(name));
	return n;
}

static void measure(const struct json *array, struct column *c)
{
	for (size_t i = 0; i < json_count(array); i++) {
		struct buf text;

		cell(json_at(array, i), c, &text);
		if (width(buf_span(&text)) > c->width)
			c->width = width(buf_span(&text));
		buf_clear(&text);
	}
	if (c->width && c->width < strlen(c->name))
		c->width = strlen(c->name);
}

/* One line; `row` NULL: the names.  Nothing stands behind the last cell. */
static void print_row(const struct json *row, const struct column *columns,
		      size_t count)
{
	size_t pad = 0;

	for (size_t i = 0; i < count; i++) {
		struct buf text;

		if (!columns[i].width)
			continue;
		if (row) {
			cell(row, &columns[i], &text);
		} else {
			buf_init(&text, 2 * NAME_MAX_LEN);
			buf_put_str(&text, columns[i].name);
		}
		if (text.len) {
			printf("%*s%s", (int)pad, "", buf_cstr(&text));
			pad = 0;
		}
		pad += columns[i].width - width(buf_span(&text)) + 2;
		buf_clear(&text);
	}
	putchar('\n');
}

void cli_table_print(const struct json *array, const char *names)
{
	struct column columns[COLUMNS_MAX];
	size_t count = find_columns(array, names, columns);

	for (size_t i = 0; i < count; i++)
		measure(array, &columns[i]);
	print_row(NULL, columns, count);
	for (size_t i = 0; i < json_count(array); i++)
		print_row(json_at(array, i), columns, count);
}
