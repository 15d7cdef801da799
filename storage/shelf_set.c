/* Sets of shelf numbers, as bits. */
#include <stdlib.h>

#include "storage/shelf.h"

enum { WORDS_MAX = SHELF_MAX / 64 + 1 };

void shelf_set_clear(struct shelf_set *s)
{
	free(s->words);
	*s = (struct shelf_set){0};
}

/* One set has one form. */
static void trim(struct shelf_set *s)
{
	while (s->count && s->words[s->count - 1] == 0)
		s->count--;
}

static bool grow(struct shelf_set *s, size_t count)
{
	size_t room = count < 8 ? 8 : count;
	uint64_t *words;

	if (count > s->room) {
		words = count > WORDS_MAX
				? NULL
				: realloc(s->words, room * sizeof(*words));
		if (!words) {
			s->bad = true;
			return false;
		}
		s->words = words;
		s->room = room;
	}
	while (s->count < count)
		s->words[s->count++] = 0;
	return true;
}

bool shelf_set_has(const struct shelf_set *s, uint32_t number)
{
	return number / 64 < s->count &&
	       (s->words[number / 64] >> (number % 64) & 1);
}

bool shelf_set_empty(const struct shelf_set *s)
{
	return s->count == 0;
}

bool shelf_set_eq(const struct shelf_set *a, const struct shelf_set *b)
{
	return a->count == b->count &&
	       (a->count == 0 ||
		memcmp(a->words, b->words, a->count * sizeof(*a->words)) == 0);
}

size_t shelf_set_size(const struct shelf_set *s)
{
	size_t n = 0;

	for (size_t i = 0; i < s->count; i++)
		n += (size_t)__builtin_popcountll(s->words[i]);
	return n;
}

void shelf_set_add(struct shelf_set *s, uint32_t number)
{
	if (number / 64 < s->count || grow(s, number / 64 + 1))
		s->words[number / 64] |= UINT64_C(1) << (number % 64);
}

void shelf_set_remove(struct shelf_set *s, uint32_t number)
{
	if (number / 64 >= s->count)
		return;
	s->words[number / 64] &= ~(UINT64_C(1) << (number % 64));
	trim(s);
}

void shelf_set_copy(struct shelf_set *to, const struct shelf_set *from)
{
	to->count = 0;
	shelf_set_join(to, from);
}

void shelf_set_join(struct shelf_set *s, const struct shelf_set *with)
{
	s->bad |= with->bad;
	if (with->count > s->count && !grow(s, with->count))
		return;
	for (size_t i = 0; i < with->count; i++)
		s->words[i] |= with->words[i];
}

void shelf_set_meet(struct shelf_set *s, const struct shelf_set *with)
{
	s->bad |= with->bad;
	if (s->count > with->count)
		s->count = with->count;
	for (size_t i = 0; i < s->count; i++)
		s->words[i] &= with->words[i];
	trim(s);
}

void shelf_set_minus(struct shelf_set *s, const struct shelf_set *without)
{
	s->bad |= without->bad;
	for (size_t i = 0; i < s->count && i < without->count; i++)
		s->words[i] &= ~without->words[i];
	trim(s);
}

void shelf_set_join_above(struct shelf_set *s, const struct shelf_set *from,
			  uint32_t above)
{
	size_t first = above / 64;

	s->bad |= from->bad;
	if (from->count <= first)
		return;
	if (from->count > s->count && !grow(s, from->count))
		return;
	for (size_t i = first; i < from->count; i++) {
		uint64_t mask = UINT64_MAX;

		if (i == first)
			mask = above % 64 == 63
				       ? 0
				       : UINT64_MAX << (above % 64 + 1);
		s->words[i] |= from->words[i] & mask;
	}
	trim(s);
}

uint32_t shelf_set_next(const struct shelf_set *s, uint32_t after)
{
	size_t i = ((size_t)after + 1) / 64;
	uint64_t word;

	if (i >= s->count)
		return 0;
	word = s->words[i] & (UINT64_MAX << (((size_t)after + 1) % 64));
	while (!word) {
		if (++i >= s->count)
			return 0;
		word = s->words[i];
	}
	return (uint32_t)(i * 64 + (size_t)__builtin_ctzll(word));
}

struct err shelf_set_check(const struct shelf_set *s)
{
	return s->bad ? err_make(ERR_NO_MEMORY, "no memory for shelves")
		      : ERR_NONE;
}

void shelf_set_encode(const struct shelf_set *s, struct buf *out)
{
	for (size_t i = 0; i < s->count; i++)
		buf_put_u64(out, s->words[i]);
}

struct err shelf_set_decode(struct span bytes, struct shelf_set *out)
{
	struct span_reader r = span_read(bytes);
	struct shelf_set s = {0};

	if (bytes.len % 8 || bytes.len / 8 > WORDS_MAX)
		return err_make(ERR_CORRUPT, "a set of shelves is malformed");
	if (bytes.len && !grow(&s, bytes.len / 8))
		return shelf_set_check(&s);
	for (size_t i = 0; i < s.count; i++)
		s.words[i] = span_read_u64(&r);
	if (s.count && (s.words[s.count - 1] == 0 || s.words[0] & 1)) {
		shelf_set_clear(&s);
		return err_make(ERR_CORRUPT, "a set of shelves is malformed");
	}
	shelf_set_clear(out);
	*out = s;
	return ERR_NONE;
}
