/*
 * The seal: a nation's word that it accepted a revision or a statement.
 *
 * The leaves of one commit stand under one Merkle root (RFC 6962 prefixes,
 * always eight levels), which the seal key signs with ES384.  Salts, fillers
 * and the places of the leaves come from one secret per group, so a path says
 * nothing about its neighbours or their number.
 */
#ifndef PROTO_DOCUMENT_SEAL_H
#define PROTO_DOCUMENT_SEAL_H

#include "proto/crypto/crypto.h"
#include "proto/document/manifest.h"
#include "proto/document/replica.h"
#include "proto/document/statement.h"
#include "proto/document/version.h"

enum {
	SEAL_LEVELS = 8,
	SEAL_LEAVES = 256, /* at most this many in a group */
	SEAL_SECRET_LEN = 32,
	SEAL_STATEMENTS_MAX = 8,
	SEAL_SIG_LEN = CRYPTO_SIG_P384_LEN,
	SEAL_BLOB_MAX = 4608,
};

enum seal_kind { SEAL_REVISION = 0, SEAL_STATEMENT = 1 };

/* What a seal is about; it stands in the manifest or statement that the seal
 * travels with. */
struct seal_subject {
	enum seal_kind kind;
	struct doc_id document;
	struct digest digest;
	struct key_id author;
};

struct seal_subject seal_subject_of_manifest(const struct manifest *m);
struct seal_subject seal_subject_of_statement(const struct statement *s);

/* What the relay adds: its dot, the statements a revision stands under, and
 * the context.  For statements counter is 0, the lists are empty. */
struct seal_word {
	enum seal_kind kind;
	struct dot dot;				  /* dot.replica sealed it */
	uint64_t statements[SEAL_STATEMENTS_MAX]; /* rising */
	size_t statements_count;
	struct version_context context;
};

struct seal {
	struct seal_word word;
	uint64_t time;	    /* UTC seconds, of the group */
	struct digest root; /* names the group */
	uint8_t signature[SEAL_SIG_LEN];
	uint8_t index; /* place in the tree */
	uint8_t salt[DIGEST_LEN];
	struct digest path[SEAL_LEVELS]; /* from the leaf up */
};

/* The leaf core: a digest of subject and word. */
struct err seal_core(const struct seal_subject *subject,
		     const struct seal_word *word, struct digest *out);

/* ---- groups ---- */

struct seal_group {
	struct replica replica;
	uint64_t time;
	size_t count;				/* real leaves */
	uint8_t places[SEAL_LEAVES];		/* of the i-th leaf handed in */
	uint8_t salts[SEAL_LEAVES][DIGEST_LEN]; /* by order handed in */
	struct digest nodes[2 * SEAL_LEAVES];	/* 1 the root, 2n and 2n+1 the
						 children of n */
};

/* Build the tree over `cores` (1 to 256, in the order that they were
 * committed).  The same input always gives the same group. */
struct err seal_group_build(const uint8_t secret[SEAL_SECRET_LEN],
			    struct replica replica, uint64_t time,
			    const struct digest *cores, size_t count,
			    struct seal_group *out);
static inline struct digest seal_group_root(const struct seal_group *g)
{
	return g->nodes[1];
}
/* Signs with the seal key (P-384). */
struct err seal_group_sign(const struct crypto_key *seal_key,
			   struct replica replica, uint64_t time,
			   struct digest root, uint8_t sig[SEAL_SIG_LEN]);
struct err seal_group_verify(const struct crypto_public *seal_key,
			     struct replica replica, uint64_t time,
			     struct digest root,
			     const uint8_t sig[SEAL_SIG_LEN]);
/* The seal of the i-th leaf handed in. */
void seal_group_seal(const struct seal_group *g, size_t i,
		     const struct seal_word *word,
		     const uint8_t sig[SEAL_SIG_LEN], struct seal *out);

/* What the tree gives the i-th leaf: place, salt, path from the leaf up. */
void seal_group_way(const struct seal_group *g, size_t i, uint8_t *index,
		    uint8_t salt[DIGEST_LEN], struct digest path[SEAL_LEVELS]);

/* ---- one seal ---- */

/* A seal whose parts are kept apart; everything is borrowed. */
struct seal_parts {
	enum seal_kind kind;
	struct dot dot;
	const uint64_t *statements;
	size_t statements_count;
	struct span context; /* version_context_encode */
	uint64_t time;
	struct digest root;
	const uint8_t *signature; /* SEAL_SIG_LEN */
	uint8_t index;
	const uint8_t *salt;	   /* DIGEST_LEN */
	const struct digest *path; /* SEAL_LEVELS */
};
/* The blob of seal_encode, without making a struct seal in between. */
void seal_encode_parts(const struct seal_parts *p, struct buf *out);

/* The binary blob (docs/PROTOCOL.md); base64url of it stands in JSON. */
void seal_encode(const struct seal *s, struct buf *out);
struct err seal_decode(struct span blob, struct seal *out);

/* ERR_DIGEST unless subject and word lie under the root. No signature is
 * checked: for whoever has checked the group already. */
struct err seal_check_path(const struct seal *s,
			   const struct seal_subject *subject);
/*
 * The whole check: the certificate names this replica, the group's time lies
 * in its time (ERR_TIME), the leaf lies under the root (ERR_DIGEST) and the
 * seal key signed it (ERR_SIGNATURE).  The certificate itself was checked
 * against the pinned root before; whether an ended replica's group lies under
 * a tick is for the caller.
 */
struct err seal_check(const struct seal *s, const struct seal_subject *subject,
		      const struct replica_certificate *certificate);

/* {"author":key id,"digest":digest,"seal":b64}: a seal that comes along as
 * evidence, with what it takes to check it for the same document. */
struct seal_evidence {
	struct digest digest;
	struct key_id author;
	struct seal seal;
};
void seal_evidence_to_json(const struct seal_evidence *e,
			   struct json_writer *w);
struct err seal_evidence_from_json(const struct json *object,
				   struct seal_evidence *out);
/* The subject of an evidence seal: a revision of that document. */
struct seal_subject seal_evidence_subject(const struct seal_evidence *e,
					  struct doc_id document);

#endif
