/*
 * `POST /v1/documents/{id}/statements`: label, delete, recall on their way in
 * (docs/API.md).  A 412 carries the statement in force: write_conflict_decode.
 */
#ifndef PROTO_EXCHANGE_STATEMENTS_H
#define PROTO_EXCHANGE_STATEMENTS_H

#include "proto/base/json.h"
#include "proto/document/docid.h"

enum { STATEMENTS_BODY_MAX = 64 * 1024, STATEMENTS_ANSWER_MAX = 1024 };

struct statements_request {
	struct span statement; /* compact JWS */
	struct opening opening;
	bool has_label;
	struct span label; /* XML, where the relay may not have it yet */
};

struct err statements_request_encode(const struct statements_request *request,
				     struct buf *out);
/* Strict; everything lives in `arena`. */
struct err statements_request_decode(struct span body, struct arena *arena,
				     struct statements_request *out);

struct statements_answer {
	struct digest digest;
	uint64_t number;
};

void statements_answer_encode(const struct statements_answer *answer,
			      struct buf *out);
struct err statements_answer_decode(struct span body,
				    struct statements_answer *out);

#endif
