/*
 * Groups: which one a commit's leaves go to, and signing them beside the
 * commits.
 *
 * A signature of P-384 costs as much as ten puts, so a group is that of one
 * commit only where commits are rare: while a group is young and not full,
 * the next commit adds to it.  What may be signed is what no commit can add to
 * any more: the sealer closes the open group while no transaction has it in
 * hand, the writer closes it by its age.
 */
#include <assert.h>
#include <stdlib.h>

#include "relay/guard/core/state.h"

enum {
	GROUP_AGE_MS = 25,
	/* Room for a batch whose leaves are not known beforehand. */
	GROUP_ROOM = GROUP_LEAVES_MAX / 2,
};

/* ---- the writer's side ---- */

static bool takes_more(const struct open_group *g, size_t leaves,
		       uint64_t now_ms)
{
	if (!leaves)
		leaves = GROUP_ROOM;
	/* A clock that was set back makes it old too. */
	return g->number && g->leaves + leaves <= GROUP_LEAVES_MAX &&
	       now_ms >= g->began_ms && now_ms - g->began_ms < GROUP_AGE_MS;
}

struct err sealing_begin(struct batch *batch, size_t leaves)
{
	struct core *core = batch->core;
	struct open_group *g = &core->group;
	uint64_t now_ms = clock_ms(&core->clock), last = 0;
	struct err e = group_last(batch->txn, &last);

	if (failed(e))
		return e;
	pthread_mutex_lock(&core->lock);
	if (!takes_more(g, leaves, now_ms))
		g->number = 0;
	assert(!g->number || g->number == last);
	g->in_hand = true;
	if (g->number)
		document_writer_continue(&batch->writer, core->shelves,
					 g->number, g->leaves);
	else
		document_writer_begin(&batch->writer, core->shelves, last + 1);
	batch->group_ms = g->number ? g->began_ms : now_ms;
	pthread_mutex_unlock(&core->lock);
	return ERR_NONE;
}

struct err sealing_put(struct batch *batch)
{
	struct document_writer *w = &batch->writer;
	struct core *core = batch->core;
	struct group_row row = {
		.replica = core->replica,
		.time = batch->now_s,
		.first = w->first,
		.last = w->last,
		.leaves = span_of(w->cores, (size_t)(w->leaves - w->earlier) *
						    DIGEST_LEN),
	};
	struct err e;

	if (w->leaves == w->earlier)
		return ERR_NONE;
	if (w->earlier)
		return group_extend(batch->txn, w->group, &row);
	e = random_fill(&core->random, row.secret, sizeof(row.secret));
	if (!failed(e))
		e = group_put(batch->txn, &row, &row.number);
	wipe(row.secret, sizeof(row.secret));
	return e;
}

void sealing_end(struct batch *batch, bool committed)
{
	const struct document_writer *w = &batch->writer;
	struct core *core = batch->core;
	struct open_group *g = &core->group;

	pthread_mutex_lock(&core->lock);
	if (committed && w->leaves > w->earlier) {
		g->number = g->newest = w->group;
		g->leaves = w->leaves;
		g->began_ms = batch->group_ms;
	}
	g->in_hand = false;
	pthread_mutex_unlock(&core->lock);
}

static struct err put_ways(struct txn *txn, uint64_t number,
			   const struct seal_group *tree)
{
	struct group_leaf way = {.time = tree->time};
	struct err e = ERR_NONE;

	for (size_t i = 0; i < tree->count && !failed(e); i++) {
		seal_group_way(tree, i, &way.place, way.salt, way.path);
		e = group_leaf_put(txn, number, (uint16_t)i, &way);
	}
	return e;
}

/* Signatures made since the last commit. */
struct err sealing_put_signatures(struct batch *batch,
				  const struct sealed_group *list)
{
	struct group_row row = {0};
	struct err e = ERR_NONE;

	for (; list && !failed(e); list = list->next) {
		e = group_get(batch->txn, list->number, &row);
		if (failed(e))
			break;
		/* The root is that of all its leaves. */
		assert(row.leaves.len / DIGEST_LEN == list->leaves);
		e = group_sign_row(batch->txn, list->number, list->root,
				   list->signature);
		if (!failed(e) && list->tree)
			e = put_ways(batch->txn, list->number, list->tree);
	}
	wipe(&row, sizeof(row));
	return e;
}

static void tree_free(struct seal_group *tree)
{
	if (tree)
		wipe(tree, sizeof(*tree));
	free(tree);
}

void sealed_groups_free(struct core *core, struct sealed_group *list)
{
	size_t trees = 0;

	while (list) {
		struct sealed_group *next = list->next;

		trees += list->tree != NULL;
		tree_free(list->tree);
		free(list);
		list = next;
	}
	pthread_mutex_lock(&core->lock);
	core->trees -= trees;
	pthread_mutex_unlock(&core->lock);
}

/* ---- the sealer's side ---- */

/* The last group that no commit can add to any more. */
static uint64_t close_groups(struct core *core)
{
	struct open_group *g = &core->group;
	uint64_t closed;

	pthread_mutex_lock(&core->lock);
	if (!g->in_hand)
		g->number = 0;
	closed = g->number ? g->number - 1 : g->newest;
	pthread_mutex_unlock(&core->lock);
	return closed;
}

static struct err tree_of(const struct group_row *row, struct seal_group **out)
{
	struct seal_group *tree = malloc(sizeof(*tree));
	struct err e;

	if (!tree)
		return err_make(ERR_NO_MEMORY, "a group's tree");
	e = seal_group_build(row->secret, row->replica, row->time,
			     (const struct digest *)row->leaves.at,
			     row->leaves.len / DIGEST_LEN, tree);
	if (failed(e))
		tree_free(tree);
	else
		*out = tree;
	return e;
}

/* Under the lock: a tree is kept while there are not too many. */
static void keep_tree(struct core *core, struct sealed_group *s)
{
	if (core->trees < CORE_TREES_MAX) {
		core->trees++;
		return;
	}
	tree_free(s->tree);
	s->tree = NULL;
}

static struct err seal_one(struct core *core, const struct group_row *row,
			   struct sealed_group **out)
{
	struct sealed_group *s = calloc(1, sizeof(*s));
	struct err e;

	if (!s)
		return err_make(ERR_NO_MEMORY, "a seal");
	s->number = row->number;
	s->leaves = row->leaves.len / DIGEST_LEN;
	e = tree_of(row, &s->tree);
	if (!failed(e)) {
		s->root = seal_group_root(s->tree);
		e = seal_group_sign(core->seal_key, row->replica, row->time,
				    s->root, s->signature);
	}
	if (failed(e)) {
		tree_free(s->tree);
		free(s);
		return e;
	}
	*out = s;
	return ERR_NONE;
}

bool core_seal(struct core *core)
{
	/* Closed before the snapshot, which so holds all of them whole. */
	const uint64_t closed = close_groups(core);
	struct group_row row = {0};
	struct txn *txn = NULL;
	bool any = false;
	struct err e;

	if (atomic_load(&core->put_back)) /* see ticking.h */
		return false;
	e = txn_begin_read(core->store, STORE_RECORDS, &txn);
	while (!failed(e)) {
		struct sealed_group *s = NULL;

		e = group_unsigned(txn, core->sealed_upto, &row);
		if (failed(e) || row.number > closed)
			break;
		e = seal_one(core, &row, &s);
		if (failed(e))
			break;
		pthread_mutex_lock(&core->lock);
		keep_tree(core, s);
		core->sealed_upto = s->number;
		*core->sealed_end = s;
		core->sealed_end = &s->next;
		pthread_mutex_unlock(&core->lock);
		any = true;
	}
	wipe(&row, sizeof(row));
	txn_abort(&txn);
	return any;
}

struct err sealing_open(struct core *core)
{
	struct txn *txn = NULL;
	struct err e = txn_begin_read(core->store, STORE_RECORDS, &txn);

	/* Whatever is unsigned from before takes no more. */
	if (!failed(e))
		e = group_last(txn, &core->group.newest);
	txn_abort(&txn);
	return e;
}
