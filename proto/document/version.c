/* Dots, contexts, and what covers what. */
#include "proto/document/version.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

bool dot_eq(struct dot a, struct dot b)
{
	return replica_eq(a.replica, b.replica) && a.counter == b.counter;
}

void dot_format(struct dot d, char out[VERSION_DOT_TEXT_MAX + 1])
{
	char replica[REPLICA_TEXT_MAX + 1];

	replica_format(d.replica, replica);
	snprintf(out, VERSION_DOT_TEXT_MAX + 1, "%s:%" PRIu64, replica,
		 d.counter);
}

struct err dot_parse(struct span text, struct dot *out)
{
	const uint8_t *colon = text.len ? memchr(text.at, ':', text.len) : NULL;
	struct dot d = {0};
	struct err e;
	size_t at;

	if (!colon)
		return err_make(ERR_MALFORMED, "no dot");
	at = (size_t)(colon - text.at);
	e = replica_parse(span_sub(text, 0, at), &d.replica);
	if (failed(e))
		return e;
	if (at + 1 == text.len || text.at[at + 1] == '0')
		return err_make(ERR_MALFORMED, "no counter");
	for (size_t i = at + 1; i < text.len; i++) {
		uint8_t c = text.at[i];

		if (c < '0' || c > '9' || d.counter > UINT64_MAX / 10 ||
		    d.counter * 10 > UINT64_MAX - (c - '0'))
			return err_make(ERR_MALFORMED, "no counter");
		d.counter = d.counter * 10 + (c - '0');
	}
	*out = d;
	return ERR_NONE;
}

/* ---- contexts ---- */

static bool range_has(const struct dot_range *r, struct dot d)
{
	return replica_eq(r->replica, d.replica) && r->from <= d.counter &&
	       d.counter <= r->to;
}

bool version_context_has(const struct version_context *c, struct dot d)
{
	for (size_t i = 0; i < c->count; i++)
		if (range_has(&c->ranges[i], d))
			return true;
	return false;
}

static bool range_eq(const struct dot_range *a, const struct dot_range *b)
{
	return replica_eq(a->replica, b->replica) && a->from == b->from &&
	       a->to == b->to;
}

bool version_context_eq(const struct version_context *a,
			const struct version_context *b)
{
	if (a->count != b->count)
		return false;
	for (size_t i = 0; i < a->count; i++)
		if (!range_eq(&a->ranges[i], &b->ranges[i]))
			return false;
	return true;
}

static int range_cmp(const void *a, const void *b)
{
	const struct dot_range *x = a, *y = b;
	int order = replica_cmp(x->replica, y->replica);

	if (order)
		return order;
	return (x->from > y->from) - (x->from < y->from);
}

/* Whether `b`, not before `a` in order, overlaps or touches it. */
static bool range_joins(const struct dot_range *a, const struct dot_range *b)
{
	return replica_eq(a->replica, b->replica) &&
	       (b->from <= a->to || b->from - a->to == 1);
}

/* Sorts and joins in place; the new count. */
static size_t ranges_normalise(struct dot_range *ranges, size_t count)
{
	size_t n = 0;

	if (count == 0)
		return 0;
	qsort(ranges, count, sizeof(*ranges), range_cmp);
	for (size_t i = 1; i < count; i++) {
		if (range_joins(&ranges[n], &ranges[i])) {
			if (ranges[i].to > ranges[n].to)
				ranges[n].to = ranges[i].to;
		} else {
			ranges[++n] = ranges[i];
		}
	}
	return n + 1;
}

struct err version_context_union(struct version_context *c,
				 const struct version_context *other)
{
	struct dot_range all[2 * VERSION_RANGES_MAX];
	size_t count = c->count + other->count;

	memcpy(all, c->ranges, c->count * sizeof(all[0]));
	memcpy(all + c->count, other->ranges, other->count * sizeof(all[0]));
	count = ranges_normalise(all, count);
	if (count > VERSION_RANGES_MAX)
		return err_make(ERR_TOO_LARGE, "context beyond 64 ranges");
	memcpy(c->ranges, all, count * sizeof(all[0]));
	c->count = count;
	return ERR_NONE;
}

struct err version_context_insert(struct version_context *c, struct dot d)
{
	struct dot_range all[VERSION_RANGES_MAX + 1];
	size_t count = c->count + 1;

	memcpy(all, c->ranges, c->count * sizeof(all[0]));
	all[c->count] = (struct dot_range){d.replica, d.counter, d.counter};
	count = ranges_normalise(all, count);
	if (count > VERSION_RANGES_MAX)
		return err_make(ERR_TOO_LARGE, "context beyond 64 ranges");
	memcpy(c->ranges, all, count * sizeof(all[0]));
	c->count = count;
	return ERR_NONE;
}

static uint64_t range_dots(const struct dot_range *r)
{
	uint64_t more = r->to - r->from;

	return more == UINT64_MAX ? more : more + 1;
}

uint64_t version_context_dots(const struct version_context *c)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < c->count; i++) {
		uint64_t n = range_dots(&c->ranges[i]);

		sum = n > UINT64_MAX - sum ? UINT64_MAX : sum + n;
	}
	return sum;
}

/* The number of ranges from `i` on with the replica of the i-th. */
static size_t run_len(const struct version_context *c, size_t i)
{
	size_t n = 1;

	while (i + n < c->count &&
	       replica_eq(c->ranges[i].replica, c->ranges[i + n].replica))
		n++;
	return n;
}

void version_context_encode(const struct version_context *c, struct buf *out)
{
	size_t entries = 0;

	for (size_t i = 0; i < c->count; i += run_len(c, i))
		entries++;
	buf_put_u16(out, (uint16_t)entries);
	for (size_t i = 0, n; i < c->count; i += n) {
		n = run_len(c, i);
		buf_put(out,
			span_of(c->ranges[i].replica.nation.code, NATION_LEN));
		buf_put_u64(out, c->ranges[i].replica.number);
		buf_put_u16(out, (uint16_t)n);
		for (size_t k = i; k < i + n; k++) {
			buf_put_u64(out, c->ranges[k].from);
			buf_put_u64(out, c->ranges[k].to);
		}
	}
}

/* Whether `next` may follow `last` in the one form. */
static bool in_order(const struct dot_range *last, const struct dot_range *next)
{
	int order = replica_cmp(last->replica, next->replica);

	if (order)
		return order < 0;
	return next->from > last->to && next->from - last->to > 1;
}

struct err version_context_read(struct span_reader *r,
				struct version_context *out)
{
	struct version_context c = {0};
	uint16_t entries = span_read_u16(r);

	for (uint16_t i = 0; i < entries && !r->bad; i++) {
		struct dot_range range = {0};
		struct span nation = span_read_raw(r, NATION_LEN);
		uint16_t ranges;

		if (r->bad ||
		    failed(nation_parse(nation, &range.replica.nation)))
			return err_make(ERR_MALFORMED, "context: nation");
		range.replica.number = span_read_u64(r);
		ranges = span_read_u16(r);
		if (range.replica.number == 0 || ranges == 0)
			return err_make(ERR_MALFORMED, "context: replica");
		/* One entry a replica. */
		if (c.count && replica_cmp(c.ranges[c.count - 1].replica,
					   range.replica) >= 0)
			return err_make(ERR_MALFORMED, "context: order");
		if (ranges > VERSION_RANGES_MAX - c.count)
			return err_make(ERR_TOO_LARGE,
					"context beyond 64 ranges");
		for (uint16_t k = 0; k < ranges; k++) {
			range.from = span_read_u64(r);
			range.to = span_read_u64(r);
			if (range.from == 0 || range.to < range.from ||
			    (c.count &&
			     !in_order(&c.ranges[c.count - 1], &range)))
				return err_make(ERR_MALFORMED,
						"context: range");
			c.ranges[c.count++] = range;
		}
	}
	if (r->bad)
		return err_make(ERR_MALFORMED, "context cut short");
	*out = c;
	return ERR_NONE;
}

/* ---- coverage ---- */

/* A nation's word on dots of its own nation. */
static bool word_has(const struct version_word *w, struct dot d)
{
	return nation_eq(w->dot.replica.nation, d.replica.nation) &&
	       (dot_eq(w->dot, d) || version_context_has(w->context, d));
}

bool version_covers(const struct version *v, struct dot d)
{
	if (!version_context_has(v->own.context, d))
		return false;
	if (nation_eq(v->own.dot.replica.nation, d.replica.nation))
		return true;
	for (size_t i = 0; i < v->evidence_count; i++)
		if (word_has(&v->evidence[i], d))
			return true;
	return false;
}

bool version_falls(const struct version *a, const struct version *by)
{
	if (digest_eq(a->digest, by->digest))
		return false;
	for (size_t i = 0; i < by->parents_count; i++)
		if (digest_eq(by->parents[i], a->digest))
			return true;
	return version_covers(by, a->own.dot);
}

int version_order(const struct version *a, const struct version *b,
		  struct nation home)
{
	bool a_home = nation_eq(a->own.dot.replica.nation, home);
	bool b_home = nation_eq(b->own.dot.replica.nation, home);
	uint64_t a_dots, b_dots;

	if (a->statement != b->statement)
		return a->statement > b->statement ? 1 : -1;
	if (a_home != b_home)
		return a_home ? 1 : -1;
	a_dots = version_context_dots(a->own.context);
	b_dots = version_context_dots(b->own.context);
	if (a_dots != b_dots)
		return a_dots > b_dots ? 1 : -1;
	return digest_cmp(a->digest, b->digest);
}

/* ---- a new revision ---- */

/* Ranges that grow; each is a piece of what some parent covers. */
struct pieces {
	struct dot_range *at;
	size_t count;
	size_t room;
	bool bad;
};

static void pieces_add(struct pieces *p, struct dot_range range)
{
	if (p->count == p->room && !p->bad) {
		size_t room = p->room ? 2 * p->room : 256;
		struct dot_range *at = realloc(p->at, room * sizeof(*at));

		if (at) {
			p->at = at;
			p->room = room;
		} else {
			p->bad = true;
		}
	}
	if (!p->bad)
		p->at[p->count++] = range;
}

/* The ranges of `c` of one nation, clipped to `within` (NULL: whole). */
static void pieces_clip(struct pieces *p, const struct version_context *c,
			struct nation nation,
			const struct version_context *within)
{
	for (size_t i = 0; i < c->count; i++) {
		const struct dot_range *r = &c->ranges[i];

		if (!nation_eq(r->replica.nation, nation))
			continue;
		if (!within) {
			pieces_add(p, *r);
			continue;
		}
		for (size_t k = 0; k < within->count; k++) {
			const struct dot_range *w = &within->ranges[k];
			struct dot_range cut = *r;

			if (!replica_eq(w->replica, r->replica) ||
			    w->from > r->to || w->to < r->from)
				continue;
			if (w->from > cut.from)
				cut.from = w->from;
			if (w->to < cut.to)
				cut.to = w->to;
			pieces_add(p, cut);
		}
	}
}

static void pieces_dot(struct pieces *p, struct dot d)
{
	pieces_add(p, (struct dot_range){d.replica, d.counter, d.counter});
}

/* What a parent covers, and its own dot. */
static void pieces_parent(struct pieces *p, const struct version *parent)
{
	const struct version_context *own = parent->own.context;

	pieces_dot(p, parent->own.dot);
	pieces_clip(p, own, parent->own.dot.replica.nation, NULL);
	for (size_t i = 0; i < parent->evidence_count; i++) {
		const struct version_word *w = &parent->evidence[i];

		if (version_context_has(own, w->dot))
			pieces_dot(p, w->dot);
		pieces_clip(p, w->context, w->dot.replica.nation, own);
	}
}

/* Drops the ranges of fewest dots: what is left covers less, which is safe. */
static void pieces_shrink(struct pieces *p, struct version_context *out)
{
	while (p->count > VERSION_RANGES_MAX) {
		size_t least = 0;

		for (size_t i = 1; i < p->count; i++)
			if (range_dots(&p->at[i]) < range_dots(&p->at[least]))
				least = i;
		memmove(p->at + least, p->at + least + 1,
			(p->count - least - 1) * sizeof(*p->at));
		p->count--;
	}
	*out = (struct version_context){.count = p->count};
	memcpy(out->ranges, p->at, p->count * sizeof(*p->at));
}

struct candidate {
	struct version_word word;
	struct version_source source;
	uint64_t dots; /* that it vouches for in the new context */
};

/* How many dots of `context` the word vouches for. */
static uint64_t word_dots(const struct version_word *w,
			  const struct version_context *context)
{
	struct nation nation = w->dot.replica.nation;
	struct dot_range own = {w->dot.replica, w->dot.counter, w->dot.counter};
	uint64_t sum = 0;

	for (size_t i = 0; i < context->count; i++) {
		const struct dot_range *r = &context->ranges[i];

		if (!nation_eq(r->replica.nation, nation))
			continue;
		for (size_t k = 0; k <= w->context->count; k++) {
			const struct dot_range *x =
				k < w->context->count ? &w->context->ranges[k]
						      : &own;
			uint64_t from, to, n;

			if (!replica_eq(x->replica, r->replica) ||
			    x->from > r->to || x->to < r->from)
				continue;
			from = x->from > r->from ? x->from : r->from;
			to = x->to < r->to ? x->to : r->to;
			n = range_dots(
				&(struct dot_range){.from = from, .to = to});
			sum = n > UINT64_MAX - sum ? UINT64_MAX : sum + n;
		}
	}
	return sum;
}

/* Whether one range of `c` holds all of `r`. */
static bool context_holds(const struct version_context *c,
			  const struct dot_range *r)
{
	for (size_t i = 0; i < c->count; i++)
		if (replica_eq(c->ranges[i].replica, r->replica) &&
		    c->ranges[i].from <= r->from && r->to <= c->ranges[i].to)
			return true;
	return false;
}

/* Whether `by` vouches for everything of its nation that `w` does. */
static bool word_implied(const struct version_word *w,
			 const struct version_word *by)
{
	struct nation nation = w->dot.replica.nation;

	if (!nation_eq(nation, by->dot.replica.nation) ||
	    !version_context_has(by->context, w->dot))
		return false;
	for (size_t i = 0; i < w->context->count; i++)
		if (nation_eq(w->context->ranges[i].replica.nation, nation) &&
		    !context_holds(by->context, &w->context->ranges[i]))
			return false;
	return true;
}

/* Foreign seals of a parent that vouch for something, each dot once. */
static size_t gather(struct nation nation, const struct version *parents,
		     size_t count, const struct version_context *context,
		     struct candidate *list, size_t n)
{
	for (size_t i = 0; i < count; i++) {
		const struct version *p = &parents[i];

		for (size_t k = 0; k <= p->evidence_count; k++) {
			struct candidate c = {
				.word = k ? p->evidence[k - 1] : p->own,
				.source = {i, k ? k - 1 : VERSION_OWN_SEAL},
			};
			bool known =
				nation_eq(c.word.dot.replica.nation, nation);

			for (size_t j = 0; j < n && !known; j++)
				known = dot_eq(list[j].word.dot, c.word.dot);
			c.dots = known ? 0 : word_dots(&c.word, context);
			if (c.dots)
				list[n++] = c;
		}
	}
	return n;
}

static void remove_at(struct candidate *list, size_t *n, size_t i)
{
	memmove(list + i, list + i + 1, (*n - i - 1) * sizeof(*list));
	(*n)--;
}

/* One by one, so that of two that imply each other one stays. */
static void drop_implied(struct candidate *list, size_t *n)
{
	for (size_t i = 0; i < *n;) {
		bool implied = false;

		for (size_t k = 0; k < *n && !implied; k++)
			implied = k != i &&
				  word_implied(&list[i].word, &list[k].word);
		if (implied)
			remove_at(list, n, i);
		else
			i++;
	}
}

static void drop_least(struct candidate *list, size_t *n)
{
	while (*n > VERSION_EVIDENCE_MAX) {
		size_t least = 0;

		for (size_t i = 1; i < *n; i++)
			if (list[i].dots < list[least].dots)
				least = i;
		remove_at(list, n, least);
	}
}

struct err version_make(struct nation nation, const struct version *parents,
			size_t count, struct version_made *out)
{
	struct pieces pieces = {0};
	struct candidate *list = NULL;
	size_t n = 0, words = 0;
	struct err e = ERR_NONE;

	if (count > VERSION_PARENTS_MAX)
		return err_make(ERR_TOO_LARGE, "more than 16 parents");
	for (size_t i = 0; i < count; i++) {
		if (parents[i].evidence_count > VERSION_EVIDENCE_MAX) {
			e = err_make(ERR_TOO_LARGE, "more than 32 seals");
			goto out;
		}
		words += 1 + parents[i].evidence_count;
		pieces_parent(&pieces, &parents[i]);
	}
	list = calloc(words + 1, sizeof(*list));
	if (pieces.bad || !list) {
		e = err_make(ERR_NO_MEMORY, "context of a new revision");
		goto out;
	}
	*out = (struct version_made){0};
	if (pieces.count) {
		pieces.count = ranges_normalise(pieces.at, pieces.count);
		pieces_shrink(&pieces, &out->context);
	}
	n = gather(nation, parents, count, &out->context, list, n);
	drop_implied(list, &n);
	drop_least(list, &n);
	for (size_t i = 0; i < n; i++)
		out->evidence[i] = list[i].source;
	out->evidence_count = n;
out:
	free(pieces.at);
	free(list);
	return e;
}
