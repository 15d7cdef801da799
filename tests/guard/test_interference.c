/*
 * What a reader is answered does not depend on documents that he may not
 * see: two relays with one past, of which each then writes, edits, relabels,
 * deletes and recalls other things that the reader does not see, answer him
 * alike, and wake his polls alike.  (twins.c says what is compared.)  Reader,
 * spaces and all that is done are drawn from a seed.  Every leak that can be
 * planted must be found.
 *
 * INTERFERENCE_SEEDS sets the number of histories; SEED=n replays one.
 */
#define ENTENTE_FAULTS 1
#include "storage/cursor.c"
#include "storage/document_read.c"
#include "storage/feed.c"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdio.h>

#include "tests/guard/twins.h"

struct storage_faults storage_faults;

enum {
	STEPS = 10,
	SEEDS_OF_A_PAIR = 10,
	SEEDS = 200,
	FAULT_SEEDS = 40, /* within which a planted leak is found */
};

/* These stores need not survive a power cut. */
int fdatasync(int fd);
int fdatasync(int fd)
{
	return 0;
}

/* Of a planted leak only the seed is told. */
static bool planted;

static unsigned number(const char *name, unsigned otherwise)
{
	const char *text = getenv(name);

	return text ? (unsigned)strtoul(text, NULL, 10) : otherwise;
}

static unsigned below(const struct random *random, unsigned n)
{
	uint32_t v;

	world_must(random_fill(random, &v, sizeof(v)));
	return v % n;
}

/* ---- what bob does not see ---- */

/* A label that he does not see in that space; there always is one. */
static struct span unseen(struct twins *t, unsigned space,
			  const struct random *r)
{
	unsigned label;

	do
		label = below(r, TWIN_LABELS);
	while (twins_sees(t, label, space));
	return buf_span(&t->labels[label]);
}

/* What he never saw, or what was taken out of his sight. */
static struct twin_doc *pick_secret(struct twin *side)
{
	unsigned i = below(&side->hidden, TWIN_DOCS);
	bool buried = below(&side->hidden, 2);

	return buried && side->visible[i].buried ? &side->visible[i]
						 : &side->secret[i];
}

static void one_secret(struct twins *t, struct twin *side)
{
	const struct random *r = &side->hidden;
	struct twin_doc *d = pick_secret(side);
	unsigned space = below(r, TWIN_SPACES);

	if (!d->used) {
		twin_put(side, d, space, unseen(t, space, r), r);
		return;
	}
	if (d->gone)
		return;
	switch (below(r, 8)) {
	/* Both go to everyone who ever held it, so they are not hidden. */
	case 0:
		if (!d->buried)
			twin_state(side, d, STATEMENT_DELETE, span_str(""), r);
		break;
	case 1:
		if (!d->buried)
			twin_state(side, d, STATEMENT_RECALL, span_str(""), r);
		break;
	case 2:
	case 3:
		twin_state(side, d, STATEMENT_LABEL, unseen(t, d->space, r), r);
		break;
	default:
		twin_edit(side, d, r);
	}
}

static void secrets(struct twins *t, uint64_t seed)
{
	/* In one history of three, one side has none at all. */
	for (unsigned n = below(&t->a.hidden, 3); n; n--)
		one_secret(t, &t->a);
	for (unsigned n = below(&t->b.hidden, 3); n && seed % 3; n--)
		one_secret(t, &t->b);
}

/* ---- what both do alike ---- */

struct step {
	unsigned kind, doc, label, space, chain, limit, probe;
};

static struct step draw(const struct random *r)
{
	return (struct step){.kind = below(r, 14),
			     .doc = below(r, TWIN_DOCS),
			     .label = below(r, TWIN_LABELS),
			     .space = below(r, TWIN_SPACES),
			     .chain = below(r, TWIN_CURSORS),
			     .limit = 1 + below(r, 4),
			     .probe = below(r, 8)};
}

static void put_one(struct twins *t, struct twin *side, struct twin_doc *d,
		    const struct step *s)
{
	unsigned label = s->label, space = s->space;

	/* Mostly what he sees. */
	if (s->probe && !twins_sees(t, label, space)) {
		label %= 2;
		space = t->spaces & 1 ? 0 : 1;
	}
	twin_put(side, d, space, buf_span(&t->labels[label]), &side->common);
}

static void write_one(struct twins *t, struct twin *side, const struct step *s)
{
	struct twin_doc *d = &side->visible[s->doc];
	const struct random *r = &side->common;

	if (!d->used) {
		put_one(t, side, d, s);
		return;
	}
	if (d->buried || d->gone)
		return;
	switch (s->probe) {
	case 4:
	case 5: /* out of his sight, perhaps, and back */
		twin_state(side, d, STATEMENT_LABEL,
			   buf_span(&t->labels[s->label]), r);
		return;
	case 6:
		d->buried = twin_state(side, d, STATEMENT_LABEL,
				       unseen(t, d->space, r), r);
		return;
	case 7:
		twin_state(side, d,
			   s->limit % 2 ? STATEMENT_DELETE : STATEMENT_RECALL,
			   span_str(""), r);
		return;
	default:
		twin_edit(side, d, r);
	}
}

/* Single requests, on what he sees and on what he does not. */
static void look_at(struct twins *t, struct twin *side, const struct step *s)
{
	const struct twin_doc *d =
		s->probe % 2 ? &t->a.secret[s->doc] : &t->a.visible[s->doc];
	char target[160] = "/v1/documents/", name[DIGEST_TEXT_LEN + 1];
	struct digest label;

	if (!d->used)
		d = &t->a.visible[0];
	doc_id_format(d->head.m.id, target + strlen(target));
	switch (s->limit + 4 * s->space) {
	case 1:
	case 2:
		twin_get(side, target);
		return;
	case 3:
		twin_keys(side, d->head.m.id, d->head.keys[0]);
		return;
	case 4:
		strcat(target, "/content");
		twin_get(side, target);
		return;
	case 5:
		world_must(
			crypto_sha256(buf_span(&t->labels[s->label]), &label));
		digest_format(label, name);
		snprintf(target, sizeof(target), "/v1/labels/%s", name);
		twin_get(side, target);
		return;
	case 6:
		twin_probe_label(side, buf_span(&t->labels[s->label]));
		return;
	case 7:
		if (d->used)
			twin_probe_edit(side, &d->head,
					buf_span(&t->labels[0]));
		return;
	default:
		twin_get(side, "/v1/me");
	}
}

/* What `seen` holds about `at`, without what a terminal would not take. */
static void tell(const char *whose, struct span seen, size_t at)
{
	enum { BEFORE = 60, AFTER = 900 };
	size_t from = at > BEFORE ? at - BEFORE : 0;

	fprintf(stderr, "%s: ", whose);
	for (size_t i = from; i < seen.len && i < at + AFTER; i++)
		fputc(seen.at[i] < ' ' || seen.at[i] > '~' ? '.' : seen.at[i],
		      stderr);
	fputc('\n', stderr);
}

/* True if both saw the same. */
static bool alike(struct twins *t, uint64_t seed, int step)
{
	struct span a = buf_span(&t->a.seen), b = buf_span(&t->b.seen);
	size_t at = 0;

	if (span_eq(a, b))
		return true;
	if (planted)
		return false;
	while (at < a.len && at < b.len && a.at[at] == b.at[at])
		at++;
	fprintf(stderr, "SEED=%llu, step %d: they differ at byte %zu\n",
		(unsigned long long)seed, step, at);
	tell("one", a, at);
	tell("other", b, at);
	return false;
}

/* One page of each; true if both are alike. */
static bool page(struct twins *t, const struct step *s, uint64_t seed, int step,
		 bool *more)
{
	static const enum twin_since how[8] = {TWIN_AFRESH, TWIN_AGAIN,
					       TWIN_AGAIN};
	enum twin_since since = how[s->probe];

	*more = twin_page(&t->a, s->chain, since, s->limit, 0);
	twin_page(&t->b, s->chain, since, s->limit, 0);
	return alike(t, seed, step);
}

/* Both polls look again; true if both saw the same. */
static bool look_again(struct twins *t, uint64_t seed, int step)
{
	if (!t->a.poll)
		return true;
	twin_poll_again(&t->a);
	twin_poll_again(&t->b);
	return alike(t, seed, step);
}

/* A long poll: out of sight things happen, then, perhaps, in sight, and then
 * its time is up. */
static bool poll(struct twins *t, const struct step *s, uint64_t seed, int step)
{
	twin_poll(&t->a, s->chain);
	twin_poll(&t->b, s->chain);
	if (!alike(t, seed, step))
		return false;
	secrets(t, seed);
	if (!look_again(t, seed, step))
		return false;
	if (s->space) {
		write_one(t, &t->a, s);
		write_one(t, &t->b, s);
	}
	if (!look_again(t, seed, step))
		return false;
	testclock_forward(&t->a.w.time, 51000);
	testclock_forward(&t->b.w.time, 51000);
	if (!look_again(t, seed, step))
		return false;
	assert_null(t->a.poll);
	return true;
}

static bool one_step(struct twins *t, uint64_t seed, int step,
		     const struct random *chance)
{
	struct step s = draw(chance);
	bool more;

	secrets(t, seed);
	testclock_forward(&t->a.w.time, 700);
	testclock_forward(&t->b.w.time, 700);
	buf_reset(&t->a.seen);
	buf_reset(&t->b.seen);
	if (s.kind < 4) {
		write_one(t, &t->a, &s);
		write_one(t, &t->b, &s);
		return true;
	}
	if (s.kind < 8)
		return page(t, &s, seed, step, &more);
	if (s.kind < 10)
		return poll(t, &s, seed, step);
	look_at(t, &t->a, &s);
	look_at(t, &t->b, &s);
	return alike(t, seed, step);
}

/* At the end every chain comes to where there is nothing new, and what is
 * changed out of sight lets it rest there, parked. */
static bool settle(struct twins *t, uint64_t seed)
{
	for (unsigned c = 0; c < TWIN_CURSORS; c++) {
		struct step s = {.chain = c, .limit = c ? 3 : 40, .probe = 3};
		bool more = true;

		if (c && !t->a.chains[c].since[0])
			continue;
		for (int i = 0; i < 1000 && more; i++)
			if (!page(t, &s, seed, STEPS + (int)c, &more))
				return false;
		assert_false(more);
		if (!poll(t, &s, seed, STEPS + (int)c))
			return false;
	}
	return true;
}

static bool history(struct twins *t, uint64_t seed)
{
	struct testrandom source;
	struct random chance;

	testrandom_init(&source, seed ^ 0x5eed);
	chance = testrandom(&source);
	twins_begin(t, seed);
	for (int step = 0; step < STEPS; step++)
		if (!one_step(t, seed, step, &chance))
			return false;
	return settle(t, seed);
}

/* The first seed up to `last` that tells the two apart; 0 if none does.
 * Histories of one pair follow each other in its store, so a seed is replayed
 * with those before it. */
static unsigned first_apart(unsigned first, unsigned last)
{
	struct twins *t = NULL;
	unsigned seed = (first - 1) / SEEDS_OF_A_PAIR * SEEDS_OF_A_PAIR + 1;

	for (; seed <= last; seed++) {
		if (seed % SEEDS_OF_A_PAIR == 1) {
			if (t)
				twins_free(t);
			t = twins_new(seed);
		}
		if (!history(t, seed))
			break;
	}
	if (t)
		twins_free(t);
	return seed <= last ? seed : 0;
}

static void what_is_hidden_changes_no_answer(void **state)
{
	unsigned only = number("SEED", 0);
	unsigned first = only ? only : 1;
	unsigned last = only ? only : number("INTERFERENCE_SEEDS", SEEDS);

	print_message("interference: seeds %u to %u\n", first, last);
	assert_int_equal(first_apart(first, last), 0);
}

/* ---- leaks ---- */

static void leak(bool *fault, const char *name)
{
	unsigned seed;

	planted = *fault = true;
	seed = first_apart(1, FAULT_SEEDS);
	planted = *fault = false;
	print_message("%s: found by seed %u\n", name, seed);
	assert_int_not_equal(seed, 0);
}

#define LEAK_TEST(name)                                                        \
	static void a_leak_is_found_##name(void **state)                       \
	{                                                                      \
		leak(&storage_faults.name, #name);                             \
	}
LEAK_TEST(hidden_moves)	 /* a cursor moves with what is hidden */
LEAK_TEST(merge_all)	 /* what is hidden is told as gone */
LEAK_TEST(hidden_counts) /* a page's limit counts what is hidden */
LEAK_TEST(poll_wakes)	 /* a parked poll is answered for what is hidden */
LEAK_TEST(exists_told)	 /* 409 for what is hidden, 404 for what is not */
LEAK_TEST(heads_told)	 /* 409 once what is hidden was edited */
LEAK_TEST(length_told)	 /* a cursor's length follows the sequence */

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_hidden_changes_no_answer),
		cmocka_unit_test(a_leak_is_found_hidden_moves),
		cmocka_unit_test(a_leak_is_found_merge_all),
		cmocka_unit_test(a_leak_is_found_hidden_counts),
		cmocka_unit_test(a_leak_is_found_poll_wakes),
		cmocka_unit_test(a_leak_is_found_exists_told),
		cmocka_unit_test(a_leak_is_found_heads_told),
		cmocka_unit_test(a_leak_is_found_length_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
