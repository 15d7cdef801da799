/* A document record, copied out of the transaction. */
#include "relay/guard/core/state.h"

struct err record_copy(struct txn *txn, struct doc_id id, struct arena *arena,
		       struct document **out)
{
	struct document *doc;
	struct span record;
	struct err e = txn_get(txn, TABLE_DOCUMENTS, key_document(id), &record);

	*out = NULL;
	if (e.code == ERR_NOT_FOUND)
		return ERR_NONE;
	if (failed(e))
		return e;
	doc = arena_alloc(arena, sizeof(*doc));
	record = arena_copy(arena, record);
	e = arena_check(arena);
	if (!failed(e))
		e = document_decode(record, arena, doc);
	if (!failed(e))
		*out = doc;
	return e;
}
