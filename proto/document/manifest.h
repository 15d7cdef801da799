/*
 * The manifest: one signed state of a document, as its author's device made
 * it.
 *
 * On the wire a compact JWS (RFC 7515, ES256) with one fixed header; at rest
 * the payload and the raw signature.  The payload is JSON in its RFC 8785
 * form, to the byte.  The digest is that of the JWS signing input, so another
 * valid signature gives no second identity; it is the revision's name and
 * ETag.  A manifest is not yet accepted by anybody: that is what a seal says.
 */
#ifndef PROTO_DOCUMENT_MANIFEST_H
#define PROTO_DOCUMENT_MANIFEST_H

#include "proto/crypto/crypto.h"
#include "proto/document/docid.h"

enum {
	MANIFEST_PARENTS_MAX = 16,
	MANIFEST_KEYS_MAX = 16,
	MANIFEST_SEALED_MAX = 2048, /* raw bytes of `sealed` */
	MANIFEST_EXT_MAX = 1024,    /* bytes of `ext` as JSON */
	MANIFEST_PAYLOAD_MAX = 8192,
	MANIFEST_JWS_MAX = 11264, /* of the compact text */
	MANIFEST_SIG_LEN = CRYPTO_SIG_P256_LEN,
};
/* A table lists at most 65535 segments: almost 16 GiB. */
#define MANIFEST_SIZE_MAX (UINT64_C(65535) * 262144)

enum manifest_priority {
	MANIFEST_ROUTINE = 0,
	MANIFEST_PRIORITY = 1,
	MANIFEST_IMMEDIATE = 2,
	MANIFEST_FLASH = 3,
};

struct manifest {
	struct doc_id id;
	struct nation home;
	struct span space;
	struct key_id author;
	uint64_t serial; /* from 1, rising per author and document */
	const struct digest *parents; /* sorted; none in the first manifest */
	size_t parents_count;
	uint64_t statement; /* number it was written under, from 1 */
	struct digest label;
	uint16_t suite;		   /* of the content: 1 */
	uint64_t size;		   /* of the plaintext */
	struct digest table;	   /* digest of the segment table */
	const struct digest *keys; /* commitments; 0 is this revision's own */
	size_t keys_count;	   /* at least 1 */
	struct span sealed;	   /* nonce || ciphertext || tag of title and
			       properties, or empty */
	uint8_t priority;	   /* enum manifest_priority */
	uint64_t time;		   /* UTC seconds, as the author says */
	struct span ext; /* RFC 8785 text of an object; empty means {} */
	uint8_t salt[DOCID_SALT_LEN]; /* only in the first manifest */

	/* Made by decoding and signing; ignored by manifest_encode. */
	bool must_understand; /* `ext` has a member `!...` unknown here: this
				 revision stands on no shelf */
	struct span payload;
	uint8_t signature[MANIFEST_SIG_LEN];
	struct digest digest;
};

/* A manifest without parents is the document's first. */
static inline bool manifest_is_first(const struct manifest *m)
{
	return m->parents_count == 0;
}

/*
 * From the compact JWS, or from payload and signature as stored.  Everything
 * in `out` lives in `arena`.  ERR_MALFORMED for anything but the one form:
 * another header, a payload that differs from its RFC 8785 form, unknown,
 * missing or surplus members, lists unsorted or too long, values out of
 * range, a first manifest whose id its own salt does not make
 * (ERR_FOREIGN_ID).  ERR_UNSUPPORTED for a suite unknown here, ERR_TOO_LARGE
 * beyond a cap.  The signature is not checked.
 */
struct err manifest_decode(struct span jws, struct arena *arena,
			   struct manifest *out);
struct err manifest_decode_stored(struct span payload, struct span signature,
				  struct arena *arena, struct manifest *out);

/* Append the payload in RFC 8785 form; refuses what decoding would refuse. */
struct err manifest_encode(const struct manifest *m, struct buf *payload);

/* Append the compact JWS of `m` signed by the author's key (P-256), whose id
 * must be m->author (else ERR_UNAUTHENTICATED). */
struct err manifest_sign(const struct crypto_key *author,
			 const struct manifest *m, struct buf *jws);

/* Append the compact JWS again from payload and signature. */
void manifest_format(const struct manifest *m, struct buf *jws);

/* ERR_SIGNATURE unless `author` signed it; ERR_UNAUTHENTICATED if the
 * payload names another key. */
struct err manifest_check_signature(const struct crypto_public *author,
				    const struct manifest *m);

/* ERR_FOREIGN_ID unless the id is made by `opening` (for the first manifest
 * its own: space, author, salt) and the space is the opening's. */
struct err manifest_check_id(const struct manifest *m,
			     const struct opening *opening);
/* The opening that a first manifest holds; borrows from it. */
struct opening manifest_opening(const struct manifest *first);

/* True if `digest` is among the parents. */
bool manifest_has_parent(const struct manifest *m, struct digest digest);

#endif
