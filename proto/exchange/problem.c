/* Problem documents. */
#include <string.h>

#include "proto/base/json.h"
#include "proto/exchange/problem.h"

#define TYPE_PREFIX "/problems/"

int problem_status(struct err e)
{
	return err_row(e.code)->status;
}

const char problem_no_memory[] =
	"{\"type\":\"/problems/out-of-memory\","
	"\"title\":\"The relay is short of memory.\",\"status\":503,"
	"\"mend\":\"Try again later.\"}";

/* What may be said of an error besides its row. */
static const char *public_detail(struct err e)
{
	if (e.code == ERR_NOT_FOUND || e.code == ERR_NOT_RELEASABLE)
		return NULL; /* these two must answer alike */
	if (err_row(e.code)->status == 500)
		return NULL; /* for the log */
	return e.detail;
}

void problem_format(struct err e, struct span reference, struct span members,
		    struct buf *out)
{
	const struct err_row *row = err_row(e.code);
	const char *detail = public_detail(e);
	struct json_writer w = json_write(out);

	json_open_object(&w);
	json_put_name(&w, "type");
	/* Names are plain letters and dashes. */
	buf_printf(out, "\"" TYPE_PREFIX "%s\"", row->name);
	w.comma = true;
	json_member_str(&w, "title", row->title);
	json_member_u64(&w, "status", (uint64_t)row->status);
	if (detail)
		json_member_str(&w, "detail", detail);
	if (*row->mend)
		json_member_str(&w, "mend", row->mend);
	if (reference.len)
		json_member_string(&w, "reference", reference);
	if (members.len) {
		buf_put_u8(out, ',');
		buf_put(out, members);
	}
	json_close_object(&w);
}

/* A text member, or "" if there is none. */
static struct err text_member(const struct json *j, const char *name,
			      struct arena *arena, const char **out)
{
	struct span text;
	struct err e;

	*out = "";
	if (!json_has(j, name))
		return ERR_NONE;
	e = json_get_string(j, name, &text);
	if (failed(e))
		return e;
	*out = arena_str(arena, text);
	return *out ? ERR_NONE : arena_check(arena);
}

static struct err read(const struct json *j, int status, struct arena *arena,
		       struct problem *p)
{
	uint64_t said = (uint64_t)status;
	const char *type;
	struct err e;

	e = text_member(j, "type", arena, &type);
	if (!failed(e))
		e = text_member(j, "title", arena, &p->title);
	if (!failed(e))
		e = text_member(j, "detail", arena, &p->detail);
	if (!failed(e))
		e = text_member(j, "mend", arena, &p->mend);
	if (!failed(e))
		e = text_member(j, "reference", arena, &p->reference);
	if (!failed(e) && json_has(j, "status"))
		e = json_get_u64(j, "status", &said);
	if (failed(e))
		return e;
	if (strncmp(type, TYPE_PREFIX, strlen(TYPE_PREFIX)) != 0)
		return err_make(ERR_MALFORMED, "no problem of ours");
	p->name = type + strlen(TYPE_PREFIX);
	p->code = err_by_name(p->name);
	if (p->code == ERR_OK || said < 100 || said > 599)
		return err_make(ERR_MALFORMED, "a problem without fault");
	p->status = (int)said;
	return ERR_NONE;
}

struct err problem_parse(struct span body, int status, struct arena *arena,
			 struct problem *out)
{
	struct json *j = NULL;
	struct problem p = {0};
	struct err e = err_make(ERR_TOO_LARGE, "a problem too large");

	if (body.len <= PROBLEM_MAX)
		e = json_parse(body, &j);
	if (!failed(e))
		e = read(j, status, arena, &p);
	json_free(j);
	if (!failed(e))
		*out = p;
	return e;
}

/* What a bare status means; others by their class. */
static enum err_code code_of(int status)
{
	static const struct {
		int status;
		enum err_code code;
	} rows[] = {
		{400, ERR_MALFORMED}, {401, ERR_UNAUTHENTICATED},
		{403, ERR_FORBIDDEN}, {404, ERR_NOT_FOUND},
		{405, ERR_METHOD},    {408, ERR_SLOW},
		{409, ERR_REPLAYED},  {410, ERR_GONE},
		{412, ERR_CONFLICT},  {413, ERR_TOO_LARGE},
		{414, ERR_TOO_LARGE}, {415, ERR_UNSUPPORTED},
		{416, ERR_RANGE},     {428, ERR_PRECONDITION_REQUIRED},
		{429, ERR_RATE},      {431, ERR_TOO_LARGE},
		{503, ERR_BUSY},      {507, ERR_DISK_FULL},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (rows[i].status == status)
			return rows[i].code;
	return status / 100 == 4 ? ERR_MALFORMED : ERR_INTERNAL;
}

struct err problem_error(struct span body, int status)
{
	struct arena arena;
	struct problem p;
	enum err_code code = code_of(status);

	arena_init(&arena, PROBLEM_MAX);
	if (!failed(problem_parse(body, status, &arena, &p)))
		code = p.code;
	arena_clear(&arena);
	return err_make(code, err_row(code)->title);
}
