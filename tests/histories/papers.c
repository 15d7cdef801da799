/* Documents of a history. */
#include "storage/document_apply.h"
#include "storage/document_internal.h"
#include "storage/feed_merge.h"
#include "tests/histories/papers.h"

static const struct key_id author = {{7}};
static const struct digest commitment = {{9}};
static const struct nation home = {{'G', 'B', 'R'}};

/* ---- the model ---- */

static bool lists(const struct paper_statement *s, struct digest d)
{
	for (size_t i = 0; i < s->heads_count; i++)
		if (digest_eq(s->heads[i], d))
			return true;
	return false;
}

/* The highest label statement that lists it; 0 if none does. */
static unsigned listed(const struct paper *p, struct digest d)
{
	for (unsigned n = p->statements_count; n > 0; n--)
		if (p->statements[n - 1].is_label &&
		    lists(&p->statements[n - 1], d))
			return n;
	return 0;
}

/* Numbers of statements, as bits. */
static uint64_t numbers_of(const struct paper *p,
			   const struct paper_revision *r)
{
	unsigned own = listed(p, r->digest);
	uint64_t bits = r->bases;

	if (own)
		return UINT64_C(1) << own;
	for (size_t i = 0; i < r->parents_count; i++) {
		unsigned n = listed(p, r->parents[i]);

		if (n)
			bits |= UINT64_C(1) << n;
	}
	return bits;
}

unsigned paper_labels(const struct paper *p, const struct paper_revision *r)
{
	uint64_t numbers = numbers_of(p, r);
	unsigned labels = 0;

	if (p->deleted || p->recalled || p->condition || !r->stands)
		return 0;
	for (unsigned n = 1; n <= p->statements_count; n++)
		if (numbers >> n & 1 && p->statements[n - 1].is_label)
			labels |= 1u << p->statements[n - 1].label;
	return labels;
}

const struct paper *papers_find(const struct papers *p, struct doc_id id)
{
	for (int i = 0; i < PAPERS; i++)
		if (p->paper[i].there && doc_id_eq(p->paper[i].id, id))
			return &p->paper[i];
	return NULL;
}

const struct paper_revision *paper_find(const struct paper *p,
					struct digest digest)
{
	for (unsigned i = 0; i < p->revisions_count; i++)
		if (digest_eq(p->revisions[i].digest, digest))
			return &p->revisions[i];
	return NULL;
}

bool papers_see(const struct papers *papers, const struct paper *p,
		const struct paper_revision *r, const struct rights *rights)
{
	return p->there && book_releases(papers->book, rights, p->space,
					 paper_labels(p, r));
}

bool papers_hidden(const struct papers *papers, const struct paper *p,
		   const struct rights *rights)
{
	for (unsigned n = 0; n < p->statements_count; n++)
		if (p->statements[n].is_label &&
		    book_releases(papers->book, rights, p->space,
				  1u << p->statements[n].label))
			return false;
	return true;
}

/* ---- writing ---- */

static struct digest new_digest(struct papers *p)
{
	uint64_t n = ++p->names;
	struct digest d = {{0xd1}};

	for (int i = 0; i < 8; i++)
		d.at[24 + i] = (uint8_t)(n >> (56 - 8 * i));
	return d;
}

/* A write under way. */
struct writing {
	struct papers *papers;
	struct paper *p;
	struct shelf_index *index;
	struct txn *txn;
	struct arena arena;
	struct document old;
	bool there, cut;
	struct replica replica;
};

static struct err begin(struct writing *w, struct store *store)
{
	struct err e = txn_begin_write(store, STORE_RECORDS, &w->txn);

	arena_init(&w->arena, DOCUMENT_ARENA_MAX);
	w->replica = store_header(store)->replica;
	if (!failed(e) && w->p->there)
		e = document_read_internal(w->txn, w->p->id, &w->arena,
					   &w->old);
	w->there = w->p->there;
	return e;
}

/* Applies and commits; `*done` if the store has it now. */
static struct err end(struct writing *w, struct err e, struct resolve_result *r,
		      bool *done)
{
	struct document_writer writer;

	*done = false;
	if (!failed(e) && r->outcome == RESOLVE_ACCEPTED) {
		document_writer_begin(&writer, w->index, 1);
		e = document_apply(&writer, w->txn, w->there ? &w->old : NULL,
				   r, 1000, NULL);
		if (!failed(e))
			e = document_writer_end(&writer, w->txn);
		if (!failed(e) && !w->cut) {
			e = txn_commit(&w->txn);
			*done = !failed(e);
		}
	}
	txn_abort(&w->txn);
	arena_clear(&w->arena);
	return e;
}

static struct opening opening_of(const struct paper *p)
{
	return (struct opening){.space = span_str(book_space(p->space)),
				.author = author,
				.salt = {5}};
}

/* A revision with these parents under statement `number`. */
static struct err write_revision(struct writing *w,
				 const struct paper_revision *r, unsigned label,
				 unsigned number, bool *done)
{
	static const struct document_key key = {.commitment = {{9}},
						.present = true};
	struct manifest m = {
		.id = w->p->id,
		.home = home,
		.space = span_str(book_space(w->p->space)),
		.author = author,
		.serial = w->papers->names,
		.parents = r->parents,
		.parents_count = r->parents_count,
		.statement = number,
		.label = w->papers->book->digests[label],
		.suite = 1,
		.size = 5,
		.table = r->digest,
		.keys = &commitment,
		.keys_count = 1,
		.time = 1,
		.payload = span_str("{\"payload\":1}"),
		.digest = r->digest,
	};
	struct resolve_revision in = {
		.manifest = &m,
		.opening = opening_of(w->p),
		.from = home,
		.now = 1000,
		.local = true,
		.replica = w->replica,
		.keys = &key,
		.keys_count = 1,
		.slot = 1,
		.content = span_str("sealed"),
	};
	struct resolve_result out;
	struct err e = resolve_revision(w->there ? &w->old : NULL, &in,
					&w->arena, &out);

	return end(w, e, &out, done);
}

static void take_revision(struct paper *p, const struct paper_revision *r)
{
	for (unsigned i = 0; i < p->revisions_count; i++)
		for (size_t j = 0; j < r->parents_count; j++)
			if (digest_eq(p->revisions[i].digest, r->parents[j]))
				p->revisions[i].stands = false;
	p->revisions[p->revisions_count] = *r;
	p->revisions[p->revisions_count++].stands = true;
}

static struct err put_first(struct writing *w)
{
	struct paper_revision r = {.digest = new_digest(w->papers),
				   .bases = 1u << 1};
	unsigned label = chance_below(w->papers->chance, BOOK_LABELS);
	struct paper *p = w->p;
	bool done = false;
	struct err e;

	*p = (struct paper){
		.space = chance_below(w->papers->chance, BOOK_SPACES)};
	p->id = (struct doc_id){{0x01, 0x90}};
	memcpy(p->id.at + 8, r.digest.at + 24, 8);
	e = write_revision(w, &r, label, 1, &done);
	if (!done)
		return e;
	p->there = true;
	p->statements_count = 1;
	p->statements[0] = (struct paper_statement){.digest = r.digest,
						    .label = label,
						    .is_label = true};
	take_revision(p, &r);
	return e;
}

static size_t heads_of(const struct paper *p,
		       const struct paper_revision *out[PAPER_HEADS])
{
	size_t count = 0;

	for (unsigned i = 0; i < p->revisions_count; i++)
		if (p->revisions[i].stands && count < PAPER_HEADS)
			out[count++] = &p->revisions[i];
	return count;
}

/* Over one or two heads; one time in five over what may have fallen. */
static struct err edit(struct writing *w)
{
	struct paper_revision r = {.digest = new_digest(w->papers)};
	const struct paper_revision *heads[PAPER_HEADS];
	size_t count = heads_of(w->p, heads);
	struct chance *chance = w->papers->chance;
	struct paper *p = w->p;
	bool done = false;
	struct err e;

	if (!count || (!w->papers->plain && chance_percent(chance, 20)))
		r.parents[r.parents_count++] =
			p->revisions[chance_below(chance, p->revisions_count)]
				.digest;
	for (size_t i = 0; i < count && !r.parents_count; i++)
		if (i + 1 == count || w->papers->plain ||
		    chance_percent(chance, 50))
			r.parents[r.parents_count++] = heads[i]->digest;
	if (count > 1 && r.parents_count == 1 && chance_percent(chance, 50) &&
	    !digest_eq(heads[count - 1]->digest, r.parents[0]))
		r.parents[r.parents_count++] = heads[count - 1]->digest;
	r.bases = UINT64_C(1) << p->statements_count;
	for (size_t i = 0; i < count; i++)
		for (size_t j = 0; j < r.parents_count; j++)
			if (digest_eq(heads[i]->digest, r.parents[j]))
				r.bases |= numbers_of(p, heads[i]);
	e = write_revision(w, &r, p->statements[p->statements_count - 1].label,
			   p->statements_count, &done);
	if (done)
		take_revision(p, &r);
	return e;
}

static struct err state(struct writing *w, enum statement_kind kind)
{
	struct paper_statement *s = &w->p->statements[w->p->statements_count];
	const struct paper_revision *heads[PAPER_HEADS];
	size_t count = heads_of(w->p, heads);
	struct chance *chance = w->papers->chance;
	bool is_label = kind == STATEMENT_LABEL, done = false;
	struct statement st = {
		.id = w->p->id,
		.home = home,
		.kind = kind,
		.number = w->p->statements_count + 1,
		.previous = &s[-1].digest,
		.previous_count = 1,
		.author = author,
		.time = 1,
		.payload = span_str("{\"statement\":1}"),
	};
	struct resolve_statement in = {
		.statement = &st,
		.opening = opening_of(w->p),
		.from = home,
		.now = 1000,
		.evaluable = true,
		.local = true,
		.replica = w->replica,
	};
	struct resolve_result out;
	struct err e;

	*s = (struct paper_statement){.digest = new_digest(w->papers),
				      .is_label = is_label};
	st.digest = s->digest;
	if (is_label) {
		s->label = chance_below(chance, BOOK_LABELS);
		st.label = w->papers->book->digests[s->label];
		/* Mostly over all heads, sometimes over some. */
		for (size_t i = 0; i < count; i++)
			if (i == 0 || w->papers->plain ||
			    chance_percent(chance, 70))
				s->heads[s->heads_count++] = heads[i]->digest;
		st.heads = s->heads;
		st.heads_count = s->heads_count;
	}
	e = resolve_statement(w->there ? &w->old : NULL, &in, &w->arena, &out);
	e = end(w, e, &out, &done);
	if (!done)
		return e;
	w->p->statements_count++;
	w->p->deleted = kind == STATEMENT_DELETE;
	w->p->recalled = kind == STATEMENT_RECALL;
	return e;
}

/* A condition that nobody knows here, or none. */
static struct err hold(struct writing *w)
{
	uint64_t condition = w->p->condition ? 0 : 7;
	struct resolve_result out;
	bool done = false;
	struct err e = resolve_condition(&w->old, condition, &w->arena, &out);

	e = end(w, e, &out, &done);
	if (done)
		w->p->condition = condition;
	return e;
}

struct err papers_write(struct papers *papers, struct store *store,
			struct shelf_index *index, bool cut)
{
	unsigned n = papers->last = chance_below(papers->chance, PAPERS);
	struct paper *p = &papers->paper[n];
	unsigned what = chance_below(papers->chance, 100);
	struct writing w = {.papers = papers,
			    .p = p,
			    .index = index,
			    .cut = cut};
	bool full = p->revisions_count == PAPER_REVISIONS ||
		    p->statements_count == PAPER_STATEMENTS;
	struct paper before = *p;
	bool done;
	struct err e;

	/* A recalled document's place is taken by another; so is, now and
	 * then, that of a deleted one. */
	if (full || p->recalled || (p->deleted && what < 20))
		p->there = false;
	e = begin(&w, store);
	if (failed(e)) {
		struct resolve_result none = {.outcome = RESOLVE_KNOWN};

		return end(&w, e, &none, &done);
	}
	if (!p->there)
		e = put_first(&w);
	else if (p->deleted || what < (papers->plain ? 70 : 45))
		e = state(&w, STATEMENT_LABEL); /* of a deleted one: revives */
	else if (what < 85)
		e = edit(&w);
	else if (what < 91)
		e = state(&w, STATEMENT_DELETE);
	else if (what < 95)
		e = state(&w, STATEMENT_RECALL);
	else
		e = hold(&w);
	if (cut)
		*p = before;
	return e;
}

/* ---- the feed as it stands ---- */

static bool row_is_of(struct txn *txn, const struct feed_entry *entry)
{
	struct document doc;
	struct arena arena;
	bool found = false;

	arena_init(&arena, DOCUMENT_ARENA_MAX);
	if (!failed(document_read_internal(txn, entry->id, &arena, &doc)))
		for (size_t i = 0; i < doc.rows_count; i++)
			found |= doc.rows[i].shelf == entry->shelf &&
				 doc.rows[i].seq.n == entry->seq.n &&
				 doc.rows[i].gone == entry->gone;
	arena_clear(&arena);
	return found;
}

bool papers_rows_agree(const struct papers *p, struct store *store)
{
	struct txn_cursor *cursor = NULL;
	struct txn *txn = NULL;
	struct feed_entry entry;
	struct txn_row row;
	bool good = true;
	struct err e = txn_begin_read(store, STORE_RECORDS, &txn);

	if (!failed(e))
		e = txn_cursor_open(txn, TABLE_FEED, key_empty(), &cursor);
	while (!failed(e) && good) {
		e = txn_cursor_next(cursor, &row);
		if (!failed(e))
			e = feed_entry_decode(&row, &entry);
		if (!failed(e))
			good = row_is_of(txn, &entry);
	}
	txn_cursor_close(cursor);
	txn_abort(&txn);
	return good && e.code == ERR_NOT_FOUND;
}
