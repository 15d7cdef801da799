/*
 * Readers bound to one policy, each once, with its view: inside of policing.
 *
 * Bounded by bytes: beyond the cap the readers that were not asked for the
 * longest go, and cost their binding and their decisions anew when they come
 * again.  Whoever holds one keeps it alive.  Safe from any thread.
 */
#ifndef RELAY_GUARD_CORE_POLICING_READER_H
#define RELAY_GUARD_CORE_POLICING_READER_H

#include "proto/label/reader.h"
#include "storage/view.h"

struct policing_reader;
struct policing_readers;

/* `cap`: bytes of readers and views held. */
struct err policing_readers_new(size_t cap, struct policing_readers **out);
/* Readers that somebody holds stay until he lets go. */
void policing_readers_free(struct policing_readers *all);

/* The reader of that profile, held once more; NULL if there is none. */
struct policing_reader *policing_readers_find(struct policing_readers *all,
					      struct digest profile);
/*
 * Takes `bound` and keeps it; `bytes` is what it is counted with.  If another
 * thread was quicker `out` is that one's.  Held.
 */
struct err policing_readers_add(struct policing_readers *all,
				struct digest profile, struct reader *bound,
				size_t bytes, struct policing_reader **out);
void policing_reader_release(struct policing_reader *r);

struct digest policing_reader_profile(const struct policing_reader *r);
const struct reader *policing_reader_bound(const struct policing_reader *r);

/*
 * Its view for this snapshot.  Whoever comes first decides; who comes
 * meanwhile waits for the same answer, so each shelf is decided on once.
 * Owns: view_free.
 */
struct err
policing_reader_view(struct policing_readers *all, struct policing_reader *r,
		     const struct shelf_index *shelves, struct txn *txn,
		     const struct view_decider *decider, struct view **out);

struct policing_held {
	size_t readers, bytes;
	uint64_t dropped; /* since the start */
};
struct policing_held policing_readers_held(struct policing_readers *all);
/* Another cap from now on. */
void policing_readers_cap(struct policing_readers *all, size_t cap);

#endif
