/* The changes feed on the wire. */
#include "proto/exchange/changes.h"

#include "proto/document/seal.h"
#include "proto/document/statement.h"
#include "proto/exchange/member.h"

/* ---- writing ---- */

static void write_head(struct json_writer *w, const struct changes_head *h)
{
	json_open_object(w);
	json_member_u64(w, "content", h->content);
	member_dot_write(w, "dot", &h->dot);
	if (h->evidence_count) {
		json_put_name(w, "evidence");
		json_open_array(w);
		for (size_t i = 0; i < h->evidence_count; i++) {
			json_open_object(w);
			json_member_key_id(w, "author", h->evidence[i].author);
			json_member_digest(w, "digest", h->evidence[i].digest);
			json_member_bytes(w, "seal", h->evidence[i].seal);
			json_close_object(w);
		}
		json_close_array(w);
	}
	json_member_string(w, "manifest", h->manifest);
	if (h->seal.len)
		json_member_bytes(w, "seal", h->seal);
	json_member_digest(w, "shelf", h->shelf);
	json_member_bool(w, "winner", h->winner);
	json_close_object(w);
}

static void write_row_members(struct json_writer *w,
			      const struct changes_row *r)
{
	json_put_name(w, "heads");
	json_open_array(w);
	for (size_t i = 0; i < r->heads_count; i++)
		write_head(w, &r->heads[i]);
	json_close_array(w);
	json_member_nation(w, "home", r->home);
	json_member_doc_id(w, "id", r->id);
	json_put_name(w, "opening");
	docid_opening_to_json(&r->opening, w);
	json_put_name(w, "statement");
	json_open_object(w);
	member_digests_write(w, "digests", r->digests, r->digests_count);
	if (r->has_label)
		json_member_digest(w, "label", r->label);
	json_member_u64(w, "number", r->number);
	json_close_object(w);
	if (!r->statements_count)
		return;
	json_put_name(w, "statements");
	json_open_array(w);
	for (size_t i = 0; i < r->statements_count; i++) {
		const struct changes_statement *s = &r->statements[i];

		json_open_object(w);
		json_member_string(w, s->first ? "manifest" : "statement",
				   s->jws);
		if (s->seal.len)
			json_member_bytes(w, "seal", s->seal);
		json_close_object(w);
	}
	json_close_array(w);
}

static void write_shelves(struct json_writer *w,
			  const struct changes_shelf *shelves, size_t count)
{
	json_put_name(w, "shelves");
	json_open_array(w);
	for (size_t i = 0; i < count; i++) {
		json_open_object(w);
		json_member_u64(w, "condition", shelves[i].condition);
		member_digests_write(w, "labels", shelves[i].labels,
				     shelves[i].labels_count);
		json_member_digest(w, "shelf", shelves[i].shelf);
		json_member_string(w, "space", shelves[i].space);
		json_close_object(w);
	}
	json_close_array(w);
}

void changes_page_begin(struct changes_writer *w, struct buf *out)
{
	w->out = out;
	w->start = out->len;
	w->rows = 0;
	w->json = json_write(out);
	json_open_object(&w->json);
	json_put_name(&w->json, "rows");
	json_open_array(&w->json);
}

bool changes_page_row(struct changes_writer *w, const struct changes_row *row)
{
	struct json_writer before = w->json;
	size_t len = w->out->len;

	if (w->rows >= CHANGES_ROWS_MAX)
		return false;
	json_open_object(&w->json);
	write_row_members(&w->json, row);
	json_close_object(&w->json);
	if (w->rows > 0 && !w->out->bad &&
	    changes_page_size(w) > CHANGES_PAGE_BYTES) {
		w->out->len = len;
		w->json = before;
		return false;
	}
	w->rows++;
	return true;
}

size_t changes_page_size(const struct changes_writer *w)
{
	return w->out->len - w->start;
}

void changes_page_end(struct changes_writer *w, const struct changes_page *page)
{
	struct json_writer *j = &w->json;

	json_close_array(j);
	json_member_string(j, "cursor", page->cursor);
	member_digests_write(j, "forget", page->forget, page->forget_count);
	json_member_bool(j, "fresh", page->fresh);
	json_member_bool(j, "more", page->more);
	write_shelves(j, page->shelves, page->shelves_count);
	json_close_object(j);
}

void changes_page_encode(const struct changes_page *page, struct buf *out)
{
	struct changes_writer w = {0};

	changes_page_begin(&w, out);
	for (size_t i = 0; i < page->rows_count; i++) {
		json_open_object(&w.json);
		write_row_members(&w.json, &page->rows[i]);
		json_close_object(&w.json);
	}
	changes_page_end(&w, page);
}

void changes_document_encode(const struct changes_row *row,
			     const struct changes_shelf *shelves,
			     size_t shelves_count, struct buf *out)
{
	struct json_writer w = json_write(out);

	json_open_object(&w);
	write_row_members(&w, row);
	write_shelves(&w, shelves, shelves_count);
	json_close_object(&w);
}

/* ---- reading ---- */

static struct err read_evidence(const struct json *object, struct arena *arena,
				struct changes_head *h)
{
	static const char *const names[] = {"author", "digest", "seal", NULL};
	struct changes_evidence *list;
	const struct json *array;
	size_t n;
	struct err e;

	if (!json_has(object, "evidence"))
		return ERR_NONE;
	e = member_array(object, "evidence", CHANGES_EVIDENCE_MAX, &array, &n);
	if (failed(e))
		return e;
	if (n == 0)
		return err_make(ERR_MALFORMED, "evidence is an empty list");
	list = arena_array(arena, n, sizeof(*list));
	if (!list)
		return arena_check(arena);
	for (size_t i = 0; i < n && !failed(e); i++) {
		const struct json *item = json_at(array, i);

		e = json_only(item, names);
		if (!failed(e))
			e = member_key_id(item, "author", &list[i].author);
		if (!failed(e))
			e = json_get_digest(item, "digest", &list[i].digest);
		if (!failed(e))
			e = member_blob(item, "seal", SEAL_BLOB_MAX, arena,
					&list[i].seal);
	}
	h->evidence = list;
	h->evidence_count = n;
	return e;
}

/* A seal that may be absent; one that is there is not empty. */
static struct err read_seal(const struct json *object, struct arena *arena,
			    struct span *out)
{
	bool has;
	struct err e = member_blob_maybe(object, "seal", SEAL_BLOB_MAX, arena,
					 &has, out);

	if (!failed(e) && has && out->len == 0)
		e = err_make(ERR_MALFORMED, "seal is empty");
	return e;
}

static struct err read_head(const struct json *object, struct arena *arena,
			    struct changes_head *h)
{
	static const char *const names[] = {"content",	"dot",	"evidence",
					    "manifest", "seal", "shelf",
					    "winner",	NULL};
	struct err e = json_only(object, names);

	if (!failed(e))
		e = json_get_u64(object, "content", &h->content);
	if (!failed(e))
		e = member_dot(object, "dot", &h->dot);
	if (!failed(e))
		e = read_evidence(object, arena, h);
	if (!failed(e))
		e = member_text(object, "manifest", MANIFEST_JWS_MAX, arena,
				&h->manifest);
	if (!failed(e))
		e = read_seal(object, arena, &h->seal);
	if (!failed(e))
		e = json_get_digest(object, "shelf", &h->shelf);
	if (!failed(e))
		e = json_get_bool(object, "winner", &h->winner);
	return e;
}

static struct err read_heads(const struct json *object, struct arena *arena,
			     struct changes_row *r)
{
	const struct json *array;
	struct changes_head *list;
	size_t n;
	struct err e =
		member_array(object, "heads", CHANGES_HEADS_MAX, &array, &n);

	if (failed(e))
		return e;
	list = arena_array(arena, n ? n : 1, sizeof(*list));
	if (!list)
		return arena_check(arena);
	for (size_t i = 0; i < n && !failed(e); i++)
		e = read_head(json_at(array, i), arena, &list[i]);
	r->heads = list;
	r->heads_count = n;
	return e;
}

static struct err read_statement(const struct json *object, struct arena *arena,
				 struct changes_statement *s)
{
	static const char *const names[] = {"manifest", "seal", "statement",
					    NULL};
	struct err e = json_only(object, names);

	if (failed(e))
		return e;
	s->first = json_has(object, "manifest");
	if (s->first == json_has(object, "statement"))
		return err_make(ERR_MALFORMED,
				"one of manifest and statement is wanted");
	e = member_text(object, s->first ? "manifest" : "statement",
			STATEMENT_JWS_MAX, arena, &s->jws);
	if (!failed(e))
		e = read_seal(object, arena, &s->seal);
	return e;
}

static struct err read_statements(const struct json *object,
				  struct arena *arena, struct changes_row *r)
{
	const struct json *array;
	struct changes_statement *list;
	size_t n;
	struct err e;

	if (!json_has(object, "statements"))
		return ERR_NONE;
	e = member_array(object, "statements", CHANGES_STATEMENTS_MAX, &array,
			 &n);
	if (failed(e))
		return e;
	list = arena_array(arena, n ? n : 1, sizeof(*list));
	if (!list)
		return arena_check(arena);
	for (size_t i = 0; i < n && !failed(e); i++)
		e = read_statement(json_at(array, i), arena, &list[i]);
	r->statements = list;
	r->statements_count = n;
	return e;
}

static struct err read_in_force(const struct json *object, struct arena *arena,
				struct changes_row *r)
{
	static const char *const names[] = {"digests", "label", "number", NULL};
	const struct json *s;
	struct err e = json_get_object(object, "statement", &s);

	if (!failed(e))
		e = json_only(s, names);
	if (!failed(e))
		e = json_get_u64(s, "number", &r->number);
	if (!failed(e))
		e = member_digests(s, "digests", CHANGES_DIGESTS_MAX, arena,
				   &r->digests, &r->digests_count);
	if (!failed(e))
		r->has_label = json_has(s, "label");
	if (!failed(e) && r->has_label)
		e = json_get_digest(s, "label", &r->label);
	if (!failed(e) && (r->number == 0 || r->digests_count == 0))
		e = err_make(ERR_MALFORMED, "statement in force has no name");
	return e;
}

/* Members of a row; `object` was checked with json_only. */
static struct err read_row(const struct json *object, struct arena *arena,
			   struct changes_row *r)
{
	const struct json *opening;
	struct err e = json_get_doc_id(object, "id", &r->id);

	if (!failed(e))
		e = json_get_nation(object, "home", &r->home);
	if (!failed(e))
		e = json_get_object(object, "opening", &opening);
	if (!failed(e))
		e = docid_opening_from_json(opening, &r->opening);
	if (failed(e))
		return e;
	r->opening.space = arena_copy(arena, r->opening.space);
	e = read_in_force(object, arena, r);
	if (!failed(e))
		e = read_heads(object, arena, r);
	if (!failed(e))
		e = read_statements(object, arena, r);
	return failed(e) ? e : arena_check(arena);
}

static struct err read_rows(const struct json *object, struct arena *arena,
			    struct changes_page *p)
{
	static const char *const names[] = {"heads",	 "home",
					    "id",	 "opening",
					    "statement", "statements",
					    NULL};
	const struct json *array;
	struct changes_row *list;
	size_t n;
	struct err e =
		member_array(object, "rows", CHANGES_ROWS_MAX, &array, &n);

	if (failed(e))
		return e;
	list = arena_array(arena, n ? n : 1, sizeof(*list));
	if (!list)
		return arena_check(arena);
	for (size_t i = 0; i < n && !failed(e); i++) {
		e = json_only(json_at(array, i), names);
		if (!failed(e))
			e = read_row(json_at(array, i), arena, &list[i]);
	}
	p->rows = list;
	p->rows_count = n;
	return e;
}

static struct err read_shelf(const struct json *object, struct arena *arena,
			     struct changes_shelf *s)
{
	static const char *const names[] = {"condition", "labels", "shelf",
					    "space", NULL};
	struct err e = json_only(object, names);

	if (!failed(e))
		e = json_get_u64(object, "condition", &s->condition);
	if (!failed(e))
		e = json_get_digest(object, "shelf", &s->shelf);
	if (!failed(e))
		e = member_digests(object, "labels", CHANGES_LABELS_MAX, arena,
				   &s->labels, &s->labels_count);
	if (!failed(e))
		e = member_text(object, "space", SPACE_NAME_MAX, arena,
				&s->space);
	return failed(e) ? e : space_check(s->space);
}

static struct err read_shelves(const struct json *object, struct arena *arena,
			       struct changes_page *p)
{
	const struct json *array;
	struct changes_shelf *list;
	size_t n;
	struct err e = member_array(object, "shelves", CHANGES_SHELVES_MAX,
				    &array, &n);

	if (failed(e))
		return e;
	list = arena_array(arena, n ? n : 1, sizeof(*list));
	if (!list)
		return arena_check(arena);
	for (size_t i = 0; i < n && !failed(e); i++)
		e = read_shelf(json_at(array, i), arena, &list[i]);
	p->shelves = list;
	p->shelves_count = n;
	return e;
}

struct err changes_page_decode(struct span body, struct arena *arena,
			       struct changes_page *out)
{
	static const char *const names[] = {"cursor", "forget", "fresh",
					    "more",   "rows",	"shelves",
					    NULL};
	struct changes_page p = {0};
	struct json *json;
	struct err e = member_open(body, CHANGES_BODY_MAX, names, &json);

	if (!failed(e))
		e = member_text(json, "cursor", CHANGES_CURSOR_MAX, arena,
				&p.cursor);
	if (!failed(e) && p.cursor.len == 0)
		e = err_make(ERR_MALFORMED, "cursor is empty");
	if (!failed(e))
		e = member_digests(json, "forget", CHANGES_FORGET_MAX, arena,
				   &p.forget, &p.forget_count);
	if (!failed(e))
		e = json_get_bool(json, "fresh", &p.fresh);
	if (!failed(e))
		e = json_get_bool(json, "more", &p.more);
	if (!failed(e))
		e = read_rows(json, arena, &p);
	if (!failed(e))
		e = read_shelves(json, arena, &p);
	if (!failed(e))
		*out = p;
	json_free(json);
	return e;
}

struct err changes_document_decode(struct span body, struct arena *arena,
				   struct changes_page *page)
{
	static const char *const names[] = {"heads",	  "home",
					    "id",	  "opening",
					    "shelves",	  "statement",
					    "statements", NULL};
	struct changes_page p = {0};
	struct changes_row *row;
	struct json *json;
	struct err e = member_open(body, CHANGES_BODY_MAX, names, &json);

	row = failed(e) ? NULL : arena_alloc(arena, sizeof(*row));
	if (!failed(e) && !row)
		e = err_make(ERR_TOO_LARGE, "no room for the row");
	if (!failed(e))
		e = read_row(json, arena, row);
	if (!failed(e))
		e = read_shelves(json, arena, &p);
	if (!failed(e)) {
		p.rows = row;
		p.rows_count = 1;
		*page = p;
	}
	json_free(json);
	return e;
}
