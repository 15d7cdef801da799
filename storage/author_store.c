/* Author records by author key id. */
#include "storage/author_store.h"

struct err author_store_put(struct txn *txn, struct key_id author,
			    struct span blob)
{
	if (blob.len > AUTHOR_STORE_MAX)
		return err_make(ERR_TOO_LARGE, "an author record too long");
	return txn_put(txn, TABLE_AUTHORS, key_author(author), blob);
}

struct err author_store_get(struct txn *txn, struct key_id author,
			    struct span *blob)
{
	return txn_get(txn, TABLE_AUTHORS, key_author(author), blob);
}

struct err author_store_has(struct txn *txn, struct key_id author, bool *out)
{
	return txn_has(txn, TABLE_AUTHORS, key_author(author), out);
}
