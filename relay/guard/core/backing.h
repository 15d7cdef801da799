/*
 * Backups while the relay serves: an officer asks, the guard writes one into
 * `backup/` of the relay's folder by itself, and the officer's command fetches
 * it piece by piece and has it dropped.
 *
 * Why a file first: a snapshot keeps every page that is freed meanwhile, so it
 * must not wait for a slow network.  It stays until it is dropped, or until
 * the next start.
 */
#ifndef RELAY_GUARD_CORE_BACKING_H
#define RELAY_GUARD_CORE_BACKING_H

#include "proto/base/buf.h"

struct core;
struct backing;

enum backing_state {
	BACKING_NONE,
	BACKING_DUE,
	BACKING_RUNNING,
	BACKING_READY,
	BACKING_FAILED,
};

struct backing_seen {
	enum backing_state state;
	uint64_t bytes, estimate; /* written, and about how many it will be */
	uint64_t rows, time;
	struct err why; /* FAILED */
};

/* Drops what an earlier guard left. */
struct err backing_open(struct core *core);
void backing_close(struct core *core);

void backing_look(struct core *core, struct backing_seen *out);
/* ERR_CONFLICT without a recovery key, or while one is made. */
struct err backing_may_begin(struct core *core);
void backing_begin(struct core *core);
/* Up to `max` bytes of what is READY; ERR_NOT_FOUND else. */
struct err backing_read(struct core *core, uint64_t offset, size_t max,
			struct buf *out);
/* ERR_CONFLICT while one is made. */
struct err backing_drop(struct core *core);

#endif
