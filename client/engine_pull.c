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
	err = engine_page_apply(e, t);
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
		engine_keys_prepare(e, t);
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
		engine_nonce_answer(e, t, r);
		return;
	case PULL_KEYS:
		engine_keys_answer(e, t, r);
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
