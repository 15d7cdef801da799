/*
 * Proves federation/pull.c, the machine alone: what it asks, what it takes,
 * and how it begins again.
 */
#define _GNU_SOURCE /* memmem */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

#include "federation/pull.h"
#include "proto/base/base64.h"
#include "proto/document/segment.h"
#include "proto/exchange/me.h"
#include "proto/exchange/page.h"
#include "tests/federation/forge.h"

struct scene {
	struct tempstore t;
	struct trust *trust;
	struct txn *txn;
	struct forge gbr, deu;
	struct peer peer;
	struct pull *pull;
	struct arena arena;
	uint64_t now; /* ms */
	struct pull_request request;
};

static int begin(void **state)
{
	struct scene *s = calloc(1, sizeof(*s));
	struct pull_config config;

	tempstore_new(&s->t, false);
	arena_init(&s->arena, 256 << 20);
	s->now = clock_ms(&s->t.clock);
	forge_new(&s->gbr, "GBR", s->now / 1000);
	forge_new(&s->deu, "DEU", s->now / 1000);
	must(trust_new(&s->trust));
	must(txn_begin_write(s->t.store, STORE_RECORDS, &s->txn));
	forge_pin(&s->gbr, s->trust, s->txn);
	forge_pin(&s->deu, s->trust, s->txn);
	s->peer = (struct peer){.nation = s->deu.nation,
				.endpoint = span_str("deu.example:8444"),
				.replica = s->deu.replica,
				.cursor = span_str("begin")};
	config = (struct pull_config){.self = s->gbr.nation,
				      .peer = &s->peer,
				      .store = s->t.store,
				      .trust = s->trust,
				      .request_key = s->gbr.request,
				      .guard_p384 = s->gbr.p384,
				      .random = s->t.random};
	must(pull_new(&config, &s->pull));
	*state = s;
	return 0;
}

static int end(void **state)
{
	struct scene *s = *state;

	pull_free(s->pull);
	txn_abort(&s->txn);
	trust_free(s->trust);
	forge_free(&s->gbr);
	forge_free(&s->deu);
	arena_clear(&s->arena);
	tempstore_free(&s->t);
	free(s);
	return 0;
}

static void answer(struct scene *s, int status, struct span body)
{
	pull_recv(s->pull, s->txn, s->request.slot, status,
		  (struct http_fields){0}, body, s->now);
}

static bool begins(const struct scene *s, const char *target)
{
	return span_eq_str(span_sub(s->request.target, 0, strlen(target)),
			   target);
}

/* The next request begins with that; this peer has no ticks. */
static void asks(struct scene *s, const char *target)
{
	assert_true(pull_next(s->pull, s->now, &s->request));
	if (begins(s, "/v1/peer/ticks")) {
		answer(s, 404, span_str(""));
		assert_true(pull_next(s->pull, s->now, &s->request));
	}
	assert_true(begins(s, target));
}

static void asks_nothing(struct scene *s)
{
	struct pull_request none;

	assert_false(pull_next(s->pull, s->now, &none));
}

static void answer_me(struct scene *s)
{
	struct me_answer me = {.nation = s->deu.nation,
			       .reader = {.nation = s->gbr.nation}};
	struct buf b;

	asks(s, "/v1/me");
	buf_init(&b, ME_ANSWER_MAX);
	me_answer_encode(&me, &b);
	answer(s, 200, buf_span(&b));
	buf_clear(&b);
}

/* The page as DEU signs it for that request; `signer` normally its own. */
static void answer_page(struct scene *s, const struct changes_page *page,
			const struct crypto_key *signer, const char *since)
{
	struct page_facts facts = {.replica = s->deu.replica,
				   .since = span_str(since),
				   .time = s->now / 1000};
	struct page_signature signature;
	struct http_field field = {.name = span_str("entente-page")};
	struct span target = s->request.target;
	struct buf body, value, ask;
	size_t at = 0;

	while (!span_eq_str(span_sub(target, at, 4), "ask="))
		at++;
	buf_init(&ask, 64);
	must(base64url_decode(span_sub(target, at + 4, 22), &ask));
	assert_int_equal(ask.len, PAGE_ASK_LEN);
	memcpy(facts.ask, ask.at, PAGE_ASK_LEN);
	page_reader_nation(s->gbr.nation, facts.reader);
	buf_init(&body, CHANGES_BODY_MAX);
	changes_page_encode(page, &body);
	facts.body = buf_span(&body);
	must(page_sign(signer, &facts, &signature));
	buf_init(&value, 512);
	page_format(&signature, &value);
	field.value = buf_span(&value);
	pull_recv(s->pull, s->txn, s->request.slot, 200,
		  (struct http_fields){&field, 1}, buf_span(&body), s->now);
	buf_clear(&ask);
	buf_clear(&body);
	buf_clear(&value);
}

/* `count` documents of DEU; of that plaintext size. */
static struct changes_page page_of(struct scene *s, size_t count)
{
	static const struct digest label = {{1}};
	struct changes_row *rows = arena_array(&s->arena, count, sizeof(*rows));

	for (size_t i = 0; i < count; i++) {
		struct forge_head *h = arena_alloc(&s->arena, sizeof(*h));
		struct changes_head *head =
			arena_alloc(&s->arena, sizeof(*head));
		struct changes_statement *st =
			arena_alloc(&s->arena, sizeof(*st));

		forge_revision(&s->deu, NULL, NULL, 1, label, 1, &s->arena, h);
		*head = (struct changes_head){.manifest = h->jws,
					      .dot = h->word.dot,
					      .seal = h->seal,
					      .shelf = label,
					      .content = segment_blob_len(
						      h->m.size),
					      .winner = true};
		*st = (struct changes_statement){h->jws, true, h->seal};
		rows[i] =
			(struct changes_row){.id = h->m.id,
					     .home = h->m.home,
					     .opening = manifest_opening(&h->m),
					     .number = 1,
					     .digests = &h->m.digest,
					     .digests_count = 1,
					     .heads = head,
					     .heads_count = 1,
					     .statements = st,
					     .statements_count = 1};
	}
	return (struct changes_page){.cursor = span_str("next"),
				     .rows = rows,
				     .rows_count = count};
}

static void
an_unreachable_peer_is_asked_again_after_a_growing_wait(void **state)
{
	struct scene *s = *state;
	uint64_t wait = PULL_BACKOFF_MIN_MS;

	for (int i = 0; i < 10; i++) {
		asks(s, "/v1/me");
		answer(s, 0, span_str(""));
		assert_int_equal(pull_due_ms(s->pull), s->now + wait);
		s->now += wait - 1;
		asks_nothing(s);
		s->now++;
		wait = wait * 2 > PULL_BACKOFF_MAX_MS ? PULL_BACKOFF_MAX_MS
						      : wait * 2;
	}
	answer_me(s);
	asks(s, "/v1/changes?");
	asks_nothing(s);
}

static void nothing_new_is_ready_at_once(void **state)
{
	struct scene *s = *state;

	answer_me(s);
	asks(s, "/v1/changes?");
	assert_false(pull_ready(s->pull));
	answer(s, 204, span_str(""));
	assert_true(pull_ready(s->pull));
	pull_imported(s->pull, s->now);
	asks(s, "/v1/changes?");
}

static void a_page_that_the_peer_did_not_sign_is_refused(void **state)
{
	struct scene *s = *state;
	struct changes_page page = page_of(s, 1);

	for (int i = 0; i < 3; i++) {
		answer_me(s);
		asks(s, "/v1/changes?");
		if (i == 0) /* another key */
			answer_page(s, &page, s->gbr.request, "begin");
		else if (i == 1) /* the answer to another cursor */
			answer_page(s, &page, s->deu.request, "before");
		else /* no signature at all */
			answer(s, 200, span_str("{}"));
		assert_false(pull_ready(s->pull));
		assert_int_not_equal(pull_due_ms(s->pull), UINT64_MAX);
		s->now = pull_due_ms(s->pull);
	}
	answer_me(s);
	asks(s, "/v1/changes?");
	answer_page(s, &page, s->deu.request, "begin");
	asks(s, "/v1/labels/");
}

static void a_cursor_that_is_gone_starts_afresh(void **state)
{
	struct scene *s = *state;

	answer_me(s);
	asks(s, "/v1/changes?");
	assert_non_null(memmem(s->request.target.at, s->request.target.len,
			       "since=begin", 11));
	answer(s, 410, span_str(""));
	asks(s, "/v1/changes?");
	assert_null(memmem(s->request.target.at, s->request.target.len,
			   "since=", 6));
}

static void many_keys_are_asked_for_in_batches(void **state)
{
	struct scene *s = *state;
	struct changes_page page = page_of(s, 300);

	answer_me(s);
	asks(s, "/v1/changes?");
	answer_page(s, &page, s->deu.request, "begin");
	asks(s, "/v1/labels/");
	answer(s, 404, span_str(""));
	/* 256, then 44: one at a time, each with a nonce of its own. */
	asks(s, "/v1/keys");
	asks_nothing(s);
	answer(s, 200, span_str("{\"keys\":[]}"));
	answer_me(s);
	asks(s, "/v1/keys");
	answer(s, 200, span_str("{\"keys\":[]}"));
	asks(s, "/v1/documents/");
	assert_true(pull_holds(s->pull, page.rows[0].id));
}

static void answers_to_a_page_that_was_dropped_are_ignored(void **state)
{
	struct scene *s = *state;
	struct changes_page page = page_of(s, 4);
	unsigned late, cut;

	answer_me(s);
	asks(s, "/v1/changes?");
	answer_page(s, &page, s->deu.request, "begin");
	asks(s, "/v1/labels/");
	answer(s, 404, span_str(""));
	asks(s, "/v1/keys");
	answer(s, 200, span_str("{\"keys\":[]}"));
	asks(s, "/v1/documents/");
	late = s->request.slot;
	asks(s, "/v1/documents/");
	cut = s->request.slot;
	pull_recv(s->pull, s->txn, cut, 0, (struct http_fields){0},
		  span_str(""), s->now);
	assert_false(pull_holds(s->pull, page.rows[0].id));
	pull_recv(s->pull, s->txn, late, 200, (struct http_fields){0},
		  span_str("late"), s->now);
	asks_nothing(s);
	s->now = pull_due_ms(s->pull);
	answer_me(s);
	asks(s, "/v1/changes?");
}

static void what_is_gone_since_it_was_announced_ends_nothing(void **state)
{
	struct scene *s = *state;
	struct changes_page page = page_of(s, 2);

	answer_me(s);
	asks(s, "/v1/changes?");
	answer_page(s, &page, s->deu.request, "begin");
	asks(s, "/v1/labels/");
	answer(s, 404, span_str(""));
	asks(s, "/v1/keys");
	answer(s, 200, span_str("{\"keys\":[]}"));
	for (int i = 0; i < 2; i++) {
		asks(s, "/v1/documents/");
		answer(s, 404, span_str(""));
	}
	assert_true(pull_ready(s->pull));
}

#define T(f) cmocka_unit_test_setup_teardown(f, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(an_unreachable_peer_is_asked_again_after_a_growing_wait),
		T(nothing_new_is_ready_at_once),
		T(a_page_that_the_peer_did_not_sign_is_refused),
		T(a_cursor_that_is_gone_starts_afresh),
		T(many_keys_are_asked_for_in_batches),
		T(answers_to_a_page_that_was_dropped_are_ignored),
		T(what_is_gone_since_it_was_announced_ends_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
