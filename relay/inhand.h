/*
 * What the guard has in hand: a page of memory that guard and supervisor
 * share, so that a death can be laid to the request that caused it.
 *
 * A thread of the guard writes the digest of a request into its slot before
 * it works on it, and takes it out afterwards.  When a guard dies by a fault
 * (a signal of its own making, not by kill -9), the supervisor reads what
 * stands there.  At one death a request becomes suspect: the next guard works
 * on it alone, so that at a second death nothing else is in hand.  At two
 * it is quarantined: the guard refuses it unread.
 */
#ifndef RELAY_INHAND_H
#define RELAY_INHAND_H

#include "proto/base/id.h"

#include <stdatomic.h>

enum { INHAND_SLOTS = 320 };

struct inhand {
	struct {
		_Atomic uint8_t used;
		struct digest digest;
	} slots[INHAND_SLOTS];
};

/* A new page; `fd` is the one to hand on. ERR_IO. */
struct err inhand_new(int *fd, struct inhand **out);
/* The page behind a descriptor. */
struct err inhand_map(int fd, struct inhand **out);
void inhand_unmap(struct inhand *page);

static inline void inhand_set(struct inhand *p, unsigned slot,
			      struct digest digest)
{
	p->slots[slot].digest = digest;
	atomic_store_explicit(&p->slots[slot].used, 1, memory_order_release);
}

static inline void inhand_unset(struct inhand *p, unsigned slot)
{
	atomic_store_explicit(&p->slots[slot].used, 0, memory_order_release);
}

/* What has been seen at deaths: kept by the supervisor, bounded, the oldest
 * goes first. */
enum { INHAND_SEEN_MAX = 512 };

struct inhand_record {
	struct {
		struct digest digest;
		unsigned deaths;
	} seen[INHAND_SEEN_MAX];
	size_t count;
};

/* Takes what stands in the page at a death into the record, and empties the
 * page. Returns how many stood there. */
size_t inhand_collect(struct inhand *page, struct inhand_record *record);

#endif
