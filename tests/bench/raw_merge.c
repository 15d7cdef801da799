/* A k-way merge over cursors of LMDB. */
#include "tests/bench/raw_merge.h"

#include <lmdb.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TIMES = 7, KEY_LEN = 12, ID_LEN = 16, SHELVES_MAX = 256 };

struct source {
	MDB_cursor *cursor;
	MDB_val key, value;
	uint8_t shelf[4];
};

static void must(int rc)
{
	if (!rc)
		return;
	fprintf(stderr, "bench: raw merge: %s\n", mdb_strerror(rc));
	exit(EXIT_FAILURE);
}

/* False at the end of the shelf. */
static bool step(struct source *s, MDB_cursor_op op)
{
	int rc = mdb_cursor_get(s->cursor, &s->key, &s->value, op);

	if (rc == MDB_NOTFOUND)
		return false;
	must(rc);
	return memcmp(s->key.mv_data, s->shelf, sizeof(s->shelf)) == 0;
}

static int order(const struct source *a, const struct source *b)
{
	return memcmp((const uint8_t *)a->key.mv_data + 4,
		      (const uint8_t *)b->key.mv_data + 4, 8);
}

static void sink_down(struct source *heap, size_t count)
{
	for (size_t i = 0, least;; i = least) {
		struct source c;

		least = i;
		for (size_t k = 2 * i + 1; k <= 2 * i + 2 && k < count; k++)
			if (order(&heap[k], &heap[least]) < 0)
				least = k;
		if (least == i)
			return;
		c = heap[i];
		heap[i] = heap[least];
		heap[least] = c;
	}
}

static void merge(MDB_env *env, MDB_dbi feed, MDB_dbi documents,
		  const uint32_t *shelves, size_t count, struct raw_merge *out)
{
	static uint8_t copy[2 << 20];
	struct source heap[SHELVES_MAX];
	size_t live = 0;
	MDB_txn *txn;

	out->rows = out->bytes = 0;
	must(mdb_txn_begin(env, NULL, MDB_RDONLY, &txn));
	/* By number, so the heap begins in order: all stand at their first. */
	for (size_t i = 0; i < count && live < SHELVES_MAX; i++) {
		uint8_t first[KEY_LEN] = {0};
		struct source *s = &heap[live];

		for (int b = 0; b < 4; b++)
			first[b] = (uint8_t)(shelves[i] >> (24 - 8 * b));
		memcpy(s->shelf, first, sizeof(s->shelf));
		s->key = (MDB_val){sizeof(first), first};
		must(mdb_cursor_open(txn, feed, &s->cursor));
		if (step(s, MDB_SET_RANGE))
			live++;
		else
			mdb_cursor_close(s->cursor);
	}
	for (size_t i = live; i-- > 0;)
		sink_down(heap + i, live - i);
	while (live) {
		MDB_val id = {ID_LEN, heap[0].value.mv_data}, record;

		must(mdb_get(txn, documents, &id, &record));
		memcpy(copy, heap[0].value.mv_data, heap[0].value.mv_size);
		memcpy(copy + 64, record.mv_data, record.mv_size);
		out->rows++;
		out->bytes += heap[0].value.mv_size + record.mv_size;
		if (!step(&heap[0], MDB_NEXT)) {
			mdb_cursor_close(heap[0].cursor);
			heap[0] = heap[--live];
		}
		sink_down(heap, live);
	}
	mdb_txn_abort(txn);
}

/* The environment opened anew: no page of it is mapped yet. */
static void run_once(const char *records, const uint32_t *shelves, size_t count,
		     struct raw_merge *out, struct figure_cost *first,
		     struct figure_cost *again)
{
	MDB_dbi feed, documents;
	MDB_env *env;
	MDB_txn *txn;

	must(mdb_env_create(&env));
	must(mdb_env_set_mapsize(env, (size_t)1 << 40));
	must(mdb_env_set_maxdbs(env, 64));
	must(mdb_env_open(env, records, MDB_RDONLY | MDB_NOTLS, 0600));
	must(mdb_txn_begin(env, NULL, MDB_RDONLY, &txn));
	must(mdb_dbi_open(txn, "feed", 0, &feed));
	must(mdb_dbi_open(txn, "documents", 0, &documents));
	must(mdb_txn_commit(txn));
	for (int i = 0; i < 2; i++) {
		struct figure_cost began = figure_cost_begin();

		merge(env, feed, documents, shelves, count, out);
		figure_cost_add(i ? again : first, began);
	}
	mdb_env_close(env);
}

struct raw_merge raw_merge_run(const char *records, const uint32_t *shelves,
			       size_t count)
{
	struct figure_cost first[TIMES] = {0}, again[TIMES] = {0};
	struct raw_merge out = {0};

	for (size_t i = 0; i < TIMES; i++)
		run_once(records, shelves, count, &out, &first[i], &again[i]);
	out.first = figure_cost_median(first, TIMES);
	out.again = figure_cost_median(again, TIMES);
	return out;
}
