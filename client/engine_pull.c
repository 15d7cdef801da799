/*
 * Pulling: the relay's certificate once, then page by page: check its
 * signature, fetch the authors that are new, apply page and cursor in one
 * transaction; then keys, and with them the acknowledgement of the cursor.
 */
#include "client/engine_task.h"
#include "proto/base/base64.h"
#include "proto/document/author.h"
#include "proto/document/seal.h"
#include "proto/document/wrapped.h"
#include "proto/exchange/keys.h"
#include "proto/exchange/me.h"

#include <stdlib.h>

enum { PULL_HELLO, PULL_PAGE, PULL_AUTHORS, PULL_NONCE, PULL_KEYS };

/* A key whose time ends so soon is asked for again. */
enum { RENEW_S = 24 * 3600 };

/* ---- the relay ---- */

static void hello_answer(struct engine *e, struct task *t,
			 const struct http_response *r)
{
	struct me_relay relay;
	struct arena arena;
	struct err err;

	arena_init(&arena, 4 * ME_ANSWER_MAX);
	err = me_relay_decode(r->body, &arena, &relay);
	if (!failed(err))
		err = engine_take_replica(e, relay.certificate);
	arena_clear(&arena);
	if (failed(err)) {
		engine_task_fail(e, t, err);
		return;
	}
	e->greeted = true;
	e->policy = relay.policy;
	t->step = PULL_PAGE;
}

/* ---- pages ---- */

static void page_prepare(struct engine *e, struct task *t)
{
	bool first = true;
	char number[24];
	struct buf ask;
	struct err err = random_fill(&e->random, t->ask, sizeof(t->ask));

	if (failed(err)) {
		engine_task_fail(e, t, err);
		return;
	}
	engine_call_begin(t, "GET");
	buf_reset(&t->since);
	buf_put_str(&t->since, e->journal->cursor);
	buf_put_str(&t->target, "/v1/changes");
	if (t->since.len)
		http_query_put(&t->target, &first, "since",
			       buf_span(&t->since));
	buf_init(&ask, 64);
	base64url_encode(SPAN_OBJ(t->ask), &ask);
	http_query_put(&t->target, &first, "ask", buf_span(&ask));
	buf_clear(&ask);
	if (t->wait_s) {
		struct buf text;

		buf_init(&text, sizeof(number));
		buf_printf(&text, "%u", t->wait_s);
		http_query_put(&t->target, &first, "wait", buf_span(&text));
		buf_clear(&text);
	}
	engine_call_ready(e, t, CHANGES_BODY_MAX, false);
	t->call.wait_s = t->wait_s;
	t->wait_s = 0; /* the first answer only */
}

/* The page's signature: by the request key, over what was asked. */
static struct err check_page(struct engine *e, struct task *t,
			     const struct http_response *r)
{
	struct page_facts facts = {
		.replica = e->replica->draft.replica,
		.since = buf_span(&t->since),
		.body = r->body,
		.policy = e->policy,
	};
	struct page_signature signature;
	struct span field;
	struct err err;

	if (!http_field_get(r->fields, "entente-page", &field))
		return err_make(ERR_SIGNATURE, "the page is not signed");
	err = page_parse(field, &signature);
	page_reader_device(crypto_public_id(
				   crypto_key_public(e->identity.author)),
			   facts.reader);
	memcpy(facts.ask, t->ask, sizeof(facts.ask));
	return failed(err) ? err
			   : page_check(e->replica->draft.request, &facts,
					&signature);
}

static struct err want_author(struct engine *e, struct task *t,
			      struct key_id author)
{
	struct key_id *more;

	if (journal_find_author(e->journal, author))
		return ERR_NONE;
	for (size_t i = 0; i < t->authors_count; i++)
		if (key_id_eq(t->authors[i], author))
			return ERR_NONE;
	more = realloc(t->authors, (t->authors_count + 1) * sizeof(*more));
	if (!more)
		return err_make(ERR_NO_MEMORY, "authors of a page");
	t->authors = more;
	t->authors[t->authors_count++] = author;
	return ERR_NONE;
}

static struct err list_authors(struct engine *e, struct task *t)
{
	struct err err = ERR_NONE;

	t->authors_count = t->authors_at = 0;
	for (size_t i = 0; i < t->page.rows_count; i++)
		for (size_t h = 0; h < t->page.rows[i].heads_count; h++) {
			struct manifest m;
			struct arena arena;

			arena_init(&arena, 256 * 1024);
			if (!failed(manifest_decode(
				    t->page.rows[i].heads[h].manifest, &arena,
				    &m)))
				err = want_author(e, t, m.author);
			arena_clear(&arena);
			if (failed(err))
				return err;
		}
	return err;
}

static void nothing_new(struct engine *e, struct task *t)
{
	t->step = PULL_KEYS;
}

/* The relay has been restored, or our cursor is too old: start afresh. */
static void afresh(struct engine *e, struct task *t)
{
	struct journal_txn *txn = NULL;
	struct err err = journal_begin(e->journal, &txn);

	if (!failed(err)) {
		journal_put_cursor(txn, (struct span){0});
		err = journal_commit(&txn);
	}
	if (failed(err))
		engine_task_fail(e, t, err);
}

static void page_answer(struct engine *e, struct task *t,
			const struct http_response *r)
{
	struct err err;

	if (r->status == 204) {
		nothing_new(e, t);
		return;
	}
	if (r->status == 410 && t->since.len) {
		afresh(e, t);
		return;
	}
	if (r->status != 200) {
		engine_task_refused(e, t, r);
		return;
	}
	arena_clear(&t->arena);
	arena_init(&t->arena, CHANGES_ARENA_MAX);
	err = check_page(e, t, r);
	if (err.code == ERR_SIGNATURE && !t->repeated) {
		/* Policy or replica may be new: ask, and for the page again. */
		t->repeated = true;
		e->greeted = false;
		t->step = PULL_HELLO;
		return;
	}
	if (!failed(err))
		err = changes_page_decode(r->body, &t->arena, &t->page);
	if (!failed(err) && t->page.fresh != (t->since.len == 0))
		err = err_make(ERR_MALFORMED, "fresh, and asked with a cursor");
	if (!failed(err))
		err = list_authors(e, t);
	if (failed(err))
		engine_task_fail(e, t, err);
	else
		t->step = PULL_AUTHORS;
}

/* ---- applying a page ---- */

/*
 * A head that may be shown: form, id, space and signature of its author; and
 * where our own nation's seal is there, that too.  What fails is kept, so
 * that the feed's later words find it, and never opened.
 */
static bool head_verified(struct engine *e, const struct changes_row *row,
			  const struct changes_head *head,
			  const struct manifest *m)
{
	const struct journal_author *author =
		journal_find_author(e->journal, m->author);
	struct crypto_public *key = NULL;
	struct err err;

	if (!author || !doc_id_eq(m->id, row->id) ||
	    !nation_eq(m->home, row->home) || m->must_understand ||
	    failed(manifest_check_id(m, &row->opening)))
		return false;
	err = crypto_public_from_spki(span_of(author->spki, author->spki_len),
				      &key);
	if (!failed(err))
		err = manifest_check_signature(key, m);
	crypto_public_free(key);
	if (!failed(err) && head->seal.len &&
	    replica_eq(head->dot.replica, e->replica->draft.replica)) {
		struct seal_subject subject = seal_subject_of_manifest(m);
		struct seal *seal = malloc(sizeof(*seal));

		err = seal ? seal_decode(head->seal, seal)
			   : err_make(ERR_NO_MEMORY, "a seal");
		if (!failed(err))
			err = seal_check(seal, &subject, e->replica);
		if (!failed(err) && !dot_eq(seal->word.dot, head->dot))
			err = err_make(ERR_DIGEST, "the seal's dot differs");
		free(seal);
	}
	return !failed(err);
}

static struct err put_row(struct engine *e, struct task *t,
			  const struct changes_row *row,
			  struct journal_txn *txn)
{
	struct journal_head *heads =
		arena_array(&t->arena, row->heads_count + 1, sizeof(*heads));
	struct digest *digests = arena_array(&t->arena, row->digests_count + 1,
					     sizeof(*digests));
	struct journal_document d = {
		.id = row->id,
		.home = row->home,
		.opening = row->opening,
		.number = row->number,
		.heads = heads,
		.digests = digests,
		.digests_count = row->digests_count,
		.has_label = row->has_label,
		.label = row->label,
	};

	if (!heads || !digests)
		return arena_check(&t->arena);
	memcpy(digests, row->digests, row->digests_count * sizeof(*digests));
	for (size_t i = 0; i < row->heads_count; i++) {
		const struct changes_head *from = &row->heads[i];
		struct manifest m;
		struct arena arena;

		arena_init(&arena, 256 * 1024);
		/* What does not decode has no name to be kept by. */
		if (!failed(manifest_decode(from->manifest, &arena, &m)))
			heads[d.heads_count++] = (struct journal_head){
				.digest = m.digest,
				.manifest = from->manifest,
				.seal = from->seal,
				.dot = from->dot,
				.shelf = from->shelf,
				.content = from->content,
				.winner = from->winner,
				.verified = head_verified(e, row, from, &m),
			};
		arena_clear(&arena);
	}
	journal_put_document(txn, &d);
	engine_tell(e, &(struct engine_event){
			       .kind = d.heads_count ? ENGINE_CHANGED
						     : ENGINE_DROPPED,
			       .task = t->id,
			       .document = d.id,
		       });
	return ERR_NONE;
}

/* Those that a forget or a sweep took, by comparing. */
static void tell_dropped(struct engine *e, struct task *t,
			 const struct doc_id *before, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (!journal_find_document(e->journal, before[i]))
			engine_tell(e, &(struct engine_event){
					       .kind = ENGINE_DROPPED,
					       .task = t->id,
					       .document = before[i],
				       });
}

static struct err apply_page(struct engine *e, struct task *t)
{
	const struct changes_page *p = &t->page;
	struct journal *j = e->journal;
	bool sweeping = p->fresh || j->sweeping;
	struct journal_txn *txn = NULL;
	struct doc_id *before = NULL;
	size_t before_count = 0;
	struct err err = journal_begin(j, &txn);

	if (!failed(err) && (p->forget_count || (sweeping && !p->more))) {
		before_count = j->documents_count;
		before = calloc(before_count + 1, sizeof(*before));
		if (!before)
			err = err_make(ERR_NO_MEMORY, "a page");
		for (size_t i = 0; before && i < before_count; i++)
			before[i] = j->documents[i].id;
	}
	if (!failed(err) && p->fresh)
		journal_put_mark(txn);
	for (size_t i = 0; !failed(err) && i < p->shelves_count; i++)
		journal_put_shelf(txn,
				  &(struct journal_shelf){
					  .shelf = p->shelves[i].shelf,
					  .space = p->shelves[i].space,
					  .labels = p->shelves[i].labels,
					  .labels_count =
						  p->shelves[i].labels_count,
					  .condition = p->shelves[i].condition,
				  });
	for (size_t i = 0; !failed(err) && i < p->forget_count; i++)
		journal_forget_shelf(txn, p->forget[i]);
	for (size_t i = 0; !failed(err) && i < p->rows_count; i++)
		err = put_row(e, t, &p->rows[i], txn);
	if (!failed(err)) {
		if (sweeping && !p->more)
			journal_put_sweep(txn);
		journal_put_cursor(txn, p->cursor);
		err = journal_commit(&txn);
	}
	if (!failed(err) && before)
		tell_dropped(e, t, before, before_count);
	journal_abort(&txn);
	free(before);
	return err;
}

/* ---- authors of a page ---- */

static void authors_prepare(struct engine *e, struct task *t)
{
	struct err err;

	if (t->authors_at < t->authors_count) {
		char text[DIGEST_TEXT_LEN + 1];

		key_id_format(t->authors[t->authors_at], text);
		engine_call_begin(t, "GET");
		buf_printf(&t->target, "/v1/authors/%s", text);
		engine_call_ready(e, t, ME_ANSWER_MAX, false);
		return;
	}
	err = apply_page(e, t);
	if (failed(err)) {
		engine_task_fail(e, t, err);
		return;
	}
	t->acknowledge = true;
	t->step = t->page.more ? PULL_PAGE : PULL_KEYS;
}

/*
 * The record stands under a certificate; our own nation's under the pinned
 * root.  Another nation's root is not pinned here: that its certificate is
 * good is the word of our relay, which checked it when it took the document
 * in, over the pinned connection.
 */
static struct err check_author(struct engine *e, const struct me_author *a,
			       struct key_id want, struct journal_author *out)
{
	struct replica_certificate *certificate = NULL;
	struct author_record *record = NULL;
	struct span spki;
	struct err err = replica_decode(a->certificate, &certificate);

	if (!failed(err))
		err = author_decode(a->author, &record);
	if (!failed(err) && !key_id_eq(record->id, want))
		err = err_make(ERR_UNAUTHENTICATED, "another author's record");
	if (!failed(err) &&
	    nation_eq(record->replica.nation, e->identity.nation))
		err = replica_check(certificate, e->root, e->identity.nation,
				    0);
	if (!failed(err))
		err = author_check(record, certificate);
	if (!failed(err)) {
		spki = crypto_public_spki(record->key);
		*out = (struct journal_author){.id = want,
					       .spki_len = spki.len};
		memcpy(out->spki, spki.at, spki.len);
	}
	replica_free(certificate);
	author_free(record);
	return err;
}

static void authors_answer(struct engine *e, struct task *t,
			   const struct http_response *r)
{
	struct journal_txn *txn = NULL;
	struct journal_author author;
	struct me_author answer;
	struct arena arena;
	struct err err;

	/* 404: it left our view meanwhile; the feed will say so. */
	if (r->status != 200 && r->status != 404) {
		engine_task_refused(e, t, r);
		return;
	}
	arena_init(&arena, 64 * 1024);
	err = r->status == 200 ? me_author_decode(r->body, &arena, &answer)
			       : err_make(ERR_NOT_FOUND, "an author");
	if (!failed(err))
		err = check_author(e, &answer, t->authors[t->authors_at],
				   &author);
	/* An author that fails leaves its heads unverified, no more. */
	if (!failed(err)) {
		err = journal_begin(e->journal, &txn);
		if (!failed(err)) {
			journal_put_author(txn, &author);
			err = journal_commit(&txn);
		}
		if (failed(err)) {
			arena_clear(&arena);
			engine_task_fail(e, t, err);
			return;
		}
	}
	arena_clear(&arena);
	t->authors_at++;
}

/* ---- keys ---- */

static bool wants_key(const struct engine *e, struct doc_id document,
		      struct digest commitment)
{
	const struct journal_key *key =
		journal_find_key(e->journal, document, commitment);

	return !key ||
	       (key->until && key->until < clock_s(&e->clock) + RENEW_S);
}

/* The keys that heads of the next documents name and that are not here, as
 * many as one request may hold. */
static struct err list_wants(struct engine *e, struct task *t)
{
	const struct journal *j = e->journal;
	struct err err = ERR_NONE;

	if (!t->wants)
		t->wants = calloc(KEYS_MAX, sizeof(*t->wants));
	if (!t->wants)
		return err_make(ERR_NO_MEMORY, "keys");
	t->wants_count = 0;
	for (size_t i = 0; i < j->documents_count && !failed(err); i++) {
		const struct journal_document *d = &j->documents[i];
		size_t start = t->wants_count;

		if (t->keys_begun &&
		    memcmp(d->id.at, t->keys_after.at, DOC_ID_LEN) <= 0)
			continue;
		for (size_t h = 0; h < d->heads_count; h++) {
			struct manifest m;
			struct arena arena;

			arena_init(&arena, 256 * 1024);
			if (!d->heads[h].verified ||
			    failed(engine_manifest(&d->heads[h], &arena, &m)))
				m.keys_count = 0;
			for (size_t k = 0; k < m.keys_count; k++) {
				if (!wants_key(e, d->id, m.keys[k]))
					continue;
				if (t->wants_count == KEYS_MAX)
					break;
				t->wants[t->wants_count++] =
					(struct keys_want){d->id, m.keys[k]};
			}
			arena_clear(&arena);
		}
		/* A document is asked for whole, or next time; one that alone
		 * is too much gets what fits. */
		if (t->wants_count == KEYS_MAX && start > 0) {
			t->wants_count = start;
			break;
		}
		t->keys_after = d->id;
		t->keys_begun = true;
	}
	return err;
}

static void pull_done(struct engine *e, struct task *t)
{
	struct err err = journal_tidy(e->journal);

	engine_sweep(e);
	if (failed(err))
		engine_task_fail(e, t, err);
	else
		engine_task_done(e, t, (struct digest){0}, (struct dot){0});
}

static void keys_prepare(struct engine *e, struct task *t)
{
	struct keys_request request = {
		.cursor = span_str(e->journal->cursor),
	};
	struct err err = ERR_NONE;

	/* The same list again where only the nonce was wanting. */
	if (t->wants_count == 0)
		err = list_wants(e, t);
	if (failed(err)) {
		engine_task_fail(e, t, err);
		return;
	}
	if (t->wants_count == 0 && !t->acknowledge) {
		pull_done(e, t);
		return;
	}
	if (!e->has_nonce) {
		t->step = PULL_NONCE;
		return;
	}
	engine_call_begin(t, "POST");
	buf_put_str(&t->target, "/v1/keys");
	engine_call_field(t, "content-type", span_str("application/json"));
	request.wants = t->wants;
	request.count = t->wants_count;
	keys_request_encode(&request, &t->body);
	engine_call_ready(e, t, KEYS_ANSWER_MAX, true);
}

static struct err open_grants(struct engine *e, const struct keys_grant *g,
			      size_t count, struct journal_txn *txn)
{
	struct wrapped_receiver *receiver = NULL;
	struct err err = wrapped_receiver_new(e->identity.wrapping, &receiver);

	for (size_t i = 0; !failed(err) && i < count; i++) {
		struct journal_key key = {
			.document = g[i].want.document,
			.commitment = g[i].want.commitment,
			.until = g[i].key.until,
		};
		struct err one;

		if (!g[i].granted)
			continue;
		/* A key that is not what the author committed to is no key;
		 * the others are. */
		one = wrapped_receiver_open(receiver, &g[i].key, key.document,
					    key.commitment, key.key);
		if (!failed(one))
			journal_put_key(txn, &key);
		wipe(&key, sizeof(key));
	}
	wrapped_receiver_free(receiver);
	return err;
}

static void keys_answer(struct engine *e, struct task *t,
			const struct http_response *r)
{
	const struct keys_grant *grants;
	struct journal_txn *txn = NULL;
	struct arena arena;
	size_t count;
	struct err err;

	if (r->status != 200) {
		engine_task_refused(e, t, r);
		return;
	}
	arena_init(&arena, 8 * KEYS_ANSWER_MAX);
	err = keys_answer_decode(r->body, &arena, &grants, &count);
	if (!failed(err))
		err = journal_begin(e->journal, &txn);
	if (!failed(err))
		err = open_grants(e, grants, count, txn);
	if (!failed(err))
		err = journal_commit(&txn);
	journal_abort(&txn);
	arena_clear(&arena);
	t->acknowledge = false;
	t->wants_count = 0;
	if (failed(err))
		engine_task_fail(e, t, err);
}

static void nonce_answer(struct engine *e, struct task *t,
			 const struct http_response *r)
{
	struct me_answer me;
	struct arena arena;
	struct err err;

	if (r->status != 200) {
		engine_task_refused(e, t, r);
		return;
	}
	arena_init(&arena, 4 * ME_ANSWER_MAX);
	err = me_answer_decode(r->body, &arena, &me);
	arena_clear(&arena);
	if (failed(err)) {
		engine_task_fail(e, t, err);
		return;
	}
	e->nonce = me.nonce;
	e->has_nonce = true;
	t->step = PULL_KEYS;
}

/* ---- the kind ---- */

static void prepare(struct engine *e, struct task *t)
{
	switch (t->step) {
	case PULL_HELLO:
		if (e->greeted) {
			t->step = PULL_PAGE;
			return;
		}
		engine_call_begin(t, "GET");
		buf_put_str(&t->target, "/v1/relay");
		engine_call_ready(e, t, ME_ANSWER_MAX, false);
		return;
	case PULL_PAGE:
		page_prepare(e, t);
		return;
	case PULL_AUTHORS:
		authors_prepare(e, t);
		return;
	case PULL_NONCE:
		/* Asked for: a request without one is a refusal on record. */
		engine_call_begin(t, "GET");
		buf_put_str(&t->target, "/v1/me");
		engine_call_ready(e, t, ME_ANSWER_MAX, false);
		return;
	case PULL_KEYS:
		keys_prepare(e, t);
		return;
	}
}

static void answer(struct engine *e, struct task *t,
		   const struct http_response *r)
{
	switch (t->step) {
	case PULL_HELLO:
		if (r->status != 200)
			engine_task_refused(e, t, r);
		else
			hello_answer(e, t, r);
		return;
	case PULL_PAGE:
		page_answer(e, t, r);
		return;
	case PULL_AUTHORS:
		authors_answer(e, t, r);
		return;
	case PULL_NONCE:
		nonce_answer(e, t, r);
		return;
	case PULL_KEYS:
		keys_answer(e, t, r);
		return;
	}
}

static const struct task_kind pull_kind = {prepare, answer, NULL};

struct err engine_pull(struct engine *e, unsigned wait_s, uint64_t *task)
{
	struct task *t;
	struct err err;

	if (!e->enrolled)
		return err_make(ERR_UNAUTHENTICATED, "not enrolled yet");
	err = engine_task_new(e, &pull_kind, &t);
	if (!failed(err)) {
		t->wait_s = wait_s > CHANGES_WAIT_MAX_S ? CHANGES_WAIT_MAX_S
							: wait_s;
		*task = t->id;
	}
	return err;
}
