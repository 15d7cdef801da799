/* Content keys, asked for and answered. */
#include "proto/exchange/keys.h"

#include "proto/exchange/changes.h"
#include "proto/exchange/member.h"

static void write_want(struct json_writer *w, const struct keys_want *want)
{
	json_member_digest(w, "commitment", want->commitment);
	json_member_doc_id(w, "document", want->document);
}

void keys_request_encode(const struct keys_request *request, struct buf *out)
{
	struct json_writer w = json_write(out);

	json_open_object(&w);
	if (request->cursor.len)
		json_member_string(&w, "cursor", request->cursor);
	json_put_name(&w, "keys");
	json_open_array(&w);
	for (size_t i = 0; i < request->count; i++) {
		json_open_object(&w);
		write_want(&w, &request->wants[i]);
		json_close_object(&w);
	}
	json_close_array(&w);
	json_close_object(&w);
}

static struct err read_want(const struct json *object, struct keys_want *out)
{
	struct err e = json_get_digest(object, "commitment", &out->commitment);

	return failed(e) ? e
			 : json_get_doc_id(object, "document", &out->document);
}

struct err keys_request_decode(struct span body, struct arena *arena,
			       struct keys_request *out)
{
	static const char *const names[] = {"cursor", "keys", NULL};
	static const char *const want[] = {"commitment", "document", NULL};
	struct keys_request r = {0};
	struct keys_want *list = NULL;
	const struct json *array;
	struct json *json;
	struct err e = member_open(body, KEYS_BODY_MAX, names, &json);

	if (!failed(e) && json_has(json, "cursor"))
		e = member_text(json, "cursor", CHANGES_CURSOR_MAX, arena,
				&r.cursor);
	if (!failed(e))
		e = member_array(json, "keys", KEYS_MAX, &array, &r.count);
	if (!failed(e)) {
		list = arena_array(arena, r.count ? r.count : 1, sizeof(*list));
		if (!list)
			e = arena_check(arena);
	}
	for (size_t i = 0; i < r.count && !failed(e); i++) {
		e = json_only(json_at(array, i), want);
		if (!failed(e))
			e = read_want(json_at(array, i), &list[i]);
	}
	r.wants = list;
	if (!failed(e))
		*out = r;
	json_free(json);
	return e;
}

void keys_answer_begin(struct keys_writer *w, struct buf *out)
{
	w->out = out;
	w->json = json_write(out);
	json_open_object(&w->json);
	json_put_name(&w->json, "keys");
	json_open_array(&w->json);
}

void keys_answer_key(struct keys_writer *w, const struct keys_want *want,
		     const struct wrapped *key)
{
	json_open_object(&w->json);
	write_want(&w->json, want);
	json_put_name(&w->json, "key");
	wrapped_to_json(key, &w->json);
	json_close_object(&w->json);
}

void keys_answer_problem(struct keys_writer *w, const struct keys_want *want,
			 struct err why, struct span reference)
{
	struct buf problem;

	buf_init(&problem, PROBLEM_MAX);
	problem_format(why, reference, (struct span){0}, &problem);
	if (failed(buf_check(&problem)))
		w->out->bad = true;
	json_open_object(&w->json);
	write_want(&w->json, want);
	json_put_name(&w->json, "problem");
	json_put_raw(&w->json, buf_span(&problem));
	json_close_object(&w->json);
	buf_clear(&problem);
}

void keys_answer_end(struct keys_writer *w)
{
	json_close_array(&w->json);
	json_close_object(&w->json);
}

static struct err read_problem(const struct json *object, struct arena *arena,
			       struct problem *out)
{
	const struct json *value;
	struct buf text;
	struct err e;

	buf_init(&text, PROBLEM_MAX);
	e = json_get_object(object, "problem", &value);
	if (!failed(e))
		e = json_canonical(value, &text);
	if (!failed(e))
		e = problem_parse(buf_span(&text), 500, arena, out);
	buf_clear(&text);
	return e;
}

static struct err read_grant(const struct json *object, struct arena *arena,
			     struct keys_grant *g)
{
	static const char *const names[] = {"commitment", "document", "key",
					    "problem", NULL};
	const struct json *key;
	struct err e = json_only(object, names);

	if (!failed(e))
		e = read_want(object, &g->want);
	if (failed(e))
		return e;
	g->granted = json_has(object, "key");
	if (g->granted == json_has(object, "problem"))
		return err_make(ERR_MALFORMED,
				"one of key and problem is wanted");
	if (!g->granted)
		return read_problem(object, arena, &g->problem);
	e = json_get_object(object, "key", &key);
	return failed(e) ? e : wrapped_from_json(key, &g->key);
}

struct err keys_answer_decode(struct span body, struct arena *arena,
			      const struct keys_grant **grants, size_t *count)
{
	static const char *const names[] = {"keys", NULL};
	const struct json *array;
	struct keys_grant *list = NULL;
	struct json *json;
	size_t n = 0;
	struct err e = member_open(body, KEYS_ANSWER_MAX, names, &json);

	if (!failed(e))
		e = member_array(json, "keys", KEYS_MAX, &array, &n);
	if (!failed(e)) {
		list = arena_array(arena, n ? n : 1, sizeof(*list));
		if (!list)
			e = err_make(ERR_TOO_LARGE, "no room for the grants");
	}
	for (size_t i = 0; i < n && !failed(e); i++)
		e = read_grant(json_at(array, i), arena, &list[i]);
	if (!failed(e)) {
		*grants = list;
		*count = n;
	}
	json_free(json);
	return e;
}
