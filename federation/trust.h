/*
 * Whose word counts: the seal roots pinned per nation and the replica
 * certificates under them, each decoded and checked once.
 *
 * A root is pinned per nation, peer or not.  Certificates are kept by replica
 * with rising issue numbers; a lower one is refused.  Safe from any thread;
 * what is borrowed lives as long as the trust.
 */
#ifndef FEDERATION_TRUST_H
#define FEDERATION_TRUST_H

#include "proto/document/seal.h"
#include "storage/certificate_store.h"

struct trust;

struct err trust_new(struct trust **out);
void trust_free(struct trust *trust);

/*
 * Pin a nation's seal root and keep its certificate, both at first contact.
 * ERR_CONFLICT if another root is pinned; else as replica_check.  In the
 * writer's transaction.
 */
struct err trust_pin(struct trust *trust, struct txn *txn, struct nation nation,
		     struct span root_spki, struct span certificate);
/* Keep a certificate of a nation whose root is pinned: ERR_UNAUTHENTICATED if
 * none is, ERR_REPLAYED for a lower issue. */
struct err trust_keep(struct trust *trust, struct txn *txn,
		      struct nation nation, struct span certificate);

/* The latest certificate of a replica; ERR_NOT_FOUND. */
struct err trust_certificate(struct trust *trust, struct txn *txn,
			     struct replica replica,
			     const struct replica_certificate **out);
/* The whole check of a seal: its replica's certificate is found here. */
struct err trust_seal(struct trust *trust, struct txn *txn,
		      const struct seal *seal,
		      const struct seal_subject *subject);

#endif
