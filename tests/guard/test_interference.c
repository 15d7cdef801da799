/*
 * What a reader is answered does not depend on documents that he may not
 * see: two relays with one past, of which each then writes, edits, relabels
 * and deletes other things that the reader does not see, answer him alike.
 * (twins.c says what is compared.)  A planted leak must be found.
 *
 * INTERFERENCE_SEEDS sets the number of histories.
 */
#define ENTENTE_FAULTS 1
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
	FAULT_SEEDS = 20, /* within which the planted leak is found */
};

/* These stores need not survive a power cut. */
int fdatasync(int fd);
int fdatasync(int fd)
{
	return 0;
}

static unsigned seeds(void)
{
	const char *text = getenv("INTERFERENCE_SEEDS");

	return text ? (unsigned)strtoul(text, NULL, 10) : 200;
}

static unsigned below(const struct random *random, unsigned n)
{
	uint32_t v;

	world_must(random_fill(random, &v, sizeof(v)));
	return v % n;
}

/* ---- what bob does not see ---- */

/* A secret label anywhere, or an open one where he is no member. */
static void hide(struct twins *t, struct twin *side, struct twin_doc *d)
{
	const struct random *r = &side->hidden;
	unsigned which = below(r, 5);

	if (which < 3)
		twin_put(side, d, "GBR/ops",
			 buf_span(&t->labels[2 + which % 2]), r);
	else
		twin_put(side, d, "GBR/two",
			 buf_span(&t->labels[which == 3 ? 0 : 2]), r);
}

static void one_secret(struct twins *t, struct twin *side)
{
	const struct random *r = &side->hidden;
	struct twin_doc *d = &side->secret[below(r, TWIN_DOCS)];

	if (!d->used) {
		hide(t, side, d);
		return;
	}
	if (d->gone)
		return;
	switch (below(r, 4)) {
	case 0:
		twin_state(side, d, STATEMENT_DELETE, span_str(""), r);
		break;
	case 1:
		twin_state(side, d, STATEMENT_LABEL,
			   buf_span(&t->labels[2 + below(r, 2)]), r);
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
	unsigned kind, doc, label, cursor, limit, probe;
	bool afresh;
};

static struct step draw(const struct random *r)
{
	return (struct step){.kind = below(r, 10),
			     .doc = below(r, TWIN_DOCS),
			     .label = below(r, 4),
			     .cursor = below(r, TWIN_CURSORS),
			     .limit = 1 + below(r, 4),
			     .probe = below(r, 8),
			     .afresh = below(r, 8) == 0};
}

static void write_one(struct twins *t, struct twin *side, const struct step *s)
{
	struct twin_doc *d = &side->visible[s->doc];
	const struct random *r = &side->common;

	if (!d->used)
		twin_put(side, d, "GBR/ops", buf_span(&t->labels[s->label % 2]),
			 r);
	else if (d->gone)
		return;
	else if (s->probe < 4)
		twin_edit(side, d, r);
	else if (s->probe < 7) /* out of his sight, and back */
		twin_state(side, d, STATEMENT_LABEL,
			   buf_span(&t->labels[s->label]), r);
	else
		twin_state(side, d, STATEMENT_DELETE, span_str(""), r);
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
	switch (s->limit + 4 * (s->label % 2)) {
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
		world_must(crypto_sha256(buf_span(&t->labels[s->probe % 4]),
					 &label));
		digest_format(label, name);
		snprintf(target, sizeof(target), "/v1/labels/%s", name);
		twin_get(side, target);
		return;
	case 6:
		twin_probe_label(side, buf_span(&t->labels[2 + s->probe % 2]));
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

/* True if both saw the same. */
static bool alike(struct twins *t, uint64_t seed, int step)
{
	struct span a = buf_span(&t->a.seen), b = buf_span(&t->b.seen);

	if (span_eq(a, b))
		return true;
	if (!storage_faults.hidden_moves)
		print_error("seed %llu, step %d:\n%.*s\n--- and ---\n%.*s\n",
			    (unsigned long long)seed, step, (int)a.len,
			    (const char *)a.at, (int)b.len, (const char *)b.at);
	return false;
}

/* One page of each; true if both are alike. */
static bool page(struct twins *t, const struct step *s, uint64_t seed, int step,
		 bool *more)
{
	unsigned wait = s->probe == 0 ? 30 : 0;

	*more = twin_page(&t->a, s->cursor, s->afresh, s->limit, wait);
	twin_page(&t->b, s->cursor, s->afresh, s->limit, wait);
	return alike(t, seed, step);
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
	if (s.kind < 3) {
		write_one(t, &t->a, &s);
		write_one(t, &t->b, &s);
		return true;
	}
	if (s.kind < 7)
		return page(t, &s, seed, step, &more);
	look_at(t, &t->a, &s);
	look_at(t, &t->b, &s);
	return alike(t, seed, step);
}

/* At the end every cursor comes to where there is nothing new, and a change
 * out of sight lets it rest there. */
static bool settle(struct twins *t, uint64_t seed)
{
	for (unsigned c = 0; c < TWIN_CURSORS; c++) {
		struct step s = {.cursor = c, .limit = c ? 3 : 40, .probe = 1};
		bool more = true;

		if (c && !t->a.cursors[c][0])
			continue;
		for (int i = 0; i < 1000 && more; i++)
			if (!page(t, &s, seed, STEPS + (int)c, &more))
				return false;
		secrets(t, seed);
		if (!page(t, &s, seed, STEPS + (int)c, &more))
			return false;
		assert_false(more);
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

/* The first seed of `count` that tells the two apart; `count` if none does. */
static unsigned first_apart(unsigned count)
{
	struct twins *t = NULL;
	unsigned seed;

	for (seed = 0; seed < count; seed++) {
		if (seed % SEEDS_OF_A_PAIR == 0) {
			if (t)
				twins_free(t);
			t = twins_new(seed + 1);
		}
		if (!history(t, seed + 1))
			break;
	}
	if (t)
		twins_free(t);
	return seed;
}

static void what_is_hidden_changes_no_answer(void **state)
{
	unsigned count = seeds();

	assert_int_equal(first_apart(count), count);
}

static void a_planted_leak_is_found(void **state)
{
	storage_faults.hidden_moves = true;
	assert_in_range(first_apart(FAULT_SEEDS), 0, FAULT_SEEDS - 1);
	storage_faults.hidden_moves = false;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_hidden_changes_no_answer),
		cmocka_unit_test(a_planted_leak_is_found),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
