/* Ticks, and the tree over a minute's groups. */
#include "proto/document/tick.h"

#include <stdlib.h>

#include "proto/document/merkle.h"

enum { PLACES = 1 << TICK_LEVELS };

struct err tick_audit_head(const uint8_t salt[DIGEST_LEN], struct digest link,
			   struct digest *out)
{
	struct buf b;
	struct err e;

	buf_init(&b, 128);
	encode_domain(&b, DOMAIN_AUDIT_HEAD);
	buf_put(&b, span_of(salt, DIGEST_LEN));
	encoding_put_digest(&b, link);
	e = encoding_hash(&b, out);
	buf_clear(&b);
	return e;
}

/* A node of the tree, numbered as in a heap: 1 the root, 2n and 2n+1 the
 * children of n, the leaves from 2^17. */
struct node {
	uint32_t n;
	struct digest digest;
};

static int node_cmp(const void *a, const void *b)
{
	const struct node *x = a, *y = b;

	return (x->n > y->n) - (x->n < y->n);
}

/* Places leaf `i`: derived, or the next that is free. */
static struct err leaf_place(const uint8_t *secret, size_t i, uint8_t *used,
			     uint32_t *out)
{
	uint8_t key[DIGEST_LEN];
	uint32_t at;
	struct err e = merkle_derive(secret, DOMAIN_GROUP_PLACE, i, key);

	if (failed(e))
		return e;
	at = ((uint32_t)key[0] << 24 | (uint32_t)key[1] << 16 |
	      (uint32_t)key[2] << 8 | key[3]) %
	     PLACES;
	while (used[at / 8] >> at % 8 & 1)
		at = (at + 1) % PLACES;
	used[at / 8] |= (uint8_t)(1 << at % 8);
	*out = at;
	return ERR_NONE;
}

/* The digest of node `n`: among `level`, sorted, from `*at` on, or a filler
 * that looks like any other. */
static struct err node_or_filler(const uint8_t *secret,
				 const struct node *level, size_t count,
				 size_t *at, uint32_t n, struct digest *out)
{
	if (*at < count && level[*at].n == n) {
		*out = level[(*at)++].digest;
		return ERR_NONE;
	}
	return merkle_derive(secret, DOMAIN_GROUP_FILLER, n, out->at);
}

/* Replaces a level by the one above; notes the sibling on the path. */
static struct err level_up(const uint8_t *secret, struct node *level,
			   size_t *count, uint32_t *way, struct digest *sibling)
{
	size_t at = 0, n = 0;
	struct err e = ERR_NONE;

	while (at < *count && !failed(e)) {
		uint32_t parent = level[at].n / 2;
		struct digest left, right;

		e = node_or_filler(secret, level, *count, &at, 2 * parent,
				   &left);
		if (!failed(e))
			e = node_or_filler(secret, level, *count, &at,
					   2 * parent + 1, &right);
		if (failed(e))
			break;
		if (parent == *way / 2)
			*sibling = *way & 1 ? left : right;
		level[n].n = parent;
		e = merkle_node(left, right, &level[n++].digest);
	}
	*way /= 2;
	*count = n;
	return e;
}

struct err tick_groups_root(const uint8_t secret[TICK_SECRET_LEN],
			    const struct digest *roots, size_t count,
			    struct digest *root, size_t index,
			    struct tick_path *path)
{
	struct tick_path found = {0};
	struct node *level = NULL;
	uint8_t *used = NULL;
	uint32_t way = 0;
	struct err e = ERR_NONE;

	if (count > TICK_GROUPS_MAX || (path && index >= count))
		return err_make(ERR_TOO_LARGE, "groups of a tick");
	if (count == 0)
		return merkle_derive(secret, DOMAIN_GROUP_FILLER, 1, root->at);
	level = calloc(count, sizeof(*level));
	used = calloc(PLACES / 8, 1);
	if (!level || !used) {
		e = err_make(ERR_NO_MEMORY, "tree of a tick");
		goto out;
	}
	for (size_t i = 0; i < count && !failed(e); i++) {
		uint8_t salt[DIGEST_LEN];
		uint32_t place;

		e = leaf_place(secret, i, used, &place);
		if (!failed(e))
			e = merkle_derive(secret, DOMAIN_GROUP_SALT, i, salt);
		if (!failed(e))
			e = merkle_leaf(salt, roots[i], &level[i].digest);
		if (failed(e))
			break;
		level[i].n = PLACES + place;
		if (path && i == index) {
			found.place = place;
			memcpy(found.salt, salt, sizeof(salt));
			way = level[i].n;
		}
	}
	if (failed(e))
		goto out;
	qsort(level, count, sizeof(*level), node_cmp);
	for (int i = 0; i < TICK_LEVELS && !failed(e); i++)
		e = level_up(secret, level, &count, &way, &found.nodes[i]);
	if (failed(e))
		goto out;
	*root = level[0].digest;
	if (path)
		*path = found;
out:
	free(level);
	free(used);
	return e;
}

struct err tick_check_path(const struct tick *tick, struct digest group_root,
			   const struct tick_path *path)
{
	struct digest leaf, root;
	struct err e;

	if (path->place >= PLACES)
		return err_make(ERR_MALFORMED, "place beyond the tree");
	e = merkle_leaf(path->salt, group_root, &leaf);
	if (!failed(e))
		e = merkle_root(leaf, path->place, path->nodes, TICK_LEVELS,
				&root);
	if (!failed(e) && !digest_eq(root, tick->groups))
		e = err_make(ERR_DIGEST, "the group is not under the tick");
	return e;
}

static void encode(const struct tick *t, struct buf *b)
{
	encode_domain(b, DOMAIN_TICK);
	encoding_put_replica(b, t->replica);
	buf_put_u64(b, t->minute);
	encoding_put_digest(b, t->previous);
	encoding_put_digest(b, t->groups);
	encoding_put_digest(b, t->audit);
}

struct err tick_sign(const struct crypto_key *seal_key, struct tick *t,
		     struct buf *blob)
{
	struct buf b;
	struct err e;

	buf_init(&b, TICK_BLOB_MAX);
	encode(t, &b);
	e = encoding_sign(seal_key, CRYPTO_P384, &b, t->signature);
	if (!failed(e)) {
		buf_put(blob, buf_span(&b));
		buf_put(blob, SPAN_OBJ(t->signature));
		e = buf_check(blob);
	}
	buf_clear(&b);
	return e;
}

struct err tick_decode(struct span blob, struct tick *out)
{
	struct span_reader r = span_read(blob);
	struct tick t = {0};
	struct err e;

	encoding_read_domain(&r, DOMAIN_TICK);
	encoding_read_replica(&r, &t.replica);
	t.minute = span_read_u64(&r);
	span_read_into(&r, t.previous.at, DIGEST_LEN);
	span_read_into(&r, t.groups.at, DIGEST_LEN);
	span_read_into(&r, t.audit.at, DIGEST_LEN);
	span_read_into(&r, t.signature, sizeof(t.signature));
	e = encoding_read_end(&r);
	if (!failed(e))
		*out = t;
	return e;
}

struct err tick_digest(const struct tick *t, struct digest *out)
{
	struct buf b;
	struct err e;

	buf_init(&b, TICK_BLOB_MAX);
	encode(t, &b);
	e = encoding_hash(&b, out);
	buf_clear(&b);
	return e;
}

struct err tick_check(const struct tick *t,
		      const struct replica_certificate *certificate)
{
	struct buf b;
	struct err e;

	if (!replica_eq(t->replica, certificate->draft.replica))
		return err_make(ERR_UNAUTHENTICATED, "tick of another replica");
	buf_init(&b, TICK_BLOB_MAX);
	encode(t, &b);
	e = buf_check(&b);
	if (!failed(e))
		e = encoding_verify(certificate->draft.seal, CRYPTO_P384,
				    buf_span(&b), SPAN_OBJ(t->signature));
	buf_clear(&b);
	return e;
}
