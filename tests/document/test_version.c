/* Dots, contexts, coverage. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdlib.h>

#include "proto/document/version.h"
#include "tests/document/vector.h"

static struct dot dot_of(const char *nation, uint64_t replica, uint64_t counter)
{
	return (struct dot){{vector_nation(nation), replica}, counter};
}

/* ---- contexts ---- */

static void dots_have_one_text(void **state)
{
	static const char *const bad[] =
		{"",	     "GBR.1",
		 "GBR.1:",   "GBR.1:0",
		 "GBR.1:01", "GBR.0:1",
		 "GBR:1",    "GBR.1:1 ",
		 "gbr.1:1",  "GBR.1:18446744073709551616"};
	char text[VERSION_DOT_TEXT_MAX + 1];
	struct dot d;

	assert_ok(dot_parse(span_str("GBR.3:18446744073709551615"), &d));
	assert_true(dot_eq(d, dot_of("GBR", 3, UINT64_MAX)));
	dot_format(d, text);
	assert_string_equal(text, "GBR.3:18446744073709551615");
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_err(dot_parse(span_str(bad[i]), &d), ERR_MALFORMED);
}

static void ranges_that_touch_become_one(void **state)
{
	struct version_context c = {0};

	assert_ok(version_context_insert(&c, dot_of("GBR", 1, 5)));
	assert_ok(version_context_insert(&c, dot_of("GBR", 1, 3)));
	assert_int_equal(c.count, 2);
	assert_ok(version_context_insert(&c, dot_of("GBR", 1, 4)));
	assert_int_equal(c.count, 1);
	assert_int_equal(c.ranges[0].from, 3);
	assert_int_equal(c.ranges[0].to, 5);
	assert_ok(version_context_insert(&c, dot_of("GBR", 2, 6)));
	assert_ok(version_context_insert(&c, dot_of("DEU", 9, 1)));
	assert_int_equal(c.count, 3);
	assert_memory_equal(c.ranges[0].replica.nation.code, "DEU", 3);
	assert_int_equal(version_context_dots(&c), 5);
	assert_ok(version_context_insert(&c, dot_of("GBR", 1, UINT64_MAX)));
	assert_ok(version_context_insert(&c, dot_of("GBR", 1, UINT64_MAX)));
	assert_int_equal(c.count, 4);
	assert_true(version_context_has(&c, dot_of("GBR", 1, UINT64_MAX)));
	assert_false(version_context_has(&c, dot_of("GBR", 1, 6)));
	assert_false(version_context_has(&c, dot_of("GBR", 3, 5)));
}

static void a_context_holds_at_most_64_ranges(void **state)
{
	struct version_context c = {0}, other = {0}, before;

	for (uint64_t i = 0; i < VERSION_RANGES_MAX; i++)
		assert_ok(version_context_insert(&c,
						 dot_of("GBR", 1, 2 * i + 1)));
	before = c;
	assert_err(version_context_insert(&c, dot_of("GBR", 2, 1)),
		   ERR_TOO_LARGE);
	assert_ok(version_context_insert(&other, dot_of("FRA", 1, 1)));
	assert_err(version_context_union(&c, &other), ERR_TOO_LARGE);
	assert_true(version_context_eq(&c, &before));
	/* One that fills a gap makes fewer. */
	assert_ok(version_context_insert(&c, dot_of("GBR", 1, 2)));
	assert_int_equal(c.count, VERSION_RANGES_MAX - 1);
}

/* Small random sets, so that ranges often meet; mirrored in bits. */
static void contexts_are_sets(void **state)
{
	static const char *const nations[] = {"DEU", "FRA", "GBR"};
	uint64_t seed = 1;

	for (int round = 0; round < 2000; round++) {
		struct version_context c[2] = {0};
		bool bits[2][3][16] = {0};

		for (int i = 0; i < 40; i++) {
			uint64_t r = vector_next(&seed);
			unsigned set = r & 1, n = (r >> 1) % 3,
				 at = (r >> 8) % 15 + 1;

			assert_ok(version_context_insert(&c[set],
							 dot_of(nations[n], 1,
								at)));
			bits[set][n][at] = true;
		}
		assert_ok(version_context_union(&c[0], &c[1]));
		for (unsigned n = 0; n < 3; n++)
			for (unsigned at = 1; at < 16; at++)
				assert_int_equal(
					version_context_has(&c[0],
							    dot_of(nations[n],
								   1, at)),
					bits[0][n][at] || bits[1][n][at]);
	}
}

static struct err decode(struct span bytes, void *self)
{
	struct span_reader r = span_read(bytes);
	struct err e = version_context_read(&r, self);

	if (!failed(e) && !span_read_done(&r))
		e = err_make(ERR_MALFORMED, "trailing");
	return e;
}

static bool same(struct span bytes, void *self)
{
	struct buf b;
	bool equal;

	buf_init(&b, 4096);
	version_context_encode(self, &b);
	equal = span_eq(buf_span(&b), bytes);
	buf_clear(&b);
	return equal;
}

static void contexts_have_one_form(void **state)
{
	struct vector *v = *state;
	struct version_context c = {0};
	struct vector_decoder d = {decode, same, &c};

	vector_mutate(vector_bytes(v, vector_row(v, "leaf_core"),
				   "context_encoded"),
		      &d);
}

static void put_entry(struct buf *b, const char *nation, uint64_t replica,
		      uint16_t ranges)
{
	buf_put_str(b, nation);
	buf_put_u64(b, replica);
	buf_put_u16(b, ranges);
}

static void contexts_out_of_order_are_refused(void **state)
{
	static const struct {
		const char *nation;
		uint64_t from, to, from2, to2;
	} bad[] = {
		{"GBR", 0, 1, 3, 3},	      {"GBR", 2, 1, 3, 3},
		{"GBR", 1, 2, 3, 3},	      {"GBR", 1, 2, 2, 2},
		{"GBR", 5, 6, 1, 2},	      {"gbr", 1, 1, 3, 3},
		{"GBR", 1, UINT64_MAX, 3, 3},
	};
	struct version_context c;
	struct span_reader r;
	struct buf b;

	buf_init(&b, 4096);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		buf_reset(&b);
		buf_put_u16(&b, 1);
		put_entry(&b, bad[i].nation, 1, 2);
		buf_put_u64(&b, bad[i].from);
		buf_put_u64(&b, bad[i].to);
		buf_put_u64(&b, bad[i].from2);
		buf_put_u64(&b, bad[i].to2);
		r = span_read(buf_span(&b));
		assert_err(version_context_read(&r, &c), ERR_MALFORMED);
	}
	buf_reset(&b);
	buf_put_u16(&b, 1);
	put_entry(&b, "GBR", 1, 65);
	for (uint64_t i = 0; i < 65; i++) {
		buf_put_u64(&b, 2 * i + 1);
		buf_put_u64(&b, 2 * i + 1);
	}
	r = span_read(buf_span(&b));
	assert_err(version_context_read(&r, &c), ERR_TOO_LARGE);
	buf_clear(&b);
}

/* ---- winner ---- */

static void the_winner_is_by_statement_home_dots_and_digest(void **state)
{
	struct version_context one = {0}, two = {0};
	struct version a, b,
		base = {.own = {dot_of("DEU", 1, 4), &one}, .statement = 2};
	struct nation home = vector_nation("GBR");

	assert_ok(version_context_insert(&one, dot_of("GBR", 1, 1)));
	assert_ok(version_context_insert(&two, dot_of("GBR", 1, 1)));
	assert_ok(version_context_insert(&two, dot_of("GBR", 1, 2)));

	a = b = base;
	assert_int_equal(version_order(&a, &b, home), 0);
	b.digest.at[0] = 1;
	assert_true(version_order(&a, &b, home) < 0);
	a.own.context = &two;
	assert_true(version_order(&a, &b, home) > 0);
	b.own.dot = dot_of("GBR", 1, 9);
	assert_true(version_order(&a, &b, home) < 0);
	a.statement = 3;
	assert_true(version_order(&a, &b, home) > 0);
	assert_true(version_order(&b, &a, home) < 0);
}

/* ---- a seal is a nation's word on dots of its own nation only ---- */

static void a_foreign_dot_counts_only_under_a_seal_of_its_nation(void **state)
{
	struct version_context all = {0}, none = {0};
	struct version_word word = {dot_of("GBR", 1, 3), &none};
	struct version liar = {.digest = {{1}},
			       .own = {dot_of("FRA", 1, 1), &all}};

	for (uint64_t i = 1; i < 100; i++)
		assert_ok(version_context_insert(&all, dot_of("GBR", 1, i)));
	assert_ok(version_context_insert(&all, dot_of("FRA", 2, 7)));
	assert_false(version_covers(&liar, dot_of("GBR", 1, 3)));
	assert_true(version_covers(&liar, dot_of("FRA", 2, 7)));
	assert_false(version_covers(&liar, dot_of("FRA", 2, 8)));
	liar.evidence = &word;
	liar.evidence_count = 1;
	assert_true(version_covers(&liar, dot_of("GBR", 1, 3)));
	assert_false(version_covers(&liar, dot_of("GBR", 1, 2)));
	word.context = &all;
	assert_true(version_covers(&liar, dot_of("GBR", 1, 2)));
	/* A seal of a third nation says nothing about GBR. */
	word.dot = dot_of("DEU", 1, 3);
	assert_false(version_covers(&liar, dot_of("GBR", 1, 2)));
	/* Evidence without the own context says nothing either. */
	word.dot = dot_of("GBR", 1, 3);
	liar.own.context = &none;
	assert_false(version_covers(&liar, dot_of("GBR", 1, 3)));
}

static void a_named_parent_falls_and_nothing_falls_by_itself(void **state)
{
	struct version_context none = {0}, own = {0};
	struct version parent = {.digest = {{1}},
				 .own = {dot_of("GBR", 1, 1), &none}};
	struct version child = {.digest = {{2}},
				.own = {dot_of("DEU", 1, 1), &none},
				.parents = &parent.digest,
				.parents_count = 1};

	assert_true(version_falls(&parent, &child));
	assert_false(version_falls(&child, &parent));
	assert_ok(version_context_insert(&own, dot_of("GBR", 1, 1)));
	parent.own.context = &own;
	assert_false(version_falls(&parent, &parent));
}

static void too_many_ranges_or_seals_cover_less(void **state)
{
	static struct version_context many[16], none;
	static struct version parents[16];
	static struct version_word words[16][VERSION_EVIDENCE_MAX];
	static struct version_made made;

	/* 16 parents of 33 far ranges each, under 32 seals each. */
	for (unsigned i = 0; i < 16; i++) {
		for (unsigned k = 0; k < VERSION_EVIDENCE_MAX; k++) {
			char nation[4] = {'X', (char)('A' + i % 26),
					  (char)('A' + k % 26), 0};
			words[i][k].dot = dot_of(nation, i + 1, 10 * k + 1);
			words[i][k].context = &none;
			assert_ok(version_context_insert(&many[i],
							 words[i][k].dot));
		}
		assert_ok(version_context_insert(&many[i],
						 dot_of("GBR", i + 1, 7)));
		parents[i] = (struct version){
			.digest = {{(uint8_t)(i + 1)}},
			.own = {dot_of("GBR", i + 1, 9), &many[i]},
			.evidence = words[i],
			.evidence_count = VERSION_EVIDENCE_MAX,
		};
	}
	assert_ok(version_make(vector_nation("FRA"), parents, 16, &made));
	assert_int_equal(made.context.count, VERSION_RANGES_MAX);
	assert_int_equal(made.evidence_count, VERSION_EVIDENCE_MAX);
	/* Nothing leaks when the last of several is refused. */
	parents[15].evidence_count = VERSION_EVIDENCE_MAX + 1;
	assert_err(version_make(vector_nation("FRA"), parents, 16, &made),
		   ERR_TOO_LARGE);
	assert_err(version_make(vector_nation("FRA"), parents, 17, &made),
		   ERR_TOO_LARGE);
	assert_ok(version_make(vector_nation("FRA"), parents, 0, &made));
	assert_int_equal(made.context.count, 0);
	assert_int_equal(made.evidence_count, 0);
}

/* ---- random histories: four relays, one of which may lie ---- */

enum { STEPS = 60, RELAYS = 4 };

struct rev {
	struct version v;
	struct version_context context;
	struct version_word words[VERSION_EVIDENCE_MAX];
	struct digest parents[2];
	size_t parent[2]; /* indices */
};

struct history {
	struct rev revs[STEPS];
	size_t count;
	bool held[RELAYS][STEPS]; /* standing heads */
	uint64_t counters[RELAYS];
	bool believe_contexts; /* the fault planted: rule A */
	size_t most_evidence;
};

static bool falls(const struct history *h, size_t a, size_t by)
{
	const struct rev *s = &h->revs[by];

	if (a == by)
		return false;
	if (h->believe_contexts)
		return version_context_has(&s->context, h->revs[a].v.own.dot);
	return version_falls(&h->revs[a].v, &s->v);
}

static void prune(struct history *h, int relay)
{
	for (size_t a = 0; a < h->count; a++)
		for (size_t by = 0; by < h->count && h->held[relay][a]; by++)
			if (h->held[relay][by] && falls(h, a, by))
				h->held[relay][a] = false;
}

static void import(struct history *h, int to, int from)
{
	for (size_t a = 0; a < h->count; a++) {
		bool covered = !h->held[from][a];

		for (size_t by = 0; by < h->count && !covered; by++)
			covered = h->held[to][by] && falls(h, a, by);
		if (!covered)
			h->held[to][a] = true;
	}
	prune(h, to);
}

/* An edit at `relay` over one or two of its heads. */
static void edit(struct history *h, const char *nation, int relay, bool lies,
		 uint64_t *seed)
{
	struct rev *r = &h->revs[h->count];
	struct version parents[2];
	size_t heads[STEPS], n = 0, count;
	struct version_made made;

	for (size_t i = 0; i < h->count; i++)
		if (h->held[relay][i])
			heads[n++] = i;
	count = n ? 1 + vector_next(seed) % (n > 1 ? 2 : 1) : 0;
	*r = (struct rev){0};
	for (size_t i = 0; i < count; i++) {
		size_t pick = i + vector_next(seed) % (n - i), t = heads[i];

		heads[i] = heads[pick];
		heads[pick] = t;
		r->parent[i] = heads[i];
		r->parents[i] = h->revs[heads[i]].v.digest;
		parents[i] = h->revs[heads[i]].v;
	}
	assert_ok(version_make(vector_nation(nation), parents, count, &made));
	r->context = made.context;
	for (size_t i = 0; i < made.evidence_count; i++) {
		struct version_source s = made.evidence[i];

		r->words[i] = s.evidence == VERSION_OWN_SEAL
				      ? parents[s.parent].own
				      : parents[s.parent].evidence[s.evidence];
	}
	if (made.evidence_count > h->most_evidence)
		h->most_evidence = made.evidence_count;
	if (lies)
		for (uint64_t i = 1; i < 200; i++) {
			assert_ok(version_context_insert(&r->context,
							 dot_of("XXX", 1, i)));
			assert_ok(version_context_insert(&r->context,
							 dot_of("YYY", 1, i)));
		}
	r->v = (struct version){
		.own = {dot_of(nation, 1, ++h->counters[relay]), &r->context},
		.parents = r->parents,
		.parents_count = count,
		.evidence = r->words,
		.evidence_count = made.evidence_count,
	};
	memcpy(r->v.digest.at, nation, 3);
	r->v.digest.at[3] = (uint8_t)h->counters[relay];
	h->held[relay][h->count++] = true;
	prune(h, relay);
}

struct outcome {
	bool lost, spare, diverged;
};

static struct outcome run(uint64_t seed, bool liar, bool believe, size_t *most)
{
	static const char *const nations[] = {"XXX", "YYY", "CCC", "ZZZ"};
	static struct history h;
	bool dead[STEPS] = {0};
	struct outcome o = {0};

	h = (struct history){.believe_contexts = believe};
	for (int step = 0; step < STEPS; step++) {
		int n = (int)(vector_next(&seed) % RELAYS);

		if (vector_next(&seed) & 1)
			edit(&h, nations[n], n, liar && n == 3, &seed);
		else
			import(&h, n,
			       (n + 1 + (int)(vector_next(&seed) % 3)) %
				       RELAYS);
	}
	for (int round = 0; round < 4; round++)
		for (int n = 0; n < RELAYS; n++)
			for (int m = 0; m < RELAYS; m++)
				import(&h, n, m);
	/* The truth, by signed parents. */
	for (size_t i = h.count; i-- > 0;)
		for (size_t k = 0; k < h.revs[i].v.parents_count; k++)
			dead[h.revs[i].parent[k]] = true;
	for (size_t i = 0; i < h.count; i++) {
		o.lost |= !dead[i] && !h.held[2][i];
		o.spare |= dead[i] && h.held[2][i];
		for (int n = 0; n < RELAYS; n++)
			o.diverged |= h.held[n][i] != h.held[2][i];
	}
	if (h.most_evidence > *most)
		*most = h.most_evidence;
	return o;
}

enum { SEEDS = 2000 };

static void no_history_loses_a_true_head(void **state)
{
	size_t most = 0;

	for (int liar = 0; liar < 2; liar++)
		for (uint64_t seed = 0; seed < SEEDS; seed++) {
			struct outcome o = run(seed, liar, false, &most);

			assert_false(o.lost);
			assert_false(o.diverged);
			if (!liar)
				assert_false(o.spare);
		}
	assert_true(most >= 2 && most <= VERSION_EVIDENCE_MAX);
	print_message("most seals beside a revision: %zu\n", most);
}

static void believing_contexts_would_lose_heads_to_a_liar(void **state)
{
	size_t most = 0;
	unsigned honest = 0, lost = 0;

	for (uint64_t seed = 0; seed < SEEDS; seed++) {
		honest += run(seed, false, true, &most).lost;
		lost += run(seed, true, true, &most).lost;
	}
	assert_int_equal(honest, 0);
	assert_true(lost > SEEDS / 100);
	print_message("histories with a head lost: %u of %d\n", lost, SEEDS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(dots_have_one_text),
		cmocka_unit_test(ranges_that_touch_become_one),
		cmocka_unit_test(a_context_holds_at_most_64_ranges),
		cmocka_unit_test(contexts_are_sets),
		cmocka_unit_test(contexts_have_one_form),
		cmocka_unit_test(contexts_out_of_order_are_refused),
		cmocka_unit_test(
			the_winner_is_by_statement_home_dots_and_digest),
		cmocka_unit_test(
			a_foreign_dot_counts_only_under_a_seal_of_its_nation),
		cmocka_unit_test(
			a_named_parent_falls_and_nothing_falls_by_itself),
		cmocka_unit_test(too_many_ranges_or_seals_cover_less),
		cmocka_unit_test(no_history_loses_a_true_head),
		cmocka_unit_test(believing_contexts_would_lose_heads_to_a_liar),
	};

	return cmocka_run_group_tests(tests, vector_setup, vector_teardown);
}
