/* A ring of askers, each with a queue. */
#include "relay/guard/fair.h"

#include <stdlib.h>

struct fair_asker {
	uint64_t key;
	struct fair_item *first, *last;
	unsigned taken;
	/* In the ring; NULL: not in it. */
	struct fair_asker *next, *before;
};

void fair_init(struct fair *f, unsigned each)
{
	*f = (struct fair){.each = each};
	table_init(&f->askers);
}

void fair_clear(struct fair *f)
{
	struct fair_asker *a;

	while ((a = table_any(&f->askers))) {
		table_take(&f->askers, a->key);
		free(a);
	}
	table_clear(&f->askers);
}

/* ---- the ring ---- */

/* Behind all others: just before the one whose turn is next. */
static void ring_put(struct fair *f, struct fair_asker *a)
{
	if (!f->turn) {
		a->next = a->before = a;
		f->turn = a;
		return;
	}
	a->next = f->turn;
	a->before = f->turn->before;
	a->before->next = a;
	a->next->before = a;
}

static void ring_take(struct fair *f, struct fair_asker *a)
{
	if (f->turn == a)
		f->turn = a->next == a ? NULL : a->next;
	a->before->next = a->next;
	a->next->before = a->before;
	a->next = a->before = NULL;
}

/* In the ring exactly if he has something and may have it taken. */
static void settle(struct fair *f, struct fair_asker *a)
{
	unsigned places = fair_had_much(f, a->key) ? 1 : f->each;
	bool goes = a->first && a->taken < places;

	if (goes && !a->next)
		ring_put(f, a);
	else if (!goes && a->next)
		ring_take(f, a);
	if (!a->first && !a->taken) {
		table_take(&f->askers, a->key);
		free(a);
	}
}

/* ---- the queue of one ---- */

static void unlink_item(struct fair *f, struct fair_asker *a,
			struct fair_item *item)
{
	if (item->before)
		item->before->next = item->next;
	else
		a->first = item->next;
	if (item->next)
		item->next->before = item->before;
	else
		a->last = item->before;
	item->next = item->before = NULL;
	f->waiting--;
}

struct err fair_put(struct fair *f, uint64_t key, struct fair_item *item)
{
	struct fair_asker *a;
	struct err e;

	if (!key)
		key = 1; /* zero is no key of a table */
	a = table_get(&f->askers, key);
	if (!a) {
		a = calloc(1, sizeof(*a));
		if (!a)
			return err_make(ERR_NO_MEMORY, "an asker");
		a->key = key;
		e = table_put(&f->askers, key, a);
		if (failed(e)) {
			free(a);
			return e;
		}
	}
	*item = (struct fair_item){.before = a->last, .asker = a};
	if (a->last)
		a->last->next = item;
	else
		a->first = item;
	a->last = item;
	f->waiting++;
	settle(f, a);
	return ERR_NONE;
}

struct fair_item *fair_take(struct fair *f,
			    bool (*fits)(const struct fair_item *item))
{
	struct fair_asker *start = f->turn;

	for (int i = 0; i < FAIR_LOOK_MAX && f->turn; i++) {
		struct fair_asker *a = f->turn;
		struct fair_item *item = a->first;

		if (i > 0 && a == start)
			return NULL; /* once around */
		f->turn = a->next;
		if (!fits(item))
			continue;
		unlink_item(f, a, item);
		item->taken = true;
		a->taken++;
		settle(f, a);
		return item;
	}
	return NULL;
}

void fair_leave(struct fair *f, struct fair_item *item)
{
	struct fair_asker *a = item->asker;

	if (!a)
		return;
	if (item->taken)
		a->taken--;
	else
		unlink_item(f, a, item);
	*item = (struct fair_item){0};
	settle(f, a);
}

/* ---- who had much ---- */

enum { SLOTS = sizeof(((struct fair *)NULL)->had_us) / sizeof(uint32_t) };

static size_t slot_of(uint64_t asker)
{
	return (asker * UINT64_C(0x9e3779b97f4a7c15) >> 32) % SLOTS;
}

void fair_spent(struct fair *f, uint64_t asker, uint64_t us)
{
	uint32_t *had = &f->had_us[slot_of(asker)];

	*had = us > UINT32_MAX - *had ? UINT32_MAX : *had + (uint32_t)us;
}

bool fair_had_much(const struct fair *f, uint64_t asker)
{
	return f->had_us[slot_of(asker)] > FAIR_MUCH_US;
}

void fair_forget(struct fair *f)
{
	for (size_t i = 0; i < SLOTS; i++)
		f->had_us[i] /= 2;
}
