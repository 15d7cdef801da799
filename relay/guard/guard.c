#include "relay/guard/guard.h"
#include "relay/child.h"
#include "relay/guard/calls.h"
#include "relay/guard/task.h"
#include "relay/guard/writer.h"
#include "relay/log.h"

#include <stddef.h>
#include <stdlib.h>
#include <unistd.h>

bool guard_is_listed(const struct digest *list, size_t count,
		     struct digest digest)
{
	for (size_t i = 0; i < count; i++)
		if (digest_eq(list[i], digest))
			return true;
	return false;
}

/* ---- room for answers ---- */

static void drop_peer(struct guard_peer *peer)
{
	struct guard_peer **at = &peer->guard->peers;

	while (*at != peer)
		at = &(*at)->next;
	*at = peer->next;
	table_clear(&peer->tasks);
	free(peer);
}

static struct task *task_of(const struct fair_item *item)
{
	return (struct task *)((char *)item - offsetof(struct task, turn));
}

static bool has_room(const struct fair_item *item)
{
	const struct task *t = task_of(item);
	const struct guard_peer *peer = t->peer;
	size_t held = peer->reserved;

	if (!peer->lanes)
		return false; /* about to be cancelled */
	held += lanes_pending(peer->lanes, LANE_REQUESTS);
	/* One always fits, however large. */
	return !held || held + t->answer_max <= GUARD_ROOM;
}

void guard_turns(struct guard *g)
{
	struct fair_item *item;

	while (!g->ended && (item = fair_take(&g->turns, has_room))) {
		struct task *t = task_of(item);

		t->reserved = t->answer_max;
		t->peer->reserved += t->reserved;
		task_begin(t);
	}
	atomic_store_explicit(&g->coming, g->turns.waiting,
			      memory_order_relaxed);
}

void guard_pump(struct guard_peer *peer)
{
	struct guard *g = peer->guard;

	if (!peer->lanes && peer->active == 0)
		drop_peer(peer);
	guard_turns(g);
}

/* ---- after commits ---- */

static void wake_all(struct guard *g)
{
	g->epoch = core_epoch(g->core);
	while (g->parked.first)
		task_recheck(g->parked.first);
	guard_turns(g);
}

static void on_wake(uv_timer_t *timer)
{
	struct guard *g = timer->data;

	g->wake_due = false;
	if (core_epoch(g->core) != g->epoch)
		wake_all(g);
}

void guard_wake(struct guard *g)
{
	if (!g->parked.count || core_epoch(g->core) == g->epoch)
		return;
	if (g->parked.count < 64) {
		wake_all(g);
	} else if (!g->wake_due) {
		g->wake_due = true;
		uv_timer_start(&g->wake, on_wake, GUARD_WAKE_MS, 0);
	}
}

static void on_seal(uv_timer_t *timer)
{
	struct guard *g = timer->data;

	/* One round at a time; what it leaves comes with the next. */
	if (g->sealing) {
		uv_timer_start(&g->seal, on_seal, GUARD_SEAL_MS, 0);
		return;
	}
	g->seal_due = false;
	g->sealing = true;
	g->seal_work.kind = WORK_SEAL;
	workers_submit(g->sealer, &g->seal_work);
}

/* A signature costs as much as ten puts: one for all commits of a while. */
static void seal(struct guard *g)
{
	if (g->seal_due || g->stopping)
		return;
	g->seal_due = true;
	uv_timer_start(&g->seal, on_seal, GUARD_SEAL_MS, 0);
}

/* A failed sync may have lost pages that look clean: begin anew.  Whoever
 * waits for an answer hears from the front that the guard is away, and asks
 * the next one. */
static void end_if_dead(const struct guard *g)
{
	if (!core_dead(g->core))
		return;
	log_fault("store-dead", err_make(ERR_IO, "the store's disk failed"));
	_exit(EXIT_FAILURE);
}

void guard_committed(struct guard *g)
{
	end_if_dead(g);
	seal(g);
	guard_wake(g);
	calls_ask(g);
}

static void run_sealer(void *owner, unsigned thread, struct work **works,
		       size_t count)
{
	struct guard *g = owner;

	g->sealed = core_seal(g->core);
}

static void on_flush(uv_timer_t *timer)
{
	struct guard *g = timer->data;

	g->flush_due = false;
	if (g->stopping)
		return;
	if (g->flushing) {
		g->flush_again = true;
		return;
	}
	g->flushing = true;
	g->flush_work.kind = WORK_FLUSH;
	workers_submit(g->writer, &g->flush_work);
}

/* Signatures are worth a commit of their own, for peers wait for them; but
 * where others write, they go along. */
static void flush(struct guard *g)
{
	if (g->flush_due)
		return;
	g->flush_due = true;
	uv_timer_start(&g->flush, on_flush, GUARD_FLUSH_MS, 0);
}

static void on_sealed(void *owner, struct work *work)
{
	struct guard *g = owner;

	end_if_dead(g);
	g->sealing = false;
	if (g->sealed)
		flush(g);
	guard_wake(g);
}

/* On the writer's thread.  A commit costs as much as several puts, and where
 * many wait for a check the processors are the bound, not the disk. */
static bool more_writes(void *owner)
{
	struct guard *g = owner;

	return atomic_load_explicit(&g->coming, memory_order_relaxed) >=
	       GUARD_GATHER_COMING;
}

/* ---- what threads have done ---- */

static void maybe_end(struct guard *g);

static void on_done(void *owner, struct work *work)
{
	struct guard *g = owner;

	/* Whatever it was that met it: a write, a flush, a signature. */
	end_if_dead(g);
	switch ((enum task_work)work->kind) {
	case WORK_WRITE:
		task_done((struct task *)work);
		guard_committed(g);
		break;
	case WORK_CHECK:
		task_done((struct task *)work);
		guard_turns(g);
		break;
	case WORK_READ:
	case WORK_BODY:
	case WORK_BODY_END:
		task_done((struct task *)work);
		break;
	case WORK_STORE:
		task_done_storing(work);
		break;
	case WORK_TICK:
		g->ticking = false;
		guard_committed(g);
		break;
	case WORK_FLUSH:
		g->flushing = false;
		if (g->flush_again) {
			g->flush_again = false;
			flush(g);
		}
		seal(g); /* a group may have been in its hand */
		guard_wake(g);
		break;
	case WORK_CALLS:
		calls_collected(g);
		break;
	case WORK_CALL_DONE:
		calls_outcome_done(g, work);
		guard_committed(g);
		break;
	case WORK_SEAL:
	case WORK_BACKUP:
		break;
	}
	maybe_end(g);
}

/* ---- timers ---- */

static void recheck_late(struct guard *g)
{
	uint64_t now = clock_ms(&g->config.clock);
	struct task *next;

	for (struct task *t = g->parked.first; t; t = next) {
		next = t->next;
		if (core_deadline_ms(t->job) <= now)
			task_recheck(t);
	}
	guard_turns(g);
}

static void on_beat(uv_timer_t *timer)
{
	struct guard *g = timer->data;
	uint64_t now = child_now_ms();

	fair_forget(&g->turns);
	recheck_late(g);
	calls_ask(g);
	if (!g->ticking && !g->stopping && now - g->ticked_ms > GUARD_TICK_MS) {
		g->ticking = true;
		g->ticked_ms = now;
		g->tick_work.kind = WORK_TICK;
		workers_submit(g->writer, &g->tick_work);
	}
	if (!g->backing && !g->stopping && core_backup_due(g->core)) {
		g->backing = true;
		g->backup_work.kind = WORK_BACKUP;
		workers_submit(g->backup, &g->backup_work);
	}
	maybe_end(g);
}

/* ---- a backup ---- */

static void run_backup(void *owner, unsigned thread, struct work **works,
		       size_t count)
{
	struct guard *g = owner;

	core_backup_run(g->core);
}

static void on_backed_up(void *owner, struct work *work)
{
	struct guard *g = owner;

	g->backing = false;
}

/* ---- lanes ---- */

static void on_front_message(void *owner, struct lanes *lanes,
			     enum lane_name lane,
			     const struct channel_message *m)
{
	task_message(owner, lane, m);
}

static void cancel_all(struct guard_peer *peer)
{
	size_t n = 0;
	struct task **all = calloc(peer->tasks.count + 1, sizeof(*all));

	if (!all)
		abort(); /* no memory for a list of pointers: start anew */
	for (size_t i = 0; i < peer->tasks.room; i++)
		if (table_at(&peer->tasks, i))
			all[n++] = table_at(&peer->tasks, i);
	for (size_t i = 0; i < n; i++)
		task_cancel(all[i]);
	free(all);
}

static void lose_peer(struct guard_peer *peer)
{
	peer->lanes = NULL;
	peer->active++; /* so that it stays until all are cancelled */
	cancel_all(peer);
	peer->active--;
	guard_pump(peer);
}

static void on_front_gone(void *owner, struct lanes *lanes, struct err why)
{
	struct guard_peer *peer = owner;
	struct guard *g = peer->guard;

	log_fault("front-gone", why);
	lose_peer(peer);
	maybe_end(g);
}

static void on_front_drained(void *owner, struct lanes *lanes)
{
	guard_pump(owner);
}

static const struct lane_events front_events = {on_front_message, on_front_gone,
						on_front_drained};

static void on_link_message(void *owner, struct lanes *lanes,
			    enum lane_name lane,
			    const struct channel_message *m)
{
	calls_message(owner, m);
}

static void on_link_gone(void *owner, struct lanes *lanes, struct err why)
{
	struct guard *g = owner;

	log_fault("link-gone", why);
	g->link = NULL;
	calls_lost(g);
}

static const struct lane_events link_events = {on_link_message, on_link_gone,
					       NULL};

void guard_add_lanes(struct guard *g, enum control_peer kind, int requests,
		     int bulk)
{
	struct guard_peer *peer;
	struct err e;

	if (kind == CONTROL_LINK) {
		if (g->link) {
			lanes_close(g->link);
			g->link = NULL;
			calls_lost(g);
		}
		e = lanes_open(g->loop, requests, bulk, &link_events, g,
			       &g->link);
		if (failed(e))
			log_fault("lanes", e);
		return;
	}
	peer = calloc(1, sizeof(*peer));
	if (!peer) {
		close(requests);
		close(bulk);
		return;
	}
	peer->guard = g;
	table_init(&peer->tasks);
	e = lanes_open(g->loop, requests, bulk, &front_events, peer,
		       &peer->lanes);
	if (failed(e)) {
		log_fault("lanes", e);
		free(peer);
		return;
	}
	peer->next = g->peers;
	g->peers = peer;
}

/* ---- start and stop ---- */

struct err guard_start(struct guard *g, uv_loop_t *loop,
		       const struct guard_config *config)
{
	struct workers_config w = {.loop = loop,
				   .done = on_done,
				   .owner = g,
				   .threads = GUARD_CHECKERS,
				   .batch = 1,
				   .run = task_run_checker};
	pthread_rwlockattr_t attr;
	struct err e;

	*g = (struct guard){.config = *config,
			    .loop = loop,
			    .core = config->core};
	table_init(&g->calls);
	fair_init(&g->turns, GUARD_ASKER_MAX);
	g->epoch = core_epoch(g->core);
	g->ticked_ms = child_now_ms();
	pthread_rwlockattr_init(&attr);
	pthread_rwlockattr_setkind_np(
		&attr, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
	pthread_rwlock_init(&g->alone, &attr);
	pthread_rwlockattr_destroy(&attr);
	uv_timer_init(loop, &g->beat);
	uv_timer_init(loop, &g->wake);
	uv_timer_init(loop, &g->seal);
	uv_timer_init(loop, &g->flush);
	g->beat.data = g->wake.data = g->seal.data = g->flush.data = g;
	uv_timer_start(&g->beat, on_beat, GUARD_BEAT_MS, GUARD_BEAT_MS);

	e = workers_new(&w, &g->checkers);
	if (failed(e))
		return e;
	w.threads = GUARD_FILLERS;
	w.nice = GUARD_FILLER_NICE;
	w.run = task_run_filler;
	e = workers_new(&w, &g->fillers);
	if (failed(e))
		return e;
	w.nice = 0;
	w.threads = 1;
	w.run = task_run_segments;
	e = workers_new(&w, &g->segments);
	if (failed(e))
		return e;
	w.run = run_sealer;
	w.done = on_sealed;
	e = workers_new(&w, &g->sealer);
	if (failed(e))
		return e;
	w.run = run_backup;
	w.done = on_backed_up;
	e = workers_new(&w, &g->backup);
	if (failed(e))
		return e;
	w.batch = CORE_BATCH_MAX;
	w.run = writer_run;
	w.more = more_writes;
	w.gather = GUARD_GATHER;
	w.done = on_done;
	e = workers_new(&w, &g->writer);
	if (failed(e))
		return e;
	seal(g);
	return ERR_NONE;
}

static void end(struct guard *g)
{
	g->ended = true;
	uv_close((uv_handle_t *)&g->beat, NULL);
	uv_close((uv_handle_t *)&g->wake, NULL);
	uv_close((uv_handle_t *)&g->seal, NULL);
	uv_close((uv_handle_t *)&g->flush, NULL);
	lanes_close(g->link);
	g->link = NULL;
	for (struct guard_peer *p = g->peers, *next; p; p = next) {
		next = p->next;
		lanes_close(p->lanes);
		lose_peer(p);
	}
	/* Each finishes what it has; the rest is handed over and freed. */
	workers_free(g->checkers);
	workers_free(g->fillers);
	workers_free(g->segments);
	workers_free(g->writer);
	workers_free(g->sealer);
	workers_free(g->backup);
	g->checkers = g->fillers = NULL;
	g->segments = g->writer = g->sealer = g->backup = NULL;
}

/* Tasks that are parked or read by somebody who has gone do not count. */
static bool at_rest(const struct guard *g)
{
	return g->tasks == g->parked.count && workers_load(g->writer) == 0 &&
	       workers_load(g->sealer) == 0;
}

static void maybe_end(struct guard *g)
{
	if (!g->stopping || g->ended)
		return;
	if (at_rest(g) || child_now_ms() - g->stop_ms > GUARD_STOP_MS)
		end(g);
}

void guard_stop(struct guard *g)
{
	if (g->stopping)
		return;
	g->stopping = true;
	core_backup_stop(g->core);
	g->stop_ms = child_now_ms();
	/* The next beat looks whether all is at rest. */
}

void guard_clear(struct guard *g)
{
	table_clear(&g->calls);
	fair_clear(&g->turns);
	pthread_rwlock_destroy(&g->alone);
}
