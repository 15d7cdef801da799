/*
 * `POST /v1/peer/invitation` and `GET /v1/peer/certificates`: nations' first
 * contact, and the certificates they pass on (docs/API.md).  JSON only: what
 * is MACed is proto/document/invitation.  The invitation's text is a token of
 * exchange/enrol.
 */
#ifndef PROTO_EXCHANGE_PEERING_H
#define PROTO_EXCHANGE_PEERING_H

#include "proto/exchange/enrol.h"

enum {
	PEERING_BODY_MAX = 64 * 1024,
	PEERING_CERTIFICATES_MAX = 256,
	PEERING_CERTIFICATES_BODY_MAX = 2 << 20,
};

/* From the invited nation to the inviting one. */
struct peering_request {
	struct nation nation;	 /* the invited one */
	struct span ca;		 /* DER of its CA */
	struct span certificate; /* its replica certificate */
	struct span endpoint;	 /* host:port of its peer listener */
	struct span root;	 /* SPKI of its seal root */
	uint8_t invitation[ENROL_TOKEN_LEN];
	uint8_t mac[ENROL_MAC_LEN]; /* m1 */
};

void peering_request_encode(const struct peering_request *request,
			    struct buf *out);
/* Strict; everything lives in `arena`. */
struct err peering_request_decode(struct span body, struct arena *arena,
				  struct peering_request *out);

/* The inviting nation's answer. */
struct peering_answer {
	struct span ca;
	struct span certificate;
	struct span root;
	uint8_t mac[ENROL_MAC_LEN]; /* m2 */
};

void peering_answer_encode(const struct peering_answer *answer,
			   struct buf *out);
struct err peering_answer_decode(struct span body, struct arena *arena,
				 struct peering_answer *out);

/* One nation's current certificate and the root it stands under. */
struct peering_certificate {
	struct span certificate;
	struct span root; /* SPKI */
};

void peering_certificates_encode(const struct peering_certificate *list,
				 size_t count, struct buf *out);
struct err peering_certificates_decode(struct span body, struct arena *arena,
				       const struct peering_certificate **list,
				       size_t *count);

#endif
