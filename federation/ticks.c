/* A peer's ticks, taken in. */
#include <stdlib.h>

#include "federation/ticks.h"

enum { CLOCK_AHEAD_MIN = 2 * 24 * 60 }; /* of a peer's clock */

/* ---- evidence ---- */

/* One for each known tick and fault. */
static struct err name_of(struct span known, enum ticks_fault fault,
			  struct digest *out)
{
	struct buf b;
	struct err e;

	buf_init(&b, 512);
	buf_put(&b, known);
	buf_put_u8(&b, (uint8_t)fault);
	e = buf_check(&b);
	if (!failed(e))
		e = crypto_sha256(buf_span(&b), out);
	buf_clear(&b);
	return e;
}

static struct err keep(struct ticks_taking *t, const struct tick_row *known,
		       enum ticks_fault fault, struct ticks_evidence *v)
{
	struct tick_row row = {.of = known->of,
			       .minute = known->minute,
			       .received = t->now};
	struct digest name;
	struct buf text;
	struct err e = name_of(known->blob, fault, &name);

	buf_init(&text, TICKS_EVIDENCE_MAX);
	v->known = known->blob;
	v->witness_count = known->witness_count < TICKS_WITNESSES
				   ? known->witness_count
				   : TICKS_WITNESSES;
	for (size_t i = 0; i < v->witness_count; i++)
		v->witnesses[i] = known->witnesses[i];
	if (!failed(e))
		e = certificate_store_root(t->txn, known->of.nation, NULL,
					   &v->root);
	if (!failed(e))
		e = certificate_store_latest(t->txn, known->of, NULL,
					     &v->certificate);
	if (!failed(e)) {
		ticks_evidence_encode(v, &text);
		e = buf_check(&text);
	}
	row.blob = buf_span(&text);
	if (!failed(e))
		e = tick_break_put(t->txn, &row, name);
	if (!failed(e))
		t->breaks++;
	buf_clear(&text);
	return e;
}

/* ---- one chain ---- */

static struct err check_tick(struct ticks_taking *t, struct span blob,
			     struct tick *out)
{
	const struct replica_certificate *c;
	struct err e = tick_decode(blob, out);

	if (!failed(e))
		e = trust_certificate(t->trust, t->txn, out->replica, &c);
	if (!failed(e))
		e = tick_check(out, c);
	if (!failed(e) && out->minute > t->now / 60 + CLOCK_AHEAD_MIN)
		e = err_make(ERR_TIME, "a tick from far ahead");
	return e;
}

/* The newest names all before it, and is signed: that is enough. */
static struct err keep_chain(struct ticks_taking *t,
			     const struct ticks_heard *heard,
			     const struct ticks_answer *answer)
{
	struct tick_row row = {.of = heard->of, .received = t->now};
	struct tick tick;
	struct err e = ERR_NONE;

	if (!answer->count)
		return ERR_NONE;
	e = check_tick(t, answer->ticks[answer->count - 1], &t->newest);
	for (size_t i = 0; !failed(e) && i < answer->count; i++) {
		e = tick_decode(answer->ticks[i], &tick);
		row.minute = tick.minute;
		row.blob = answer->ticks[i];
		if (!failed(e))
			e = tick_put(t->txn, &row);
	}
	t->has_newest = !failed(e);
	return e;
}

/* Nothing is known of it yet: what it says last is where we begin. */
static struct err begin(struct ticks_taking *t, const struct ticks_heard *heard,
			const struct ticks_answer *answer)
{
	struct tick_row row = {.of = heard->of,
			       .blob = answer->last,
			       .received = t->now};
	struct err e;

	if (!answer->last.len)
		return ERR_NONE;
	e = check_tick(t, answer->last, &t->newest);
	if (!failed(e) && !replica_eq(t->newest.replica, heard->of))
		e = err_make(ERR_MALFORMED, "a tick of another replica");
	if (failed(e))
		return e;
	row.minute = t->newest.minute;
	t->has_newest = true;
	return tick_put(t->txn, &row);
}

static struct err go_on(struct ticks_taking *t, const struct ticks_heard *heard,
			const struct ticks_answer *answer,
			const struct tick_row *last)
{
	struct ticks_evidence *v;
	struct tick known, newest;
	struct err e = tick_decode(last->blob, &known);

	if (!failed(e) && answer->last.len)
		e = check_tick(t, answer->last, &newest);
	if (!failed(e))
		e = ticks_judge(&known, answer, heard->time, &t->fault);
	if (failed(e))
		return e;
	if (t->fault == TICKS_SOUND || t->fault == TICKS_FROZEN)
		e = keep_chain(t, heard, answer);
	if (failed(e) || t->fault == TICKS_SOUND)
		return e;
	v = arena_alloc(t->arena, sizeof(*v));
	if (!v)
		return arena_check(t->arena);
	v->body = heard->body;
	v->page = heard->page;
	v->reader = t->self.nation;
	memcpy(v->ask, heard->ask, sizeof(v->ask));
	return keep(t, last, t->fault, v);
}

/* ---- what it saw of others, and of us ---- */

/* Another nation's view of a chain that is known here too. */
static struct err compare(struct ticks_taking *t, struct span blob)
{
	struct ticks_evidence *v = arena_alloc(t->arena, sizeof(*v));
	struct tick_row *row = arena_alloc(t->arena, sizeof(*row));
	enum ticks_fault fault = TICKS_SOUND;
	struct tick other, known;
	struct err e = arena_check(t->arena);

	if (!failed(e))
		e = tick_decode(blob, &other);
	if (!failed(e))
		e = tick_get(t->txn, other.replica, other.minute, t->arena,
			     row);
	if (!failed(e))
		e = tick_decode(row->blob, &known);
	if (!failed(e))
		e = ticks_judge_tick(&known, &other, &fault);
	if (failed(e) || fault == TICKS_SOUND)
		return e.code == ERR_NO_MEMORY ? e : ERR_NONE;
	/* Its word counts for nothing but what that nation signed. */
	if (failed(check_tick(t, blob, &other)))
		return ERR_NONE;
	v->other = blob;
	return keep(t, row, fault, v);
}

static struct err look_at_ours(struct ticks_taking *t, struct span blob)
{
	struct tick_row *row = arena_alloc(t->arena, sizeof(*row));
	enum ticks_fault fault = TICKS_SOUND;
	struct tick seen, own;
	struct err e = arena_check(t->arena);

	if (failed(e) || !blob.len)
		return e;
	/* Ours, or nothing at all. */
	if (failed(check_tick(t, blob, &seen)) ||
	    !replica_eq(seen.replica, t->self))
		return ERR_NONE;
	e = tick_get(t->txn, t->self, seen.minute, t->arena, row);
	if (!failed(e))
		e = tick_decode(row->blob, &own);
	if (!failed(e))
		e = ticks_judge_tick(&own, &seen, &fault);
	if (e.code == ERR_NOT_FOUND) {
		/* Time removes the oldest; nothing else goes missing. */
		e = tick_next(t->txn, t->self, 0, t->arena, row);
		t->put_back = e.code == ERR_NOT_FOUND ||
			      (!failed(e) && row->minute < seen.minute);
		return e.code == ERR_NOT_FOUND ? ERR_NONE : e;
	}
	if (!failed(e) && fault != TICKS_SOUND)
		t->put_back = true;
	return e;
}

struct err ticks_take(struct ticks_taking *t, const struct ticks_heard *heard)
{
	struct ticks_answer *answer = arena_alloc(t->arena, sizeof(*answer));
	struct tick_row *last = arena_alloc(t->arena, sizeof(*last));
	struct err e = arena_check(t->arena);

	if (!failed(e))
		e = ticks_answer_decode(heard->body, t->arena, answer);
	if (failed(e))
		return e;
	e = tick_last(t->txn, heard->of, t->arena, last);
	if (e.code == ERR_NOT_FOUND)
		e = begin(t, heard, answer);
	else if (!failed(e))
		e = go_on(t, heard, answer, last);
	if (!failed(e))
		e = look_at_ours(t, answer->seen);
	for (size_t i = 0; !failed(e) && i < answer->other_count; i++)
		e = compare(t, answer->others[i]);
	return e;
}

/* ---- their word on ours ---- */

struct err ticks_witnessed(struct txn *txn, struct trust *trust,
			   struct replica self, struct nation from,
			   struct span blob, struct arena *arena)
{
	struct tick_row *row = arena_alloc(arena, sizeof(*row));
	const struct replica_certificate *c;
	struct witness w, other;
	struct digest digest;
	struct tick tick;
	size_t i = 0;
	struct err e = arena_check(arena);

	if (!failed(e))
		e = witness_decode(blob, &w);
	if (!failed(e) &&
	    (!nation_eq(w.by.nation, from) || !replica_eq(w.of, self)))
		e = err_make(ERR_FORBIDDEN,
			     "a word of another nation, or on another's tick");
	if (!failed(e))
		e = trust_certificate(trust, txn, w.by, &c);
	if (!failed(e))
		e = witness_check(&w, c);
	if (!failed(e))
		e = tick_get(txn, self, w.minute, arena, row);
	if (!failed(e))
		e = tick_decode(row->blob, &tick);
	if (!failed(e))
		e = tick_digest(&tick, &digest);
	if (!failed(e) && !digest_eq(digest, w.tick))
		e = err_make(ERR_DIGEST, "a word on another tick");
	if (failed(e))
		return e;
	/* One word of each nation. */
	while (i < row->witness_count &&
	       (failed(witness_decode(row->witnesses[i], &other)) ||
		!nation_eq(other.by.nation, from)))
		i++;
	if (i == TICK_WITNESSES_MAX)
		return ERR_NONE;
	row->witnesses[i] = blob;
	if (i == row->witness_count)
		row->witness_count++;
	return tick_put(txn, row);
}
