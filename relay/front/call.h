/*
 * One call of the guard to another nation's relay, in link: what is asked,
 * and what has been answered so far.
 */
#ifndef RELAY_FRONT_CALL_H
#define RELAY_FRONT_CALL_H

#include "proto/wire/h2.h"
#include "relay/front/link.h"

struct call {
	uint64_t id;
	struct link_dial *dial;
	struct call *next; /* of those that wait */
	struct buf bytes;  /* of the message; the spans lie in it */
	struct span method, authority, target, body;
	struct h2_field fields[CHANNEL_FIELDS_MAX];
	size_t field_count;
	size_t answer_max;
	uint64_t began_ms;
	uint32_t stream; /* 0: waits */
	size_t pushed;	 /* bytes of the body */

	int status;
	struct buf head; /* names and values, each with a u16 length */
	size_t head_count;
	struct buf answer;
};

/* Copies what the message borrows. ERR_NO_MEMORY, ERR_TOO_LARGE. */
struct err call_new(const struct channel_message *m, struct call **out);
void call_free(struct call *c);
/* Keeps status and fields of a response, as many as may be passed on. */
void call_keep_head(struct call *c, const struct h2_head *head);
/* Tells the guard, and frees the call. `status` 0: unreachable. */
void call_over(struct link *l, struct call *c, int status);

#endif
