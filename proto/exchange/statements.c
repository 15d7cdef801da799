/* Label, delete, recall on their way in. */
#include "proto/exchange/statements.h"

#include "proto/document/statement.h"
#include "proto/exchange/member.h"
#include "proto/exchange/write.h"

struct err statements_request_encode(const struct statements_request *request,
				     struct buf *out)
{
	struct json_writer w = json_write(out);
	size_t start = out->len;
	struct err e;

	json_open_object(&w);
	if (request->has_label)
		json_member_bytes(&w, "label", request->label);
	json_put_name(&w, "opening");
	docid_opening_to_json(&request->opening, &w);
	json_member_string(&w, "statement", request->statement);
	json_close_object(&w);
	e = buf_check(out);
	if (!failed(e) && out->len - start > STATEMENTS_BODY_MAX)
		e = err_make(ERR_TOO_LARGE, "a statement of more than 64 KiB");
	return e;
}

struct err statements_request_decode(struct span body, struct arena *arena,
				     struct statements_request *out)
{
	static const char *const names[] = {"label", "opening", "statement",
					    NULL};
	struct statements_request r = {0};
	const struct json *opening;
	struct json *json;
	struct err e = member_open(body, STATEMENTS_BODY_MAX, names, &json);

	if (!failed(e))
		e = member_text(json, "statement", STATEMENT_JWS_MAX, arena,
				&r.statement);
	if (!failed(e))
		e = member_blob_maybe(json, "label", WRITE_LABEL_MAX, arena,
				      &r.has_label, &r.label);
	if (!failed(e))
		e = json_get_object(json, "opening", &opening);
	if (!failed(e))
		e = docid_opening_from_json(opening, &r.opening);
	if (!failed(e)) {
		r.opening.space = arena_copy(arena, r.opening.space);
		e = arena_check(arena);
	}
	if (!failed(e))
		*out = r;
	json_free(json);
	return e;
}

void statements_answer_encode(const struct statements_answer *answer,
			      struct buf *out)
{
	struct json_writer w = json_write(out);

	json_open_object(&w);
	json_member_digest(&w, "digest", answer->digest);
	json_member_u64(&w, "number", answer->number);
	json_close_object(&w);
}

struct err statements_answer_decode(struct span body,
				    struct statements_answer *out)
{
	static const char *const names[] = {"digest", "number", NULL};
	struct statements_answer a = {0};
	struct json *json;
	struct err e = member_open(body, STATEMENTS_ANSWER_MAX, names, &json);

	if (!failed(e))
		e = json_get_digest(json, "digest", &a.digest);
	if (!failed(e))
		e = json_get_u64(json, "number", &a.number);
	if (!failed(e))
		*out = a;
	json_free(json);
	return e;
}
