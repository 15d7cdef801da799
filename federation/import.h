/*
 * Taking in one row that a peer's feed offered.
 *
 * Checks in order: size and form, seal (trust in the nation of the dot) and
 * signature, policy, originator control, version, the local decision.  What
 * fails is quarantined by id, digest and reason, without its key; it never
 * stops the rest.  All or nothing per revision and statement: the row's
 * changes stand in the caller's transaction.
 */
#ifndef FEDERATION_IMPORT_H
#define FEDERATION_IMPORT_H

#include "federation/trust.h"
#include "proto/exchange/changes.h"
#include "storage/document_apply.h"
#include "storage/ring.h"

/* May a label be kept here at all?  ERR_NONE; ERR_NOT_FOUND if its bytes are
 * not here, ERR_LABEL, ERR_FOREIGN_POLICY, ERR_ABOVE_CEILING. */
struct import_judge {
	struct err (*label)(void *self, struct txn *txn, struct digest label);
	void *self;
};

struct import_key {
	struct digest commitment;
	uint8_t key[CRYPTO_KEY_LEN];
};

/* A small content blob that came with a head. */
struct import_content {
	struct digest manifest;
	struct span blob;
};

struct import {
	struct txn *txn; /* the writer's, outermost */
	struct document_writer *writer;
	struct trust *trust;
	struct ring *ring;
	struct import_judge judge;
	struct nation self;
	struct nation from; /* the peer */
	uint64_t now;	    /* UTC seconds */
	const struct import_key *keys;
	size_t key_count;
	const struct import_content *contents;
	size_t content_count;
	/* Counted up. */
	uint64_t taken;	  /* revisions and statements that are new here */
	uint64_t refused; /* quarantined */
	bool purges;	  /* a slot was marked: purge after the commit */
	/* Called for each document whose segments may be garbage now. */
	void (*garbage)(void *self, struct doc_id doc);
	void *garbage_self;
};

/* An error is a fault of ours (disk, memory, a corrupt record): the batch must
 * end.  What the peer did wrong is quarantined. */
struct err import_row(struct import *in, const struct changes_row *row);

/* The peer took the shelf from us: its documents are what is left of them
 * without the heads that stand there, or gone. */
struct err import_unshown(struct import *in, struct doc_id doc, uint32_t shelf);

/* Its home has the edits that were on their way (storage/returning.h): now the
 * document is withdrawn for good. */
struct err import_returned(struct import *in, struct doc_id doc);

/* Does the row have this head already, with its keys and content?  Then
 * nothing need be fetched. */
bool import_has_head(const struct document *doc, struct digest manifest);

#endif
