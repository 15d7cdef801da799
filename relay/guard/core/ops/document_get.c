/* GET /v1/documents/{id}: the document as the asker sees it. */
#include "proto/exchange/http.h"
#include "relay/guard/core/ops/ops.h"
#include "relay/guard/core/row.h"

static struct err answer(struct job *job, struct txn *txn,
			 const struct view *view,
			 const struct document_read *read)
{
	struct row_shelves *shelves =
		arena_alloc(&job->arena, sizeof(*shelves));
	const struct changes_shelf *list = NULL;
	char etag[HTTP_ETAG_TEXT_LEN + 1];
	struct changes_row row;
	size_t count = 0;
	struct err e = arena_check(&job->arena);

	if (failed(e))
		return e;
	e = row_make(job->core, txn, view, job->asker.kind == ASKER_NATION,
		     read, &job->arena, shelves, &row);

	if (!failed(e))
		e = row_shelves_list(job->core, shelves, &job->arena, &list,
				     &count);
	if (!failed(e)) {
		changes_document_encode(&row, list, count, &job->body);
		e = buf_check(&job->body);
	}
	if (!failed(e)) {
		http_etag_format(read->doc.heads[read->winner].digest, etag);
		answer_field(job, "etag", span_str(etag));
		answer_json(job, 200);
	}
	row_shelves_clear(shelves);
	return e;
}

static struct err check(struct job *job)
{
	struct document_read *read = arena_alloc(&job->arena, sizeof(*read));
	struct txn *txn = NULL;
	struct view *view = NULL;
	struct err e = arena_check(&job->arena);

	if (!failed(e))
		e = doc_id_parse(job->path.at[2], &job->doc);
	if (failed(e))
		return e;
	job->has_doc = true;
	e = txn_begin_read(job->core->store, STORE_RECORDS, &txn);
	if (!failed(e))
		e = policing_view(job->policing, job->reader, txn, &view);
	if (!failed(e))
		e = document_read_for(txn, view, job->doc, &job->arena, read);
	if (!failed(e) && !row_may_pass(job, &read->doc))
		e = err_make(ERR_NOT_RELEASABLE, "no transit rule");
	if (!failed(e))
		e = answer(job, txn, view, read);
	view_free(view);
	txn_abort(&txn);
	return e;
}

const struct operation op_document_get = {
	.name = "document.get",
	.method = "GET",
	.path = "/v1/documents/{}",
	.listeners = 1u << CORE_DEVICE | 1u << CORE_PEER,
	.askers = ASKER_DEVICE | ASKER_NATION,
	.check = check,
};
