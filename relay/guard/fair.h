/*
 * Turns: who asks much does not make the others wait.
 *
 * Items queue by asker; askers take turns, one item each, and no asker has
 * more than `each` items taken at once, whoever had much of late no more than
 * one: his work can be done where it gives way to the others'.  Loop only.
 */
#ifndef RELAY_GUARD_FAIR_H
#define RELAY_GUARD_FAIR_H

#include "relay/table.h"

#include <stdbool.h>

struct fair_asker;

/* Part of what queues; zero it before its first use. */
struct fair_item {
	struct fair_item *next, *before;
	struct fair_asker *asker; /* NULL: neither waiting nor taken */
	bool taken;
};

struct fair {
	struct table askers; /* by key */
	/* The asker whose turn is next, in a ring of those that may go. */
	struct fair_asker *turn;
	size_t waiting; /* items */
	unsigned each;
	/* Microseconds that askers had of late, each in one of these by its
	 * key: two by chance share one. */
	uint32_t had_us[1 << 12];
};

/* So much, halved with every fair_forget: then an asker had much. */
enum { FAIR_MUCH_US = 20000 };

void fair_init(struct fair *f, unsigned each);
/* Every item must have left. */
void fair_clear(struct fair *f);

/* Queues behind the asker's others; `asker` is any number that names him.
 * ERR_NO_MEMORY. */
struct err fair_put(struct fair *f, uint64_t asker, struct fair_item *item);
/*
 * The next item that `fits`, taken; or NULL.  An asker whose first item does
 * not fit keeps his turn for later.  Looks at FAIR_LOOK_MAX askers at most.
 */
enum { FAIR_LOOK_MAX = 256 };
struct fair_item *fair_take(struct fair *f,
			    bool (*fits)(const struct fair_item *item));
/* The asker had so much. */
void fair_spent(struct fair *f, uint64_t asker, uint64_t us);
bool fair_had_much(const struct fair *f, uint64_t asker);
/* Time passes: call it every 200 ms or so. */
void fair_forget(struct fair *f);
/* It is done with, taken or still waiting; nothing if it is neither. */
void fair_leave(struct fair *f, struct fair_item *item);

#endif
