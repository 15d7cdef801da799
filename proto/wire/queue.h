/*
 * Bytes on their way: put at the end, dropped at the front, with a cap.
 */
#ifndef PROTO_WIRE_QUEUE_H
#define PROTO_WIRE_QUEUE_H

#include "proto/base/buf.h"

struct queue {
	struct buf bytes;
	size_t from;
};

void queue_init(struct queue *q, size_t cap);
void queue_clear(struct queue *q);

static inline size_t queue_len(const struct queue *q)
{
	return q->bytes.len - q->from;
}

/* What is in it; borrowed until the next change. */
struct span queue_span(const struct queue *q);
/* Drops `n` bytes, at most what there is; an empty queue gives back large
 * memory. */
void queue_drop(struct queue *q, size_t n);
/* False, and nothing put, beyond the cap or without memory. */
[[nodiscard]] bool queue_put(struct queue *q, struct span bytes);

#endif
