/* The walk through every table, and what it says. */
#include <stdlib.h>

#include "storage/check_inside.h"

enum { ARENA_MAX = DOCUMENT_ARENA_MAX + (4 << 20) };

const char check_restore[] =
	"Restore the relay's folder from a backup made before; what reached "
	"peers comes back from them.";
const char check_start[] = "Start the relay: it does away with it by itself.";

void check_say(struct check *c, enum store_check_grade grade, enum table table,
	       struct span key, const char *what, const char *mend)
{
	struct store_finding finding = {grade, table, key, what, mend};

	if (grade == CHECK_LEFT)
		c->found.left++;
	else if (c->found.faults++ == 0)
		c->found.first = table;
	c->order->finding(c->order->self, &finding);
}

enum check_look check_find(struct check *c, enum table table, struct key key,
			   struct span *value)
{
	struct err e = txn_get(c->txn[table_env(table)], table, key, value);

	if (!failed(e))
		return CHECK_THERE;
	return e.code == ERR_NOT_FOUND ? CHECK_MISSING : CHECK_UNREADABLE;
}

bool check_has(struct check *c, enum table table, struct key key)
{
	bool has = true;

	/* What LMDB cannot read is told by the table's own walk. */
	return failed(txn_has(c->txn[table_env(table)], table, key, &has)) ||
	       has;
}

/* ---- the walk ---- */

static struct err check_row(struct check *c, enum table table,
			    const struct txn_row *row)
{
	switch (table) {
	case TABLE_DOCUMENTS:
		return check_document(c, row);
	case TABLE_FEED:
		return check_feed_row(c, row);
	case TABLE_GROUPS:
		return check_group_row(c, row);
	case TABLE_SEGMENTS:
		return check_segment(c, row);
	case TABLE_SEGMENT_TABLES:
		return check_segment_table(c, row);
	case TABLE_AUDIT: /* its chain is walked apart */
		return ERR_NONE;
	default:
		return check_small(c, table, row);
	}
}

/* It is there, for those that count. */
static struct err check_broken(struct check *c, enum table table,
			       struct span key)
{
	c->rows_seen += table == TABLE_FEED;
	c->slots_seen += table == TABLE_SLOTS && key.len > 9;
	return table == TABLE_SEGMENTS ? check_segment_broken(c, key)
				       : ERR_NONE;
}

static struct err walk(struct check *c, enum table table)
{
	struct txn *txn = c->txn[table_env(table)];
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
		if (++c->found.records % CHECK_PROGRESS_EVERY == 0)
			c->order->progress(c->order->self, c->found.records,
					   c->total);
		if (e.code == ERR_CORRUPT) {
			check_fault(c, table, row.key,
				    "the record fails its MAC");
			e = check_broken(c, table, row.key);
			arena_clear(&c->arena);
			continue;
		}
		if (!failed(e))
			e = check_row(c, table, &row);
		arena_clear(&c->arena);
	}
	txn_cursor_close(cursor);
	if (e.code == ERR_CORRUPT) {
		check_fault(c, table, span_of(NULL, 0),
			    "the table's pages are damaged: nothing behind "
			    "can be read");
		return ERR_NONE;
	}
	c->readable[table] = e.code == ERR_NOT_FOUND;
	return e.code == ERR_NOT_FOUND ? ERR_NONE : e;
}

/* ---- begin and end ---- */

static uint64_t counter(struct check *c, const char *name)
{
	uint64_t value = 0;

	/* One that fails its MAC is told where counters are walked, and
	 * nothing lies beyond it. */
	return failed(txn_counter(c->txn[STORE_RECORDS], name, &value))
		       ? UINT64_MAX
		       : value;
}

static struct err begin(struct check *c)
{
	struct err e = ERR_NONE;
	uint64_t rows;

	for (int env = 0; env < STORE_ENV_COUNT && !failed(e); env++)
		e = txn_begin_read(c->store, env, &c->txn[env]);
	for (int t = 0; t < TABLE_COUNT && !failed(e); t++) {
		e = txn_rows(c->txn[table_env(t)], t, &rows);
		c->total += failed(e) ? 0 : rows;
	}
	if (failed(e))
		return e;
	c->nation = store_header(c->store)->replica.nation;
	c->sequence = counter(c, "feed");
	c->groups = counter(c, "group");
	c->shelves = counter(c, "shelves");
	/* A bit for each sequence; untouched pages cost nothing. */
	if (c->sequence < UINT64_C(1) << 36)
		c->sequences = calloc(c->sequence / 64 + 1, 8);
	c->kept = calloc(CHECK_GROUPS_KEPT, sizeof(*c->kept));
	return c->kept ? ERR_NONE : err_make(ERR_NO_MEMORY, "the check");
}

struct err store_check(struct store *store,
		       const struct store_check_order *order,
		       struct store_check *out)
{
	struct check *c = calloc(1, sizeof(*c));
	struct err e;

	if (!c)
		return err_make(ERR_NO_MEMORY, "the check");
	c->store = store;
	c->order = order;
	arena_init(&c->arena, ARENA_MAX);
	e = begin(c);
	for (int t = 0; t < TABLE_COUNT && !failed(e); t++)
		e = walk(c, (enum table)t);
	if (!failed(e))
		e = check_counts(c);
	if (!failed(e))
		e = check_audit(c);
	if (!failed(e))
		*out = c->found;
	for (int env = 0; env < STORE_ENV_COUNT; env++)
		txn_abort(&c->txn[env]);
	arena_clear(&c->arena);
	crypto_public_free(c->seal_key);
	free(c->sequences);
	free(c->kept);
	free(c->named);
	free(c);
	return e;
}
