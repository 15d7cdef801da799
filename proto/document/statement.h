/*
 * The statement: the home nation's signed word on a document that is no edit.
 * A label, a delete or a recall, numbered, rising; number 1 is the first
 * manifest itself.  A compact JWS like a manifest, with its own `typ`.
 */
#ifndef PROTO_DOCUMENT_STATEMENT_H
#define PROTO_DOCUMENT_STATEMENT_H

#include "proto/document/manifest.h"

enum {
	STATEMENT_PREVIOUS_MAX = 16,
	STATEMENT_HEADS_MAX = 64,
	STATEMENT_PAYLOAD_MAX = 8192,
	STATEMENT_JWS_MAX = 11264,
};

enum statement_kind {
	STATEMENT_LABEL = 1,
	STATEMENT_DELETE = 2,
	STATEMENT_RECALL = 3,
};

struct statement {
	struct doc_id id;
	struct nation home;
	enum statement_kind kind;
	uint64_t number;	       /* from 2 */
	const struct digest *previous; /* sorted, at least 1: the known
					  statements number - 1 */
	size_t previous_count;
	struct key_id author;
	struct digest label;	    /* of STATEMENT_LABEL only */
	const struct digest *heads; /* sorted; of STATEMENT_LABEL only: the
				       heads it was made over */
	size_t heads_count;
	uint64_t time;	 /* UTC seconds */
	struct span ext; /* RFC 8785 text of an object; empty means {} */

	/* Made by decoding; ignored by statement_encode. */
	bool must_understand; /* as in a manifest: cannot be evaluated here,
				 so the document stands on no shelf */
	struct span payload;
	uint8_t signature[MANIFEST_SIG_LEN];
	struct digest digest;
};

/* As for a manifest, each. */
struct err statement_decode(struct span jws, struct arena *arena,
			    struct statement *out);
struct err statement_decode_stored(struct span payload, struct span signature,
				   struct arena *arena, struct statement *out);
struct err statement_encode(const struct statement *s, struct buf *payload);
struct err statement_sign(const struct crypto_key *author,
			  const struct statement *s, struct buf *jws);
void statement_format(const struct statement *s, struct buf *jws);
struct err statement_check_signature(const struct crypto_public *author,
				     const struct statement *s);

/* True if a label statement was made over that head. */
bool statement_lists(const struct statement *s, struct digest head);

/* Of two statements with one number, which counts: recall beats delete beats
 * label.  Greater than 0 if `a` beats `b`; 0 if both are of one kind. */
int statement_rank(const struct statement *a, const struct statement *b);

#endif
