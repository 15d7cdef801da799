/*
 * `POST /v1/keys`: content keys, wrapped for the asker (docs/API.md).
 *
 * The request is signed (exchange/signature); with a cursor it says too what
 * the asker has applied, and may ask for nothing else.  The answer has one
 * entry for each key asked for, in the same order: the key or a problem.
 * Whoever opens a key checks it against its commitment before use.
 */
#ifndef PROTO_EXCHANGE_KEYS_H
#define PROTO_EXCHANGE_KEYS_H

#include "proto/base/json.h"
#include "proto/document/wrapped.h"
#include "proto/exchange/problem.h"

enum {
	KEYS_MAX = 256,
	KEYS_BODY_MAX = 64 * 1024,
	KEYS_ANSWER_MAX = 512 * 1024,
};

struct keys_want {
	struct doc_id document;
	struct digest commitment;
};

struct keys_request {
	struct span cursor; /* empty: none */
	const struct keys_want *wants;
	size_t count;
};

void keys_request_encode(const struct keys_request *request, struct buf *out);
/* Strict; everything lives in `arena`. */
struct err keys_request_decode(struct span body, struct arena *arena,
			       struct keys_request *out);

/* One entry of an answer. */
struct keys_grant {
	struct keys_want want;
	bool granted;
	struct wrapped key;	/* if granted */
	struct problem problem; /* if not; read only */
};

/* Writing, entry by entry. */
struct keys_writer {
	struct buf *out;
	struct json_writer json;
};

void keys_answer_begin(struct keys_writer *w, struct buf *out);
void keys_answer_key(struct keys_writer *w, const struct keys_want *want,
		     const struct wrapped *key);
/* `reference` as in problem_format. */
void keys_answer_problem(struct keys_writer *w, const struct keys_want *want,
			 struct err why, struct span reference);
/* Ends it; then buf_check. */
void keys_answer_end(struct keys_writer *w);

/* Strict; everything lives in `arena`. */
struct err keys_answer_decode(struct span body, struct arena *arena,
			      const struct keys_grant **grants, size_t *count);

#endif
