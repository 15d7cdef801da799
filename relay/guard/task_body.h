/*
 * The long bodies of a task: an upload on its way to the segment writer, and
 * an answer that is read piece by piece.  Both move by the credit that the
 * front gives or is given, so that little is held.
 *
 * An upload has two works at once: a checker takes pieces and checks
 * segments, the segment writer stores those that are whole, a quarter of a
 * window and more in a commit.  Its window begins at CHANNEL_WINDOW and doubles as long as
 * the client uses all of it, up to CHANNEL_WINDOW_MAX, out of a room that all
 * uploads share (GUARD_UPLOAD_ROOM).
 */
#ifndef RELAY_GUARD_TASK_BODY_H
#define RELAY_GUARD_TASK_BODY_H

#include "relay/guard/task.h"

/* An upload: it begins; a PIECE or END came; hand on what is there; pieces
 * were taken, segments stored, its end was. */
void task_body_begin(struct task *t);
void task_body_came(struct task *t, const struct channel_message *m);
void task_body_feed(struct task *t);
void task_body_fed(struct task *t);
void task_body_stored(struct task *t);
void task_body_over(struct task *t);
/* What it holds, when the task goes. */
void task_body_clear(struct task *t);

/* On threads. */
void task_body_take(struct task *t);
void task_body_store(struct task *t);

/* A long answer: read on as far as there is credit; a piece was read. */
void task_body_read_on(struct task *t);
void task_body_was_read(struct task *t);

#endif
