#include "relay/guard/task.h"
#include "relay/guard/task_body.h"

#include "proto/crypto/crypto.h"
#include "proto/exchange/problem.h"
#include "relay/child.h"
#include "relay/log.h"
#include "relay/route.h"

#include <stdio.h>
#include <stdlib.h>

void task_list_put(struct task_list *l, struct task *t)
{
	t->next = NULL;
	t->before = l->last;
	if (l->last)
		l->last->next = t;
	else
		l->first = t;
	l->last = t;
	l->count++;
}

void task_list_take(struct task_list *l, struct task *t)
{
	if (t->before)
		t->before->next = t->next;
	else
		l->first = t->next;
	if (t->next)
		t->next->before = t->before;
	else
		l->last = t->before;
	t->next = t->before = NULL;
	l->count--;
}

/* ---- the end of a task ---- */

static void log_task(const struct task *t)
{
	struct log_line l;

	if (log_is_quiet())
		return;
	log_begin(&l, "request");
	log_str(&l, "listener",
		route_listener_name((enum route_listener)t->listener));
	log_str(&l, "method", t->method);
	log_str(&l, "path", t->path);
	log_u64(&l, "status", (uint64_t)t->status);
	if (t->cancelled)
		log_str(&l, "outcome", "cancelled");
	log_err(&l, t->fault);
	log_u64(&l, "ms", child_now_ms() - t->began_ms);
	log_end(&l);
}

static void unreserve(struct task *t)
{
	t->peer->reserved -= t->reserved;
	t->reserved = 0;
}

void task_free(struct task *t)
{
	struct guard_peer *peer = t->peer;

	log_task(t);
	unreserve(t);
	fair_leave(&peer->guard->turns, &t->turn);
	table_take(&peer->tasks, t->id);
	job_free(t->job);
	task_body_clear(t);
	buf_clear(&t->piece);
	free(t);
	peer->active--;
	peer->guard->tasks--;
	guard_pump(peer); /* may free the peer */
}

void task_reply(const struct task *t, enum lane_name lane,
		const struct channel_message *m)
{
	if (t->peer->lanes && !t->cancelled)
		lanes_send(t->peer->lanes, lane, m);
}

/* ---- answers ---- */

/* What never became a job. */
static void answer_problem(struct guard_peer *peer, uint64_t id, struct err e)
{
	struct buf body;
	struct channel_field fields[] = {
		{span_str("content-type"), span_str(PROBLEM_MEDIA_TYPE)},
		{span_str("retry-after"), span_str("1")},
	};
	struct channel_message m = {.kind = CHANNEL_ANSWER, .id = id};

	buf_init(&body, 4096);
	core_problem(peer->guard->core, e, &body);
	m.status = (uint16_t)problem_status(e);
	m.fields = fields;
	m.field_count = m.status == 503 ? 2 : 1;
	m.body = buf_span(&body);
	if (peer->lanes)
		lanes_send(peer->lanes, LANE_REQUESTS, &m);
	buf_clear(&body);
}

/* The whole answer, but for a body that streams. */
static void send_answer(struct task *t, const struct core_answer *a)
{
	struct channel_field fields[12];
	struct channel_message m = {.kind = CHANNEL_ANSWER,
				    .id = t->id,
				    .status = (uint16_t)a->status,
				    .fields = fields,
				    .field_count = a->field_count,
				    .body = a->body,
				    .streams = a->body_streams && a->body_len};

	for (size_t i = 0; i < a->field_count; i++)
		fields[i] = (struct channel_field){a->fields[i].name,
						   a->fields[i].value};
	m.amount = m.streams ? a->body_len : 0;
	t->status = a->status;
	task_reply(t, LANE_REQUESTS, &m);
}

void task_finish_with(struct task *t, struct err e)
{
	t->fault = e;
	if (!t->cancelled) {
		core_refuse(t->job, e);
		send_answer(t, core_answer(t->job));
	}
	task_free(t);
}

void task_answer(struct task *t)
{
	const struct core_answer *a = core_answer(t->job);

	if (a->body.len > t->answer_max || a->status < 200 || a->status > 599) {
		task_finish_with(t, err_make(ERR_INTERNAL,
					     "answer beyond its promise"));
		return;
	}
	send_answer(t, a);
	if (!(a->body_streams && a->body_len) || t->cancelled) {
		task_free(t);
		return;
	}
	/* The front says how much it takes; from here on little is held. */
	t->body_len = a->body_len;
	t->state = TASK_READING;
	unreserve(t);
	guard_pump(t->peer);
}

/* ---- checking and writing ---- */

void task_submit(struct task *t, struct workers *to, enum task_work kind)
{
	t->busy = true;
	t->work.kind = kind;
	workers_submit(to, &t->work);
}

void task_begin(struct task *t)
{
	struct guard *g = t->peer->guard;

	t->state = TASK_CHECKING;
	t->epoch = core_epoch(g->core);
	task_submit(t,
		    fair_had_much(&g->turns, t->asker) ? g->fillers
						       : g->checkers,
		    WORK_CHECK);
}

/* Room is needed anew: a parked task has none. */
void task_recheck(struct task *t)
{
	struct guard *g = t->peer->guard;
	struct err e;

	task_list_take(&g->parked, t);
	t->state = TASK_WAITING;
	e = fair_put(&g->turns, t->asker, &t->turn);
	if (failed(e))
		task_finish_with(t, e);
}

static void park(struct task *t)
{
	struct guard *g = t->peer->guard;

	if (g->parked.count >= GUARD_PARKED_MAX || g->stopping) {
		task_finish_with(t, err_make(ERR_BUSY, "too many long polls"));
		return;
	}
	t->state = TASK_PARKED;
	task_list_put(&g->parked, t);
	unreserve(t);
	/* A commit while it was checked: the news may be its own. */
	if (core_epoch(g->core) != t->epoch)
		task_recheck(t); /* it may be gone now */
	guard_turns(g);
}

static void checked(struct task *t)
{
	switch (t->then) {
	case CORE_NEXT_WRITE:
		t->state = TASK_WRITING;
		task_submit(t, t->peer->guard->writer, WORK_WRITE);
		return;
	case CORE_NEXT_ANSWER:
		task_answer(t);
		return;
	case CORE_NEXT_WAIT:
		park(t);
		return;
	case CORE_NEXT_BODY:
		task_body_begin(t);
		return;
	}
}

/* ---- on the loop ---- */

static struct task *task_of_store(struct work *work)
{
	return (struct task *)((char *)work - offsetof(struct task, store));
}

/* True if it was cancelled and nobody works on it any more: then it is freed.
 * An upload that was cut is told so before its job goes. */
static bool is_over(struct task *t)
{
	if (!t->cancelled ||
	    (t->state == TASK_FEEDING && !t->peer->guard->ended))
		return false;
	if (!t->busy && !t->storing)
		task_free(t);
	return true;
}

void task_done_storing(struct work *work)
{
	struct task *t = task_of_store(work);

	t->storing = false;
	if (!is_over(t))
		task_body_stored(t);
}

void task_done(struct task *t)
{
	t->busy = false;
	if (t->work.kind == WORK_CHECK) {
		fair_leave(&t->peer->guard->turns, &t->turn);
		/* What was read; who writes waits for the writer as it is. */
		if (t->then == CORE_NEXT_ANSWER)
			fair_spent(&t->peer->guard->turns, t->asker,
				   t->took_us);
	}
	if (is_over(t))
		return;
	switch ((enum task_work)t->work.kind) {
	case WORK_CHECK:
		checked(t);
		return;
	case WORK_WRITE:
		task_answer(t);
		return;
	case WORK_READ:
		task_body_was_read(t);
		return;
	case WORK_BODY:
		task_body_fed(t);
		return;
	case WORK_BODY_END:
		task_body_over(t);
		return;
	case WORK_STORE: /* task_done_storing */
	case WORK_SEAL:
	case WORK_FLUSH:
	case WORK_TICK:
	case WORK_BACKUP:
	case WORK_CALLS:
	case WORK_CALL_DONE:
		return;
	}
}

void task_cancel(struct task *t)
{
	if (t->cancelled)
		return;
	t->cancelled = true;
	if (t->state == TASK_PARKED)
		task_list_take(&t->peer->guard->parked, t);
	else if (t->state == TASK_FEEDING) {
		if (!t->ending) {
			t->upload_ended = true;
			t->upload_whole = false;
			task_body_feed(t);
		}
		return;
	}
	if (!t->busy)
		task_free(t);
}

static struct err request_digest(const struct channel_message *m,
				 struct digest *out)
{
	struct crypto_hasher *h = NULL;
	struct err e = crypto_hasher_new(&h);
	const struct span parts[] = {span_of(&m->listener, 1), m->certificate,
				     m->method, m->target, m->body};

	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]) && !failed(e);
	     i++) {
		uint32_t len = (uint32_t)parts[i].len;

		e = crypto_hasher_update(h, SPAN_OBJ(len));
		if (!failed(e) && len)
			e = crypto_hasher_update(h, parts[i]);
	}
	if (!failed(e))
		e = crypto_hasher_final(h, out);
	crypto_hasher_free(h);
	return e;
}

static struct err make_job(struct guard *g, const struct channel_message *m,
			   struct job **out)
{
	struct core_field fields[CHANNEL_FIELDS_MAX];
	struct core_request r = {.listener = (enum core_listener)m->listener,
				 .certificate = m->certificate,
				 .method = m->method,
				 .authority = m->authority,
				 .target = m->target,
				 .fields = fields,
				 .field_count = m->field_count,
				 .body = m->body};

	char detail[64] = "";

	if (m->listener >= ROUTE_LISTENERS || m->amount > CHANNEL_BODY_MAX ||
	    m->status >= ERR_COUNT)
		return err_make(ERR_MALFORMED, "request of a front");
	if (m->status) {
		snprintf(detail, sizeof(detail), "%.*s", (int)m->body.len,
			 (const char *)m->body.at);
		r.refused = err_make((enum err_code)m->status, detail);
	}
	for (size_t i = 0; i < m->field_count; i++)
		fields[i] = (struct core_field){m->fields[i].name,
						m->fields[i].value};
	return core_job_new(g->core, &r, out);
}

static void copy_text(char *out, size_t room, struct span text)
{
	const uint8_t *mark = text.len ? memchr(text.at, '?', text.len) : NULL;
	size_t n = mark ? (size_t)(mark - text.at) : text.len;

	if (n >= room)
		n = room - 1;
	if (n)
		memcpy(out, text.at, n);
	out[n] = 0;
}

/* Who asks, as a number: the end of his certificate, which is a signature, so
 * no two are alike but by chance; then they share their turns. */
static uint64_t asker_of(const struct channel_message *m)
{
	struct span c = m->certificate;
	uint64_t n = 0;

	for (size_t i = c.len > 8 ? c.len - 8 : 0; i < c.len; i++)
		n = n << 8 | c.at[i];
	return n;
}

static struct err request_came(struct guard_peer *peer,
			       const struct channel_message *m)
{
	struct guard *g = peer->guard;
	const struct control_start *start = g->config.start;
	struct task *t = NULL;
	struct digest digest;
	struct err e;

	if (g->stopping || g->tasks >= GUARD_TASKS_MAX)
		return err_make(ERR_BUSY, "the guard has enough to do");
	if (table_get(&peer->tasks, m->id) || !m->id)
		return err_make(ERR_MALFORMED, "request id in use");
	e = request_digest(m, &digest);
	if (failed(e))
		return e;
	if (guard_is_listed(start->quarantined, start->quarantined_count,
			    digest)) {
		log_note("quarantined", "what", "request of two deaths");
		return err_make(ERR_MALFORMED, "quarantined");
	}
	t = calloc(1, sizeof(*t));
	if (!t)
		return err_make(ERR_NO_MEMORY, "task");
	t->peer = peer;
	t->id = m->id;
	t->digest = digest;
	t->suspect =
		guard_is_listed(start->suspects, start->suspect_count, digest);
	t->answer_max = (size_t)m->amount;
	t->listener = m->listener;
	t->began_ms = child_now_ms();
	copy_text(t->method, sizeof(t->method), m->method);
	copy_text(t->path, sizeof(t->path), m->target);
	buf_init(&t->piece, CHANNEL_PIECE_MAX);
	e = make_job(g, m, &t->job);
	if (!failed(e))
		e = table_put(&peer->tasks, t->id, t);
	if (failed(e)) {
		job_free(t->job);
		free(t);
		return e;
	}
	t->state = TASK_WAITING;
	t->asker = asker_of(m);
	peer->active++;
	g->tasks++;
	e = fair_put(&g->turns, t->asker, &t->turn);
	if (failed(e))
		task_finish_with(t, e);
	return ERR_NONE;
}

void task_message(struct guard_peer *peer, enum lane_name lane,
		  const struct channel_message *m)
{
	struct task *t = table_get(&peer->tasks, m->id);
	struct err e;

	if (m->kind == CHANNEL_REQUEST) {
		e = request_came(peer, m);
		if (failed(e))
			answer_problem(peer, m->id, e);
		guard_pump(peer);
		return;
	}
	if (!t || t->cancelled)
		return; /* crossed with its end */
	switch (m->kind) {
	case CHANNEL_CANCEL:
		task_cancel(t);
		return;
	case CHANNEL_PIECE:
	case CHANNEL_END:
		task_body_came(t, m);
		return;
	case CHANNEL_CREDIT:
		if (t->state == TASK_READING && m->amount <= CHANNEL_WINDOW &&
		    t->credit + m->amount <= CHANNEL_WINDOW) {
			t->credit += m->amount;
			task_body_read_on(t);
		}
		return;
	case CHANNEL_HELLO:
	case CHANNEL_REQUEST:
	case CHANNEL_ANSWER:
	case CHANNEL_CALL:
		return;
	}
}

/* ---- on threads ---- */

static void hold(struct task *t, unsigned slot)
{
	struct guard *g = t->peer->guard;

	if (t->suspect)
		pthread_rwlock_wrlock(&g->alone);
	else
		pthread_rwlock_rdlock(&g->alone);
	inhand_set(g->config.page, slot, t->digest);
}

static void let_go(struct task *t, unsigned slot)
{
	struct guard *g = t->peer->guard;

	inhand_unset(g->config.page, slot);
	pthread_rwlock_unlock(&g->alone);
}

static void run(struct task *t, unsigned slot, enum task_work kind)
{
	hold(t, slot);
	switch (kind) {
	case WORK_CHECK:
		t->took_us = uv_hrtime() / 1000;
		t->then = core_check(t->job);
		t->took_us = uv_hrtime() / 1000 - t->took_us;
		break;
	case WORK_READ:
		t->fault = core_read(t->job, t->offset, t->read_max, &t->piece);
		if (t->piece.len > t->read_max)
			t->fault = err_make(ERR_INTERNAL, "read too much");
		break;
	case WORK_BODY:
		task_body_take(t);
		break;
	case WORK_BODY_END: {
		struct err e = core_body_end(t->job, t->upload_whole &&
							     !failed(t->fault));
		if (!failed(t->fault))
			t->fault = e;
		break;
	}
	case WORK_STORE:
		task_body_store(t);
		break;
	case WORK_WRITE:
	case WORK_SEAL:
	case WORK_BACKUP:
	case WORK_FLUSH:
	case WORK_TICK:
	case WORK_CALLS:
	case WORK_CALL_DONE:
		break;
	}
	let_go(t, slot);
}

void task_run_checker(void *owner, unsigned thread, struct work **works,
		      size_t count)
{
	for (size_t i = 0; i < count; i++)
		run((struct task *)works[i], thread,
		    (enum task_work)works[i]->kind);
}

void task_run_filler(void *owner, unsigned thread, struct work **works,
		     size_t count)
{
	for (size_t i = 0; i < count; i++)
		run((struct task *)works[i], GUARD_SLOT_FILLERS + thread,
		    (enum task_work)works[i]->kind);
}

void task_run_segments(void *owner, unsigned thread, struct work **works,
		       size_t count)
{
	for (size_t i = 0; i < count; i++)
		run(works[i]->kind == WORK_STORE ? task_of_store(works[i])
						 : (struct task *)works[i],
		    GUARD_SLOT_SEGMENTS, (enum task_work)works[i]->kind);
}

/* All of them in one commit, but for suspects, which go alone. */
void task_run_writes(struct guard *g, struct task **tasks, size_t count)
{
	struct job *jobs[CORE_BATCH_MAX];
	size_t n = 0;

	pthread_rwlock_rdlock(&g->alone);
	for (size_t i = 0; i < count; i++)
		if (!tasks[i]->suspect) {
			inhand_set(g->config.page,
				   GUARD_SLOT_WRITER + (unsigned)n,
				   tasks[i]->digest);
			jobs[n++] = tasks[i]->job;
		}
	if (n)
		core_write(g->core, jobs, n);
	for (size_t i = 0; i < n; i++)
		inhand_unset(g->config.page, GUARD_SLOT_WRITER + (unsigned)i);
	pthread_rwlock_unlock(&g->alone);
	for (size_t i = 0; i < count; i++) {
		if (!tasks[i]->suspect)
			continue;
		hold(tasks[i], GUARD_SLOT_WRITER);
		core_write(g->core, &tasks[i]->job, 1);
		let_go(tasks[i], GUARD_SLOT_WRITER);
	}
}
