/* The audit, newest first, and whether its chain is whole. */
#include "proto/exchange/me.h"
#include "proto/exchange/member.h"
#include "relay/guard/core/admin/admin.h"
#include "relay/guard/core/admin/page.h"
#include "relay/guard/core/admin/text.h"
#include "relay/guard/core/admin/who.h"

enum {
	AUDIT_LOOK_MAX = 20000, /* records looked at for one page */
	AUDIT_LIMIT = 100,	/* rows without a limit */
	AUDIT_ARENA_MAX = 1 << 20,
	AUDIT_ITEMS_SHOWN = 256,
};

struct audit_query {
	struct audit_filter filter;
	struct me_reader reader;
	struct span rule;
	uint64_t before;
};

static void digest_member(struct json_writer *w, const char *name,
			  struct digest d)
{
	static const struct digest zero;

	if (!digest_eq(d, zero))
		json_member_digest(w, name, d);
}

static void put_item(const struct audit_item *item, struct json_writer *w)
{
	json_open_object(w);
	json_member_doc_id(w, "document", item->doc);
	digest_member(w, "digest", item->digest);
	json_member_str(w, "outcome", admin_outcome(item->outcome));
	if (item->rule.len)
		admin_text_member(w, "rule", item->rule);
	json_close_object(w);
}

static void put_entry(const struct audit_entry *a, struct json_writer *w)
{
	size_t shown =
		a->count < AUDIT_ITEMS_SHOWN ? a->count : AUDIT_ITEMS_SHOWN;

	json_open_object(w);
	json_member_u64(w, "number", a->number);
	json_member_u64(w, "time", a->time);
	json_member_replica(w, "replica", a->replica);
	admin_who_write(w, a->who, a->who_id);
	admin_text_member(w, "what", a->what);
	json_member_str(w, "outcome", admin_outcome(a->outcome));
	if (a->rule.len)
		admin_text_member(w, "rule", a->rule);
	if (a->detail.len)
		admin_text_member(w, "detail", a->detail);
	digest_member(w, "policy", a->policy);
	digest_member(w, "proof", a->proof);
	if (a->count) {
		json_member_u64(w, "count", a->count);
		json_put_name(w, "items");
		json_open_array(w);
		for (size_t i = 0; i < shown; i++)
			put_item(&a->items[i], w);
		json_close_array(w);
	}
	json_close_object(w);
}

static struct err read_reader(struct job *job, struct audit_query *q)
{
	struct span text;
	struct err e = http_query_string(&job->query, "reader", &text);

	if (failed(e))
		return e;
	if (failed(me_reader_parse(text, &q->reader)))
		return err_make(ERR_USAGE, "a reader is a device's key id or "
					   "a nation's three letters");
	q->filter.by_who = true;
	q->filter.who = q->reader.device ? AUDIT_DEVICE : AUDIT_NATION;
	q->filter.who_id = q->reader.device
				   ? SPAN_OBJ(q->reader.key.at)
				   : span_of(q->reader.nation.code, NATION_LEN);
	return ERR_NONE;
}

/* Each parameter where it is there. */
static struct err read_query(struct job *job, struct audit_query *q)
{
	const struct http_query *query = &job->query;
	struct err e = ERR_NONE;

	*q = (struct audit_query){0};
	if (http_query_has(query, "from"))
		e = http_query_u64(query, "from", &q->filter.from);
	if (!failed(e) && http_query_has(query, "to"))
		e = http_query_u64(query, "to", &q->filter.to);
	if (!failed(e) && http_query_has(query, "before"))
		e = http_query_u64(query, "before", &q->before);
	if (!failed(e) && http_query_has(query, "refused"))
		e = http_query_bool(query, "refused", &q->filter.refused_only);
	if (!failed(e) && http_query_has(query, "what"))
		e = http_query_string(query, "what", &q->filter.what);
	if (!failed(e) && http_query_has(query, "rule"))
		e = http_query_string(query, "rule", &q->rule);
	if (!failed(e) && http_query_has(query, "document")) {
		q->filter.by_doc = true;
		e = http_query_doc_id(query, "document", &q->filter.doc);
	}
	if (!failed(e) && http_query_has(query, "reader"))
		e = read_reader(job, q);
	return e;
}

static bool begins(struct span text, struct span with)
{
	return span_eq(span_sub(text, 0, with.len), with);
}

static bool rule_fits(const struct audit_query *q, const struct audit_entry *a)
{
	if (q->rule.len == 0 || begins(a->rule, q->rule))
		return true;
	for (size_t i = 0; i < a->count; i++)
		if (begins(a->items[i].rule, q->rule))
			return true;
	return false;
}

/* Rows until the page is full, the audit ends, or enough was looked at;
 * `*next` is the number to go on before, 0 at the end. */
static struct err put_rows(struct job *job, struct txn *txn,
			   struct audit_query *q, struct admin_page *page,
			   uint64_t *next)
{
	unsigned budget = AUDIT_LOOK_MAX;
	struct audit_entry entry;
	struct arena arena;
	struct err e;

	arena_init(&arena, AUDIT_ARENA_MAX);
	*next = q->before;
	while (!failed(e = audit_prev(txn, &q->filter, next, &budget, &arena,
				      &entry))) {
		if (rule_fits(q, &entry)) {
			put_entry(&entry, &page->w);
			page->rows++;
		}
		arena_clear(&arena);
		if (admin_page_full(job, page))
			break;
	}
	arena_clear(&arena);
	if (e.code == ERR_NOT_FOUND || *next == 1)
		*next = 0;
	return e.code == ERR_NOT_FOUND || e.code == ERR_BUSY ? ERR_NONE : e;
}

static struct err list_check(struct job *job)
{
	static const char *const names[] = {"before", "document", "from",
					    "limit",  "reader",	  "refused",
					    "rule",   "to",	  "what",
					    NULL};
	struct audit_query q;
	struct admin_page page;
	struct txn *txn = NULL;
	uint64_t next = 0;
	struct err e = admin_page_begin(job, names, "records", &page);

	if (!failed(e) && !http_query_has(&job->query, "limit"))
		page.limit = AUDIT_LIMIT;
	if (!failed(e))
		e = read_query(job, &q);
	if (!failed(e))
		e = txn_begin_read(job->core->store, STORE_RECORDS, &txn);
	if (!failed(e))
		e = put_rows(job, txn, &q, &page, &next);
	txn_abort(&txn);
	if (failed(e))
		return e;
	json_close_array(&page.w);
	if (next)
		json_member_u64(&page.w, "next", next);
	return admin_page_close(job, &page, span_str(""));
}

const struct operation admin_audit = {
	.name = "admin.audit",
	.method = "GET",
	.path = "/admin/v1/audit",
	.listeners = 1u << CORE_ADMIN,
	.askers = ASKER_OFFICER,
	.roles = ADMIN_SECURITY | ADMIN_AUDITOR,
	.check = list_check,
};

/* ---- verify ---- */

static const char *fault_text(enum audit_fault fault)
{
	switch (fault) {
	case AUDIT_SOUND:
		return "sound";
	case AUDIT_CHANGED:
		return "changed";
	case AUDIT_DROPPED:
		return "dropped";
	case AUDIT_TRUNCATED:
		return "truncated";
	}
	return "unknown";
}

static struct err verify_check(struct job *job)
{
	static const char *const names[] = {"from", NULL};
	struct audit_verdict v = {0};
	struct txn *txn = NULL;
	struct json_writer w;
	uint64_t from = 1;
	struct err e = http_query_only(&job->query, names);

	if (!failed(e) && http_query_has(&job->query, "from"))
		e = http_query_u64(&job->query, "from", &from);
	if (!failed(e) && from == 0)
		e = err_make(ERR_USAGE, "records are numbered from 1");
	if (!failed(e))
		e = txn_begin_read(job->core->store, STORE_RECORDS, &txn);
	if (!failed(e))
		e = from == 1 ? audit_verify(txn, &v)
			      : audit_verify_from(txn, from, &v);
	txn_abort(&txn);
	if (failed(e))
		return e;
	w = json_write(&job->body);
	json_open_object(&w);
	json_member_str(&w, "fault", fault_text(v.fault));
	if (v.fault == AUDIT_SOUND)
		json_member_digest(&w, "link", v.link);
	json_member_u64(&w, "number", v.number);
	json_member_bool(&w, "sound", v.fault == AUDIT_SOUND);
	json_close_object(&w);
	answer_json(job, 200);
	return buf_check(&job->body);
}

const struct operation admin_audit_verify = {
	.name = "admin.audit.verify",
	.method = "GET",
	.path = "/admin/v1/audit/verify",
	.listeners = 1u << CORE_ADMIN,
	.askers = ASKER_OFFICER,
	.roles = ADMIN_SECURITY | ADMIN_AUDITOR,
	.check = verify_check,
};
