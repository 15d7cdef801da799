#include "relay/guard/task_body.h"

#include <stdlib.h>

/* ---- an upload ---- */

static void pieces_clear(struct task_pieces *p)
{
	while (p->first) {
		struct task_piece *piece = p->first;

		p->first = piece->next;
		free(piece);
	}
	p->last = NULL;
}

static bool pieces_put(struct task_pieces *p, struct span bytes)
{
	struct task_piece *last = p->last;
	size_t room = last ? sizeof(last->at) - last->len : 0;
	size_t some = bytes.len < room ? bytes.len : room;

	if (some) {
		memcpy(last->at + last->len, bytes.at, some);
		last->len += some;
		bytes = span_sub(bytes, some, bytes.len);
	}
	if (!bytes.len)
		return true;
	last = malloc(sizeof(*last));
	if (!last)
		return false;
	last->next = NULL;
	last->len = bytes.len;
	memcpy(last->at, bytes.at, bytes.len);
	if (p->last)
		p->last->next = last;
	else
		p->first = last;
	p->last = last;
	return true;
}

/* A client that used its credit up gets twice as much, while there is room. */
static void widen(struct task *t)
{
	struct guard *g = t->peer->guard;

	if (t->credit_out > t->window / 2 || t->window >= CHANNEL_WINDOW_MAX ||
	    g->upload_room + t->window > GUARD_UPLOAD_ROOM)
		return;
	g->upload_room += t->window;
	t->window *= 2;
}

/*
 * A segment that is not whole does not count: it can only become so.  What is
 * held back here and what waits to be stored are less than half a window, for
 * HTTP/2 may keep an update of the client's window for itself up to that.
 */
static void give_credit(struct task *t)
{
	struct channel_message credit = {.kind = CHANNEL_CREDIT, .id = t->id};
	int64_t room = (int64_t)t->window - (int64_t)t->credit_out -
		       (int64_t)t->waiting - t->ready;

	if (t->upload_ended || room < (int64_t)t->window / 8)
		return;
	credit.amount = (uint64_t)room;
	t->credit_out += credit.amount;
	task_reply(t, LANE_BULK, &credit);
}

void task_body_begin(struct task *t)
{
	t->state = TASK_FEEDING;
	t->window = CHANNEL_WINDOW;
	give_credit(t);
}

/* Hands on what there is to whoever is idle; the end goes last, alone. */
void task_body_feed(struct task *t)
{
	struct guard *g = t->peer->guard;

	if (t->ending)
		return;
	if (!t->busy && t->gathered.first && !t->cancelled) {
		t->feeding = t->gathered;
		t->gathered = (struct task_pieces){0};
		task_submit(t, g->checkers, WORK_BODY);
	}
	if (!t->storing && !t->upload_ended &&
	    t->ready >= (int64_t)t->window / 4) {
		t->storing = true;
		t->store.kind = WORK_STORE;
		workers_submit(g->segments, &t->store);
	}
	if (!t->busy && !t->storing && t->upload_ended) {
		t->ending = true;
		task_submit(t, g->segments, WORK_BODY_END);
	}
}

/* The job keeps what it has; the lease may be gone on with. */
static void give_up(struct task *t)
{
	pieces_clear(&t->gathered);
	t->upload_ended = true;
	t->upload_whole = false;
}

/* A piece was taken. */
void task_body_fed(struct task *t)
{
	t->waiting -= t->took;
	t->ready += (int64_t)t->whole;
	if (failed(t->take_fault)) {
		t->fault = t->take_fault;
		give_up(t);
	}
	give_credit(t);
	task_body_feed(t);
}

void task_body_stored(struct task *t)
{
	t->ready -= (int64_t)t->stored;
	if (failed(t->store_fault)) {
		if (!failed(t->fault))
			t->fault = t->store_fault;
		give_up(t);
	}
	widen(t);
	give_credit(t);
	task_body_feed(t);
}

void task_body_over(struct task *t)
{
	if (t->upload_overrun)
		task_finish_with(t, err_make(ERR_INTERNAL,
					     "more pieces than credit"));
	else if (failed(t->fault))
		task_answer(t); /* the core has refused it */
	else if (!t->upload_whole)
		task_finish_with(t, err_make(ERR_SLOW, "upload was cut"));
	else
		task_begin(t);
}

void task_body_came(struct task *t, const struct channel_message *m)
{
	if (t->state != TASK_FEEDING || t->upload_ended)
		return;
	if (m->kind == CHANNEL_END) {
		t->upload_ended = true;
		t->upload_whole = m->whole;
	} else if (m->body.len > t->credit_out) {
		give_up(t);
		t->upload_overrun = true;
	} else if (!pieces_put(&t->gathered, m->body)) {
		give_up(t);
		t->fault = err_make(ERR_NO_MEMORY, "a piece of an upload");
	} else {
		t->credit_out -= m->body.len;
		t->waiting += m->body.len;
	}
	task_body_feed(t);
}

void task_body_clear(struct task *t)
{
	pieces_clear(&t->gathered);
	pieces_clear(&t->feeding);
	if (t->window > CHANNEL_WINDOW)
		t->peer->guard->upload_room -= t->window - CHANNEL_WINDOW;
	t->window = 0;
}

/* ---- on threads ---- */

void task_body_take(struct task *t)
{
	struct err e = ERR_NONE;

	t->took = t->whole = 0;
	while (t->feeding.first) {
		struct task_piece *piece = t->feeding.first;

		if (!failed(e))
			e = core_body(t->job, span_of(piece->at, piece->len),
				      &t->whole);
		t->took += piece->len;
		t->feeding.first = piece->next;
		free(piece);
	}
	t->feeding.last = NULL;
	t->take_fault = e;
}

void task_body_store(struct task *t)
{
	t->stored = 0;
	t->store_fault = core_body_store(t->job, &t->stored);
}

/* ---- a long answer ---- */

void task_body_read_on(struct task *t)
{
	if (t->busy || t->state != TASK_READING || t->credit == 0)
		return;
	t->read_max = CHANNEL_PIECE_MAX;
	if (t->credit < t->read_max)
		t->read_max = (size_t)t->credit;
	if (t->body_len - t->offset < t->read_max)
		t->read_max = (size_t)(t->body_len - t->offset);
	task_submit(t, t->peer->guard->checkers, WORK_READ);
}

void task_body_was_read(struct task *t)
{
	struct channel_message piece = {.kind = CHANNEL_PIECE, .id = t->id},
			       end = {.kind = CHANNEL_END, .id = t->id};

	if (!failed(t->fault) && t->piece.len == 0)
		t->fault = err_make(ERR_CORRUPT, "a long body is shorter");
	if (failed(t->fault)) {
		task_reply(t, LANE_BULK, &end);
		task_free(t);
		return;
	}
	piece.body = buf_span(&t->piece);
	task_reply(t, LANE_BULK, &piece);
	t->offset += t->piece.len;
	t->credit -= t->piece.len;
	buf_reset(&t->piece);
	if (t->offset < t->body_len) {
		task_body_read_on(t);
		return;
	}
	end.whole = true;
	task_reply(t, LANE_BULK, &end);
	task_free(t);
}
