/*
 * The insides of a pull, for pull*.c alone.
 *
 *   pull.c         made and freed; going from state to state
 *   pull_plan.c    what a page needs
 *   pull_ask.c     requests
 *   pull_take.c    their outcomes
 *   pull_import.c  into the store
 */
#ifndef FEDERATION_PULL_STATE_H
#define FEDERATION_PULL_STATE_H

#include "federation/forget.h"
#include "federation/pull.h"
#include "proto/exchange/keys.h"
#include "proto/exchange/signature.h"

enum {
	PULL_ARENA_MAX = 64 << 20, /* of one page and all that it needs */
	PULL_WANTS_MAX = 8192,
	PULL_SEGMENTS_A_CALL = 4,
	PULL_TARGET_MAX = 1024,
};

enum pull_state {
	PULL_WAITING, /* until due */
	PULL_ME,
	PULL_TICKS,
	PULL_HEARD, /* until pull_heard_done */
	PULL_WITNESS,
	PULL_PAGE,
	PULL_FACTS,
	PULL_KEYS,
	PULL_CONTENT,
	PULL_READY,
};

enum pull_want_kind {
	WANT_CERTIFICATES,
	WANT_AUTHOR,
	WANT_LABEL,
	WANT_CONTENT,
};

enum pull_want_state { WANT_TODO, WANT_ASKED, WANT_DONE, WANT_FAILED };

struct pull_want {
	enum pull_want_kind kind;
	enum pull_want_state state;
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

struct pull_call {
	bool busy;
	enum pull_state state; /* in which it was made */
	struct pull_want *want;
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
	enum pull_state state;
	uint64_t due_ms, backoff_ms;
	uint64_t age;
	struct replica replica; /* of the peer's certificate */
	bool has_nonce;
	struct nonce nonce;
	uint8_t ask[PAGE_ASK_LEN];
	struct pull_call calls[PULL_CALLS_MAX];
	/* Ticks. */
	uint64_t ticks_due_ms;
	struct ticks_heard heard;
	struct buf heard_body, heard_page, witness;
	/* One page. */
	struct arena arena;
	bool empty; /* 204 */
	struct forget_place forgotten;
	struct changes_page page;
	struct pull_want *wants;
	size_t want_count;
	struct keys_want *keys_wanted;
	size_t keys_count, keys_asked;
	struct import_key *keys;
	size_t key_count;
};

/* pull.c */
/* The page and all that it needed; answers under way are of no use. */
void pull_drop_page(struct pull *p);
/* A call of this page is under way. */
bool pull_busy(const struct pull *p);
/* What is done leads on; called after each outcome. */
void pull_advance(struct pull *p);

/* pull_plan.c */
/* Lists what p->page needs and is not here. */
struct err pull_plan(struct pull *p, struct txn *txn);

/* pull_ask.c */
/* The part of the blob that comes next: all of a small one; else the table,
 * then a few segments. */
struct http_range pull_range(const struct pull_want *w);

#endif
