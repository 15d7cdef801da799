/* A relay's JSON answer as lines and tables for people. */
#include "client/admin.h"

#include <stdio.h>

enum { COLUMNS_MAX = 16, CELL_MAX = 44 };

/* One value as a short text; lists joined by commas. */
static void cell(const struct json *value, struct buf *out)
{
	struct span text;
	size_t n = json_count(value), start = out->len;
	struct buf raw;

	if (!failed(json_as_string(value, &text))) {
		cli_clean(text, out);
	} else if (n > 0 && !failed(json_as_string(json_at(value, 0), &text))) {
		for (size_t i = 0; i < n; i++) {
			if (i)
				buf_put_u8(out, ',');
			if (!failed(json_as_string(json_at(value, i), &text)))
				cli_clean(text, out);
		}
	} else {
		buf_init(&raw, ADMIN_ANSWER_MAX);
		if (!failed(json_canonical(value, &raw)) &&
		    !span_eq_str(buf_span(&raw), "[]"))
			cli_clean(buf_span(&raw), out);
		buf_clear(&raw);
	}
	if (!out->bad && out->len - start > CELL_MAX + 8) {
		out->len = start + CELL_MAX - 1;
		/* Not in the middle of a character. */
		while (out->len > start && (out->at[out->len] & 0xc0) == 0x80)
			out->len--;
		buf_put_str(out, "\xe2\x80\xa6");
	}
}

static size_t width(struct span text)
{
	size_t n = 0;

	for (size_t i = 0; i < text.len; i++)
		n += (text.at[i] & 0xc0) != 0x80;
	return n;
}

/* The value of the member `name`, or NULL. */
static const struct json *member(const struct json *object, const char *name)
{
	const struct json *value;
	const char *other;

	for (size_t i = 0; json_member(object, i, &other, &value); i++)
		if (strcmp(name, other) == 0)
			return value;
	return NULL;
}

static void print_cell(const struct json *value, size_t pad)
{
	struct buf text;

	buf_init(&text, ADMIN_ANSWER_MAX);
	if (value)
		cell(value, &text);
	printf("%s", buf_cstr(&text));
	for (size_t w = width(buf_span(&text)); w < pad; w++)
		putchar(' ');
	buf_clear(&text);
}

static void table(const struct json *array)
{
	const char *names[COLUMNS_MAX];
	size_t widths[COLUMNS_MAX], columns = 0, rows = json_count(array);
	const struct json *value;
	const char *name;

	for (size_t i = 0; i < rows; i++)
		for (size_t k = 0; json_member(json_at(array, i), k, &name,
					       &value); k++) {
			size_t have = 0;

			while (have < columns &&
			       strcmp(names[have], name) != 0)
				have++;
			if (have == columns && columns < COLUMNS_MAX) {
				widths[columns] = strlen(name);
				names[columns++] = name;
			}
		}
	for (size_t i = 0; i < rows; i++)
		for (size_t k = 0; k < columns; k++) {
			struct buf text;

			buf_init(&text, ADMIN_ANSWER_MAX);
			value = member(json_at(array, i), names[k]);
			if (value)
				cell(value, &text);
			if (width(buf_span(&text)) > widths[k])
				widths[k] = width(buf_span(&text));
			buf_clear(&text);
		}
	for (size_t k = 0; k < columns; k++)
		printf("%-*s%s", (int)widths[k], names[k],
		       k + 1 < columns ? "  " : "\n");
	for (size_t i = 0; i < rows; i++)
		for (size_t k = 0; k < columns; k++) {
			print_cell(member(json_at(array, i), names[k]),
				   k + 1 < columns ? widths[k] : 0);
			fputs(k + 1 < columns ? "  " : "\n", stdout);
		}
}

/* True for an array of objects. */
static bool is_table(const struct json *value)
{
	const struct json *first = json_at(value, 0), *inner;
	const char *name;

	return first && json_member(first, 0, &name, &inner);
}

static void lines(const struct json *object)
{
	const struct json *value;
	const char *name;
	size_t longest = 0;

	for (size_t i = 0; json_member(object, i, &name, &value); i++)
		if (!is_table(value) && strlen(name) > longest)
			longest = strlen(name);
	for (size_t i = 0; json_member(object, i, &name, &value); i++) {
		struct span text;

		if (is_table(value))
			continue;
		printf("%-*s  ", (int)longest, name);
		/* Whole: a token is to be copied. */
		if (!failed(json_as_string(value, &text))) {
			struct buf clean;

			buf_init(&clean, ADMIN_ANSWER_MAX);
			cli_clean(text, &clean);
			puts(buf_cstr(&clean));
			buf_clear(&clean);
		} else {
			print_cell(value, 0);
			putchar('\n');
		}
	}
	for (size_t i = 0; json_member(object, i, &name, &value); i++)
		if (is_table(value))
			table(value);
}

int admin_show(const struct cli *c, struct span json)
{
	struct json *value = NULL;
	struct err e = json_parse(json, &value);
	struct buf text;
	int code = 0;

	if (failed(e))
		return cli_fail(c, e, "the relay's answer");
	if (c->json) {
		buf_init(&text, ADMIN_ANSWER_MAX);
		buf_put(&text, json);
		code = cli_print_json(c, &text);
		buf_clear(&text);
	} else if (is_table(value)) {
		table(value);
	} else {
		lines(value);
	}
	json_free(value);
	return code;
}
