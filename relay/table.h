/*
 * A table from u64 to pointer: open addressing, grows by doubling.  Who talks
 * over a lane finds the stream of a message by its id here.  Zero is no key.
 */
#ifndef RELAY_TABLE_H
#define RELAY_TABLE_H

#include "proto/base/err.h"

#include <stddef.h>
#include <stdint.h>

struct table_slot {
	uint64_t key;
	void *value;
};

struct table {
	struct table_slot *slots; /* room is a power of two */
	size_t room;
	size_t count;
};

void table_init(struct table *t);
void table_clear(struct table *t);

/* NULL if there is none. */
void *table_get(const struct table *t, uint64_t key);
/* Replaces what is there. ERR_NO_MEMORY. */
struct err table_put(struct table *t, uint64_t key, void *value);
/* What was there, or NULL. */
void *table_take(struct table *t, uint64_t key);

/* Any value, to go through them by taking each; NULL when empty. */
void *table_any(const struct table *t);

/* Value at position i of room, or NULL: for walks that do not change it. */
static inline void *table_at(const struct table *t, size_t i)
{
	return t->slots[i].key ? t->slots[i].value : NULL;
}

#endif
