/* Memory that is released all at once. */
#include <stdlib.h>

#include "proto/base/arena.h"
#include "proto/base/buf.h"

enum { BLOCK_LEN = 4096, ALIGNMENT = 16 };

struct arena_block {
	struct arena_block *next;
	size_t len;
	size_t used;
	_Alignas(ALIGNMENT) uint8_t at[];
};

void arena_init(struct arena *a, size_t cap)
{
	*a = (struct arena){.cap = cap};
}

void arena_clear(struct arena *a)
{
	struct arena_block *b = a->blocks;

	while (b) {
		struct arena_block *next = b->next;

		wipe(b->at, b->used);
		free(b);
		b = next;
	}
	arena_init(a, a->cap);
}

static struct arena_block *block_add(struct arena *a, size_t len)
{
	struct arena_block *b;

	if (len < BLOCK_LEN)
		len = BLOCK_LEN;
	b = malloc(sizeof(*b) + len);
	if (!b)
		return NULL;
	*b = (struct arena_block){.next = a->blocks, .len = len};
	a->blocks = b;
	return b;
}

void *arena_alloc(struct arena *a, size_t len)
{
	struct arena_block *b = a->blocks;
	void *at;

	if (len > a->cap || a->used > a->cap - len) {
		a->full = true;
		return NULL;
	}
	len = (len + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
	if (!b || b->len - b->used < len)
		b = block_add(a, len);
	if (!b) {
		a->full = a->starved = true;
		return NULL;
	}
	at = b->at + b->used;
	b->used += len;
	a->used += len;
	memset(at, 0, len);
	return at;
}

void *arena_array(struct arena *a, size_t count, size_t size)
{
	size_t len;

	if (__builtin_mul_overflow(count, size, &len)) {
		a->full = true;
		return NULL;
	}
	return arena_alloc(a, len);
}

struct span arena_copy(struct arena *a, struct span bytes)
{
	uint8_t *at = arena_alloc(a, bytes.len);

	if (!at)
		return span_of(NULL, 0);
	if (bytes.len)
		memcpy(at, bytes.at, bytes.len);
	return span_of(at, bytes.len);
}

char *arena_str(struct arena *a, struct span bytes)
{
	char *at = arena_alloc(a, bytes.len + 1);

	if (at && bytes.len)
		memcpy(at, bytes.at, bytes.len);
	return at;
}

struct err arena_check(const struct arena *a)
{
	if (a->starved)
		return err_make(ERR_NO_MEMORY, "no memory for an arena");
	if (a->full)
		return err_make(ERR_TOO_LARGE, "an arena reached its cap");
	return ERR_NONE;
}
