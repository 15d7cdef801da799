/* Documents as operators see them: ids and where they stand, no content. */
#include "proto/exchange/member.h"
#include "relay/guard/core/admin/admin.h"
#include "relay/guard/core/admin/page.h"
#include "storage/document_internal.h"

static const char *state_text(enum document_state state)
{
	switch (state) {
	case DOCUMENT_LIVE:
		return "live";
	case DOCUMENT_DELETED:
		return "deleted";
	case DOCUMENT_RECALLED:
		return "recalled";
	case DOCUMENT_WITHDRAWN:
		return "withdrawn";
	}
	return "unknown";
}

static const char *place_text(enum document_place place)
{
	switch (place) {
	case DOCUMENT_CONTENT_SEGMENTS:
		return "segments";
	case DOCUMENT_CONTENT_INLINE:
		return "inline";
	case DOCUMENT_CONTENT_ABSENT:
		return "absent";
	}
	return "unknown";
}

static void put_head(struct job *job, const struct document *doc, size_t i,
		     size_t winner, struct json_writer *w)
{
	const struct document_head *head = &doc->heads[i];
	const struct shelf_row *shelf =
		shelf_get(job->core->shelves, head->shelf);
	struct digest labels[DOCUMENT_STANDS_MAX];
	size_t labels_count = document_labels(doc, head, labels);

	json_open_object(w);
	json_member_digest(w, "digest", head->digest);
	member_dot_write(w, "dot", &head->seals[0].dot);
	json_member_key_id(w, "author", head->author);
	json_member_nation(w, "from", head->from);
	json_member_u64(w, "statement", head->statement);
	json_member_digest(w, "table", head->table);
	json_member_u64(w, "size", head->size);
	json_member_str(w, "content", place_text(head->place));
	member_digests_write(w, "labels", labels, labels_count);
	if (shelf)
		json_member_digest(w, "shelf", shelf->name);
	json_member_bool(w, "winner", i == winner);
	json_close_object(w);
}

static void put_statement(const struct document *doc, struct json_writer *w)
{
	struct digest digests[DOCUMENT_STATEMENTS_MAX];
	size_t first, count = document_in_force(doc, &first);

	for (size_t i = 0; i < count; i++)
		digests[i] = doc->statements[first + i].digest;
	json_put_name(w, "statement");
	json_open_object(w);
	member_digests_write(w, "digests", digests, count);
	json_member_u64(w, "number", document_number(doc));
	json_close_object(w);
}

static void put_document(struct job *job, const struct document *doc,
			 struct json_writer *w)
{
	size_t winner = document_winner(doc, NULL);

	json_open_object(w);
	json_member_doc_id(w, "id", doc->id);
	json_member_str(w, "state", state_text(doc->state));
	json_member_nation(w, "home", doc->home);
	json_member_string(w, "space", doc->opening.space);
	json_member_u64(w, "condition", doc->condition);
	json_member_u64(w, "time", doc->first_time);
	put_statement(doc, w);
	json_put_name(w, "heads");
	json_open_array(w);
	for (size_t i = 0; i < doc->heads_count; i++)
		put_head(job, doc, i, winner, w);
	json_close_array(w);
	json_close_object(w);
}

static struct err list_check(struct job *job)
{
	static const char *const names[] = {"after", "limit", NULL};
	char last[DOC_ID_TEXT_LEN + 1] = "";
	struct doc_id id = {0};
	struct admin_page page;
	struct txn *txn = NULL;
	struct arena arena;
	struct err e = admin_page_begin(job, names, "documents", &page);

	if (!failed(e) && page.after.len)
		e = doc_id_parse(page.after, &id);
	if (!failed(e))
		e = txn_begin_read(job->core->store, STORE_RECORDS, &txn);
	if (failed(e))
		return e;
	arena_init(&arena, DOCUMENT_ARENA_MAX);
	while (!failed(e = document_next_internal(txn, &id))) {
		struct document doc;

		if (admin_page_full(job, &page))
			break;
		e = document_read_internal(txn, id, &arena, &doc);
		if (failed(e))
			break;
		put_document(job, &doc, &page.w);
		doc_id_format(id, last);
		arena_clear(&arena);
		page.rows++;
	}
	if (e.code == ERR_NOT_FOUND) {
		last[0] = 0;
		e = ERR_NONE;
	}
	arena_clear(&arena);
	txn_abort(&txn);
	return failed(e) ? e : admin_page_end(job, &page, span_str(last));
}

static struct err one_check(struct job *job)
{
	struct document doc;
	struct txn *txn = NULL;
	struct json_writer w;
	struct err e = doc_id_parse(job->path.at[3], &job->doc);

	if (failed(e))
		return e;
	job->has_doc = true;
	e = txn_begin_read(job->core->store, STORE_RECORDS, &txn);
	if (!failed(e))
		e = document_read_internal(txn, job->doc, &job->arena, &doc);
	if (!failed(e)) {
		w = json_write(&job->body);
		put_document(job, &doc, &w);
		answer_json(job, 200);
		e = buf_check(&job->body);
	}
	txn_abort(&txn);
	return e;
}

const struct operation admin_documents = {
	.name = "admin.documents",
	.method = "GET",
	.path = "/admin/v1/documents",
	.listeners = 1u << CORE_ADMIN,
	.askers = ASKER_OFFICER,
	.roles = ADMIN_OPERATOR | ADMIN_SECURITY,
	.check = list_check,
};
const struct operation admin_document = {
	.name = "admin.document",
	.method = "GET",
	.path = "/admin/v1/documents/{}",
	.listeners = 1u << CORE_ADMIN,
	.askers = ASKER_OFFICER,
	.roles = ADMIN_OPERATOR | ADMIN_SECURITY,
	.check = one_check,
};
