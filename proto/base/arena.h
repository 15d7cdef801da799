/*
 * Memory that is released all at once.
 *
 * A request has one arena with a cap; what is parsed from it lives there.  An
 * allocation beyond the cap, or without memory, gives NULL and sets `full`.
 */
#ifndef PROTO_BASE_ARENA_H
#define PROTO_BASE_ARENA_H

#include "proto/base/err.h"
#include "proto/base/span.h"

struct arena_block;

struct arena {
	struct arena_block *blocks;
	size_t used; /* bytes of all blocks */
	size_t cap;
	bool full;
	bool starved; /* full, for want of memory */
};

void arena_init(struct arena *a, size_t cap);
/* Releases everything; contents are wiped first. */
void arena_clear(struct arena *a);

/* `len` zeroed bytes, aligned for any type; NULL at the cap. */
[[nodiscard]] void *arena_alloc(struct arena *a, size_t len);
/* `count` zeroed objects of `size`; NULL at the cap or on overflow. */
[[nodiscard]] void *arena_array(struct arena *a, size_t count, size_t size);
/* A copy of `bytes`; an empty span at the cap (see `full`). */
struct span arena_copy(struct arena *a, struct span bytes);
/* A NUL-terminated copy; NULL at the cap. */
[[nodiscard]] char *arena_str(struct arena *a, struct span bytes);
/* ERR_TOO_LARGE if an allocation did not fit, ERR_NO_MEMORY if there was
 * none. */
struct err arena_check(const struct arena *a);

#endif
