/* Every record's MAC, walked through. */
#include "storage/store_check.h"

static struct err check_table(struct txn *txn, enum table table,
			      struct store_check *check)
{
	struct txn_cursor *cursor = NULL;
	struct txn_row row;
	uint64_t before;
	struct err e;

	e = txn_cursor_open(txn, table, key_empty(), &cursor);
	while (!failed(e)) {
		before = txn_steps(txn).steps;
		e = txn_cursor_next(cursor, &row);
		/* Without a step it is LMDB that cannot go on. */
		if (txn_steps(txn).steps == before)
			break;
		check->records++;
		if (e.code != ERR_CORRUPT)
			continue;
		if (check->corrupt++ == 0)
			check->first = table;
		e = ERR_NONE;
	}
	txn_cursor_close(cursor);
	return e.code == ERR_NOT_FOUND ? ERR_NONE : e;
}

struct err store_check(struct store *store, struct store_check *out)
{
	struct store_check check = {0};
	struct err e = ERR_NONE;

	for (int env = 0; env < STORE_ENV_COUNT && !failed(e); env++) {
		struct txn *txn = NULL;

		e = txn_begin_read(store, env, &txn);
		for (int t = 0; t < TABLE_COUNT && !failed(e); t++)
			if (table_env(t) == (enum store_env)env)
				e = check_table(txn, t, &check);
		txn_abort(&txn);
	}
	if (!failed(e))
		*out = check;
	return e;
}
