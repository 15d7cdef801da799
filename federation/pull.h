/*
 * Pulling from one peer: a machine without sockets that reads the peer's feed
 * with the reader's verbs, fetches what a page needs, and hands it to import.
 *
 *	me -> page -> facts (certificates, authors, labels) -> keys -> content
 *	-> ready: pull_import, in one transaction with the cursor -> page ...
 *	and each minute, before a page: ticks -> heard: pull_heard -> our word
 *	on them, if they were new
 *
 * pull_next gives requests, at most PULL_CALLS_MAX under way; pull_recv takes
 * outcomes.  A page holds at most PULL_ROWS rows, so memory is bounded
 * whatever the backlog.  Large content goes to the store segment by segment,
 * each checked against its table, and is found there when the pull is begun
 * anew.  Trouble means: drop the page, wait, begin again at the cursor.
 */
#ifndef FEDERATION_PULL_H
#define FEDERATION_PULL_H

#include "federation/import.h"
#include "federation/ticks.h"
#include "proto/exchange/http.h"
#include "storage/peer.h"

enum {
	PULL_TICKS_MS = 60000, /* how often the peer's ticks are asked for */
	PULL_CALLS_MAX = 8,
	PULL_ROWS = 64,
	PULL_WAIT_S = 20,
	PULL_ANSWER_MAX = 4 << 20,
	PULL_BACKOFF_MIN_MS = 500,
	PULL_BACKOFF_MAX_MS = 30000,
};

struct pull;

struct pull_config {
	struct nation self;
	const struct peer *peer; /* nation, endpoint, cursor: copied */
	struct store *store;	 /* for segments, and to see what is known */
	struct trust *trust;
	const struct crypto_key *request_key; /* signs our requests */
	const struct crypto_key *guard_p384;  /* opens keys wrapped for us */
	struct random random;
	bool has_tick;
	uint64_t tick_minute; /* the peer's newest tick that is known */
};

struct err pull_new(const struct pull_config *config, struct pull **out);
void pull_free(struct pull *pull);

struct pull_request {
	unsigned slot;			  /* names it in pull_recv */
	struct span method, target, body; /* until pull_recv */
	struct http_field fields[8];
	size_t field_count;
	size_t answer_max;
};

/* The next request; false if there is none now.  `now_ms` is UTC. */
bool pull_next(struct pull *pull, uint64_t now_ms, struct pull_request *out);
/* When pull_next may have one although nothing came; UINT64_MAX: never. */
uint64_t pull_due_ms(const struct pull *pull);
/* Its outcome; status 0: unreachable.  `txn` reads our records. */
void pull_recv(struct pull *pull, struct txn *txn, unsigned slot, int status,
	       struct http_fields fields, struct span body, uint64_t now_ms);

/* True while content of that document is being fetched: its segments are
 * named by nothing yet and must not be collected. */
bool pull_holds(const struct pull *pull, struct doc_id doc);

/* True when a page is complete, or the peer said that nothing is new. */
bool pull_ready(const struct pull *pull);

/* The peer's ticks have come: to be taken in; then pull_heard_done.  Borrowed
 * until then; NULL if there are none. */
const struct ticks_heard *pull_heard(const struct pull *pull);
/* `minute`: the newest that is known now, if `has`; `witness`: our word on it,
 * empty if there is none. */
void pull_heard_done(struct pull *pull, bool has, uint64_t minute,
		     struct span witness);

/* Who keeps a label that came: parses, checks, stores.  What is wrong with it
 * shows when it is judged. */
struct pull_labels {
	struct err (*keep)(void *self, struct txn *txn, struct span xml);
	void *self;
};

/*
 * Take the page in, and write cursor and counts to `peer` (peer_put is done
 * here), all in in->txn.  What the peer took from us goes first; if that is
 * more than one commit takes, the cursor stays, and the page is asked for
 * again.  Fills in->keys and in->contents itself.  After an
 * error call pull_failed: the page is asked for again.
 */
struct err pull_import(struct pull *pull, struct import *in,
		       const struct pull_labels *labels, struct peer *peer);
/* After the commit: the next page. */
void pull_imported(struct pull *pull, uint64_t now_ms);
void pull_failed(struct pull *pull, uint64_t now_ms);

#endif
