/* Pulling from one peer, as a machine. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "federation/pull.h"
#include "proto/base/base64.h"
#include "proto/document/author.h"
#include "proto/document/segment.h"
#include "proto/exchange/keys.h"
#include "proto/exchange/me.h"
#include "proto/exchange/peering.h"
#include "proto/exchange/signature.h"
#include "storage/author_store.h"
#include "storage/label_store.h"
#include "storage/segment.h"

enum {
	ARENA_MAX = 64 << 20, /* of one page and all that it needs */
	WANTS_MAX = 8192,
	SEGMENTS_A_CALL = 4,
	TARGET_MAX = 1024,
};

enum state {
	PULL_WAITING, /* until due */
	PULL_ME,
	PULL_PAGE,
	PULL_FACTS,
	PULL_KEYS,
	PULL_CONTENT,
	PULL_READY,
};

enum want_kind {
	WANT_CERTIFICATES,
	WANT_AUTHOR,
	WANT_LABEL,
	WANT_CONTENT,
};

enum want_state { WANT_TODO, WANT_ASKED, WANT_DONE, WANT_FAILED };

struct want {
	enum want_kind kind;
	enum want_state state;
	struct digest name;	 /* label, author or manifest digest */
	struct span result;	 /* label XML, author record, small blob */
	struct span certificate; /* beside an author record */
	/* Content. */
	struct doc_id doc;
	uint64_t size;
	struct digest table;
	size_t keys_count;
	struct span table_bytes; /* once it came */
	uint64_t next;		 /* segment */
	uint64_t asked;		 /* segments of the call under way */
};

struct call {
	bool busy;
	enum state state; /* in which it was made */
	struct want *want;
	struct buf target, body;
	struct signature_fields signature;
	struct buf range;
	uint64_t age; /* of the page: answers to a dropped page are dropped */
};

struct pull {
	struct pull_config config;
	struct nation peer;
	char endpoint[PEER_ENDPOINT_MAX + 1];
	char cursor[PEER_CURSOR_MAX + 1];
	enum state state;
	uint64_t due_ms, backoff_ms;
	uint64_t age;
	struct replica replica; /* of the peer's certificate */
	bool has_nonce;
	struct nonce nonce;
	uint8_t ask[PAGE_ASK_LEN];
	struct call calls[PULL_CALLS_MAX];
	/* One page. */
	struct arena arena;
	bool empty; /* 204 */
	struct changes_page page;
	struct want *wants;
	size_t want_count;
	struct keys_want *keys_wanted;
	size_t keys_count, keys_asked;
	struct import_key *keys;
	size_t key_count;
};

struct err pull_new(const struct pull_config *config, struct pull **out)
{
	const struct peer *peer = config->peer;
	struct pull *p = calloc(1, sizeof(*p));

	if (!p)
		return err_make(ERR_NO_MEMORY, "pull");
	if (peer->endpoint.len > PEER_ENDPOINT_MAX ||
	    peer->cursor.len > PEER_CURSOR_MAX) {
		free(p);
		return err_make(ERR_TOO_LARGE, "pull: endpoint or cursor");
	}
	p->config = *config;
	p->config.peer = NULL;
	p->peer = peer->nation;
	p->replica = peer->replica;
	memcpy(p->endpoint, peer->endpoint.at, peer->endpoint.len);
	if (peer->cursor.len)
		memcpy(p->cursor, peer->cursor.at, peer->cursor.len);
	p->state = PULL_ME;
	p->backoff_ms = PULL_BACKOFF_MIN_MS;
	arena_init(&p->arena, ARENA_MAX);
	for (int i = 0; i < PULL_CALLS_MAX; i++) {
		struct call *c = &p->calls[i];

		buf_init(&c->target, TARGET_MAX);
		buf_init(&c->body, KEYS_BODY_MAX);
		buf_init(&c->range, 64);
		signature_fields_init(&c->signature);
	}
	*out = p;
	return ERR_NONE;
}

static void page_drop(struct pull *p)
{
	if (p->keys)
		wipe(p->keys, p->key_count * sizeof(*p->keys));
	arena_clear(&p->arena);
	p->page = (struct changes_page){0};
	p->empty = false;
	p->wants = NULL;
	p->want_count = 0;
	p->keys_wanted = NULL;
	p->keys_count = p->keys_asked = 0;
	p->keys = NULL;
	p->key_count = 0;
	p->age++;
}

void pull_free(struct pull *p)
{
	if (!p)
		return;
	page_drop(p);
	for (int i = 0; i < PULL_CALLS_MAX; i++) {
		struct call *c = &p->calls[i];

		buf_clear(&c->target);
		buf_clear(&c->body);
		buf_clear(&c->range);
		signature_fields_clear(&c->signature);
	}
	free(p);
}

void pull_failed(struct pull *p, uint64_t now_ms)
{
	page_drop(p);
	p->has_nonce = false;
	p->state = PULL_WAITING;
	p->due_ms = now_ms + p->backoff_ms;
	p->backoff_ms *= 2;
	if (p->backoff_ms > PULL_BACKOFF_MAX_MS)
		p->backoff_ms = PULL_BACKOFF_MAX_MS;
}

uint64_t pull_due_ms(const struct pull *p)
{
	return p->state == PULL_WAITING ? p->due_ms : UINT64_MAX;
}

bool pull_ready(const struct pull *p)
{
	return p->state == PULL_READY;
}

bool pull_holds(const struct pull *p, struct doc_id doc)
{
	for (size_t i = 0; i < p->want_count; i++)
		if (p->wants[i].kind == WANT_CONTENT &&
		    doc_id_eq(p->wants[i].doc, doc))
			return true;
	return false;
}

/* ---- what a page needs ---- */

static struct err want_add(struct pull *p, const struct want *w)
{
	for (size_t i = 0; i < p->want_count; i++)
		if (p->wants[i].kind == w->kind &&
		    digest_eq(p->wants[i].name, w->name))
			return ERR_NONE;
	if (p->want_count == WANTS_MAX)
		return err_make(ERR_TOO_LARGE, "a page that needs too much");
	p->wants[p->want_count++] = *w;
	return ERR_NONE;
}

static struct err want_label(struct pull *p, struct txn *txn,
			     struct digest label)
{
	struct want w = {.kind = WANT_LABEL, .name = label};
	struct err e = label_store_get(txn, label, NULL, NULL);

	if (e.code == ERR_NOT_FOUND)
		return want_add(p, &w);
	return e;
}

static struct err want_author(struct pull *p, struct txn *txn,
			      struct key_id author)
{
	struct want w = {.kind = WANT_AUTHOR};
	bool known = false;
	struct err e = author_store_has(txn, author, &known);

	memcpy(w.name.at, author.at, DIGEST_LEN);
	if (!failed(e) && !known)
		e = want_add(p, &w);
	return e;
}

/* The certificate of the replica that sealed; ours is always known. */
static struct err want_certificate(struct pull *p, struct txn *txn,
				   struct span seal_blob)
{
	const struct replica_certificate *c;
	struct want w = {.kind = WANT_CERTIFICATES};
	struct seal *seal = malloc(sizeof(*seal));
	struct err e;

	if (!seal)
		return err_make(ERR_NO_MEMORY, "pull");
	e = seal_decode(seal_blob, seal);
	if (failed(e)) {
		free(seal);
		return ERR_NONE; /* import says what is wrong with it */
	}
	e = trust_certificate(p->config.trust, txn, seal->word.dot.replica, &c);
	free(seal);
	if (e.code == ERR_NOT_FOUND)
		e = want_add(p, &w);
	return e;
}

static struct err key_wanted(struct pull *p, struct doc_id doc,
			     struct digest commitment)
{
	for (size_t i = 0; i < p->keys_count; i++)
		if (digest_eq(p->keys_wanted[i].commitment, commitment))
			return ERR_NONE;
	if (p->keys_count == WANTS_MAX)
		return err_make(ERR_TOO_LARGE, "a page with too many keys");
	p->keys_wanted[p->keys_count++] = (struct keys_want){doc, commitment};
	return ERR_NONE;
}

static bool key_known(const struct document *doc, struct digest commitment)
{
	for (size_t h = 0; doc && h < doc->heads_count; h++)
		for (size_t i = 0; i < doc->heads[h].keys_count; i++)
			if (doc->heads[h].keys[i].present &&
			    digest_eq(doc->heads[h].keys[i].commitment,
				      commitment))
				return true;
	return false;
}

static struct err plan_head(struct pull *p, struct txn *txn,
			    const struct document *old,
			    const struct changes_head *head)
{
	struct manifest *m = arena_alloc(&p->arena, sizeof(*m));
	struct want w = {.kind = WANT_CONTENT};
	struct err e = arena_check(&p->arena);

	if (failed(e))
		return e;
	if (failed(manifest_decode(head->manifest, &p->arena, m)))
		return ERR_NONE; /* import says what is wrong with it */
	e = want_certificate(p, txn, head->seal);
	for (size_t i = 0; !failed(e) && i < head->evidence_count; i++)
		e = want_certificate(p, txn, head->evidence[i].seal);
	if (!failed(e))
		e = want_author(p, txn, m->author);
	if (!failed(e))
		e = want_label(p, txn, m->label);
	if (failed(e) || import_has_head(old, m->digest))
		return e;
	for (size_t i = 0; !failed(e) && i < m->keys_count; i++)
		if (!key_known(old, m->keys[i]))
			e = key_wanted(p, m->id, m->keys[i]);
	w.name = m->digest;
	w.doc = m->id;
	w.size = m->size;
	w.table = m->table;
	w.keys_count = m->keys_count;
	if (!failed(e))
		e = want_add(p, &w);
	return e;
}

static struct err plan_statement(struct pull *p, struct txn *txn,
				 const struct changes_statement *s)
{
	struct err e = want_certificate(p, txn, s->seal);

	if (failed(e))
		return e;
	if (s->first) {
		struct manifest *m = arena_alloc(&p->arena, sizeof(*m));

		if (m && !failed(manifest_decode(s->jws, &p->arena, m)))
			e = want_author(p, txn, m->author);
	} else {
		struct statement *st = arena_alloc(&p->arena, sizeof(*st));

		if (st && !failed(statement_decode(s->jws, &p->arena, st))) {
			e = want_author(p, txn, st->author);
			if (!failed(e) && st->kind == STATEMENT_LABEL)
				e = want_label(p, txn, st->label);
		}
	}
	if (failed(e))
		return e;
	return arena_check(&p->arena);
}

static struct err plan_row(struct pull *p, struct txn *txn,
			   const struct changes_row *row)
{
	struct document *old = NULL;
	struct span record;
	struct err e =
		txn_get(txn, TABLE_DOCUMENTS, key_document(row->id), &record);

	if (!failed(e)) {
		old = arena_alloc(&p->arena, sizeof(*old));
		e = arena_check(&p->arena);
		if (!failed(e))
			e = document_decode(record, &p->arena, old);
	} else if (e.code == ERR_NOT_FOUND) {
		e = ERR_NONE;
	}
	for (size_t i = 0; !failed(e) && i < row->statements_count; i++)
		e = plan_statement(p, txn, &row->statements[i]);
	for (size_t i = 0; !failed(e) && i < row->heads_count; i++)
		e = plan_head(p, txn, old, &row->heads[i]);
	return e;
}

static struct err plan(struct pull *p, struct txn *txn)
{
	struct err e;

	p->wants = arena_array(&p->arena, WANTS_MAX, sizeof(*p->wants));
	p->keys_wanted =
		arena_array(&p->arena, WANTS_MAX, sizeof(*p->keys_wanted));
	e = arena_check(&p->arena);
	for (size_t i = 0; !failed(e) && i < p->page.rows_count; i++)
		e = plan_row(p, txn, &p->page.rows[i]);
	for (size_t i = 0; !failed(e) && i < p->page.shelves_count; i++)
		for (size_t l = 0;
		     !failed(e) && l < p->page.shelves[i].labels_count; l++)
			e = want_label(p, txn, p->page.shelves[i].labels[l]);
	p->keys = arena_array(&p->arena, p->keys_count, sizeof(*p->keys));
	if (!failed(e))
		e = arena_check(&p->arena);
	return e;
}

/* ---- going from state to state ---- */

static bool open_wants(const struct pull *p, bool content)
{
	for (size_t i = 0; i < p->want_count; i++) {
		const struct want *w = &p->wants[i];

		if ((w->kind == WANT_CONTENT) == content &&
		    (w->state == WANT_TODO || w->state == WANT_ASKED))
			return true;
	}
	return false;
}

static bool busy(const struct pull *p)
{
	for (int i = 0; i < PULL_CALLS_MAX; i++)
		if (p->calls[i].busy && p->calls[i].age == p->age)
			return true;
	return false;
}

/* What is done leads on; called after each outcome. */
static void advance(struct pull *p)
{
	if (p->state == PULL_FACTS && !open_wants(p, false))
		p->state = PULL_KEYS;
	if (p->state == PULL_KEYS && p->keys_asked == p->keys_count && !busy(p))
		p->state = PULL_CONTENT;
	if (p->state == PULL_CONTENT && !open_wants(p, true))
		p->state = PULL_READY;
}

/* ---- making requests ---- */

static struct err sign(struct pull *p, struct call *c, const char *method,
		       uint64_t now_ms)
{
	struct http_request request = {
		.method = http_method_parse(span_str(method)),
		.authority = span_str(p->endpoint),
		.body = buf_span(&c->body),
	};
	struct err e = http_target_split(buf_span(&c->target), &request.path,
					 &request.query);

	if (!failed(e))
		e = signature_sign(p->config.request_key, &request, &p->nonce,
				   now_ms / 1000, &c->signature);
	p->has_nonce = false;
	return e;
}

static struct err make_page(struct pull *p, struct call *c)
{
	char ask[PAGE_ASK_LEN * 2], number[24];
	bool first = true;
	struct err e = random_fill(&p->config.random, p->ask, PAGE_ASK_LEN);

	if (failed(e))
		return e;
	base64url_encode_to(SPAN_OBJ(p->ask), ask);
	buf_put_str(&c->target, "/v1/changes");
	http_query_put(&c->target, &first, "ask", span_str(ask));
	snprintf(number, sizeof(number), "%d", PULL_ROWS);
	http_query_put(&c->target, &first, "limit", span_str(number));
	if (p->cursor[0])
		http_query_put(&c->target, &first, "since",
			       span_str(p->cursor));
	snprintf(number, sizeof(number), "%d", PULL_WAIT_S);
	http_query_put(&c->target, &first, "wait", span_str(number));
	return buf_check(&c->target);
}

static struct err make_keys(struct pull *p, struct call *c, uint64_t now_ms)
{
	struct keys_request request = {
		.wants = p->keys_wanted + p->keys_asked,
		.count = p->keys_count - p->keys_asked,
	};
	struct err e;

	if (request.count > KEYS_MAX)
		request.count = KEYS_MAX;
	buf_put_str(&c->target, "/v1/keys");
	keys_request_encode(&request, &c->body);
	e = buf_check(&c->body);
	if (!failed(e))
		e = sign(p, c, "POST", now_ms);
	if (!failed(e))
		p->keys_asked += request.count;
	return e;
}

/* The part of the blob that comes next: all of a small one; else the table,
 * then a few segments. */
static struct http_range next_range(const struct want *w)
{
	struct http_range r = {0, segment_blob_len(w->size)};
	uint64_t end = w->next + SEGMENTS_A_CALL;

	if (w->size <= SEGMENT_SMALL_MAX)
		return r;
	if (!w->table_bytes.len) {
		r.len = segment_table_len(w->size);
		return r;
	}
	if (end > segment_count(w->size))
		end = segment_count(w->size);
	r.from = segment_offset(w->size, w->next);
	r.len = segment_offset(w->size, end - 1) +
		segment_sealed_len(w->size, end - 1) - r.from;
	return r;
}

static struct err make_want(struct pull *p, struct call *c, struct want *w)
{
	char text[DIGEST_TEXT_LEN + 1], id[DOC_ID_TEXT_LEN + 1];
	struct http_range range;
	bool first = true;

	digest_format(w->name, text);
	switch (w->kind) {
	case WANT_CERTIFICATES:
		buf_put_str(&c->target, "/v1/peer/certificates");
		break;
	case WANT_AUTHOR:
		buf_printf(&c->target, "/v1/authors/%s", text);
		break;
	case WANT_LABEL:
		buf_printf(&c->target, "/v1/labels/%s", text);
		break;
	case WANT_CONTENT:
		doc_id_format(w->doc, id);
		buf_printf(&c->target, "/v1/documents/%s/content", id);
		http_query_put(&c->target, &first, "revision", span_str(text));
		range = next_range(w);
		http_range_format(range, &c->range);
		break;
	}
	w->state = WANT_ASKED;
	c->want = w;
	return buf_check(&c->target);
}

static struct want *next_want(struct pull *p)
{
	bool content = p->state == PULL_CONTENT;

	/* Certificates first: authors stand under them. */
	for (size_t i = 0; i < p->want_count; i++)
		if (p->wants[i].state == WANT_TODO &&
		    (p->wants[i].kind == WANT_CONTENT) == content)
			return &p->wants[i];
	return NULL;
}

static bool make(struct pull *p, struct call *c, uint64_t now_ms,
		 const char **method, struct err *e)
{
	struct want *w;

	*method = "GET";
	*e = ERR_NONE;
	switch (p->state) {
	case PULL_ME:
		if (busy(p))
			return false;
		buf_put_str(&c->target, "/v1/me");
		return true;
	case PULL_PAGE:
		if (busy(p))
			return false;
		*e = make_page(p, c);
		return true;
	case PULL_KEYS:
		if (busy(p) || p->keys_asked == p->keys_count)
			return false;
		if (!p->has_nonce) { /* one that was used up elsewhere */
			buf_put_str(&c->target, "/v1/me");
			return true;
		}
		*method = "POST";
		*e = make_keys(p, c, now_ms);
		return true;
	case PULL_FACTS:
	case PULL_CONTENT:
		w = next_want(p);
		if (!w)
			return false;
		*e = make_want(p, c, w);
		return true;
	case PULL_WAITING:
	case PULL_READY:
		break;
	}
	return false;
}

static struct call *free_call(struct pull *p, unsigned *slot)
{
	for (unsigned i = 0; i < PULL_CALLS_MAX; i++)
		if (!p->calls[i].busy) {
			struct call *c = &p->calls[i];

			*slot = i;
			buf_reset(&c->target);
			buf_reset(&c->body);
			buf_reset(&c->range);
			signature_fields_clear(&c->signature);
			signature_fields_init(&c->signature);
			c->want = NULL;
			return c;
		}
	return NULL;
}

bool pull_next(struct pull *p, uint64_t now_ms, struct pull_request *out)
{
	const char *method;
	struct call *c;
	struct err e;

	if (p->state == PULL_WAITING && now_ms >= p->due_ms)
		p->state = PULL_ME;
	c = free_call(p, &out->slot);
	if (!c || !make(p, c, now_ms, &method, &e))
		return false;
	if (failed(e)) {
		pull_failed(p, now_ms);
		return false;
	}
	c->busy = true;
	c->state = p->state;
	c->age = p->age;
	out->method = span_str(method);
	out->target = buf_span(&c->target);
	out->body = buf_span(&c->body);
	out->answer_max = PULL_ANSWER_MAX;
	out->field_count = 0;
	if (c->body.len) {
		out->fields[out->field_count++] =
			(struct http_field){span_str("content-type"),
					    span_str("application/json")};
		out->fields[out->field_count++] =
			(struct http_field){span_str("content-digest"),
					    buf_span(&c->signature.digest)};
		out->fields[out->field_count++] =
			(struct http_field){span_str("signature-input"),
					    buf_span(&c->signature.input)};
		out->fields[out->field_count++] =
			(struct http_field){span_str("signature"),
					    buf_span(&c->signature.signature)};
	}
	if (c->range.len)
		out->fields[out->field_count++] =
			(struct http_field){span_str("range"),
					    buf_span(&c->range)};
	return true;
}

/* ---- taking outcomes ---- */

static void take_nonce(struct pull *p, struct http_fields fields)
{
	struct span text;

	if (http_field_get(fields, "entente-nonce", &text) &&
	    !failed(nonce_parse(text, &p->nonce)))
		p->has_nonce = true;
}

static struct err take_me(struct pull *p, int status, struct span body)
{
	struct me_answer me;
	struct arena arena;
	struct err e;

	if (status != 200)
		return err_make(ERR_UNREACHABLE, "the peer refuses us");
	arena_init(&arena, ME_ANSWER_MAX * 2);
	e = me_answer_decode(body, &arena, &me);
	if (!failed(e)) {
		p->nonce = me.nonce;
		p->has_nonce = true;
	}
	arena_clear(&arena);
	return e;
}

/* The page is the peer's, and the answer to what we asked. */
static struct err check_page(struct pull *p, struct txn *txn,
			     struct http_fields fields, struct span body)
{
	const struct replica_certificate *c;
	struct page_signature signature;
	struct page_facts facts = {.since = span_str(p->cursor), .body = body};
	struct span value;
	struct err e;

	if (!http_field_get(fields, "entente-page", &value))
		return err_make(ERR_SIGNATURE, "a page without signature");
	e = page_parse(value, &signature);
	if (!failed(e))
		e = trust_certificate(p->config.trust, txn, p->replica, &c);
	if (failed(e))
		return e;
	facts.replica = p->replica;
	memcpy(facts.reader, p->config.self.code, NATION_LEN);
	memcpy(facts.ask, p->ask, PAGE_ASK_LEN);
	return page_check(c->draft.request, &facts, &signature);
}

static struct err take_page(struct pull *p, struct txn *txn, int status,
			    struct http_fields fields, struct span body)
{
	struct err e;

	if (status == 204) {
		p->empty = true;
		p->state = PULL_READY;
		return ERR_NONE;
	}
	if (status == 410) { /* another incarnation: afresh */
		p->cursor[0] = 0;
		return ERR_NONE;
	}
	if (status != 200)
		return err_make(ERR_UNREACHABLE, "no page");
	e = check_page(p, txn, fields, body);
	if (failed(e))
		return e;
	body = arena_copy(&p->arena, body);
	e = arena_check(&p->arena);
	if (!failed(e))
		e = changes_page_decode(body, &p->arena, &p->page);
	if (!failed(e) && p->page.cursor.len > PEER_CURSOR_MAX)
		e = err_make(ERR_TOO_LARGE, "a cursor that is too long");
	if (!failed(e))
		e = plan(p, txn);
	if (!failed(e))
		p->state = PULL_FACTS;
	return e;
}

static struct err take_key(struct pull *p, const struct keys_grant *g,
			   struct wrapped_receiver *receiver)
{
	struct import_key *out = &p->keys[p->key_count];
	struct err e;

	if (!g->granted)
		return ERR_NONE; /* its head comes without; see import */
	e = wrapped_receiver_open(receiver, &g->key, g->want.document,
				  g->want.commitment, out->key);
	if (failed(e))
		return e;
	out->commitment = g->want.commitment;
	p->key_count++;
	return ERR_NONE;
}

static struct err take_keys(struct pull *p, int status, struct span body)
{
	struct wrapped_receiver *receiver = NULL;
	const struct keys_grant *grants;
	struct arena arena;
	size_t count;
	struct err e;

	if (status != 200)
		return err_make(ERR_UNREACHABLE, "no keys");
	arena_init(&arena, 4 << 20);
	e = wrapped_receiver_new(p->config.guard_p384, &receiver);
	if (!failed(e))
		e = keys_answer_decode(body, &arena, &grants, &count);
	for (size_t i = 0; !failed(e) && i < count; i++) {
		if (p->key_count == p->keys_count)
			e = err_make(ERR_MALFORMED, "more keys than asked");
		if (!failed(e))
			e = take_key(p, &grants[i], receiver);
	}
	wrapped_receiver_free(receiver);
	arena_clear(&arena);
	return e;
}

static struct err take_segments(struct pull *p, struct want *w,
				struct span body)
{
	struct txn *txn = NULL;
	struct err e = txn_begin_write(p->config.store, STORE_SEGMENTS, &txn);
	uint64_t count = segment_count(w->size);

	for (int i = 0; !failed(e) && i < SEGMENTS_A_CALL && w->next < count;
	     i++) {
		struct segment_entry entry =
			segment_table_at(w->table_bytes, w->next);
		size_t len = segment_sealed_len(w->size, w->next);
		struct span sealed = span_sub(body, 0, len);

		e = segment_check(&entry, sealed);
		if (!failed(e))
			e = segment_put(txn, w->doc, entry.digest, sealed);
		body = span_sub(body, len, body.len);
		w->next++;
	}
	/* The table last: who finds it finds all. */
	if (!failed(e) && w->next == count)
		e = segment_table_put(txn, w->doc, w->table, w->table_bytes);
	if (!failed(e))
		e = txn_commit(&txn);
	txn_abort(&txn);
	return e;
}

/* Segments that an interrupted pull has left need not come again. */
static struct err skip_known(struct pull *p, struct want *w)
{
	struct txn *txn = NULL;
	bool known = true;
	struct err e = txn_begin_read(p->config.store, STORE_SEGMENTS, &txn);

	/* The last one always comes, so that the table is written. */
	while (!failed(e) && known && w->next + 1 < segment_count(w->size)) {
		e = segment_has(txn, w->doc,
				segment_table_at(w->table_bytes, w->next)
					.digest,
				&known);
		if (!failed(e) && known)
			w->next++;
	}
	txn_abort(&txn);
	return e;
}

static struct err take_content(struct pull *p, struct want *w, struct span body)
{
	struct http_range range = next_range(w);
	struct err e = ERR_NONE;

	if (body.len != range.len)
		return err_make(ERR_DIGEST, "content of a wrong length");
	if (w->size <= SEGMENT_SMALL_MAX) {
		w->result = arena_copy(&p->arena, body);
		w->state = WANT_DONE;
		return arena_check(&p->arena);
	}
	if (!w->table_bytes.len) {
		e = segment_table_check(body, w->size, w->table, w->keys_count);
		if (!failed(e)) {
			w->table_bytes = arena_copy(&p->arena, body);
			e = arena_check(&p->arena);
		}
		if (!failed(e))
			e = skip_known(p, w);
	} else {
		e = take_segments(p, w, body);
	}
	w->state = w->next == segment_count(w->size) ? WANT_DONE : WANT_TODO;
	return e;
}

static struct err take_certificates(struct pull *p, struct want *w,
				    struct span body)
{
	/* Kept as it came; import keeps those whose root is pinned. */
	w->result = arena_copy(&p->arena, body);
	w->state = WANT_DONE;
	return arena_check(&p->arena);
}

static struct err take_want(struct pull *p, struct want *w, int status,
			    struct span body)
{
	struct me_author author;
	struct me_label label;
	struct digest digest;
	struct err e = ERR_NONE;

	if (status == 0 || status >= 500 || status == 401 || status == 429)
		return err_make(ERR_UNREACHABLE, "a part of the page");
	if (status != 200 && status != 206) {
		/* Gone since it was announced: the feed will say so. */
		w->state = WANT_FAILED;
		return ERR_NONE;
	}
	switch (w->kind) {
	case WANT_CONTENT:
		return take_content(p, w, body);
	case WANT_CERTIFICATES:
		return take_certificates(p, w, body);
	case WANT_AUTHOR:
		e = me_author_decode(body, &p->arena, &author);
		w->result = author.author;
		w->certificate = author.certificate;
		break;
	case WANT_LABEL:
		e = me_label_decode(body, &p->arena, &label);
		if (!failed(e))
			e = crypto_sha256(label.label, &digest);
		if (!failed(e) && !digest_eq(digest, w->name))
			e = err_make(ERR_DIGEST, "a label of another digest");
		w->result = label.label;
		break;
	}
	w->state = failed(e) ? WANT_FAILED : WANT_DONE;
	return e.code == ERR_NO_MEMORY ? e : ERR_NONE;
}

void pull_recv(struct pull *p, struct txn *txn, unsigned slot, int status,
	       struct http_fields fields, struct span body, uint64_t now_ms)
{
	struct call *c = &p->calls[slot];
	struct err e = ERR_NONE;

	c->busy = false;
	if (c->age != p->age)
		return; /* of a page that was dropped */
	take_nonce(p, fields);
	switch (c->state) {
	case PULL_ME:
		e = take_me(p, status, body);
		if (!failed(e))
			p->state = PULL_PAGE;
		break;
	case PULL_PAGE:
		e = take_page(p, txn, status, fields, body);
		break;
	case PULL_KEYS:
		if (c->body.len)
			e = take_keys(p, status, body);
		else
			e = take_me(p, status, body);
		break;
	case PULL_FACTS:
	case PULL_CONTENT:
		e = take_want(p, c->want, status, body);
		break;
	case PULL_WAITING:
	case PULL_READY:
		break;
	}
	if (failed(e))
		pull_failed(p, now_ms);
	else
		advance(p);
}

/* ---- into the store ---- */

static struct err keep_certificates(struct import *in, struct span body)
{
	const struct peering_certificate *list;
	struct arena arena;
	size_t count = 0;
	struct err e;

	arena_init(&arena, PEERING_CERTIFICATES_BODY_MAX * 2);
	e = peering_certificates_decode(body, &arena, &list, &count);
	for (size_t i = 0; !failed(e) && i < count; i++) {
		struct replica_certificate *c = NULL;

		if (failed(replica_decode(list[i].certificate, &c)))
			continue;
		/* One that fails is of no use, and no harm. */
		(void)trust_keep(in->trust, in->txn, c->draft.replica.nation,
				 list[i].certificate)
			.code;
		replica_free(c);
	}
	arena_clear(&arena);
	return failed(e) && e.code == ERR_NO_MEMORY ? e : ERR_NONE;
}

static struct err keep_author(struct import *in, const struct want *w)
{
	const struct replica_certificate *c;
	struct author_record *a = NULL;
	struct err e = author_decode(w->result, &a);

	if (failed(e))
		return ERR_NONE;
	(void)trust_keep(in->trust, in->txn, a->replica.nation, w->certificate)
		.code;
	e = trust_certificate(in->trust, in->txn, a->replica, &c);
	if (!failed(e))
		e = author_check(a, c);
	if (!failed(e) && memcmp(a->id.at, w->name.at, DIGEST_LEN) == 0)
		e = author_store_put(in->txn, a->id, a->blob);
	else
		e = ERR_NONE; /* import says that the author is not known */
	author_free(a);
	return e;
}

static struct err keep_facts(struct pull *p, struct import *in,
			     const struct pull_labels *labels)
{
	struct err e = ERR_NONE;

	for (size_t i = 0; !failed(e) && i < p->want_count; i++) {
		const struct want *w = &p->wants[i];

		if (w->state != WANT_DONE)
			continue;
		if (w->kind == WANT_CERTIFICATES)
			e = keep_certificates(in, w->result);
		else if (w->kind == WANT_AUTHOR)
			e = keep_author(in, w);
		else if (w->kind == WANT_LABEL)
			e = labels->keep(labels->self, in->txn, w->result);
	}
	return e;
}

/* A head whose content did not come is left out: the feed brings it again,
 * or says that it is gone. */
static bool content_failed(const struct pull *p, const struct digest *manifest)
{
	for (size_t i = 0; i < p->want_count; i++)
		if (p->wants[i].kind == WANT_CONTENT &&
		    p->wants[i].state == WANT_FAILED &&
		    digest_eq(p->wants[i].name, *manifest))
			return true;
	return false;
}

static struct err usable_heads(struct pull *p, struct changes_row *row)
{
	struct changes_head *kept =
		arena_array(&p->arena, row->heads_count, sizeof(*kept));
	size_t n = 0;

	if (!kept)
		return arena_check(&p->arena);
	for (size_t i = 0; i < row->heads_count; i++) {
		struct manifest *m = arena_alloc(&p->arena, sizeof(*m));

		if (!m)
			return arena_check(&p->arena);
		if (!failed(manifest_decode(row->heads[i].manifest, &p->arena,
					    m)) &&
		    content_failed(p, &m->digest))
			continue;
		kept[n++] = row->heads[i];
	}
	row->heads = kept;
	row->heads_count = n;
	return ERR_NONE;
}

static struct err import_page(struct pull *p, struct import *in)
{
	struct import_content *contents =
		arena_array(&p->arena, p->want_count, sizeof(*contents));
	struct err e = arena_check(&p->arena);

	if (failed(e))
		return e;
	in->keys = p->keys;
	in->key_count = p->key_count;
	in->contents = contents;
	in->content_count = 0;
	for (size_t i = 0; i < p->want_count; i++)
		if (p->wants[i].kind == WANT_CONTENT &&
		    p->wants[i].state == WANT_DONE && p->wants[i].result.len)
			contents[in->content_count++] =
				(struct import_content){p->wants[i].name,
							p->wants[i].result};
	for (size_t i = 0; !failed(e) && i < p->page.rows_count; i++) {
		struct changes_row row = p->page.rows[i];
		bool had = row.heads_count > 0;

		e = usable_heads(p, &row);
		if (!failed(e) && had && !row.heads_count)
			continue;
		if (!failed(e))
			e = import_row(in, &row);
	}
	return e;
}

struct err pull_import(struct pull *p, struct import *in,
		       const struct pull_labels *labels, struct peer *peer)
{
	struct err e = ERR_NONE;

	if (!p->empty) {
		e = keep_facts(p, in, labels);
		if (!failed(e))
			e = import_page(p, in);
		if (failed(e))
			return e;
		peer->cursor = p->page.cursor;
		peer->pulled_rows += p->page.rows_count;
	}
	peer->more = p->page.more;
	peer->refused_rows += in->refused;
	peer->pulled = in->now;
	return peer_put(in->txn, peer);
}

void pull_imported(struct pull *p, uint64_t now_ms)
{
	if (p->page.cursor.len) {
		memcpy(p->cursor, p->page.cursor.at, p->page.cursor.len);
		p->cursor[p->page.cursor.len] = 0;
	}
	page_drop(p);
	p->backoff_ms = PULL_BACKOFF_MIN_MS;
	p->state = PULL_PAGE;
}
