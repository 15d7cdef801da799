/*
 * What guard, front and link have in common: they are started with a control
 * socket, are told who they are, receive lanes, and stop when told or when
 * the supervisor is gone.
 */
#ifndef RELAY_CHILD_H
#define RELAY_CHILD_H

#include "relay/control.h"
#include "relay/lane.h"

struct child {
	uv_poll_t control;
	void (*on_lanes)(void *owner, enum control_peer peer, int requests,
			 int bulk);
	void (*on_standing)(void *owner, const char *reference); /* or NULL */
	void (*on_stop)(void *owner); /* also when the supervisor is gone */
	void *owner;
	bool stopped;
};

/* The first packet, waited for: who this process is. Wipe `start` when done
 * if it has a root key. */
struct err child_hello(struct control_start *start);
/* Listens to the supervisor from now on. */
struct err child_listen(struct child *c, uv_loop_t *loop);
/* Says that this process serves. */
void child_ready(void);
/* Closes the handle. */
void child_close(struct child *c);

/* Clocks of the daemon: UTC and monotonic milliseconds. */
uint64_t child_utc_ms(void *self);
uint64_t child_now_ms(void);

#endif
