/*
 * Spaces: each subject keeps the list of those it is a member of, so a space
 * is the subjects that name it, and what documents stand in it.
 */
#include <stdio.h>

#include "proto/exchange/member.h"
#include "relay/guard/core/admin/admin.h"
#include "relay/guard/core/admin/change.h"
#include "relay/guard/core/admin/page.h"

enum {
	SPACE_BODY_MAX = 512 << 10,
	SPACE_ARENA_MAX = 1 << 20,
	SPACE_MEMBERS_MAX = 4096,
	SPACE_LISTED_MAX = 3 << 19, /* bytes of members in one page */
};

/* ---- GET ---- */

/* One space of the page, with its members as JSON strings. */
struct space_row {
	char name[SPACE_NAME_MAX];
	uint8_t len;
	size_t count;
	struct buf members;
	struct json_writer w;
};

struct space_list {
	struct space_row *rows; /* rising; room for one more than the page */
	size_t count, room;
	struct span after;
	size_t listed; /* bytes of members */
};

static struct span row_name(const struct space_row *row)
{
	return span_of(row->name, row->len);
}

/* Where `name` stands or belongs. */
static size_t place_of(const struct space_list *l, struct span name)
{
	size_t from = 0, to = l->count;

	while (from < to) {
		size_t mid = (from + to) / 2;

		if (span_cmp(row_name(&l->rows[mid]), name) < 0)
			from = mid + 1;
		else
			to = mid;
	}
	return from;
}

static struct space_row *row_of(const struct space_list *l, struct span name)
{
	size_t at = place_of(l, name);

	if (at == l->count || !span_eq(row_name(&l->rows[at]), name))
		return NULL;
	return &l->rows[at];
}

/* The least names after `after` stay. */
static void add_name(struct space_list *l, struct span name)
{
	size_t at;

	if (name.len == 0 || name.len > SPACE_NAME_MAX ||
	    span_cmp(name, l->after) <= 0 || row_of(l, name))
		return;
	at = place_of(l, name);
	if (at == l->room)
		return;
	if (l->count == l->room)
		l->count--;
	memmove(&l->rows[at + 1], &l->rows[at],
		(l->count - at) * sizeof(*l->rows));
	l->count++;
	l->rows[at] = (struct space_row){.len = (uint8_t)name.len};
	memcpy(l->rows[at].name, name.at, name.len);
}

static void add_member(struct space_list *l, struct span space,
		       struct span member)
{
	struct space_row *row = row_of(l, space);

	if (!row)
		return;
	if (row->count++ == 0) {
		buf_init(&row->members, SPACE_LISTED_MAX + (1 << 10));
		row->w = json_write(&row->members);
	}
	if (l->listed > SPACE_LISTED_MAX)
		return;
	json_put_string(&row->w, member);
	l->listed += member.len + 3;
}

/* Each subject's spaces: as names, or with the subject as their member. */
static struct err walk_subjects(struct txn *txn, struct space_list *l,
				bool members)
{
	char name[SUBJECT_NAME_MAX];
	struct subject s = {0};
	struct arena arena;
	struct err e;

	arena_init(&arena, SPACE_ARENA_MAX);
	while (!failed(e = subject_next(txn, &arena, &s))) {
		for (size_t i = 0; i < s.space_count; i++) {
			if (members)
				add_member(l, s.spaces[i], s.name);
			else
				add_name(l, s.spaces[i]);
		}
		s.name = span_sub(s.name, 0, sizeof(name));
		memcpy(name, s.name.at, s.name.len);
		s.name = span_of(name, s.name.len);
		arena_clear(&arena);
	}
	arena_clear(&arena);
	return e.code == ERR_NOT_FOUND ? ERR_NONE : e;
}

static struct err gather(struct job *job, struct txn *txn, struct space_list *l)
{
	uint32_t shelves = 0;
	struct err e = walk_subjects(txn, l, false);

	if (!failed(e))
		e = shelf_count(txn, &shelves);
	for (uint32_t i = 1; !failed(e) && i <= shelves; i++) {
		const struct shelf_row *s = shelf_get(job->core->shelves, i);

		if (s)
			add_name(l, span_of(s->space, s->space_len));
	}
	if (!failed(e))
		e = walk_subjects(txn, l, true);
	return e;
}

static struct err list_check(struct job *job)
{
	static const char *const names[] = {"after", "limit", NULL};
	struct space_list l = {0};
	struct admin_page page;
	struct txn *txn = NULL;
	struct span next = {0};
	struct err e = admin_page_begin(job, names, "spaces", &page);

	if (!failed(e))
		e = txn_begin_read(job->core->store, STORE_RECORDS, &txn);
	if (failed(e))
		return e;
	l.after = page.after;
	l.room = page.limit + 1;
	l.rows = arena_array(&job->arena, l.room, sizeof(*l.rows));
	e = arena_check(&job->arena);
	if (!failed(e))
		e = gather(job, txn, &l);
	for (size_t i = 0; i < l.count && !failed(e); i++) {
		struct space_row *row = &l.rows[i];

		if (admin_page_full(job, &page))
			break;
		json_open_object(&page.w);
		json_member_u64(&page.w, "count", row->count);
		json_put_name(&page.w, "members");
		json_open_array(&page.w);
		json_put_raw(&page.w, buf_span(&row->members));
		json_close_array(&page.w);
		json_member_string(&page.w, "space", row_name(row));
		json_close_object(&page.w);
		page.rows++;
		next = row_name(row);
	}
	if (!failed(e))
		e = admin_page_end(job, &page,
				   page.rows < l.count ? next
						       : (struct span){0});
	for (size_t i = 0; i < l.count; i++)
		buf_clear(&l.rows[i].members);
	txn_abort(&txn);
	return e;
}

const struct operation admin_spaces = {
	.name = "admin.spaces",
	.method = "GET",
	.path = "/admin/v1/spaces",
	.listeners = 1u << CORE_ADMIN,
	.askers = ASKER_OFFICER,
	.roles = ADMIN_OPERATOR | ADMIN_SECURITY,
	.check = list_check,
};

/* ---- PUT ---- */

struct space_state {
	char space[SPACE_NAME_MAX + 1];
	const struct span *members;
	size_t count;
};

static bool is_member(const struct space_state *s, struct span name)
{
	for (size_t i = 0; i < s->count; i++)
		if (span_eq(s->members[i], name))
			return true;
	return false;
}

static bool has_space(const struct subject *s, struct span space)
{
	for (size_t i = 0; i < s->space_count; i++)
		if (span_eq(s->spaces[i], space))
			return true;
	return false;
}

static struct err read_members(struct job *job, const struct json *json,
			       struct space_state *s)
{
	const struct json *array;
	struct span *list;
	size_t n;
	struct err e =
		member_array(json, "members", SPACE_MEMBERS_MAX, &array, &n);

	if (failed(e))
		return e;
	list = arena_array(&job->arena, n + 1, sizeof(*list));
	if (!list)
		return arena_check(&job->arena);
	for (size_t i = 0; i < n && !failed(e); i++) {
		e = json_as_string(json_at(array, i), &list[i]);
		if (!failed(e))
			e = subject_name_check(list[i]);
		if (!failed(e))
			list[i] = arena_copy(&job->arena, list[i]);
	}
	s->members = list;
	s->count = n;
	return failed(e) ? e : arena_check(&job->arena);
}

static struct err put_check(struct job *job)
{
	static const char *const names[] = {"members", NULL};
	struct space_state *s = job_state(job, sizeof(*s));
	struct span nation = job->path.at[3], name = job->path.at[4];
	struct json *json = NULL;
	struct err e = arena_check(&job->arena);

	if (failed(e))
		return e;
	if (nation.len + 1 + name.len > SPACE_NAME_MAX)
		return err_make(ERR_MALFORMED, "a space's name is too long");
	snprintf(s->space, sizeof(s->space), "%.*s/%.*s", (int)nation.len,
		 (const char *)nation.at, (int)name.len, (const char *)name.at);
	e = space_check(span_str(s->space));
	if (!failed(e))
		e = member_open(job->http.body, SPACE_BODY_MAX, names, &json);
	if (!failed(e))
		e = read_members(job, json, s);
	json_free(json);
	job->writes = !failed(e);
	return e;
}

static struct err put_confirm(struct job *job, struct batch *batch)
{
	struct space_state *s = job->state;
	struct arena arena;
	struct err e = ERR_NONE;

	arena_init(&arena, SPACE_ARENA_MAX);
	for (size_t i = 0; i < s->count && !failed(e); i++) {
		struct span name = s->members[i];
		struct subject subject;

		e = subject_get(batch->txn, name, &arena, &subject);
		if (e.code == ERR_NOT_FOUND) {
			snprintf(job->detail, sizeof(job->detail),
				 "no such subject: %.*s", (int)name.len,
				 (const char *)name.at);
			e = err_make(ERR_USAGE, "a member is no subject");
		} else if (!failed(e) &&
			   subject.space_count >= SUBJECT_SPACES_MAX &&
			   !has_space(&subject, span_str(s->space))) {
			e = err_make(ERR_TOO_LARGE,
				     "a subject is a member of 1024 spaces "
				     "already");
		}
		arena_clear(&arena);
	}
	arena_clear(&arena);
	return e;
}

/* With or without the space, as the new list says. */
static struct err change(struct batch *batch, const struct space_state *s,
			 struct arena *arena, const struct subject *old)
{
	struct span space = span_str(s->space);
	struct subject now = *old;
	struct span *list;
	size_t n = 0;

	if (has_space(old, space) == is_member(s, old->name))
		return ERR_NONE;
	list = arena_array(arena, old->space_count + 1, sizeof(*list));
	if (!list)
		return arena_check(arena);
	for (size_t i = 0; i < old->space_count; i++)
		if (!span_eq(old->spaces[i], space))
			list[n++] = old->spaces[i];
	if (is_member(s, old->name)) {
		size_t at = n++;

		while (at > 0 && span_cmp(list[at - 1], space) > 0) {
			list[at] = list[at - 1];
			at--;
		}
		list[at] = space;
	}
	now.spaces = list;
	now.space_count = n;
	return subject_put(batch->txn, &now);
}

static struct err put_apply(struct job *job, struct batch *batch)
{
	struct space_state *s = job->state;
	char name[SUBJECT_NAME_MAX];
	struct subject subject = {0};
	struct arena arena;
	struct err e;

	arena_init(&arena, SPACE_ARENA_MAX);
	while (!failed(e = subject_next(batch->txn, &arena, &subject))) {
		e = change(batch, s, &arena, &subject);
		subject.name = span_sub(subject.name, 0, sizeof(name));
		memcpy(name, subject.name.at, subject.name.len);
		subject.name = span_of(name, subject.name.len);
		arena_clear(&arena);
		if (failed(e))
			break;
	}
	arena_clear(&arena);
	if (e.code == ERR_NOT_FOUND)
		e = ERR_NONE;
	if (!failed(e))
		e = admin_record(job, batch, "%s, %zu members", s->space,
				 s->count);
	return e;
}

const struct operation admin_space_put = {
	.name = "admin.space.put",
	.method = "PUT",
	.path = "/admin/v1/spaces/{}/{}",
	.listeners = 1u << CORE_ADMIN,
	.askers = ASKER_OFFICER,
	.proof = PROOF_SINGLE_USE,
	.roles = ADMIN_OPERATOR,
	.beyond_quota = true,
	.check = put_check,
	.confirm = put_confirm,
	.apply = put_apply,
	.finish = admin_done,
};
