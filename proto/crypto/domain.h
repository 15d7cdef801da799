/*
 * The table of domain strings: one for every hash, MAC, derivation,
 * associated data and signature, each with its version.  A test shows that
 * they differ and that none begins another.
 *
 * encode_* write encoding E (docs/PROTOCOL.md): the domain string and
 * variable members with a u16 length before them, fixed members raw, integers
 * big-endian u64 (suite u16; kind and last u8), lists with a u16 count.
 */
#ifndef PROTO_CRYPTO_DOMAIN_H
#define PROTO_CRYPTO_DOMAIN_H

#include "proto/base/buf.h"

enum domain {
	DOMAIN_ID,
	DOMAIN_LEAF,
	DOMAIN_SALTED_LEAF,
	DOMAIN_GROUP,
	DOMAIN_GROUP_SALT,
	DOMAIN_GROUP_FILLER,
	DOMAIN_GROUP_PLACE,
	DOMAIN_TICK,
	DOMAIN_AUDIT_HEAD,
	DOMAIN_REPLICA,
	DOMAIN_ROOT,
	DOMAIN_AUTHOR,
	DOMAIN_ENROL,
	DOMAIN_CHALLENGE,
	DOMAIN_ENROL_PROOF,
	DOMAIN_ENROL_REQUEST,
	DOMAIN_ENROL_ANSWER,
	DOMAIN_TOKEN_REQUEST,
	DOMAIN_TOKEN_ANSWER,
	DOMAIN_PEER_REQUEST,
	DOMAIN_PEER_ANSWER,
	DOMAIN_INVITATION_REQUEST,
	DOMAIN_INVITATION_ANSWER,
	DOMAIN_NONCE,
	DOMAIN_PAGE,
	DOMAIN_KEY, /* HPKE info: "entente key v1" */
	DOMAIN_WRAP,
	DOMAIN_COMMITMENT,
	DOMAIN_SEGMENT_KEY,
	DOMAIN_TITLE_KEY,
	DOMAIN_SEGMENT,
	DOMAIN_TITLE,
	DOMAIN_TABLE,
	DOMAIN_SLOT,
	DOMAIN_RING,
	DOMAIN_RECORD,
	DOMAIN_CURSOR,
	DOMAIN_REFERENCE,
	DOMAIN_AUDIT,
	DOMAIN_RECEIPT,
	DOMAIN_SHELF,	     /* name of a shelf: space, labels, condition */
	DOMAIN_RING_KEY,     /* the ring key sealed under the root key */
	DOMAIN_ROOT_KEY,     /* the root key sealed under a passphrase */
	DOMAIN_START_FILE,   /* guard keys on their way into the ring */
	DOMAIN_TOKEN_SECRET, /* one-time secrets at rest */
	DOMAIN_DEVICE_STORE, /* a device's folder at rest */
	DOMAIN_POLICY,	     /* digest of a set of policy files */
	DOMAIN_STANDING_REFERENCE, /* key of references without a guard */
	DOMAIN_WITNESS,		   /* countersignature of a tick */
	DOMAIN_BACKUP,		   /* a backup under the recovery key */
	DOMAIN_COUNT
};

/* The string, NUL-terminated: "entente id v1". */
const char *domain_string(enum domain d);

/* Begins an encoding E: the domain string with its u16 length. */
void encode_domain(struct buf *b, enum domain d);
/* Six bytes, big-endian. */
void encode_time48(struct buf *b, uint64_t ms);

#endif
