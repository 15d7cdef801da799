/*
 * What the front must know of a request before the guard has seen it: how
 * large its body may be, whether the body streams, how large an answer can
 * be, and whether anybody may ask.  A table, by listener, method and path;
 * who may do what is the guard's.
 */
#ifndef RELAY_ROUTE_H
#define RELAY_ROUTE_H

#include "proto/base/span.h"

enum route_listener {
	ROUTE_DEVICE, /* numbers as enum core_listener's */
	ROUTE_PEER,
	ROUTE_ADMIN,
	ROUTE_LISTENERS,
};

struct route {
	uint64_t body_max; /* larger: 413 before the guard is asked */
	bool body_streams; /* hand on the head at once, then pieces (upload) */
	size_t answer_max; /* the largest whole body of an answer: the credit;
			    * answers that stream are not counted */
	bool open;	   /* answers without a client certificate too */
	bool here;	   /* /livez and /readyz: the front answers itself */
};

/* Never fails: what is not in the table gets small limits, and the guard
 * answers 404 or 405.  `target` is path and query. */
struct route route_find(enum route_listener listener, struct span method,
			struct span target);

/* "device", "peer", "admin" */
const char *route_listener_name(enum route_listener listener);

/* True for a header field that the guard may see. */
bool route_field_passes(struct span name);

#endif
