#include "relay/guard/task_body.h"

/* ---- an upload ---- */

/* One piece, or the end, is with the segment writer at a time; what comes
 * meanwhile is gathered, at most the credit that was given. */
void task_body_feed(struct task *t)
{
	struct buf spare = t->feeding;

	if (t->busy)
		return;
	if (t->gathered.len && !t->cancelled) {
		t->feeding = t->gathered;
		t->gathered = spare;
		buf_reset(&t->gathered);
		task_submit(t, t->peer->guard->segments, WORK_BODY);
	} else if (t->upload_ended && !t->ending) {
		t->ending = true;
		task_submit(t, t->peer->guard->segments, WORK_BODY_END);
	}
}

void task_body_fed(struct task *t)
{
	struct channel_message credit = {.kind = CHANNEL_CREDIT,
					 .id = t->id,
					 .amount = t->feeding.len};

	buf_reset(&t->feeding);
	if (failed(t->fault)) {
		/* The job keeps what it has; the lease may be gone on with. */
		buf_reset(&t->gathered);
		t->upload_ended = true;
		t->upload_whole = false;
	} else {
		task_reply(t, LANE_BULK, &credit);
	}
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
	} else {
		buf_put(&t->gathered, m->body);
		if (t->gathered.bad) {
			buf_clear(&t->gathered);
			t->upload_overrun = t->upload_ended = true;
		}
	}
	task_body_feed(t);
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
