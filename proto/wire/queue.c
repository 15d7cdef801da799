/* Bytes on their way. */
#include "proto/wire/queue.h"

enum { KEEP_ROOM = 64 * 1024 };

void queue_init(struct queue *q, size_t cap)
{
	*q = (struct queue){0};
	buf_init(&q->bytes, cap);
}

void queue_clear(struct queue *q)
{
	buf_clear(&q->bytes);
	q->from = 0;
}

struct span queue_span(const struct queue *q)
{
	if (queue_len(q) == 0)
		return span_of(NULL, 0);
	return span_of(q->bytes.at + q->from, queue_len(q));
}

void queue_drop(struct queue *q, size_t n)
{
	if (n < queue_len(q)) {
		q->from += n;
		return;
	}
	q->from = 0;
	if (q->bytes.room > KEEP_ROOM + 1)
		buf_clear(&q->bytes);
	else
		buf_reset(&q->bytes);
}

bool queue_put(struct queue *q, struct span bytes)
{
	if (bytes.len > q->bytes.cap - queue_len(q))
		return false;
	/* Move to the front rather than grow, once half is gone. */
	if (q->from && (q->bytes.len + bytes.len > q->bytes.cap ||
			(q->bytes.len + bytes.len >= q->bytes.room &&
			 q->from >= queue_len(q)))) {
		buf_consume(&q->bytes, q->from);
		q->from = 0;
	}
	buf_put(&q->bytes, bytes);
	if (!q->bytes.bad)
		return true;
	q->bytes.bad = false; /* no memory; what is held stays */
	return false;
}
