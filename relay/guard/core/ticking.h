/*
 * Ticks: our own word each minute, what peers say of theirs, and what they
 * saw of ours.
 *
 * A relay whose disk was put back (peers saw ticks of it that it does not
 * have) makes no further tick and no seal, and answers devices and peers with
 * ERR_PUT_BACK: what it would say now contradicts what it said before.
 */
#ifndef RELAY_GUARD_CORE_TICKING_H
#define RELAY_GUARD_CORE_TICKING_H

#include "federation/ticks.h"
#include "relay/guard/core/state.h"

/* At start: the newest of our ticks, and whether we were put back. */
struct err ticking_open(struct core *core);
/* Makes the tick of this minute, if it is due; the writer's thread. */
struct err ticking_make(struct core *core);
/* An answer of a peer; the writer's thread.  If it brings a tick that is new,
 * `witness` gets our word on it.  `fault` is that of the peer. */
struct err ticking_heard(struct core *core, const struct ticks_heard *heard,
			 struct buf *witness, enum ticks_fault *fault);
/* Whether there is evidence against a replica. */
struct err ticking_has_breaks(struct txn *txn, struct replica of, bool *out);

#endif
