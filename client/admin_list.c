/* Lists that come in pages, gathered into one answer. */
#include "client/admin.h"

#include "proto/exchange/http.h"

enum { PAGES_MAX = 1000 };

/* The rows of `page` behind those in `rows`, and where the next page begins:
 * `after` is empty at the end. */
static struct err gather(const struct json *page, const char *array,
			 struct buf *rows, struct buf *after)
{
	const struct json *list;
	struct span next;
	struct err e = json_get_array(page, array, &list);

	for (size_t i = 0; !failed(e) && i < json_count(list); i++) {
		if (rows->len)
			buf_put_u8(rows, ',');
		e = json_canonical(json_at(list, i), rows);
	}
	buf_reset(after);
	if (!failed(e) && json_has(page, "next")) {
		e = json_get_string(page, "next", &next);
		if (!failed(e))
			buf_put(after, next);
	}
	return failed(e) ? e : buf_check(rows);
}

/* The last page with all rows in place of its own. */
static struct err whole(const struct json *page, const char *array,
			struct span rows, struct buf *out)
{
	struct json_writer w = json_write(out);
	const struct json *value;
	const char *name;
	struct err e = ERR_NONE;

	json_open_object(&w);
	for (size_t i = 0; !failed(e) && json_member(page, i, &name, &value);
	     i++) {
		struct buf text;

		buf_init(&text, ADMIN_ANSWER_MAX);
		json_put_name(&w, name);
		if (strcmp(name, array) == 0) {
			buf_put_u8(&text, '[');
			buf_put(&text, rows);
			buf_put_u8(&text, ']');
			e = buf_check(&text);
		} else {
			e = json_canonical(value, &text);
		}
		json_put_raw(&w, buf_span(&text));
		buf_clear(&text);
	}
	json_close_object(&w);
	return failed(e) ? e : buf_check(out);
}

int admin_list(const struct cli *c, const char *path, const char *array)
{
	struct buf target, answer, rows, after, out;
	struct json *page = NULL;
	struct admin *a = NULL;
	struct err e = ERR_NONE;
	int code = admin_open(c, &a);

	buf_init(&target, 4096);
	buf_init(&answer, ADMIN_ANSWER_MAX);
	buf_init(&rows, ADMIN_ANSWER_MAX);
	buf_init(&after, 4096);
	buf_init(&out, 2 * ADMIN_ANSWER_MAX);
	for (unsigned pages = 0; !code && !failed(e); pages++) {
		bool first = true;

		buf_reset(&target);
		buf_put_str(&target, path);
		if (after.len)
			http_query_put(&target, &first, "after",
				       buf_span(&after));
		buf_reset(&answer);
		code = admin_call(a, "GET", buf_cstr(&target), (struct span){0},
				  &answer);
		if (code)
			break;
		json_free(page);
		page = NULL;
		e = json_parse(buf_span(&answer), &page);
		if (!failed(e))
			e = gather(page, array, &rows, &after);
		if (failed(e) || after.len == 0)
			break;
		cli_progress(c, array, pages + 1, PAGES_MAX);
		if (pages == PAGES_MAX)
			e = err_make(ERR_TOO_LARGE, "a list without end");
	}
	cli_progress(c, "", 0, 0);
	if (!code && !failed(e))
		e = whole(page, array, buf_span(&rows), &out);
	if (failed(e))
		code = cli_fail(c, e, "%s", path);
	if (!code)
		code = admin_show(c, buf_span(&out));
	json_free(page);
	admin_close(a);
	buf_clear(&target);
	buf_clear(&answer);
	buf_clear(&rows);
	buf_clear(&after);
	buf_clear(&out);
	return code;
}
