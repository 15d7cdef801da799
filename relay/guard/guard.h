/*
 * The guard's loop: lanes to fronts and link on one side, the core on the
 * other, threads between them.
 *
 *	loop          lanes, queues, parked long polls, timers
 *	checkers (3)  core_check, core_read, core_body
 *	fillers (3)   the same for whoever has had much of late, behind the rest
 *	writer (1)    core_write in groups, calls, housekeeping
 *	segments (1)  core_body_store, core_body_end
 *	sealer (1)    core_seal, beside the writer
 *	backup (1)    core_backup_run, when an officer asks
 *
 * Bounds: a front's request waits until the room for its largest answer is
 * free (GUARD_ROOM for each front); GUARD_TASKS_MAX requests in all,
 * GUARD_PARKED_MAX of them parked; beyond that 503 with Retry-After.  Askers
 * take turns (fair.h).
 */
#ifndef RELAY_GUARD_GUARD_H
#define RELAY_GUARD_GUARD_H

#include "relay/control.h"
#include "relay/guard/core/core.h"
#include "relay/guard/fair.h"
#include "relay/guard/workers.h"
#include "relay/inhand.h"
#include "relay/lane.h"
#include "relay/table.h"

#include <pthread.h>

enum {
	GUARD_CHECKERS = 3,
	GUARD_FILLERS = 3,
	GUARD_FILLER_NICE = 5,
	GUARD_ASKER_MAX = 2, /* checks of one asker at once */
	GUARD_ROOM = 32 * 1024 * 1024,
	/* What uploads may have on its way beyond CHANNEL_WINDOW each. */
	GUARD_UPLOAD_ROOM = 64 * 1024 * 1024,
	GUARD_TASKS_MAX = 16 * 1024,
	GUARD_PARKED_MAX = 8 * 1024,
	GUARD_CALLS_MAX = 128,
	GUARD_BEAT_MS = 200,
	GUARD_TICK_MS = 3000,
	GUARD_STOP_MS = 5000,
	/* Wakes of many parked readers are at least so far apart. */
	GUARD_WAKE_MS = 10,
	/* From a commit to the signing of its group, which others join. */
	GUARD_SEAL_MS = 25,
	/* How long signatures wait for a commit to take them along. */
	GUARD_FLUSH_MS = 5,
	/* A commit waits for so many requests, a millisecond at most, while
	 * so many more wait for their check. */
	GUARD_GATHER = 32,
	GUARD_GATHER_COMING = 8,

	/* Slots of the page of what is in hand. */
	GUARD_SLOT_FILLERS = GUARD_CHECKERS,
	GUARD_SLOT_SEGMENTS = GUARD_SLOT_FILLERS + GUARD_FILLERS,
	GUARD_SLOT_WRITER,
};

struct task;

/* Tasks in a row; a task stands in at most one. */
struct task_list {
	struct task *first, *last;
	size_t count;
};

/* The lanes to one front. */
struct guard_peer {
	struct guard *guard;
	struct lanes *lanes; /* NULL when gone; then it waits for its tasks */
	struct table tasks;  /* by id */
	size_t reserved;     /* bytes of answers promised */
	size_t active;	     /* tasks that point here */
	struct guard_peer *next;
};

struct guard_config {
	struct core *core;
	struct inhand *page;
	const struct control_start *start; /* suspects and quarantined */
	struct clock clock;
};

struct guard {
	struct guard_config config;
	uv_loop_t *loop;
	struct core *core;
	struct guard_peer *peers;
	struct workers *checkers, *fillers, *writer, *segments, *sealer;
	struct workers *backup;
	/* A suspect works alone: it takes this for writing. */
	pthread_rwlock_t alone;
	struct fair turns; /* tasks that wait to be checked */
	struct task_list parked;
	size_t tasks;
	uint64_t upload_room; /* promised of GUARD_UPLOAD_ROOM */
	atomic_size_t coming; /* wait for a check; told by the loop alone */
	uint64_t epoch;	      /* that the parked have seen */
	uv_timer_t beat, wake, seal, flush;
	bool wake_due, seal_due, flush_due;
	uint64_t ticked_ms, stop_ms;
	bool stopping, ended;

	/* Works that are no task's. */
	struct work seal_work, flush_work, tick_work, calls_work, backup_work;
	bool sealing, flushing, flush_again, ticking, calling, backing;
	bool sealed; /* by the sealer's last round */

	/* Calls to peers, by the core's id (calls.c). */
	struct lanes *link;
	struct table calls;
	const struct core_call *due[GUARD_CALLS_MAX];
	size_t due_count;
};

/* Starts the threads. ERR_NO_MEMORY, ERR_IO. */
struct err guard_start(struct guard *g, uv_loop_t *loop,
		       const struct guard_config *config);
/* Lanes from the supervisor; takes the descriptors. */
void guard_add_lanes(struct guard *g, enum control_peer peer, int requests,
		     int bulk);
/* Takes no more on, finishes what is in hand (GUARD_STOP_MS at most), then
 * closes what keeps the loop alive. */
void guard_stop(struct guard *g);
/* After the loop has ended. */
void guard_clear(struct guard *g);

/* ---- between the files of the guard ---- */

/* The writer's thread has committed: sealing, parked readers, calls. */
void guard_committed(struct guard *g);
/* Wakes the parked if the core's epoch has moved. */
void guard_wake(struct guard *g);
/* Takes up what waits for a turn and has room. */
void guard_turns(struct guard *g);
/* The same after room came free; a peer that is gone and empty goes. */
void guard_pump(struct guard_peer *peer);
bool guard_is_listed(const struct digest *list, size_t count,
		     struct digest digest);

#endif
