/* PUT of a document: request, answer, and two refusals. */
#include "proto/exchange/write.h"

#include "proto/exchange/member.h"
#include "proto/exchange/write_plain.h"

struct err write_request_encode(const struct write_request *request,
				struct buf *out)
{
	struct json_writer w = json_write(out);
	size_t start = out->len;
	struct err e;

	json_open_object(&w);
	if (request->has_content)
		json_member_bytes(&w, "content", request->content);
	json_put_name(&w, "keys");
	json_open_array(&w);
	for (size_t i = 0; i < request->keys_count; i++) {
		json_open_object(&w);
		json_member_digest(&w, "commitment",
				   request->keys[i].commitment);
		json_put_name(&w, "key");
		wrapped_to_json(&request->keys[i].key, &w);
		json_close_object(&w);
	}
	json_close_array(&w);
	if (request->has_label)
		json_member_bytes(&w, "label", request->label);
	json_member_string(&w, "manifest", request->manifest);
	if (request->has_opening) {
		json_put_name(&w, "opening");
		docid_opening_to_json(&request->opening, &w);
	}
	json_close_object(&w);
	e = buf_check(out);
	if (!failed(e) && out->len - start > WRITE_BODY_MAX)
		e = err_make(ERR_TOO_LARGE, "a write of more than 64 KiB");
	return e;
}

static struct err read_keys(const struct json *object, struct arena *arena,
			    struct write_request *r)
{
	static const char *const names[] = {"commitment", "key", NULL};
	const struct json *array, *key;
	struct write_key *list;
	size_t n;
	struct err e =
		member_array(object, "keys", MANIFEST_KEYS_MAX, &array, &n);

	if (failed(e))
		return e;
	list = arena_array(arena, n ? n : 1, sizeof(*list));
	if (!list)
		return arena_check(arena);
	for (size_t i = 0; i < n && !failed(e); i++) {
		const struct json *item = json_at(array, i);

		e = json_only(item, names);
		if (!failed(e))
			e = json_get_digest(item, "commitment",
					    &list[i].commitment);
		if (!failed(e))
			e = json_get_object(item, "key", &key);
		if (!failed(e))
			e = wrapped_from_json(key, &list[i].key);
	}
	r->keys = list;
	r->keys_count = n;
	return e;
}

struct err write_request_decode(struct span body, struct arena *arena,
				struct write_request *out)
{
	static const char *const names[] = {"content",	"keys",	   "label",
					    "manifest", "opening", NULL};
	struct write_request r = {0};
	const struct json *opening;
	struct json *json;
	struct err e;

	if (write_plain_decode(body, arena, out))
		return ERR_NONE;
	e = member_open(body, WRITE_BODY_MAX, names, &json);
	if (!failed(e))
		e = member_text(json, "manifest", MANIFEST_JWS_MAX, arena,
				&r.manifest);
	if (!failed(e))
		e = read_keys(json, arena, &r);
	if (!failed(e))
		e = member_blob_maybe(json, "content", WRITE_BODY_MAX, arena,
				      &r.has_content, &r.content);
	if (!failed(e))
		e = member_blob_maybe(json, "label", WRITE_LABEL_MAX, arena,
				      &r.has_label, &r.label);
	if (!failed(e) && json_has(json, "opening")) {
		r.has_opening = true;
		e = json_get_object(json, "opening", &opening);
		if (!failed(e))
			e = docid_opening_from_json(opening, &r.opening);
		if (!failed(e)) {
			r.opening.space = arena_copy(arena, r.opening.space);
			e = arena_check(arena);
		}
	}
	if (!failed(e))
		*out = r;
	json_free(json);
	return e;
}

void write_answer_encode(const struct write_answer *answer, struct buf *out)
{
	struct json_writer w = json_write(out);

	json_open_object(&w);
	json_member_digest(&w, "digest", answer->digest);
	member_dot_write(&w, "dot", &answer->dot);
	json_member_u64(&w, "statement", answer->statement);
	json_close_object(&w);
}

struct err write_answer_decode(struct span body, struct write_answer *out)
{
	static const char *const names[] = {"digest", "dot", "statement", NULL};
	struct write_answer a = {0};
	struct json *json;
	struct err e = member_open(body, WRITE_ANSWER_MAX, names, &json);

	if (!failed(e))
		e = json_get_digest(json, "digest", &a.digest);
	if (!failed(e))
		e = member_dot(json, "dot", &a.dot);
	if (!failed(e))
		e = json_get_u64(json, "statement", &a.statement);
	if (!failed(e))
		*out = a;
	json_free(json);
	return e;
}

/* ---- refusals ---- */

void write_conflict_members(const struct write_conflict *conflict,
			    struct buf *out)
{
	struct json_writer w = json_write(out);

	member_digests_write(&w, "heads", conflict->heads,
			     conflict->heads_count);
	json_put_name(&w, "statement");
	json_open_object(&w);
	member_digests_write(&w, "digests", conflict->digests,
			     conflict->digests_count);
	json_member_u64(&w, "number", conflict->number);
	json_close_object(&w);
}

struct err write_conflict_decode(struct span body, struct arena *arena,
				 struct write_conflict *out)
{
	struct write_conflict c = {0};
	const struct json *s;
	struct json *json = NULL;
	struct err e = json_parse(body, &json);

	if (!failed(e) && json_has(json, "heads"))
		e = member_digests(json, "heads", WRITE_HEADS_MAX, arena,
				   &c.heads, &c.heads_count);
	if (!failed(e) && json_has(json, "statement")) {
		e = json_get_object(json, "statement", &s);
		if (!failed(e))
			e = json_get_u64(s, "number", &c.number);
		if (!failed(e))
			e = member_digests(s, "digests", WRITE_HEADS_MAX, arena,
					   &c.digests, &c.digests_count);
	}
	if (!failed(e))
		*out = c;
	json_free(json);
	return e;
}

void write_missing_members(const struct write_range *ranges, size_t count,
			   struct buf *out)
{
	struct json_writer w = json_write(out);

	if (count > WRITE_RANGES_MAX)
		count = WRITE_RANGES_MAX;
	json_put_name(&w, "missing");
	json_open_array(&w);
	for (size_t i = 0; i < count; i++) {
		json_open_array(&w);
		json_put_u64(&w, ranges[i].from);
		json_put_u64(&w, ranges[i].to);
		json_close_array(&w);
	}
	json_close_array(&w);
}

struct err write_missing_decode(struct span body, struct arena *arena,
				const struct write_range **ranges,
				size_t *count)
{
	const struct json *array;
	struct write_range *list = NULL;
	struct json *json = NULL;
	size_t n = 0;
	struct err e = json_parse(body, &json);

	if (!failed(e))
		e = member_array(json, "missing", WRITE_RANGES_MAX, &array, &n);
	if (!failed(e)) {
		list = arena_array(arena, n ? n : 1, sizeof(*list));
		if (!list)
			e = err_make(ERR_TOO_LARGE, "no room for the ranges");
	}
	for (size_t i = 0; i < n && !failed(e); i++) {
		const struct json *pair = json_at(array, i);

		if (json_count(pair) != 2)
			e = err_make(ERR_MALFORMED, "a range is no pair");
		if (!failed(e))
			e = json_as_u64(json_at(pair, 0), &list[i].from);
		if (!failed(e))
			e = json_as_u64(json_at(pair, 1), &list[i].to);
		if (!failed(e) && list[i].from >= list[i].to)
			e = err_make(ERR_MALFORMED, "a range is empty");
	}
	if (!failed(e)) {
		*ranges = list;
		*count = n;
	}
	json_free(json);
	return e;
}
