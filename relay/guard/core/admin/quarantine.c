/* What was refused from peers, and why; the oldest digest of a nation first. */
#include "relay/guard/core/admin/admin.h"
#include "relay/guard/core/admin/page.h"
#include "storage/quarantine.h"

enum {
	QUARANTINE_ARENA_MAX = 64 << 10,
	AFTER_LEN = NATION_LEN + 1 + DIGEST_TEXT_LEN, /* "FRA:<digest>" */
};

static struct err read_after(struct span text, struct quarantined *q)
{
	struct err e = nation_parse(span_sub(text, 0, NATION_LEN), &q->from);

	if (!failed(e) && (text.len != AFTER_LEN || text.at[NATION_LEN] != ':'))
		e = err_make(ERR_USAGE, "after is `next` of the page before");
	if (!failed(e))
		e = digest_parse(span_sub(text, NATION_LEN + 1, text.len),
				 &q->digest);
	return e;
}

static void put_row(const struct quarantined *q, struct json_writer *w)
{
	json_open_object(w);
	json_member_nation(w, "from", q->from);
	json_member_doc_id(w, "document", q->doc);
	json_member_digest(w, "digest", q->digest);
	json_member_str(w, "reason", err_row(q->code)->name);
	json_member_string(w, "detail", q->detail);
	json_member_u64(w, "time", q->time);
	json_close_object(w);
}

static struct err list_check(struct job *job)
{
	static const char *const names[] = {"after", "limit", NULL};
	char last[AFTER_LEN + 1] = "";
	struct quarantined q = {0};
	struct admin_page page;
	struct txn *txn = NULL;
	struct arena arena;
	struct err e = admin_page_begin(job, names, "quarantine", &page);

	if (!failed(e) && page.after.len)
		e = read_after(page.after, &q);
	if (!failed(e))
		e = txn_begin_read(job->core->store, STORE_RECORDS, &txn);
	if (failed(e))
		return e;
	arena_init(&arena, QUARANTINE_ARENA_MAX);
	while (!failed(e = quarantine_next(txn, &arena, &q))) {
		if (admin_page_full(job, &page))
			break;
		put_row(&q, &page.w);
		nation_format(q.from, last);
		last[NATION_LEN] = ':';
		digest_format(q.digest, last + NATION_LEN + 1);
		arena_clear(&arena);
		page.rows++;
	}
	if (e.code == ERR_NOT_FOUND) {
		last[0] = 0;
		e = ERR_NONE;
	}
	if (!failed(e))
		e = admin_page_end(job, &page, span_str(last));
	arena_clear(&arena);
	txn_abort(&txn);
	return e;
}

const struct operation admin_quarantine = {
	.name = "admin.quarantine",
	.method = "GET",
	.path = "/admin/v1/quarantine",
	.listeners = 1u << CORE_ADMIN,
	.askers = ASKER_OFFICER,
	.roles = ADMIN_OPERATOR | ADMIN_SECURITY,
	.check = list_check,
};
