/*
 * The long bodies of a task: an upload on its way to the segment writer, and
 * an answer that is read piece by piece.  Both move by the credit that the
 * front gives or is given, so that little is held.
 */
#ifndef RELAY_GUARD_TASK_BODY_H
#define RELAY_GUARD_TASK_BODY_H

#include "relay/guard/task.h"

/* An upload: a PIECE or END came; hand on what is there; a piece, then the
 * end, has been taken. */
void task_body_came(struct task *t, const struct channel_message *m);
void task_body_feed(struct task *t);
void task_body_fed(struct task *t);
void task_body_over(struct task *t);

/* A long answer: read on as far as there is credit; a piece was read. */
void task_body_read_on(struct task *t);
void task_body_was_read(struct task *t);

#endif
