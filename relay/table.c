#include "relay/table.h"

#include <stdlib.h>

enum { ROOM_MIN = 64 };

void table_init(struct table *t)
{
	*t = (struct table){0};
}

void table_clear(struct table *t)
{
	free(t->slots);
	*t = (struct table){0};
}

/* splitmix64's finish: ids are counters. */
static size_t home_of(const struct table *t, uint64_t key)
{
	key ^= key >> 30;
	key *= UINT64_C(0xbf58476d1ce4e5b9);
	key ^= key >> 27;
	return (size_t)key & (t->room - 1);
}

/* The slot that holds `key`, or the free one where it would stand. */
static size_t find(const struct table *t, uint64_t key)
{
	size_t i = home_of(t, key);

	while (t->slots[i].key && t->slots[i].key != key)
		i = (i + 1) & (t->room - 1);
	return i;
}

void *table_get(const struct table *t, uint64_t key)
{
	size_t i;

	if (!t->room || !key)
		return NULL;
	i = find(t, key);
	return t->slots[i].key ? t->slots[i].value : NULL;
}

static struct err grow(struct table *t)
{
	struct table next = {.room = t->room ? t->room * 2 : ROOM_MIN};

	next.slots = calloc(next.room, sizeof(*next.slots));
	if (!next.slots)
		return err_make(ERR_NO_MEMORY, "table");
	for (size_t i = 0; i < t->room; i++)
		if (t->slots[i].key)
			next.slots[find(&next, t->slots[i].key)] = t->slots[i];
	next.count = t->count;
	free(t->slots);
	*t = next;
	return ERR_NONE;
}

struct err table_put(struct table *t, uint64_t key, void *value)
{
	size_t i;

	if ((t->count + 1) * 2 > t->room) {
		struct err e = grow(t);

		if (failed(e))
			return e;
	}
	i = find(t, key);
	if (!t->slots[i].key)
		t->count++;
	t->slots[i] = (struct table_slot){key, value};
	return ERR_NONE;
}

void *table_take(struct table *t, uint64_t key)
{
	size_t mask = t->room - 1, i, j;
	void *value;

	if (!t->room || !key)
		return NULL;
	i = find(t, key);
	if (!t->slots[i].key)
		return NULL;
	value = t->slots[i].value;
	t->count--;
	/* Move back what would no longer be found (Knuth 6.4, algorithm R). */
	for (j = (i + 1) & mask; t->slots[j].key; j = (j + 1) & mask) {
		size_t home = home_of(t, t->slots[j].key);

		if (((j - home) & mask) >= ((j - i) & mask)) {
			t->slots[i] = t->slots[j];
			i = j;
		}
	}
	t->slots[i] = (struct table_slot){0};
	return value;
}

void *table_any(const struct table *t)
{
	if (!t->count)
		return NULL;
	for (size_t i = 0; i < t->room; i++)
		if (t->slots[i].key)
			return t->slots[i].value;
	return NULL;
}
