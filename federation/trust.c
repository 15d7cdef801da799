/* Pinned roots and replica certificates, decoded and checked once. */
#include <stdlib.h>
#include <threads.h>

#include "federation/trust.h"

enum { KNOWN_MAX = 4096 };

/* Certificates by digest of their blob; never dropped before the end. */
struct trust {
	mtx_t lock;
	size_t count;
	struct replica_certificate *known[KNOWN_MAX];
};

struct err trust_new(struct trust **out)
{
	struct trust *t = calloc(1, sizeof(*t));

	if (!t || mtx_init(&t->lock, mtx_plain) != thrd_success) {
		free(t);
		return err_make(ERR_NO_MEMORY, "trust");
	}
	*out = t;
	return ERR_NONE;
}

void trust_free(struct trust *t)
{
	if (!t)
		return;
	for (size_t i = 0; i < t->count; i++)
		replica_free(t->known[i]);
	mtx_destroy(&t->lock);
	free(t);
}

static const struct replica_certificate *find(struct trust *t, struct span blob)
{
	for (size_t i = 0; i < t->count; i++)
		if (span_eq(t->known[i]->blob, blob))
			return t->known[i];
	return NULL;
}

/* Decoded, checked under `root`, and remembered. */
static struct err check(struct trust *t, struct span blob,
			struct span root_spki, struct nation nation,
			const struct replica_certificate **out)
{
	struct replica_certificate *c = NULL;
	struct crypto_public *root = NULL;
	struct err e = replica_decode(blob, &c);

	if (!failed(e))
		e = crypto_public_from_spki(root_spki, &root);
	if (!failed(e))
		e = replica_check(c, root, nation, 0);
	crypto_public_free(root);
	if (failed(e)) {
		replica_free(c);
		return e;
	}
	mtx_lock(&t->lock);
	*out = find(t, blob);
	if (*out) {
		replica_free(c);
	} else if (t->count < KNOWN_MAX) {
		t->known[t->count++] = c;
		*out = c;
	} else {
		replica_free(c);
		e = err_make(ERR_BUSY, "too many replica certificates");
	}
	mtx_unlock(&t->lock);
	return e;
}

struct err trust_keep(struct trust *t, struct txn *txn, struct nation nation,
		      struct span certificate)
{
	const struct replica_certificate *c = NULL;
	struct span root;
	struct digest digest;
	struct err e = certificate_store_root(txn, nation, NULL, &root);

	if (failed(e))
		return err_blame(e, ERR_UNAUTHENTICATED,
				 "no seal root of that nation is pinned");
	e = check(t, certificate, root, nation, &c);
	if (!failed(e))
		e = certificate_store_put(txn, c->draft.replica, c->draft.issue,
					  c->blob, &digest);
	if (e.code == ERR_CONFLICT)
		e = err_make(ERR_REPLAYED, "a replica certificate of a lower "
					   "issue than the one known");
	return e;
}

struct err trust_pin(struct trust *t, struct txn *txn, struct nation nation,
		     struct span root_spki, struct span certificate)
{
	const struct replica_certificate *c = NULL;
	struct span pinned;
	struct err e = certificate_store_root(txn, nation, NULL, &pinned);

	if (!failed(e)) {
		if (!span_eq(pinned, root_spki))
			return err_make(ERR_CONFLICT,
					"another seal root is pinned for "
					"that nation");
	} else if (e.code == ERR_NOT_FOUND) {
		/* Check before the first word of it is kept. */
		e = check(t, certificate, root_spki, nation, &c);
		if (!failed(e))
			e = certificate_store_pin(txn, nation, 1, root_spki);
	}
	if (failed(e))
		return e;
	return trust_keep(t, txn, nation, certificate);
}

struct err trust_certificate(struct trust *t, struct txn *txn,
			     struct replica replica,
			     const struct replica_certificate **out)
{
	const struct replica_certificate *c;
	struct span blob, root;
	struct err e = certificate_store_latest(txn, replica, NULL, &blob);

	if (failed(e))
		return e;
	mtx_lock(&t->lock);
	c = find(t, blob);
	mtx_unlock(&t->lock);
	if (c) {
		*out = c;
		return ERR_NONE;
	}
	e = certificate_store_root(txn, replica.nation, NULL, &root);
	if (failed(e))
		return e;
	return check(t, blob, root, replica.nation, out);
}

struct err trust_seal(struct trust *t, struct txn *txn, const struct seal *seal,
		      const struct seal_subject *subject)
{
	const struct replica_certificate *c = NULL;
	struct err e = trust_certificate(t, txn, seal->word.dot.replica, &c);

	if (e.code == ERR_NOT_FOUND)
		return err_make(ERR_UNAUTHENTICATED,
				"the seal's replica is not known here");
	if (failed(e))
		return e;
	return seal_check(seal, subject, c);
}
