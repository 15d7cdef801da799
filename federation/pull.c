/* Pulling from one peer, as a machine: from state to state. */
#include <stdlib.h>

#include "federation/pull_state.h"

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
	arena_init(&p->arena, PULL_ARENA_MAX);
	buf_init(&p->heard_body, TICKS_BODY_MAX);
	buf_init(&p->heard_page, 512);
	buf_init(&p->witness, TICKS_BODY_MAX);
	for (int i = 0; i < PULL_CALLS_MAX; i++) {
		struct pull_call *c = &p->calls[i];

		buf_init(&c->target, PULL_TARGET_MAX);
		buf_init(&c->body, KEYS_BODY_MAX);
		buf_init(&c->range, 64);
		signature_fields_init(&c->signature);
	}
	*out = p;
	return ERR_NONE;
}

void pull_drop_page(struct pull *p)
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
	pull_drop_page(p);
	buf_clear(&p->heard_body);
	buf_clear(&p->heard_page);
	buf_clear(&p->witness);
	for (int i = 0; i < PULL_CALLS_MAX; i++) {
		struct pull_call *c = &p->calls[i];

		buf_clear(&c->target);
		buf_clear(&c->body);
		buf_clear(&c->range);
		signature_fields_clear(&c->signature);
	}
	free(p);
}

void pull_failed(struct pull *p, uint64_t now_ms)
{
	pull_drop_page(p);
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

const struct ticks_heard *pull_heard(const struct pull *p)
{
	return p->state == PULL_HEARD ? &p->heard : NULL;
}

void pull_heard_done(struct pull *p, bool has, uint64_t minute,
		     struct span witness)
{
	struct ticks_witnesses list = {.count = 1, .blobs = {witness}};

	p->config.has_tick = has;
	p->config.tick_minute = minute;
	buf_reset(&p->witness);
	if (witness.len)
		ticks_witnesses_encode(&list, &p->witness);
	p->state = witness.len ? PULL_WITNESS : PULL_PAGE;
}

bool pull_holds(const struct pull *p, struct doc_id doc)
{
	for (size_t i = 0; i < p->want_count; i++)
		if (p->wants[i].kind == WANT_CONTENT &&
		    doc_id_eq(p->wants[i].doc, doc))
			return true;
	return false;
}

/* ---- going from state to state ---- */

static bool open_wants(const struct pull *p, bool content)
{
	for (size_t i = 0; i < p->want_count; i++) {
		const struct pull_want *w = &p->wants[i];

		if ((w->kind == WANT_CONTENT) == content &&
		    (w->state == WANT_TODO || w->state == WANT_ASKED))
			return true;
	}
	return false;
}

bool pull_busy(const struct pull *p)
{
	for (int i = 0; i < PULL_CALLS_MAX; i++)
		if (p->calls[i].busy && p->calls[i].age == p->age)
			return true;
	return false;
}

/* What is done leads on; called after each outcome. */
void pull_advance(struct pull *p)
{
	if (p->state == PULL_FACTS && !open_wants(p, false))
		p->state = PULL_KEYS;
	if (p->state == PULL_KEYS && p->keys_asked == p->keys_count &&
	    !pull_busy(p))
		p->state = PULL_CONTENT;
	if (p->state == PULL_CONTENT && !open_wants(p, true))
		p->state = PULL_READY;
}
