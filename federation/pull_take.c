/* What comes back to a pull. */
#include "federation/pull_state.h"
#include "proto/document/segment.h"
#include "proto/exchange/me.h"
#include "storage/segment.h"

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

/* The answer is the peer's, and to what we asked. */
static struct err check_answer(struct pull *p, struct txn *txn,
			       struct http_fields fields, struct span since,
			       struct span body,
			       struct page_signature *signature,
			       struct span *field)
{
	const struct replica_certificate *c;
	struct page_facts facts = {.since = since, .body = body};
	struct err e;

	if (!http_field_get(fields, "entente-page", field))
		return err_make(ERR_SIGNATURE, "an answer without signature");
	e = page_parse(*field, signature);
	if (!failed(e))
		e = trust_certificate(p->config.trust, txn, p->replica, &c);
	if (failed(e))
		return e;
	facts.replica = p->replica;
	memcpy(facts.reader, p->config.self.code, NATION_LEN);
	memcpy(facts.ask, p->ask, PAGE_ASK_LEN);
	return page_check(c->draft.request, &facts, signature);
}

static struct err take_ticks(struct pull *p, struct txn *txn, int status,
			     struct http_fields fields, struct span body,
			     uint64_t now_ms)
{
	char since[TICKS_MINUTE_TEXT] = "";
	struct page_signature signature;
	struct span field;
	struct err e;

	if (status == 0 || status >= 500 || status == 401 || status == 429)
		return err_make(ERR_UNREACHABLE, "no ticks");
	p->ticks_due_ms = now_ms + PULL_TICKS_MS;
	p->state = PULL_PAGE;
	if (status != 200)
		return ERR_NONE; /* a relay without them is pulled all the same */
	if (p->config.has_tick)
		ticks_minute_format(p->config.tick_minute, since);
	e = check_answer(p, txn, fields, span_str(since), body, &signature,
			 &field);
	if (failed(e))
		return e;
	buf_reset(&p->heard_body);
	buf_reset(&p->heard_page);
	buf_put(&p->heard_body, body);
	buf_put(&p->heard_page, field);
	e = buf_check(&p->heard_body);
	if (!failed(e))
		e = buf_check(&p->heard_page);
	if (failed(e))
		return e;
	p->heard = (struct ticks_heard){.of = p->replica,
					.body = buf_span(&p->heard_body),
					.page = buf_span(&p->heard_page),
					.time = signature.time};
	memcpy(p->heard.ask, p->ask, PAGE_ASK_LEN);
	p->state = PULL_HEARD;
	return ERR_NONE;
}

static struct err take_page(struct pull *p, struct txn *txn, int status,
			    struct http_fields fields, struct span body)
{
	struct page_signature signature;
	struct span field;
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
	e = check_answer(p, txn, fields, span_str(p->cursor), body, &signature,
			 &field);
	if (failed(e))
		return e;
	body = arena_copy(&p->arena, body);
	e = arena_check(&p->arena);
	if (!failed(e))
		e = changes_page_decode(body, &p->arena, &p->page);
	if (!failed(e) && p->page.cursor.len > PEER_CURSOR_MAX)
		e = err_make(ERR_TOO_LARGE, "a cursor that is too long");
	if (!failed(e))
		e = pull_plan(p, txn);
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

static struct err take_segments(struct pull *p, struct pull_want *w,
				struct span body)
{
	struct txn *txn = NULL;
	struct err e = txn_begin_write(p->config.store, STORE_SEGMENTS, &txn);
	uint64_t count = segment_count(w->size);

	for (int i = 0;
	     !failed(e) && i < PULL_SEGMENTS_A_CALL && w->next < count; i++) {
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
static struct err skip_known(struct pull *p, struct pull_want *w)
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

static struct err take_content(struct pull *p, struct pull_want *w,
			       struct span body)
{
	struct http_range range = pull_range(w);
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

static struct err take_certificates(struct pull *p, struct pull_want *w,
				    struct span body)
{
	/* Kept as it came; import keeps those whose root is pinned. */
	w->result = arena_copy(&p->arena, body);
	w->state = WANT_DONE;
	return arena_check(&p->arena);
}

static struct err take_want(struct pull *p, struct pull_want *w, int status,
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
	struct pull_call *c = &p->calls[slot];
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
	case PULL_TICKS:
		e = take_ticks(p, txn, status, fields, body, now_ms);
		break;
	case PULL_WITNESS: /* it is the peer's to keep it */
		p->state = PULL_PAGE;
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
	case PULL_HEARD:
	case PULL_READY:
		break;
	}
	if (failed(e))
		pull_failed(p, now_ms);
	else
		pull_advance(p);
}
