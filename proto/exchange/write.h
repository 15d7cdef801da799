/*
 * `PUT /v1/documents/{id}`: one revision on its way in, the answer, and what
 * the two refusals that a client acts on carry (docs/API.md).
 *
 * The manifest is a compact JWS, the label its XML as it stands, content a
 * content blob of a document of at most 16 KiB.  Nothing is verified here.
 */
#ifndef PROTO_EXCHANGE_WRITE_H
#define PROTO_EXCHANGE_WRITE_H

#include "proto/base/json.h"
#include "proto/document/docid.h"
#include "proto/document/manifest.h"
#include "proto/document/version.h"
#include "proto/document/wrapped.h"

enum {
	WRITE_BODY_MAX = 64 * 1024,
	WRITE_INLINE_MAX = 16 * 1024, /* plaintext that goes inline */
	WRITE_LABEL_MAX = 32 * 1024,  /* of a label's XML */
	WRITE_ANSWER_MAX = 4096,
	WRITE_RANGES_MAX = 4096, /* of missing content */
	WRITE_HEADS_MAX = 64,
};

/* A content key for the guard, under the name the manifest gives it. */
struct write_key {
	struct digest commitment;
	struct wrapped key;
};

struct write_request {
	struct span manifest; /* compact JWS */
	bool has_opening;     /* with every manifest but the first */
	struct opening opening;
	bool has_label;
	struct span label; /* XML */
	bool has_content;
	struct span content; /* content blob */
	const struct write_key *keys;
	size_t keys_count; /* at most MANIFEST_KEYS_MAX */
};

/* Appends; ERR_TOO_LARGE beyond WRITE_BODY_MAX or the buffer's cap. */
struct err write_request_encode(const struct write_request *request,
				struct buf *out);
/* Strict; everything lives in `arena`. */
struct err write_request_decode(struct span body, struct arena *arena,
				struct write_request *out);

struct write_answer {
	struct digest digest; /* of the manifest: the ETag */
	struct dot dot;
	uint64_t statement; /* number that the revision stands under */
};

void write_answer_encode(const struct write_answer *answer, struct buf *out);
struct err write_answer_decode(struct span body, struct write_answer *out);

/*
 * 412: the heads that the asker may see (digests), and the statement in
 * force; for statements the same without heads.
 */
struct write_conflict {
	const struct digest *heads;
	size_t heads_count;
	uint64_t number;	      /* of the statement in force */
	const struct digest *digests; /* of that statement */
	size_t digests_count;
};

/* Appends raw members for problem_format: `"heads":[...],"statement":{...}`
 */
void write_conflict_members(const struct write_conflict *conflict,
			    struct buf *out);
/* From the problem document; members it lacks are empty and 0. */
struct err write_conflict_decode(struct span body, struct arena *arena,
				 struct write_conflict *out);

/* Bytes `from` to before `to` of the content blob. */
struct write_range {
	uint64_t from, to;
};

/* 409 missing-content: raw members `"missing":[[from,to],...]`; at most
 * WRITE_RANGES_MAX, the rest is left out (the client asks again). */
void write_missing_members(const struct write_range *ranges, size_t count,
			   struct buf *out);
struct err write_missing_decode(struct span body, struct arena *arena,
				const struct write_range **ranges,
				size_t *count);

#endif
