/* Looking at a document: heads, statements, winner, seals. */
#include "storage/document.h"
#include "storage/group.h"

const struct document_head *document_head(const struct document *doc,
					  struct digest digest)
{
	for (size_t i = 0; i < doc->heads_count; i++)
		if (digest_eq(doc->heads[i].digest, digest))
			return &doc->heads[i];
	return NULL;
}

uint64_t document_number(const struct document *doc)
{
	size_t n = doc->statements_count;

	return n ? doc->statements[n - 1].number : 0;
}

size_t document_latest(const struct document *doc, size_t *first)
{
	size_t n = doc->statements_count, begin = n;

	while (begin > 0 &&
	       doc->statements[begin - 1].number == document_number(doc))
		begin--;
	*first = begin;
	return n - begin;
}

size_t document_in_force(const struct document *doc, size_t *first)
{
	size_t n = doc->statements_count, begin;

	if (document_latest(doc, &begin) == 0)
		return 0;
	/* Kinds are numbered by strength, and sorted. */
	while (doc->statements[begin].kind != doc->statements[n - 1].kind)
		begin++;
	*first = begin;
	return n - begin;
}

size_t document_labels(const struct document *doc,
		       const struct document_head *head,
		       struct digest out[DOCUMENT_STANDS_MAX])
{
	size_t n = 0;

	for (size_t i = 0; i < head->stands_count; i++) {
		struct digest label = doc->statements[head->stands[i]].label;
		size_t at = 0;

		while (at < n && digest_cmp(out[at], label) < 0)
			at++;
		if (at < n && digest_eq(out[at], label))
			continue;
		memmove(&out[at + 1], &out[at], (n - at) * sizeof(out[0]));
		out[at] = label;
		n++;
	}
	return n;
}

struct err document_context(const struct document_seal *seal,
			    struct version_context *out)
{
	struct span_reader r = span_read(seal->context);
	struct err e = version_context_read(&r, out);

	if (failed(e) || !span_read_done(&r))
		return err_make(ERR_CORRUPT, "a context is malformed");
	return ERR_NONE;
}

struct err document_order(const struct document *doc,
			  const struct document_head *a,
			  const struct document_head *b, int *out)
{
	struct version_context ca, cb;
	struct version va = {.digest = a->digest,
			     .own = {a->seals[0].dot, &ca},
			     .statement = a->statement};
	struct version vb = {.digest = b->digest,
			     .own = {b->seals[0].dot, &cb},
			     .statement = b->statement};
	struct err e = document_context(&a->seals[0], &ca);

	if (!failed(e))
		e = document_context(&b->seals[0], &cb);
	if (!failed(e))
		*out = version_order(&va, &vb, doc->home);
	return e;
}

size_t document_winner(const struct document *doc, const bool *visible)
{
	size_t best = SIZE_MAX;
	int order = 0;

	for (size_t i = 0; i < doc->heads_count; i++) {
		if (visible ? !visible[i] : doc->heads[i].shelf == SHELF_NONE)
			continue;
		if (best != SIZE_MAX) {
			struct err e =
				document_order(doc, &doc->heads[i],
					       &doc->heads[best], &order);
			if (failed(e) || order <= 0)
				continue;
		}
		best = i;
	}
	return best;
}

struct err document_word(const struct document_seal *seal, enum seal_kind kind,
			 struct seal_word *out)
{
	out->kind = kind;
	out->dot = seal->dot;
	out->statements_count = seal->statements_count;
	memcpy(out->statements, seal->statements, sizeof(out->statements));
	return document_context(seal, &out->context);
}

/* The tree of a signed group into the cache. */
static struct err cache_build(struct txn *txn, uint64_t group,
			      struct document_seal_cache *cache)
{
	struct group_row row;
	struct err e;

	if (cache->built_group == group)
		return ERR_NONE;
	cache->built_group = 0;
	e = group_get(txn, group, &row);
	if (!failed(e))
		e = seal_group_build(row.secret, row.replica, row.time,
				     (const struct digest *)row.leaves.at,
				     row.leaves.len / DIGEST_LEN,
				     &cache->built);
	wipe(row.secret, sizeof(row.secret));
	if (!failed(e))
		cache->built_group = group;
	return e;
}

/* The way from a leaf to the root: kept, or from the tree. */
static struct err find_way(struct txn *txn, struct document_seal_cache *cache,
			   const struct document_seal *seal,
			   struct group_leaf *out)
{
	_Static_assert((int)GROUP_LEVELS == (int)SEAL_LEVELS,
		       "one kind of tree");
	struct err e = group_leaf_get(txn, seal->group, seal->leaf, out);

	if (e.code != ERR_NOT_FOUND)
		return e;
	e = cache_build(txn, seal->group, cache);
	if (!failed(e) && seal->leaf >= cache->built.count)
		e = err_make(ERR_CORRUPT, "a seal outside its group");
	if (failed(e))
		return e;
	out->time = cache->built.time;
	seal_group_way(&cache->built, seal->leaf, &out->place, out->salt,
		       out->path);
	return ERR_NONE;
}

struct err document_seal_blob_cached(struct txn *txn,
				     struct document_seal_cache *cache,
				     const struct document_seal *seal,
				     enum seal_kind kind, struct buf *out)
{
	_Static_assert((int)GROUP_SIG_LEN == (int)SEAL_SIG_LEN,
		       "one kind of signature");
	struct seal_parts parts = {.kind = kind,
				   .dot = seal->dot,
				   .statements = seal->statements,
				   .statements_count = seal->statements_count,
				   .context = seal->context};
	struct group_leaf way;
	struct err e = ERR_NONE;

	if (seal->group == 0) {
		buf_put(out, seal->blob);
		return buf_check(out);
	}
	if (cache->group != seal->group) {
		cache->group = 0;
		e = group_signature(txn, seal->group, &cache->root,
				    cache->signature);
		if (!failed(e))
			cache->group = seal->group;
	}
	if (!failed(e))
		e = find_way(txn, cache, seal, &way);
	if (failed(e))
		return e;
	parts.time = way.time;
	parts.root = cache->root;
	parts.signature = cache->signature;
	parts.index = way.place;
	parts.salt = way.salt;
	parts.path = way.path;
	seal_encode_parts(&parts, out);
	return buf_check(out);
}

struct err document_seal_blob(struct txn *txn, const struct document_seal *seal,
			      enum seal_kind kind, struct buf *out)
{
	struct document_seal_cache cache = {0};

	return document_seal_blob_cached(txn, &cache, seal, kind, out);
}
