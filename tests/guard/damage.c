/* Damage with a good MAC. */
#include "tests/guard/damage.h"

#include <stdio.h>
#include <stdlib.h>

#include "tests/guard/world.h"

static struct txn *begin(struct core *core, enum table table, bool write)
{
	struct txn *txn = NULL;

	if (write)
		world_must(
			txn_begin_write(core->store, table_env(table), &txn));
	else
		world_must(txn_begin_read(core->store, table_env(table), &txn));
	return txn;
}

/* What the row is now, to be put back. */
static void remember(struct damage *d, struct txn *txn, enum table table,
		     struct key key)
{
	struct span value;
	struct err e = txn_get(txn, table, key, &value);

	if (d->count == DAMAGE_MAX)
		abort();
	d->before[d->count].table = table;
	d->before[d->count].key = key;
	d->before[d->count].was = !failed(e);
	buf_init(&d->before[d->count].value, 2 << 20);
	if (!failed(e))
		buf_put(&d->before[d->count].value, value);
	d->count++;
}

void damage_put(struct damage *d, enum table table, struct key key,
		struct span value)
{
	struct txn *txn = begin(d->core, table, true);

	remember(d, txn, table, key);
	world_must(txn_put(txn, table, key, value));
	world_must(txn_commit(&txn));
}

void damage_del(struct damage *d, enum table table, struct key key)
{
	struct txn *txn = begin(d->core, table, true);

	remember(d, txn, table, key);
	world_must(txn_del(txn, table, key));
	world_must(txn_commit(&txn));
}

void damage_flip(struct damage *d, enum table table, struct key key, int at)
{
	struct txn *txn = begin(d->core, table, false);
	struct span value;
	struct buf b;

	world_must(txn_get(txn, table, key, &value));
	buf_init(&b, 2 << 20);
	buf_put(&b, value);
	txn_abort(&txn);
	b.at[at < 0 ? (int)b.len + at : at] ^= 1;
	damage_put(d, table, key, buf_span(&b));
	buf_clear(&b);
}

struct key damage_first(struct core *core, enum table table, struct key prefix)
{
	struct txn *txn = begin(core, table, false);
	struct txn_cursor *cursor = NULL;
	struct txn_row row;
	struct key key;

	world_must(txn_cursor_open(txn, table, prefix, &cursor));
	world_must(txn_cursor_first(cursor, &row));
	key = key_raw(row.key);
	txn_cursor_close(cursor);
	txn_abort(&txn);
	return key;
}

void damage_document(struct damage *d, struct doc_id id,
		     void (*change)(struct document *doc))
{
	struct txn *txn = begin(d->core, TABLE_DOCUMENTS, true);
	struct document doc;
	struct arena arena;
	struct span record;

	remember(d, txn, TABLE_DOCUMENTS, key_document(id));
	/* A copy, so that its bytes can be changed too. */
	record = buf_span(&d->before[d->count - 1].value);
	arena_init(&arena, DOCUMENT_ARENA_MAX);
	record = arena_copy(&arena, record);
	world_must(document_decode(record, &arena, &doc));
	change(&doc);
	world_must(document_put_internal(txn, &doc));
	world_must(txn_commit(&txn));
	arena_clear(&arena);
}

void damage_undo(struct damage *d)
{
	while (d->count) {
		enum table table = d->before[--d->count].table;
		struct key key = d->before[d->count].key;
		struct buf *value = &d->before[d->count].value;
		struct txn *txn = begin(d->core, table, true);

		if (d->before[d->count].was)
			world_must(txn_put(txn, table, key, buf_span(value)));
		else
			world_must(txn_del(txn, table, key));
		world_must(txn_commit(&txn));
		buf_clear(value);
	}
}

/* ---- the check ---- */

static void on_finding(void *self, const struct store_finding *f)
{
	struct damage_said *said = self;

	if (said->count == DAMAGE_SAID_MAX)
		return;
	said->at[said->count].grade = f->grade;
	said->at[said->count].table = f->table;
	said->at[said->count++].what = f->what;
}

static void on_progress(void *self, uint64_t records, uint64_t total)
{
}

struct damage_said damage_look(struct core *core)
{
	struct damage_said said = {0};
	struct store_check_order order = {.ring = core->ring,
					  .finding = on_finding,
					  .progress = on_progress,
					  .self = &said};

	world_must(store_check(core->store, &order, &said.found));
	return said;
}

bool damage_says(const struct damage_said *said, enum table table,
		 const char *what)
{
	for (size_t i = 0; i < said->count; i++)
		if (said->at[i].table == table &&
		    strcmp(said->at[i].what, what) == 0)
			return true;
	fprintf(stderr, "not said: %s: %s\n", table_name(table), what);
	for (size_t i = 0; i < said->count; i++)
		fprintf(stderr, "  said: %s: %s\n",
			table_name(said->at[i].table), said->at[i].what);
	return false;
}
