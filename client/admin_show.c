/* A relay's JSON answer as tables and lists for people. */
#include "client/admin.h"
#include "client/cli_table.h"

#include <stdio.h>

/*
 * What of an array's rows is worth a column, in this order; the whole is in
 * --json.  An array that is not here is shown with all its members.
 */
static const struct {
	const char *array, *columns;
} views[] = {
	{"devices", "=reader subject state may_hold attested enrolled changed "
		    "certificate_until"},
	{"documents", "id home space state time statement.number heads"},
	{"heads", "digest dot from winner released rule detail author content "
		  "size shelf labels"},
	{"peers", "nation state lag ceiling spaces rows refused endpoint"},
	{"pending", "nation state expires"},
	{"policies", "name oid version"},
	{"records", "number time kind reader what outcome rule detail items"},
	{"spaces", "space count members"},
	{"subjects", "name rights spaces clearance"},
};

static const char *columns_of(const char *array)
{
	for (size_t i = 0; i < sizeof(views) / sizeof(views[0]); i++)
		if (strcmp(views[i].array, array) == 0)
			return views[i].columns;
	return NULL;
}

static bool is_object(const struct json *value)
{
	const struct json *inner;
	const char *name;

	return value && json_member(value, 0, &name, &inner);
}

/* An array with members of its own: a table of no rows, or of objects. */
static bool is_table(const char *name, const struct json *value)
{
	struct buf raw;
	bool empty;

	if (is_object(json_at(value, 0)))
		return true;
	buf_init(&raw, ADMIN_ANSWER_MAX);
	empty = !failed(json_canonical(value, &raw)) &&
		span_eq_str(buf_span(&raw), "[]");
	buf_clear(&raw);
	return empty && columns_of(name) != NULL;
}

/* "name  value" of everything that is no table, nested objects with a point
 * between; `print` false only measures. */
static void lines(const struct json *object, const char *before, size_t *width,
		  bool print)
{
	const struct json *value;
	const char *name;
	char whole[128];

	for (size_t i = 0; json_member(object, i, &name, &value); i++) {
		struct buf text;

		snprintf(whole, sizeof(whole), "%s%s%s", before,
			 before[0] ? "." : "", name);
		if (is_object(value) && json_count(value) == 0) {
			lines(value, whole, width, print);
			continue;
		}
		if (is_table(name, value) || strcmp(name, "next") == 0)
			continue;
		if (!print) {
			*width =
				strlen(whole) > *width ? strlen(whole) : *width;
			continue;
		}
		buf_init(&text, ADMIN_ANSWER_MAX);
		cli_table_value(name, value, CLI_TABLE_WHOLE, &text);
		printf("%-*s  %s\n", (int)*width, whole, buf_cstr(&text));
		buf_clear(&text);
	}
}

static void tables(const struct json *object, bool titled)
{
	const struct json *value;
	const char *name;

	for (size_t i = 0; json_member(object, i, &name, &value); i++) {
		if (!is_table(name, value))
			continue;
		if (json_count(value) == 0) {
			printf("%s: none\n", name);
			continue;
		}
		if (titled)
			printf("\n%s\n", name);
		cli_table_print(value, columns_of(name));
	}
}

int admin_show(const struct cli *c, struct span json)
{
	struct json *value = NULL;
	struct err e = json_parse(json, &value);
	size_t width = 0;
	struct buf text;
	int code = 0;

	if (failed(e))
		return cli_fail(c, e, "the relay's answer");
	if (c->json) {
		buf_init(&text, ADMIN_ANSWER_MAX);
		buf_put(&text, json);
		code = cli_print_json(c, &text);
		buf_clear(&text);
	} else {
		lines(value, "", &width, false);
		lines(value, "", &width, true);
		tables(value, width > 0);
	}
	json_free(value);
	return code;
}
