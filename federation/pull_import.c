/* A page that is complete, into the store. */
#include <stdlib.h>

#include "federation/pull_state.h"
#include "proto/document/author.h"
#include "proto/exchange/peering.h"
#include "storage/author_store.h"

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

static struct err keep_author(struct import *in, const struct pull_want *w)
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
		const struct pull_want *w = &p->wants[i];

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
	bool forgot = true;
	struct err e = ERR_NONE;

	if (!p->empty)
		e = forget_shelves(in, p->page.forget, p->page.forget_count,
				   &p->forgotten, &forgot);
	if (failed(e))
		return e;
	if (!forgot) {
		pull_drop_page(p);
		peer->more = true;
	} else if (!p->empty) {
		e = keep_facts(p, in, labels);
		if (!failed(e))
			e = import_page(p, in);
		if (failed(e))
			return e;
		peer->cursor = p->page.cursor;
		peer->pulled_rows += p->page.rows_count;
	}
	if (forgot)
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
	pull_drop_page(p);
	p->backoff_ms = PULL_BACKOFF_MIN_MS;
	p->state = PULL_PAGE;
}
