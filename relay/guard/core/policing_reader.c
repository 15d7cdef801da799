/* Bound readers: a hash table by profile, and a list by last use. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "relay/guard/core/policing_reader.h"

enum { BUCKETS = 1 << 12 };

struct policing_reader {
	atomic_uint holders; /* the table is one */
	struct digest profile;
	struct reader *bound;
	pthread_mutex_t deciding; /* over `view` and its making */
	struct view *view;	  /* the last one made */
	/* Under the lock of all. */
	bool listed;
	size_t bytes;
	struct policing_reader *chain;	       /* of its bucket */
	struct policing_reader *newer, *older; /* by last use */
};

struct policing_readers {
	pthread_mutex_t lock;
	size_t cap;
	struct policing_held held;
	struct policing_reader *newest, *oldest;
	struct policing_reader *buckets[BUCKETS];
};

struct err policing_readers_new(size_t cap, struct policing_readers **out)
{
	struct policing_readers *all = calloc(1, sizeof(*all));

	if (!all)
		return err_make(ERR_NO_MEMORY, "readers");
	all->cap = cap;
	pthread_mutex_init(&all->lock, NULL);
	*out = all;
	return ERR_NONE;
}

void policing_reader_release(struct policing_reader *r)
{
	if (!r || atomic_fetch_sub(&r->holders, 1) > 1)
		return;
	view_free(r->view);
	reader_free(r->bound);
	pthread_mutex_destroy(&r->deciding);
	free(r);
}

/* ---- under the lock ---- */

static struct policing_reader **bucket(struct policing_readers *all,
				       struct digest profile)
{
	uint32_t n;

	memcpy(&n, profile.at, sizeof(n));
	return &all->buckets[n % BUCKETS];
}

static struct policing_reader *find(struct policing_readers *all,
				    struct digest profile)
{
	struct policing_reader *r = *bucket(all, profile);

	while (r && !digest_eq(r->profile, profile))
		r = r->chain;
	return r;
}

static void take_out(struct policing_readers *all, struct policing_reader *r)
{
	if (r->newer)
		r->newer->older = r->older;
	else
		all->newest = r->older;
	if (r->older)
		r->older->newer = r->newer;
	else
		all->oldest = r->newer;
	r->newer = r->older = NULL;
}

static void put_first(struct policing_readers *all, struct policing_reader *r)
{
	r->older = all->newest;
	if (all->newest)
		all->newest->newer = r;
	else
		all->oldest = r;
	all->newest = r;
}

/* Returns it; the table's hold is the caller's to release. */
static struct policing_reader *drop(struct policing_readers *all,
				    struct policing_reader *r)
{
	struct policing_reader **at = bucket(all, r->profile);

	while (*at != r)
		at = &(*at)->chain;
	*at = r->chain;
	take_out(all, r);
	r->listed = false;
	all->held.readers--;
	all->held.bytes -= r->bytes;
	return r;
}

/* ---- without it ---- */

/* The oldest go while there is too much; the newest stays. */
static void make_room(struct policing_readers *all)
{
	struct policing_reader *gone;

	do {
		gone = NULL;
		pthread_mutex_lock(&all->lock);
		if (all->held.bytes > all->cap && all->oldest != all->newest) {
			gone = drop(all, all->oldest);
			all->held.dropped++;
		}
		pthread_mutex_unlock(&all->lock);
		policing_reader_release(gone);
	} while (gone);
}

void policing_readers_free(struct policing_readers *all)
{
	if (!all)
		return;
	while (all->oldest)
		policing_reader_release(drop(all, all->oldest));
	pthread_mutex_destroy(&all->lock);
	free(all);
}

struct policing_reader *policing_readers_find(struct policing_readers *all,
					      struct digest profile)
{
	struct policing_reader *r;

	pthread_mutex_lock(&all->lock);
	r = find(all, profile);
	if (r) {
		atomic_fetch_add(&r->holders, 1);
		take_out(all, r);
		put_first(all, r);
	}
	pthread_mutex_unlock(&all->lock);
	return r;
}

struct err policing_readers_add(struct policing_readers *all,
				struct digest profile, struct reader *bound,
				size_t bytes, struct policing_reader **out)
{
	struct policing_reader *r = calloc(1, sizeof(*r)), *known;

	if (!r) {
		reader_free(bound);
		return err_make(ERR_NO_MEMORY, "a reader");
	}
	atomic_init(&r->holders, 1); /* the caller */
	r->profile = profile;
	r->bound = bound;
	r->bytes = sizeof(*r) + bytes;
	pthread_mutex_init(&r->deciding, NULL);
	pthread_mutex_lock(&all->lock);
	known = find(all, profile);
	if (known) {
		atomic_fetch_add(&known->holders, 1);
	} else {
		struct policing_reader **at = bucket(all, profile);

		atomic_fetch_add(&r->holders, 1); /* the table */
		r->chain = *at;
		*at = r;
		r->listed = true;
		put_first(all, r);
		all->held.readers++;
		all->held.bytes += r->bytes;
	}
	pthread_mutex_unlock(&all->lock);
	make_room(all);
	if (known)
		policing_reader_release(r);
	*out = known ? known : r;
	return ERR_NONE;
}

struct digest policing_reader_profile(const struct policing_reader *r)
{
	return r->profile;
}

const struct reader *policing_reader_bound(const struct policing_reader *r)
{
	return r->bound;
}

/* The view takes other room than the one before. */
static void count_view(struct policing_readers *all, struct policing_reader *r,
		       size_t before, size_t now)
{
	pthread_mutex_lock(&all->lock);
	if (r->listed) {
		r->bytes = r->bytes - before + now;
		all->held.bytes = all->held.bytes - before + now;
	}
	pthread_mutex_unlock(&all->lock);
	make_room(all);
}

struct err
policing_reader_view(struct policing_readers *all, struct policing_reader *r,
		     const struct shelf_index *shelves, struct txn *txn,
		     const struct view_decider *decider, struct view **out)
{
	struct view *view = NULL;
	struct err e;

	pthread_mutex_lock(&r->deciding);
	e = view_new_decided(shelves, txn, r->profile, r->view, decider, &view);
	if (!failed(e) && view != r->view) {
		size_t before = r->view ? view_bytes(r->view) : 0;

		view_free(r->view);
		r->view = view_keep(view);
		count_view(all, r, before, view_bytes(view));
	}
	pthread_mutex_unlock(&r->deciding);
	if (!failed(e))
		*out = view;
	return e;
}

struct policing_held policing_readers_held(struct policing_readers *all)
{
	struct policing_held held;

	pthread_mutex_lock(&all->lock);
	held = all->held;
	pthread_mutex_unlock(&all->lock);
	return held;
}

void policing_readers_cap(struct policing_readers *all, size_t cap)
{
	pthread_mutex_lock(&all->lock);
	all->cap = cap;
	pthread_mutex_unlock(&all->lock);
	make_room(all);
}
