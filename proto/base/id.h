/*
 * The names of things, as distinct types, so that arguments cannot change
 * places.
 */
#ifndef PROTO_BASE_ID_H
#define PROTO_BASE_ID_H

#include "proto/base/err.h"
#include "proto/base/span.h"

enum {
	NATION_LEN = 3,
	DOC_ID_LEN = 16,
	DOC_ID_TEXT_LEN = 36,
	DIGEST_LEN = 32,
	DIGEST_TEXT_LEN = 43, /* base64url without padding */
	REPLICA_TEXT_MAX = NATION_LEN + 1 + 20,
	SPACE_NAME_MAX = 64 + 1 + NATION_LEN, /* "GBR/" and at most 64 */
};

/* ISO 3166-1 alpha-3, upper-case ASCII. */
struct nation {
	char code[NATION_LEN];
};

/* A relay's incarnation: GBR.3 */
struct replica {
	struct nation nation;
	uint64_t number; /* from 1 */
};

/* A UUIDv7 whose free bits come from its opening (proto/document/docid). */
struct doc_id {
	uint8_t at[DOC_ID_LEN];
};

/* SHA-256 of something said by the field's name: label, manifest, table ... */
struct digest {
	uint8_t at[DIGEST_LEN];
};

/* SHA-256 of a key's SPKI: author, seal, request, guard key. */
struct key_id {
	uint8_t at[DIGEST_LEN];
};

/* A position in one store's feed; 0 is before everything. */
struct seq {
	uint64_t n;
};

static inline bool nation_eq(struct nation a, struct nation b)
{
	return memcmp(a.code, b.code, NATION_LEN) == 0;
}

static inline bool replica_eq(struct replica a, struct replica b)
{
	return nation_eq(a.nation, b.nation) && a.number == b.number;
}

static inline bool doc_id_eq(struct doc_id a, struct doc_id b)
{
	return memcmp(a.at, b.at, DOC_ID_LEN) == 0;
}

static inline bool digest_eq(struct digest a, struct digest b)
{
	return memcmp(a.at, b.at, DIGEST_LEN) == 0;
}

static inline bool key_id_eq(struct key_id a, struct key_id b)
{
	return memcmp(a.at, b.at, DIGEST_LEN) == 0;
}

/* memcmp order. */
int digest_cmp(struct digest a, struct digest b);
int nation_cmp(struct nation a, struct nation b);
/* By nation, then number. */
int replica_cmp(struct replica a, struct replica b);

/* Text to value; ERR_MALFORMED if it is not of the form. */
struct err nation_parse(struct span text, struct nation *out);
struct err replica_parse(struct span text, struct replica *out);
/* RFC 9562 text: 8-4-4-4-12 lower-case hex; version and variant not judged. */
struct err doc_id_parse(struct span text, struct doc_id *out);
/* 43 characters of base64url. */
struct err digest_parse(struct span text, struct digest *out);
struct err key_id_parse(struct span text, struct key_id *out);

/* Value to NUL-terminated text. */
void nation_format(struct nation n, char out[NATION_LEN + 1]);
void replica_format(struct replica r, char out[REPLICA_TEXT_MAX + 1]);
void doc_id_format(struct doc_id id, char out[DOC_ID_TEXT_LEN + 1]);
void digest_format(struct digest d, char out[DIGEST_TEXT_LEN + 1]);
void key_id_format(struct key_id k, char out[DIGEST_TEXT_LEN + 1]);

/* `nation/name`: name lower-case ASCII letters, digits, '-', '.', '_', 1..64. */
struct err space_check(struct span text);

#endif
