/*
 * The histories of the three models through the real store: feed (one head a
 * document), heads (several, each on its own shelf), versions (four relays,
 * one of which may lie).  What a client holds at the end is compared with the
 * documents one by one.  Rules that are switched off must be found out.
 *
 * MODEL_SEEDS sets the number of histories of each.
 */
#define ENTENTE_FAULTS 1
#include "storage/feed.c"
#include "storage/resolve_version.c"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>

#include "storage/resolve_inside.h"
#include "tests/storage/scene.h"

struct storage_faults storage_faults;

enum {
	LABELS = 4,
	DOCS = 5,
	SETTLE = 600,
	FAULT_SEEDS = 2000, /* within which each planted fault is found */
};

static unsigned seeds(void)
{
	const char *text = getenv("MODEL_SEEDS");

	return text ? (unsigned)strtoul(text, NULL, 10) : 2000;
}

/* ---- chance ---- */

struct chance {
	uint64_t state;
};

static uint64_t draw(struct chance *c)
{
	uint64_t z = c->state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

static unsigned below(struct chance *c, unsigned n)
{
	return (unsigned)(draw(c) % n);
}

static bool percent(struct chance *c, unsigned p)
{
	return below(c, 100) < p;
}

/* `count` of the labels, as bits. */
static unsigned some_labels(struct chance *c, unsigned count)
{
	unsigned bits = 0;

	while ((unsigned)__builtin_popcount(bits) < count)
		bits |= 1u << below(c, LABELS);
	return bits;
}

/* ---- a client that may lose answers and repeat cursors ---- */

struct client {
	struct digest hold[DOCS][LABELS]; /* zero: nothing */
	bool has_cursor, has_prev;
	struct cursor cursor, prev;
};

struct brought {
	unsigned document;
	struct digest hold[LABELS];
};

struct model {
	struct scene scene;
	struct chance chance;
	struct client client;
	unsigned view; /* W */
	bool there[DOCS], dead[DOCS];
	uint64_t told; /* digests of revisions */
	bool several;  /* heads */
	bool expire;   /* gone rows are dropped at any time */
	struct feed_expiry at;
	size_t brought_count; /* by the page in hand */
	struct brought brought[4];
};

static unsigned label_of(struct model *m, uint32_t shelf)
{
	return shelf_get(m->scene.index, shelf)->labels[0].at[31];
}

static struct err take_row(void *self, const struct feed_row *row, bool *full)
{
	const struct document *doc = &row->read->doc;
	struct model *m = self;
	struct brought *to = &m->brought[m->brought_count++];

	(void)full;
	*to = (struct brought){.document = row->id.at[15]};
	for (size_t h = 0; h < doc->heads_count; h++)
		if (row->read->visible[h])
			to->hold[label_of(m, doc->heads[h].shelf)] =
				doc->heads[h].digest;
	return ERR_NONE;
}

/* What a page says, in its order.  The client marks at a fresh page and sweeps
 * at the end; dropping at once is the same to the rows. */
static void take_page(struct model *m, const struct feed_page *p)
{
	struct client *c = &m->client;

	if (p->fresh)
		memset(c->hold, 0, sizeof(c->hold));
	for (uint32_t n = 0; (n = shelf_set_next(&p->forget, n));)
		for (unsigned i = 0; i < DOCS; i++)
			memset(&c->hold[i][label_of(m, n)], 0, DIGEST_LEN);
	for (size_t i = 0; i < m->brought_count; i++)
		memcpy(c->hold[m->brought[i].document], m->brought[i].hold,
		       sizeof(m->brought[i].hold));
}

/* A page as the daemon reads it. */
static bool page(struct model *m, const struct cursor *cursor, unsigned rows,
		 struct cursor *next)
{
	struct view *view = scene_view(&m->scene, m->view);
	struct feed_request request = {
		.reader = reader_nation(scene_nation("FRA")),
		.view = view,
		.cursor = cursor,
		.rows = rows,
	};
	struct feed_sink sink = {take_row, m};
	struct feed_page p;
	bool more;

	m->brought_count = 0;
	must(feed_page(m->scene.txn, m->scene.index, &request, &sink, &p));
	if (p.unchanged)
		assert_true(cursor_eq(cursor, &p.cursor));
	if (p.change.needed)
		must(ledger_apply(m->scene.txn, &p.change, &p.cursor));
	take_page(m, &p);
	*next = p.cursor;
	more = p.more;
	feed_page_clear(&p);
	view_free(view);
	return more;
}

static bool sync_once(struct model *m, bool crash)
{
	struct client *c = &m->client;
	const struct cursor *from = c->has_cursor ? &c->cursor : NULL;
	struct cursor next, used;
	bool more;

	if (!percent(&m->chance, 80) && c->has_prev)
		from = &c->prev;
	if (from) {
		used = *from;
		from = &used;
	}
	more = page(m, from, 1 + below(&m->chance, 3), &next);
	if (!crash) {
		c->has_prev = c->has_cursor;
		c->prev = c->cursor;
		c->has_cursor = true;
		c->cursor = next;
	}
	return more;
}

/* ---- documents that stand where the model says ---- */

static void base_document(struct document *doc, struct arena *arena, unsigned i)
{
	*doc = (struct document){
		.id = scene_doc(i),
		.home = scene_nation("GBR"),
		.opening = scene_opening(),
		.state = DOCUMENT_LIVE,
	};
	doc->statements =
		arena_array(arena, LABELS + 1, sizeof(*doc->statements));
	for (unsigned l = 0; l < LABELS; l++)
		doc->statements[l] = (struct document_statement){
			.number = l + 1,
			.kind = STATEMENT_LABEL,
			.evaluable = true,
			.digest = scene_digest(100 + l),
			.label = scene_label(l),
			.payload = span_str("{}"),
			.signature = span_of(doc->id.at, 0),
		};
	doc->statements_count = LABELS;
}

static const uint8_t no_signature[MANIFEST_SIG_LEN];
static const uint8_t no_context[2];

static void put_document(struct model *m, unsigned i, unsigned on,
			 unsigned touch, bool dead)
{
	struct resolve_result r = {.outcome = RESOLVE_ACCEPTED};
	struct document_writer w;
	struct document old;
	struct arena arena;

	if (m->dead[i])
		return;
	arena_init(&arena, DOCUMENT_ARENA_MAX);
	base_document(&r.doc, &arena, i);
	if (m->there[i]) {
		old = scene_read(&m->scene, scene_doc(i), &arena);
		r.doc.rows = old.rows;
		r.doc.rows_count = old.rows_count;
	}
	for (size_t s = 0; s < r.doc.statements_count; s++)
		r.doc.statements[s].signature = SPAN_OBJ(no_signature);
	r.doc.heads = arena_array(&arena, LABELS, sizeof(*r.doc.heads));
	for (unsigned l = 0; l < LABELS; l++) {
		struct document_head *h = &r.doc.heads[r.doc.heads_count];

		if (!(on >> l & 1))
			continue;
		*h = (struct document_head){
			.digest = scene_digest(1000 + m->told++),
			.payload = span_str("{}"),
			.signature = SPAN_OBJ(no_signature),
			.seals_count = 1,
			.stands_count = 1,
			.stands = {(uint16_t)l},
			.shelf = dead ? SHELF_NONE : RESOLVE_SHELF_WANTED,
		};
		h->seals = arena_array(&arena, 1, sizeof(*h->seals));
		h->seals[0].dot.counter = m->told;
		h->seals[0].context = SPAN_OBJ(no_context);
		/* A head that is not touched stays as it was. */
		for (size_t j = 0; m->there[i] && j < old.heads_count; j++)
			if (old.heads[j].stands[0] == l && !(touch >> l & 1)) {
				h->digest = old.heads[j].digest;
				h->seals = old.heads[j].seals;
			}
		r.doc.heads_count++;
	}
	if (dead) {
		r.doc.state = DOCUMENT_DELETED;
		r.doc.statements[LABELS] = r.doc.statements[LABELS - 1];
		r.doc.statements[LABELS].number = LABELS + 1;
		r.doc.statements[LABELS].kind = STATEMENT_DELETE;
		r.doc.statements_count++;
		m->dead[i] = true;
	}
	document_writer_begin(&w, m->scene.index, 1);
	must(document_apply(&w, m->scene.txn, m->there[i] ? &old : NULL, &r,
			    1000, NULL));
	must(document_writer_end(&w, m->scene.txn));
	m->there[i] = true;
	arena_clear(&arena);
}

static void put_some(struct model *m)
{
	unsigned on = some_labels(&m->chance,
				  m->several ? 1 + below(&m->chance, 3) : 1);

	put_document(m, below(&m->chance, DOCS), on,
		     m->several ? on & (unsigned)draw(&m->chance) : on, false);
}

static void remove_some(struct model *m)
{
	unsigned i = below(&m->chance, DOCS);

	if (m->there[i])
		put_document(m, i, 0, 0, true);
}

/* What the client must hold, document by document. */
static bool is_true(struct model *m)
{
	struct digest want[DOCS][LABELS] = {0};
	struct arena arena;

	for (unsigned i = 0; i < DOCS; i++) {
		struct document doc;

		if (!m->there[i])
			continue;
		arena_init(&arena, DOCUMENT_ARENA_MAX);
		doc = scene_read(&m->scene, scene_doc(i), &arena);
		for (size_t h = 0; h < doc.heads_count; h++) {
			unsigned l = doc.heads[h].stands[0];

			if (doc.state == DOCUMENT_LIVE && m->view >> l & 1)
				want[i][l] = doc.heads[h].digest;
		}
		arena_clear(&arena);
	}
	return memcmp(want, m->client.hold, sizeof(want)) == 0;
}

static void run_step(struct model *m)
{
	unsigned e = below(&m->chance, 100);

	if (m->expire && percent(&m->chance, 10))
		must(feed_expire(m->scene.txn, m->scene.index, 2000, 1000,
				 &m->at));
	if (e < 50)
		put_some(m);
	else if (e < 55)
		remove_some(m);
	else if (e < 70)
		m->view = some_labels(&m->chance, below(&m->chance, 5));
	else
		sync_once(m, percent(&m->chance, 30));
}

static bool run(struct tempstore *temp, uint64_t seed, bool several,
		bool expire)
{
	struct model m = {.several = several, .expire = expire};
	unsigned steps, i;
	bool more = true, good;
	struct cursor next, used;

	m.chance.state = seed * 2 + several;
	scene_new(&m.scene, temp);
	m.view = some_labels(&m.chance, 2);
	steps = 5 + below(&m.chance, 36);
	while (steps--)
		run_step(&m);
	for (i = 0; more && i < SETTLE; i++) {
		used = m.client.cursor;
		more = page(&m, m.client.has_cursor ? &used : NULL, 3, &next);
		m.client.has_cursor = true;
		m.client.cursor = next;
	}
	good = !more && is_true(&m);
	scene_free(&m.scene);
	return good;
}

/* Whether one of `count` histories ends wrong. */
static bool wrong(struct tempstore *temp, bool several, bool expire,
		  unsigned count)
{
	for (unsigned seed = 0; seed < count; seed++)
		if (!run(temp, seed, several, expire)) {
			print_message("first wrong seed %u\n", seed);
			return true;
		}
	return false;
}

static void a_client_holds_what_it_may_see(void **state)
{
	storage_faults = (struct storage_faults){0};
	assert_false(wrong(*state, false, false, seeds()));
}

static void a_client_holds_each_head_it_may_see(void **state)
{
	storage_faults = (struct storage_faults){0};
	assert_false(wrong(*state, true, false, seeds()));
}

static void dropped_gone_rows_refill_their_shelf(void **state)
{
	storage_faults = (struct storage_faults){0};
	assert_false(wrong(*state, true, true, seeds()));
}

static void without_a_ledger_histories_end_wrong(void **state)
{
	storage_faults = (struct storage_faults){.no_ledger = true};
	assert_true(wrong(*state, false, false, FAULT_SEEDS));
}

static void a_loss_that_voids_no_cursor_is_found(void **state)
{
	storage_faults = (struct storage_faults){.loss_keeps = true};
	assert_true(wrong(*state, false, false, FAULT_SEEDS));
}

static void a_gone_row_passed_over_is_found(void **state)
{
	storage_faults = (struct storage_faults){.gone_passed = true};
	assert_true(wrong(*state, false, false, FAULT_SEEDS));
}

/* ---- versions ---- */

enum { RELAYS = 4, REVISIONS = 80 };
static const char *const relay_names[2][RELAYS] = {
	{"XXX", "YYY", "CCC", "ZZZ"},
	{"XXX", "YYY", "CCC", "MMM"},
};

struct revision {
	struct manifest manifest;
	struct digest parents[2];
};

struct world {
	struct chance chance;
	bool liar;
	bool spoilt; /* a cap was met: the truth does not apply */
	struct buf record[RELAYS];
	struct revision revisions[REVISIONS];
	unsigned count;
};

static struct nation relay(const struct world *w, unsigned n)
{
	return scene_nation(relay_names[w->liar][n]);
}

static struct document relay_document(struct world *w, unsigned n,
				      struct arena *arena)
{
	struct document doc;

	must(document_decode(buf_span(&w->record[n]), arena, &doc));
	return doc;
}

static void relay_keep(struct world *w, unsigned n, struct document *doc)
{
	struct buf b;

	/* The document borrows from the record that it replaces. */
	buf_init(&b, DOCUMENT_RECORD_MAX);
	for (size_t i = 0; i < doc->heads_count; i++)
		doc->heads[i].shelf = 1;
	must(document_encode(doc, &b));
	buf_clear(&w->record[n]);
	w->record[n] = b;
}

/* The dots of X and Y, far beyond what there is. */
static void lie(struct document_head *head, struct arena *arena)
{
	struct version_context c;
	struct buf b;

	must(document_context(&head->seals[0], &c));
	for (uint64_t k = 1; k < 200; k++) {
		for (int i = 0; i < 2; i++)
			must(version_context_insert(
				&c,
				(struct dot){{scene_nation(relay_names[0][i]),
					      1},
					     k}));
	}
	buf_init(&b, 4096);
	version_context_encode(&c, &b);
	head->seals[0].context = arena_copy(arena, buf_span(&b));
	buf_clear(&b);
}

static void relay_write(struct world *w, unsigned n, unsigned home_first)
{
	struct revision *r = &w->revisions[w->count];
	struct resolve_revision in = {.opening = scene_opening(),
				      .from = relay(w, n),
				      .local = true,
				      .replica = {relay(w, n), 1}};
	struct scene names = {.names = w->count};
	struct resolve_result result;
	struct document old;
	struct arena arena;
	size_t parents = 0;

	if (w->count == REVISIONS)
		return;
	arena_init(&arena, DOCUMENT_ARENA_MAX);
	if (!home_first) {
		old = relay_document(w, n, &arena);
		parents = 1 + below(&w->chance, old.heads_count > 1 ? 2 : 1);
		r->parents[0] =
			old.heads[below(&w->chance, (unsigned)old.heads_count)]
				.digest;
		while (parents == 2) {
			r->parents[1] =
				old.heads[below(&w->chance,
						(unsigned)old.heads_count)]
					.digest;
			if (!digest_eq(r->parents[0], r->parents[1]))
				break;
		}
	}
	r->manifest =
		scene_manifest(&names, scene_doc(1), r->parents, parents, 1, 1);
	in.manifest = &r->manifest;
	must(resolve_revision(home_first ? NULL : &old, &in, &arena, &result));
	if (result.outcome == RESOLVE_ACCEPTED) {
		for (size_t i = 0; i < result.doc.heads_count; i++)
			if (digest_eq(result.doc.heads[i].digest,
				      result.digest) &&
			    w->liar && n == 3)
				lie(&result.doc.heads[i], &arena);
		relay_keep(w, n, &result.doc);
		w->count++;
	} else {
		assert_int_equal(result.outcome, RESOLVE_TOO_MANY);
	}
	arena_clear(&arena);
}

/* One head as it travels, into relay `n`. */
static void relay_import(struct world *w, unsigned n, unsigned from,
			 const struct document_head *h)
{
	struct resolve_revision in = {.opening = scene_opening(),
				      .from = relay(w, from),
				      .evidence = h->evidence,
				      .evidence_count = h->evidence_count};
	struct resolve_result result;
	struct document old;
	struct arena arena;
	struct seal seal = {0};
	struct buf blob;

	for (unsigned i = 0; i < w->count; i++)
		if (digest_eq(w->revisions[i].manifest.digest, h->digest))
			in.manifest = &w->revisions[i].manifest;
	assert_non_null(in.manifest);
	arena_init(&arena, DOCUMENT_ARENA_MAX);
	buf_init(&blob, SEAL_BLOB_MAX);
	must(document_word(&h->seals[0], SEAL_REVISION, &seal.word));
	seal_encode(&seal, &blob);
	in.seal = &seal;
	in.seal_blob = buf_span(&blob);
	if (w->record[n].len)
		old = relay_document(w, n, &arena);
	must(resolve_revision(w->record[n].len ? &old : NULL, &in, &arena,
			      &result));
	if (result.outcome == RESOLVE_ACCEPTED)
		relay_keep(w, n, &result.doc);
	else if (result.outcome == RESOLVE_TOO_MANY)
		w->spoilt = true;
	else
		assert_true(result.outcome == RESOLVE_KNOWN ||
			    result.outcome == RESOLVE_COVERED);
	buf_clear(&blob);
	arena_clear(&arena);
}

static void relay_pull(struct world *w, unsigned n, unsigned from)
{
	struct document doc;
	struct arena arena;

	arena_init(&arena, DOCUMENT_ARENA_MAX);
	doc = relay_document(w, from, &arena);
	for (size_t i = 0; i < doc.heads_count; i++)
		relay_import(w, n, from, &doc.heads[i]);
	arena_clear(&arena);
}

static void mark_ancestors(const struct world *w, unsigned r, bool *dead)
{
	const struct manifest *m = &w->revisions[r].manifest;

	for (size_t p = 0; p < m->parents_count; p++)
		for (unsigned i = 0; i < r; i++)
			if (!dead[i] &&
			    digest_eq(m->parents[p],
				      w->revisions[i].manifest.digest)) {
				dead[i] = true;
				mark_ancestors(w, i, dead);
			}
}

/* Heads at the third relay against the truth by signed parents. */
static void judge(struct world *w, unsigned *lost, unsigned *false_heads)
{
	bool dead[REVISIONS] = {0};
	struct document doc;
	struct arena arena;

	arena_init(&arena, DOCUMENT_ARENA_MAX);
	doc = relay_document(w, 2, &arena);
	for (unsigned r = 0; r < w->count; r++)
		mark_ancestors(w, r, dead);
	for (unsigned r = 0; r < w->count; r++) {
		bool got =
			document_head(&doc, w->revisions[r].manifest.digest) !=
			NULL;

		*lost += !dead[r] && !got;
		*false_heads += dead[r] && got;
	}
	arena_clear(&arena);
}

static void world_run(uint64_t seed, bool liar, unsigned *lost,
		      unsigned *false_heads, unsigned *spoilt)
{
	struct world *w = calloc(1, sizeof(*w));

	assert_non_null(w);
	w->chance.state = seed * 2 + liar;
	w->liar = liar;
	for (unsigned n = 0; n < RELAYS; n++)
		buf_init(&w->record[n], DOCUMENT_RECORD_MAX);
	relay_write(w, 0, true);
	for (unsigned n = 1; n < RELAYS; n++)
		relay_pull(w, n, 0);
	for (unsigned step = 0; step < 60; step++) {
		unsigned n = below(&w->chance, RELAYS);

		if (percent(&w->chance, 50))
			relay_write(w, n, false);
		else
			relay_pull(w, n,
				   (n + 1 + below(&w->chance, RELAYS - 1)) %
					   RELAYS);
	}
	for (unsigned round = 0; round < 4; round++)
		for (unsigned n = 0; n < RELAYS; n++)
			for (unsigned f = 0; f < RELAYS; f++)
				if (f != n)
					relay_pull(w, n, f);
	if (w->spoilt)
		(*spoilt)++;
	else
		judge(w, lost, false_heads);
	for (unsigned n = 0; n < RELAYS; n++)
		buf_clear(&w->record[n]);
	free(w);
}

static void histories(bool liar, bool stop, unsigned *lost,
		      unsigned *false_heads)
{
	unsigned count = seeds(), spoilt = 0;

	*lost = *false_heads = 0;
	for (unsigned seed = 0; seed < count && !(stop && *lost); seed++)
		world_run(seed, liar, lost, false_heads, &spoilt);
	assert_true(spoilt * 20 <= count + 20);
}

static void honest_relays_lose_no_head_and_keep_none_that_fell(void **state)
{
	unsigned lost, false_heads;

	storage_faults = (struct storage_faults){0};
	histories(false, false, &lost, &false_heads);
	assert_int_equal(lost, 0);
	assert_int_equal(false_heads, 0);
}

static void a_lying_relay_makes_no_head_fall(void **state)
{
	unsigned lost, false_heads;

	storage_faults = (struct storage_faults){0};
	histories(true, false, &lost, &false_heads);
	assert_int_equal(lost, 0);
}

static void believing_contexts_loses_heads(void **state)
{
	unsigned lost, false_heads;

	storage_faults = (struct storage_faults){.believe_context = true};
	histories(true, true, &lost, &false_heads);
	assert_int_not_equal(lost, 0);
}

static int set_up(void **state)
{
	static struct tempstore temp;

	tempstore_new(&temp, false);
	*state = &temp;
	return 0;
}

static int tear_down(void **state)
{
	tempstore_free(*state);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_client_holds_what_it_may_see),
		cmocka_unit_test(a_client_holds_each_head_it_may_see),
		cmocka_unit_test(dropped_gone_rows_refill_their_shelf),
		cmocka_unit_test(without_a_ledger_histories_end_wrong),
		cmocka_unit_test(a_loss_that_voids_no_cursor_is_found),
		cmocka_unit_test(a_gone_row_passed_over_is_found),
		cmocka_unit_test(
			honest_relays_lose_no_head_and_keep_none_that_fell),
		cmocka_unit_test(a_lying_relay_makes_no_head_fall),
		cmocka_unit_test(believing_contexts_loses_heads),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
