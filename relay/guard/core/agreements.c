/* Key agreements of senders: a few places for each set of points. */
#include <pthread.h>
#include <stdlib.h>

#include "relay/guard/core/agreements.h"

/* One that is kept has a reference of its own; whoever opens with it holds
 * one more, since it may be displaced meanwhile. */
struct kept {
	struct wrapped_agreement *agreement; /* NULL: free */
	unsigned *refs;			     /* under the lock */
	uint64_t used_ms;
};

struct agreements {
	pthread_mutex_t lock;
	struct clock clock;
	struct kept sets[AGREEMENTS_SETS][AGREEMENTS_WAYS];
};

struct err agreements_new(struct clock clock, struct agreements **out)
{
	struct agreements *a = calloc(1, sizeof(*a));

	if (!a)
		return err_make(ERR_NO_MEMORY, "agreements");
	pthread_mutex_init(&a->lock, NULL);
	a->clock = clock;
	*out = a;
	return ERR_NONE;
}

/* Under the lock. */
static void let_go(struct kept *k)
{
	if (k->agreement && --*k->refs == 0) {
		wrapped_agreement_free(k->agreement);
		free(k->refs);
	}
	*k = (struct kept){0};
}

void agreements_free(struct agreements *a)
{
	if (!a)
		return;
	for (size_t i = 0; i < AGREEMENTS_SETS; i++)
		for (size_t w = 0; w < AGREEMENTS_WAYS; w++)
			let_go(&a->sets[i][w]);
	pthread_mutex_destroy(&a->lock);
	free(a);
}

/* Bytes of the point's x: as good as random, unless the sender wants them
 * otherwise, and then he displaces his own kind. */
static struct kept *set_of(struct agreements *a, const struct wrapped *w)
{
	size_t n = (size_t)w->enc[1] << 8 | w->enc[2];

	return a->sets[n % AGREEMENTS_SETS];
}

/* A reference to the one that fits; `agreement` NULL if there is none. */
static struct kept find(struct agreements *a, const struct wrapped *w)
{
	struct kept *set = set_of(a, w), out = {0};

	pthread_mutex_lock(&a->lock);
	for (size_t i = 0; i < AGREEMENTS_WAYS; i++) {
		if (!set[i].agreement ||
		    !wrapped_agreement_fits(set[i].agreement, w))
			continue;
		set[i].used_ms = clock_ms(&a->clock);
		++*set[i].refs;
		out = set[i];
		break;
	}
	pthread_mutex_unlock(&a->lock);
	return out;
}

/* Keeps it, beside the caller's reference. */
static void keep(struct agreements *a, const struct wrapped *w,
		 const struct kept *k)
{
	struct kept *set = set_of(a, w), *oldest = &set[0];

	pthread_mutex_lock(&a->lock);
	for (size_t i = 0; i < AGREEMENTS_WAYS; i++) {
		if (!set[i].agreement ||
		    wrapped_agreement_fits(set[i].agreement, w)) {
			oldest = &set[i];
			break;
		}
		if (set[i].used_ms < oldest->used_ms)
			oldest = &set[i];
	}
	let_go(oldest);
	*oldest = *k;
	oldest->used_ms = clock_ms(&a->clock);
	++*k->refs;
	pthread_mutex_unlock(&a->lock);
}

static struct err make(const struct crypto_key *key, const struct wrapped *w,
		       struct kept *out)
{
	struct err e;

	out->refs = malloc(sizeof(*out->refs));
	if (!out->refs)
		return err_make(ERR_NO_MEMORY, "agreements");
	*out->refs = 1;
	e = wrapped_agreement_new(key, w, &out->agreement);
	if (failed(e)) {
		free(out->refs);
		*out = (struct kept){0};
	}
	return e;
}

struct err agreements_open(struct agreements *a, const struct crypto_key *key,
			   const struct wrapped *w, struct doc_id document,
			   struct digest commitment,
			   uint8_t out[CRYPTO_KEY_LEN])
{
	struct key_id to = crypto_public_point_id(crypto_key_public(key));
	struct kept k = {0};
	bool fresh = false;
	struct err e = ERR_NONE;

	/* Wrapped for another key: never one of those that are kept. */
	if (key_id_eq(to, w->to))
		k = find(a, w);
	if (!k.agreement) {
		fresh = true;
		e = make(key, w, &k);
	}
	if (failed(e))
		return e;
	e = wrapped_agreement_open(k.agreement, w, document, commitment, out);
	/* What opened nothing is not worth a place. */
	if (fresh && !failed(e))
		keep(a, w, &k);
	pthread_mutex_lock(&a->lock);
	let_go(&k);
	pthread_mutex_unlock(&a->lock);
	return e;
}

void agreements_tick(struct agreements *a)
{
	uint64_t now;

	pthread_mutex_lock(&a->lock);
	now = clock_ms(&a->clock);
	for (size_t i = 0; i < AGREEMENTS_SETS; i++)
		for (size_t w = 0; w < AGREEMENTS_WAYS; w++) {
			struct kept *k = &a->sets[i][w];

			/* Of the future: the clock was set back. */
			if (k->agreement &&
			    (now < k->used_ms ||
			     now - k->used_ms >= AGREEMENTS_IDLE_MS))
				let_go(k);
		}
	pthread_mutex_unlock(&a->lock);
}

size_t agreements_count(struct agreements *a)
{
	size_t n = 0;

	pthread_mutex_lock(&a->lock);
	for (size_t i = 0; i < AGREEMENTS_SETS; i++)
		for (size_t w = 0; w < AGREEMENTS_WAYS; w++)
			n += a->sets[i][w].agreement != NULL;
	pthread_mutex_unlock(&a->lock);
	return n;
}
