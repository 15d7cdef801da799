/* Members that several requests and answers have. */
#include "proto/exchange/member.h"

#include "proto/document/version.h"

struct err member_open(struct span body, size_t max, const char *const *names,
		       struct json **out)
{
	struct err e;

	*out = NULL;
	if (body.len > max)
		return err_make(ERR_TOO_LARGE, "body beyond its cap");
	e = json_parse(body, out);
	if (!failed(e))
		e = json_only(*out, names);
	return e;
}

struct err member_text(const struct json *object, const char *name, size_t max,
		       struct arena *arena, struct span *out)
{
	struct span text;
	struct err e = json_get_string(object, name, &text);

	if (failed(e))
		return e;
	if (text.len > max)
		return err_make(ERR_MALFORMED, "text beyond its cap");
	text = arena_copy(arena, text);
	e = arena_check(arena);
	if (!failed(e))
		*out = text;
	return e;
}

struct err member_blob(const struct json *object, const char *name, size_t max,
		       struct arena *arena, struct span *out)
{
	struct span bytes = {0};
	struct err e = json_get_bytes(object, name, arena, &bytes);

	if (!failed(e))
		e = arena_check(arena);
	if (!failed(e) && bytes.len > max)
		e = err_make(ERR_MALFORMED, "binary member beyond its cap");
	if (!failed(e))
		*out = bytes;
	return e;
}

struct err member_blob_maybe(const struct json *object, const char *name,
			     size_t max, struct arena *arena, bool *has,
			     struct span *out)
{
	*has = json_has(object, name);
	*out = (struct span){0};
	return *has ? member_blob(object, name, max, arena, out) : ERR_NONE;
}

struct err member_array(const struct json *object, const char *name, size_t max,
			const struct json **out, size_t *count)
{
	struct err e = json_get_array(object, name, out);

	if (failed(e))
		return e;
	if (json_count(*out) > max)
		return err_make(ERR_MALFORMED, "list beyond its cap");
	*count = json_count(*out);
	return ERR_NONE;
}

struct err member_blobs(const struct json *object, const char *name,
			size_t count_max, size_t blob_max, struct arena *arena,
			struct span *out, size_t *count)
{
	const struct json *array;
	struct err e = member_array(object, name, count_max, &array, count);

	for (size_t i = 0; !failed(e) && i < *count; i++) {
		e = json_as_bytes(json_at(array, i), arena, &out[i]);
		if (!failed(e) && out[i].len > blob_max)
			e = err_make(ERR_MALFORMED,
				     "binary member beyond its cap");
	}
	return e;
}

void member_blobs_write(struct json_writer *w, const char *name,
			const struct span *list, size_t count)
{
	json_put_name(w, name);
	json_open_array(w);
	for (size_t i = 0; i < count; i++)
		json_put_bytes(w, list[i]);
	json_close_array(w);
}

struct err member_digests(const struct json *object, const char *name,
			  size_t max, struct arena *arena,
			  const struct digest **out, size_t *count)
{
	const struct json *array;
	struct digest *list;
	size_t n;
	struct err e = member_array(object, name, max, &array, &n);

	if (failed(e))
		return e;
	list = arena_array(arena, n ? n : 1, sizeof(*list));
	if (!list)
		return arena_check(arena);
	for (size_t i = 0; i < n && !failed(e); i++)
		e = json_as_digest(json_at(array, i), &list[i]);
	if (!failed(e)) {
		*out = list;
		*count = n;
	}
	return e;
}

void member_digests_write(struct json_writer *w, const char *name,
			  const struct digest *list, size_t count)
{
	json_put_name(w, name);
	json_open_array(w);
	for (size_t i = 0; i < count; i++)
		json_put_bytes(w, SPAN_OBJ(list[i].at));
	json_close_array(w);
}

void member_dot_write(struct json_writer *w, const char *name,
		      const struct dot *dot)
{
	char text[VERSION_DOT_TEXT_MAX + 1];

	dot_format(*dot, text);
	json_member_str(w, name, text);
}

struct err member_dot(const struct json *object, const char *name,
		      struct dot *out)
{
	struct span text;
	struct err e = json_get_string(object, name, &text);

	return failed(e) ? e : dot_parse(text, out);
}

struct err member_key_id(const struct json *object, const char *name,
			 struct key_id *out)
{
	struct span text;
	struct err e = json_get_string(object, name, &text);

	return failed(e) ? e : key_id_parse(text, out);
}
