/*
 * The two lanes between two processes, on a libuv loop: socket pairs outside,
 * messages (relay/channel.h) inside.
 *
 * Always reads; never waits to write.  Messages sent in one turn of the loop
 * leave together, in one write, when the turn ends.  What waits to be written
 * is bounded by LANE_OUT_MAX: beyond it the other side has broken its
 * promises or stands still, and the lanes are given up.
 */
#ifndef RELAY_LANE_H
#define RELAY_LANE_H

#include "relay/channel.h"

#include <uv.h>

enum lane_name { LANE_REQUESTS, LANE_BULK, LANE_COUNT };

enum { LANE_OUT_MAX = 128 * 1024 * 1024 };

struct lanes;

struct lane_events {
	/* One message; borrowed. */
	void (*on_message)(void *owner, struct lanes *lanes,
			   enum lane_name lane,
			   const struct channel_message *m);
	/* The other side is gone, or broke the form.  Called once, never from
	 * within lanes_send; the lanes are closed by then. */
	void (*on_gone)(void *owner, struct lanes *lanes, struct err why);
	/* Something was written out; may be NULL. */
	void (*on_drained)(void *owner, struct lanes *lanes);
};

/* Takes both descriptors, also when it fails.  Says HELLO. */
struct err lanes_open(uv_loop_t *loop, int requests, int bulk,
		      const struct lane_events *events, void *owner,
		      struct lanes **out);
/* Closes; no event follows.  The memory goes when the loop has let go.
 * NULL does nothing. */
void lanes_close(struct lanes *lanes);

/* Queues for the end of this turn. Nothing happens on closed lanes. */
void lanes_send(struct lanes *lanes, enum lane_name lane,
		const struct channel_message *m);
/* Bytes that wait to be written. */
size_t lanes_pending(const struct lanes *lanes, enum lane_name lane);

#endif
