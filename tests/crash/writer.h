/*
 * One client of the crash harness: a device in a thread of its own that
 * writes, edits, uploads, deletes, recalls and fetches keys, and keeps a
 * record of its own of all that the relay acknowledged.
 *
 * The record is what the relay is checked against.  An operation that was in
 * hand at a kill is asked for again, as a device does; until that is answered
 * its outcome is open, and either one is right.
 */
#ifndef TESTS_CRASH_WRITER_H
#define TESTS_CRASH_WRITER_H

#include "tests/crash/rng.h"
#include "tests/daemon/pad.h"

#include <pthread.h>

enum {
	WRITER_LARGE_MAX = 300 * 1000, /* two segments */
	WRITER_DOCUMENTS_MAX = 4096,
};

enum written_state {
	WRITTEN,      /* there */
	WRITTEN_OPEN, /* deleted or recalled, without an answer */
	WRITTEN_GONE, /* deleted or recalled */
};

/* A document that the relay said yes to. */
struct written {
	struct doc_id id;
	struct digest digest; /* acknowledged last */
	uint32_t number;      /* the content's, acknowledged last */
	enum written_state state;
	bool fresh; /* since writers_check looked last */
};

/* Something that must have its record in the audit: a write that was
 * acknowledged, or a key that came. */
struct owed {
	struct doc_id doc;
	struct digest digest; /* of a manifest or statement; or commitment */
};

enum writer_phase { WRITER_REST, WRITER_WRITE, WRITER_SETTLE, WRITER_END };

struct writer {
	unsigned who;
	struct pad pad;
	struct rng rng;
	pthread_t thread;
	_Atomic enum writer_phase phase; /* as told */
	_Atomic bool settled, failed;
	_Atomic bool recalling; /* recalls as often as it can */
	uint32_t number;
	struct written *written;
	size_t count;
	struct owed *owed; /* since the audit was read last */
	size_t owed_count, owed_room;
	_Atomic size_t acknowledged, keys, recalls;
	size_t refused;
};

/* Enrols the device and starts the thread, at rest. */
void writer_start(struct writer *w, unsigned who, const struct nation_daemon *d,
		  const char *subject, uint64_t seed);
/* Ends the thread. */
void writer_stop(struct writer *w);
/* REST waits until the thread has come to rest; SETTLE until everything that
 * was in hand is answered, 30 s at most: false. */
void writer_tell(struct writer *w, enum writer_phase phase);
bool writer_wait_settled(struct writer *w);

/* Content that tells its writer and number; how it must read. */
void writer_content(unsigned who, uint32_t number, struct buf *out);
/* False unless `content` is whole; whose it is. */
bool writer_content_is_whole(struct span content, unsigned *who,
			     uint32_t *number);

#endif
