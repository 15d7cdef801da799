/*
 * One request in the guard, from its message to its answer.
 *
 *	WAITING -> CHECKING -+-> WRITING -+-> answered, or READING (a long
 *	   ^         |  ^    +------------+   body, piece by piece)
 *	   |         |  +-- FEEDING (an upload, piece by piece)
 *	   +-- PARKED (long poll)
 *
 * The loop moves it; while it is with a thread (`busy`) nobody else touches
 * its job.  Whoever asked may go meanwhile: then it is `cancelled` and freed
 * when it comes back.
 */
#ifndef RELAY_GUARD_TASK_H
#define RELAY_GUARD_TASK_H

#include "relay/guard/guard.h"

enum task_state {
	TASK_WAITING,
	TASK_CHECKING,
	TASK_PARKED,
	TASK_WRITING,
	TASK_FEEDING,
	TASK_READING,
};

/* What a thread does with a work. */
enum task_work {
	WORK_CHECK,
	WORK_WRITE,
	WORK_READ,
	WORK_BODY,
	WORK_STORE, /* beside WORK_BODY: the task's second work */
	WORK_BODY_END,
	WORK_SEAL,
	WORK_BACKUP,
	WORK_FLUSH, /* signatures that were made, and nothing else */
	WORK_TICK,
	WORK_CALLS,
	WORK_CALL_DONE,
};

/* Pieces of an upload, in order. */
struct task_piece {
	struct task_piece *next;
	size_t len;
	uint8_t at[CHANNEL_PIECE_MAX];
};
struct task_pieces {
	struct task_piece *first, *last;
};

struct task {
	struct work work; /* first */
	struct guard_peer *peer;
	uint64_t id;
	enum task_state state;
	struct job *job;
	struct digest digest; /* of the request: relay/inhand.h */
	bool suspect;
	bool busy, cancelled;
	size_t reserved, answer_max;
	struct task *next, *before; /* in a task_list */
	struct fair_item turn;	    /* waiting for a check, or in one */
	uint64_t asker;		    /* a number that names who asks */
	uint64_t took_us;	    /* of the last check */

	enum core_next then; /* of the last check */
	uint64_t epoch;	     /* at the last check's start */
	struct err fault;    /* of the last piece */

	/* An upload: task_body.c. */
	struct task_pieces gathered, feeding;
	size_t waiting;	    /* bytes in both */
	size_t took, whole; /* of the last work: bytes, and made ready */
	struct err take_fault;
	int64_t ready;	 /* bytes taken, whole segments, not stored */
	uint64_t window; /* of waiting, ready and credit together */
	uint64_t credit_out;
	struct work store;
	bool storing;
	size_t stored;
	struct err store_fault;
	bool upload_ended, upload_whole, upload_overrun;
	bool ending; /* its end is with the segment writer */
	/* A long answer. */
	uint64_t offset, body_len, credit;
	size_t read_max;
	struct buf piece;

	/* For the log. */
	uint64_t began_ms;
	uint8_t listener;
	char method[8];
	char path[96];
	int status;
};

/* Of lanes to a front. */
void task_message(struct guard_peer *peer, enum lane_name lane,
		  const struct channel_message *m);
/* Takes up a task that waited: its room is reserved. */
void task_begin(struct task *t);
/* A parked one: to be checked again, or without memory answered and freed. */
void task_recheck(struct task *t);
/* Nobody wants its answer. */
void task_cancel(struct task *t);
/* On the loop, when a thread has done its part. */
void task_done(struct task *t);
/* The same of the `store` of a task. */
void task_done_storing(struct work *work);

/* On threads. */
void task_run_checker(void *owner, unsigned thread, struct work **works,
		      size_t count);
void task_run_filler(void *owner, unsigned thread, struct work **works,
		     size_t count);
void task_run_segments(void *owner, unsigned thread, struct work **works,
		       size_t count);
void task_run_writes(struct guard *g, struct task **tasks, size_t count);

/* ---- between the files of a task ---- */

/* Hands it to threads. */
void task_submit(struct task *t, struct workers *to, enum task_work kind);
/* Sends, unless nobody wants it. */
void task_reply(const struct task *t, enum lane_name lane,
		const struct channel_message *m);
/* Answers with what the core has ready; frees it, unless a long body is to
 * come. */
void task_answer(struct task *t);
/* Answers with a problem, and frees it. */
void task_finish_with(struct task *t, struct err e);
/* Writes its line to the log, too. */
void task_free(struct task *t);

void task_list_put(struct task_list *l, struct task *t);
void task_list_take(struct task_list *l, struct task *t);

#endif
