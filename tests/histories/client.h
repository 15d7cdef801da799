/*
 * A reader of a history: what it holds, the cursors it keeps, and what it may
 * see.  It asks for pages as a relay answers them: page, ledger, commit,
 * sealed cursor.
 */
#ifndef TESTS_HISTORIES_CLIENT_H
#define TESTS_HISTORIES_CLIENT_H

#include "storage/feed.h"
#include "tests/histories/papers.h"

enum { CLIENT_HOLD_MAX = 256, CLIENT_ROWS_MAX = 64, CLIENT_CURSORS = 4 };

/* One head that a client holds. */
struct held {
	struct doc_id id;
	struct digest digest;
	uint32_t shelf;
	bool marked; /* a fresh start has not brought it again yet */
};

struct kept_cursor {
	char text[CURSOR_TEXT_MAX];
	unsigned keys;	 /* rotations of the key when it was made */
	unsigned stores; /* incarnations before it */
};

struct client {
	struct reader_name name;
	struct rights rights;
	struct view *view; /* the last one, as the guard keeps it */
	size_t hold_count;
	struct held hold[CLIENT_HOLD_MAX];
	size_t cursor_count; /* newest first */
	struct kept_cursor cursors[CLIENT_CURSORS];
	/* Nothing happened since the newest cursor that could make a page
	 * forget or fill: no right changed, no row expired, nothing lost. */
	bool steady;
	bool whole;  /* the newest cursor ended a sync */
	bool sweeps; /* a fresh start is under way */
	bool unsure; /* the store is an older one than it was answered from */
};

/* What a relay answered. */
struct client_row {
	struct doc_id id;
	size_t heads_count;
	struct held heads[PAPER_HEADS * 2];
};
struct client_page {
	bool refused; /* the cursor is gone: start afresh */
	bool fresh, more, unchanged, fills;
	size_t rows_count, forget_count;
	struct client_row rows[CLIENT_ROWS_MAX];
	uint32_t forget[CLIENT_HOLD_MAX];
	struct kept_cursor next;
	struct cursor plain;
};

/* The relay: its store and what is in memory. */
struct relay {
	struct tempstore *temp;
	struct shelf_index *index;
	struct papers papers;
	struct feed_expiry expiry;
	struct seq signed_upto; /* nations are told up to here */
	unsigned policy;
	unsigned keys, stores; /* rotations, incarnations */
	const char *wrong;     /* the first thing that was, or NULL */
};

/* Notes what is wrong, the first time; returns `good`. */
bool relay_check(struct relay *r, bool good, const char *what);

enum client_ask {
	CLIENT_ASK,
	CLIENT_ASK_CUT, /* the power goes before the ledger is on the disk */
};

/* One request since `since` (NULL: afresh), at most `rows` rows, of which
 * `room` fit.  False if something is wrong. */
bool client_ask(struct client *c, struct relay *r,
		const struct kept_cursor *since, unsigned rows, unsigned room,
		enum client_ask how, struct client_page *out);
/* The page and its cursor; without `keep` the rows alone. */
void client_take(struct client *c, struct relay *r,
		 const struct client_page *page, bool keep);
/* Two requests beside each other: of the second the rights have changed. */
bool client_ask_twice(struct client *c, struct relay *r,
		      const struct rights *then, struct client_page *out,
		      struct client_page *other);
/* A signed request that carries the newest cursor. */
bool client_confirm(struct client *c, struct relay *r);

/* What the client holds is what the model gives it. */
bool client_is_true(const struct client *c, const struct relay *r);
/* The ledger knows every shelf of which the client holds something. */
bool client_is_known(const struct client *c, struct relay *r);

#endif
