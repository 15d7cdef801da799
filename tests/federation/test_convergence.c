/*
 * Random histories over three relays, with cuts, restarts and clock steps.
 * When all is quiet, every device holds exactly those heads of a document
 * that its home holds and their labels release, and all agree on the winner.
 *
 * SEEDS sets the number of histories, SEED the only one to run, TRACE prints
 * what is done.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

#include "tests/federation/three.h"

enum { DOCS = 2, STEPS = 80, DEFAULT_SEEDS = 30 };

struct history {
	struct three t;
	uint64_t chance;
	unsigned seed;
	struct doc_id docs[DOCS];
	enum three_device makers[DOCS];
	size_t doc_count;
	unsigned writes;
	bool trace;
};

static uint64_t draw(struct history *h)
{
	uint64_t z = h->chance += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

static unsigned below(struct history *h, unsigned n)
{
	return (unsigned)(draw(h) % n);
}

static void tell(struct history *h, const char *what, int a, int b,
		 struct err e)
{
	if (h->trace)
		printf("  %s %d %d: %s %s\n", what, a, b, err_row(e.code)->name,
		       e.detail ? e.detail : "");
}

/* ---- steps ---- */

/* What a device may be told in an honest history. */
static void allowed(struct history *h, const char *what, struct err e)
{
	switch (e.code) {
	case ERR_OK:
	case ERR_CONFLICT:
	case ERR_EXISTS:
	case ERR_NOT_FOUND:
	case ERR_NOT_RELEASABLE:
	case ERR_GONE:
	case ERR_FORBIDDEN:
	case ERR_MISSING_KEY:
	case ERR_UNREACHABLE:
	case ERR_REPLAYED:
		return;
	default:
		fail_msg("seed %u: %s: %s: %s", h->seed, what,
			 err_row(e.code)->name, e.detail ? e.detail : "");
	}
}

static enum three_label label_for(struct history *h, int device)
{
	for (;;) {
		enum three_label l = (enum three_label)below(h, SECRET);

		if (three_releases(l, (enum three_device)device))
			return l;
	}
}

static void step_new(struct history *h)
{
	int d = (int)below(h, THREE_DEVICES);
	enum three_label l = label_for(h, d);
	char text[32];
	struct err e;

	if (h->doc_count == DOCS)
		return;
	snprintf(text, sizeof(text), "new %u", h->writes++);
	e = world_put(&h->t.w, h->t.devices[d], "GBR/ops",
		      buf_span(&h->t.labels[l]), "title", span_str(text),
		      &h->docs[h->doc_count]);
	tell(h, "new", d, (int)l, e);
	allowed(h, "new", e);
	if (!failed(e))
		h->makers[h->doc_count++] = (enum three_device)d;
}

/* A device that holds the document, by chance; -1: none. */
static int holder(struct history *h, int doc)
{
	int d = (int)below(h, THREE_DEVICES);

	for (int i = 0; i < THREE_DEVICES; i++, d = (d + 1) % THREE_DEVICES)
		if (world_heads(h->t.devices[d], h->docs[doc]))
			return d;
	return -1;
}

static void step_edit(struct history *h)
{
	char text[32];
	struct err e;
	int i, d;

	if (!h->doc_count)
		return;
	i = (int)below(h, (unsigned)h->doc_count);
	d = holder(h, i);
	if (d < 0)
		return;
	snprintf(text, sizeof(text), "edit %u", h->writes++);
	e = world_edit(&h->t.w, h->t.devices[d], h->docs[i], span_str(text));
	tell(h, "edit", d, i, e);
	allowed(h, "edit", e);
}

static void step_state(struct history *h, enum statement_kind kind)
{
	int i, d;
	enum three_label l;
	struct err e;

	if (!h->doc_count)
		return;
	i = (int)below(h, (unsigned)h->doc_count);
	/* Somebody of the home nation. */
	d = h->makers[i];
	if (d < FLEUR && below(h, 2))
		d ^= 1;
	if (!world_heads(h->t.devices[d], h->docs[i]))
		return;
	l = label_for(h, d);
	e = world_state(&h->t.w, h->t.devices[d], h->docs[i], kind,
			kind == STATEMENT_LABEL ? buf_span(&h->t.labels[l])
						: span_str(""));
	tell(h, kind == STATEMENT_LABEL ? "label" : "delete or recall", d, i,
	     e);
	allowed(h, "state", e);
}

static void step_sync(struct history *h)
{
	int d = (int)below(h, THREE_DEVICES);
	struct err e = world_sync(&h->t.w, h->t.devices[d]);

	tell(h, "sync", d, 0, e);
	allowed(h, "sync", e);
}

/* A cut link begins again only after its wait. */
static void step_pump(struct history *h)
{
	testclock_forward(&h->t.w.time, 40000);
	world_pump(&h->t.w);
	tell(h, "pump", 0, 0, ERR_NONE);
	for (int d = 0; d < THREE_DEVICES; d++)
		if (below(h, 2))
			allowed(h, "sync",
				world_sync(&h->t.w, h->t.devices[d]));
}

static void step_cut(struct history *h)
{
	int r = (int)below(h, 3);

	h->t.w.relays[r].cut = !h->t.w.relays[r].cut;
	tell(h, "cut", r, h->t.w.relays[r].cut, ERR_NONE);
}

static void step_restart(struct history *h)
{
	int r = (int)below(h, 3);

	world_close(&h->t.w, &h->t.w.relays[r]);
	world_open(&h->t.w, &h->t.w.relays[r]);
	tell(h, "restart", r, 0, ERR_NONE);
}

static void step_clock(struct history *h)
{
	static const uint64_t by[] = {1, 1000, 60000, 3600000, 21600000};
	unsigned i = below(h, 5);

	testclock_forward(&h->t.w.time, by[i]);
	tell(h, "clock", (int)by[i], 0, ERR_NONE);
}

static void step(struct history *h)
{
	unsigned n = below(h, 100);

	if (n < 6)
		step_new(h);
	else if (n < 36)
		step_edit(h);
	else if (n < 52)
		step_state(h, STATEMENT_LABEL);
	else if (n < 54)
		step_state(h, STATEMENT_DELETE);
	else if (n < 55)
		step_state(h, STATEMENT_RECALL);
	else if (n < 72)
		step_sync(h);
	else if (n < 87)
		step_pump(h);
	else if (n < 92)
		step_cut(h);
	else if (n < 94)
		step_restart(h);
	else
		step_clock(h);
}

/* ---- what must hold at the end ---- */

static struct world_relay *home_of(struct history *h, size_t doc)
{
	return h->t.devices[h->makers[doc]]->home;
}

/* Do all labels that the head stands under release it to the device? */
static bool may_see(struct history *h, const struct document *doc,
		    const struct document_head *head, int device)
{
	struct digest labels[DOCUMENT_STANDS_MAX];
	size_t n = document_labels(doc, head, labels);

	if (head->shelf == SHELF_NONE || n == 0)
		return false;
	for (size_t i = 0; i < n; i++) {
		int l = 0;

		while (l < THREE_LABELS &&
		       !digest_eq(h->t.digests[l], labels[i]))
			l++;
		assert_int_not_equal(l, THREE_LABELS);
		if (!three_releases((enum three_label)l,
				    (enum three_device)device))
			return false;
	}
	return true;
}

static void dump(struct history *h, size_t i)
{
	for (size_t r = 0; r < 3; r++) {
		struct arena arena;
		struct document *doc;

		arena_init(&arena, DOCUMENT_ARENA_MAX);
		doc = three_document(&h->t.w.relays[r], h->docs[i], &arena);
		printf("  relay %zu: %s\n", r, doc ? "" : "nothing");
		for (size_t n = 0; doc && n < doc->statements_count; n++)
			printf("    statement %d kind %d %02x%02x\n",
			       (int)doc->statements[n].number,
			       doc->statements[n].kind,
			       doc->statements[n].digest.at[0],
			       doc->statements[n].digest.at[1]);
		for (size_t n = 0; doc && n < doc->heads_count; n++) {
			struct document_head *d = &doc->heads[n];

			printf("    head %02x%02x dot %.3s:%d st %d shelf %u "
			       "place %d stands",
			       d->digest.at[0], d->digest.at[1],
			       d->seals[0].dot.replica.nation.code,
			       (int)d->seals[0].dot.counter, (int)d->statement,
			       d->shelf, d->place);
			for (size_t s = 0; s < d->stands_count; s++)
				printf(" %d", (int)doc->statements[d->stands[s]]
						      .number);
			printf(" parents");
			for (size_t s = 0; s < d->parents_count; s++)
				printf(" %02x%02x", d->parents[s].at[0],
				       d->parents[s].at[1]);
			printf("\n");
		}
		arena_clear(&arena);
	}
	for (int d = 0; d < THREE_DEVICES; d++) {
		const struct journal_document *doc =
			journal_find_document(engine_journal(
						      h->t.devices[d]->engine),
					      h->docs[i]);

		printf("  device %d:", d);
		for (size_t n = 0; doc && n < doc->heads_count; n++)
			printf(" %02x%02x%s", doc->heads[n].digest.at[0],
			       doc->heads[n].digest.at[1],
			       doc->heads[n].winner ? "*" : "");
		printf("\n");
	}
}

/*
 * An edit of the device's own nation that its home no longer shows it, while
 * another head stays in sight: the nation keeps what it wrote itself, since a
 * row does not say whether the home knows of it.
 */
static bool own_word(struct history *h, const struct document *doc,
		     const struct document_head *head, int device)
{
	struct nation own = h->t.devices[device]->home->nation;

	return !nation_eq(doc->home, own) &&
	       nation_eq(head->seals[0].dot.replica.nation, own);
}

static void check_device(struct history *h, size_t i,
			 const struct document *doc, int device)
{
	const struct journal_document *held =
		journal_find_document(engine_journal(
					      h->t.devices[device]->engine),
				      h->docs[i]);
	bool visible[DOCUMENT_HEADS_MAX] = {false};
	size_t count = 0, winner;
	struct buf out;
	struct err e;

	for (size_t n = 0; n < doc->heads_count; n++) {
		visible[n] =
			may_see(h, doc, &doc->heads[n], device) ||
			(own_word(h, doc, &doc->heads[n], device) && held &&
			 journal_find_head(held, doc->heads[n].digest));
		count += visible[n];
		if (visible[n] !=
		    (held && journal_find_head(held, doc->heads[n].digest)))
			goto bad;
	}
	if (count != (held ? held->heads_count : 0))
		goto bad;
	if (!count)
		return;
	winner = document_winner(doc, visible);
	if (!digest_eq(journal_winner(held)->digest, doc->heads[winner].digest))
		goto bad;
	buf_init(&out, 1 << 20);
	e = world_read(&h->t.w, h->t.devices[device], h->docs[i], &out);
	buf_clear(&out);
	if (!failed(e))
		return;
	printf("  cannot be read: %s %s\n", err_row(e.code)->name,
	       e.detail ? e.detail : "");
bad:
	dump(h, i);
	fail_msg("seed %u: document %zu at device %d", h->seed, i, device);
}

/* Nobody lied: nothing is quarantined. */
static void check_quarantine(struct history *h, struct world_relay *r)
{
	struct quarantined q = {0};
	struct txn *txn = NULL;
	struct arena arena;
	bool any = false;

	arena_init(&arena, 1 << 20);
	world_must(txn_begin_read(r->core->store, STORE_RECORDS, &txn));
	while (!failed(quarantine_next(txn, &arena, &q))) {
		any = true;
		printf("  %.3s refuses of %.3s %02x%02x: %s: %.*s\n",
		       r->nation.code, q.from.code, q.digest.at[0],
		       q.digest.at[1], err_row(q.code)->name, (int)q.detail.len,
		       (const char *)q.detail.at);
	}
	txn_abort(&txn);
	arena_clear(&arena);
	if (any)
		fail_msg("seed %u: quarantine", h->seed);
}

static void check(struct history *h)
{
	for (int r = 0; r < 3; r++)
		check_quarantine(h, &h->t.w.relays[r]);
	for (size_t i = 0; i < h->doc_count; i++) {
		struct document *doc;
		struct arena arena;

		arena_init(&arena, DOCUMENT_ARENA_MAX);
		doc = three_document(home_of(h, i), h->docs[i], &arena);
		assert_non_null(doc);
		for (int d = 0; d < THREE_DEVICES; d++)
			check_device(h, i, doc, d);
		arena_clear(&arena);
	}
}

static void quiet(struct history *h)
{
	for (int i = 0; i < 3; i++)
		h->t.w.relays[i].cut = false;
	for (int i = 0; i < 3; i++)
		three_settle(&h->t);
}

static void run(unsigned seed)
{
	struct history *h = calloc(1, sizeof(*h));

	*h = (struct history){.chance = seed, .seed = seed};
	h->trace = getenv("TRACE") != NULL;
	three_new(&h->t, seed);
	for (int i = 0; i < STEPS; i++)
		step(h);
	quiet(h);
	check(h);
	three_free(&h->t);
	free(h);
}

static void random_histories_converge(void **state)
{
	const char *only = getenv("SEED"), *many = getenv("SEEDS");
	unsigned count = many ? (unsigned)atoi(many) : DEFAULT_SEEDS;
	unsigned from = only ? (unsigned)atoi(only) : 1;

	if (only)
		count = 1;
	printf("seeds %u to %u\n", from, from + count - 1);
	for (unsigned i = 0; i < count; i++)
		run(from + i);
}

/* ---- orders of arrival, one by one ---- */

static struct three *story(uint64_t seed)
{
	struct three *t = calloc(1, sizeof(*t));

	three_new(t, seed);
	return t;
}

static void story_end(struct three *t)
{
	three_free(t);
	free(t);
}

static void edit(struct three *t, int device, struct doc_id id,
		 const char *text)
{
	world_must(world_edit(&t->w, t->devices[device], id, span_str(text)));
	world_must(world_sync(&t->w, t->devices[device]));
}

static struct doc_id plan(struct three *t)
{
	struct doc_id id;

	world_must(world_put(&t->w, t->devices[ALICE], "GBR/ops",
			     buf_span(&t->labels[REL_ALL]), "plan",
			     span_str("base"), &id));
	three_settle(t);
	return id;
}

static void label(struct three *t, struct doc_id id, enum three_label l)
{
	world_must(world_state(&t->w, t->devices[ALICE], id, STATEMENT_LABEL,
			       buf_span(&t->labels[l])));
}

/* Who holds how many heads. */
static void held(struct three *t, struct doc_id id, size_t alice, size_t bob,
		 size_t dora, size_t emil, size_t fleur)
{
	const size_t want[] = {alice, bob, dora, emil, fleur};

	for (int i = 0; i < THREE_DEVICES; i++)
		assert_int_equal(world_heads(t->devices[i], id), want[i]);
}

static void winners_are_the_same(struct three *t, struct doc_id id)
{
	const struct digest *first = NULL;

	for (int i = 0; i < THREE_DEVICES; i++) {
		const struct journal_document *d =
			journal_find_document(engine_journal(
						      t->devices[i]->engine),
					      id);

		if (!d || !d->heads_count)
			continue;
		if (!first)
			first = &journal_winner(d)->digest;
		assert_true(digest_eq(*first, journal_winner(d)->digest));
	}
}

static void a_label_over_one_head_takes_that_one_back(void **state)
{
	struct three *t = story(1);
	struct doc_id id = plan(t);

	edit(t, ALICE, id, "hers");
	edit(t, FLEUR, id, "beside");
	world_pump(&t->w);
	/* Alice has not seen what stands beside: her label is not over it. */
	label(t, id, REL_GBR);
	three_settle(t);
	held(t, id, 2, 0, 1, 0, 1);
	/* Hers is with her alone, the other with all whom label 1 names. */
	for (int i = DORA; i <= FLEUR; i += FLEUR - DORA) {
		struct buf out;

		buf_init(&out, 1 << 20);
		world_must(world_read(&t->w, t->devices[i], id, &out));
		assert_true(span_eq_str(buf_span(&out), "beside"));
		buf_clear(&out);
	}
	story_end(t);
}

static void a_withdrawn_edit_of_ours_comes_again_when_widened(void **state)
{
	struct three *t = story(2);
	struct doc_id id = plan(t);

	edit(t, DORA, id, "by dora");
	three_settle(t);
	label(t, id, REL_GBR);
	three_settle(t);
	held(t, id, 1, 0, 0, 0, 0);
	label(t, id, REL_ALL);
	three_settle(t);
	held(t, id, 1, 0, 1, 0, 1);
	winners_are_the_same(t, id);
	story_end(t);
}

static void
a_head_comes_without_the_statement_it_was_written_under(void **state)
{
	struct three *t = story(3);
	struct doc_id id = plan(t);

	/* Written under statement 2, which nobody else ever sees. */
	label(t, id, REL_GBR);
	three_settle(t);
	edit(t, ALICE, id, "inside");
	label(t, id, REL_ALL);
	three_settle(t);
	held(t, id, 1, 0, 1, 0, 1);
	winners_are_the_same(t, id);
	story_end(t);
}

static void edit_and_relabel_cross_in_both_orders(void **state)
{
	/* DEU, then FRA, learns of the label after the edit. */
	for (int cut = 1; cut <= 2; cut++) {
		struct three *t = story(4);
		struct doc_id id = plan(t);

		t->w.relays[cut].cut = true;
		label(t, id, OPEN);
		edit(t, cut == 1 ? DORA : FLEUR, id, "crossing");
		world_pump(&t->w);
		t->w.relays[cut].cut = false;
		three_settle(t);
		three_settle(t);
		/* Under both labels: for whom both release. */
		held(t, id, 1, 0, 1, 0, 1);
		winners_are_the_same(t, id);
		story_end(t);
	}
}

static void edits_of_two_foreign_nations_meet_at_home(void **state)
{
	struct three *t = story(5);
	struct doc_id id = plan(t);

	t->gbr->cut = true;
	edit(t, FLEUR, id, "by fleur");
	edit(t, DORA, id, "by dora");
	world_pump(&t->w);
	t->gbr->cut = false;
	three_settle(t);
	three_settle(t);
	held(t, id, 2, 0, 2, 0, 2);
	winners_are_the_same(t, id);
	edit(t, FLEUR, id, "merged");
	three_settle(t);
	held(t, id, 1, 0, 1, 0, 1);
	story_end(t);
}

static void a_delete_beats_an_edit_that_comes_late(void **state)
{
	struct three *t = story(6);
	struct doc_id id = plan(t);
	struct document *doc;
	struct arena arena;

	t->fra->cut = true;
	edit(t, FLEUR, id, "late");
	world_must(world_state(&t->w, t->devices[ALICE], id, STATEMENT_DELETE,
			       span_str("")));
	three_settle(t);
	t->fra->cut = false;
	three_settle(t);
	three_settle(t);
	held(t, id, 0, 0, 0, 0, 0);
	arena_init(&arena, DOCUMENT_ARENA_MAX);
	doc = three_document(t->gbr, id, &arena);
	assert_int_equal(doc->state, DOCUMENT_DELETED);
	arena_clear(&arena);
	story_end(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_label_over_one_head_takes_that_one_back),
		cmocka_unit_test(
			a_withdrawn_edit_of_ours_comes_again_when_widened),
		cmocka_unit_test(
			a_head_comes_without_the_statement_it_was_written_under),
		cmocka_unit_test(edit_and_relabel_cross_in_both_orders),
		cmocka_unit_test(edits_of_two_foreign_nations_meet_at_home),
		cmocka_unit_test(a_delete_beats_an_edit_that_comes_late),
		cmocka_unit_test(random_histories_converge),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
