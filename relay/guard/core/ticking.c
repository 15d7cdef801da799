/* Our ticks, and those that are heard of. */
#include <stdlib.h>

#include "relay/guard/core/ticking.h"

#define PUT_BACK "ticks.put-back"

enum {
	HEARD_ARENA_MAX = 16 << 20,
	EXPIRE_TICKS = 64, /* dropped with each tick that is made */
};

struct err ticking_open(struct core *core)
{
	struct tick_row *last = malloc(sizeof(*last));
	struct txn *txn = NULL;
	struct arena arena;
	uint64_t put_back = 0;
	struct err e = last ? ERR_NONE : err_make(ERR_NO_MEMORY, "ticks");

	arena_init(&arena, 1 << 20);
	if (!failed(e))
		e = txn_begin_read(core->store, STORE_RECORDS, &txn);
	if (!failed(e))
		e = txn_counter(txn, PUT_BACK, &put_back);
	if (!failed(e))
		e = tick_last(txn, core->replica, &arena, last);
	if (!failed(e))
		core->tick_minute = last->minute;
	txn_abort(&txn);
	arena_clear(&arena);
	free(last);
	/* A new replica has a chain of its own. */
	atomic_store(&core->put_back, put_back == core->replica.number);
	return e.code == ERR_NOT_FOUND ? ERR_NONE : e;
}

/* The roots of the signed groups from `row->group_first` on. */
static struct err gather(struct txn *txn, struct tick_row *row,
			 struct digest **roots, size_t *count)
{
	uint8_t signature[GROUP_SIG_LEN];
	uint64_t last = 0;
	struct digest *list;
	struct err e = group_last(txn, &last);

	*count = 0;
	row->group_last = row->group_first - 1;
	if (failed(e) || last < row->group_first)
		return e;
	last -= row->group_first - 1;
	if (last > TICK_GROUPS_MAX)
		last = TICK_GROUPS_MAX;
	list = malloc(last * sizeof(*list));
	if (!list)
		return err_make(ERR_NO_MEMORY, "groups of a tick");
	while (!failed(e) && *count < last) {
		e = group_signature(txn, row->group_last + 1, &list[*count],
				    signature);
		if (failed(e))
			break;
		row->group_last++;
		(*count)++;
	}
	*roots = list;
	return e.code == ERR_NOT_FOUND ? ERR_NONE : e; /* not signed yet */
}

static struct err fill(struct core *core, struct txn *txn,
		       const struct tick_row *last, struct tick_row *row,
		       struct tick *tick)
{
	struct digest *roots = NULL, link;
	struct tick before;
	size_t count = 0;
	struct err e =
		random_fill(&core->random, row->secret, sizeof(row->secret));

	if (!failed(e))
		e = random_fill(&core->random, row->salt, sizeof(row->salt));
	row->group_first = 1;
	if (!failed(e) && last) {
		row->group_first = last->group_last + 1;
		e = tick_decode(last->blob, &before);
		if (!failed(e))
			e = tick_digest(&before, &tick->previous);
	}
	if (!failed(e))
		e = gather(txn, row, &roots, &count);
	if (!failed(e))
		e = tick_groups_root(row->secret, roots, count, &tick->groups,
				     0, NULL);
	if (!failed(e))
		e = audit_head(txn, &row->audit, &link);
	if (!failed(e))
		e = tick_audit_head(row->salt, link, &tick->audit);
	free(roots);
	return e;
}

/* In the transaction that it stands in: nothing it names can be lost. */
static struct err make(struct core *core, struct txn *txn, uint64_t minute,
		       struct arena *arena)
{
	struct tick_row *row = arena_alloc(arena, sizeof(*row));
	struct tick_row *last = arena_alloc(arena, sizeof(*last));
	struct tick tick = {.replica = core->replica, .minute = minute};
	struct buf blob;
	struct err e = arena_check(arena);

	buf_init(&blob, TICK_BLOB_MAX);
	if (!failed(e))
		e = tick_last(txn, core->replica, arena, last);
	if (failed(e) && e.code != ERR_NOT_FOUND)
		goto out;
	*row = (struct tick_row){.of = core->replica,
				 .minute = minute,
				 .received = core_now_s(core),
				 .own = true};
	e = fill(core, txn, failed(e) ? NULL : last, row, &tick);
	if (!failed(e))
		e = tick_sign(core->seal_key, &tick, &blob);
	row->blob = buf_span(&blob);
	if (!failed(e))
		e = tick_put(txn, row);
	if (!failed(e) && minute > TICK_KEPT_DAYS * 24 * 60)
		e = tick_expire(txn, core->replica,
				minute - TICK_KEPT_DAYS * 24 * 60,
				EXPIRE_TICKS);
	wipe(row->secret, sizeof(row->secret));
out:
	buf_clear(&blob);
	return e;
}

struct err ticking_make(struct core *core)
{
	uint64_t minute = core_now_s(core) / 60;
	struct batch batch;
	struct arena arena;
	struct err e;

	/* A clock that went back waits until it is where it was. */
	if (minute <= core->tick_minute || atomic_load(&core->put_back))
		return ERR_NONE;
	e = batch_begin(core, true, 0, &batch);
	if (failed(e))
		return e;
	arena_init(&arena, 1 << 20);
	e = make(core, batch.txn, minute, &arena);
	if (failed(e))
		batch_abort(&batch);
	else
		e = batch_commit(&batch);
	if (!failed(e))
		core->tick_minute = minute;
	arena_clear(&arena);
	return e;
}

/* ---- heard ---- */

static struct err note(struct batch *batch, struct nation of, const char *what,
		       enum err_code outcome, const char *detail)
{
	struct audit_entry entry = {.who = AUDIT_NATION,
				    .who_id = span_of(of.code, NATION_LEN),
				    .what = span_str(what),
				    .outcome = outcome,
				    .detail = span_str(detail)};
	uint64_t number;

	return audit_append(batch->txn, &entry, &number);
}

static struct err witness_of(struct core *core, const struct tick *tick,
			     struct buf *out)
{
	struct witness w = {.by = core->replica,
			    .of = tick->replica,
			    .minute = tick->minute,
			    .time = core_now_s(core)};
	struct err e = tick_digest(tick, &w.tick);

	return failed(e) ? e : witness_sign(core->seal_key, &w, out);
}

static struct err take(struct core *core, struct batch *batch,
		       const struct ticks_heard *heard, struct ticks_taking *t)
{
	bool was = atomic_load(&core->put_back);
	struct err e = ticks_take(t, heard);

	if (!failed(e) && t->breaks)
		e = note(batch, heard->of.nation, "ticks.fault", ERR_CONFLICT,
			 ticks_fault_name(t->fault));
	if (failed(e) || !t->put_back || was)
		return e;
	e = txn_counter_set(batch->txn, PUT_BACK, core->replica.number);
	if (!failed(e))
		e = note(batch, heard->of.nation, "ticks.put-back",
			 ERR_PUT_BACK, "it saw ticks that are not here");
	return e;
}

struct err ticking_heard(struct core *core, const struct ticks_heard *heard,
			 struct buf *witness, enum ticks_fault *fault)
{
	struct ticks_taking t = {.trust = core->trust,
				 .self = core->replica,
				 .now = core_now_s(core)};
	struct batch batch;
	struct arena arena;
	struct err e = batch_begin(core, true, 0, &batch);

	if (failed(e))
		return e;
	arena_init(&arena, HEARD_ARENA_MAX);
	t.txn = batch.txn;
	t.arena = &arena;
	e = take(core, &batch, heard, &t);
	if (failed(e))
		batch_abort(&batch);
	else
		e = batch_commit(&batch);
	if (!failed(e)) {
		*fault = t.fault;
		if (t.put_back)
			atomic_store(&core->put_back, true);
		/* A relay that was put back says nothing under its seal. */
		if (t.has_newest && !atomic_load(&core->put_back))
			e = witness_of(core, &t.newest, witness);
	}
	arena_clear(&arena);
	return e;
}

struct err ticking_has_breaks(struct txn *txn, struct replica of, bool *out)
{
	struct tick_row *row = calloc(1, sizeof(*row));
	struct digest name = {0};
	struct arena arena;
	struct err e = row ? ERR_NONE : err_make(ERR_NO_MEMORY, "ticks");

	arena_init(&arena, TICK_STORE_BLOB_MAX * 2);
	if (!failed(e))
		e = tick_break_next(txn, of, &arena, &name, row);
	*out = !failed(e);
	arena_clear(&arena);
	free(row);
	return e.code == ERR_NOT_FOUND ? ERR_NONE : e;
}
