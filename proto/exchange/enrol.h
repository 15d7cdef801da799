/*
 * `POST /v1/enrol`: a device's first contact (docs/API.md).  JSON only: what
 * is MACed and signed is proto/document/enrolment.
 */
#ifndef PROTO_EXCHANGE_ENROL_H
#define PROTO_EXCHANGE_ENROL_H

#include "proto/base/json.h"
#include "proto/crypto/crypto.h"

enum {
	ENROL_BODY_MAX = 64 * 1024,
	ENROL_ATTESTATION_MAX = 24 * 1024,
	ENROL_TOKEN_LEN = 16, /* of a token's or invitation's id */
	ENROL_SECRET_LEN = 32,
	ENROL_MAC_LEN = 32,
	ENROL_TOKEN_TEXT_MAX = 1024,
	ENROL_ENDPOINT_MAX = 261,
	ENROL_SUBJECT_MAX = 64,
};

struct enrol_request {
	struct span attestation; /* may be empty: a device without one */
	struct span author;	 /* SPKI */
	struct span csr;	 /* PKCS#10, of the TLS key */
	struct span wrapping;	 /* X9.63 point */
	uint8_t token[ENROL_TOKEN_LEN];
	uint8_t proof[CRYPTO_SIG_P256_LEN];
	uint8_t mac[ENROL_MAC_LEN];
};

void enrol_request_encode(const struct enrol_request *request, struct buf *out);
/* Strict; everything lives in `arena`. */
struct err enrol_request_decode(struct span body, struct arena *arena,
				struct enrol_request *out);

struct enrol_answer {
	struct span ca;		 /* DER */
	struct span certificate; /* DER, the device's */
	struct span replica;	 /* replica certificate blob */
	struct span root;	 /* SPKI of the seal root */
	struct span subject;	 /* "alice" */
	uint8_t mac[ENROL_MAC_LEN];
};

void enrol_answer_encode(const struct enrol_answer *answer, struct buf *out);
struct err enrol_answer_decode(struct span body, struct arena *arena,
			       struct enrol_answer *out);

/*
 * The one line of text that an operator hands over (a QR code for devices):
 * `entente-device:` or `entente-peer:` and base64url of JSON.  It holds a
 * secret: wipe what holds it.
 */
enum enrol_token_kind { ENROL_DEVICE, ENROL_PEER };

struct enrol_token {
	enum enrol_token_kind kind;
	struct digest ca;     /* SHA-256 of the CA certificate (DER) */
	struct digest root;   /* H(SPKI) of the seal root */
	struct nation nation; /* of the relay that issued it */
	char endpoint[ENROL_ENDPOINT_MAX + 1]; /* host:port */
	uint8_t id[ENROL_TOKEN_LEN];
	uint8_t secret[ENROL_SECRET_LEN];
};

/* Appends the line, without a newline. */
void enrol_token_format(const struct enrol_token *token, struct buf *out);
/* White space around it is passed over.  ERR_MALFORMED for anything else
 * than one token. */
struct err enrol_token_parse(struct span text, struct enrol_token *out);

/* "host:port", "[::1]:port": printable, a port from 1 to 65535. */
struct err enrol_endpoint_check(struct span endpoint);

#endif
