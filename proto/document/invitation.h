/*
 * Peering by invitation: the two MACs under its one-time secret.
 */
#ifndef PROTO_DOCUMENT_INVITATION_H
#define PROTO_DOCUMENT_INVITATION_H

#include "proto/crypto/crypto.h"

enum {
	INVITATION_ID_LEN = 16,
	INVITATION_SECRET_LEN = 32,
	INVITATION_MAC_LEN = 32,
	INVITATION_ENDPOINT_MAX = 261, /* "host:port" */
};

/* One side of the peering. */
struct invitation_side {
	struct nation nation;
	struct digest root;   /* H(SPKI) of the seal root */
	struct digest ca;     /* H of the CA certificate, DER */
	struct span endpoint; /* "host:port" */
};

struct invitation {
	uint8_t id[INVITATION_ID_LEN];
	struct invitation_side inviting;
	struct invitation_side invited;
};

/* Secrets: wipe when done. */
struct invitation_keys {
	uint8_t request[32];
	uint8_t answer[32];
};
struct err invitation_keys_derive(const uint8_t secret[INVITATION_SECRET_LEN],
				  const uint8_t id[INVITATION_ID_LEN],
				  struct invitation_keys *out);

/* m1, over both sides and the invited's replica certificate blob. */
struct err invitation_request_mac(const struct invitation_keys *keys,
				  const struct invitation *invitation,
				  struct span invited_certificate,
				  uint8_t out[INVITATION_MAC_LEN]);
/* m2, over m1 and the inviter's replica certificate blob. */
struct err invitation_answer_mac(const struct invitation_keys *keys,
				 const uint8_t request_mac[INVITATION_MAC_LEN],
				 struct span inviting_certificate,
				 uint8_t out[INVITATION_MAC_LEN]);
/* ERR_SIGNATURE unless equal; in constant time. */
struct err invitation_check_mac(const uint8_t expected[INVITATION_MAC_LEN],
				struct span mac);

#endif
